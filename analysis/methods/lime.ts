// LIME (Ribeiro, Singh and Guestrin 2016): a weighted linear model of the output in which superpixels are on or off.
// Superpixels: k-means on colour and place (SLIC, Achanta et al. 2012).
import type { Tensor } from '../kernels/kernels.ts';
import type { Random } from '../random.ts';
import { outputsAt, type ExplainedNetwork } from './explained-network.ts';
import type { Pixels } from './pixels.ts';

/** Width of the kernel exp(−d²/width²) over the cosine distance d to the whole input, and weight of the ridge. */
const KERNEL_WIDTH = 0.25;
const RIDGE = 1e-3;
/** Weight of place against colour in a superpixel. */
const COMPACTNESS = 0.5;
const ROUNDS = 8;

/** The superpixel of each pixel, 0 … count−1; at most `wanted` of them. */
export function superpixels(x: ArrayLike<number>, pixels: Pixels, wanted: number): { of: Int32Array; count: number } {
  const { height, width, count } = pixels;
  // Along one axis alone there is no shape to find: equal parts.
  if (height === 1 || width === 1) {
    const parts = Math.min(wanted, count);
    return { of: Int32Array.from({ length: count }, (_, i) => Math.floor((i * parts) / count)), count: parts };
  }
  const entries = Array.from({ length: count }, (): number[] => []);
  for (let i = 0; i < x.length; i++) entries[pixels.of[i]!]!.push(x[i]!);
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < x.length; i++) [low, high] = [Math.min(low, x[i]!), Math.max(high, x[i]!)];
  const range = high > low ? high - low : 1;
  const rows = Math.max(1, Math.round(Math.sqrt((wanted * height) / width)));
  const columns = Math.max(1, Math.floor(wanted / rows));
  const side = Math.max(height / rows, width / columns);
  const centres = Array.from({ length: rows * columns }, (_, i) => {
    const y = ((Math.floor(i / columns) + 0.5) * height) / rows - 0.5;
    const at = (((i % columns) + 0.5) * width) / columns - 0.5;
    return { y, x: at, colour: [...entries[Math.round(y) * width + Math.round(at)]!] };
  });
  const of = new Int32Array(count);
  for (let round = 0; round < ROUNDS; round++) {
    for (let pixel = 0; pixel < count; pixel++) {
      const [row, column] = [Math.floor(pixel / width), pixel % width];
      let least = Infinity;
      for (const [c, centre] of centres.entries()) {
        const [dy, dx] = [row - centre.y, column - centre.x];
        if (Math.abs(dy) > 2 * side || Math.abs(dx) > 2 * side) continue;
        let distance = COMPACTNESS * ((dy * dy + dx * dx) / (side * side));
        for (const [k, value] of entries[pixel]!.entries()) distance += ((value - centre.colour[k]!) / range) ** 2;
        if (distance < least) [least, of[pixel]] = [distance, c];
      }
    }
    for (const [c, centre] of centres.entries()) {
      let [n, y, at] = [0, 0, 0];
      const colour = centre.colour.map(() => 0);
      for (let pixel = 0; pixel < count; pixel++) {
        if (of[pixel] !== c) continue;
        n++;
        y += Math.floor(pixel / width);
        at += pixel % width;
        for (const [k, value] of entries[pixel]!.entries()) colour[k]! += value;
      }
      if (n > 0) Object.assign(centre, { y: y / n, x: at / n, colour: colour.map((sum) => sum / n) });
    }
  }
  const used = [...new Set(of)].sort((a, b) => a - b);
  const renamed = new Map(used.map((c, i) => [c, i]));
  return { of: of.map((c) => renamed.get(c)!), count: used.length };
}

/** The coefficient of each superpixel at its pixels; superpixels that are off hold 0. */
export async function lime(
  explained: ExplainedNetwork,
  x: Tensor,
  output: number,
  pixels: Pixels,
  { samples, segments, random }: { samples: number; segments: number; random: Random },
): Promise<Float32Array> {
  const { of, count } = superpixels(x.data, pixels, segments);
  const masks = Array.from({ length: samples }, (_, s) =>
    Uint8Array.from({ length: count }, () => (s === 0 || random.uniform() < 0.5 ? 1 : 0)),
  );
  const values = await outputsAt(explained, samples, x.shape.slice(1), (s, target) => {
    for (let i = 0; i < target.length; i++) target[i] = masks[s]![of[pixels.of[i]!]!] ? x.data[i]! : 0;
  });
  const outputs = values.length / samples;
  const coefficients = weightedRidge(
    masks,
    masks.map((_, s) => values[s * outputs + output]!),
    masks.map((mask) => {
      const on = mask.reduce((sum, bit) => sum + bit, 0);
      const distance = on === 0 ? 1 : 1 - Math.sqrt(on / count);
      return Math.exp(-((distance / KERNEL_WIDTH) ** 2));
    }),
  );
  return pixels.spread(Float64Array.from(of, (segment) => coefficients[segment]!));
}

/** Coefficients of the weighted least squares with an intercept and a ridge on the coefficients, by Cholesky's method. */
export function weightedRidge(
  rows: readonly ArrayLike<number>[],
  targets: readonly number[],
  weights: readonly number[],
): Float64Array {
  const size = (rows[0]?.length ?? 0) + 1;
  const matrix = new Float64Array(size * size);
  const right = new Float64Array(size);
  const total = weights.reduce((sum, w) => sum + w, 0);
  const entry = (row: ArrayLike<number>, i: number): number => (i === size - 1 ? 1 : row[i]!);
  for (const [s, row] of rows.entries()) {
    const weight = weights[s]! / total;
    for (let i = 0; i < size; i++) {
      right[i]! += weight * entry(row, i) * targets[s]!;
      for (let j = 0; j <= i; j++) matrix[i * size + j]! += weight * entry(row, i) * entry(row, j);
    }
  }
  for (let i = 0; i < size - 1; i++) matrix[i * size + i]! += RIDGE;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j]!;
      for (let k = 0; k < j; k++) sum -= matrix[i * size + k]! * matrix[j * size + k]!;
      matrix[i * size + j] = i === j ? Math.sqrt(Math.max(sum, 1e-300)) : sum / matrix[j * size + j]!;
    }
  }
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) right[i]! -= matrix[i * size + k]! * right[k]!;
    right[i]! /= matrix[i * size + i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) right[i]! -= matrix[k * size + i]! * right[k]!;
    right[i]! /= matrix[i * size + i]!;
  }
  return right.subarray(0, size - 1);
}
