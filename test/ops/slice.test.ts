import { describe, expect, it } from 'vitest';
import { slice } from '../../analysis/ops/slice.ts';
import { backends, evaluate, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

const inputs = [normalTensor([1, 4, 5, 6], 'x')];

opLaws(slice, [
  { name: 'one axis', attributes: { axes: [1], starts: [1], ends: [3] }, inputs },
  {
    name: 'steps',
    attributes: { axes: [2, 3], starts: [0, 1], ends: [5, 6], steps: [2, 3] },
    inputs,
  },
  {
    name: 'negative steps beside positive ones',
    attributes: { axes: [3, 1, 2], starts: [-1, 0, 3], ends: [-1000, 4, 0], steps: [-2, 1, -1] },
    inputs,
  },
  { name: 'all of it', attributes: { axes: [-1], starts: [0], ends: [Number.MAX_SAFE_INTEGER] }, inputs },
]);

describe('slice', () => {
  const x = tensor([0, 1, 2, 3, 4, 5], [6]);
  const cut = async (start: number, end: number, step: number): Promise<number[]> => {
    const test = { name: '', attributes: { starts: [start], ends: [end], steps: [step] }, inputs: [x] };
    const { shape } = nodeOf(slice, test);
    const dy = { data: new Float32Array(shape[0]!), shape: [1, ...shape] };
    const { output } = await evaluate(backends[0]!, slice, test, 'taylor', { dx: [{ ...x, shape: [1, 6] }], dy });
    return [...output.data];
  };

  it('reads bounds as numpy does', async () => {
    expect(await cut(1, 4, 1)).toEqual([1, 2, 3]);
    expect(await cut(-3, 100, 1)).toEqual([3, 4, 5]);
    expect(await cut(0, -1, 2)).toEqual([0, 2, 4]);
    expect(await cut(-1, -7, -1)).toEqual([5, 4, 3, 2, 1, 0]);
    expect(await cut(4, 0, -2)).toEqual([4, 2]);
    expect(await cut(100, 2, -1)).toEqual([5, 4, 3]);
  });

  it('refuses to leave nothing, and a step of 0', () => {
    const of = (start: number, end: number, step: number) =>
      nodeOf(slice, { name: '', attributes: { starts: [start], ends: [end], steps: [step] }, inputs: [x] });
    expect(() => of(3, 3, 1)).toThrow(/leaves nothing/);
    expect(() => of(1, 4, 0)).toThrow(/step of 0/);
  });
});
