// Reports that are committed in a repository, read from any revision of it without a checkout.
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ReportError } from './errors.ts';
import type { ReportSource } from './reader.ts';

/** Runs git in a folder; null when it ends with an error. */
async function git(folder: string, args: readonly string[], input = ''): Promise<Buffer<ArrayBuffer> | null> {
  const child = spawn('git', [...args], { cwd: folder, stdio: ['pipe', 'pipe', 'ignore'] });
  const chunks: Buffer<ArrayBuffer>[] = [];
  child.stdout.on('data', (chunk: Buffer<ArrayBuffer>) => chunks.push(chunk));
  // A revision that git does not know ends it before it has read its input.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (cause) =>
      reject(new ReportError('REPORT_UNREACHABLE', 'git does not start', { hint: 'Install git.', cause })),
    );
    child.on('close', resolve);
  });
  return code === 0 ? Buffer.concat(chunks) : null;
}

const lines = (output: Buffer | null): string[] =>
  (output?.toString('utf8') ?? '').split(/[\n\0]/).filter((line) => line !== '');

/** The commit that a revision names, as 40 (or 64) digits; null when there is none. */
export async function commitOf(folder: string, revision: string): Promise<string | null> {
  return (
    lines(await git(folder, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]))[0] ??
    null
  );
}

/** The root of the repository that a folder is in; null outside of one. */
export async function repositoryOf(folder: string): Promise<string | null> {
  return lines(await git(folder, ['rev-parse', '--show-toplevel']))[0] ?? null;
}

/** The best common ancestor of two commits; null when there is none, as in a shallow clone. */
export async function mergeBaseOf(folder: string, a: string, b: string): Promise<string | null> {
  return lines(await git(folder, ['merge-base', '--end-of-options', a, b]))[0] ?? null;
}

/** Whether a commit has a file at a path from the repository's root. */
export async function hasFile(folder: string, commit: string, path: string): Promise<boolean> {
  return (await git(folder, ['cat-file', '-e', `${commit}:${path}`])) !== null;
}

/** The newest commit, from one backwards, in which a file was changed and is there; null without any. */
export async function newestWith(folder: string, commit: string, path: string): Promise<string | null> {
  const touched = lines(await git(folder, ['rev-list', '--max-count=50', commit, '--', path]));
  for (const one of touched) if (await hasFile(folder, one, path)) return one;
  return null;
}

/**
 * The reports below a path (from the repository's root; '' is the root) of a commit. All JSON and arrays of a report are
 * read at once by one git process when the report is opened.
 */
export function gitSource(folder: string, commit: string, path: string): ReportSource {
  const prefix = path === '' ? '' : `${path}/`;
  const opened = new Map<string, Promise<ReadonlyMap<string, Buffer<ArrayBuffer>>>>();
  const open = (id: string): Promise<ReadonlyMap<string, Buffer<ArrayBuffer>>> => {
    const known = opened.get(id) ?? readTree(folder, commit, `${prefix}${id}`);
    opened.set(id, known);
    return known;
  };
  const read = async (id: string, file: string) => (await open(id)).get(file) ?? null;
  return {
    name: `${path || '.'} at ${commit.slice(0, 10)}`,
    async list() {
      const tree = await git(folder, ['ls-tree', '-z', '--name-only', `${commit}:${path}`]);
      const ids: string[] = [];
      for (const id of lines(tree)) if (await hasFile(folder, commit, `${prefix}${id}/report.json`)) ids.push(id);
      return ids.sort();
    },
    async head(id) {
      const text = (await open(id)).get('report.json');
      return text ? { stamp: commit, text: async () => text.toString('utf8') } : null;
    },
    read,
    bytes: read,
  };
}

/** What a report's folder holds, and nothing that would be written elsewhere. */
const OWN_FILES = /^(?:(?:report|run)\.json|(?:layers|samples|files)\/[\w-]+\.(?:json|npy|png))$/;

/** Writes the report at a path of a commit, with its pictures, into a folder. */
export async function copyFromGit(folder: string, commit: string, path: string, target: string): Promise<void> {
  for (const [file, bytes] of await readTree(folder, commit, path, OWN_FILES)) {
    await mkdir(dirname(join(target, file)), { recursive: true });
    await writeFile(join(target, file), bytes);
  }
}

/** The files of a report by path within it; pictures left out unless `wanted` has them. */
async function readTree(
  folder: string,
  commit: string,
  path: string,
  wanted = /\.(json|npy)$/,
): Promise<ReadonlyMap<string, Buffer<ArrayBuffer>>> {
  const files = new Map<string, Buffer<ArrayBuffer>>();
  const tree = await git(folder, ['ls-tree', '-r', '-z', `${commit}:${path}`]);
  const entries = (tree?.toString('utf8') ?? '').split('\0').flatMap((line) => {
    const [, hash, file] = /^\d+ blob ([0-9a-f]+)\t(.+)$/s.exec(line) ?? [];
    return hash && file && wanted.test(file) ? [{ hash, file }] : [];
  });
  if (entries.length === 0) return files;
  const output = await git(folder, ['cat-file', '--batch'], entries.map(({ hash }) => `${hash}\n`).join(''));
  // Of each: `<hash> blob <size>`, a line break, the bytes, a line break.
  let at = 0;
  for (const { file } of entries) {
    const end = output?.indexOf('\n', at) ?? -1;
    const size = Number(end < 0 ? NaN : output!.toString('latin1', at, end).split(' ')[2]);
    if (!(size >= 0))
      throw new ReportError('REPORT_CORRUPT', `${path}/${file} cannot be read at ${commit.slice(0, 10)}`);
    files.set(file, output!.subarray(end + 1, end + 1 + size));
    at = end + 1 + size + 1;
  }
  return files;
}
