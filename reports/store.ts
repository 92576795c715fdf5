// Reports in a folder: read, and written whole or not at all. A report is made beside its place under a hidden name and
// renamed into it; while one replaces another, the old one stands under a hidden name that readers know, so that a
// process killed at any moment leaves a whole report.
import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EXIT, UserError, systemReason } from '../analysis/errors.ts';
import { ReportError } from './errors.ts';
import { layerBodyFields, parseReport, runSchema, sampleBodyFields } from './format.ts';
import type { Report, RunRecord } from './format.ts';
import { sha256 } from './hash.ts';
import { toJson } from './json.ts';
import { checkReportId, filesOf, layerPath, readReports, samplePath } from './reader.ts';
import type { ReportSource, Store } from './reader.ts';
import { urlSource } from './url-source.ts';
import type { ReportIndex } from './url-source.ts';

/** A store over a folder of reports or, when given http(s)://…, over a base URL. */
export function openStore(place: string): Store {
  return readReports(/^https?:\/\//.test(place) ? urlSource(place) : folderSource(place));
}

/** Reports in a folder; one that does not exist holds none. */
export function folderSource(folder: string): ReportSource {
  return {
    name: folder,
    async list() {
      const ids = new Set<string>();
      for (const entry of await entriesOf(folder)) {
        const id = entry.match(PREVIOUS)?.[1] ?? entry;
        if (isReportId(id) && (await place(folder, id))) ids.add(id);
      }
      return [...ids].sort();
    },
    async head(id) {
      const found = await place(folder, id);
      if (!found) return null;
      const { mtimeMs, size, ino } = found.head;
      return { stamp: `${mtimeMs}-${size}-${ino}`, text: () => readText(id, join(found.path, 'report.json')) };
    },
    async read(id, path) {
      const found = await place(folder, id);
      return found && readIfThere(join(found.path, path));
    },
    async bytes(id, path) {
      const found = await place(folder, id);
      return found && readIfThere(join(found.path, path));
    },
  };
}

/** Path of a picture or array (`<hash>.png`, `<hash>.npy`) in whichever report of the folder has it, or null. */
export async function findFile(folder: string, name: string): Promise<string | null> {
  if (!/^[0-9a-z]+\.(png|npy)$/.test(name)) return null;
  for (const id of await folderSource(folder).list()) {
    const path = join(folder, id, 'files', name);
    if (await stat(path).catch(() => null)) return path;
  }
  return null;
}

/** The path of a report's folder, or of the one that was about to be replaced when a writer was stopped. */
async function place(folder: string, id: string) {
  const [path, previous] = [join(folder, id), join(folder, `.${id}.previous`)];
  // Again, because the new report may have taken the previous one's place between the two looks.
  return (await reportAt(path)) ?? (await reportAt(previous)) ?? (await reportAt(path));
}

async function reportAt(path: string) {
  try {
    const head = await stat(join(path, 'report.json'));
    return head.isFile() ? { path, head } : null;
  } catch (error) {
    if (isMissing(error)) return null;
    throw unreadable(path, error);
  }
}

const PREVIOUS = /^\.(.+)\.previous$/;
const UNFINISHED = /^\.(.+)\.(\d+)\.unfinished$/;

interface WriteOptions {
  /** Folder that holds the pictures and arrays, as `files/<hash>.png` and `.npy`; those that the report names are copied. */
  files: string;
  /** run.json: times, host, versions, warnings. */
  run: RunRecord;
}

/**
 * Writes `<folder>/<id>/` whole or not at all, replacing an older report of that id, and brings index.json up to date.
 * Equal reports give equal bytes everywhere but in run.json. Returns the report's folder.
 * Throws a UserError that names the folder when it cannot be written, an Error when the report breaks its format or
 * names a file that is not there.
 */
export async function writeReport(
  folder: string,
  id: string,
  given: Report,
  { files, run }: WriteOptions,
): Promise<string> {
  checkReportId(id);
  const report = parseReport(given);
  const target = join(folder, id);
  const unfinished = join(folder, `.${id}.${process.pid}.unfinished`);
  const previous = join(folder, `.${id}.previous`);
  try {
    await mkdir(folder, { recursive: true });
    await tidyUp(folder, id);
    const texts = textsOf(report);
    for (const [path, text] of texts) await writeText(join(unfinished, path), text);
    await writeText(join(unfinished, 'run.json'), toJson(runSchema.parse(run)));
    await copyFiles(filesOf(report), files, unfinished);

    await rm(previous, { recursive: true, force: true });
    const replaces = (await entriesOf(target)).length > 0;
    if (replaces && !(await reportAt(target))) throw occupied(target);
    if (replaces) await rename(target, previous);
    await rename(unfinished, target);
    if (replaces) await rm(previous, { recursive: true, force: true });
    await writeIndex(folder);
    return target;
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true }).catch(() => {});
    await tidyUp(folder, id).catch(() => {});
    throw isEnvironmental(error) ? unwritable(folder, error) : error;
  }
}

/** Puts back what a stopped writer was replacing, and removes what stopped writers left unfinished. */
async function tidyUp(folder: string, id: string): Promise<void> {
  for (const entry of await entriesOf(folder)) {
    const [, unfinished, pid] = entry.match(UNFINISHED) ?? [];
    if (unfinished === id && !isRunning(Number(pid))) await rm(join(folder, entry), { recursive: true, force: true });
    if (entry.match(PREVIOUS)?.[1] !== id) continue;
    if (!(await reportAt(join(folder, id)))) await rename(join(folder, entry), join(folder, id));
  }
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Every JSON file of a report by its path, report.json last. */
function textsOf(report: ReturnType<typeof parseReport>): [path: string, text: string][] {
  const parts: [string, string][] = [];
  for (const layer of report.layers) {
    const answered = answeredOf(layer, layerBodyFields);
    if (answered) parts.push([layerPath(layer.index), toJson({ name: layer.name, ...answered })]);
  }
  const byPath = new Map<string, unknown[]>();
  for (const sample of report.samples) {
    const answered = answeredOf(sample, sampleBodyFields);
    if (!answered) continue;
    const path = samplePath(sample);
    const shared = byPath.get(path) ?? [];
    byPath.set(path, shared);
    shared.push({ index: sample.index, name: sample.name, ...answered });
  }
  for (const [path, samples] of byPath) parts.push([path, toJson({ samples })]);
  const head = {
    formatVersion: report.formatVersion,
    model: report.model,
    layers: report.layers.map((layer) => without(layer, layerBodyFields)),
    samples: report.samples.map((sample) => without(sample, sampleBodyFields)),
    parts: Object.fromEntries(parts.map(([path, text]) => [path, sha256(text)])),
  };
  return [...parts, ['report.json', toJson(head)]];
}

/** The fields that a method answered, or null when none did: what is null or empty is filled in again by the reader. */
function answeredOf<T extends object>(record: T, fields: readonly (keyof T)[]): Partial<T> | null {
  const answered = fields.filter((field) => {
    const value = record[field];
    return Array.isArray(value) ? value.length > 0 : value !== null;
  });
  return answered.length > 0 ? (Object.fromEntries(answered.map((f) => [f, record[f]])) as Partial<T>) : null;
}

function without<T extends object>(record: T, fields: readonly (keyof T)[]): Partial<T> {
  return Object.fromEntries(
    Object.entries(record).filter(([field]) => !fields.includes(field as keyof T)),
  ) as Partial<T>;
}

async function copyFiles(paths: ReadonlySet<string>, from: string, to: string): Promise<void> {
  if (paths.size > 0) await mkdir(join(to, 'files'), { recursive: true });
  for (const path of [...paths].sort()) {
    try {
      await copyFile(join(from, path), join(to, path), constants.COPYFILE_FICLONE);
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw new Error(`The report names ${path}, which was not made`, { cause: error });
    }
  }
}

/** Writes the list of the folder's reports (index.json), there or in another folder, leaving out those that cannot be read. */
export async function writeIndex(folder: string, target = folder): Promise<void> {
  const store = openStore(folder);
  const reports: ReportIndex['reports'][number][] = [];
  for (const id of await store.list()) {
    const found = await store.find(id).catch((error: unknown) => {
      if (error instanceof ReportError) return null;
      throw error;
    });
    if (!found) continue;
    const { name, format, parameterCount, accuracy } = found.model;
    const counts = { layers: found.layers.length, samples: found.samples.length };
    reports.push({ id, name, format, digest: found.digest, parameterCount, accuracy, ...counts });
  }
  const index: ReportIndex = { reports };
  const unfinished = join(target, `.index.${process.pid}.unfinished`);
  await writeText(unfinished, toJson(index));
  await rename(unfinished, join(target, 'index.json'));
}

async function writeText(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

async function readText(id: string, path: string): Promise<string> {
  const bytes = await readIfThere(path);
  if (bytes !== null) return bytes.toString('utf8');
  throw new ReportError('REPORT_CHANGED', `Report "${id}" went away while it was read (${basename(path)})`);
}

async function readIfThere(path: string): Promise<Buffer<ArrayBuffer> | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw unreadable(path, error);
  }
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unreadable(folder, error);
  }
}

function isReportId(id: string): boolean {
  try {
    return checkReportId(id) === id;
  } catch {
    return false;
  }
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function isEnvironmental(error: unknown): error is NodeJS.ErrnoException {
  const codes = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EEXIST', 'EMFILE', 'ENFILE', 'EIO'];
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '');
}

function unwritable(folder: string, cause: NodeJS.ErrnoException): UserError {
  // A folder is made with those above it: what exists in its place is a file on the way.
  const why = cause.code === 'EEXIST' ? 'part of the path is a file' : (systemReason(cause) ?? cause.message);
  return new UserError(`Cannot write reports to ${folder}: ${why}`, {
    exitCode: EXIT.environment,
    hint: 'Make room there, or give another folder with --reports.',
    cause,
  });
}

function occupied(path: string): UserError {
  return new UserError(`Cannot write a report to ${path}: the folder is not empty and holds no report`, {
    exitCode: EXIT.environment,
    hint: 'Give another name with --id, or move what is there.',
  });
}

function unreadable(path: string, cause: unknown): ReportError {
  const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
  return new ReportError('REPORT_UNREACHABLE', `Cannot read ${basename(path)}: ${systemReason(cause) ?? code}`, {
    hint: path,
    cause,
  });
}
