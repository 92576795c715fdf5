// The same numbers in another shape: reshape, flatten, squeeze, unsqueeze.
import { UserError } from '../errors.ts';
import { sizeOf, type Shape } from '../kernels/kernels.ts';
import { affineOp } from './affine-op.ts';
import type { Op } from './op.ts';

/** `shape`: the whole target shape of one sample, all entries explicit. */
export interface ReshapeAttributes {
  readonly shape: Shape;
}

export const reshape: Op<ReshapeAttributes> = affineOp<ReshapeAttributes>({
  id: 'reshape',
  shape({ attributes: { shape }, inputShapes: [from] }) {
    if (sizeOf(shape) !== sizeOf(from!)) throw new UserError(`A reshape of [${from}] to [${shape}]: sizes differ`);
    return shape;
  },
  linear: (k, [x], { shape }) => k.reshape(x!, [-1, ...shape]),
  transpose: (k, dy, { inputShapes: [from] }) => [k.reshape(dy, [-1, ...from!])],
});
