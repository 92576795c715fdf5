import sharp from 'sharp';
import { expect, test } from 'vitest';
import { colourOf, NO_VALUE } from '../../analysis/figures/colour-map.ts';
import { gridOf, heatMapPng, limitOf, photoPng, type Png } from '../../analysis/figures/heatmap.ts';

async function pixelsOf({ png }: Png): Promise<{ pixels: number[][] }> {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const pixels = Array.from({ length: info.width * info.height }, (_, p) => [
    ...data.subarray(p * info.channels, (p + 1) * info.channels),
  ]);
  return { pixels };
}

test('a heat map has one pixel a number, zero in the middle of the map and the largest magnitude at its end', async () => {
  const png = await heatMapPng([0, 2, -4, 1], { height: 2, width: 2, channels: 1 });
  expect([png.width, png.height]).toEqual([2, 2]);
  expect((await pixelsOf(png)).pixels).toEqual([colourOf(0), colourOf(0.5), colourOf(-1), colourOf(0.25)]);
});

test('a limit given from outside makes maps comparable', async () => {
  const { pixels } = await pixelsOf(await heatMapPng([1, -3], { height: 2, width: 1, channels: 1 }, { limit: 2 }));
  expect(pixels).toEqual([colourOf(0.5), colourOf(-1)]);
});

test('a map of zeros is one colour, and enlarging repeats pixels', async () => {
  const png = await heatMapPng([0, 0, 0, 0], { height: 2, width: 2, channels: 1 }, { enlarge: 3 });
  expect([png.width, png.height]).toEqual([6, 6]);
  expect(new Set((await pixelsOf(png)).pixels.map(String))).toEqual(new Set([String(colourOf(0))]));
});

test('a long row is folded into a grid whose unused places are grey', async () => {
  const size = 67;
  const png = await heatMapPng(new Float32Array(size).fill(1), { height: 1, width: size, channels: 1 });
  expect([png.height, png.width]).toEqual([8, 9]);
  const { pixels } = await pixelsOf(png);
  expect(pixels.filter((pixel) => String(pixel) === String(NO_VALUE))).toHaveLength(72 - size);
});

test('the grid of a vector is full or nearly square', () => {
  expect(gridOf(10)).toEqual({ height: 1, width: 10 });
  expect(gridOf(784)).toEqual({ height: 28, width: 28 });
  expect(gridOf(1000)).toEqual({ height: 25, width: 40 });
  for (let size = 65; size < 700; size++) {
    const { height, width } = gridOf(size);
    expect(height * width).toBeGreaterThanOrEqual(size);
    expect((height - 1) * width).toBeLessThan(size);
    expect(width / height).toBeLessThanOrEqual(4);
  }
});

test('photos in [0, 1] are shown as they are, others from their least to their largest', async () => {
  const grey = await photoPng([0, 0.2, 0.6, 1], { height: 2, width: 2, channels: 1 });
  expect((await sharp(grey.png).metadata()).channels).toBe(1);
  expect((await pixelsOf(grey)).pixels.map(([value]) => value)).toEqual([0, 51, 153, 255]);
  const stretched = await pixelsOf(await photoPng([-2, 0, 2, 2, 2, 2], { height: 2, width: 1, channels: 3 }));
  expect(stretched.pixels).toEqual([
    [0, 128, 255],
    [255, 255, 255],
  ]);
});

test('the same numbers give the same bytes', async () => {
  const values = Float32Array.from({ length: 400 }, (_, i) => Math.sin(i));
  const extent = { height: 20, width: 20, channels: 1 };
  expect(await heatMapPng(values, extent)).toEqual(await heatMapPng(values, extent));
});

test('numbers that do not fit the extent are a bug that is told', async () => {
  await expect(heatMapPng([1, 2, 3], { height: 2, width: 2, channels: 1 })).rejects.toThrow(
    'heatMapPng: 3 values for 2 × 2 × 1',
  );
  await expect(photoPng([1, 2], { height: 1, width: 1, channels: 2 })).rejects.toThrow('photoPng');
});

test('the limit of a map is its largest magnitude', () => {
  expect(limitOf([1, -3, 2])).toBe(3);
  expect(limitOf([])).toBe(0);
});
