// The rows of a block: taking one, making unit vectors, and inner products in float64.
import type { Block } from './operator.ts';

/** Vector i of a block; a view, not a copy. */
export function rowOf({ data, size }: Block, i: number): Float32Array {
  return data.subarray(i * size, (i + 1) * size);
}

/** Unit vectors, one a row: row i has its 1 at indices[i]. */
export function unitRows(indices: readonly number[], size: number): Block {
  const data = new Float32Array(indices.length * size);
  for (const [row, index] of indices.entries()) data[row * size + index] = 1;
  return { count: indices.length, size, data };
}

/** ⟨a, b⟩, summed in float64. */
export function inner(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** ‖a‖. */
export function norm(a: Float32Array): number {
  return Math.sqrt(inner(a, a));
}
