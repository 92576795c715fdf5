// Flags made from the knobs of settings.ts, so that a flag, its variable and its line in the help cannot disagree.
import { Option, type Command } from 'commander';
import { basename } from 'node:path';
import { flagOf } from '../../analysis/config.ts';
import {
  aboutOf,
  projectSchema,
  settingsSchema,
  type About,
  type Project,
  type SettingName,
  type Settings,
} from '../../analysis/settings.ts';
import type { z } from 'zod';

const HEADINGS: Record<About['group'], string> = {
  input: 'Input:',
  scope: 'What is analysed:',
  directions: 'Directions:',
  'layers and classes': 'Layers and classes:',
  pictures: 'Pictures:',
  'comparison methods': 'Comparison methods:',
  machine: 'Machine:',
  project: 'Options:',
};

const schemas: Record<string, z.ZodType> = { ...settingsSchema.shape, ...projectSchema.shape };

/** Adds the flags of knobs to a command. */
export function addKnobs(command: Command, names: readonly (SettingName | keyof Project)[]): void {
  for (const name of names) {
    const schema = schemas[name]!;
    const about = aboutOf(schema);
    const text = describe(schema, about);
    command.addOption(new Option(`${flagOf(name)} <${about.placeholder}>`, text).helpGroup(HEADINGS[about.group]));
  }
}

/** All knobs of an analysis, in the order of the help. */
export const ALL_KNOBS = Object.keys(settingsSchema.shape) as SettingName[];

function describe(schema: z.ZodType, { description, unit, range }: About): string {
  const fallback = schema.parse(undefined) as string | number | readonly string[] | null;
  const told = fallback === null || Array.isArray(fallback) || description.includes('(default');
  const amount = unit && !told ? `${String(fallback)} ${unit}` : String(fallback);
  const details = [told ? undefined : `default ${amount}`, range].filter(Boolean).join('; ');
  return details ? `${description} (${details})` : description;
}

/**
 * The command line of an analysis for its report, made from its settings: the same whether they came from flags,
 * variables or a file, in whatever order, and from whatever folder; of paths only the last part.
 */
export function commandOf(words: readonly string[], settings: Settings): string {
  const flags = Object.entries(settingsSchema.shape).flatMap(([name, schema]) => {
    const [value, about] = [settings[name as SettingName], aboutOf(schema)];
    if (about.neutral && !about.path && name !== 'feed') return [];
    if (JSON.stringify(value) === JSON.stringify(schema.parse(undefined))) return [];
    return [flagOf(name), quoted(about.path ? basename(value as string) : textOf(name, value))];
  });
  return ['eigenlens', ...words.map(quoted), ...flags].join(' ');
}

function textOf(name: string, value: Settings[SettingName]): string {
  if (name === 'feed') return (value as string[]).map(withoutFolder).join(',');
  if (Array.isArray(value)) return value.join(',');
  if (value === null || typeof value !== 'object') return String(value);
  if (name === 'preprocess') return JSON.stringify(value);
  return Object.entries(value)
    .map(([layer, count]) => `${layer}=${String(count)}`)
    .join(',');
}

/** `name=folder/file.npy` as `name=file.npy`. */
function withoutFolder(feed: string): string {
  const at = feed.indexOf('=') + 1;
  return feed.slice(0, at) + basename(feed.slice(at));
}

const quoted = (word: string): string => (/^[\w./:,=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
