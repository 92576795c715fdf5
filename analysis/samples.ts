// Samples: what the network is run on. A format (samples/*.ts) gives numbers on demand; here they get labels, names and
// a hash, and become the network's input by a stated rule. Formats are recognised by their content where that is possible.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { UserError } from './errors.ts';
import { isNpy } from './figures/npy.ts';
import { pointCloud } from './figures/point-cloud.ts';
import { sizeOf, type Shape, type Tensor } from './kernels/kernels.ts';
import type { InputLayout, Preprocessing } from './network/network.ts';
import { headOf } from './samples/bytes.ts';
import { isCifar, openCifar } from './samples/cifar.ts';
import { folderOf } from './samples/folder.ts';
import { idxHeader, openIdx } from './samples/idx.ts';
import { IMAGE_EXTENSIONS, openImageFolder } from './samples/image-folder.ts';
import { readClassNames, readLabels, unreadable } from './samples/label-file.ts';
import { classNamesFrom, resolveLabels } from './samples/labels.ts';
import { openNpy, openNpz } from './samples/npy.ts';
import { resizeBytes, toColour, toGrey } from './samples/pixels.ts';
import { openPoints, POINT_EXTENSIONS } from './samples/points.ts';
import type { OpenOptions, SampleSource } from './samples/source.ts';
import { openTable } from './samples/table.ts';
import type { GivenPreprocessing } from './settings.ts';

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
  names(i: number): string;
  /** Over the samples in use, their labels and class names. */
  sha256(): Promise<string>;
  /** Raw numbers of samples start … end−1, [end − start, …shape]. */
  read(start: number, end: number): Promise<Float32Array>;
  /** A sample for a person, [height, width] or [height, width, 3] in [0, 1]; null where it is no picture. */
  image(i: number): Promise<Tensor | null>;
  readonly source: SampleSource;
}

/** No samples: only what the weights alone answer. */
export const noSamples: Samples = {
  kind: 'vector',
  format: 'none',
  count: 0,
  shape: [0],
  labels: null,
  classNames: null,
  featureNames: null,
  notes: [],
  names: String,
  sha256: () => Promise.resolve(createHash('sha256').digest('hex')),
  read: () => Promise.resolve(new Float32Array(0)),
  image: () => Promise.resolve(null),
  source: {
    format: 'none',
    kind: 'vector',
    shape: [0],
    count: 0,
    total: 0,
    chosen: null,
    pixels: false,
    labels: null,
    featureNames: null,
    notes: [],
    name: String,
    read: () => Promise.resolve(new Float32Array(0)),
    digest: () => Promise.resolve(createHash('sha256').digest('hex')),
  },
};

export interface SamplesOptions extends Partial<OpenOptions> {
  /** Path of a labels file; else the format's own labels count. */
  readonly labels?: string | null;
  /** Path of a class names file. */
  readonly classes?: string | null;
  /** Class names that the network itself knows, used where no file is given and they fit. */
  readonly ownClassNames?: readonly string[] | null;
}

/** Opens samples with their labels; UserError when the format is unknown, nothing is there, or labels do not fit. */
export async function openSamples(path: string, options: SamplesOptions = {}): Promise<Samples> {
  const { limit = null, inputShape = null } = options;
  const source = await openSource(path, { limit, inputShape });
  if (source.total === 0) throw new UserError(`${basename(path)} holds no samples.`);
  const given = options.classes ? await readClassNames(options.classes) : null;
  const own = options.ownClassNames ? classNamesFrom(options.ownClassNames) : null;
  const allNames = (): string[] => Array.from({ length: source.count }, (_, i) => source.name(i));
  const written = options.labels ? await readLabels(options.labels, allNames()) : source.labels;
  const all = resolveLabels(written, given, own);
  const labels = all.labels && inUse(all.labels, source, written!.where);
  return {
    kind: source.kind,
    format: source.format,
    count: source.count,
    shape: source.shape,
    labels,
    classNames: all.classNames,
    featureNames: source.featureNames,
    notes: [...source.notes, ...all.notes],
    names: (i) => source.name(i),
    async sha256() {
      const hash = createHash('sha256').update(
        JSON.stringify([await source.digest(), source.count, source.shape, all.classNames]),
      );
      return (labels ? hash.update(labels) : hash).digest('hex');
    },
    read: (start, end) => source.read(start, end),
    image: pictures(source),
    source,
  };
}

/** Labels of the samples in use, from labels of all samples or of just these. */
function inUse(labels: Int32Array, { total, count, chosen }: SampleSource, where: string): Int32Array {
  if (labels.length === total) return chosen ? Int32Array.from(chosen, (i) => labels[i]!) : labels.slice(0, count);
  if (labels.length === count) return labels;
  throw new UserError(`There are ${labels.length} labels in ${where} for ${total} samples.`, {
    hint: 'Give one label a sample, in the same order.',
  });
}

async function openSource(path: string, options: OpenOptions): Promise<SampleSource> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable('Samples', path, error);
  });
  try {
    return found.isDirectory() ? await openFolder(path, options) : await openFile(path, options);
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string' && /^E[A-Z]+$/.test(error.code))
      throw unreadable('Samples', path, error);
    throw error;
  }
}

async function openFolder(path: string, options: OpenOptions): Promise<SampleSource> {
  const { files } = await folderOf(path, new Set([...IMAGE_EXTENSIONS, ...POINT_EXTENSIONS]));
  const clouds = files.filter((file) => POINT_EXTENSIONS.has(extname(file).toLowerCase())).length;
  return clouds > files.length / 2 ? openPoints(path, options) : openImageFolder(path, options);
}

const startsWith = (head: Uint8Array, text: string): boolean =>
  [...text].every((character, i) => head[i] === character.charCodeAt(0));

async function openFile(path: string, options: OpenOptions): Promise<SampleSource> {
  const head = await headOf(path);
  const extension = extname(path).toLowerCase();
  if (head.length === 0) throw new UserError(`${basename(path)} is empty.`);
  if (isNpy(head)) return openNpy(path, options);
  if (startsWith(head, 'PK\u0003\u0004')) return openNpz(path, options);
  if (startsWith(head, 'ply') || extension === '.xyz') return openPoints(path, options, true);
  if (idxHeader(head)) return openIdx(path, options);
  if (IMAGE_EXTENSIONS.has(extension)) return openImageFolder(path, options, true);
  if (await isCifar(path)) return openCifar(path, options);
  if (head.every((byte) => byte >= 9 && byte !== 127 && (byte > 13 || byte < 14) && (byte >= 32 || byte <= 13)))
    return openTable(path, options);
  throw new UserError(`${basename(path)} is no known kind of samples.`, {
    hint: 'Known are: a folder of images or point clouds, .npy, .npz, IDX (.gz), CIFAR binary (records of 3073 bytes), .csv, .xyz, .ply.',
  });
}

// ---- for a person ----

/** Samples whose range of values is looked at to show arrays of numbers as pictures. */
const LOOKED_AT = 64;

/**
 * Pictures of raw images: bytes over 255; other numbers as they are when within [0, 1], from [−1, 1] and [0, 255] by
 * those ranges, else from the least to the largest of the first 64 samples.
 */
function pictures(source: SampleSource): Samples['image'] {
  if (source.kind === 'points') {
    return async (i) => pointCloud(await source.read(i, i + 1), null);
  }
  const axes = imageAxes(source.shape);
  if (source.kind !== 'image' || !axes) return () => Promise.resolve(null);
  let range: Promise<readonly [number, number]> | undefined;
  const rangeOf = async (): Promise<readonly [number, number]> => {
    if (source.pixels) return [0, 255];
    let [least, largest] = [Infinity, -Infinity];
    for (const value of await source.read(0, Math.min(LOOKED_AT, source.count)))
      [least, largest] = [Math.min(least, value), Math.max(largest, value)];
    if (least >= 0 && largest <= 1) return [0, 1];
    if (least >= -1 && largest <= 1) return [-1, 1];
    return least >= 0 && largest <= 255 ? [0, 255] : [least, largest];
  };
  return async (i) => {
    const [least, largest] = await (range ??= rangeOf());
    const values = channelsLast(await source.read(i, i + 1), axes);
    const shown = Float32Array.from(values, (value) =>
      Math.min(1, Math.max(0, (value - least) / (largest - least || 1))),
    );
    const { height, width, channels } = axes;
    if (channels === 1) return { data: shown, shape: [height, width] };
    // Of four channels the last is transparency.
    const colours =
      channels === 3
        ? shown
        : Float32Array.from({ length: height * width * 3 }, (_, j) => shown[Math.floor(j / 3) * channels + (j % 3)]!);
    return { data: colours, shape: [height, width, 3] };
  };
}

interface ImageAxes {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly channelsFirst: boolean;
}

/** How a raw shape is a picture: [h, w], [h, w, c] or [c, h, w]. */
function imageAxes(shape: Shape): ImageAxes | null {
  if (shape.length === 2) return { height: shape[0]!, width: shape[1]!, channels: 1, channelsFirst: false };
  if (shape.length !== 3) return null;
  const [a, b, c] = shape as [number, number, number];
  if ([1, 3, 4].includes(c)) return { height: a, width: b, channels: c, channelsFirst: false };
  return [1, 3].includes(a) ? { height: b, width: c, channels: a, channelsFirst: true } : null;
}

/** Pixels of one picture with channels last. */
function channelsLast(values: Float32Array, { height, width, channels, channelsFirst }: ImageAxes): Float32Array {
  if (!channelsFirst || channels === 1) return values;
  const area = height * width;
  return Float32Array.from(
    { length: values.length },
    (_, i) => values[(i % channels) * area + Math.floor(i / channels)]!,
  );
}

// ---- for the network ----

export interface InputTarget {
  /** Of the network's input, batch of 1 included. */
  readonly shape: Shape;
  readonly layout: InputLayout;
  readonly preprocessing: Preprocessing;
  /** What --preprocess says, which wins over the network's own. */
  readonly given?: GivenPreprocessing | null;
}

export interface Inputs {
  /** What is really done. */
  readonly preprocessing: Preprocessing;
  readonly notes: readonly string[];
  /** The network's input of samples start … end−1, preprocessed: [end − start, …shape]. */
  read(start: number, end: number): Promise<Tensor>;
  /** A sample as it meets the network, resized and cropped, before scaling: as `Samples.image`. */
  image(i: number): Promise<Tensor | null>;
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
export function toInput(samples: Samples, target: InputTarget): Inputs {
  const { shape, layout } = target;
  const { source } = samples;
  const size = sizeOf(shape);
  const merged = mergedPreprocessing(target.preprocessing, target.given);
  const isImage = layout.kind === 'image' && layout.heightAxis !== null && layout.widthAxis !== null;
  const notes: string[] = [];
  const axes = source.kind === 'image' ? imageAxes(source.shape) : null;

  let preprocessing = merged;
  if (!source.pixels && !target.given) {
    preprocessing = {
      ...merged,
      scale: 1,
      mean: [0],
      std: [1],
      source: 'none: arrays of numbers are taken as they are',
    };
    if (!isNeutral(merged) && samples.count > 0)
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
  return {
    preprocessing,
    notes,
    async read(start, end) {
      const values = await reader.read(start, end);
      const data = normalise(values);
      const bad = data.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) {
        const raw = values[bad]!;
        throw new UserError(
          `Sample ${samples.names(start + Math.floor(bad / size))} holds ${raw} at position ${bad % size}; every number must be finite.`,
          {
            hint: 'Remove the sample or fill the missing value in.',
          },
        );
      }
      return { data, shape: [end - start, ...shape] };
    },
    image: pictures(reader.shown ?? source),
  };
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
  return (values) => Float32Array.from(values, (value, i) => value * factor[i % size]! - offset[i % size]!);
}

interface Reader {
  readonly channels: number;
  /** Channel of entry i of one input. */
  channelOf(i: number): number;
  /** Raw numbers in the network's layout. */
  read(start: number, end: number): Promise<Float32Array>;
  /** What is shown to a person, when it is not the raw samples. */
  readonly shown?: SampleSource;
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
