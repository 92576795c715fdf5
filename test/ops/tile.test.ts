import { describe, expect, it } from 'vitest';
import { tile } from '../../analysis/ops/tile.ts';
import { backends, evaluate, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(tile, [
  { name: 'two axes', attributes: { repeats: [1, 2, 1, 3] }, inputs: [normalTensor([1, 3, 2, 2], 'x')] },
  { name: 'every axis', attributes: { repeats: [2, 3, 2] }, inputs: [normalTensor([2, 1, 3], 'x')] },
]);

describe('tile', () => {
  it('lays copies side by side, and sums them back', async () => {
    const test = { name: '', attributes: { repeats: [2] }, inputs: [tensor([1, 2])] };
    const directions = { dx: [tensor([3, 4], [1, 2])], dy: tensor([1, 2, 10, 20], [1, 4]) };
    for (const backend of backends) {
      const at = await evaluate(backend, tile, test, 'frozen', directions);
      expect([...at.output.data]).toEqual([1, 2, 1, 2]);
      expect([...at.transposed[0]!.data]).toEqual([11, 22]);
    }
  });

  it('wants one repeat per axis', () => {
    expect(() => nodeOf(tile, { name: '', attributes: { repeats: [2] }, inputs: [tensor([1], [1, 1])] })).toThrow(
      /1 repeats for the 2 axes/,
    );
  });
});
