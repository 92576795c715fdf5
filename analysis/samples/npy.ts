// Arrays of NumPy: .npy (first axis = samples) and .npz (one array, or x / images / data, with y / labels).
import { unzipSync } from 'fflate';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { UserError } from '../errors.ts';
import { decodeNpy, npyHeader, npyNumbers, type NpyHeader } from '../figures/npy.ts';
import { sizeOf, type Shape } from '../kernels/kernels.ts';
import { fileDigest, openBytes } from './bytes.ts';
import { labelsFromNumbers, type Labels } from './labels.ts';
import type { OpenOptions, SampleSource } from './source.ts';

const LONGEST_HEADER = 2 ** 16;

/** How an array's rows are meant: images where they look like pictures, points where they are triples. */
function kindOf(shape: Shape): SampleSource['kind'] {
  if (shape.length <= 1) return 'vector';
  if (shape.length === 2) return shape[1] === 3 ? 'points' : Math.min(shape[0]!, shape[1]!) > 3 ? 'image' : 'signal';
  return shape.length === 3 && ([1, 3, 4].includes(shape[2]!) || [1, 3].includes(shape[0]!)) ? 'image' : 'signal';
}

/** Whether the whole array is one sample: n × 3 points, or an array as large as the network's input. */
function isOneSample(shape: Shape, inputShape: Shape | null): boolean {
  if (!inputShape) return false;
  const size = sizeOf(inputShape);
  return sizeOf(shape) === size && sizeOf(shape.slice(1)) !== size;
}

function source(
  path: string,
  shape: Shape,
  type: string,
  labels: Labels | null,
  read: SampleSource['read'],
  { limit, inputShape }: OpenOptions,
): SampleSource {
  if (shape.length === 0) throw new UserError(`${basename(path)} holds a single number, not samples.`);
  const whole = isOneSample(shape, inputShape);
  const total = whole ? 1 : shape[0]!;
  const sample = whole ? shape : shape.slice(1);
  const kind = kindOf(sample);
  return {
    format: '.npy',
    kind,
    shape: sample,
    total,
    count: Math.min(total, limit ?? total),
    chosen: null,
    pixels: type === 'u1' && kind === 'image',
    labels,
    featureNames: null,
    notes: [],
    name: String,
    read,
    digest: () => fileDigest(path),
  };
}

/** Samples of a .npy file, read as they are needed (whole where it is in Fortran order). */
export async function openNpy(path: string, options: OpenOptions): Promise<SampleSource> {
  const bytes = await openBytes(path);
  const header = npyHeader(await bytes.range(0, LONGEST_HEADER), basename(path));
  const expected = header.offset + sizeOf(header.shape) * header.itemBytes;
  if (bytes.length < expected) {
    throw new UserError(`${basename(path)} is cut short: ${expected} bytes are promised, ${bytes.length} are there.`, {
      hint: 'Copy or write the file again.',
    });
  }
  if (header.fortranOrder && header.shape.length > 1) {
    const { values } = decodeNpy(await bytes.range(0, expected), basename(path));
    return source(path, header.shape, header.type, null, fromMemory(values, header, options), options);
  }
  const size = rowSize(header.shape, options);
  const read = async (start: number, end: number): Promise<Float32Array> => {
    const stretch = await bytes.range(
      header.offset + start * size * header.itemBytes,
      header.offset + end * size * header.itemBytes,
    );
    return Float32Array.from(npyNumbers(stretch, header));
  };
  return source(path, header.shape, header.type, null, read, options);
}

function rowSize(shape: Shape, { inputShape }: OpenOptions): number {
  return isOneSample(shape, inputShape) ? sizeOf(shape) : sizeOf(shape.slice(1));
}

function fromMemory(
  values: Float64Array,
  { shape }: Pick<NpyHeader, 'shape'>,
  options: OpenOptions,
): SampleSource['read'] {
  const size = rowSize(shape, options);
  return (start, end) => Promise.resolve(Float32Array.from(values.subarray(start * size, end * size)));
}

/** Samples of a .npz archive, with its labels where it has them. */
export async function openNpz(path: string, options: OpenOptions): Promise<SampleSource> {
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(new Uint8Array(await readFile(path)), { filter: (file) => file.name.endsWith('.npy') });
  } catch (error) {
    throw new UserError(`${basename(path)} cannot be unpacked: ${(error as Error).message}.`, {
      hint: 'The file is damaged or cut short; copy it again.',
      cause: error,
    });
  }
  const names = Object.keys(entries).map((name) => name.replace(/\.npy$/, ''));
  const named = (wanted: readonly string[]): string | undefined => wanted.find((name) => names.includes(name));
  const data =
    names.length === 1 ? names[0] : named(['x', 'X', 'images', 'data', 'inputs', 'x_test', 'samples', 'arr_0']);
  if (data === undefined) {
    throw new UserError(
      `${basename(path)} holds ${names.length} arrays (${names.join(', ')}); none is called x, images or data.`,
      {
        hint: 'Save the samples as x (and the labels as y): numpy.savez(file, x=samples, y=labels).',
      },
    );
  }
  const labelName = named(['y', 'Y', 'labels', 'label', 'targets', 'y_test'].filter((name) => name !== data));
  const array = decodeNpy(entries[`${data}.npy`]!, `${data} in ${basename(path)}`);
  const labels = labelName
    ? labelsFromNumbers(decodeNpy(entries[`${labelName}.npy`]!, labelName).values, `${labelName} in ${basename(path)}`)
    : null;
  return {
    ...source(path, array.shape, array.type, labels, fromMemory(array.values, array, options), options),
    format: '.npz',
  };
}
