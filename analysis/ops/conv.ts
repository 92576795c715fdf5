// Convolution (cross-correlation, as networks have it) over one, two or three spatial axes, channels first.
import { UserError } from '../errors.ts';
import { sizeOf, type ConvOptions, type Kernels } from '../kernels/kernels.ts';
import { affineOp, parameterAt, type Broadcastable } from './affine-op.ts';
import type { Op, OpNode } from './op.ts';
import { extentOf, windowSizes } from './window.ts';

/**
 * One entry per spatial axis; pads explicit as [before…, after…]. Parameters: weight [O, C/groups, …k] and, optionally,
 * bias [O]. Input [N, C, …s], output [N, O, …t].
 */
export type ConvAttributes = ConvOptions;

/**
 * Explicit pads [before…, after…] of "same" padding: the output has ⌈size/stride⌉ positions; an odd rest goes behind ('upper')
 * or before ('lower').
 */
export function samePads(
  sizes: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
  rest: 'upper' | 'lower' = 'upper',
): number[] {
  const totals = sizes.map((size, i) => {
    const stride = strides[i]!;
    return Math.max(0, (Math.ceil(size / stride) - 1) * stride + extentOf(kernel[i]!, dilations[i]!) - size);
  });
  const half = rest === 'upper' ? Math.floor : Math.ceil;
  return [...totals.map((total) => half(total / 2)), ...totals.map((total) => total - half(total / 2))];
}

export const conv: Op<ConvAttributes> = affineOp<ConvAttributes>({
  id: 'conv',
  shape({ attributes, parameters, inputShapes }) {
    const [batch, channels, ...sizes] = inputShapes[0]!;
    const [outputs, perGroup, ...kernel] = parameters['weight']!.shape;
    const { groups } = attributes;
    if (perGroup! * groups !== channels || outputs! % groups !== 0) {
      throw new UserError(
        `A convolution of ${perGroup! * groups} channels in ${groups} ${groups === 1 ? 'group' : 'groups'} to ${outputs} met an input of ${channels} channels.`,
      );
    }
    return [batch!, outputs!, ...windowSizes(sizes, kernel, attributes)];
  },
  linear(k, [x], { attributes, parameters, inputShapes, shape }) {
    const merged = k.reshape(x!, [-1, ...inputShapes[0]!.slice(1)]);
    return k.reshape(k.conv(merged, k.constant(parameters['weight']!), attributes), [-1, ...shape]);
  },
  transpose(k, dy, { attributes, parameters, inputShapes, shape }) {
    const merged = k.reshape(dy, [-1, ...shape.slice(1)]);
    const size = inputShapes[0]!.slice(2);
    const dx = k.convTranspose(merged, k.constant(parameters['weight']!), { ...attributes, size });
    return [k.reshape(dx, [-1, ...inputShapes[0]!])];
  },
  constant: channelBias,
  multiplyAdds: ({ parameters, shape }) => (sizeOf(shape) / shape[1]!) * sizeOf(parameters['weight']!.shape),
});

/** The bias [O] of a convolution, along the channel axis; undefined where it has none. */
export function channelBias(
  k: Kernels,
  { parameters, shape }: Pick<OpNode, 'parameters' | 'shape'>,
): Broadcastable | undefined {
  const bias = parameters['bias'];
  return bias && parameterAt(k, bias, 1, shape.length);
}
