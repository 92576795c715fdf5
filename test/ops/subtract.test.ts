import { describe, expect, it } from 'vitest';
import { subtract } from '../../analysis/ops/subtract.ts';
import { backends, evaluate, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(subtract, [
  {
    name: 'two inputs of one shape',
    attributes: {},
    inputs: [normalTensor([1, 2, 3], 'a'), normalTensor([1, 2, 3], 'b')],
  },
  {
    name: 'a smaller minuend',
    attributes: {},
    inputs: [normalTensor([3], 'a'), normalTensor([1, 2, 3], 'b')],
  },
]);

describe('subtract', () => {
  it('turns the sign of its second input only', async () => {
    const test = { name: 'by hand', attributes: {}, inputs: [tensor([5]), tensor([1, 2])] };
    const directions = { dx: [tensor([7], [1, 1]), tensor([1, 10], [1, 2])], dy: tensor([1, 10], [1, 2]) };
    for (const backend of backends) {
      const both = await evaluate(backend, subtract, test, 'taylor', directions);
      expect([...both.output.data]).toEqual([4, 3]);
      expect([...both.applied.data]).toEqual([6, -3]);
      expect(both.transposed.map((part) => [...part!.data])).toEqual([[11], [-1, -10]]);
      const second = await evaluate(backend, subtract, test, 'taylor', directions, [false, true]);
      expect([...second.offset.data]).toEqual([5, 5]);
      expect([...second.applied.data]).toEqual([-1, -10]);
    }
  });
});
