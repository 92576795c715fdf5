import { describe, expect, it } from 'vitest';
import { gather } from '../../analysis/ops/gather.ts';
import { backends, evaluate, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

const inputs = [normalTensor([1, 4, 3], 'x')];

opLaws(gather, [
  { name: 'rows picked twice and not at all', attributes: { axis: 1, indices: [3, 0, 3, -3] }, inputs },
  { name: 'one row, its axis gone', attributes: { axis: -1, indices: [1], indicesShape: [] }, inputs },
  { name: 'a grid of rows', attributes: { axis: 1, indices: [0, 1, 2, 2, 2, 2], indicesShape: [2, 3] }, inputs },
  { name: 'one row five times', attributes: { axis: 2, indices: [0, 0, 0, 0, 0, 2] }, inputs },
]);

describe('gather', () => {
  it('adds cotangents of rows that were picked more than once', async () => {
    const test = { name: '', attributes: { axis: 0, indices: [2, -1, 0] }, inputs: [tensor([1, 2, 3])] };
    const directions = { dx: [tensor([1, 2, 3], [1, 3])], dy: tensor([1, 10, 100], [1, 3]) };
    for (const backend of backends) {
      const at = await evaluate(backend, gather, test, 'taylor', directions);
      expect([...at.output.data]).toEqual([3, 3, 1]);
      expect([...at.transposed[0]!.data]).toEqual([100, 0, 11]);
    }
  });

  it('refuses indices outside, indices that make no shape, and indices that are computed', () => {
    const of = (indices: number[], indicesShape?: number[], more: typeof inputs = []) =>
      nodeOf(gather, {
        name: '',
        attributes: { axis: 1, indices, ...(indicesShape && { indicesShape }) },
        inputs: [...inputs, ...more],
      });
    expect(() => of([4])).toThrow(/Index 4 is outside an axis of 4/);
    expect(() => of([0, 1], [3])).toThrow(/2 indices/);
    expect(() => of([0], undefined, [tensor([1])])).toThrow(/computed/);
  });
});
