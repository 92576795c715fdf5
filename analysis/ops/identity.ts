// What leaves its input as it is: dropout at inference, casts between float types, stop-gradient, an output's name.
import { affineOp } from './affine-op.ts';
import type { Op } from './op.ts';

export const identity: Op = affineOp({
  id: 'identity',
  shape: ({ inputShapes }) => inputShapes[0]!,
  linear: (_k, [x]) => x!,
  transpose: (_k, dy) => [dy],
});
