// Mean-variance normalisation over any axes: x̂ = (x − mean)/deviation.
import { axisOf } from './affine-op.ts';
import { normalisationOp } from './normalisation-op.ts';
import type { Op } from './op.ts';

export interface MvnAttributes {
  /** Axes that share one mean and one variance. */
  readonly axes: readonly number[];
  /** Added to the variance. Default 1e-18, which is the 1e-9 that formats add to the deviation of a constant input. */
  readonly epsilon?: number;
}

export const mvn: Op<MvnAttributes> = normalisationOp<MvnAttributes>({
  id: 'mvn',
  groups: ({ attributes, shape }) => ({ view: shape, axes: attributes.axes.map((axis) => axisOf(axis, shape.length)) }),
  epsilon: ({ epsilon = 1e-18 }) => epsilon,
});
