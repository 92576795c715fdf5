import { describe, expect, it } from 'vitest';
import { divide } from '../../analysis/ops/divide.ts';
import { backends, evaluate, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(divide, [
  {
    name: 'equal shapes',
    attributes: {},
    inputs: [normalTensor([1, 2, 3], 'a'), normalTensor([1, 2, 3], 'b', { scale: 0.3, shift: 2 })],
  },
  {
    name: 'a denominator of lower rank that is spread',
    attributes: {},
    inputs: [normalTensor([1, 3, 2, 4], 'a'), normalTensor([3, 1, 1], 'b', { scale: 0.3, shift: -2 })],
  },
  {
    name: 'a numerator that is spread',
    attributes: {},
    inputs: [normalTensor([4], 'a'), normalTensor([1, 3, 4], 'b', { scale: 0.3, shift: 2 })],
  },
]);

describe('divide', () => {
  const test = { name: 'by hand', attributes: {}, inputs: [tensor([6]), tensor([2])] };
  const directions = { dx: [tensor([1], [1, 1]), tensor([1], [1, 1])], dy: tensor([1], [1, 1]) };

  it('taylor: is the quotient rule', async () => {
    for (const backend of backends) {
      const at = await evaluate(backend, divide, test, 'taylor', directions);
      expect(at.appliedAlone.map((part) => part.data[0])).toEqual([0.5, -1.5]);
      expect([...at.offset.data]).toEqual([3]);
    }
  });

  it('frozen: holds the denominator fixed', async () => {
    for (const backend of backends) {
      const at = await evaluate(backend, divide, test, 'frozen', directions);
      expect(at.appliedAlone.map((part) => part.data[0])).toEqual([0.5, 0]);
      expect(at.transposed[1]).toBeNull();
      expect([...at.offset.data]).toEqual([0]);
    }
  });

  it('frozen: a constant over the input is the ratio y/b', async () => {
    for (const backend of backends) {
      const at = await evaluate(backend, divide, test, 'frozen', directions, [false, true]);
      expect([...at.applied.data]).toEqual([1.5]);
      expect([...at.offset.data]).toEqual([0]);
    }
  });
});
