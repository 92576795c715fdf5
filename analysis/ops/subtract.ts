// Difference of two inputs, broadcast as numpy does.
import { broadcastSum } from './add.ts';
import { affineOp, broadcastShape, sumToShape } from './affine-op.ts';
import type { Op } from './op.ts';

export const subtract: Op = affineOp({
  id: 'subtract',
  shape: ({ inputShapes }) => broadcastShape(...inputShapes),
  linear: (k, [a, b], { inputShapes, shape }) =>
    broadcastSum(k, [a ?? null, b ? k.unary('neg', b) : null], inputShapes, shape),
  transpose: (k, dy, { inputShapes: [a, b], shape }) => [
    sumToShape(k, dy, shape, a!),
    k.unary('neg', sumToShape(k, dy, shape, b!)),
  ],
});
