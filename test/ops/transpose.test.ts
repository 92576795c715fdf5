import { describe, expect, it } from 'vitest';
import { transpose } from '../../analysis/ops/transpose.ts';
import { backends, evaluate, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(transpose, [
  { name: 'channels last', attributes: { perm: [0, 2, 3, 1] }, inputs: [normalTensor([1, 2, 3, 4], 'x')] },
  { name: 'channels first', attributes: { perm: [0, 3, 1, 2] }, inputs: [normalTensor([2, 3, 4, 2], 'x')] },
  { name: 'every axis, reversed', attributes: { perm: [3, 2, 1, 0] }, inputs: [normalTensor([2, 3, 4, 2], 'x')] },
  {
    name: 'only axes of size 1 move',
    attributes: { perm: [2, 0, 1, 3] },
    inputs: [normalTensor([1, 3, 1, 4], 'x')],
  },
  {
    name: 'neighbours around an axis of size 1',
    attributes: { perm: [3, 0, 1, 2] },
    inputs: [normalTensor([2, 1, 3, 2], 'x')],
  },
]);

describe('transpose', () => {
  it('puts input axis perm[i] at output axis i, for every order of four axes of which one has size 1', async () => {
    const shape = [2, 1, 3, 4];
    const x = normalTensor(shape, 'x');
    const strides = [12, 12, 4, 1];
    for (const perm of orders([0, 1, 2, 3])) {
      const test = { name: '', attributes: { perm }, inputs: [x] };
      const to = perm.map((axis) => shape[axis]!);
      const expected = entries(to).map((at) => x.data[at.reduce((sum, n, i) => sum + n * strides[perm[i]!]!, 0)]);
      const directions = { dx: [{ ...x, shape: [1, ...shape] }], dy: { data: x.data, shape: [1, ...to] } };
      const { output } = await evaluate(backends[0]!, transpose, test, 'taylor', directions);
      expect([...output.data], `perm ${perm}`).toEqual(expected);
      expect(output.shape).toEqual([1, ...to]);
    }
  });

  it('undoes itself over six axes, as pixel shuffles have them', async () => {
    const x = normalTensor([1, 2, 2, 2, 3, 2], 'x');
    const attributes = { perm: [0, 1, 4, 2, 5, 3] };
    const node = nodeOf(transpose, { name: '', attributes, inputs: [x] });
    for (const backend of backends) {
      const program = await backend.compile([x.shape], (k, [value]) => {
        const { apply, transpose: back } = transpose.linearise(k, [value!], value!, node, 'taylor', [true]);
        const there = apply([value!]);
        return [there, back(there)[0]!];
      });
      const [there, same] = await program.run([{ ...x, shape: [1, ...x.shape] }]);
      program.dispose();
      expect(there!.shape).toEqual([1, 1, 2, 3, 2, 2, 2]);
      // entry (0, 1, 2, 0, 1, 1) was (0, 1, 0, 1, 2, 1)
      expect(there!.data[24 + 2 * 8 + 0 + 2 + 1]).toBe(x.data[24 + 0 + 6 + 4 + 1]);
      expect([...same!.data]).toEqual([...x.data]);
    }
  });

  it('refuses what is not an order of the axes', () => {
    const inputs = [tensor([1, 2, 3, 4], [2, 2])];
    for (const perm of [[0, 0], [0], [1, 2]]) {
      expect(() => nodeOf(transpose, { name: '', attributes: { perm }, inputs })).toThrow(/not an order/);
    }
  });
});

function orders(axes: number[]): number[][] {
  if (axes.length === 0) return [[]];
  return axes.flatMap((first) => orders(axes.filter((axis) => axis !== first)).map((rest) => [first, ...rest]));
}

function entries(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (all, n) => all.flatMap((at) => Array.from({ length: n }, (_, i) => [...at, i])),
    [[]],
  );
}
