// What every sample format gives: numbers of samples on demand, so that a large set never sits in memory at once.
import type { Shape } from '../kernels/kernels.ts';
import type { Labels } from './labels.ts';

export interface SampleSource {
  /** In words: 'folder of images', 'IDX', … */
  readonly format: string;
  readonly kind: 'image' | 'points' | 'vector' | 'signal';
  /** Of one sample. Images of known layout are [height, width] or [height, width, channels] in the order red, green, blue. */
  readonly shape: Shape;
  /** Samples in use. */
  readonly count: number;
  /** Samples in the file or folder, before a limit. */
  readonly total: number;
  /** Which of all samples are in use; null for the first `count`. */
  readonly chosen: readonly number[] | null;
  /** True when the numbers are pixel bytes, 0 to 255. */
  readonly pixels: boolean;
  /** Of all samples, before a limit; null when the format itself carries none. */
  readonly labels: Labels | null;
  /** Names of the columns of a table. */
  readonly featureNames: readonly string[] | null;
  readonly notes: readonly string[];
  name(i: number): string;
  /** Samples start … end−1, row-major. */
  read(start: number, end: number): Promise<Float32Array>;
  /** SHA-256 of the content, as hexadecimal digits. */
  digest(): Promise<string>;
  /** The same images scaled to cover height × width and cropped at the centre, with 1 (grey) or 3 channels. */
  resized?(height: number, width: number, channels: 1 | 3): SampleSource;
}

/** A source with its labels and class names. */
export interface Samples {
  readonly kind: SampleSource['kind'];
  /** In words: 'folder of images', 'IDX', … */
  readonly format: string;
  readonly count: number;
  /** Of one raw sample. Images are [height, width] or [height, width, channels] unless a .npy file says otherwise. */
  readonly shape: Shape;
  /** Class (output index) of every sample. */
  readonly labels: Int32Array | null;
  readonly classNames: readonly string[] | null;
  /** Names of the columns of a table. */
  readonly featureNames: readonly string[] | null;
  /** What reading assumed, in sentences for the report. */
  readonly notes: readonly string[];
  name(i: number): string;
  /** SHA-256 over the samples in use, their labels and class names. */
  digest(): Promise<string>;
  readonly source: SampleSource;
}

export interface OpenOptions {
  readonly limit: number | null;
  /** Shape of the network's input, batch included, where it is known: decides between readings of the same numbers. */
  readonly inputShape: Shape | null;
}
