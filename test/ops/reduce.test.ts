import { describe, expect, it } from 'vitest';
import { reduce, type ReduceAttributes, type ReduceKind } from '../../analysis/ops/reduce.ts';
import { backends, evaluate, nodeOf, normalTensor, opLaws, spacedTensor, tensor } from './op-laws.ts';

const kinds: readonly ReduceKind[] = ['sum', 'mean', 'max', 'min', 'l1', 'l2'];

for (const kind of kinds) {
  opLaws<ReduceAttributes>(reduce, [
    { name: `${kind} over space`, attributes: { kind, axes: [2, 3] }, inputs: [spacedTensor([1, 3, 2, 4], 'x')] },
    {
      name: `${kind} over an axis in the middle, kept`,
      attributes: { kind, axes: [-2], keepDims: true },
      inputs: [spacedTensor([2, 3, 4], 'x')],
    },
    { name: `${kind} over everything`, attributes: { kind }, inputs: [spacedTensor([2, 5], 'x')] },
  ]);
}

opLaws<ReduceAttributes>(reduce, [
  {
    name: 'the largest of many that tie',
    attributes: { kind: 'max', axes: [1, 2] },
    inputs: [tensor([1, 3, 3, 3, 0, 3, 2, 2], [1, 2, 2, 2])],
    differentiable: false,
  },
  { name: 'a norm of zeros', attributes: { kind: 'l2' }, inputs: [tensor([0, 0])], differentiable: false },
]);

describe('reduce', () => {
  const at = async (kind: ReduceKind, numbers: number[]) => {
    const size = numbers.length;
    const test = { name: '', attributes: { kind }, inputs: [tensor(numbers)] };
    const dx = [
      tensor(
        Array.from({ length: size }, (_, i) => 10 ** i),
        [1, size],
      ),
    ];
    const results = [];
    for (const backend of backends) {
      const { output, applied, transposed } = await evaluate(backend, reduce, test, 'frozen', { dx, dy: tensor([1]) });
      results.push({ output: output.data[0], applied: applied.data[0], row: [...transposed[0]!.data] });
    }
    return results;
  };

  it('passes the first winner of several', async () => {
    for (const result of await at('max', [1, 4, 4, 2])) {
      expect(result).toEqual({ output: 4, applied: 10, row: [0, 1, 0, 0] });
    }
    for (const result of await at('min', [4, 1, 2, 1])) {
      expect(result).toEqual({ output: 1, applied: 10, row: [0, 1, 0, 0] });
    }
  });

  it('averages, and takes norms along their gradients', async () => {
    for (const result of await at('mean', [1, 2, 3, 6])) {
      expect(result).toEqual({ output: 3, applied: 277.75, row: [0.25, 0.25, 0.25, 0.25] });
    }
    for (const { output, row } of await at('l2', [3, -4])) {
      expect(output).toBeCloseTo(5, 5);
      expect(row[0]).toBeCloseTo(0.6, 6);
      expect(row[1]).toBeCloseTo(-0.8, 6);
    }
    for (const result of await at('l1', [3, -4])) expect(result).toEqual({ output: 7, applied: -9, row: [1, -1] });
  });

  it('refuses a kind that it does not know, with those that it knows', () => {
    const attributes = { kind: 'prod' as ReduceKind };
    expect(() => nodeOf(reduce, { name: '', attributes, inputs: [normalTensor([2], 'x')] })).toThrow(
      /"prod" is not supported. Supported: sum, mean/,
    );
  });
});
