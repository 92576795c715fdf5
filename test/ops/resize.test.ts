import { describe, expect, it } from 'vitest';
import { resize, type Coordinates, type ResizeAttributes } from '../../analysis/ops/resize.ts';
import { backends, evaluate, expectClose, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

const inputs = [normalTensor([1, 2, 4, 3], 'x')];

opLaws<ResizeAttributes>(resize, [
  { name: 'nearest, whole factors', attributes: { mode: 'nearest', sizes: [1, 2, 8, 9] }, inputs },
  { name: 'nearest, down and up', attributes: { mode: 'nearest', sizes: [1, 2, 3, 7] }, inputs },
  { name: 'linear', attributes: { mode: 'linear', sizes: [1, 2, 7, 2] }, inputs },
  {
    name: 'linear, corners aligned, one axis only',
    attributes: { mode: 'linear', sizes: [1, 2, 7, 3], coordinates: 'align_corners' },
    inputs,
  },
  { name: 'cubic', attributes: { mode: 'cubic', sizes: [1, 2, 6, 5] }, inputs },
  {
    name: 'cubic without what is outside',
    attributes: { mode: 'cubic', sizes: [1, 2, 3, 5], cubicCoefficient: -0.5, excludeOutside: true },
    inputs,
  },
  { name: 'a signal', attributes: { mode: 'linear', sizes: [1, 2, 9] }, inputs: [normalTensor([1, 2, 4], 'x')] },
  { name: 'channels last', attributes: { mode: 'linear', sizes: [1, 6, 5, 3] }, inputs },
  { name: 'the same size', attributes: { mode: 'cubic', sizes: [1, 2, 4, 3] }, inputs },
]);

describe('resize', () => {
  const resized = async (
    numbers: number[],
    size: number,
    attributes: Partial<ResizeAttributes>,
  ): Promise<Float32Array> => {
    const test = {
      name: '',
      attributes: { mode: 'linear', sizes: [size], ...attributes } as const,
      inputs: [tensor(numbers)],
    };
    const directions = {
      dx: [tensor(numbers, [1, numbers.length])],
      dy: { data: new Float32Array(size), shape: [1, size] },
    };
    return (await evaluate(backends[0]!, resize, test as never, 'taylor', directions)).output.data;
  };
  const row = [0, 1, 2, 3];

  it('places positions as each coordinate rule says, on a ramp that shows them', async () => {
    const positions: Record<Coordinates, number[]> = {
      half_pixel: [0.5, 2.5],
      half_pixel_symmetric: [0.5, 2.5],
      pytorch_half_pixel: [0.5, 2.5],
      align_corners: [0, 3],
      asymmetric: [0, 2],
      tf_half_pixel_for_nn: [1, 3],
    };
    for (const [coordinates, expected] of Object.entries(positions)) {
      expectClose(
        await resized(row, 2, { coordinates: coordinates as Coordinates }),
        Float32Array.from(expected),
        1e-6,
      );
    }
    expectClose(await resized(row, 1, { coordinates: 'half_pixel' }), Float32Array.of(1.5), 1e-6);
    expectClose(await resized(row, 1, { coordinates: 'pytorch_half_pixel' }), Float32Array.of(0), 1e-6);
    expectClose(await resized(row, 1, { coordinates: 'align_corners' }), Float32Array.of(0), 1e-6);
  });

  it('lets stated scales place the positions', async () => {
    // 4 · 0.6 = 2.4 is cut to 2 positions, a step of 1/0.6 apart
    expectClose(await resized(row, 2, { scales: [0.6], coordinates: 'asymmetric' }), Float32Array.of(0, 1 / 0.6), 1e-6);
    // about the centre: (2/2.4 of the window is used) 2·(1 − 2/2.4) + (i + ½)/0.6 − ½
    const shift = 2 * (1 - 2 / 2.4) - 0.5;
    expectClose(
      await resized(row, 2, { scales: [0.6], coordinates: 'half_pixel_symmetric' }),
      Float32Array.of(shift + 0.5 / 0.6, shift + 1.5 / 0.6),
      1e-6,
    );
  });

  it('rounds to the nearest as each rule says, ties included', async () => {
    // positions −0.25 0.25 0.75 1.25, and half-way ones at a factor of 2 downwards: 0.5 2.5
    const nearest = async (size: number, nearestMode: ResizeAttributes['nearestMode']) => [
      ...(await resized(row, size, { mode: 'nearest', nearestMode })),
    ];
    expect(await nearest(2, 'round_prefer_floor')).toEqual([0, 2]);
    expect(await nearest(2, 'round_prefer_ceil')).toEqual([1, 3]);
    expect(await nearest(2, 'floor')).toEqual([0, 2]);
    expect(await nearest(2, 'ceil')).toEqual([1, 3]);
    expect(await nearest(8, 'round_prefer_floor')).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect(await nearest(8, 'floor')).toEqual([0, 0, 0, 1, 1, 2, 2, 3]);
    expect(await nearest(8, 'ceil')).toEqual([0, 1, 1, 2, 2, 3, 3, 3]);
  });

  it('interpolates cubically with the weights of its kernel', async () => {
    // weights of Keys' kernel at ½ with a = −0.75: −0.09375 0.59375 0.59375 −0.09375
    const [middle] = (await resized([1, 0, 0, 0, 0, 0], 3, { mode: 'cubic' })).subarray(0, 1);
    expect(middle).toBeCloseTo(0.59375 - 0.09375, 6);
    const second = (await resized([1, 0, 0, 0, 0, 0], 3, { mode: 'cubic' }))[1];
    expect(second).toBeCloseTo(0, 6);
    const beside = (await resized([0, 1, 0, 0, 0, 0], 3, { mode: 'cubic' }))[1];
    expect(beside).toBeCloseTo(-0.09375, 6);
    const sharper = (await resized([0, 1, 0, 0, 0, 0], 3, { mode: 'cubic', cubicCoefficient: -0.5 }))[1];
    expect(sharper).toBeCloseTo(-0.0625, 6);
  });

  it('keeps a constant image constant, in every mode', async () => {
    for (const mode of ['nearest', 'linear', 'cubic'] as const) {
      for (const excludeOutside of [false, true]) {
        expectClose(await resized([2, 2, 2], 7, { mode, excludeOutside }), new Float32Array(7).fill(2), 1e-6);
      }
    }
  });

  it('refuses another number of axes, and modes and rules that it does not know', () => {
    const of = (attributes: object) =>
      nodeOf(resize, { name: '', attributes: attributes as ResizeAttributes, inputs: [tensor(row)] });
    expect(() => of({ mode: 'linear', sizes: [1, 2] })).toThrow(/number of axes/);
    expect(() => of({ mode: 'area', sizes: [2] })).toThrow(/"area" is not supported/);
  });
});
