import { describe, expect, it } from 'vitest';
import { dense } from '../../analysis/ops/dense.ts';
import { backends, evaluate, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(dense, [
  {
    name: 'a vector with a bias',
    attributes: {},
    parameters: { weight: normalTensor([4, 6], 'w'), bias: normalTensor([4], 'b') },
    inputs: [normalTensor([1, 6], 'x')],
  },
  {
    name: 'the last axis of a sequence',
    attributes: {},
    parameters: { weight: normalTensor([2, 5], 'w') },
    inputs: [normalTensor([1, 3, 5], 'x')],
  },
  {
    name: 'an input without a batch axis',
    attributes: {},
    parameters: { weight: normalTensor([3, 4], 'w'), bias: normalTensor([3], 'b') },
    inputs: [normalTensor([4], 'x')],
  },
]);

describe('dense', () => {
  const parameters = { weight: tensor([1, 2, 3, 4, 5, 6], [3, 2]), bias: tensor([0.5, 0, -0.5]) };
  const test = { name: 'by hand', attributes: {}, parameters, inputs: [tensor([1, -1], [1, 2])] };

  it('is W x + b', async () => {
    for (const backend of backends) {
      const directions = { dx: [tensor([1, 0], [1, 1, 2])], dy: tensor([1, 1, 0], [1, 1, 3]) };
      const at = await evaluate(backend, dense, test, 'frozen', directions);
      expect([...at.output.data]).toEqual([-0.5, -1, -1.5]);
      expect([...at.applied.data]).toEqual([1, 3, 5]);
      expect([...at.transposed[0]!.data]).toEqual([4, 6]);
      expect([...at.offset.data]).toEqual([0.5, 0, -0.5]);
    }
  });

  it('refuses a last axis of another size', () => {
    expect(() => nodeOf(dense, { ...test, inputs: [tensor([1, 2, 3], [1, 3])] })).toThrow(/2 inputs .* 3 entries/);
  });
});
