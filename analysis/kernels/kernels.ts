// The tensor arithmetic that everything above is written in. An op calls these functions and does not
// know whether a call computes now (TensorFlow.js) or records a node of a graph (ONNX Runtime).

/** Sizes of a tensor's dimensions, outermost first. */
export type Shape = readonly number[];

/** Numbers in host memory, row-major, float32. */
export interface Tensor {
  readonly data: Float32Array;
  readonly shape: Shape;
}

/**
 * A tensor inside a program: opaque, owned by the backend that made it.
 * By convention its first dimension is the block (probes or samples): B while a block passes through, 1 for
 * constants and for what was captured at one sample, so that numpy broadcasting spreads the latter over the former.
 */
export type Value = { readonly __value: unique symbol } | object;

/** Geometry shared by convolution and pooling; one entry per spatial axis, pads as [before…, after…], all explicit. */
export interface Window {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}
export interface ConvOptions extends Window {
  readonly groups: number;
}
export interface PoolOptions extends Window {
  readonly kernel: readonly number[];
}

export type UnaryKernel =
  'neg' | 'abs' | 'exp' | 'log' | 'sqrt' | 'tanh' | 'sigmoid' | 'erf' | 'sign' | 'floor' | 'reciprocal' | 'sin' | 'cos';
/** The comparisons give 1 where they hold and 0 elsewhere. */
export type BinaryKernel = 'add' | 'sub' | 'mul' | 'div' | 'max' | 'min' | 'pow' | 'greater' | 'greaterEqual' | 'equal';

/**
 * The kernels. Binary kernels and `select` broadcast as numpy does. Spatial kernels take [N, C, …space] with one, two
 * or three spatial axes. Shapes given to `reshape` may hold one −1.
 */
export interface Kernels {
  constant(value: Tensor): Value;
  unary(kernel: UnaryKernel, x: Value): Value;
  binary(kernel: BinaryKernel, a: Value, b: Value): Value;
  /** a where condition is not 0, else b. */
  select(condition: Value, a: Value, b: Value): Value;
  /** Batched matrix product over the last two axes, leading axes broadcast. */
  matMul(a: Value, b: Value, options?: { transposeA?: boolean; transposeB?: boolean }): Value;
  /** Cross-correlation: x [N, C, …s], w [O, C/groups, …k] -> [N, O, …t]. */
  conv(x: Value, w: Value, options: ConvOptions): Value;
  /** The exact adjoint of `conv` in x: y [N, O, …t], w [O, C/groups, …k] -> [N, C, …size]. */
  convTranspose(y: Value, w: Value, options: ConvOptions & { size: readonly number[] }): Value;
  /** Window maximum; padding counts as −∞. */
  maxPool(x: Value, options: PoolOptions): Value;
  /** Window sum; padding counts as 0 (an average is this times one over a count). */
  sumPool(x: Value, options: PoolOptions): Value;
  /** The exact adjoint of `sumPool`. */
  sumPoolTranspose(y: Value, options: PoolOptions & { size: readonly number[]; channels: number }): Value;
  reduce(kind: 'sum' | 'max', x: Value, axes: readonly number[], keepDims?: boolean): Value;
  reshape(x: Value, shape: readonly number[]): Value;
  transpose(x: Value, permutation: readonly number[]): Value;
  concat(xs: readonly Value[], axis: number): Value;
  /** numpy slicing along the named axes (starts inclusive, ends exclusive, steps positive, indices already within range). */
  slice(
    x: Value,
    options: { axes: readonly number[]; starts: readonly number[]; ends: readonly number[]; steps: readonly number[] },
  ): Value;
  /** Constant padding, pads as [before…, after…] over all axes (the block axis gets 0, 0). */
  pad(x: Value, pads: readonly number[], value?: number): Value;
  tile(x: Value, repeats: readonly number[]): Value;
  /** Rows of x along an axis, by indices known when the program is built. */
  gather(x: Value, indices: Int32Array, axis: number): Value;
  /** The adjoint of `gather`: adds row i of y into row indices[i] of a zero tensor with `size` rows on that axis. */
  scatterAdd(y: Value, indices: Int32Array, axis: number, size: number): Value;
}

/** A compiled piece of arithmetic; runs any block size. */
export interface Program {
  /** Inputs and outputs in the order in which they were declared and returned. */
  run(inputs: readonly Tensor[]): Promise<Tensor[]>;
  dispose(): void;
}

export type BackendId = 'onnxruntime' | 'tfjs-gpu' | 'tfjs' | 'wasm' | 'cpu';

/** A way to run kernels on this machine. */
export interface Backend {
  readonly id: BackendId;
  readonly version: string;
  readonly precision: 'float32';
  /**
   * Builds a program. `inputs[i]` is the shape of input i without its leading block dimension, which stays free.
   * `build` may be called once (recorded), again, or at every run (immediate), so it must be pure.
   */
  compile(inputs: readonly Shape[], build: (k: Kernels, inputs: Value[]) => Value[]): Promise<Program>;
  /**
   * Bytes that programs may hold while they do not run: beyond it those that ran longest ago are taken down, and built
   * again when they run. Where it is missing, programs hold what they hold.
   */
  keepWithin?(bytes: number): void;
  /** Tensors alive outside of running programs; the laws assert that it does not grow. */
  liveTensors(): number;
  dispose(): Promise<void>;
}

/** Number of entries of a tensor of this shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, n) => product * n, 1);
}
