import { describe, it } from 'vitest';
import { logSoftmax } from '../../analysis/ops/log-softmax.ts';
import { backends, evaluate, expectClose, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(logSoftmax, [
  { name: 'the last axis', attributes: { axis: -1 }, inputs: [normalTensor([1, 6], 'x', { scale: 2 })] },
  { name: 'channels of an image', attributes: { axis: 1 }, inputs: [normalTensor([2, 3, 2, 2], 'x')] },
  {
    name: 'zeros, and numbers whose exponentials overflow',
    attributes: { axis: 1 },
    inputs: [tensor([1000, 0, -1000], [1, 3])],
    differentiable: false,
  },
]);

describe('log-softmax', () => {
  const test = { name: 'by hand', attributes: { axis: 1 }, inputs: [tensor([Math.log(2), 0, 0], [1, 3])] };
  const directions = { dx: [tensor([1, 1, 0], [1, 1, 3])], dy: tensor([0, 1, 0], [1, 1, 3]) };

  it('taylor: is δ − p, and frozen the ratio to z', async () => {
    for (const backend of backends) {
      const taylor = await evaluate(backend, logSoftmax, test, 'taylor', directions);
      expectClose(taylor.output.data, Float32Array.of(-Math.log(2), -Math.log(4), -Math.log(4)), 1e-6);
      expectClose(taylor.applied.data, Float32Array.of(1 / 4, 1 / 4, -3 / 4), 1e-6);
      expectClose(taylor.transposed[0]!.data, Float32Array.of(-1 / 2, 3 / 4, -1 / 4), 1e-6);
      const frozen = await evaluate(backend, logSoftmax, test, 'frozen', directions);
      expectClose(frozen.applied.data, Float32Array.of(-1, 0, 0), 1e-6);
      expectClose(frozen.offset.data, Float32Array.of(0, -Math.log(4), -Math.log(4)), 1e-6);
    }
  });
});
