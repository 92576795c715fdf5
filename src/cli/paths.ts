// Paths as a person reads them, and whether something can be written there.
import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { isAbsolute, relative } from 'node:path';
import { EXIT, UserError } from '../../analysis/errors.ts';

/** A path relative to the folder that the command runs in, where it lies below. */
export function shown(path: string, folder: string): string {
  const below = relative(folder, path);
  return below === '' ? '.' : below.startsWith('..') || isAbsolute(below) ? path : below;
}

/** Makes a folder and makes sure that it can be written, so that a long run does not end there; UserError otherwise. */
export async function makeWritable(path: string, flag: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK);
  } catch (cause) {
    throw new UserError(`${path} cannot be written (${(cause as NodeJS.ErrnoException).code}).`, {
      exitCode: EXIT.environment,
      hint: `Change its permissions, or name another folder with ${flag}.`,
      cause,
    });
  }
}
