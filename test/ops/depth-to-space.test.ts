import { describe, expect, it } from 'vitest';
import { depthToSpace, type DepthToSpaceAttributes } from '../../analysis/ops/depth-to-space.ts';
import { backends, evaluate, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

opLaws<DepthToSpaceAttributes>(depthToSpace, [
  { name: 'DCR', attributes: { blockSize: 2 }, inputs: [normalTensor([1, 8, 2, 3], 'x')] },
  { name: 'CRD', attributes: { blockSize: 2, mode: 'CRD' }, inputs: [normalTensor([2, 8, 2, 3], 'x')] },
  { name: 'blocks of three', attributes: { blockSize: 3, mode: 'CRD' }, inputs: [normalTensor([1, 9, 2, 1], 'x')] },
]);

describe('depth-to-space', () => {
  it('orders channels as its mode says', async () => {
    // eight channels of one pixel, numbered
    const inputs = [tensor([0, 1, 2, 3, 4, 5, 6, 7], [1, 8, 1, 1])];
    const directions = {
      dx: [{ ...inputs[0]!, shape: [1, 1, 8, 1, 1] }],
      dy: { data: new Float32Array(8), shape: [1, 1, 2, 2, 2] },
    };
    for (const [mode, expected] of [
      ['DCR', [0, 2, 4, 6, 1, 3, 5, 7]],
      ['CRD', [0, 1, 2, 3, 4, 5, 6, 7]],
    ] as const) {
      const test = { name: '', attributes: { blockSize: 2, mode }, inputs };
      const { output } = await evaluate(backends[0]!, depthToSpace, test, 'taylor', directions);
      expect([...output.data], mode).toEqual(expected);
    }
  });

  it('refuses channels that do not fill a block', () => {
    const inputs = [normalTensor([1, 6, 2, 2], 'x')];
    expect(() => nodeOf(depthToSpace, { name: '', attributes: { blockSize: 2 }, inputs })).toThrow(/multiple of 4/);
  });
});
