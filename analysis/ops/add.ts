// Sum of one or more inputs, broadcast as numpy does: residual connections, biases, positional terms.
import type { Kernels, Shape, Value } from '../kernels/kernels.ts';
import { affineOp, alignRank, alignShape, broadcastShape, expandTo, sumToShape } from './affine-op.ts';
import type { Op } from './op.ts';

export const add: Op = affineOp({
  id: 'add',
  shape: ({ inputShapes }) => broadcastShape(...inputShapes),
  linear: (k, inputs, { inputShapes, shape }) => broadcastSum(k, inputs, inputShapes, shape),
  transpose: (k, dy, { inputShapes, shape }) => inputShapes.map((to) => sumToShape(k, dy, shape, to)),
});

/** The sum of the inputs that are not null, spread to the full [B, …shape]. */
export function broadcastSum(
  k: Kernels,
  inputs: readonly (Value | null)[],
  inputShapes: readonly Shape[],
  shape: Shape,
): Value {
  const terms = inputs.flatMap((value, i) => (value === null ? [] : [{ value, shape: inputShapes[i]! }]));
  const sum = terms
    .map((term) => ({ value: alignRank(k, term.value, term.shape, shape.length), shape: term.shape }))
    .reduce((a, b) => ({ value: k.binary('add', a.value, b.value), shape: broadcastShape(a.shape, b.shape) }));
  return expandTo(k, sum.value, alignShape(sum.shape, shape.length), shape);
}
