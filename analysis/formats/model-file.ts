// A model on disk: one file, or a folder with a known main file, its bytes, and the files beside it that it names
// (external weights, shards). Nothing outside the model's own folder is ever read.
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { UserError } from '../errors.ts';

export interface ModelFile {
  readonly path: string;
  /** The last part of the path, as errors show it. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What a folder must hold to be a model (TensorFlow.js writes one). */
const mainFile = 'model.json';

/** Reads a model file; a folder stands for its `model.json`. Throws UserError where there is nothing to read. */
export function openModel(path: string): ModelFile {
  let isFolder = false;
  try {
    isFolder = statSync(path).isDirectory();
    const file = isFolder ? join(path, mainFile) : path;
    return { path: file, name: basename(file), bytes: readFileSync(file) };
  } catch (cause) {
    if (isFolder && (cause as NodeJS.ErrnoException).code === 'ENOENT') throw noModelIn(path, cause);
    throw new UserError(`Cannot read the model ${path}: ${reason(cause)}.`, {
      hint: `Give the path of a model file, or of a folder with a ${mainFile}.`,
      cause,
    });
  }
}

function noModelIn(folder: string, cause: unknown): UserError {
  const held = readdirSync(folder).sort();
  const models = held.filter((name) => /\.(onnx|h5|hdf5|keras)$/i.test(name));
  const what = held.length === 0 ? 'is empty' : `holds no ${mainFile}`;
  return new UserError(`The folder ${folder} ${what}: there is no model to read.`, {
    hint:
      models.length > 0
        ? `Give one of its files: ${models.slice(0, 5).join(', ')}${models.length > 5 ? ', …' : ''}.`
        : `Looked for a ${mainFile} (TensorFlow.js); other models are given as files (.onnx, .h5, .keras).`,
    cause,
  });
}

/**
 * The bytes (or a part of them) of a file that a model names. Throws UserError where the name leads out of the model's
 * folder, also through a link, or where the file is missing or too short.
 */
export function readBeside(
  model: ModelFile,
  name: string,
  { offset = 0, length }: { offset?: number; length?: number } = {},
): Uint8Array {
  const folder = dirname(model.path);
  const path = join(folder, name);
  const refused = new UserError(
    `${model.name} refers to ${JSON.stringify(name)}, which is outside its folder; it was not read.`,
    {
      hint: 'Put the weights beside the model and export it again.',
    },
  );
  if (name === '' || name.includes('\0') || isAbsolute(name) || leaves(folder, path)) throw refused;
  let real: string;
  try {
    real = realpathSync(path);
    if (leaves(realpathSync(folder), real)) throw refused;
  } catch (cause) {
    if (cause === refused) throw refused;
    throw new UserError(`${model.name} needs ${JSON.stringify(name)} beside it: ${reason(cause)}.`, { cause });
  }
  const handle = openSync(real, 'r');
  try {
    const { size } = fstatSync(handle);
    const count = length ?? size - offset;
    if (
      !Number.isSafeInteger(offset) ||
      !Number.isSafeInteger(count) ||
      offset < 0 ||
      count < 0 ||
      offset + count > size
    ) {
      throw new UserError(
        `${JSON.stringify(name)} is too short: ${model.name} wants bytes ${offset} to ${offset + count} of ${size}.`,
      );
    }
    const bytes = new Uint8Array(count);
    for (let read = 0; read < count;)
      read += readSync(handle, bytes, read, Math.min(count - read, 2 ** 30), offset + read);
    return bytes;
  } finally {
    closeSync(handle);
  }
}

/** File and folder names that say nothing about the model. */
const nameless = /^(model|network|net|graph|saved_model|weights|tfjs|tfjs[-_](layers|graph)|onnx)$/i;

/** What to call the network of a file: its name without the ending or, where that says nothing, its folder's. */
export function modelName({ path }: ModelFile): string {
  const parts = resolve(path).split(sep);
  const own = parts.pop()!.replace(/\.[a-z0-9]+$/i, '');
  const folders = parts.slice(-2).toReversed();
  return [own, ...folders].find((name) => name !== '' && !nameless.test(name)) ?? own;
}

/** SHA-256 of these bytes in this order, as hexadecimal digits. */
export function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function leaves(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
}

function reason(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'no permission';
  return code ?? (cause as Error).message;
}
