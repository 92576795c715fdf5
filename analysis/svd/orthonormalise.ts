// Orthonormal bases of blocks of long vectors: projection off a basis, then modified Gram–Schmidt, everything twice
// ("twice is enough", Giraud, Langou and Rozložník 2005), with the rank read off on the way.
import { addCombination, innerProducts } from './block-products.ts';

export interface Basis {
  /** Orthonormal rows, at least `count` × size numbers; what is behind the first `count` rows is room to grow. */
  readonly rows: Float32Array;
  readonly count: number;
}

export interface Orthonormalised {
  /** Orthonormal and orthogonal to the basis: rank × size. */
  readonly rows: Float32Array;
  readonly rank: number;
  /** block = against · basis + within · rows: count × basis.count and count × rank, row-major. */
  readonly against: Float64Array;
  readonly within: Float64Array;
}

/**
 * Orthonormalises the `count` rows of a float32 block, against a basis where one is given. A row of which no more than
 * `drop` (a length) is left outside the basis and the rows before it adds nothing to the rank. Sums are float64.
 */
export function orthonormalise(
  block: Float32Array,
  count: number,
  size: number,
  { basis, drop = 0 }: { basis?: Basis; drop?: number } = {},
): Orthonormalised {
  const work = Float64Array.from(block.subarray(0, count * size));
  const among = basis?.count ?? 0;
  const against = new Float64Array(count * among);
  if (basis && among > 0) {
    for (let pass = 0; pass < 2; pass++) {
      const inner = innerProducts(work, count, basis.rows, among, size);
      addCombination(work, count, -1, inner, basis.rows, among, size);
      for (let i = 0; i < inner.length; i++) against[i]! += inner[i]!;
    }
  }
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
      left = Math.sqrt(rowDot(work, r, r, size));
      if (left <= drop || left === 0) break;
    }
    // What is left after losing all but a few digits is rounding, whatever the caller's threshold.
    if (left <= drop || left <= 1e-13 * before) continue;
    full[r * count + rank] = left;
    shrunk = Math.min(shrunk, left / before);
    // Kept rows move up over dropped ones.
    for (let c = 0; c < size; c++) work[rank * size + c] = work[r * size + c]! / left;
    rank++;
  }
  if (basis && among > 0 && shrunk < 1e-3) polish(work, rank, basis, size);
  const within = new Float64Array(count * rank);
  for (let r = 0; r < count; r++) within.set(full.subarray(r * count, r * count + rank), r * rank);
  return { rows: Float32Array.from(work.subarray(0, rank * size)), rank, against, within };
}

/** A row that shrank much within the block brings its rounding errors along the basis back: one more projection. */
function polish(work: Float64Array, rank: number, basis: Basis, size: number): void {
  addCombination(
    work,
    rank,
    -1,
    innerProducts(work, rank, basis.rows, basis.count, size),
    basis.rows,
    basis.count,
    size,
  );
  for (let r = 0; r < rank; r++) {
    const norm = Math.sqrt(rowDot(work, r, r, size));
    for (let c = r * size; c < (r + 1) * size; c++) work[c]! /= norm;
  }
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
