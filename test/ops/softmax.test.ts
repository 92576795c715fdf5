import { describe, expect, it } from 'vitest';
import { softmax } from '../../analysis/ops/softmax.ts';
import { backends, evaluate, expectClose, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws(softmax, [
  { name: 'the last axis', attributes: { axis: -1 }, inputs: [normalTensor([1, 6], 'x', { scale: 2 })] },
  { name: 'channels of an image', attributes: { axis: 1 }, inputs: [normalTensor([2, 3, 2, 2], 'x')] },
  { name: 'zeros among the inputs', attributes: { axis: 1 }, inputs: [tensor([0, 1, 1e-7, -2], [1, 4])] },
  {
    name: 'numbers whose exponentials overflow',
    attributes: { axis: 1 },
    inputs: [tensor([1000, 999, -1000], [1, 3])],
    differentiable: false,
  },
]);

describe('softmax', () => {
  const test = { name: 'by hand', attributes: { axis: 1 }, inputs: [tensor([Math.log(2), 0, 0], [1, 3])] };
  const directions = { dx: [tensor([1, 1, 0], [1, 1, 3])], dy: tensor([0, 1, 0], [1, 1, 3]) };

  it('taylor: is p(δ − p)', async () => {
    for (const backend of backends) {
      const at = await evaluate(backend, softmax, test, 'taylor', directions);
      expectClose(at.output.data, Float32Array.of(1 / 2, 1 / 4, 1 / 4), 1e-6);
      expectClose(at.applied.data, Float32Array.of(1 / 8, 1 / 16, -3 / 16), 1e-6);
      expectClose(at.transposed[0]!.data, Float32Array.of(-1 / 8, 3 / 16, -1 / 16), 1e-6);
    }
  });

  it('frozen: is p/z, and at z = 0 the value is the offset', async () => {
    for (const backend of backends) {
      const at = await evaluate(backend, softmax, test, 'frozen', directions);
      expectClose(at.applied.data, Float32Array.of(1 / 2 / Math.log(2), 0, 0), 1e-6);
      expectClose(at.offset.data, Float32Array.of(0, 1 / 4, 1 / 4), 1e-6);
    }
  });

  it('refuses an axis that is not there', () => {
    expect(() => nodeOf(softmax, { ...test, attributes: { axis: -3 } })).toThrow('Axis -3');
  });
});
