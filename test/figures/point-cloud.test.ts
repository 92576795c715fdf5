import { expect, test } from 'vitest';
import { colourOf } from '../../analysis/figures/colour-map.ts';
import { pointCloud, pointCloudPng } from '../../analysis/figures/point-cloud.ts';

/** The pixel of a view at a place given in [−½, ½] to the right and up. */
function pixelAt({ data }: { data: Float32Array }, view: number, right: number, up: number): number[] {
  const [x, y] = [Math.floor(view * 160 + 80 + right * 140), Math.floor(80 - up * 140)];
  return [...data.subarray(3 * (y * 480 + x), 3 * (y * 480 + x) + 3)].map((value) => Math.round(255 * value));
}

// One point at each end of the longest axis, and one in the middle.
const points = Float32Array.of(-2, 0, 0, 2, 0, 1, 0, 1, 0.5);

test('three views stand side by side, each along one axis, with values in the colours of the heat maps', () => {
  const cloud = pointCloud(points, [-3, 3, 0]);
  expect(cloud.shape).toEqual([160, 480, 3]);
  // Seen along y: x runs right, z up. The longest extent is 4.
  expect(pixelAt(cloud, 0, -2 / 4, -0.5 / 4)).toEqual(colourOf(-1));
  expect(pixelAt(cloud, 0, 2 / 4, 0.5 / 4)).toEqual(colourOf(1));
  // Seen along z: x runs right, y up.
  expect(pixelAt(cloud, 2, -2 / 4, -0.5 / 4)).toEqual(colourOf(-1));
  expect(pixelAt(cloud, 2, 0, 0.5 / 4)).toEqual(colourOf(0));
  expect(pixelAt(cloud, 1, 0.5, 0.5)).toEqual([255, 255, 255]);
});

test('nearer points hide farther ones', () => {
  // Along z the second point lies above the first; along y (viewer at −y) they are equally near, the later drawn last.
  const cloud = pointCloud(Float32Array.of(0, 0, 0, 0, 0, 1, 1, 1, 0), [-1, 1, 0]);
  expect(pixelAt(cloud, 2, -0.5, -0.5)).toEqual(colourOf(1));
});

test('one point, or all in one place, is drawn in the middle', () => {
  const cloud = pointCloud(Float32Array.of(5, 5, 5, 5, 5, 5), [1, 1]);
  expect(pixelAt(cloud, 1, 0, 0)).toEqual(colourOf(1));
});

test('without values points are grey, and the picture is a PNG of the same size', async () => {
  const [r, g, b] = pixelAt(pointCloud(points, null), 0, -2 / 4, -0.5 / 4);
  expect([g, b]).toEqual([r, r]);
  const png = await pointCloudPng(points);
  expect([png.width, png.height]).toEqual([480, 160]);
});
