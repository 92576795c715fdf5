// Files of labels (.npy, IDX, one a line, or name and label a line) and of class names (text or JSON).
import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { nearest, UserError } from '../errors.ts';
import { decodeNpy, isNpy } from '../figures/npy.ts';
import { headOf, openBytes } from './bytes.ts';
import { idxHeader, idxNumbers } from './idx.ts';
import { classNamesFrom, labelsFromNumbers, labelsFromText, type ClassNames, type Labels } from './labels.ts';

/** Reads a labels file: .npy or IDX (.gz) of whole numbers, or text with one label a line (or `name,label` lines). */
export async function readLabels(path: string, sampleNames: readonly string[]): Promise<Labels> {
  const where = basename(path);
  const head = await headOf(path).catch((error: unknown) => {
    throw unreadable('Labels', path, error);
  });
  if (isNpy(head)) {
    const bytes = await openBytes(path);
    const { values, shape } = decodeNpy(await bytes.range(0, bytes.length), where);
    if (values.length !== shape[0])
      throw new UserError(`${where} has shape ${shape.join(' × ')}; labels are one number a sample.`);
    return labelsFromNumbers(values, where);
  }
  if (idxHeader(head)) return labelsFromNumbers(await idxNumbers(path), where);
  return textLabels(await readFile(path, 'utf8'), where, sampleNames);
}

function textLabels(text: string, where: string, sampleNames: readonly string[]): Labels {
  if (text.includes('\u0000'))
    throw new UserError(`${where} is neither an array nor text.`, { hint: 'Labels are .npy, IDX, or one a line.' });
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  while (lines.at(-1) === '') lines.pop();
  const rows = lines.map((line) => line.split(/[,;\t]/).map(unquoted));
  if (rows.every((row) => row.length === 2)) return pairedLabels(rows as [string, string][], where, sampleNames);
  const values = lines.map(unquoted);
  return labelsFromText(/^(label|labels|class|target|y)$/i.test(values[0] ?? '') ? values.slice(1) : values, where);
}

/** `sample name, label` lines, in any order, with or without a header. */
function pairedLabels(rows: readonly [string, string][], where: string, sampleNames: readonly string[]): Labels {
  const byName = new Map(rows);
  const values = sampleNames.map((name) => {
    const label = byName.get(name) ?? byName.get(basename(name));
    if (label !== undefined) return label;
    const close = nearest(name, byName.keys());
    throw new UserError(`${where} has no label for sample "${name}".`, {
      hint: close ? `It has one for "${close}".` : 'Its lines read: sample name, label.',
    });
  });
  return labelsFromText(values, where);
}

function unquoted(text: string): string {
  const trimmed = text.trim();
  return /^(".*"|'.*')$/.test(trimmed) ? trimmed.slice(1, -1) : trimmed;
}

/** Reads class names: JSON (a list, or an object from index to name) or text, one a line (`index: name` lines too). */
export async function readClassNames(path: string): Promise<ClassNames> {
  const where = basename(path);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadable('Class names', path, error);
  });
  if (text.includes('\u0000')) throw new UserError(`${where} is not text.`, { hint: CLASS_NAMES });
  const names =
    extname(path).toLowerCase() === '.json' || /^\s*[[{]\s*"/.test(text)
      ? namesFromJson(text, where)
      : namesFromText(text);
  if (names.length === 0) throw new UserError(`${where} holds no class names.`, { hint: CLASS_NAMES });
  refuseTable(names, where);
  return classNamesFrom(names);
}

const CLASS_NAMES =
  'Write one name a line, in the order of the outputs, or JSON: a list, or an object from output index to name.';

/** Digits may be names, each once; rows of numbers, fractions, and numbers that come again are a table or labels. */
function refuseTable(names: readonly string[], where: string): void {
  const rows = names.map((name) => name.split(/[\s,;]+/).filter(Boolean));
  if (!rows.every((row) => row.length > 0 && row.every((word) => Number.isFinite(Number(word))))) return;
  const isTable = rows.some((row) => row.length > 1) || rows.some(([word]) => !Number.isInteger(Number(word)));
  if (!isTable && new Set(names).size === names.length) return;
  throw new UserError(
    `${where} holds ${isTable ? 'a table of numbers' : 'the same numbers again and again'} rather than class names.`,
    { hint: isTable ? CLASS_NAMES : `${CLASS_NAMES} Labels of samples are given with --labels.` },
  );
}

function namesFromJson(text: string, where: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${where} is not JSON: ${(error as Error).message}.`, { cause: error });
  }
  const entries = Array.isArray(value)
    ? Object.entries(value)
    : value && typeof value === 'object'
      ? Object.entries(value)
      : [];
  const names: string[] = [];
  for (const [key, name] of entries) {
    // Keras writes {"0": ["n01440764", "tench"]}.
    const text = Array.isArray(name) ? name.join(' ') : String(name);
    if (!/^\d+$/.test(key))
      throw new UserError(
        `${where} has the key "${key}"; class names are a list, or an object from output index to name.`,
      );
    names[Number(key)] = text;
  }
  if (names.length !== entries.length)
    throw new UserError(
      `${where} leaves outputs without a name: ${entries.length} names up to index ${names.length - 1}.`,
    );
  return names;
}

function namesFromText(text: string): string[] {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean);
  const indexed = lines.map((line) => /^\{?\s*\d+\s*:\s*(['"])(.*)\1\s*,?\s*\}?$/.exec(line)?.[2]);
  return indexed.every((name) => name !== undefined) ? indexed : lines;
}

/** The error for a file that cannot be opened. */
export function unreadable(what: string, path: string, error: unknown): UserError {
  if (error instanceof UserError) return error;
  const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return new UserError(
    missing ? `${what}: ${path} does not exist.` : `${what}: ${path} cannot be read (${(error as Error).message}).`,
    { cause: error },
  );
}
