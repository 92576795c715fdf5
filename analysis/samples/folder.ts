// Folders of sample files: which files are samples, in which order, and the label that their subfolder says.
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { fileDigest } from './bytes.ts';
import type { Labels } from './labels.ts';

export interface Folder {
  /** Paths below the folder, with /, in alphabetical order. */
  readonly files: readonly string[];
  /** The first subfolder of each file, when every file lies in one. */
  readonly labels: Labels | null;
  /** Extension → count of the files that are no samples. */
  readonly others: ReadonlyMap<string, number>;
  readonly notes: readonly string[];
}

/** Files below a folder whose extension is one of `extensions`; hidden files and folders are passed over. */
export async function folderOf(path: string, extensions: ReadonlySet<string>): Promise<Folder> {
  const files: string[] = [];
  const others = new Map<string, number>();
  const walk = async (below: string): Promise<void> => {
    for (const entry of await readdir(join(path, below), { withFileTypes: true })) {
      if (entry.name.startsWith('.') || entry.name === '__MACOSX') continue;
      const name = below ? `${below}/${entry.name}` : entry.name;
      const extension = extname(entry.name).toLowerCase();
      if (entry.isDirectory()) await walk(name);
      else if (extensions.has(extension)) files.push(name);
      else others.set(extension || 'no extension', (others.get(extension || 'no extension') ?? 0) + 1);
    }
  };
  await walk('');
  // By code unit: the order in which training tools number the classes of a folder.
  files.sort();
  const inSubfolder = files.filter((file) => file.includes('/')).length;
  const labels: Labels | null = files.length > 0 && inSubfolder === files.length ? folderLabels(files) : null;
  const notes =
    inSubfolder > 0 && !labels
      ? [
          `${files.length - inSubfolder} of ${files.length} samples lie in no subfolder, so folders are not taken as labels.`,
        ]
      : [];
  return { files, labels, others, notes };
}

function folderLabels(files: readonly string[]): Labels {
  const values = files.map((file) => file.slice(0, file.indexOf('/')));
  const where = 'the folder names';
  if (values.every((value) => /^\d+$/.test(value)))
    return { kind: 'numbers', values: Int32Array.from(values, Number), where };
  return { kind: 'names', values, where };
}

/** Indices of `limit` files, equally many of each class where there are classes, in the order of the folder. */
export function chooseFiles(
  { files, labels }: Pick<Folder, 'files' | 'labels'>,
  limit: number | null,
): number[] | null {
  if (limit === null || limit >= files.length) return null;
  if (!labels) return Array.from({ length: limit }, (_, i) => i);
  const byClass = new Map<string | number, number[]>();
  for (const [i, value] of labels.values.entries()) byClass.set(value, [...(byClass.get(value) ?? []), i]);
  const chosen: number[] = [];
  for (let round = 0; chosen.length < limit; round++) {
    for (const members of byClass.values())
      if (round < members.length && chosen.length < limit) chosen.push(members[round]!);
  }
  return chosen.sort((a, b) => a - b);
}

/** SHA-256 over the names and contents of files. */
export async function filesDigest(path: string, files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\u0000${await fileDigest(join(path, ...file.split('/')))}\n`);
  return hash.digest('hex');
}

/** The path of a file of a folder on this machine. */
export const within = (path: string, file: string): string => [path, ...file.split('/')].join(sep);
