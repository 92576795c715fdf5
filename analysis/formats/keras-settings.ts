// A Keras layer's configuration as checked values: a damaged or unexpected file ends in a sentence, never in a wrong number.
import { UserError } from '../errors.ts';

export type Config = Readonly<Record<string, unknown>>;

/** Why a layer cannot become nodes of ours. */
export class Refusal extends Error {}

/** Refuses the layer at hand. */
export function refuse(reason: string): never {
  throw new Refusal(reason);
}

export interface Settings {
  readonly config: Config;
  has(key: string): boolean;
  number(key: string, fallback: number): number;
  /** A number, or null where there is none. */
  optional(key: string): number | null;
  flag(key: string, fallback: boolean): boolean;
  word(key: string, fallback: string): string;
  /** Whole numbers from `least` on, one per axis; a single number stands for all axes. */
  sizes(key: string, axes: number, fallback: number, least?: number): number[];
  /** A list of whole numbers, or a single one as a list. */
  whole(key: string): number[] | undefined;
}

export const isRecord = (value: unknown): value is Config =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The settings of a layer; `where` names it in errors. */
export function settingsOf(config: Config, where: string): Settings {
  const wrong = (key: string): UserError =>
    new UserError(`${where}: its ${key} is ${shown(config[key])}, which eigenlens cannot use.`);
  const given = (key: string): unknown => (Object.hasOwn(config, key) ? (config[key] ?? undefined) : undefined);
  const number = (key: string): number | undefined => {
    const value = given(key);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(key);
    return value;
  };
  const whole = (key: string): number[] | undefined => {
    const value = given(key);
    if (value === undefined) return undefined;
    const list: unknown[] = Array.isArray(value) ? value : [value];
    if (!list.every((n): n is number => Number.isSafeInteger(n))) throw wrong(key);
    return list;
  };
  return {
    config,
    has: (key) => given(key) !== undefined,
    number: (key, fallback) => number(key) ?? fallback,
    optional: (key) => number(key) ?? null,
    flag(key, fallback) {
      const value = given(key);
      if (value === undefined) return fallback;
      if (typeof value !== 'boolean') throw wrong(key);
      return value;
    },
    word(key, fallback) {
      const value = given(key);
      if (value === undefined) return fallback;
      if (typeof value !== 'string') throw wrong(key);
      return value;
    },
    sizes(key, axes, fallback, least = 1) {
      const list = whole(key) ?? [fallback];
      const spread = list.length === 1 ? new Array<number>(axes).fill(list[0]!) : list;
      if (spread.length !== axes || spread.some((n) => n < least)) throw wrong(key);
      return spread;
    },
    whole,
  };
}

/** A value of a file as errors show it: short, whatever it is. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
