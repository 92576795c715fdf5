// Axes in another order; its transpose is the inverse permutation.
import { UserError } from '../errors.ts';
import type { Kernels, Shape, Value } from '../kernels/kernels.ts';
import { affineOp } from './affine-op.ts';
import type { Op } from './op.ts';

/** Axis i of the output is axis perm[i] of the input, over the axes of one sample. */
export interface TransposeAttributes {
  readonly perm: readonly number[];
}

export const transpose: Op<TransposeAttributes> = affineOp<TransposeAttributes>({
  id: 'transpose',
  shape({ attributes: { perm }, inputShapes: [from] }) {
    const sorted = perm.toSorted((a, b) => a - b);
    if (sorted.length !== from!.length || sorted.some((axis, i) => axis !== i)) {
      throw new UserError(`A transpose of [${from}] by [${perm}], which is not an order of its axes`);
    }
    return perm.map((axis) => from![axis]!);
  },
  linear: (k, [x], { attributes: { perm }, inputShapes: [from] }) => permute(k, x!, from!, perm),
  transpose: (k, dy, { attributes: { perm }, shape }) => [permute(k, dy, shape, inverse(perm))],
});

/** [B, …from] with its axes in this order. Axes of size 1 and axes that stay neighbours count as one, so that ranks stay small. */
export function permute(k: Kernels, x: Value, from: Shape, permutation: readonly number[]): Value {
  const shape = permutation.map((axis) => from[axis]!);
  const runs: number[][] = [];
  for (const axis of permutation.filter((a) => from[a] !== 1)) {
    const run = runs.at(-1);
    if (run && between(run.at(-1)!, axis).every((a) => from[a] === 1)) run.push(axis);
    else runs.push([axis]);
  }
  if (runs.length < 2) return k.reshape(x, [-1, ...shape]);
  const order = runs.toSorted((a, b) => a[0]! - b[0]!);
  const merged = order.map((run) => run.reduce((size, axis) => size * from[axis]!, 1));
  const transposed = k.transpose(k.reshape(x, [-1, ...merged]), [0, ...runs.map((run) => order.indexOf(run) + 1)]);
  return k.reshape(transposed, [-1, ...shape]);

  function between(before: number, after: number): number[] {
    return before < after ? from.flatMap((_, a) => (a > before && a < after ? [a] : [])) : [before];
  }
}

export function inverse(permutation: readonly number[]): number[] {
  return permutation.map((_, axis) => permutation.indexOf(axis));
}
