// CIFAR's binary format: records of one label byte (CIFAR-100: a coarse and a fine one) and 3072 bytes, the red, green
// and blue planes of 32 × 32 pixels. There is no header: a file is recognised by its length and its labels.
import { basename } from 'node:path';
import { UserError } from '../errors.ts';
import { fileDigest, openBytes, type Bytes } from './bytes.ts';
import { labelsFromNumbers } from './labels.ts';
import type { OpenOptions, SampleSource } from './source.ts';

const PIXELS = 1024;
const IMAGE = 3 * PIXELS;
const VARIANTS = [
  { name: 'CIFAR-10 binary', labelBytes: 1, classes: 10 },
  { name: 'CIFAR-100 binary', labelBytes: 2, classes: 100 },
];
/** The labels of a large file are read in stretches of this many records. */
const STRETCH = 1000;

async function labelsOf(bytes: Bytes, labelBytes: number, count: number): Promise<Float64Array> {
  const record = labelBytes + IMAGE;
  const labels = new Float64Array(count);
  for (let start = 0; start < count; start += STRETCH) {
    const end = Math.min(count, start + STRETCH);
    const stretch = await bytes.range(start * record, end * record);
    for (let i = start; i < end; i++) labels[i] = stretch[(i - start) * record + labelBytes - 1]!;
  }
  return labels;
}

async function variantOf(bytes: Bytes) {
  for (const variant of VARIANTS) {
    const record = variant.labelBytes + IMAGE;
    if (bytes.length === 0 || bytes.length % record !== 0) continue;
    const labels = await labelsOf(bytes, variant.labelBytes, bytes.length / record);
    if (labels.every((label) => label < variant.classes)) return { ...variant, labels, record };
  }
  return null;
}

/** Whether a file can be read as CIFAR binary. */
export async function isCifar(path: string): Promise<boolean> {
  return (await variantOf(await openBytes(path))) !== null;
}

/** Samples of a CIFAR binary file: [32, 32, 3] with labels. */
export async function openCifar(path: string, { limit }: OpenOptions): Promise<SampleSource> {
  const bytes = await openBytes(path);
  const variant = await variantOf(bytes);
  if (!variant) throw new UserError(`${basename(path)} is not CIFAR binary: its length is no multiple of 3073 bytes.`);
  const { labelBytes, record, labels } = variant;
  const total = labels.length;
  return {
    format: variant.name,
    kind: 'image',
    shape: [32, 32, 3],
    total,
    count: Math.min(total, limit ?? total),
    chosen: null,
    pixels: true,
    labels: labelsFromNumbers(labels, basename(path)),
    featureNames: null,
    notes: [],
    name: String,
    async read(start, end) {
      const stretch = await bytes.range(start * record, end * record);
      const values = new Float32Array((end - start) * IMAGE);
      for (let i = 0; i < end - start; i++) {
        for (let c = 0; c < 3; c++) {
          for (let p = 0; p < PIXELS; p++)
            values[i * IMAGE + p * 3 + c] = stretch[i * record + labelBytes + c * PIXELS + p]!;
        }
      }
      return values;
    },
    digest: () => fileDigest(path),
  };
}
