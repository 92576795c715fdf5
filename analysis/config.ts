// Where settings come from: a flag wins over the environment (EIGENLENS_COUNT=5), that over eigenlens.config.ts|js|json,
// that over the default. The file is looked for upwards to the git root; paths in it are relative to it.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { z } from 'zod';
import { EXIT, UserError } from './errors.ts';
import {
  aboutOf,
  parseStrictly,
  preprocessingSchema,
  projectSchema,
  settingsSchema,
  unknownKey,
  type Project,
  type Settings,
} from './settings.ts';

const FILE_NAMES = ['eigenlens.config.ts', 'eigenlens.config.js', 'eigenlens.config.json'];
const PREFIX = 'EIGENLENS_';

export interface GivenConfig {
  /** By knob name. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  /** --config; null for none; else the file is looked for. */
  readonly file?: string | null | undefined;
}

export interface Config {
  readonly settings: Settings;
  readonly project: Project;
  /** The file that was read; null when there is none. */
  readonly file: string | null;
}

/** `lrpEpsilon` as EIGENLENS_LRP_EPSILON. */
export const variableOf = (name: string): string =>
  PREFIX + name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/** Reads everything that is given; UserError (exit code 2) naming the giver and the nearest name for what is wrong. */
export async function readConfig({ flags, environment, folder, file }: GivenConfig): Promise<Config> {
  const path = file === undefined ? findConfig(folder) : file === null ? null : resolve(folder, file);
  const fromFile = path ? await readConfigFile(path) : {};
  const schemas: Record<string, z.ZodType> = { ...settingsSchema.shape, ...projectSchema.shape };
  const given: Record<string, unknown> = {};
  const givers = new Map<string, string>();
  const take = async (key: string, value: unknown, giver: string, base: string): Promise<void> => {
    givers.set(key, giver);
    given[key] = await resolved(key, schemas[key]!, value, giver, base);
  };
  for (const [key, value] of Object.entries(fromFile)) {
    if (key === '$schema') continue;
    const giver = `"${key}" in ${path}`;
    if (!schemas[key]) throw unknownKey(key, [], Object.keys(schemas), (name) => `"${name}" in ${path}`);
    await take(key, value, giver, dirname(path!));
  }
  for (const key of Object.keys(schemas)) {
    const value = environment[variableOf(key)];
    if (value !== undefined && value !== '') await take(key, value, variableOf(key), folder);
    if (flags[key] !== undefined) await take(key, flags[key], flagOf(key), folder);
  }
  const where = (key: string): string => {
    const top = key.split('.')[0]!;
    const giver = givers.get(top);
    return giver === undefined || key === top ? (giver ?? `"${key}"`) : `"${key}" of ${giver}`;
  };
  const part = (schema: z.ZodObject): Record<string, unknown> =>
    Object.fromEntries(Object.entries(given).filter(([key]) => key in schema.shape));
  return {
    settings: parseStrictly(settingsSchema, part(settingsSchema), where),
    project: anchored(parseStrictly(projectSchema, part(projectSchema), where), folder),
    file: path,
  };
}

/** `lrpEpsilon` as --lrp-epsilon. */
export const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** The nearest configuration file from `folder` upwards to the git root (or the root of the disk); null without one. */
export function findConfig(folder: string): string | null {
  for (let here = folder; ; here = dirname(here)) {
    const found = FILE_NAMES.map((name) => join(here, name)).find((path) => existsSync(path));
    if (found) return found;
    if (existsSync(join(here, '.git')) || dirname(here) === here) return null;
  }
}

async function readConfigFile(path: string): Promise<Record<string, unknown>> {
  const failed = (error: unknown): UserError =>
    new UserError(
      (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? `The configuration file ${path} does not exist.`
        : `${path} cannot be read: ${(error as Error).message}.`,
      { exitCode: EXIT.usage, cause: error },
    );
  if (!/\.(ts|js|json)$/.test(path)) {
    throw new UserError(`${path} is no configuration file.`, {
      exitCode: EXIT.usage,
      hint: 'Its name ends in .ts, .js or .json.',
    });
  }
  let value: unknown;
  try {
    value = path.endsWith('.json')
      ? JSON.parse(await readFile(path, 'utf8'))
      : ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (error) {
    throw failed(error);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new UserError(`${path} gives no settings.`, {
      exitCode: EXIT.usage,
      hint: 'It must hold an object; a .ts or .js file exports it as default.',
    });
  }
  return value as Record<string, unknown>;
}

/** Paths relative to whoever gave them; a preprocessing file is read. */
async function resolved(key: string, schema: z.ZodType, value: unknown, giver: string, base: string): Promise<unknown> {
  // An empty path is a mistake and not this folder.
  if (typeof value !== 'string' || value === '') return value;
  if (key === 'preprocess')
    return value.trimStart().startsWith('{')
      ? parsedPreprocessing(value, giver)
      : readPreprocessing(resolve(base, value), giver);
  return aboutOf(schema).path && !isAbsolute(value) && !/^https?:/.test(value) ? resolve(base, value) : value;
}

async function readPreprocessing(path: string, giver: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new UserError(`${giver}: ${path} cannot be read (${error.message}).`, {
      exitCode: EXIT.usage,
      hint: PREPROCESSING,
      cause: error,
    });
  });
  return parsedPreprocessing(text, path);
}

const PREPROCESSING =
  'It is JSON such as {"scale": 0.00392, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "channelOrder": "rgb"}.';

function parsedPreprocessing(text: string, where: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const message = `${where} is not JSON: ${(cause as Error).message}.`;
    throw new UserError(message, { exitCode: EXIT.usage, hint: PREPROCESSING, cause });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new UserError(`${where} holds no object.`, { exitCode: EXIT.usage, hint: PREPROCESSING });
  }
  return parseStrictly(preprocessingSchema, value as Record<string, unknown>, (key) => `"${key}" in ${where}`);
}

/** Default folders stand below the folder that the command runs in. */
function anchored(project: Project, folder: string): Project {
  const anchor = (path: string): string => (/^https?:/.test(path) ? path : resolve(folder, path));
  return { ...project, reports: anchor(project.reports), out: anchor(project.out) };
}
