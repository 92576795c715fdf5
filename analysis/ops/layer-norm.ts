// Layer normalisation: all entries from one axis to the last, by their mean and variance.
import { axisOf, parameterAt } from './affine-op.ts';
import { normalisationOp } from './normalisation-op.ts';
import type { Op } from './op.ts';

/** Optional parameters scale and bias: the normalised axes' shape, or one that broadcasts to it. */
export interface LayerNormAttributes {
  /** The first normalised axis; negative counts from the end. */
  readonly axis: number;
  readonly epsilon: number;
}

export const layerNorm: Op<LayerNormAttributes> = normalisationOp<LayerNormAttributes>({
  id: 'layer-norm',
  check({ attributes, inputShapes }) {
    axisOf(attributes.axis, inputShapes[0]!.length);
  },
  groups: ({ attributes, shape }) => ({
    view: shape,
    axes: shape.map((_, axis) => axis).slice(axisOf(attributes.axis, shape.length)),
  }),
  epsilon: ({ epsilon }) => epsilon,
  parameter(k, name, { parameters, shape }) {
    const parameter = parameters[name];
    return parameter && parameterAt(k, parameter, shape.length - parameter.shape.length, shape.length);
  },
});
