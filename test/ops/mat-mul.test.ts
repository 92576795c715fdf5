import { describe, expect, it } from 'vitest';
import { matMul } from '../../analysis/ops/mat-mul.ts';
import { backends, evaluate, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(matMul, [
  {
    name: 'two batched operands without a gate',
    attributes: { gate: null },
    inputs: [normalTensor([1, 2, 3, 4], 'a'), normalTensor([1, 2, 4, 5], 'b')],
  },
  {
    name: 'attention: a gate on the left, the right transposed',
    attributes: { gate: 0, transposeB: true },
    inputs: [normalTensor([1, 2, 3, 4], 'a'), normalTensor([1, 2, 5, 4], 'b')],
  },
  {
    name: 'the left transposed, a right of lower rank that is spread',
    attributes: { gate: 1, transposeA: true },
    inputs: [normalTensor([1, 2, 4, 3], 'a'), normalTensor([4, 5], 'b')],
  },
  {
    name: 'both transposed, a left that is spread',
    attributes: { gate: null, transposeA: true, transposeB: true },
    inputs: [normalTensor([1, 1, 4, 3], 'a'), normalTensor([1, 2, 5, 4], 'b')],
  },
  {
    name: 'a vector on the right',
    attributes: { gate: null },
    inputs: [normalTensor([1, 3, 4], 'a'), normalTensor([4], 'b')],
  },
  {
    name: 'a vector on the left',
    attributes: { gate: null },
    inputs: [normalTensor([3], 'a'), normalTensor([1, 3, 4], 'b')],
  },
]);

describe('mat-mul', () => {
  const test = {
    name: 'by hand',
    attributes: { gate: null },
    inputs: [tensor([1, 2, 3, 4], [2, 2]), tensor([5, 6], [2, 1])],
  };
  const directions = {
    dx: [tensor([1, 0, 0, 0], [1, 2, 2]), tensor([0, 1], [1, 2, 1])],
    dy: tensor([1, 0], [1, 2, 1]),
  };

  it('is dA B + A dB, with −A B as offset', async () => {
    for (const backend of backends) {
      const at = await evaluate(backend, matMul, test, 'taylor', directions);
      expect([...at.output.data]).toEqual([17, 39]);
      expect([...at.applied.data]).toEqual([5 + 2, 4]);
      expect([...at.offset.data]).toEqual([-17, -39]);
      expect(at.transposed.map((part) => [...part!.data])).toEqual([
        [5, 6, 0, 0],
        [1, 2],
      ]);
    }
  });

  it('frozen: is half of each without a gate, and needs no offset', async () => {
    for (const backend of backends) {
      const at = await evaluate(backend, matMul, test, 'frozen', directions);
      expect([...at.applied.data]).toEqual([3.5, 2]);
      expect([...at.offset.data]).toEqual([0, 0]);
    }
  });

  it('refuses inner sizes that differ, and gives vectors their missing axis', () => {
    const sized = (...shapes: number[][]) => ({
      ...test,
      inputs: shapes.map((shape) => normalTensor(shape, 'any')),
    });
    expect(() => nodeOf(matMul, sized([2, 3], [2, 3]))).toThrow('inner sizes 3 and 2');
    expect(nodeOf(matMul, sized([3], [3])).shape).toEqual([]);
    expect(nodeOf(matMul, sized([5, 2, 3], [3])).shape).toEqual([5, 2]);
    expect(nodeOf(matMul, sized([3], [5, 3, 2])).shape).toEqual([5, 2]);
    expect(matMul.multiplyAdds!(nodeOf(matMul, sized([5, 2, 3], [3, 4])))).toBe(120);
  });
});
