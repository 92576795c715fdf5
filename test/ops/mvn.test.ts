import { describe, it } from 'vitest';
import { mvn } from '../../analysis/ops/mvn.ts';
import { backends, evaluate, expectClose, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(mvn, [
  { name: 'batch and positions', attributes: { axes: [0, 2, 3] }, inputs: [normalTensor([2, 3, 2, 3], 'x')] },
  { name: 'one axis in the middle', attributes: { axes: [-2], epsilon: 0.1 }, inputs: [normalTensor([1, 4, 3], 'x')] },
]);

describe('mvn', () => {
  it('gives 0, and not NaN, for a constant input', async () => {
    const test = { name: 'constant', attributes: { axes: [1] }, inputs: [tensor([4, 4, 4], [1, 3])] };
    for (const backend of backends) {
      const directions = { dx: [tensor([0, 0, 0], [1, 1, 3])], dy: tensor([0, 0, 0], [1, 1, 3]) };
      const at = await evaluate(backend, mvn, test, 'taylor', directions);
      expectClose(at.output.data, Float32Array.of(0, 0, 0), 1e-6, 1);
    }
  });
});
