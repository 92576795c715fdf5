// Kernels on TensorFlow.js: every call computes at once, inside an engine scope. TensorFlow.js keeps channels last and
// pads evenly, so spatial kernels transpose, pad and spread around it; every adjoint is written with forward kernels,
// because the backends' own are missing or slow.
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from './kernels.ts';
import type {
  Backend,
  BackendId,
  BinaryKernel,
  ConvOptions,
  Kernels,
  PoolOptions,
  Program,
  Shape,
  Tensor,
  UnaryKernel,
  Value,
} from './kernels.ts';

/** The backends that this file makes. */
export type TfjsBackendId = Exclude<BackendId, 'onnxruntime'>;

/** Names under which TensorFlow.js registers them. */
const engineNames: Record<TfjsBackendId, string> = {
  'tfjs-gpu': 'tensorflow',
  tfjs: 'tensorflow',
  wasm: 'wasm',
  cpu: 'cpu',
};

/** TensorFlow.js on one of its backends; throws what the package throws where it does not load. */
export async function tfjsBackend(id: TfjsBackendId): Promise<Backend> {
  const name = engineNames[id];
  // Without production mode the processor backend prints an advertisement.
  tf.env().set('PROD', true);
  await register(id);
  if (!(await tf.setBackend(name))) throw new Error(`TensorFlow.js could not start its ${name} backend.`);
  if (id === 'tfjs-gpu' && (tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice !== true) {
    throw new Error('TensorFlow loads, but it sees no CUDA device.');
  }
  const programs = new Set<Program>();
  return {
    id,
    version: tf.version_core,
    precision: 'float32',
    compile(inputs, build) {
      const compiled = program(name, inputs, build, () => programs.delete(compiled));
      programs.add(compiled);
      return Promise.resolve(compiled);
    },
    liveTensors: () => tf.memory().numTensors,
    dispose() {
      for (const compiled of programs) compiled.dispose();
      return Promise.resolve();
    },
  };
}

async function register(id: TfjsBackendId): Promise<void> {
  if (id === 'cpu') {
    await import('@tensorflow/tfjs-backend-cpu');
  } else if (id === 'wasm') {
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    const entry = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(dirname(entry) + sep);
    await withoutProcessListeners(() => tf.setBackend('wasm'));
  } else {
    // Optional packages: the name is a variable so that type checking does not need them.
    const packageName: string = id === 'tfjs-gpu' ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';
    await import(packageName);
  }
}

/** Emscripten adds process-wide handlers that rethrow whatever is unhandled; the process is not its to end. */
async function withoutProcessListeners(start: () => Promise<unknown>): Promise<void> {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => new Set<unknown>(process.listeners(event as 'uncaughtException')));
  await start();
  events.forEach((event, i) => {
    for (const listener of process.listeners(event as 'uncaughtException')) {
      if (!before[i]!.has(listener)) process.removeListener(event, listener);
    }
  });
}

function program(
  engineName: string,
  inputShapes: readonly Shape[],
  build: (k: Kernels, inputs: Value[]) => Value[],
  forget: () => void,
): Program {
  const constants = constantCache();
  const kernels = immediateKernels(constants.get);
  return {
    async run(inputs) {
      inputShapes.forEach((shape, i) => {
        const given = inputs[i]!.shape;
        if (given.length !== shape.length + 1 || shape.some((n, axis) => n !== given[axis + 1])) {
          throw new Error(`Input ${i} of a program has shape [${given}]; it was built for [B, ${shape}].`);
        }
      });
      // Synchronous for a backend that has started, so that no other program's run comes between.
      if (tf.getBackend() !== engineName) void tf.setBackend(engineName);
      const outputs = tf.tidy(() => {
        const values = build(
          kernels,
          inputs.map(({ data, shape }) => tf.tensor(data, [...shape], 'float32')),
        );
        // A constant or an input may be returned, and a constant outlives the run.
        return values.map((value) => tf.clone(tensor(value)));
      });
      constants.sweep();
      try {
        return await Promise.all(
          outputs.map(async (output): Promise<Tensor> => {
            const data: unknown = await output.data();
            // The cpu backend hands out its own array, which may be an input's or a constant's, or hold booleans.
            return {
              data: engineName === 'cpu' ? Float32Array.from(data as ArrayLike<number>) : (data as Float32Array),
              shape: output.shape,
            };
          }),
        );
      } finally {
        tf.dispose(outputs);
      }
    },
    dispose() {
      constants.clear();
      forget();
    },
  };
}

interface ConstantCache {
  get(constant: Tensor): tf.Tensor;
  /** Frees the constants that no run has asked for since the last sweep. */
  sweep(): void;
  clear(): void;
}

/** Constants stay on the device between runs, as long as every run hands in the same array. */
function constantCache(): ConstantCache {
  interface Kept {
    readonly tensor: tf.Tensor;
    used: boolean;
  }
  const kept = new Map<Float32Array, Map<string, Kept>>();
  const drop = (unneeded: (entry: Kept) => boolean): void => {
    for (const [data, byShape] of kept) {
      for (const [key, entry] of byShape) {
        if (unneeded(entry)) {
          entry.tensor.dispose();
          byShape.delete(key);
        }
        entry.used = false;
      }
      if (byShape.size === 0) kept.delete(data);
    }
  };
  return {
    get({ data, shape }) {
      let byShape = kept.get(data);
      if (byShape === undefined) kept.set(data, (byShape = new Map()));
      const key = shape.join();
      let entry = byShape.get(key);
      if (entry === undefined) {
        byShape.set(key, (entry = { tensor: tf.keep(tf.tensor(data, [...shape], 'float32')), used: true }));
      }
      entry.used = true;
      return entry.tensor;
    },
    sweep: () => drop((entry) => !entry.used),
    clear: () => drop(() => true),
  };
}

function tensor(value: Value): tf.Tensor {
  return value as tf.Tensor;
}

const unaryOps: Record<UnaryKernel, (x: tf.Tensor) => tf.Tensor> = {
  neg: tf.neg,
  abs: tf.abs,
  exp: tf.exp,
  log: tf.log,
  sqrt: tf.sqrt,
  tanh: tf.tanh,
  sigmoid: tf.sigmoid,
  erf: tf.erf,
  sign: tf.sign,
  floor: tf.floor,
  reciprocal: tf.reciprocal,
  sin: tf.sin,
  cos: tf.cos,
};

const binaryOps: Record<BinaryKernel, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor> = {
  add: tf.add,
  sub: tf.sub,
  mul: tf.mul,
  div: tf.div,
  max: tf.maximum,
  min: tf.minimum,
  pow: tf.pow,
  greater: (a, b) => tf.cast(tf.greater(a, b), 'float32'),
  greaterEqual: (a, b) => tf.cast(tf.greaterEqual(a, b), 'float32'),
  equal: (a, b) => tf.cast(tf.equal(a, b), 'float32'),
};

function immediateKernels(constant: (constant: Tensor) => tf.Tensor): Kernels {
  return {
    constant,
    unary: (kernel, x) => unaryOps[kernel](tensor(x)),
    binary: (kernel, a, b) => binaryOps[kernel](tensor(a), tensor(b)),
    select: (condition, a, b) => select(tensor(condition), tensor(a), tensor(b)),
    matMul: (a, b, { transposeA = false, transposeB = false } = {}) =>
      matMul(tensor(a), tensor(b), transposeA, transposeB),
    conv: (x, w, options) => conv(tensor(x), tensor(w), options),
    convTranspose: (y, w, options) => convTranspose(tensor(y), tensor(w), options),
    maxPool: (x, options) => pool('max', tensor(x), options),
    sumPool: (x, options) => pool('sum', tensor(x), options),
    sumPoolTranspose: (y, options) => sumPoolTranspose(tensor(y), options),
    reduce: (kind, x, axes, keepDims = false) => {
      if (axes.length === 0) return x;
      return kind === 'sum' ? tf.sum(tensor(x), [...axes], keepDims) : tf.max(tensor(x), [...axes], keepDims);
    },
    reshape: (x, shape) => tf.reshape(tensor(x), [...shape]),
    transpose: (x, permutation) => transpose(tensor(x), permutation),
    concat: (xs, axis) => tf.concat(xs.map(tensor), axis),
    slice: (x, { axes, starts, ends, steps }) => slice(tensor(x), axes, starts, ends, steps),
    pad: (x, pads, fill = 0) => {
      const { rank } = tensor(x);
      return pad(tensor(x), pads.slice(0, rank), pads.slice(rank), fill);
    },
    tile: (x, repeats) => (repeats.every((n) => n === 1) ? x : tf.tile(tensor(x), [...repeats])),
    gather: (x, indices, axis) => tf.gather(tensor(x), tf.tensor1d(indices, 'int32'), axis),
    scatterAdd: (y, indices, axis, size) => {
      const { rank } = tensor(y);
      const order = [axis, ...range(rank).filter((i) => i !== axis)];
      const first = transpose(tensor(y), order);
      const column = tf.reshape(tf.tensor1d(indices, 'int32'), [-1, 1]);
      return transpose(tf.scatterND(column, first, [size, ...first.shape.slice(1)]), inversePermutation(order));
    },
  };
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

function inversePermutation(permutation: readonly number[]): number[] {
  return range(permutation.length).map((axis) => permutation.indexOf(axis));
}

function transpose(x: tf.Tensor, permutation: readonly number[]): tf.Tensor {
  return permutation.every((from, to) => from === to) ? x : tf.transpose(x, [...permutation]);
}

/** Constant padding; negative pads crop. */
function pad(x: tf.Tensor, before: readonly number[], after: readonly number[], fill = 0): tf.Tensor {
  let y = x;
  if (before.some((n) => n < 0) || after.some((n) => n < 0)) {
    const begin = before.map((n) => Math.max(0, -n));
    y = tf.slice(
      y,
      begin,
      y.shape.map((n, axis) => n - begin[axis]! - Math.max(0, -after[axis]!)),
    );
  }
  if (!before.some((n) => n > 0) && !after.some((n) => n > 0)) return y;
  return tf.pad(
    y,
    before.map((n, axis) => [Math.max(0, n), Math.max(0, after[axis]!)] as [number, number]),
    fill,
  );
}

function slice(
  x: tf.Tensor,
  axes: readonly number[],
  starts: readonly number[],
  ends: readonly number[],
  steps: readonly number[],
): tf.Tensor {
  const begin = x.shape.map(() => 0);
  const end = [...x.shape];
  const stride = x.shape.map(() => 1);
  axes.forEach((axis, i) => {
    begin[axis] = starts[i]!;
    end[axis] = ends[i]!;
    stride[axis] = steps[i]!;
  });
  if (steps.some((n) => n !== 1)) return tf.stridedSlice(x, begin, end, stride);
  if (begin.every((n, axis) => n === 0 && end[axis] === x.shape[axis])) return x;
  return tf.slice(
    x,
    begin,
    end.map((n, axis) => n - begin[axis]!),
  );
}

function select(condition: tf.Tensor, a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const shape = tf.broadcast_util.assertAndGetBroadcastShape(
    condition.shape,
    tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape),
  );
  const spread = (x: tf.Tensor): tf.Tensor =>
    x.shape.length === shape.length && x.shape.every((n, axis) => n === shape[axis]) ? x : tf.broadcastTo(x, shape);
  return tf.where(tf.cast(spread(tf.notEqual(condition, tf.scalar(0))), 'bool'), spread(a), spread(b));
}

function matMul(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean): tf.Tensor {
  const [leadingA, leadingB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const leading = tf.broadcast_util.assertAndGetBroadcastShape(leadingA, leadingB);
  const rows = a.shape.at(transposeA ? -1 : -2)!;
  const columns = b.shape.at(transposeB ? -2 : -1)!;
  const shape = [...leading, rows, columns];
  if (sizeOf(leadingB) === 1 && !transposeA) {
    // One large product of all rows of the left side.
    const left = tf.reshape<tf.Rank.R2>(a, [-1, a.shape.at(-1)!]);
    const right = tf.reshape<tf.Rank.R2>(b, [b.shape.at(-2)!, b.shape.at(-1)!]);
    return tf.reshape(tf.matMul(left, right, false, transposeB), shape);
  }
  const spread = (x: tf.Tensor): tf.Tensor3D => {
    const full = [...leading, ...x.shape.slice(-2)];
    const same = sizeOf(x.shape) === sizeOf(full) || sizeOf(x.shape.slice(0, -2)) === 1;
    return tf.reshape(same ? x : tf.broadcastTo(x, full), [-1, x.shape.at(-2)!, x.shape.at(-1)!]);
  };
  return tf.reshape(tf.matMul(spread(a), spread(b), transposeA, transposeB), shape);
}

/** [N, C, …space] -> [N, …space, C]. */
function channelsLast(x: tf.Tensor): tf.Tensor {
  return transpose(x, [0, ...range(x.rank - 2).map((axis) => axis + 2), 1]);
}

/** [N, …space, C] -> [N, C, …space]. */
function channelsFirst(x: tf.Tensor): tf.Tensor {
  return transpose(x, [0, x.rank - 1, ...range(x.rank - 2).map((axis) => axis + 1)]);
}

/** Puts `steps[i] − 1` zeros after every entry of spatial axis i but the last. */
function interleave(x: tf.Tensor, steps: readonly number[]): tf.Tensor {
  let y = x;
  steps.forEach((step, i) => {
    const n = y.shape[i + 2]!;
    if (step === 1 || n === 1) return;
    const { shape } = y;
    const outer = sizeOf(shape.slice(0, i + 2));
    const inner = sizeOf(shape.slice(i + 3));
    const spread = tf.pad(tf.reshape(y, [outer, n, 1, inner]), [
      [0, 0],
      [0, 0],
      [0, step - 1],
      [0, 0],
    ]);
    const length = (n - 1) * step + 1;
    const cut = tf.slice(tf.reshape(spread, [outer, n * step, inner]), [0, 0, 0], [outer, length, inner]);
    y = tf.reshape(cut, [...shape.slice(0, i + 2), length, ...shape.slice(i + 3)]);
  });
  return y;
}

/** One spatial axis becomes two, the first of length 1: the two-dimensional kernels are the ones every backend has. */
function asPlane({ strides, dilations, pads }: ConvOptions): Pick<ConvOptions, 'strides' | 'dilations' | 'pads'> {
  return { strides: [1, ...strides], dilations: [1, ...dilations], pads: [0, pads[0]!, 0, pads[1]!] };
}

function conv(x: tf.Tensor, w: tf.Tensor, options: ConvOptions): tf.Tensor {
  const axes = x.rank - 2;
  if (axes === 1) {
    const lift = (t: tf.Tensor): tf.Tensor => tf.reshape(t, [t.shape[0]!, t.shape[1]!, 1, t.shape[2]!]);
    const y = conv(lift(x), lift(w), { ...asPlane(options), groups: options.groups });
    return tf.reshape(y, [y.shape[0]!, y.shape[1]!, y.shape[3]!]);
  }
  const { strides, pads, groups } = options;
  const padded = pad(x, [0, 0, ...pads.slice(0, axes)], [0, 0, ...pads.slice(axes)]);
  const [outputs, inputs] = w.shape as [number, number];
  // The backends combine dilation with strides, channels or three axes each in its own way: a spread kernel always works.
  const spreadKernel =
    options.dilations.some((n) => n !== 1) &&
    (axes === 3 || strides.some((n) => n !== 1) || (groups > 1 && inputs === 1));
  const kernel = spreadKernel ? interleave(w, options.dilations) : w;
  const dilations = spreadKernel ? options.dilations.map(() => 1) : options.dilations;
  if (axes === 2 && groups > 1 && inputs === 1 && strides[0] === strides[1]) {
    const multiplier = outputs / groups;
    const [, , height, width] = kernel.shape as [number, number, number, number];
    const filter = tf.transpose(tf.reshape(kernel, [groups, multiplier, height, width]), [2, 3, 0, 1]) as tf.Tensor4D;
    const y = tf.depthwiseConv2d(channelsLast(padded) as tf.Tensor4D, filter, strides[0]!, 'valid');
    return channelsFirst(y);
  }
  const last = channelsLast(padded);
  const filter = transpose(kernel, [...range(axes).map((axis) => axis + 2), 1, 0]);
  const parts = range(groups).map((g) => {
    const part = groups === 1 ? last : sliceAxis(last, last.rank - 1, g * inputs, inputs);
    const size = outputs / groups;
    const own = groups === 1 ? filter : sliceAxis(filter, filter.rank - 1, g * size, size);
    return axes === 2
      ? tf.conv2d(
          part as tf.Tensor4D,
          own as tf.Tensor4D,
          strides as [number, number],
          'valid',
          'NHWC',
          dilations as [number, number],
        )
      : tf.conv3d(part as tf.Tensor5D, own as tf.Tensor5D, strides as [number, number, number], 'valid');
  });
  return channelsFirst(parts.length === 1 ? parts[0]! : tf.concat<tf.Tensor>(parts, parts[0]!.rank - 1));
}

function sliceAxis(x: tf.Tensor, axis: number, start: number, length: number): tf.Tensor {
  const begin = x.shape.map(() => 0);
  const size = [...x.shape];
  begin[axis] = start;
  size[axis] = length;
  return tf.slice(x, begin, size);
}

/**
 * y with zeros between its entries for the strides, and so many around it that a window of the given extent, moved in
 * steps of one, ends on `size` places: what turns an adjoint into a forward pass.
 */
function spreadForAdjoint(
  y: tf.Tensor,
  strides: readonly number[],
  extents: readonly number[],
  pads: readonly number[],
  size: readonly number[],
): tf.Tensor {
  const spread = interleave(y, strides);
  const before = extents.map((n, i) => n - pads[i]!);
  const after = extents.map((n, i) => size[i]! + n - before[i]! - spread.shape[i + 2]!);
  return pad(spread, [0, 0, ...before], [0, 0, ...after]);
}

function convTranspose(y: tf.Tensor, w: tf.Tensor, options: ConvOptions & { size: readonly number[] }): tf.Tensor {
  const { strides, dilations, pads, groups, size } = options;
  const [outputs, inputs, ...kernel] = w.shape as [number, number, ...number[]];
  const extents = kernel.map((n, i) => dilations[i]! * (n - 1));
  const spread = spreadForAdjoint(y, strides, extents, pads, size);
  const area = sizeOf(kernel);
  const grouped = tf.reshape(w, [groups, outputs / groups, inputs, area]);
  const reversed = area === 1 ? grouped : tf.reverse(grouped, 3);
  const flipped = tf.reshape(tf.transpose(reversed, [0, 2, 1, 3]), [groups * inputs, outputs / groups, ...kernel]);
  return conv(spread, flipped, {
    strides: strides.map(() => 1),
    dilations,
    groups,
    pads: pads.map(() => 0),
  });
}

function pool(kind: 'max' | 'sum', x: tf.Tensor, options: PoolOptions): tf.Tensor {
  const { kernel, strides, dilations, pads } = options;
  const axes = kernel.length;
  if (axes === 1) {
    const lifted = tf.reshape(x, [x.shape[0]!, x.shape[1]!, 1, x.shape[2]!]);
    const y = pool(kind, lifted, { kernel: [1, ...kernel], ...asPlane({ ...options, groups: 1 }) });
    return tf.reshape(y, [y.shape[0]!, y.shape[1]!, y.shape[3]!]);
  }
  const padded = pad(x, [0, 0, ...pads.slice(0, axes)], [0, 0, ...pads.slice(axes)], kind === 'max' ? -Infinity : 0);
  const area = sizeOf(kernel);
  if (axes === 2 && area > 1 && dilations.every((n) => n === 1)) {
    const last = channelsLast(padded) as tf.Tensor4D;
    const [window, steps] = [kernel as [number, number], strides as [number, number]];
    if (kind === 'max') return channelsFirst(tf.maxPool(last, window, steps, 'valid'));
    return channelsFirst(tf.mul(tf.avgPool(last, window, steps, 'valid'), area));
  }
  // Elsewhere: one shifted, strided view of x for every place of the window.
  const lengths = kernel.map(
    (n, i) => Math.floor((padded.shape[i + 2]! - dilations[i]! * (n - 1) - 1) / strides[i]!) + 1,
  );
  let result: tf.Tensor | undefined;
  for (let place = 0; place < area; place++) {
    const offsets: number[] = [];
    let rest = place;
    for (let i = axes - 1; i >= 0; i--) {
      offsets[i] = (rest % kernel[i]!) * dilations[i]!;
      rest = Math.floor(rest / kernel[i]!);
    }
    const view = slice(
      padded,
      range(axes).map((i) => i + 2),
      offsets,
      offsets.map((n, i) => n + (lengths[i]! - 1) * strides[i]! + 1),
      strides,
    );
    if (result === undefined) result = view;
    else result = kind === 'max' ? tf.maximum(result, view) : tf.add(result, view);
  }
  return result!;
}

function sumPoolTranspose(
  y: tf.Tensor,
  options: PoolOptions & { size: readonly number[]; channels: number },
): tf.Tensor {
  const { kernel, strides, dilations, pads, size } = options;
  const extents = kernel.map((n, i) => dilations[i]! * (n - 1));
  const spread = spreadForAdjoint(y, strides, extents, pads, size);
  return pool('sum', spread, {
    kernel,
    dilations,
    strides: strides.map(() => 1),
    pads: pads.map(() => 0),
  });
}
