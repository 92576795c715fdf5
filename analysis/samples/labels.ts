// Labels and class names: whole numbers or names, brought onto the order of the network's outputs.
import { EXIT, nearest, UserError } from '../errors.ts';

/** One label a sample, still as it was written. */
export type Labels =
  | { readonly kind: 'numbers'; readonly values: Int32Array; readonly where: string }
  | { readonly kind: 'names'; readonly values: readonly string[]; readonly where: string };

export interface ClassNames {
  /** As they are shown, in the order of the outputs. */
  readonly names: readonly string[];
  /** Other spellings (each synonym, a WordNet id) to output index. */
  readonly aliases: ReadonlyMap<string, number>;
}

/** Whether numbers can be class labels: whole and not negative. */
export function areLabels(values: ArrayLike<number>): boolean {
  return Array.prototype.every.call(values, (value: number) => Number.isInteger(value) && value >= 0);
}

/** Class labels from numbers; `where` they come from stands in errors. */
export function labelsFromNumbers(values: ArrayLike<number>, where: string): Labels {
  const bad = Array.prototype.findIndex.call(values, (value: number) => !Number.isInteger(value) || value < 0);
  if (bad >= 0) {
    throw new UserError(
      `Label ${bad} in ${where} is ${values[bad]}; labels are whole numbers from 0, or class names.`,
      {
        hint: 'Leave out --labels when the targets are no classes.',
      },
    );
  }
  return { kind: 'numbers', values: Int32Array.from(values), where };
}

/** Labels from text, one a sample: numbers when all of them are, else names. */
export function labelsFromText(values: readonly string[], where: string): Labels {
  if (values.length > 0 && values.every((value) => /^\d+(\.0*)?$/.test(value)))
    return labelsFromNumbers(values.map(Number), where);
  const empty = values.findIndex((value) => value === '');
  if (empty >= 0) throw new UserError(`Label ${empty} in ${where} is empty.`);
  if (values.some((value) => /^[+-]?(\d+\.\d*|\.\d+|\d+e[+-]?\d+|-\d+)$/i.test(value)))
    return labelsFromNumbers(values.map(Number), where);
  return { kind: 'names', values, where };
}

/** Class names as a list, with the spellings under which a label may name them. */
export function classNamesFrom(given: readonly string[]): ClassNames {
  const aliases = new Map<string, number>();
  const names = given.map((entry, index) => {
    const [, id, name] = /^(n\d{8})\s+(.+)$/.exec(entry) ?? [undefined, undefined, entry];
    for (const spelling of [...name.split(','), ...(id ? [id] : [])])
      if (!aliases.has(spelled(spelling))) aliases.set(spelled(spelling), index);
    return name;
  });
  for (const [index, name] of names.entries()) aliases.set(spelled(name), index);
  return { names, aliases };
}

const spelled = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replace(/[_\s-]+/g, ' ');

export interface ResolvedLabels {
  readonly labels: Int32Array | null;
  readonly classNames: readonly string[] | null;
  readonly notes: readonly string[];
}

/**
 * Labels as output indices. `given` class names (--classes) must know every label; the network's own are used where
 * they do, and otherwise names are numbered in alphabetical order, as training tools do with folders.
 */
export function resolveLabels(labels: Labels | null, given: ClassNames | null, own: ClassNames | null): ResolvedLabels {
  const names = given ?? own;
  if (!labels) return { labels: null, classNames: names?.names ?? null, notes: [] };
  if (labels.kind === 'numbers') {
    const outside = names ? labels.values.findIndex((value) => value >= names.names.length) : -1;
    if (names && outside >= 0) {
      const message = `Label ${labels.values[outside]} of sample ${outside} in ${labels.where} has no name among ${names.names.length} classes.`;
      throw new UserError(message, { hint: 'Labels count from 0, in the order of the class names.' });
    }
    return { labels: labels.values, classNames: names?.names ?? null, notes: [] };
  }
  const unknown = names ? labels.values.find((value) => !names.aliases.has(spelled(value))) : undefined;
  if (names && unknown === undefined) {
    return {
      labels: Int32Array.from(labels.values, (value) => names.aliases.get(spelled(value))!),
      classNames: names.names,
      notes: [],
    };
  }
  if (given) {
    const close = nearest(spelled(unknown!), given.aliases.keys());
    throw new UserError(`Label "${unknown}" in ${labels.where} is not among the ${given.names.length} class names.`, {
      exitCode: EXIT.input,
      hint: close ? `Did you mean "${close}"?` : 'Name folders (or labels) as the classes are named in --classes.',
    });
  }
  const sorted = [...new Set(labels.values)].sort();
  const note = own
    ? `Label "${unknown}" is none of the network's class names; classes are numbered in alphabetical order instead.`
    : `Classes are numbered in alphabetical order: ${sorted.slice(0, 5).join(', ')}${sorted.length > 5 ? ', …' : ''}.`;
  return {
    labels: Int32Array.from(labels.values, (value) => sorted.indexOf(value)),
    classNames: sorted,
    notes: [note],
  };
}
