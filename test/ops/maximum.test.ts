import { describe, expect, it } from 'vitest';
import { maximum, type MaximumAttributes } from '../../analysis/ops/maximum.ts';
import { backends, evaluate, nodeOf, normalTensor, opLaws, spacedTensor, tensor } from './op-laws.ts';

opLaws<MaximumAttributes>(maximum, [
  { name: 'two inputs', attributes: {}, inputs: [spacedTensor([1, 2, 3], 'a'), normalTensor([1, 2, 3], 'b')] },
  {
    name: 'the smallest of three, spread',
    attributes: { kind: 'min' },
    inputs: [spacedTensor([2, 3], 'a'), normalTensor([3], 'b'), normalTensor([2, 1], 'c', { scale: 0.1 })],
  },
  { name: 'an input and a constant', attributes: { constant: 0.25 }, inputs: [spacedTensor([2, 4], 'a')] },
  { name: 'one input alone', attributes: { kind: 'min' }, inputs: [spacedTensor([4], 'a')] },
  {
    name: 'ties everywhere',
    attributes: {},
    inputs: [tensor([1, 2, 3]), tensor([1, 2, 3]), tensor([1, 0, 5])],
    differentiable: false,
  },
]);

describe('maximum', () => {
  const at = async (attributes: MaximumAttributes, inputs: number[][], dependent: boolean[]) => {
    const test = { name: '', attributes, inputs: inputs.map((numbers) => tensor(numbers)) };
    const directions = {
      dx: inputs.map((numbers, i) =>
        tensor(
          numbers.map(() => 10 ** i),
          [1, numbers.length],
        ),
      ),
      dy: tensor(
        inputs[0]!.map(() => 1),
        [1, inputs[0]!.length],
      ),
    };
    const results = [];
    for (const backend of backends) {
      const { output, applied, offset } = await evaluate(backend, maximum, test, 'taylor', directions, dependent);
      results.push({ output: [...output.data], applied: [...applied.data], offset: [...offset.data] });
    }
    return results;
  };

  it('passes the first of two that vary and tie', async () => {
    for (const result of await at(
      {},
      [
        [1, 2, 3],
        [2, 2, 2],
      ],
      [true, true],
    )) {
      expect(result).toEqual({ output: [2, 2, 3], applied: [10, 1, 1], offset: [0, 0, 0] });
    }
  });

  it('lets a fixed operand win a tie, so that it is ReLU with slope 0 at 0', async () => {
    for (const result of await at({ constant: 0 }, [[-1, 0, 3]], [true])) {
      expect(result).toEqual({ output: [0, 0, 3], applied: [0, 0, 1], offset: [0, 0, 0] });
    }
    for (const result of await at(
      { kind: 'min' },
      [
        [1, 2, 3],
        [2, 2, 2],
      ],
      [true, false],
    )) {
      expect(result).toEqual({ output: [1, 2, 2], applied: [1, 0, 0], offset: [0, 2, 2] });
    }
  });

  it('refuses another kind', () => {
    const attributes = { kind: 'median' as 'max' };
    expect(() => nodeOf(maximum, { name: '', attributes, inputs: [tensor([1])] })).toThrow(/"median"/);
  });
});
