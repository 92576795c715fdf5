import { describe, expect, it } from 'vitest';
import { pad, type PadAttributes } from '../../analysis/ops/pad.ts';
import { backends, evaluate, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

const inputs = [normalTensor([1, 2, 4, 3], 'x')];
const pads = [0, 0, 2, 1, 0, 0, 1, 2];

opLaws<PadAttributes>(pad, [
  { name: 'zeros', attributes: { pads }, inputs },
  { name: 'a constant, and channels too', attributes: { pads: [0, 1, 0, 0, 0, 0, 1, 1], value: 2.5 }, inputs },
  { name: 'minus infinity', attributes: { pads, value: -Infinity }, inputs },
  { name: 'cut on one side', attributes: { pads: [0, 0, -1, 2, 0, 0, 1, -1], value: 1 }, inputs },
  { name: 'edge', attributes: { pads, mode: 'edge' }, inputs },
  { name: 'reflect', attributes: { pads, mode: 'reflect' }, inputs },
  { name: 'symmetric', attributes: { pads, mode: 'symmetric' }, inputs },
  { name: 'wrap, and a cut', attributes: { pads: [0, 0, 2, 1, 0, 0, -1, 3], mode: 'wrap' }, inputs },
]);

describe('pad', () => {
  const padded = async (attributes: PadAttributes): Promise<number[]> => {
    const x = tensor([1, 2, 3]);
    const test = { name: '', attributes, inputs: [x] };
    const [size] = nodeOf(pad, test).shape;
    const directions = { dx: [tensor([1, 2, 3], [1, 3])], dy: { data: new Float32Array(size!), shape: [1, size!] } };
    return [...(await evaluate(backends[0]!, pad, test, 'taylor', directions)).output.data];
  };

  it('continues a row as each mode says', async () => {
    expect(await padded({ pads: [1, 2], value: 9 })).toEqual([9, 1, 2, 3, 9, 9]);
    expect(await padded({ pads: [-1, 1] })).toEqual([2, 3, 0]);
    expect(await padded({ pads: [2, 1], mode: 'edge' })).toEqual([1, 1, 1, 2, 3, 3]);
    expect(await padded({ pads: [2, 2], mode: 'reflect' })).toEqual([3, 2, 1, 2, 3, 2, 1]);
    expect(await padded({ pads: [3, 2], mode: 'symmetric' })).toEqual([3, 2, 1, 1, 2, 3, 3, 2]);
    expect(await padded({ pads: [4, 1], mode: 'wrap' })).toEqual([3, 1, 2, 3, 1, 2, 3, 1]);
  });

  it('refuses pads that leave nothing, that miss an axis, or that mirror more than there is', () => {
    const of = (attributes: PadAttributes) => nodeOf(pad, { name: '', attributes, inputs: [tensor([1, 2, 3])] });
    expect(() => of({ pads: [-2, -1] })).toThrow(/leave nothing/);
    expect(() => of({ pads: [1] })).toThrow(/1 pads for the 1 axes/);
    expect(() => of({ pads: [3, 0], mode: 'reflect' })).toThrow(/larger than what "reflect"/);
  });
});
