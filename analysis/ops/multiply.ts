// Elementwise product with broadcasting: y = a ∘ b.
import { alignRank, broadcastShape, sumToShape } from './affine-op.ts';
import { bilinearOp, type ProductAttributes } from './bilinear-op.ts';
import type { Op } from './op.ts';

/** Two operands of any shapes that broadcast. */
export type MultiplyAttributes = ProductAttributes;

export const multiply: Op<MultiplyAttributes> = bilinearOp<MultiplyAttributes>({
  id: 'multiply',
  shape: ({ inputShapes }) => broadcastShape(...inputShapes),
  product: (k, a, b, { inputShapes, shape }) =>
    k.binary('mul', alignRank(k, a, inputShapes[0]!, shape.length), alignRank(k, b, inputShapes[1]!, shape.length)),
  left: (k, dy, b, { inputShapes, shape }) =>
    sumToShape(k, k.binary('mul', dy, alignRank(k, b, inputShapes[1]!, shape.length)), shape, inputShapes[0]!),
  right: (k, dy, a, { inputShapes, shape }) =>
    sumToShape(k, k.binary('mul', dy, alignRank(k, a, inputShapes[0]!, shape.length)), shape, inputShapes[1]!),
});
