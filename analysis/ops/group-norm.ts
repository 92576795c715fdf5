// Group normalisation: the channels of a sample in equal groups, each by its mean and variance over channels and positions.
import { UserError } from '../errors.ts';
import { parameterAt } from './affine-op.ts';
import { normalisationOp } from './normalisation-op.ts';
import type { Op } from './op.ts';

/** Optional parameters, each [C]: scale and bias. Input [N, C, …s]. */
export interface GroupNormAttributes {
  /** Divides the number of channels. */
  readonly groups: number;
  readonly epsilon: number;
}

export const groupNorm: Op<GroupNormAttributes> = normalisationOp<GroupNormAttributes>({
  id: 'group-norm',
  check({ attributes: { groups }, inputShapes }) {
    const channels = inputShapes[0]![1];
    if (channels === undefined || channels % groups !== 0) {
      throw new UserError(`Group normalisation cannot cut ${channels ?? 'no'} channels into ${groups} equal groups.`);
    }
  },
  groups({ attributes: { groups }, shape: [batch, channels, ...sizes] }) {
    const view = [batch!, groups, channels! / groups, ...sizes];
    return { view, axes: view.map((_, axis) => axis).slice(2) };
  },
  epsilon: ({ epsilon }) => epsilon,
  parameter(k, name, { parameters, shape }) {
    const parameter = parameters[name];
    return parameter && parameterAt(k, parameter, 1, shape.length);
  },
});
