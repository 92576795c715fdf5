// Paths as a person reads them.
import { isAbsolute, relative } from 'node:path';

/** A path relative to the folder that the command runs in, where it lies below. */
export function shown(path: string, folder: string): string {
  const below = relative(folder, path);
  return below === '' ? '.' : below.startsWith('..') || isAbsolute(below) ? path : below;
}
