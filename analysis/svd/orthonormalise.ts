// Orthonormal bases of blocks of long vectors: projection off a basis, then modified Gram–Schmidt, everything twice
// ("twice is enough", Giraud, Langou and Rozložník 2005), with the rank read off on the way.
import type { Basis, LongVectors } from './long-vectors.ts';

export interface Orthonormalised {
  /** Orthonormal: rank × size. */
  readonly rows: Float32Array;
  readonly rank: number;
  /** block = within · rows: count × rank, row-major. */
  readonly within: Float64Array;
  /** The smallest share of its length that a row kept after losing what lies along the rows before it. */
  readonly shrunk: number;
}

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
  const work = Float64Array.from(block.subarray(0, count * size));
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
  return { rows: Float32Array.from(work.subarray(0, rank * size)), rank, within, shrunk };
}

/**
 * Orthonormalises a block off a basis: block = along · basis + within · rows, with rows that are orthogonal to the basis.
 * `along` is count × basis.count.
 */
export async function orthonormaliseOff(
  vectors: LongVectors,
  basis: Basis,
  block: Float32Array,
  count: number,
  drop: number,
): Promise<Orthonormalised & { readonly along: Float64Array }> {
  const { rest, along } = await vectors.project(block, count, basis);
  const found = orthonormalise(rest, count, vectors.size, { drop });
  if (basis.count === 0 || found.shrunk > 0.1) return { ...found, along };
  // A row that shrank much within the block brings its rounding errors along the basis back: one more projection.
  const polished = await vectors.project(found.rows, found.rank, basis);
  return { ...found, along, rows: orthonormalise(polished.rest, found.rank, vectors.size).rows };
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
