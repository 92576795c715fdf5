import { describe, expect, it } from 'vitest';
import { convTranspose, padsForOutput } from '../../analysis/ops/conv-transpose.ts';
import { backends, evaluate, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(convTranspose, [
  {
    name: 'strides, uneven pads, output padding and a bias',
    attributes: { strides: [2, 3], dilations: [1, 1], pads: [1, 0, 0, 1], outputPadding: [1, 2], groups: 1 },
    parameters: { weight: normalTensor([3, 2, 3, 3], 'w'), bias: normalTensor([2], 'b') },
    inputs: [normalTensor([1, 3, 4, 3], 'x')],
  },
  {
    name: 'groups, dilation and a batch of two',
    attributes: { strides: [1, 2], dilations: [2, 1], pads: [0, 0, 0, 0], outputPadding: [0, 0], groups: 2 },
    parameters: { weight: normalTensor([4, 3, 2, 2], 'w') },
    inputs: [normalTensor([2, 4, 3, 3], 'x')],
  },
  {
    name: 'a kernel smaller than its stride, one spatial axis',
    attributes: { strides: [3], dilations: [1], pads: [0, 0], outputPadding: [2], groups: 1 },
    parameters: { weight: normalTensor([2, 2, 1], 'w'), bias: normalTensor([2], 'b') },
    inputs: [normalTensor([1, 2, 4], 'x')],
  },
]);

describe('conv-transpose', () => {
  const test = {
    name: 'by hand',
    attributes: { strides: [2], dilations: [1], pads: [0, 1], outputPadding: [0], groups: 1 },
    parameters: { weight: tensor([1, 10, 100], [1, 1, 3]), bias: tensor([0.5]) },
    inputs: [tensor([1, 2], [1, 1, 2])],
  };

  it('lays strided copies of the kernel over each other and cuts the pads off', async () => {
    for (const backend of backends) {
      const directions = { dx: [tensor([0, 1], [1, 1, 1, 2])], dy: tensor([1, 0, 0, 1], [1, 1, 1, 4]) };
      const at = await evaluate(backend, convTranspose, test, 'taylor', directions);
      expect([...at.output.data]).toEqual([1.5, 10.5, 102.5, 20.5]);
      expect([...at.applied.data]).toEqual([0, 0, 1, 10]);
      expect([...at.transposed[0]!.data]).toEqual([1, 10]);
    }
  });

  it('refuses output padding that is not less than its stride', () => {
    expect(() => nodeOf(convTranspose, { ...test, attributes: { ...test.attributes, outputPadding: [2] } })).toThrow(
      /Output padding 2 .* stride 2/,
    );
  });
});

describe('padsForOutput', () => {
  it('cuts or adds what an output of the wanted size needs', () => {
    const steps = { strides: [2, 3], dilations: [1, 1] };
    expect(padsForOutput([3, 3], [6, 10], [3, 3], steps)).toEqual({ pads: [0, 0, 1, 0], outputPadding: [0, 1] });
    expect(padsForOutput([3, 3], [6, 10], [3, 3], steps, 'lower')).toEqual({
      pads: [1, 0, 0, 0],
      outputPadding: [0, 1],
    });
  });
});
