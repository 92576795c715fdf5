// Flags made from the knobs of settings.ts, so that a flag, its variable and its line in the help cannot disagree.
import { Option, type Command } from 'commander';
import { flagOf } from '../../analysis/config.ts';
import {
  aboutOf,
  projectSchema,
  settingsSchema,
  type About,
  type Project,
  type SettingName,
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
  const fallback: unknown = schema.parse(undefined);
  const told = fallback === null || Array.isArray(fallback) || description.includes('(default');
  const amount = unit && !told ? `${String(fallback)} ${unit}` : String(fallback);
  const details = [told ? undefined : `default ${amount}`, range].filter(Boolean).join('; ');
  return details ? `${description} (${details})` : description;
}
