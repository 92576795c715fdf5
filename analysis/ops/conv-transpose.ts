// Transposed convolution ("deconvolution"): the adjoint of the convolution with the same weight, so that op's transpose is
// this one's forward pass, plus a bias.
import { UserError } from '../errors.ts';
import { sizeOf, type ConvOptions } from '../kernels/kernels.ts';
import { affineOp } from './affine-op.ts';
import { channelBias } from './conv.ts';
import type { Op } from './op.ts';
import { extentOf, padsOf } from './window.ts';

/**
 * One entry per spatial axis; pads explicit as [before…, after…] and taken off the output. Parameters: weight
 * [C, O/groups, …k] and, optionally, bias [O]. Input [N, C, …s], output [N, O, …t].
 */
export interface ConvTransposeAttributes extends ConvOptions {
  /** Positions added behind the output, each less than its stride: t = (s − 1)·stride + extent − pads + this. */
  readonly outputPadding: readonly number[];
}

/**
 * Pads and output padding with which a transposed convolution of `sizes` gives `outputs`; an odd rest is cut behind
 * ('upper') or before ('lower').
 */
export function padsForOutput(
  sizes: readonly number[],
  outputs: readonly number[],
  kernel: readonly number[],
  { strides, dilations }: Pick<ConvTransposeAttributes, 'strides' | 'dilations'>,
  rest: 'upper' | 'lower' = 'upper',
): Pick<ConvTransposeAttributes, 'pads' | 'outputPadding'> {
  const excess = sizes.map((size, i) => (size - 1) * strides[i]! + extentOf(kernel[i]!, dilations[i]!) - outputs[i]!);
  const half = rest === 'upper' ? Math.floor : Math.ceil;
  const before = excess.map((n) => half(Math.max(0, n) / 2));
  return {
    pads: [...before, ...excess.map((n, i) => Math.max(0, n) - before[i]!)],
    outputPadding: excess.map((n) => Math.max(0, -n)),
  };
}

export const convTranspose: Op<ConvTransposeAttributes> = affineOp<ConvTransposeAttributes>({
  id: 'conv-transpose',
  shape({ attributes, parameters, inputShapes }) {
    const [batch, channels, ...sizes] = inputShapes[0]!;
    const [inputs, perGroup, ...kernel] = parameters['weight']!.shape;
    const { groups, strides, dilations, pads, outputPadding } = attributes;
    if (inputs !== channels || channels! % groups !== 0) {
      throw new UserError(`A transposed convolution of ${inputs} channels met an input of ${channels} channels.`);
    }
    const outputs = sizes.map((size, i) => {
      const extra = outputPadding[i]!;
      if (extra >= strides[i]!) {
        throw new UserError(
          `Output padding ${extra} of a transposed convolution is not less than its stride ${strides[i]}.`,
        );
      }
      const { before, after } = padsOf(pads, i);
      return (size - 1) * strides[i]! + extentOf(kernel[i]!, dilations[i]!) - before - after + extra;
    });
    return [batch!, perGroup! * groups, ...outputs];
  },
  linear(k, [x], { attributes, parameters, inputShapes, shape }) {
    const { strides, dilations, pads, groups } = attributes;
    const merged = k.reshape(x!, [-1, ...inputShapes[0]!.slice(1)]);
    const options = { strides, dilations, pads, groups, size: shape.slice(2) };
    return k.reshape(k.convTranspose(merged, k.constant(parameters['weight']!), options), [-1, ...shape]);
  },
  transpose(k, dy, { attributes, parameters, inputShapes, shape }) {
    const { strides, dilations, pads, groups } = attributes;
    const merged = k.reshape(dy, [-1, ...shape.slice(1)]);
    const dx = k.conv(merged, k.constant(parameters['weight']!), { strides, dilations, pads, groups });
    return [k.reshape(dx, [-1, ...inputShapes[0]!])];
  },
  constant: channelBias,
  multiplyAdds: ({ parameters, inputShapes }) =>
    (sizeOf(inputShapes[0]!) / inputShapes[0]![1]!) * sizeOf(parameters['weight']!.shape),
});
