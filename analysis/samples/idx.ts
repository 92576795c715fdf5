// IDX, the format of MNIST: two zero bytes, a type, the number of axes, their sizes as big-endian integers, then the
// numbers, big-endian; often packed with gzip. Labels that lie beside the images under MNIST's names are found.
import { access } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../errors.ts';
import { npyNumbers } from '../figures/npy.ts';
import { sizeOf, type Shape } from '../kernels/kernels.ts';
import { fileDigest, openBytes } from './bytes.ts';
import { labelsFromNumbers } from './labels.ts';
import type { OpenOptions, SampleSource } from './source.ts';

/** IDX type codes as NumPy's names. */
const TYPES: Record<number, { type: string; itemBytes: number }> = {
  0x08: { type: 'u1', itemBytes: 1 },
  0x09: { type: 'i1', itemBytes: 1 },
  0x0b: { type: 'i2', itemBytes: 2 },
  0x0c: { type: 'i4', itemBytes: 4 },
  0x0d: { type: 'f4', itemBytes: 4 },
  0x0e: { type: 'f8', itemBytes: 8 },
};

interface IdxHeader {
  readonly type: string;
  readonly itemBytes: number;
  readonly shape: Shape;
  readonly offset: number;
}

/** The header, or null when these bytes are not the beginning of an IDX file. */
export function idxHeader(head: Uint8Array): IdxHeader | null {
  const type = TYPES[head[2]!];
  const axes = head[3]!;
  if (head[0] !== 0 || head[1] !== 0 || !type || axes < 1 || axes > 8 || head.length < 4 + 4 * axes) return null;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  return { ...type, shape, offset: 4 + 4 * axes };
}

async function open(path: string, rows: (shape: Shape) => number) {
  const end = (header: IdxHeader): number =>
    header.offset + rows(header.shape) * sizeOf(header.shape.slice(1)) * header.itemBytes;
  const bytes = await openBytes(path, (head) => {
    const header = idxHeader(head);
    return header ? end(header) : Infinity;
  });
  const header = idxHeader(await bytes.range(0, 64));
  if (!header) throw new UserError(`${basename(path)} is not an IDX file.`);
  if (bytes.length < end(header)) {
    throw new UserError(`${basename(path)} is cut short: its header promises ${header.shape.join(' × ')} numbers.`, {
      hint: 'Copy the file again.',
    });
  }
  return { header, bytes };
}

/** The path of the labels that lie beside MNIST-like images, or null. */
async function labelsBeside(path: string): Promise<string | null> {
  const name = basename(path).replace(/images([.-])idx\d/, 'labels$1idx1');
  if (name === basename(path)) return null;
  const stem = name.replace(/\.gz$/, '');
  for (const candidate of [name, stem, `${stem}.gz`]) {
    const found = join(dirname(path), candidate);
    if (
      await access(found).then(
        () => true,
        () => false,
      )
    )
      return found;
  }
  return null;
}

/** All labels of a one-dimensional IDX file. */
export async function idxNumbers(path: string): Promise<Float64Array> {
  const { header, bytes } = await open(path, (shape) => shape[0]!);
  if (header.shape.length !== 1) {
    throw new UserError(
      `${basename(path)} has ${header.shape.length} axes (${header.shape.join(' × ')}); labels have one.`,
      { hint: 'Were images given as labels?' },
    );
  }
  return npyNumbers(await bytes.range(header.offset, header.offset + header.shape[0]! * header.itemBytes), {
    ...header,
    littleEndian: false,
  });
}

/** Samples of an IDX or IDX.gz file. */
export async function openIdx(path: string, { limit }: OpenOptions): Promise<SampleSource> {
  const { header, bytes } = await open(path, (shape) => Math.min(shape[0]!, limit ?? Infinity));
  const total = header.shape[0]!;
  const shape = header.shape.slice(1);
  if (shape.length === 0) {
    throw new UserError(`${basename(path)} has one axis: it holds labels, not samples.`, {
      hint: 'Give it with --labels and the images with --samples.',
    });
  }
  const rowBytes = sizeOf(shape) * header.itemBytes;
  const beside = await labelsBeside(path);
  return {
    format: 'IDX',
    kind: shape.length >= 2 ? 'image' : 'vector',
    shape,
    total,
    count: Math.min(total, limit ?? total),
    chosen: null,
    pixels: header.type === 'u1',
    labels: beside ? labelsFromNumbers(await idxNumbers(beside), basename(beside)) : null,
    featureNames: null,
    notes: beside ? [`Labels are read from ${basename(beside)}, which lies beside the images.`] : [],
    name: String,
    async read(start, end) {
      const stretch = await bytes.range(header.offset + start * rowBytes, header.offset + end * rowBytes);
      return header.type === 'u1'
        ? new Float32Array(stretch)
        : Float32Array.from(npyNumbers(stretch, { ...header, littleEndian: false }));
    },
    digest: () => fileDigest(path),
  };
}
