import { describe, expect, it } from 'vitest';
import { averagePool, type AveragePoolAttributes } from '../../analysis/ops/average-pool.ts';
import { backends, evaluate, normalTensor, opLaws, tensor } from './op-laws.ts';

const plain = (kernel: number[], strides = kernel): AveragePoolAttributes => ({
  kernel,
  strides,
  dilations: kernel.map(() => 1),
  pads: kernel.flatMap(() => [0, 0]),
});

opLaws(averagePool, [
  { name: 'windows side by side with a rest', attributes: plain([2, 3]), inputs: [normalTensor([2, 2, 5, 7], 'x')] },
  {
    name: 'overlapping, unevenly padded windows without the padding',
    attributes: { ...plain([3, 3], [2, 1]), pads: [1, 0, 0, 2] },
    inputs: [normalTensor([1, 2, 7, 6], 'x')],
  },
  {
    name: 'padding counted, ceil mode',
    attributes: { ...plain([3, 3], [2, 2]), pads: [1, 0, 1, 0], ceilMode: true, countIncludePad: true },
    inputs: [normalTensor([1, 2, 6, 6], 'x')],
  },
  {
    name: 'one spatial axis, dilated',
    attributes: { ...plain([2], [2]), dilations: [3], pads: [1, 1] },
    inputs: [normalTensor([1, 3, 9], 'x')],
  },
  { name: 'the whole input', attributes: plain([4, 5], [1, 1]), inputs: [normalTensor([1, 3, 4, 5], 'x')] },
  { name: 'three spatial axes', attributes: plain([2, 1, 2]), inputs: [normalTensor([1, 2, 4, 3, 5], 'x')] },
]);

describe('average-pool', () => {
  async function outputs(attributes: AveragePoolAttributes, data: number[]): Promise<number[][]> {
    const test = { name: 'by hand', attributes, inputs: [tensor(data, [1, 1, data.length])] };
    return Promise.all(
      backends.map(async (backend) => {
        const length = averagePool.shape({ ...test, parameters: {}, inputShapes: [[1, 1, data.length]] })[2]!;
        const directions = {
          dx: [tensor(data, [1, 1, 1, data.length])],
          dy: normalTensor([1, 1, 1, length], 'dy'),
        };
        return [...(await evaluate(backend, averagePool, test, 'taylor', directions)).output.data];
      }),
    );
  }

  it('counts padding only where it is told to', async () => {
    const attributes = { ...plain([2], [1]), pads: [1, 0] };
    for (const found of await outputs(attributes, [2, 4])) expect(found).toEqual([2, 3]);
    for (const found of await outputs({ ...attributes, countIncludePad: true }, [2, 4])) expect(found).toEqual([1, 3]);
  });

  it('never counts what only ceil mode reaches', async () => {
    const attributes = { ...plain([2]), ceilMode: true, countIncludePad: true };
    for (const found of await outputs(attributes, [2, 4, 6])) expect(found).toEqual([3, 6]);
  });
});
