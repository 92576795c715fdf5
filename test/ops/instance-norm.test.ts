import { describe, expect, it } from 'vitest';
import { instanceNorm } from '../../analysis/ops/instance-norm.ts';
import { backends, evaluate, expectClose, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(instanceNorm, [
  {
    name: 'scale and bias on an image',
    attributes: { epsilon: 1e-3 },
    parameters: { scale: normalTensor([3], 'scale'), bias: normalTensor([3], 'bias') },
    inputs: [normalTensor([2, 3, 4, 2], 'x', { scale: 2, shift: 1 })],
  },
  { name: 'one spatial axis', attributes: { epsilon: 1e-5 }, inputs: [normalTensor([1, 2, 6], 'x')] },
]);

describe('instance-norm', () => {
  // Mean 3, variance 6 and ε 3: ρ = ⅓ and x̂ = (−1, 0, 1).
  const test = { name: 'by hand', attributes: { epsilon: 3 }, inputs: [tensor([0, 3, 6], [1, 1, 3])] };
  const directions = { dx: [tensor([3, 0, 0], [1, 1, 1, 3])], dy: tensor([1, 0, 0], [1, 1, 1, 3]) };

  it('frozen: holds mean and variance fixed', async () => {
    for (const backend of backends) {
      const at = await evaluate(backend, instanceNorm, test, 'frozen', directions);
      expectClose(at.output.data, Float32Array.of(-1, 0, 1), 1e-6);
      expectClose(at.applied.data, Float32Array.of(1, 0, 0), 1e-6);
      expectClose(at.offset.data, Float32Array.of(-1, -1, -1), 1e-6);
    }
  });

  it('taylor: differentiates through mean and variance', async () => {
    for (const backend of backends) {
      // ρ(dx − mean dx − x̂ mean(x̂ dx)) = ⅓((3, 0, 0) − 1 − (−1, 0, 1)·(−1)); the offset is x̂·mean(x̂²) = x̂·⅔.
      const at = await evaluate(backend, instanceNorm, test, 'taylor', directions);
      expectClose(at.applied.data, Float32Array.of(1 / 3, -1 / 3, 0), 1e-6);
      expectClose(at.offset.data, Float32Array.of(-2 / 3, 0, 2 / 3), 1e-6);
    }
  });

  it('refuses an input without positions', () => {
    expect(() => nodeOf(instanceNorm, { ...test, inputs: [tensor([1, 2], [1, 2])] })).toThrow('[1, 2]');
  });
});
