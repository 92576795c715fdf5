// A fully connected layer: y = W x + b along the last axis, every other axis kept.
import { UserError } from '../errors.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { affineOp, parameterAt } from './affine-op.ts';
import type { Op } from './op.ts';

/** None. Parameters: weight [out, in] and, optionally, bias [out]. Input [..., in], output [..., out]. */
export type DenseAttributes = Record<string, never>;

export const dense: Op<DenseAttributes> = affineOp<DenseAttributes>({
  id: 'dense',
  shape({ parameters, inputShapes }) {
    const [outputs, inputs] = parameters['weight']!.shape;
    const shape = inputShapes[0]!;
    if (shape.at(-1) !== inputs) {
      throw new UserError(
        `A dense layer of ${inputs} inputs met a tensor whose last axis has ${shape.at(-1)} entries.`,
      );
    }
    return [...shape.slice(0, -1), outputs!];
  },
  linear(k, [x], { parameters, shape }) {
    const weight = parameters['weight']!;
    const rows = k.reshape(x!, [-1, weight.shape[1]!]);
    return k.reshape(k.matMul(rows, k.constant(weight), { transposeB: true }), [-1, ...shape]);
  },
  transpose(k, dy, { parameters, inputShapes }) {
    const weight = parameters['weight']!;
    const rows = k.reshape(dy, [-1, weight.shape[0]!]);
    return [k.reshape(k.matMul(rows, k.constant(weight)), [-1, ...inputShapes[0]!])];
  },
  constant: (k, { parameters, shape }) => {
    const bias = parameters['bias'];
    return bias && parameterAt(k, bias, shape.length - 1, shape.length);
  },
  multiplyAdds: ({ parameters, shape }) => sizeOf(shape) * parameters['weight']!.shape[1]!,
});
