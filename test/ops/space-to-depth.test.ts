import { describe, expect, it } from 'vitest';
import { depthToSpace } from '../../analysis/ops/depth-to-space.ts';
import { spaceToDepth } from '../../analysis/ops/space-to-depth.ts';
import { backends, nodeOf, normalTensor, opLaws } from './op-laws.ts';

opLaws(spaceToDepth, [
  { name: 'blocks of two', attributes: { blockSize: 2 }, inputs: [normalTensor([1, 3, 4, 6], 'x')] },
  { name: 'a batch of two', attributes: { blockSize: 3 }, inputs: [normalTensor([2, 1, 3, 6], 'x')] },
]);

describe('space-to-depth', () => {
  it('is undone by depth-to-space', async () => {
    const x = normalTensor([1, 3, 4, 6], 'x');
    const there = nodeOf(spaceToDepth, { name: '', attributes: { blockSize: 2 }, inputs: [x] });
    const back = { ...there, inputShapes: [there.shape], shape: x.shape };
    for (const backend of backends) {
      const program = await backend.compile([x.shape], (k, [value]) => {
        const deep = spaceToDepth.forward(k, [value!], there);
        return [deep, depthToSpace.forward(k, [deep], back)];
      });
      const [deep, same] = await program.run([{ ...x, shape: [1, ...x.shape] }]);
      program.dispose();
      expect(deep!.shape).toEqual([1, 1, 12, 2, 3]);
      // the first pixel of each block of the first channel comes first
      expect([...deep!.data.subarray(0, 3)]).toEqual([x.data[0], x.data[2], x.data[4]]);
      expect([...same!.data]).toEqual([...x.data]);
    }
  });

  it('refuses sizes that blocks do not fill', () => {
    const inputs = [normalTensor([1, 1, 3, 4], 'x')];
    expect(() => nodeOf(spaceToDepth, { name: '', attributes: { blockSize: 2 }, inputs })).toThrow(/2 × 2/);
  });
});
