// Where the windows of a convolution or a pooling lie: output sizes, resolved padding, and ceil mode.
import { UserError } from '../errors.ts';
import { sizeOf, type Kernels, type PoolOptions, type Shape, type Value, type Window } from '../kernels/kernels.ts';

/** Extent of a dilated kernel along one axis. */
export function extentOf(kernel: number, dilation: number): number {
  return dilation * (kernel - 1) + 1;
}

/** Padding before and after one spatial axis. */
export function padsOf(pads: readonly number[], axis: number): { before: number; after: number } {
  return { before: pads[axis]!, after: pads[axis + pads.length / 2]! };
}

/** Output sizes of windows over an input of these spatial sizes; throws UserError where a window is larger than its padded input. */
export function windowSizes(
  sizes: readonly number[],
  kernel: readonly number[],
  { strides, dilations, pads }: Window,
  ceilMode = false,
): number[] {
  if (kernel.length !== sizes.length) {
    throw new UserError(`A window of ${kernel.length} axes over an input with ${sizes.length} spatial axes.`);
  }
  return sizes.map((size, i) => {
    const { before, after } = padsOf(pads, i);
    const span = size + before + after - extentOf(kernel[i]!, dilations[i]!);
    if (span < 0)
      throw new UserError(`A window of ${kernel.join('×')} is larger than its input of ${sizes.join('×')}.`);
    const stride = strides[i]!;
    if (!ceilMode) return Math.floor(span / stride) + 1;
    const count = Math.ceil(span / stride) + 1;
    // A last window that would begin in the padding behind the input is dropped.
    return (count - 1) * stride >= size + before ? count - 1 : count;
  });
}

/** Attributes of max pooling, and of average pooling but for one. */
export interface PoolAttributes extends PoolOptions {
  /** Round output sizes up: the last window may reach past the padding. Default false. */
  readonly ceilMode?: boolean;
}

/** Pooling over these spatial sizes: output sizes, and padding that ends exactly with the last window. */
export function poolGeometry(
  sizes: readonly number[],
  attributes: PoolAttributes,
): { sizes: number[]; options: PoolOptions } {
  const { kernel, strides, dilations, pads, ceilMode } = attributes;
  const outputs = windowSizes(sizes, kernel, attributes, ceilMode);
  const before = sizes.map((_, i) => padsOf(pads, i).before);
  const after = sizes.map((size, i) =>
    Math.max(0, (outputs[i]! - 1) * strides[i]! + extentOf(kernel[i]!, dilations[i]!) - size - before[i]!),
  );
  return { sizes: outputs, options: { kernel, strides, dilations, pads: [...before, ...after] } };
}

/** Sums over the windows of a pooling: [B, N, C, …s] to [B, N, C, …t]. */
export function windowSums(k: Kernels, x: Value, input: Shape, output: Shape, attributes: PoolAttributes): Value {
  const sizes = input.slice(2);
  if (isWhole(sizes, attributes)) {
    const axes = sizes.map((_, i) => i + 3);
    return k.reduce('sum', x, axes, true);
  }
  const sums = k.sumPool(k.reshape(x, [-1, ...input.slice(1)]), poolGeometry(sizes, attributes).options);
  return k.reshape(sums, [-1, ...output]);
}

/** The adjoint of `windowSums`: each entry of [B, N, C, …t] goes to every place of its window. */
export function windowSumsTransposed(
  k: Kernels,
  y: Value,
  input: Shape,
  output: Shape,
  attributes: PoolAttributes,
): Value {
  const [, channels, ...size] = input;
  if (isWhole(size, attributes)) {
    const ones = k.constant({ data: new Float32Array(sizeOf(size)).fill(1), shape: [1, 1, 1, ...size] });
    return k.binary('mul', y, ones);
  }
  const { options } = poolGeometry(size, attributes);
  const merged = k.reshape(y, [-1, ...output.slice(1)]);
  return k.reshape(k.sumPoolTranspose(merged, { ...options, size, channels: channels! }), [-1, ...input]);
}

/** One window that is exactly the input. */
function isWhole(sizes: readonly number[], { kernel, pads, dilations }: PoolAttributes): boolean {
  return sizes.every((size, i) => kernel[i] === size && dilations[i] === 1) && pads.every((pad) => pad === 0);
}
