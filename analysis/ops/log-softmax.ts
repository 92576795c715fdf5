// Logarithm of softmax, y = z − log Σ exp z. Taylor: dy = dz − Σ p∘dz. Frozen: the ratio y/z, as for softmax.
import { softmaxOp } from './softmax.ts';

export const logSoftmax = softmaxOp({
  id: 'log-softmax',
  gives: 'logarithms',
  derivative: (k, p, sum) => ({
    apply: (dz) => k.binary('sub', dz, sum(k.binary('mul', p, dz))),
    transpose: (dy) => k.binary('sub', dy, k.binary('mul', p, sum(dy))),
  }),
});
