import { describe, expect, it } from 'vitest';
import { multiply } from '../../analysis/ops/multiply.ts';
import { backends, evaluate, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(multiply, [
  {
    name: 'equal shapes without a gate',
    attributes: { gate: null },
    inputs: [normalTensor([1, 2, 3], 'a'), normalTensor([1, 2, 3], 'b')],
  },
  {
    name: 'a gate per channel of lower rank on the right',
    attributes: { gate: 1 },
    inputs: [normalTensor([1, 3, 2, 4], 'a'), normalTensor([3, 1, 1], 'b')],
  },
  {
    name: 'both sides spread, the gate on the left',
    attributes: { gate: 0 },
    inputs: [normalTensor([4], 'a'), normalTensor([1, 3, 1], 'b')],
  },
]);

describe('multiply', () => {
  const inputs = [tensor([2, 3], [1, 2]), tensor([5, 7], [1, 2])];
  const directions = { dx: [tensor([1, 0], [1, 1, 2]), tensor([0, 1], [1, 1, 2])], dy: tensor([1, 1], [1, 1, 2]) };
  const gated = (gate: 0 | 1 | null) => ({ name: 'by hand', attributes: { gate }, inputs });

  it('taylor: is the product rule', async () => {
    for (const backend of backends) {
      const at = await evaluate(backend, multiply, gated(1), 'taylor', directions);
      expect([...at.applied.data]).toEqual([5, 3]);
      expect([...at.offset.data]).toEqual([-10, -21]);
      expect(at.transposed.map((part) => [...part!.data])).toEqual([
        [5, 7],
        [2, 3],
      ]);
    }
  });

  it('frozen: lets nothing through the gate', async () => {
    for (const backend of backends) {
      const at = await evaluate(backend, multiply, gated(1), 'frozen', directions);
      expect([...at.applied.data]).toEqual([5, 0]);
      expect([...at.offset.data]).toEqual([0, 0]);
      expect(at.transposed[1]).toBeNull();
      expect(at.appliedAlone.map((part) => [...part.data])).toEqual([
        [5, 0],
        [0, 0],
      ]);
    }
  });

  it('frozen: shares the product equally where no side is a gate', async () => {
    for (const backend of backends) {
      const at = await evaluate(backend, multiply, gated(null), 'frozen', directions);
      expect([...at.applied.data]).toEqual([2.5, 1.5]);
      expect([...at.offset.data]).toEqual([0, 0]);
    }
  });

  it('frozen: is linear in a gate that is the only side to depend on the input', async () => {
    for (const backend of backends) {
      const at = await evaluate(backend, multiply, gated(1), 'frozen', directions, [false, true]);
      expect([...at.applied.data]).toEqual([0, 3]);
    }
  });

  it('refuses shapes that do not broadcast', () => {
    const test = { ...gated(null), inputs: [tensor([1, 2]), tensor([1, 2, 3])] };
    expect(() => nodeOf(multiply, test)).toThrow('[2] and [3]');
  });
});
