import { describe, expect, it } from 'vitest';
import { concat } from '../../analysis/ops/concat.ts';
import { backends, evaluate, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(concat, [
  {
    name: 'three inputs along the channels',
    attributes: { axis: 1 },
    inputs: [normalTensor([1, 2, 2, 3], 'a'), normalTensor([1, 1, 2, 3], 'b'), normalTensor([1, 3, 2, 3], 'c')],
  },
  {
    name: 'two along the last axis',
    attributes: { axis: -1 },
    inputs: [normalTensor([2, 2], 'a'), normalTensor([2, 3], 'b')],
  },
  { name: 'one alone', attributes: { axis: 0 }, inputs: [normalTensor([2, 2], 'a')] },
]);

describe('concat', () => {
  const test = { name: 'by hand', attributes: { axis: 1 }, inputs: [tensor([1, 2], [1, 2]), tensor([3], [1, 1])] };

  it('places a fixed input in the offset and zeros there in a product', async () => {
    const directions = { dx: [tensor([5, 6], [1, 1, 2]), tensor([0], [1, 1, 1])], dy: tensor([7, 8, 9], [1, 1, 3]) };
    for (const backend of backends) {
      const at = await evaluate(backend, concat, test, 'taylor', directions, [true, false]);
      expect([...at.output.data]).toEqual([1, 2, 3]);
      expect([...at.offset.data]).toEqual([0, 0, 3]);
      expect([...at.applied.data]).toEqual([5, 6, 0]);
      expect(at.transposed.map((part) => part && [...part.data])).toEqual([[7, 8], null]);
    }
  });

  it('puts a constant beside every sample of a block', async () => {
    for (const backend of backends) {
      const program = await backend.compile([[1, 1]], (k, [x]) => {
        const constant = k.constant(tensor([1, 2], [1, 1, 2]));
        return [
          concat.forward(k, [constant, x!], {
            ...nodeOf(concat, test),
            inputShapes: [
              [1, 2],
              [1, 1],
            ],
          }),
        ];
      });
      const [result] = await program.run([tensor([7, 8, 9], [3, 1, 1])]);
      program.dispose();
      expect(result!.shape).toEqual([3, 1, 3]);
      expect([...result!.data]).toEqual([1, 2, 7, 1, 2, 8, 1, 2, 9]);
    }
  });

  it('refuses shapes that differ elsewhere', () => {
    const inputs = [normalTensor([1, 2], 'a'), normalTensor([2, 2], 'b')];
    expect(() => nodeOf(concat, { name: '', attributes: { axis: 1 }, inputs })).toThrow(/\[1,2\] and \[2,2\]/);
  });
});
