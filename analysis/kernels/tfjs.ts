// Kernels on TensorFlow.js. A build function is recorded as steps; a run computes each at once, inside an engine scope,
// and frees what no later step needs. TensorFlow.js keeps channels last and pads evenly, so spatial kernels transpose,
// pad and spread around it; adjoints are written with forward kernels, because the backends' own are missing or slow.
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from './kernels.ts';
import { textOf } from './shapes.ts';
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
  Window,
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
  const programs = new Set<Program>();
  return {
    id,
    version: tf.version_core,
    precision: 'float32',
    compile(inputs, build) {
      const compiled = program(name, inputs, build, () => {
        programs.delete(compiled);
      });
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
    await registerTensorFlow(id);
  }
}

/** What the TensorFlow library reads from the environment when it is loaded; what a user has set stays. */
const tensorFlowSettings = {
  // It logs every device that it finds.
  TF_CPP_MIN_LOG_LEVEL: '2',
  // Recent GPUs would multiply with 10 bits: a thousandfold of the error that certificates allow.
  NVIDIA_TF32_OVERRIDE: '0',
  // Equal runs give equal numbers.
  TF_CUDNN_DETERMINISTIC: '1',
  TF_CUDNN_USE_AUTOTUNE: '0',
  // Memory as it is needed, not all that there is.
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
};

/** Loads one of the two optional packages around the TensorFlow library. */
async function registerTensorFlow(id: 'tfjs' | 'tfjs-gpu'): Promise<void> {
  for (const [name, value] of Object.entries(tensorFlowSettings)) process.env[name] ??= value;
  const packageName: string = id === 'tfjs-gpu' ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';
  await import(packageName);
  await tf.setBackend('tensorflow');
  const { isGPUPackage, isUsingGpuDevice } = tf.backend() as { isGPUPackage?: boolean; isUsingGpuDevice?: boolean };
  if (id === 'tfjs-gpu' && isUsingGpuDevice !== true) throw new Error('TensorFlow loads, but it sees no CUDA device');
  if (id === 'tfjs' && isGPUPackage === true) {
    throw new Error('@tensorflow/tfjs-node-gpu has been loaded, and only one of the two can be');
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

/** One kernel of a program, computed from the results of earlier steps. */
interface Step {
  readonly inputs: readonly Step[];
  readonly compute: (inputs: readonly tf.Tensor[]) => tf.Tensor;
  /** Depends on constants only: computed once, and kept on the device. */
  readonly fixed: boolean;
}

function program(
  engineName: string,
  inputShapes: readonly Shape[],
  build: (k: Kernels, inputs: Value[]) => Value[],
  forget: () => void,
): Program {
  const { parameters, steps, outputs } = record(inputShapes.length, build);
  const wanted = neededFor(outputs);
  const running = steps.filter((step) => wanted.has(step) && !step.fixed);
  const releases = releasesAfter(running, outputs);
  let kept: Map<Step, tf.Tensor> | undefined;

  function start(inputs: readonly Tensor[]): tf.Tensor[] {
    // Synchronous for a backend that has started, so that no other program's run comes between.
    if (tf.getBackend() !== engineName) void tf.setBackend(engineName);
    kept ??= computeFixed(
      steps.filter((step) => wanted.has(step) && step.fixed),
      new Set([...running.flatMap((step) => step.inputs), ...outputs]),
    );
    const results = new Map<Step, tf.Tensor>();
    const resultOf = (step: Step): tf.Tensor => (results.get(step) ?? kept!.get(step))!;
    try {
      parameters.forEach((step, i) => {
        const { data, shape } = inputs[i]!;
        if (wanted.has(step)) results.set(step, tf.tensor(data, [...shape], 'float32'));
      });
      for (const step of running) {
        results.set(step, computeStep(step, step.inputs.map(resultOf)));
        for (const done of releases.get(step)!) {
          results.get(done)!.dispose();
          results.delete(done);
        }
      }
      return outputs.map((step) => tf.clone(resultOf(step)));
    } finally {
      tf.dispose([...results.values()]);
    }
  }

  return {
    async run(inputs) {
      inputShapes.forEach((shape, i) => {
        const given = inputs[i]!.shape;
        if (given.length !== shape.length + 1 || shape.some((n, axis) => n !== given[axis + 1])) {
          throw new Error(
            `Input ${i} of a program has shape ${textOf(given)}; it was built for ${textOf([null, ...shape])}.`,
          );
        }
      });
      const results = start(inputs);
      try {
        return await Promise.all(
          results.map(async (result): Promise<Tensor> => {
            const data: unknown = await result.data();
            // The cpu backend hands out its own array, which may be an input's or a constant's, or hold booleans.
            const own = engineName === 'cpu' ? Float32Array.from(data as ArrayLike<number>) : (data as Float32Array);
            return { data: own, shape: result.shape };
          }),
        );
      } finally {
        tf.dispose(results);
      }
    },
    dispose() {
      tf.dispose([...(kept?.values() ?? [])]);
      kept = undefined;
      forget();
    },
  };
}

function computeStep(step: Step, operands: readonly tf.Tensor[]): tf.Tensor {
  const result = tf.tidy(() => step.compute(operands));
  // A kernel that had nothing to do hands back its operand, which has a life of its own.
  return operands.includes(result) ? tf.clone(result) : result;
}

function computeFixed(steps: readonly Step[], used: ReadonlySet<Step>): Map<Step, tf.Tensor> {
  const results = new Map<Step, tf.Tensor>();
  tf.tidy(() => {
    for (const step of steps) {
      const operands = step.inputs.map((input) => results.get(input)!);
      results.set(step, computeStep(step, operands));
    }
    for (const [step, result] of results) {
      if (used.has(step)) tf.keep(result);
      else results.delete(step);
    }
  });
  return results;
}

function neededFor(outputs: readonly Step[]): Set<Step> {
  const needed = new Set<Step>();
  const open = [...outputs];
  for (let step = open.pop(); step !== undefined; step = open.pop()) {
    if (needed.has(step)) continue;
    needed.add(step);
    open.push(...step.inputs);
  }
  return needed;
}

/** For every step, what no later step and no output needs. */
function releasesAfter(steps: readonly Step[], outputs: readonly Step[]): Map<Step, Step[]> {
  const needed = new Set<Step>(outputs);
  const releases = new Map<Step, Step[]>();
  for (const step of steps.toReversed()) {
    const last = [...new Set(step.inputs)].filter((input) => !input.fixed && !needed.has(input));
    last.forEach((input) => needed.add(input));
    releases.set(step, last);
  }
  return releases;
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

/** Runs `build` on kernels that note what is to be computed. */
function record(
  inputCount: number,
  build: (k: Kernels, inputs: Value[]) => Value[],
): { parameters: Step[]; steps: Step[]; outputs: Step[] } {
  const steps: Step[] = [];
  const constants = new Map<Float32Array, Map<string, Step>>();

  function step(values: readonly Value[], compute: (...inputs: [tf.Tensor, tf.Tensor, tf.Tensor]) => tf.Tensor): Step {
    const inputs = values as Step[];
    const fixed = inputs.every((input) => input.fixed);
    const noted: Step = {
      inputs,
      fixed,
      compute: (operands) => compute(...(operands as [tf.Tensor, tf.Tensor, tf.Tensor])),
    };
    steps.push(noted);
    return noted;
  }
  function constant({ data, shape }: Tensor): Step {
    const byShape = constants.get(data) ?? new Map<string, Step>();
    constants.set(data, byShape);
    const key = shape.join();
    const known = byShape.get(key) ?? step([], () => tf.tensor(data, [...shape], 'float32'));
    byShape.set(key, known);
    return known;
  }
  const rowsOf = (indices: Int32Array): Step => step([], () => tf.tensor1d(indices, 'int32'));

  /** The kernel is prepared in a step of its own, so that it happens once for a constant one. */
  function conv(x: Value, w: Value, options: ConvOptions): Value {
    const filter = step([w], (weights) => filterOf(weights, options));
    return step([x, filter], (signal, prepared) => convolve(signal, prepared, options));
  }

  const kernels: Kernels = {
    constant,
    unary: (kernel, x) => step([x], unaryOps[kernel]),
    binary: (kernel, a, b) => step([a, b], binaryOps[kernel]),
    select: (condition, a, b) => step([condition, a, b], select),
    matMul: (a, b, { transposeA = false, transposeB = false } = {}) =>
      step([a, b], (left, right) => matMul(left, right, transposeA, transposeB)),
    conv,
    convTranspose(y, w, options) {
      const flipped = step([w], (weights) => flip(weights, options.groups));
      const spread = step([y, w], (cotangent, weights) => spreadForAdjoint(cotangent, weights.shape.slice(2), options));
      return conv(spread, flipped, unstrided(options));
    },
    maxPool: (x, options) => step([x], (signal) => pool('max', signal, options)),
    sumPool: (x, options) => step([x], (signal) => pool('sum', signal, options)),
    sumPoolTranspose: (y, options) =>
      step([y], (cotangent) => pool('sum', spreadForAdjoint(cotangent, options.kernel, options), unstrided(options))),
    reduce(kind, x, axes, keepDims = false) {
      if (axes.length === 0) return x;
      return step([x], (t) => (kind === 'sum' ? tf.sum(t, [...axes], keepDims) : tf.max(t, [...axes], keepDims)));
    },
    reshape: (x, shape) => step([x], (t) => tf.reshape(t, [...shape])),
    transpose: (x, permutation) => step([x], (t) => transpose(t, permutation)),
    concat: (xs, axis) => step(xs, (...parts) => (parts.length > 1 ? tf.concat<tf.Tensor>(parts, axis) : parts[0])),
    slice: (x, { axes, starts, ends, steps: strides }) => step([x], (t) => slice(t, axes, starts, ends, strides)),
    pad: (x, pads, fill = 0) => step([x], (t) => pad(t, pads.slice(0, t.rank), pads.slice(t.rank), fill)),
    tile: (x, repeats) => step([x], (t) => (repeats.every((n) => n === 1) ? t : tf.tile(t, [...repeats]))),
    gather: (x, indices, axis) => step([x, rowsOf(indices)], (t, rows) => tf.gather(t, rows, axis)),
    scatterAdd: (y, indices, axis, size) =>
      step([y, rowsOf(indices)], (t, rows) => {
        const order = [axis, ...range(t.rank).filter((i) => i !== axis)];
        const first = transpose(t, order);
        const column = tf.reshape(rows, [-1, 1]);
        return transpose(tf.scatterND(column, first, [size, ...first.shape.slice(1)]), inversePermutation(order));
      }),
  };
  const parameters = range(inputCount).map((): Step => ({ inputs: [], fixed: false, compute: ([x]) => x! }));
  const outputs = build(kernels, [...parameters]) as Step[];
  return { parameters, steps, outputs };
}

/** The same window moved in steps of one, without padding. */
function unstrided<Options extends Window>(options: Options): Options {
  return { ...options, strides: options.strides.map(() => 1), pads: options.pads.map(() => 0) };
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
  if (columns === 1 && !transposeB && sizeOf(leadingA) === 1 && leadingB.length >= leadingA.length) {
    // Columns against one matrix: rows against its transpose.
    const row = tf.reshape(b, [...leadingB, 1, b.shape.at(-2)!]);
    return tf.reshape(matMul(row, a, false, !transposeA), shape);
  }
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
function asPlane<Options extends Window>(options: Options): Options {
  const { strides, dilations, pads } = options;
  return { ...options, strides: [1, ...strides], dilations: [1, ...dilations], pads: [0, pads[0]!, 0, pads[1]!] };
}

/** [N, C, n] -> [N, C, 1, n]. */
function liftPlane(x: tf.Tensor): tf.Tensor {
  return tf.reshape(x, [x.shape[0], x.shape[1]!, 1, x.shape[2]!]);
}

/** [N, C, 1, n] -> [N, C, n]. */
function dropPlane(x: tf.Tensor): tf.Tensor {
  return tf.reshape(x, [x.shape[0], x.shape[1]!, x.shape[3]!]);
}

/** Whether the kernel is spread by zeros, since the backends combine dilation with strides, groups or three axes each in their own way. */
function isSpread({ strides, dilations, groups }: ConvOptions): boolean {
  return dilations.some((n) => n !== 1) && (groups > 1 || strides.length === 3 || strides.some((n) => n !== 1));
}

/** The kernel [O, C/groups, …k] as `convolve` wants it: a filter […k, C/groups, O], spread where `isSpread`. */
function filterOf(w: tf.Tensor, options: ConvOptions): tf.Tensor {
  if (w.rank === 3) return filterOf(liftPlane(w), asPlane(options));
  const kernel = isSpread(options) ? interleave(w, options.dilations) : w;
  return transpose(kernel, [...range(w.rank - 2).map((axis) => axis + 2), 1, 0]);
}

function convolve(x: tf.Tensor, filter: tf.Tensor, options: ConvOptions): tf.Tensor {
  const axes = x.rank - 2;
  if (axes === 1) return dropPlane(convolve(liftPlane(x), filter, asPlane(options)));
  const { strides, pads, groups } = options;
  const padded = pad(x, [0, 0, ...pads.slice(0, axes)], [0, 0, ...pads.slice(axes)]);
  const last = channelsLast(padded);
  const [inputs, outputs] = filter.shape.slice(-2) as [number, number];
  if (axes === 2 && groups > 1 && inputs === 1 && strides[0] === strides[1]) {
    const [height, width] = filter.shape as [number, number];
    // Outputs are ordered by group, as the multiples of a depthwise filter are.
    const depthwise = tf.reshape<tf.Rank.R4>(filter, [height, width, groups, outputs / groups]);
    return channelsFirst(tf.depthwiseConv2d(last as tf.Tensor4D, depthwise, strides[0]!, 'valid'));
  }
  const dilations = isSpread(options) ? strides.map(() => 1) : options.dilations;
  const parts = range(groups).map((g) => {
    const part = groups === 1 ? last : sliceAxis(last, last.rank - 1, g * inputs, inputs);
    const size = outputs / groups;
    const own = groups === 1 ? filter : sliceAxis(filter, filter.rank - 1, g * size, size);
    if (axes === 3) {
      return tf.conv3d(part as tf.Tensor5D, own as tf.Tensor5D, strides as [number, number, number], 'valid');
    }
    const [steps, gaps] = [strides as [number, number], dilations as [number, number]];
    return tf.conv2d(part as tf.Tensor4D, own as tf.Tensor4D, steps, 'valid', 'NHWC', gaps);
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

/** [O, C/groups, …k] -> [C, O/groups, …k], every spatial axis reversed: the kernel of the adjoint. */
function flip(w: tf.Tensor, groups: number): tf.Tensor {
  const [outputs, inputs, ...kernel] = w.shape as [number, number, ...number[]];
  const area = sizeOf(kernel);
  const grouped = tf.reshape(w, [groups, outputs / groups, inputs, area]);
  const reversed = area === 1 ? grouped : tf.reverse(grouped, 3);
  return tf.reshape(tf.transpose(reversed, [0, 2, 1, 3]), [groups * inputs, outputs / groups, ...kernel]);
}

/**
 * y with zeros between its entries for the strides, and so many around it that the window, moved in steps of one, ends
 * on `size` places: what turns an adjoint into a forward pass.
 */
function spreadForAdjoint(
  y: tf.Tensor,
  kernel: readonly number[],
  { strides, dilations, pads, size }: Window & { size: readonly number[] },
): tf.Tensor {
  const extents = kernel.map((n, i) => dilations[i]! * (n - 1));
  const spread = interleave(y, strides);
  const before = extents.map((n, i) => n - pads[i]!);
  const after = extents.map((n, i) => size[i]! + n - before[i]! - spread.shape[i + 2]!);
  return pad(spread, [0, 0, ...before], [0, 0, ...after]);
}

function pool(kind: 'max' | 'sum', x: tf.Tensor, options: PoolOptions): tf.Tensor {
  const { kernel, strides, dilations, pads } = options;
  const axes = kernel.length;
  if (axes === 1) return dropPlane(pool(kind, liftPlane(x), { ...asPlane(options), kernel: [1, ...kernel] }));
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
