import { describe, expect, it } from 'vitest';
import { maxPool, type MaxPoolAttributes } from '../../analysis/ops/max-pool.ts';
import { backends, evaluate, nodeOf, opLaws, spacedTensor, tensor } from './op-laws.ts';

const plain = (kernel: number[], strides = kernel): MaxPoolAttributes => ({
  kernel,
  strides,
  dilations: kernel.map(() => 1),
  pads: kernel.flatMap(() => [0, 0]),
});

opLaws(maxPool, [
  { name: 'windows side by side', attributes: plain([2, 2]), inputs: [spacedTensor([1, 2, 4, 6], 'x')] },
  {
    name: 'windows side by side with a rest, in a batch of two',
    attributes: plain([2, 3]),
    inputs: [spacedTensor([2, 2, 5, 7], 'x')],
  },
  {
    name: 'overlapping, unevenly padded windows',
    attributes: { ...plain([3, 3], [2, 2]), pads: [1, 0, 0, 2] },
    inputs: [spacedTensor([1, 2, 7, 6], 'x')],
  },
  {
    name: 'stride one',
    attributes: { ...plain([3, 2], [1, 1]), pads: [1, 0, 1, 1] },
    inputs: [spacedTensor([1, 2, 4, 5], 'x')],
  },
  {
    name: 'ceil mode, padded side by side and overlapping',
    attributes: { ...plain([2, 3], [2, 2]), pads: [1, 0, 0, 0], ceilMode: true },
    inputs: [spacedTensor([1, 2, 6, 6], 'x')],
  },
  {
    name: 'gaps between windows, and dilation',
    attributes: { kernel: [2, 2], strides: [3, 4], dilations: [1, 2], pads: [0, 0, 0, 0] },
    inputs: [spacedTensor([1, 2, 8, 11], 'x')],
  },
  {
    name: 'one spatial axis',
    attributes: { ...plain([3], [2]), pads: [1, 1] },
    inputs: [spacedTensor([1, 3, 9], 'x')],
  },
  { name: 'the whole input', attributes: plain([5, 6], [1, 1]), inputs: [spacedTensor([1, 3, 5, 6], 'x')] },
  { name: 'three spatial axes', attributes: plain([2, 1, 2]), inputs: [spacedTensor([1, 2, 4, 3, 5], 'x')] },
  {
    name: 'ties everywhere, side by side',
    attributes: plain([2, 2]),
    inputs: [
      tensor(
        Array.from({ length: 16 }, (_, i) => (i % 3 ? 2 : 1)),
        [1, 1, 4, 4],
      ),
    ],
    differentiable: false,
  },
  {
    name: 'ties everywhere, overlapping',
    attributes: { ...plain([3, 3], [2, 1]), pads: [1, 1, 1, 1] },
    inputs: [
      tensor(
        Array.from({ length: 25 }, (_, i) => 1 - (i % 2) / 2),
        [1, 1, 5, 5],
      ),
    ],
    differentiable: false,
  },
]);

describe('max-pool', () => {
  /** Where the ones of the cotangent arrive. */
  async function arrivals(attributes: MaxPoolAttributes, data: number[], shape: number[]): Promise<number[][]> {
    const test = { name: 'by hand', attributes, inputs: [tensor(data, [1, 1, ...shape])] };
    const size = nodeOf(maxPool, test).shape;
    const ones = tensor(
      Array.from({ length: size.reduce((a, b) => a * b) }, () => 1),
      [1, ...size],
    );
    const dx = [tensor(data, [1, 1, 1, ...shape])];
    return Promise.all(
      backends.map(async (backend) => {
        const at = await evaluate(backend, maxPool, test, 'taylor', { dx, dy: ones });
        return [...at.transposed[0]!.data];
      }),
    );
  }

  it('lets the first winner of a tie in row-major order pass, side by side', async () => {
    // The window's maximum 5 stands at (0, 1) and (1, 0): the first in row-major order is (0, 1).
    for (const found of await arrivals(plain([2, 2]), [1, 5, 5, 0], [2, 2])) expect(found).toEqual([0, 1, 0, 0]);
    for (const found of await arrivals(plain([2, 2]), [0, 0, 0, 0], [2, 2])) expect(found).toEqual([1, 0, 0, 0]);
  });

  it('lets the first winner of a tie in row-major order pass, overlapping', async () => {
    for (const found of await arrivals(plain([2], [1]), [5, 5, 5, 1, 5], [5])) expect(found).toEqual([1, 1, 1, 0, 1]);
    // 5 at (0, 1) and (1, 0) tie in the first window; (0, 1) and (1, 2) in the second.
    for (const found of await arrivals(plain([2, 2], [1, 1]), [1, 5, 2, 5, 0, 5], [2, 3])) {
      expect(found).toEqual([0, 2, 0, 0, 0, 0]);
    }
  });

  it('never lets padding win, however negative the input', async () => {
    const attributes = { ...plain([3], [2]), pads: [1, 1] };
    for (const found of await arrivals(attributes, [-9, -8, -7, -6, -5], [5])) expect(found).toEqual([0, 1, 0, 1, 1]);
  });

  it('rounds up in ceil mode, but drops a window that would begin behind the input', () => {
    const sized = (attributes: MaxPoolAttributes, size: number) =>
      nodeOf(maxPool, { name: '', attributes, inputs: [spacedTensor([1, 1, size], 'x')] }).shape[2];
    expect(sized({ ...plain([3], [2]), ceilMode: true }, 6)).toBe(3);
    expect(sized({ ...plain([3], [2]) }, 6)).toBe(2);
    expect(sized({ ...plain([1], [2]), ceilMode: true }, 2)).toBe(1);
  });

  it('refuses a window that is larger than its input', () => {
    const test = { name: '', attributes: plain([4, 4]), inputs: [spacedTensor([1, 1, 3, 3], 'x')] };
    expect(() => nodeOf(maxPool, test)).toThrow('4×4 is larger than its input of 3×3');
  });
});
