// Singular triplets from true products with the final vectors, two for each: what is certain to rounding.
import type { Random } from '../random.ts';
import type { Sides } from './certify.ts';
import { orthonormalise, orthonormaliseOff } from './orthonormalise.ts';
import { smallSvd } from './small-svd.ts';

export interface Triplets {
  /** Descending; 0 below the cut. */
  readonly values: Float64Array;
  /** One a row, orthonormal. */
  readonly v: Float32Array;
  readonly u: Float32Array;
  /** A v, out of the products with the directions that v combines. */
  readonly images: Float32Array;
}

/** The triplets of A restricted to the span of `directions` (count orthonormal rows; Rayleigh–Ritz on one side). Values up to `cut`·σ₁ are zero. */
export async function extract(
  directions: Float32Array,
  count: number,
  cut: number,
  { apply, inputs, outputs }: Sides,
  random: Random,
): Promise<Triplets> {
  const m = outputs.size;
  const images = await apply(directions, count);
  const { rows: basis, rank, within } = orthonormalise(images, count, m);
  // Square, so that all input-side vectors come out, those of zero values too.
  const triangle = new Float64Array(count * count);
  for (let i = 0; i < count; i++) triangle.set(within.subarray(i * rank, (i + 1) * rank), i * count);
  // Row i of the triangle holds A·direction i in the basis: its left vectors combine directions, its right ones the basis.
  const { values, left, right } = smallSvd(triangle, count, count);
  for (let i = 0; i < count; i++) if (values[i]! <= cut * values[0]!) values[i] = 0;
  const nonZero = values.filter((x) => x > 0).length;
  const v = await inputs.combine(left, count, { rows: directions, count });
  const u = new Float32Array(count * m);
  const combinations = new Float64Array(nonZero * rank);
  for (let i = 0; i < nonZero; i++) combinations.set(right.subarray(i * count, i * count + rank), i * rank);
  u.set(await outputs.combine(combinations, nonZero, { rows: basis, count: rank }));
  if (nonZero < count) {
    // Orthogonal to every image, so that Aᵀ sends them to zero.
    const spare = count - nonZero;
    const known = { rows: u, count: nonZero };
    u.set((await orthonormaliseOff(outputs, known, random.normals(spare * m), spare, 0)).rows, nonZero * m);
  }
  return { values, v, u, images: await outputs.combine(left, count, { rows: images, count }) };
}

/** max(‖A v − σ u‖, ‖Aᵀ u − σ v‖) of each triplet, by a product with each u. */
export async function trueResiduals(
  { values, v, u, images }: Triplets,
  { transpose, inputs, outputs }: Sides,
): Promise<Float64Array> {
  const back = await transpose(u, values.length);
  return values.map((value, i) =>
    Math.max(distance(images, u, value, i, outputs.size), distance(back, v, value, i, inputs.size)),
  );
}

/** ‖x − factor·y‖ for row i of each. */
function distance(x: Float32Array, y: Float32Array, factor: number, i: number, size: number): number {
  let sum = 0;
  for (let c = i * size; c < (i + 1) * size; c++) sum += (x[c]! - factor * y[c]!) ** 2;
  return Math.sqrt(sum);
}
