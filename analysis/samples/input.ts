// Raw samples -> the network's input: x = (raw · scale − mean) / std per channel, in its layout, size and order of channels.
import { createHash } from 'node:crypto';
import { UserError } from '../errors.ts';
import { sizeOf, type Shape } from '../kernels/kernels.ts';
import type { InputLayout, Preprocessing } from '../network/network.ts';
import type { GivenPreprocessing } from '../settings.ts';
import { pictures, type SamplePicture } from './picture.ts';
import { channelsLast, imageAxes, resizeBytes, toColour, toGrey, type ImageAxes } from './pixels.ts';
import type { Samples, SampleSource } from './source.ts';

export interface InputTarget {
  /** Of the network's input, batch of 1 included. */
  readonly shape: Shape;
  readonly layout: InputLayout;
  readonly preprocessing: Preprocessing;
  /** What --preprocess says, which wins over the network's own. */
  readonly given?: GivenPreprocessing | null;
}

/** Samples as a network's inputs: what methods run on. */
export interface InputSamples {
  readonly kind: SampleSource['kind'];
  /** In words: 'folder of images', 'IDX', … */
  readonly format: string;
  readonly count: number;
  /** How a sample is laid out for a person as it meets the network: [height, width], [height, width, channels], [points, 3] or [numbers]. */
  readonly rawShape: Shape;
  /** Class (output index) of every sample. */
  readonly labels: Int32Array | null;
  /** Names of the columns of a table. */
  readonly featureNames: readonly string[] | null;
  /** What is really done to raw numbers. */
  readonly preprocessing: Preprocessing;
  /** What reading assumed or changed, in sentences for the report. */
  readonly notes: readonly string[];
  name(i: number): string;
  /** SHA-256 over the samples in use, their labels, class names and preprocessing. */
  digest(): Promise<string>;
  /** The network's input of samples start … end−1, preprocessed: (end − start) × size of the input, row-major. */
  read(start: number, end: number): Promise<Float32Array>;
  /**
   * A sample for a person as it meets the network, resized and cropped but not scaled: [height, width] or
   * [height, width, 3] in [0, 1]; null where it is no picture.
   */
  image(i: number): Promise<SamplePicture | null>;
}

/** The preprocessing with what --preprocess gives over what the network brings. */
export function mergedPreprocessing(own: Preprocessing, given: GivenPreprocessing | null | undefined): Preprocessing {
  if (!given) return own;
  const list = (value: number | readonly number[]): readonly number[] => (typeof value === 'number' ? [value] : value);
  return {
    scale: given.scale ?? own.scale,
    mean: given.mean === undefined ? own.mean : list(given.mean),
    std: given.std === undefined ? own.std : list(given.std),
    channelOrder: given.channelOrder ?? own.channelOrder,
    size: given.size === undefined ? own.size : typeof given.size === 'number' ? [given.size, given.size] : given.size,
    source: 'given by --preprocess',
  };
}

/**
 * Samples as inputs of a network: x = (raw · scale − mean) / std per channel.
 * Pictures of another size are scaled to cover the input and cropped at its centre; colours become grey by luma, grey
 * becomes three equal channels. Arrays of numbers that are no pixel bytes are taken as they are, unless --preprocess is given.
 * UserError when shapes cannot be brought together or a number is not finite.
 */
export function toInput(samples: Samples, target: InputTarget): InputSamples {
  const { shape, layout } = target;
  const { source } = samples;
  const size = sizeOf(shape);
  const merged = mergedPreprocessing(target.preprocessing, target.given);
  const isImage = layout.kind === 'image' && layout.heightAxis !== null && layout.widthAxis !== null;
  const notes: string[] = [];
  const axes = source.kind === 'image' ? imageAxes(source.shape) : null;

  const common = {
    kind: samples.kind,
    format: samples.format,
    count: samples.count,
    labels: samples.labels,
    featureNames: samples.featureNames,
    name: samples.name,
    digest: async () =>
      createHash('sha256')
        .update(JSON.stringify([await samples.digest(), preprocessing, shape]))
        .digest('hex'),
  };
  let preprocessing = merged;
  if (samples.count === 0) {
    const read = (): Promise<Float32Array> => Promise.resolve(new Float32Array(0));
    return { ...common, rawShape: shape.slice(1), preprocessing, notes: [], read, image: () => Promise.resolve(null) };
  }
  if (!source.pixels && !target.given) {
    preprocessing = {
      ...merged,
      scale: 1,
      mean: [0],
      std: [1],
      source: 'none: arrays of numbers are taken as they are',
    };
    if (!isNeutral(merged))
      notes.push(
        'Samples are numbers rather than pixel bytes and are taken as they are: the preprocessing of pictures is not applied.',
      );
  } else if (source.pixels && !isImage && !target.given && merged.scale === 1) {
    preprocessing = { ...merged, scale: 1 / 255 };
    notes.push('Pixel bytes are divided by 255.');
  }

  const reader =
    isImage && axes
      ? imageReader(samples, axes, target, preprocessing, notes)
      : plainReader(samples, axes, target, preprocessing, notes);
  const normalise = normaliser(preprocessing, reader.channelOf, reader.channels, size);
  const { shown } = reader;
  return {
    ...common,
    preprocessing,
    notes: [...samples.notes, ...notes],
    rawShape: shown.shape,
    async read(start, end) {
      const values = await reader.read(start, end);
      const data = normalise(values);
      const bad = firstNotFinite(data);
      if (bad >= 0) {
        const message = `Sample ${samples.name(start + Math.floor(bad / size))} holds ${values[bad]} at position ${bad % size}; every number must be finite.`;
        throw new UserError(message, { hint: 'Remove the sample or fill the missing value in.' });
      }
      return data;
    },
    image: pictures(shown),
  };
}

/** The position of the first number that is not finite, or −1. A plain loop: this sees every number of every sample. */
export function firstNotFinite(data: Float32Array): number {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  return -1;
}

const isNeutral = ({ scale, mean, std }: Preprocessing): boolean =>
  scale === 1 && mean.every((value) => value === 0) && std.every((value) => value === 1);

/** (raw · scale − mean) / std; mean and std have one value, one a channel, or (features of a table) one a number. */
function normaliser(
  { scale, mean, std }: Preprocessing,
  channelOf: (i: number) => number,
  channels: number,
  size: number,
): (values: Float32Array) => Float32Array {
  const at = (list: readonly number[], what: string): ((i: number) => number) => {
    if (list.length === 1) return () => list[0]!;
    if (list.length === channels) return (i) => list[channelOf(i)]!;
    if (list.length === size) return (i) => list[i]!;
    throw new UserError(
      `The ${what} of the preprocessing has ${list.length} values; the input has ${channels} channel${channels === 1 ? '' : 's'}.`,
      {
        hint: 'Give one value, or one a channel in the order in which the network takes them.',
      },
    );
  };
  const [meanAt, stdAt] = [at(mean, 'mean'), at(std, 'std')];
  if (isNeutral({ scale, mean, std } as Preprocessing)) return (values) => values;
  const factor = Float64Array.from({ length: size }, (_, i) => scale / stdAt(i));
  const offset = Float64Array.from({ length: size }, (_, i) => meanAt(i) / stdAt(i));
  return (values) => {
    const result = new Float32Array(values.length);
    for (let start = 0; start < values.length; start += size) {
      for (let i = 0; i < size; i++) result[start + i] = values[start + i]! * factor[i]! - offset[i]!;
    }
    return result;
  };
}

interface Reader {
  readonly channels: number;
  /** Channel of entry i of one input. */
  channelOf(i: number): number;
  /** Raw numbers in the network's layout. */
  read(start: number, end: number): Promise<Float32Array>;
  /** What is shown to a person: the raw samples, or these resized. */
  readonly shown: SampleSource;
}

const describe = (shape: Shape): string => shape.join(' × ');

/** Pictures into an input with height, width and channel axes. */
function imageReader(
  samples: Samples,
  raw: ImageAxes,
  { shape, layout }: InputTarget,
  preprocessing: Preprocessing,
  notes: string[],
): Reader {
  const { source } = samples;
  const [height, width] = [shape[layout.heightAxis!]!, shape[layout.widthAxis!]!];
  const channels = layout.channelAxis === null ? 1 : shape[layout.channelAxis]!;
  const size = height * width * channels;
  if (preprocessing.size && (preprocessing.size[0] !== height || preprocessing.size[1] !== width)) {
    throw new UserError(
      `The preprocessing asks for ${describe(preprocessing.size)} pixels; the network takes ${height} × ${width}.`,
      { hint: 'Leave size out, or give the network’s own.' },
    );
  }
  const fits = raw.height === height && raw.width === width;
  if (
    (channels !== 1 && channels !== 3 && channels !== raw.channels) ||
    (!fits && !source.pixels) ||
    size !== sizeOf(shape)
  ) {
    throw shapesDiffer(
      samples,
      shape,
      source.pixels ? undefined : 'Arrays of numbers are not resized; bytes (uint8) and pictures are.',
    );
  }
  const shown =
    fits && raw.channels === channels && !source.resized ? source : resizedSource(source, raw, height, width, channels);
  if (!fits) {
    notes.push(
      source.resized
        ? `Pictures are scaled to cover ${height} × ${width} pixels and cropped at the centre.`
        : `Samples of ${raw.height} × ${raw.width} pixels are scaled to cover ${height} × ${width} and cropped at the centre.`,
    );
  }
  if (raw.channels > channels && !source.resized) notes.push('Colours become grey by luma (ITU-R BT.601).');
  if (raw.channels < channels && !source.resized) notes.push('Grey becomes three equal channels.');
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const at = (y: number, x: number, c: number): number =>
    y * strides[layout.heightAxis!]! +
    x * strides[layout.widthAxis!]! +
    (layout.channelAxis === null ? 0 : c * strides[layout.channelAxis]!);
  const backwards = preprocessing.channelOrder === 'bgr' && channels === 3;
  const position = new Int32Array(size);
  let i = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) for (let c = 0; c < channels; c++) position[i++] = at(y, x, backwards ? 2 - c : c);
  const same = position.every((to, from) => to === from);
  const shownAxes: ImageAxes = shown === source ? raw : { height, width, channels, channelsFirst: false };
  return {
    channels,
    channelOf: (entry) =>
      layout.channelAxis === null ? 0 : Math.floor(entry / strides[layout.channelAxis]!) % channels,
    shown,
    async read(start, end) {
      const values = await shown.read(start, end);
      if (same && !shownAxes.channelsFirst) return values;
      const result = new Float32Array(values.length);
      for (let sample = 0; sample < end - start; sample++) {
        const pixels = channelsLast(values.subarray(sample * size, (sample + 1) * size), shownAxes);
        for (let p = 0; p < size; p++) result[sample * size + position[p]!] = pixels[p]!;
      }
      return result;
    },
  };
}

/** The same pictures with another size or number of channels, channels last. */
function resizedSource(
  source: SampleSource,
  raw: ImageAxes,
  height: number,
  width: number,
  channels: number,
): SampleSource {
  if (source.resized && (channels === 1 || channels === 3)) return source.resized(height, width, channels);
  const shape = channels === 1 ? [height, width] : [height, width, channels];
  const rawSize = sizeOf(source.shape);
  return {
    ...source,
    shape,
    async read(start, end) {
      const values = await source.read(start, end);
      const result = new Float32Array((end - start) * sizeOf(shape));
      for (let i = 0; i < end - start; i++) {
        let pixels = channelsLast(values.subarray(i * rawSize, (i + 1) * rawSize), raw);
        if (raw.channels === 4 && channels !== 4)
          pixels = Float32Array.from(
            { length: raw.height * raw.width * 3 },
            (_, j) => pixels[Math.floor(j / 3) * 4 + (j % 3)]!,
          );
        const has = raw.channels === 4 && channels !== 4 ? 3 : raw.channels;
        if (has === 3 && channels === 1) pixels = toGrey(pixels);
        if (has === 1 && channels === 3) pixels = toColour(pixels);
        if (raw.height !== height || raw.width !== width)
          pixels = await resizeBytes(pixels, [raw.height, raw.width], [height, width], channels);
        result.set(pixels, i * sizeOf(shape));
      }
      return result;
    },
  };
}

/** Samples that have as many numbers as the input, in their own order; pictures for a flat input become grey or are resized where that makes them fit. */
function plainReader(
  samples: Samples,
  axes: ImageAxes | null,
  { shape, layout }: InputTarget,
  preprocessing: Preprocessing,
  notes: string[],
): Reader {
  const size = sizeOf(shape);
  let source = samples.source;
  if (axes && source.pixels && sizeOf(source.shape) !== size) {
    const [height, width] = preprocessing.size ?? [axes.height, axes.width];
    const channels = size / (height * width);
    if (channels !== 1 && channels !== 3) {
      throw shapesDiffer(
        samples,
        shape,
        'Give the size of the pictures with --preprocess, so that height × width × channels is the input.',
      );
    }
    source = resizedSource(source, axes, height, width, channels);
    notes.push(
      `Pictures are brought to ${height} × ${width} pixels${channels === 1 ? ' in grey' : ''} and read row by row.`,
    );
  }
  if (sizeOf(source.shape) !== size) throw shapesDiffer(samples, shape);
  const channelAxis = layout.channelAxis;
  const stride = channelAxis === null ? 1 : sizeOf(shape.slice(channelAxis + 1));
  const channels = channelAxis === null ? 1 : shape[channelAxis]!;
  return {
    channels,
    channelOf: (entry) => (channelAxis === null ? 0 : Math.floor(entry / stride) % channels),
    read: (start, end) => source.read(start, end),
    shown: source,
  };
}

function shapesDiffer({ shape, format }: Samples, input: Shape, hint?: string): UserError {
  return new UserError(
    `Samples (${format}) have shape ${describe(shape)}; the network takes ${describe(input.slice(1))}.`,
    {
      hint: hint ?? `A sample must hold ${sizeOf(input)} numbers; it holds ${sizeOf(shape)}.`,
    },
  );
}
