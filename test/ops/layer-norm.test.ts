import { describe, expect, it } from 'vitest';
import { layerNorm } from '../../analysis/ops/layer-norm.ts';
import { backends, evaluate, expectClose, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(layerNorm, [
  {
    name: 'scale and bias along the last axis',
    attributes: { axis: -1, epsilon: 1e-3 },
    parameters: { scale: normalTensor([5], 'scale'), bias: normalTensor([5], 'bias') },
    inputs: [normalTensor([1, 3, 5], 'x', { scale: 2, shift: 1 })],
  },
  {
    name: 'two axes, scale alone',
    attributes: { axis: 2, epsilon: 1e-5 },
    parameters: { scale: normalTensor([3, 4], 'scale') },
    inputs: [normalTensor([2, 2, 3, 4], 'x')],
  },
  {
    name: 'every axis, the batch axis too',
    attributes: { axis: 0, epsilon: 1e-5 },
    inputs: [normalTensor([2, 5], 'x')],
  },
]);

describe('layer-norm', () => {
  const test = {
    name: 'by hand',
    attributes: { axis: -1, epsilon: 0 },
    parameters: { scale: tensor([2, 3]), bias: tensor([10, 20]) },
    inputs: [tensor([0, 6], [1, 2])],
  };

  it('scales and shifts each position of the normalised axes', async () => {
    for (const backend of backends) {
      const directions = { dx: [tensor([3, 0], [1, 1, 2])], dy: tensor([1, 1], [1, 1, 2]) };
      const frozen = await evaluate(backend, layerNorm, test, 'frozen', directions);
      expectClose(frozen.output.data, Float32Array.of(8, 23), 1e-6);
      expectClose(frozen.applied.data, Float32Array.of(2, 0), 1e-6);
      expectClose(frozen.offset.data, Float32Array.of(8, 17), 1e-6);
      expectClose(frozen.transposed[0]!.data, Float32Array.of(2 / 3, 1), 1e-6);
      // Two entries are normalised to ±1 whatever they are: the derivative is 0.
      const taylor = await evaluate(backend, layerNorm, test, 'taylor', directions);
      expectClose(taylor.applied.data, Float32Array.of(0, 0), 1e-6, 1);
    }
  });

  it('refuses an axis that is not there', () => {
    expect(() => nodeOf(layerNorm, { ...test, attributes: { axis: 2, epsilon: 0 } })).toThrow('Axis 2');
  });
});
