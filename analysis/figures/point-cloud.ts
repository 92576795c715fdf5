// A point cloud from three sides, along each axis, all to one scale. Points are discs with a thin
// rim, nearer ones over farther ones; colours are the diverging map of the heat maps, or grey by depth where there are no values.
import type { Tensor } from '../kernels/kernels.ts';
import { colourOf, type Rgb } from './colour-map.ts';
import { limitOf, photoPng, type Png } from './heatmap.ts';

/** Pixels along each side of one view, before and after averaging. */
const SIDE = 160;
const FINE = 3;
const MARGIN = 10;
const RADIUS = 3.2;
const RIM = 0.8;
const RIM_COLOUR: Rgb = [95, 95, 95];

interface View {
  /** Axes of the cloud that run right, up and towards the viewer, with their signs. */
  readonly right: readonly [axis: number, sign: 1 | -1];
  readonly up: readonly [axis: number, sign: 1 | -1];
  readonly near: readonly [axis: number, sign: 1 | -1];
}
/** Left to right: x and z, y and z, x and y; with z up, as in most scanned and generated clouds. */
const VIEWS: readonly View[] = [
  { right: [0, 1], up: [2, 1], near: [1, -1] },
  { right: [1, 1], up: [2, 1], near: [0, 1] },
  { right: [0, 1], up: [1, 1], near: [2, 1] },
];

/**
 * Three views side by side as a photo [160, 480, 3] in [0, 1]. `points` are n × 3; `values` one a point, or null for a
 * plain cloud; `limit` gets the full colour (the largest magnitude unless given).
 */
export function pointCloud(
  points: Float32Array,
  values: ArrayLike<number> | null,
  { limit }: { limit?: number | undefined } = {},
): Tensor {
  const count = points.length / 3;
  const low = [0, 1, 2].map((axis) => extreme(points, axis, Math.min));
  const high = [0, 1, 2].map((axis) => extreme(points, axis, Math.max));
  const centre = low.map((value, axis) => (value + high[axis]!) / 2);
  const extent = Math.max(...low.map((value, axis) => high[axis]! - value)) || 1;
  const most = limit ?? (values ? limitOf(values) : 0);
  const width = SIDE * VIEWS.length;
  const data = new Float32Array(SIDE * width * 3).fill(1);
  for (const [v, view] of VIEWS.entries()) {
    const canvas = new Uint8Array((SIDE * FINE) ** 2 * 3).fill(255);
    const along = (i: number, [axis, sign]: readonly [number, 1 | -1]): number =>
      (sign * (points[3 * i + axis]! - centre[axis]!)) / extent;
    const order = Array.from({ length: count }, (_, i) => i).sort(
      (i, j) => along(i, view.near) - along(j, view.near) || i - j,
    );
    for (const i of order) {
      const scale = (SIDE - 2 * MARGIN) * FINE;
      const [x, y] = [(SIDE * FINE) / 2 + along(i, view.right) * scale, (SIDE * FINE) / 2 - along(i, view.up) * scale];
      const grey = Math.round(190 - 130 * (along(i, view.near) + 0.5));
      disc(canvas, x, y, values ? colourOf(most > 0 ? values[i]! / most : 0) : [grey, grey, grey]);
    }
    average(canvas, data, v * SIDE, width);
  }
  return { data, shape: [SIDE, width, 3] };
}

/** The same as a PNG. */
export async function pointCloudPng(
  points: Float32Array,
  { values = null, limit }: { values?: ArrayLike<number> | null; limit?: number } = {},
): Promise<Png> {
  const { data, shape } = pointCloud(points, values, { limit });
  return photoPng(data, { height: shape[0]!, width: shape[1]!, channels: 3 });
}

function extreme(points: Float32Array, axis: number, choose: (a: number, b: number) => number): number {
  let result = points[axis]!;
  for (let i = axis; i < points.length; i += 3) result = choose(result, points[i]!);
  return result;
}

function disc(canvas: Uint8Array, x: number, y: number, colour: Rgb): void {
  const side = SIDE * FINE;
  const [radius, rim] = [RADIUS * FINE, RIM * FINE];
  for (let row = Math.max(0, Math.floor(y - radius)); row <= Math.min(side - 1, Math.ceil(y + radius)); row++) {
    for (
      let column = Math.max(0, Math.floor(x - radius));
      column <= Math.min(side - 1, Math.ceil(x + radius));
      column++
    ) {
      const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
      if (distance <= radius) canvas.set(distance > radius - rim ? RIM_COLOUR : colour, 3 * (row * side + column));
    }
  }
}

/** Means of FINE × FINE pixels, into a view's place. */
function average(canvas: Uint8Array, data: Float32Array, left: number, width: number): void {
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let dy = 0; dy < FINE; dy++)
          for (let dx = 0; dx < FINE; dx++) sum += canvas[3 * ((y * FINE + dy) * SIDE * FINE + x * FINE + dx) + c]!;
        data[3 * (y * width + left + x) + c] = sum / (255 * FINE * FINE);
      }
    }
  }
}
