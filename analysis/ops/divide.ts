// Elementwise quotient with broadcasting: y = a / b. Taylor: da/b0 − y0·db/b0, offset y0 where both depend. Frozen: the
// denominator is held fixed. c/b alone is a smooth function of b, and frozen maps it to the ratio y0/b0 as they do for every other.
import type { Value } from '../kernels/kernels.ts';
import { alignRank, broadcastShape, sumToShape, zerosFor } from './affine-op.ts';
import type { Op } from './op.ts';

/** None: numerator and denominator are the two inputs. */
export type DivideAttributes = Record<string, never>;

export const divide: Op<DivideAttributes> = {
  id: 'divide',
  kind: 'product',
  captures: 'inputs',
  shape: ({ inputShapes }) => broadcastShape(...inputShapes),
  forward: (k, [a, b], { inputShapes, shape }) =>
    k.binary('div', alignRank(k, a!, inputShapes[0]!, shape.length), alignRank(k, b!, inputShapes[1]!, shape.length)),
  linearise(k, [a0, b0], _output, { inputShapes, shape }, mode, dependent) {
    const [a, b] = [a0!, b0!].map((value, i) => alignRank(k, value, inputShapes[i]!, shape.length)) as [Value, Value];
    const y = k.binary('div', a, b);
    const ratio = (): Value => k.binary('div', y, b);
    const both = dependent[0]! && dependent[1]!;
    const slopes: (Value | null)[] = [dependent[0] ? k.unary('reciprocal', b) : null, null];
    if (dependent[1] && mode === 'taylor') slopes[1] = k.unary('neg', ratio());
    else if (dependent[1] && !both) slopes[1] = ratio();
    return {
      apply(dx) {
        const parts = dx.flatMap((value, i) =>
          value && slopes[i] ? [k.binary('mul', alignRank(k, value, inputShapes[i]!, shape.length), slopes[i])] : [],
        );
        if (parts.length > 0) return parts.reduce((sum, part) => k.binary('add', sum, part));
        const given = dx[0] ? 0 : 1;
        return zerosFor(k, dx[given]!, inputShapes[given]!, shape);
      },
      transpose: (dy) =>
        slopes.map((slope, i) => slope && sumToShape(k, k.binary('mul', dy, slope), shape, inputShapes[i]!)),
      ...(mode === 'taylor' && dependent[1] && { offset: both ? y : k.binary('add', y, y) }),
    };
  },
};
