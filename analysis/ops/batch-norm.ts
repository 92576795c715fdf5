// Batch normalisation at inference: the statistics are constants, so it is one factor and one summand per channel.
import { UserError } from '../errors.ts';
import type { Kernels, Tensor, Value } from '../kernels/kernels.ts';
import { affineOp, axisOf, parameterAt } from './affine-op.ts';
import type { Op, OpNode } from './op.ts';

/** Parameters, each [C]: mean and variance, and optionally scale and bias. y = scale·(x − mean)/√(variance + epsilon) + bias. */
export interface BatchNormAttributes {
  /** The channel axis. Default 1. */
  readonly axis?: number;
  readonly epsilon: number;
}

interface ChannelFactors {
  readonly factor: Tensor;
  readonly summand: Tensor;
}

const known = new WeakMap<object, ChannelFactors>();

/** y = factor·x + summand per channel, each [C], computed in float64 once per node. */
function channelFactors({
  attributes: { epsilon },
  parameters,
}: Pick<OpNode<BatchNormAttributes>, 'attributes' | 'parameters'>): ChannelFactors {
  let factors = known.get(parameters);
  if (!factors) {
    const { mean, variance, scale, bias } = parameters;
    const exact = Float64Array.from(variance!.data, (v, i) => (scale?.data[i] ?? 1) / Math.sqrt(v + epsilon));
    const summand = exact.map((f, i) => (bias?.data[i] ?? 0) - f * mean!.data[i]!);
    factors = {
      factor: { data: Float32Array.from(exact), shape: mean!.shape },
      summand: { data: Float32Array.from(summand), shape: mean!.shape },
    };
    known.set(parameters, factors);
  }
  return factors;
}

export const batchNorm: Op<BatchNormAttributes> = affineOp<BatchNormAttributes>({
  id: 'batch-norm',
  shape({ attributes, parameters, inputShapes }) {
    const shape = inputShapes[0]!;
    const channels = parameters['mean']!.shape[0];
    if (shape[channelAxis(attributes, shape.length)] !== channels) {
      throw new UserError(`A batch normalisation of ${channels} channels met an input of shape [${shape.join(', ')}].`);
    }
    return shape;
  },
  linear: (k, [x], node) => scaled(k, x!, node),
  transpose: (k, dy, node) => [scaled(k, dy, node)],
  constant: (k, node) => {
    const rank = node.shape.length;
    return parameterAt(k, channelFactors(node).summand, channelAxis(node.attributes, rank), rank);
  },
});

function scaled(k: Kernels, x: Value, node: OpNode<BatchNormAttributes>): Value {
  const rank = node.shape.length;
  return k.binary(
    'mul',
    x,
    parameterAt(k, channelFactors(node).factor, channelAxis(node.attributes, rank), rank).value,
  );
}

function channelAxis({ axis = 1 }: BatchNormAttributes, rank: number): number {
  return axisOf(axis, rank);
}
