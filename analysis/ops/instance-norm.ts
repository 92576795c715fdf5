// Instance normalisation: each channel of each sample by the mean and variance over its positions.
import { UserError } from '../errors.ts';
import { parameterAt } from './affine-op.ts';
import { normalisationOp } from './normalisation-op.ts';
import type { Op } from './op.ts';

/** Optional parameters, each [C]: scale and bias. Input [N, C, …s]. */
export interface InstanceNormAttributes {
  readonly epsilon: number;
}

export const instanceNorm: Op<InstanceNormAttributes> = normalisationOp<InstanceNormAttributes>({
  id: 'instance-norm',
  check({ inputShapes }) {
    if (inputShapes[0]!.length < 3) {
      throw new UserError(
        `Instance normalisation needs spatial axes; its input has shape [${inputShapes[0]!.join(', ')}].`,
      );
    }
  },
  groups: ({ shape }) => ({ view: shape, axes: shape.map((_, axis) => axis).slice(2) }),
  epsilon: ({ epsilon }) => epsilon,
  parameter(k, name, { parameters, shape }) {
    const parameter = parameters[name];
    return parameter && parameterAt(k, parameter, 1, shape.length);
  },
});
