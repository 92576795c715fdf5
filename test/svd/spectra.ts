// Matrices with a chosen spectrum, and what it means for a decomposition to be right: shared by the laws of the SVD.
import { expect } from 'vitest';
import type { Random } from '../../analysis/random.ts';

/** Orthonormal rows in float64, by Gram–Schmidt, twice: independent of the code under test. */
export function orthonormalRows(random: Random, count: number, size: number): Float64Array {
  const rows = Float64Array.from({ length: count * size }, () => random.normal());
  for (let r = 0; r < count; r++) {
    for (let pass = 0; pass < 2; pass++) {
      for (let q = 0; q < r; q++) {
        const inner = rowDot(rows, r, rows, q, size);
        for (let c = 0; c < size; c++) rows[r * size + c]! -= inner * rows[q * size + c]!;
      }
      const norm = Math.sqrt(rowDot(rows, r, rows, r, size));
      for (let c = 0; c < size; c++) rows[r * size + c]! /= norm;
    }
  }
  return rows;
}

/** A rows × cols matrix with the given singular values, the rest zero. */
export function matrixWith(spectrum: readonly number[], rows: number, cols: number, random: Random): Float64Array {
  const count = spectrum.length;
  const left = orthonormalRows(random, count, rows);
  const right = orthonormalRows(random, count, cols);
  const matrix = new Float64Array(rows * cols);
  for (let t = 0; t < count; t++) {
    for (let i = 0; i < rows; i++) {
      const factor = spectrum[t]! * left[t * rows + i]!;
      for (let j = 0; j < cols; j++) matrix[i * cols + j]! += factor * right[t * cols + j]!;
    }
  }
  return matrix;
}

/** Name, rows, columns and spectrum of the cases that every SVD must get right. */
export const SPECTRA: readonly (readonly [string, number, number, readonly number[]])[] = [
  ['decaying', 40, 30, Array.from({ length: 30 }, (_, i) => 0.7 ** i)],
  ['slowly decaying', 45, 45, Array.from({ length: 45 }, (_, i) => 1 / Math.sqrt(i + 1))],
  ['stepped', 40, 36, [...Array<number>(6).fill(3), ...Array<number>(12).fill(1), ...Array<number>(18).fill(0.01)]],
  ['repeated', 30, 30, Array<number>(30).fill(2)],
  ['rank-deficient', 40, 33, [5, 4, 3, 2, 1]],
  ['zero', 20, 30, []],
  ['tall', 400, 12, Array.from({ length: 12 }, (_, i) => 12 - i)],
  ['wide', 12, 400, Array.from({ length: 12 }, (_, i) => 12 - i)],
  ['one row', 1, 50, [3]],
  ['one column', 50, 1, [3]],
  ['a single number', 1, 1, [0.5]],
  ['huge', 20, 20, Array.from({ length: 20 }, (_, i) => 1e30 / (i + 1))],
  ['tiny', 20, 20, Array.from({ length: 20 }, (_, i) => 1e-30 / (i + 1))],
];

export interface Triplets {
  readonly values: ArrayLike<number>;
  /** One vector a row: values.length × rows, values.length × cols. */
  readonly left: ArrayLike<number>;
  readonly right: ArrayLike<number>;
}

/** A V = U Σ and Aᵀ U = V Σ relative to σ₁, both sides orthonormal, values descending, signs by the rule. */
export function expectTriplets(
  matrix: ArrayLike<number>,
  rows: number,
  cols: number,
  found: Triplets,
  tolerance: number,
): void {
  const { values, left, right } = found;
  const scale = values[0]! > 0 ? values[0]! : 1;
  for (let t = 1; t < values.length; t++) expect(values[t]!).toBeLessThanOrEqual(values[t - 1]!);
  expect(nonOrthonormality(left, values.length, rows)).toBeLessThan(tolerance);
  expect(nonOrthonormality(right, values.length, cols)).toBeLessThan(tolerance);
  for (let t = 0; t < values.length; t++) {
    let forward = 0;
    const back = new Float64Array(cols);
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      const u = left[t * rows + i]!;
      for (let j = 0; j < cols; j++) {
        sum += matrix[i * cols + j]! * right[t * cols + j]!;
        back[j]! += matrix[i * cols + j]! * u;
      }
      forward += ((sum - values[t]! * u) / scale) ** 2;
    }
    const backward = back.reduce((sum, x, j) => sum + ((x - values[t]! * right[t * cols + j]!) / scale) ** 2, 0);
    expect(Math.sqrt(forward)).toBeLessThan(tolerance);
    expect(Math.sqrt(backward)).toBeLessThan(tolerance);
    const vector = Array.from({ length: cols }, (_, j) => right[t * cols + j]!);
    const largest = Math.max(...vector.map(Math.abs));
    expect(vector.find((x) => Math.abs(x) === largest)).toBeGreaterThan(0);
  }
}

export function nonOrthonormality(rows: ArrayLike<number>, count: number, size: number): number {
  let worst = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) worst = Math.max(worst, Math.abs(rowDot(rows, i, rows, j, size) - (i === j ? 1 : 0)));
  }
  return worst;
}

export function rowDot(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number, size: number): number {
  let sum = 0;
  for (let c = 0; c < size; c++) sum += a[i * size + c]! * b[j * size + c]!;
  return sum;
}
