import { describe, expect, it } from 'vitest';
import { groupNorm } from '../../analysis/ops/group-norm.ts';
import { backends, evaluate, expectClose, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(groupNorm, [
  {
    name: 'scale and bias on an image',
    attributes: { groups: 2, epsilon: 1e-3 },
    parameters: { scale: normalTensor([4], 'scale'), bias: normalTensor([4], 'bias') },
    inputs: [normalTensor([2, 4, 2, 3], 'x', { scale: 2, shift: 1 })],
  },
  { name: 'a vector', attributes: { groups: 2, epsilon: 1e-5 }, inputs: [normalTensor([1, 6], 'x')] },
]);

describe('group-norm', () => {
  const inputs = [tensor([0, 6, 10, 30], [1, 4, 1])];
  const test = { name: 'by hand', attributes: { groups: 2, epsilon: 0 }, inputs };

  it('normalises each group of neighbouring channels by itself', async () => {
    for (const backend of backends) {
      const directions = { dx: [tensor([3, 0, 0, 10], [1, 1, 4, 1])], dy: tensor([1, 0, 0, 0], [1, 1, 4, 1]) };
      const at = await evaluate(backend, groupNorm, test, 'frozen', directions);
      expectClose(at.output.data, Float32Array.of(-1, 1, -1, 1), 1e-6);
      expectClose(at.applied.data, Float32Array.of(1, 0, 0, 1), 1e-6);
      expectClose(at.offset.data, Float32Array.of(-1, -1, -2, -2), 1e-6);
    }
  });

  it('refuses channels that do not divide into its groups', () => {
    expect(() => nodeOf(groupNorm, { ...test, attributes: { groups: 3, epsilon: 0 } })).toThrow('4 channels into 3');
  });
});
