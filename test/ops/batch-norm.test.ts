import { describe, expect, it } from 'vitest';
import { batchNorm } from '../../analysis/ops/batch-norm.ts';
import { backends, evaluate, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

const statistics = (channels: number) => ({
  mean: normalTensor([channels], 'mean'),
  variance: {
    ...normalTensor([channels], 'variance'),
    data: normalTensor([channels], 'v').data.map((x) => x * x + 0.1),
  },
});

opLaws(batchNorm, [
  {
    name: 'scale and bias on an image',
    attributes: { epsilon: 1e-3 },
    parameters: { ...statistics(3), scale: normalTensor([3], 'scale'), bias: normalTensor([3], 'bias') },
    inputs: [normalTensor([2, 3, 4, 5], 'x')],
  },
  {
    name: 'statistics alone, on the last axis',
    attributes: { epsilon: 1e-5, axis: -1 },
    parameters: statistics(4),
    inputs: [normalTensor([1, 3, 4], 'x')],
  },
]);

describe('batch-norm', () => {
  const test = {
    name: 'by hand',
    attributes: { epsilon: 1 },
    parameters: { mean: tensor([1, 2]), variance: tensor([3, 8]), scale: tensor([2, 3]), bias: tensor([10, 20]) },
    inputs: [tensor([3, 5], [1, 2])],
  };

  it('is scale·(x − mean)/√(variance + ε) + bias', async () => {
    for (const backend of backends) {
      const directions = { dx: [tensor([1, 1], [1, 1, 2])], dy: tensor([1, 2], [1, 1, 2]) };
      const at = await evaluate(backend, batchNorm, test, 'taylor', directions);
      expect([...at.output.data]).toEqual([12, 23]);
      expect([...at.applied.data]).toEqual([1, 1]);
      expect([...at.offset.data]).toEqual([9, 18]);
    }
  });

  it('refuses an input with other channels', () => {
    expect(() => nodeOf(batchNorm, { ...test, inputs: [tensor([1, 2, 3], [1, 3])] })).toThrow('2 channels');
  });
});
