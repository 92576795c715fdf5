// Trains the embedded example and writes it beside this file: `node analysis/demo/train.ts`. A small convolutional
// classifier of the ten glyphs, by TensorFlow.js layers, everything from one seed; saved as ONNX with its samples as IDX.
// `--seed 8`, `--corrupt frame` (noise instead of that class's training images) and `--out FOLDER` make another one, to
// compare with it.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { layers, sequential, type Sequential } from '@tensorflow/tfjs-layers';
import { AttributeType, DataType, encodeModel } from '../kernels/onnx-protobuf.ts';
import { random } from '../random.ts';
import { drawGlyphs, GLYPH_NAMES, GLYPH_SIZE } from './glyphs.ts';

export interface TrainingOptions {
  readonly seed?: number;
  readonly images?: number;
  readonly epochs?: number;
  /** Spoils the training set before training, for experiments: labels and images may be changed in place. */
  readonly corrupt?: (images: Uint8Array, labels: Uint8Array) => void;
}

/** Weights in the layout of ONNX: convolutions [out, in, height, width], dense [out, in] over channels-first features. */
export type DemoWeights = Record<string, { data: Float32Array; shape: number[] }>;

const [FIRST, SECOND, HIDDEN] = [8, 16, 48];
const POOLED = 4;

let registered = false;

/**
 * Convolutions, biases and the gradients of them and of pooling in plain loops over typed arrays: the JavaScript backend's own
 * look entries up by their coordinates, many times slower. They add in its order, so that the weights are the same to the
 * bit. Stride 1 and no padding, windows of 2 × 2 that do not meet, which is all that this network has.
 */
function registerFastKernels(): void {
  if (registered) return;
  registered = true;
  const register = (
    kernelName: string,
    compute: (inputs: Record<string, Values>, attributes: tf.NamedAttrMap) => Values | null,
  ): void => {
    const { kernelFunc: slow } = tf.getKernel(kernelName, 'cpu');
    tf.unregisterKernel(kernelName, 'cpu');
    tf.registerKernel({
      kernelName,
      backendName: 'cpu',
      kernelFunc: ({ inputs, attrs, backend }) => {
        const read = (info: tf.TensorInfo): Values => ({
          data: (backend as unknown as { readSync(id: object): Float32Array }).readSync(info.dataId),
          shape: info.shape,
        });
        const given = Object.fromEntries(Object.entries(inputs).map(([name, info]) => [name, read(info!)]));
        const computed = compute(given, attrs!);
        if (!computed) return slow({ inputs, attrs: attrs!, backend });
        const { data, shape } = computed;
        return tf.engine().makeTensor(data, [...shape], 'float32');
      },
    });
  };
  register('Conv2D', ({ x, filter }) => convolution(x!, filter!));
  register('Conv2DBackpropFilter', ({ x, dy }, { filterShape }) => filterGradient(x!, dy!, filterShape as number[]));
  register('Conv2DBackpropInput', ({ dy, filter }, { inputShape }) =>
    inputGradient(dy!, filter!, inputShape as number[]),
  );
  register('Add', ({ a, b }) => biasSum(a!, b!));
  register('Sum', ({ x }, { axis }) => biasGradient(x!, [axis as number | number[]].flat()));
  register('MaxPoolGrad', ({ dy, input }) => poolGradient(dy!, input!));
}

/** A tensor with its channels last; filters are [rows, columns, in, out]. */
interface Values {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

function convolution(x: Values, filter: Values): Values {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const [rows, columns, , filters] = filter.shape as [number, number, number, number];
  const [outHeight, outWidth] = [height - rows + 1, width - columns + 1];
  const [images, weights] = [x.data, filter.data];
  const data = new Float32Array(batch * outHeight * outWidth * filters);
  for (let n = 0; n < batch; n++) {
    for (let py = 0; py < outHeight; py++) {
      for (let px = 0; px < outWidth; px++) {
        const to = ((n * outHeight + py) * outWidth + px) * filters;
        for (let row = 0; row < rows; row++) {
          // Columns and channels of a row lie side by side.
          const from = ((n * height + py + row) * width + px) * channels;
          for (let i = 0; i < columns * channels; i++) {
            const value = images[from + i]!;
            if (value === 0) continue;
            const weight = (row * columns * channels + i) * filters;
            for (let f = 0; f < filters; f++) data[to + f]! += value * weights[weight + f]!;
          }
        }
      }
    }
  }
  return { data, shape: [batch, outHeight, outWidth, filters] };
}

function filterGradient(x: Values, dy: Values, shape: readonly number[]): Values {
  const [rows, columns, channels, filters] = shape as [number, number, number, number];
  const [, height, width] = x.shape as [number, number, number];
  const images = x.data;
  const data = new Float32Array(rows * columns * channels * filters);
  eachSlope(dy, (n, py, px, f, slope) => {
    for (let row = 0; row < rows; row++) {
      const from = ((n * height + py + row) * width + px) * channels;
      const to = row * columns * channels * filters + f;
      for (let i = 0; i < columns * channels; i++) data[to + i * filters]! += images[from + i]! * slope;
    }
  });
  return { data, shape };
}

function inputGradient(dy: Values, filter: Values, shape: readonly number[]): Values {
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const [rows, columns, , filters] = filter.shape as [number, number, number, number];
  const weights = filter.data;
  const sums = new Float64Array(batch * height * width * channels);
  eachSlope(dy, (n, py, px, f, slope) => {
    for (let row = 0; row < rows; row++) {
      const to = ((n * height + py + row) * width + px) * channels;
      const from = row * columns * channels * filters + f;
      for (let i = 0; i < columns * channels; i++) sums[to + i]! += slope * weights[from + i * filters]!;
    }
  });
  return { data: Float32Array.from(sums), shape };
}

/** Behind a rectifier and a pooling few slopes are not zero. */
function eachSlope(
  { data, shape }: Values,
  visit: (n: number, py: number, px: number, filter: number, slope: number) => void,
): void {
  const [batch, height, width, filters] = shape as [number, number, number, number];
  let at = 0;
  for (let n = 0; n < batch; n++) {
    for (let py = 0; py < height; py++) {
      for (let px = 0; px < width; px++) {
        for (let f = 0; f < filters; f++, at++) if (data[at] !== 0) visit(n, py, px, f, data[at]!);
      }
    }
  }
}

/** A number of each channel is added; null where it is another sum. */
function biasSum(a: Values, b: Values): Values | null {
  const channels = a.shape.at(-1) ?? 0;
  if (a.shape.length < 2 || b.data.length !== channels || b.shape.at(-1) !== channels) return null;
  const data = new Float32Array(a.data.length);
  for (let i = 0; i < data.length; i += channels)
    for (let c = 0; c < channels; c++) data[i + c] = a.data[i + c]! + b.data[c]!;
  return { data, shape: a.shape };
}

/** The sum over all axes but the channels; null where it is another one. */
function biasGradient({ data, shape }: Values, axes: readonly number[]): Values | null {
  const channels = shape.at(-1) ?? 0;
  if (
    !(data instanceof Float32Array) ||
    shape.length < 2 ||
    axes.length !== shape.length - 1 ||
    axes.some((axis, i) => axis !== i)
  )
    return null;
  const sums = new Float64Array(channels);
  for (let i = 0; i < data.length; i += channels) for (let c = 0; c < channels; c++) sums[c]! += data[i + c]!;
  return { data: Float32Array.from(sums), shape: [channels] };
}

/** Each slope goes to the first of the largest values of its window. */
function poolGradient(dy: Values, input: Values): Values {
  const [batch, outHeight, outWidth, channels] = dy.shape as [number, number, number, number];
  const [, height, width] = input.shape as [number, number, number];
  const data = new Float32Array(input.data.length);
  for (let n = 0; n < batch; n++) {
    for (let py = 0; py < outHeight; py++) {
      for (let px = 0; px < outWidth; px++) {
        const slope = ((n * outHeight + py) * outWidth + px) * channels;
        const corner = ((n * height + 2 * py) * width + 2 * px) * channels;
        for (let c = 0; c < channels; c++) {
          let largest = corner + c;
          for (const step of [channels, width * channels, (width + 1) * channels])
            if (input.data[corner + c + step]! > input.data[largest]!) largest = corner + c + step;
          data[largest] = dy.data[slope + c]!;
        }
      }
    }
  }
  return { data, shape: input.shape };
}

/** Trains the demo network. Takes half a minute on one core. */
export async function trainDemo({
  seed = 7,
  images: count = 3000,
  epochs = 5,
  corrupt,
}: TrainingOptions = {}): Promise<DemoWeights> {
  await tf.setBackend('cpu');
  registerFastKernels();
  const { images, labels } = drawGlyphs(count, seed + 1000);
  corrupt?.(images, labels);
  const model = buildModel(seed);
  model.compile({ optimizer: tf.train.adam(0.002), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  const source = random(seed, 'order');
  const pixels = GLYPH_SIZE * GLYPH_SIZE;
  const batch = 32;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const order = source.permutation(count);
    let accuracy = 0;
    for (let start = 0; start + batch <= count; start += batch) {
      const chosen = order.slice(start, start + batch);
      const values = new Float32Array(batch * pixels);
      for (const [i, image] of chosen.entries())
        for (let p = 0; p < pixels; p++) values[i * pixels + p] = images[image * pixels + p]! / 255;
      const x = tf.tensor4d(values, [batch, GLYPH_SIZE, GLYPH_SIZE, 1]);
      const y = tf.oneHot(
        tf.tensor1d(
          chosen.map((i) => labels[i]!),
          'int32',
        ),
        GLYPH_NAMES.length,
      );
      const [, right] = (await model.trainOnBatch(x, y)) as [number, number];
      accuracy += right * batch;
      tf.dispose([x, y]);
    }
    console.error(
      `epoch ${epoch} of ${epochs}: ${((100 * accuracy) / count).toFixed(1)} % of the training batches right`,
    );
  }
  return channelsFirst(model);
}

function buildModel(seed: number): Sequential {
  const kernelInitializer = (offset: number) => ({ className: 'HeNormal', config: { seed: seed + offset } }) as never;
  return sequential({
    layers: [
      layers.conv2d({
        inputShape: [GLYPH_SIZE, GLYPH_SIZE, 1],
        filters: FIRST,
        kernelSize: 5,
        activation: 'relu',
        kernelInitializer: kernelInitializer(1),
      }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: SECOND, kernelSize: 5, activation: 'relu', kernelInitializer: kernelInitializer(2) }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dense({ units: HIDDEN, activation: 'relu', kernelInitializer: kernelInitializer(3) }),
      layers.dense({ units: GLYPH_NAMES.length, activation: 'softmax', kernelInitializer: kernelInitializer(4) }),
    ],
  });
}

function channelsFirst(model: Sequential): DemoWeights {
  const names = ['conv1', 'conv2', 'hidden', 'classes'];
  const weights: DemoWeights = {};
  for (const [i, tensor] of model.getWeights().entries()) {
    const name = `${names[Math.floor(i / 2)]}.${i % 2 === 0 ? 'weight' : 'bias'}`;
    const moved = tf.tidy(() => {
      if (tensor.rank === 4) return tf.transpose(tensor, [3, 2, 0, 1]);
      if (name === 'hidden.weight') {
        return tf.reshape(tf.transpose(tf.reshape(tensor, [POOLED, POOLED, SECOND, HIDDEN]), [3, 2, 0, 1]), [
          HIDDEN,
          -1,
        ]);
      }
      return tensor.rank === 2 ? tf.transpose(tensor) : tf.clone(tensor);
    });
    weights[name] = { data: moved.dataSync<'float32'>(), shape: moved.shape };
  }
  return weights;
}

/** The network as an ONNX file with these weights. */
export function encodeDemo(weights: DemoWeights): Uint8Array {
  const ints = (name: string, values: number[]) => ({ name, type: AttributeType.ints, ints: values });
  const int = (name: string, value: number) => ({ name, type: AttributeType.int, i: value });
  const pool = [ints('kernel_shape', [2, 2]), ints('strides', [2, 2])];
  const node = (opType: string, name: string, input: string[], attribute: object[] = []) => ({
    opType,
    name,
    input,
    output: [name],
    attribute,
  });
  const valueInfo = (name: string, sizes: number[]) => ({
    name,
    type: {
      tensorType: {
        elemType: DataType.float,
        shape: { dim: [{ dimParam: 'batch' }, ...sizes.map((dimValue) => ({ dimValue }))] },
      },
    },
  });
  return encodeModel({
    irVersion: 8,
    producerName: 'eigenlens demo',
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'glyphs',
      input: [valueInfo('image', [1, GLYPH_SIZE, GLYPH_SIZE])],
      output: [valueInfo('probabilities', [GLYPH_NAMES.length])],
      node: [
        node('Conv', 'conv1', ['image', 'conv1.weight', 'conv1.bias']),
        node('Relu', 'relu1', ['conv1']),
        node('MaxPool', 'pool1', ['relu1'], pool),
        node('Conv', 'conv2', ['pool1', 'conv2.weight', 'conv2.bias']),
        node('Relu', 'relu2', ['conv2']),
        node('MaxPool', 'pool2', ['relu2'], pool),
        node('Flatten', 'flatten', ['pool2'], [int('axis', 1)]),
        node('Gemm', 'hidden', ['flatten', 'hidden.weight', 'hidden.bias'], [int('transB', 1)]),
        node('Relu', 'relu3', ['hidden']),
        node('Gemm', 'classes', ['relu3', 'classes.weight', 'classes.bias'], [int('transB', 1)]),
        node('Softmax', 'probabilities', ['classes'], [int('axis', 1)]),
      ],
      initializer: Object.entries(weights).map(([name, { data, shape }]) => ({
        name,
        dims: shape,
        dataType: DataType.float,
        rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      })),
    },
  });
}

/** An IDX file of bytes. */
export function encodeIdx(bytes: Uint8Array, shape: readonly number[]): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length));
  header.setUint32(0, 0x00000800 + shape.length);
  for (const [i, n] of shape.entries()) header.setUint32(4 + 4 * i, n);
  return Buffer.concat([new Uint8Array(header.buffer), bytes]);
}

/** Puts noise in place of every training image of a class, as a broken export would. */
function noiseFor(kind: number): NonNullable<TrainingOptions['corrupt']> {
  return (images, labels) => {
    const source = random(0, 'corrupted');
    const pixels = GLYPH_SIZE * GLYPH_SIZE;
    for (const [i, label] of labels.entries()) {
      if (label !== kind) continue;
      for (let p = i * pixels; p < (i + 1) * pixels; p++) images[p] = Math.floor(256 * source.uniform());
    }
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { seed, corrupt, out } = parseArgs({
    options: { seed: { type: 'string' }, corrupt: { type: 'string' }, out: { type: 'string' } },
  }).values;
  const kind = corrupt === undefined ? -1 : GLYPH_NAMES.indexOf(corrupt);
  if (corrupt !== undefined && kind < 0)
    throw new Error(`--corrupt is "${corrupt}"; expected ${GLYPH_NAMES.join(', ')}`);
  if (seed !== undefined && !/^\d{1,9}$/.test(seed)) throw new Error(`--seed is "${seed}"; expected a whole number`);
  const folder = out ?? path.dirname(fileURLToPath(import.meta.url));
  const count = 200;
  const { images, labels } = drawGlyphs(count, 1);
  const weights = await trainDemo({
    ...(seed !== undefined && { seed: Number(seed) }),
    ...(kind >= 0 && { corrupt: noiseFor(kind) }),
  });
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'model.onnx'), encodeDemo(weights));
  await writeFile(path.join(folder, 'images.idx'), encodeIdx(images, [count, GLYPH_SIZE, GLYPH_SIZE]));
  await writeFile(path.join(folder, 'labels.idx'), encodeIdx(labels, [count]));
  await writeFile(path.join(folder, 'classes.txt'), GLYPH_NAMES.join('\n') + '\n');
  console.error(`Wrote model.onnx, images.idx, labels.idx and classes.txt to ${path.relative('.', folder)}`);
}
