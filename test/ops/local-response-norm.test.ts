import { describe, it } from 'vitest';
import { localResponseNorm } from '../../analysis/ops/local-response-norm.ts';
import { backends, evaluate, expectClose, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(localResponseNorm, [
  {
    name: 'an odd number of neighbours',
    attributes: { size: 3, alpha: 0.5, beta: 0.75, bias: 1 },
    inputs: [normalTensor([2, 5, 2, 3], 'x')],
  },
  {
    name: 'an even number of neighbours, one spatial axis',
    attributes: { size: 4, alpha: 2, beta: 0.5, bias: 2 },
    inputs: [normalTensor([1, 6, 3], 'x')],
  },
]);

describe('local-response-norm', () => {
  const attributes = { size: 2, alpha: 2, beta: 0.5, bias: 4 };
  const test = { name: 'by hand', attributes, inputs: [tensor([0, 4, 3], [1, 3, 1])] };
  const directions = { dx: [tensor([0, 1, 0], [1, 1, 3, 1])], dy: tensor([0, 0, 1], [1, 1, 3, 1]) };

  it('divides by the energy of the channel and the one behind, and frozen holds it fixed', async () => {
    // D = 4 + (0 + 16, 16 + 9, 9) = (20, 29, 13).
    for (const backend of backends) {
      const at = await evaluate(backend, localResponseNorm, test, 'frozen', directions);
      expectClose(at.output.data, Float32Array.of(0, 4 / Math.sqrt(29), 3 / Math.sqrt(13)), 1e-6);
      expectClose(at.applied.data, Float32Array.of(0, 1 / Math.sqrt(29), 0), 1e-6);
      expectClose(at.transposed[0]!.data, Float32Array.of(0, 0, 1 / Math.sqrt(13)), 1e-6);
    }
  });

  it('taylor: differentiates the denominator too', async () => {
    // ∂y1/∂x1 = D^−½ − x1²·D^−3/2, ∂y1/∂x2 = −x1 x2 D^−3/2 with D = 29; ∂y2/∂x2 = D^−½ − x2²·D^−3/2 with D = 13.
    for (const backend of backends) {
      const at = await evaluate(backend, localResponseNorm, test, 'taylor', directions);
      expectClose(at.applied.data, Float32Array.of(0, 13 / 29 ** 1.5, 0), 1e-6);
      expectClose(at.transposed[0]!.data, Float32Array.of(0, 0, 4 / 13 ** 1.5), 1e-6);
    }
  });
});
