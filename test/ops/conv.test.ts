import { describe, expect, it } from 'vitest';
import { conv, samePads } from '../../analysis/ops/conv.ts';
import { backends, evaluate, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(conv, [
  {
    name: 'uneven pads, strides and a bias',
    attributes: { strides: [2, 1], dilations: [1, 1], pads: [1, 0, 2, 1], groups: 1 },
    parameters: { weight: normalTensor([4, 3, 3, 2], 'w'), bias: normalTensor([4], 'b') },
    inputs: [normalTensor([1, 3, 6, 5], 'x')],
  },
  {
    name: 'groups, dilation and a batch of two',
    attributes: { strides: [1, 1], dilations: [2, 1], pads: [2, 1, 2, 1], groups: 2 },
    parameters: { weight: normalTensor([6, 2, 3, 3], 'w') },
    inputs: [normalTensor([2, 4, 6, 5], 'x')],
  },
  {
    name: 'depthwise with a remainder that no window reaches',
    attributes: { strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0], groups: 3 },
    parameters: { weight: normalTensor([3, 1, 3, 3], 'w'), bias: normalTensor([3], 'b') },
    inputs: [normalTensor([1, 3, 6, 8], 'x')],
  },
  {
    name: 'one spatial axis, strided and dilated',
    attributes: { strides: [3], dilations: [2], pads: [2, 1], groups: 1 },
    parameters: { weight: normalTensor([2, 3, 3], 'w'), bias: normalTensor([2], 'b') },
    inputs: [normalTensor([1, 3, 11], 'x')],
  },
  {
    name: 'three spatial axes',
    attributes: { strides: [1, 2, 1], dilations: [1, 1, 1], pads: [0, 1, 0, 1, 0, 0], groups: 1 },
    parameters: { weight: normalTensor([2, 2, 2, 2, 2], 'w') },
    inputs: [normalTensor([1, 2, 3, 4, 3], 'x')],
  },
]);

describe('conv', () => {
  const test = {
    name: 'by hand',
    attributes: { strides: [1], dilations: [1], pads: [1, 0], groups: 1 },
    parameters: { weight: tensor([1, 10], [1, 1, 2]), bias: tensor([0.5]) },
    inputs: [tensor([1, 2, 3], [1, 1, 3])],
  };

  it('correlates without flipping the kernel, and its transpose spreads back', async () => {
    for (const backend of backends) {
      const directions = { dx: [tensor([1, 0, 0], [1, 1, 1, 3])], dy: tensor([0, 1, 0], [1, 1, 1, 3]) };
      const at = await evaluate(backend, conv, test, 'taylor', directions);
      expect([...at.output.data]).toEqual([10.5, 21.5, 32.5]);
      expect([...at.offset.data]).toEqual([0.5, 0.5, 0.5]);
      expect([...at.applied.data]).toEqual([10, 1, 0]);
      expect([...at.transposed[0]!.data]).toEqual([1, 10, 0]);
    }
  });

  it('refuses an input with other channels than its weight', () => {
    expect(() => nodeOf(conv, { ...test, inputs: [tensor([1, 2], [1, 2, 1])] })).toThrow(/1 channels .* 2 channels/);
  });

  it('counts multiply-adds of every output position', () => {
    expect(conv.multiplyAdds!(nodeOf(conv, test))).toBe(6);
  });
});

describe('samePads', () => {
  it('puts an odd rest behind or before, and covers ⌈size/stride⌉ positions', () => {
    expect(samePads([5, 6], [4, 3], [1, 2], [1, 1])).toEqual([1, 0, 2, 1]);
    expect(samePads([5, 6], [4, 3], [1, 2], [1, 1], 'lower')).toEqual([2, 1, 1, 0]);
    expect(samePads([7], [3], [1], [2])).toEqual([2, 2]);
    expect(samePads([8], [1], [2], [1])).toEqual([0, 0]);
  });
});
