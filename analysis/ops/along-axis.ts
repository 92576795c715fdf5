// Linear maps along one axis of a sample: rows picked or repeated, and small dense matrices. Everything before and behind
// the axis is folded together, so that the kernels see three dimensions.
import { sizeOf, type Kernels, type Shape, type Tensor, type Value } from '../kernels/kernels.ts';

/** [B, …shape] as [B · before, n, behind] around an axis of the sample. */
function folded(k: Kernels, x: Value, shape: Shape, axis: number): Value {
  return k.reshape(x, [-1, shape[axis]!, sizeOf(shape.slice(axis + 1))]);
}

function unfolded(k: Kernels, x: Value, shape: Shape, axis: number, size: number): Value {
  return k.reshape(x, [-1, ...shape.with(axis, size)]);
}

/** Rows `indices` of [B, …shape] along an axis of the sample. */
export function pick(k: Kernels, x: Value, shape: Shape, axis: number, indices: Int32Array): Value {
  const { length } = indices;
  if (length === shape[axis] && indices.every((index, i) => index === i)) return x;
  return unfolded(k, k.gather(folded(k, x, shape, axis), indices, 1), shape, axis, length);
}

/** The adjoint of `pick` from an axis of `size` rows; `shape` is that of y. */
export function putBack(k: Kernels, y: Value, shape: Shape, axis: number, indices: Int32Array, size: number): Value {
  if (indices.length === size && indices.every((index, i) => index === i)) return y;
  return unfolded(k, k.scatterAdd(folded(k, y, shape, axis), indices, 1, size), shape, axis, size);
}

/** Every row `times` times in succession. */
export function repeat(k: Kernels, x: Value, shape: Shape, axis: number, times: number): Value {
  const behind = sizeOf(shape.slice(axis + 1));
  const spread = k.tile(k.reshape(x, [-1, 1, behind]), [1, times, 1]);
  return unfolded(k, spread, shape, axis, shape[axis]! * times);
}

/** The adjoint of `repeat`: sums of `times` rows in succession. */
export function sumRepeats(k: Kernels, y: Value, shape: Shape, axis: number, times: number): Value {
  const behind = sizeOf(shape.slice(axis + 1));
  const summed = k.reduce('sum', k.reshape(y, [-1, times, behind]), [1], false);
  return unfolded(k, summed, shape, axis, shape[axis]! / times);
}

/** The matrix [m, n] times every vector along an axis of the sample; transposed: its transpose instead. */
export function multiplyAlong(
  k: Kernels,
  matrix: Tensor,
  x: Value,
  shape: Shape,
  axis: number,
  { transposed = false }: { transposed?: boolean } = {},
): Value {
  const [rows, columns] = matrix.shape as [number, number];
  const size = transposed ? columns : rows;
  const behind = sizeOf(shape.slice(axis + 1));
  if (behind === 1) {
    const flat = k.reshape(x, [-1, shape[axis]!]);
    const product = k.matMul(flat, k.constant(matrix), { transposeB: !transposed });
    return unfolded(k, product, shape, axis, size);
  }
  const left = k.constant({ data: matrix.data, shape: [1, rows, columns] });
  const product = k.matMul(left, folded(k, x, shape, axis), { transposeA: transposed });
  return unfolded(k, product, shape, axis, size);
}
