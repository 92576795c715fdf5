// Logarithm of softmax, y = z − log Σ exp z. Taylor: dy = dz − Σ p∘dz. Frozen: the ratio y/z, as for softmax.
import type { Value } from '../kernels/kernels.ts';
import { axisOf } from './affine-op.ts';
import type { Op } from './op.ts';
import { exponentials, ratio, type SoftmaxAttributes } from './softmax.ts';

export const logSoftmax: Op<SoftmaxAttributes> = {
  id: 'log-softmax',
  kind: 'smooth',
  activation: true,
  captures: 'inputs',
  shape({ attributes, inputShapes }) {
    axisOf(attributes.axis, inputShapes[0]!.length);
    return inputShapes[0]!;
  },
  forward: (k, [z], { attributes, shape }) => exponentials(k, z!, axisOf(attributes.axis, shape.length) + 1).logarithms,
  linearise(k, [z], _output, { attributes, shape }, mode) {
    const axis = axisOf(attributes.axis, shape.length) + 1;
    const { shares: p, logarithms: y } = exponentials(k, z!, axis);
    if (mode === 'frozen') return ratio(k, z!, y);
    const sum = (value: Value): Value => k.reduce('sum', value, [axis], true);
    const apply = (dz: Value): Value => k.binary('sub', dz, sum(k.binary('mul', p, dz)));
    return {
      apply: ([dz]) => apply(dz!),
      transpose: (dy) => [k.binary('sub', dy, k.binary('mul', p, sum(dy)))],
      offset: k.binary('sub', y, apply(z!)),
    };
  },
};
