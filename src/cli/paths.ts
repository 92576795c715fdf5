// Paths as a person reads them, and whether something can be written there.
import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative } from 'node:path';
import { EXIT, UserError, systemReason } from '../../analysis/errors.ts';

/** A path relative to the folder that the command runs in, where it lies below. */
export function shown(path: string, folder: string): string {
  const below = relative(folder, path);
  return below === '' ? '.' : below.startsWith('..') || isAbsolute(below) ? path : below;
}

/** Makes a folder and those above it. Node's own way never ends where a file system takes no folders (/proc). */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await isFolder(path))) return;
    const above = dirname(path);
    if (code !== 'ENOENT' || above === path || (await isFolder(above))) throw error;
    await makeFolder(above);
    await mkdir(path);
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Makes a folder and makes sure that it can be written, so that a long run does not end there; UserError otherwise. */
export async function makeWritable(path: string, flag: string): Promise<void> {
  if (/^https?:/.test(path)) {
    throw new UserError(`${path} is an address, and nothing can be written there.`, {
      exitCode: EXIT.usage,
      hint: `Name a folder with ${flag}.`,
    });
  }
  try {
    await makeFolder(path);
    await access(path, constants.W_OK);
  } catch (cause) {
    throw unwritable(path, cause, `Name another folder with ${flag}, or change its permissions.`);
  }
}

/** The error of a place where nothing can be written: why, and what to do. */
export function unwritable(path: string, cause: unknown, hint?: string): UserError {
  const given = { exitCode: EXIT.environment, cause, ...(hint !== undefined && { hint }) };
  return new UserError(
    `${path} cannot be written: ${systemReason(cause) ?? (cause as NodeJS.ErrnoException).code ?? String(cause)}.`,
    given,
  );
}
