// Orthonormal bases of blocks of long vectors: projection off a basis, repeated until it takes off no more than rounding
// ("twice is enough", Giraud, Langou and Rozložník 2005), then Cholesky's factor of the block's Gram matrix, or modified
// Gram–Schmidt, twice, where rows are nearly dependent; the rank is read off on the way.
import type { Random } from '../random.ts';
import type { Basis, LongVectors } from './long-vectors.ts';
import { gramOfRows, multiply } from './multiply.ts';

export interface Orthonormalised {
  /** Orthonormal: rank × size. */
  readonly rows: Float32Array;
  readonly rank: number;
  /** block = within · rows: count × rank, row-major. */
  readonly within: Float64Array;
  /** The smallest share of its length that a row kept after losing what lies along the rows before it. */
  readonly shrunk: number;
}

/** A row that keeps this share of its length is not nearly dependent: Cholesky's factor is then as good in float64. */
const INDEPENDENT = 1e-3;
/** A projection that took off no more than this share of what it left was the last one needed. */
const LITTLE = 0.1;

/**
 * Orthonormalises the `count` rows of a float32 block. A row of which no more than `drop` (a length) is left outside the
 * rows before it adds nothing to the rank. Sums are float64.
 */
export function orthonormalise(
  block: Float32Array,
  count: number,
  size: number,
  { drop = 0 }: { drop?: number } = {},
): Orthonormalised {
  const work = new Float64Array(block.subarray(0, count * size));
  return byCholesky(work, count, size, drop) ?? byGramSchmidt(work, count, size, drop);
}

/** block · blockᵀ = L Lᵀ, so that L⁻¹ · block is orthonormal; undefined where a row is nearly dependent on those before it. */
function byCholesky(work: Float64Array, count: number, size: number, drop: number): Orthonormalised | undefined {
  const lower = gramOfRows(work, count, size);
  const inverse = new Float64Array(count * count);
  let shrunk = 1;
  for (let r = 0; r < count; r++) {
    const at = r * count;
    const before = Math.sqrt(lower[at + r]!);
    for (let q = 0; q < r; q++) {
      let sum = lower[at + q]!;
      for (let p = 0; p < q; p++) sum -= lower[at + p]! * lower[q * count + p]!;
      lower[at + q] = sum / lower[q * count + q]!;
    }
    let square = lower[at + r]!;
    for (let p = 0; p < r; p++) square -= lower[at + p]! ** 2;
    const left = Math.sqrt(square);
    if (!(left > drop && left > INDEPENDENT * before)) return undefined;
    shrunk = Math.min(shrunk, left / before);
    lower[at + r] = left;
    lower.fill(0, at + r + 1, at + count);
    for (let q = 0; q <= r; q++) {
      let sum = q === r ? 1 : 0;
      for (let p = q; p < r; p++) sum -= lower[at + p]! * inverse[p * count + q]!;
      inverse[at + q] = sum / left;
    }
  }
  return { rows: new Float32Array(multiply(inverse, work, count, count, size)), rank: count, within: lower, shrunk };
}

function byGramSchmidt(work: Float64Array, count: number, size: number, drop: number): Orthonormalised {
  const full = new Float64Array(count * count);
  let rank = 0;
  let shrunk = 1;
  for (let r = 0; r < count; r++) {
    const before = Math.sqrt(rowDot(work, r, r, size));
    let left = before;
    for (let pass = 0; pass < 2; pass++) {
      for (let q = 0; q < rank; q++) {
        const inner = rowDot(work, q, r, size);
        full[r * count + q]! += inner;
        for (let c = 0; c < size; c++) work[r * size + c]! -= inner * work[q * size + c]!;
      }
      const lost = left;
      left = Math.sqrt(rowDot(work, r, r, size));
      // A row that kept most of its length is orthogonal already (Daniel, Gragg, Kaufman and Stewart 1976).
      if (left <= drop || left === 0 || left > 0.7 * lost) break;
    }
    // What is left after losing all but a few digits is rounding, whatever the caller's threshold.
    if (left <= drop || left <= 1e-13 * before) continue;
    full[r * count + rank] = left;
    shrunk = Math.min(shrunk, left / before);
    // Kept rows move up over dropped ones.
    for (let c = 0; c < size; c++) work[rank * size + c] = work[r * size + c]! / left;
    rank++;
  }
  const within = new Float64Array(count * rank);
  for (let r = 0; r < count; r++) within.set(full.subarray(r * count, r * count + rank), r * rank);
  return { rows: new Float32Array(work.subarray(0, rank * size)), rank, within, shrunk };
}

/**
 * Orthonormalises a block off a basis: block = along · basis + within · rows, with rows that are orthogonal to the basis.
 * `along` is count × basis.count. `near` says how many of the last basis rows hold nearly all of what lies along the basis,
 * where that is known (a Lanczos recurrence): what they hold is taken off first, and the whole basis then takes off little.
 */
export async function orthonormaliseOff(
  vectors: LongVectors,
  basis: Basis,
  block: Float32Array,
  count: number,
  drop: number,
  near = basis.count,
): Promise<Orthonormalised & { readonly along: Float64Array }> {
  const { size } = vectors;
  const along = new Float64Array(count * basis.count);
  let rest = block.subarray(0, count * size);
  for (let pass = 0, done = basis.count === 0; !done && pass < 3; pass++) {
    const start = pass === 0 ? basis.count - near : 0;
    const part = { rows: basis.rows.subarray(start * size), count: basis.count - start };
    const projected = await vectors.project(rest, count, part);
    rest = projected.rest;
    done = start === 0;
    for (let r = 0; r < count; r++) {
      let taken = 0;
      for (let p = 0; p < part.count; p++) {
        const inner = projected.along[r * part.count + p]!;
        along[r * basis.count + start + p]! += inner;
        taken += inner * inner;
      }
      // What is no more than `drop` is not kept.
      if (Math.sqrt(taken) > LITTLE * Math.max(drop, rowLength(rest, r, size))) done = false;
    }
  }
  const found = orthonormalise(rest, count, size, { drop });
  if (basis.count === 0 || found.shrunk > LITTLE) return { ...found, along };
  // A row that shrank much within the block brings its rounding errors along the basis back: one more projection.
  const polished = await vectors.project(found.rows, found.rank, basis);
  return { ...found, along, rows: orthonormalise(polished.rest, found.rank, size).rows };
}

/** `count` random orthonormal rows that are orthogonal to a basis, which is not complete. */
export async function randomRowsOff(random: Random, count: number, vectors: LongVectors, basis: Basis): Promise<Basis> {
  // A random row loses a share of its length to the basis, never nearly all of it.
  const { rows, rank } = await orthonormaliseOff(vectors, basis, random.normals(count * vectors.size), count, 1e-6);
  return { rows, count: rank };
}

/** `block` and `count` random rows beside it, orthogonal to it and to the basis; what is behind the basis is written over. */
export async function withRandomRows(
  random: Random,
  block: Basis,
  count: number,
  vectors: LongVectors,
  basis: Basis,
): Promise<Basis> {
  const { size } = vectors;
  const own = block.rows.subarray(0, block.count * size);
  basis.rows.set(own, basis.count * size);
  const others = await randomRowsOff(random, count, vectors, { ...basis, count: basis.count + block.count });
  const rows = new Float32Array((block.count + others.count) * size);
  rows.set(own);
  rows.set(others.rows, own.length);
  return { rows, count: block.count + others.count };
}

/** The length of row r of rows of `size` numbers. */
export function rowLength(rows: Float32Array | Float64Array, r: number, size: number): number {
  // Two sums: one would wait for its own last addition.
  let [even, odd] = [0, 0];
  const end = (r + 1) * size;
  let c = r * size;
  for (; c + 1 < end; c += 2) {
    even += rows[c]! * rows[c]!;
    odd += rows[c + 1]! * rows[c + 1]!;
  }
  if (c < end) even += rows[c]! * rows[c]!;
  return Math.sqrt(even + odd);
}

function rowDot(a: Float64Array, i: number, j: number, size: number): number {
  const x = i * size;
  const y = j * size;
  let s0 = 0;
  let s1 = 0;
  let c = 0;
  for (; c + 1 < size; c += 2) {
    s0 += a[x + c]! * a[y + c]!;
    s1 += a[x + c + 1]! * a[y + c + 1]!;
  }
  if (c < size) s0 += a[x + c]! * a[y + c]!;
  return s0 + s1;
}
