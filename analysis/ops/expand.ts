// Broadcasting to a larger shape, numpy's rule; its transpose sums what was spread.
import { UserError } from '../errors.ts';
import type { Shape } from '../kernels/kernels.ts';
import { affineOp, broadcastShape, expandTo, sumToShape } from './affine-op.ts';
import type { Op } from './op.ts';

/** `shape`: the whole target shape of one sample. Axes of size 1 in it keep the input's size. */
export interface ExpandAttributes {
  readonly shape: Shape;
}

export const expand: Op<ExpandAttributes> = affineOp<ExpandAttributes>({
  id: 'expand',
  shape({ attributes: { shape }, inputShapes: [from] }) {
    if (from!.length > shape.length) throw new UserError(`An expansion of [${from}] to fewer axes, [${shape}]`);
    return broadcastShape(from!, shape);
  },
  linear: (k, [x], { inputShapes: [from], shape }) => expandTo(k, x!, from!, shape),
  transpose: (k, dy, { inputShapes: [from], shape }) => [sumToShape(k, dy, shape, from!)],
});
