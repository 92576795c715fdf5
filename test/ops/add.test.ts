import { describe, expect, it } from 'vitest';
import { add } from '../../analysis/ops/add.ts';
import { backends, evaluate, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(add, [
  {
    name: 'two inputs of one shape',
    attributes: {},
    inputs: [normalTensor([1, 3, 2, 2], 'a'), normalTensor([1, 3, 2, 2], 'b')],
  },
  {
    name: 'a number per channel, in fewer axes',
    attributes: {},
    inputs: [normalTensor([1, 3, 2, 4], 'a'), normalTensor([3, 1, 1], 'b')],
  },
  {
    name: 'both sides spread',
    attributes: {},
    inputs: [normalTensor([2, 1, 4], 'a'), normalTensor([3, 1], 'b')],
  },
  {
    name: 'three inputs, one a scalar',
    attributes: {},
    inputs: [normalTensor([2, 3], 'a'), normalTensor([], 'b'), normalTensor([1, 3], 'c')],
  },
]);

describe('add', () => {
  it('keeps what is fixed in the offset, and sums a cotangent over what was spread', async () => {
    const test = { name: 'by hand', attributes: {}, inputs: [tensor([1, 2], [1, 2]), tensor([10, 20, 30], [3, 1])] };
    const directions = {
      dx: [tensor([1, 0], [1, 1, 2]), tensor([0, 0, 0], [1, 3, 1])],
      dy: tensor([1, 2, 3, 4, 5, 6], [1, 3, 2]),
    };
    for (const backend of backends) {
      const at = await evaluate(backend, add, test, 'frozen', directions, [true, false]);
      expect([...at.output.data]).toEqual([11, 12, 21, 22, 31, 32]);
      expect([...at.offset.data]).toEqual([10, 10, 20, 20, 30, 30]);
      expect([...at.applied.data]).toEqual([1, 0, 1, 0, 1, 0]);
      expect([...at.transposed[0]!.data]).toEqual([9, 12]);
    }
  });

  it('refuses shapes that do not broadcast', () => {
    const inputs = [normalTensor([2, 3], 'a'), normalTensor([2, 4], 'b')];
    expect(() => nodeOf(add, { name: '', attributes: {}, inputs })).toThrow(/\[2, 3\] and \[2, 4\]/);
  });
});
