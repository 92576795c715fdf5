// How far the leading directions of two reports turned: the largest principal angle (Björck and Golub 1973) between their
// leading k-subspaces. k stands at a gap of both spectra, because behind a gap of δ a change of ε turns a subspace by at
// most asin(ε/δ) (Davis and Kahan 1970; Wedin 1972), and within a group of near-equal values by anything.

/** A value of the next one must be lower by this share for a gap. */
const LEAST_GAP = 0.05;

export interface Gap {
  /** Leading values before the gap. */
  readonly k: number;
  /** σ_k − σ_{k+1} as a share of σ₁, the smaller one of the two spectra. */
  readonly width: number;
}

/** The gap of both spectra (descending) nearest to `wanted`, at `most` at most; the lower one on a tie; null without any. */
export function nearestGap(
  a: readonly number[],
  b: readonly number[],
  { wanted, most }: { wanted: number; most: number },
): Gap | null {
  const width = (values: readonly number[], k: number): number => {
    const [first, before, after] = [values[0] ?? 0, values[k - 1] ?? 0, values[k]];
    // What was not computed may be as large as the last value that was.
    if (after === undefined || first <= 0 || before - after < LEAST_GAP * before) return 0;
    return (before - after) / first;
  };
  let best: Gap | null = null;
  for (let k = 1; k <= most; k++) {
    const gap = { k, width: Math.min(width(a, k), width(b, k)) };
    if (gap.width > 0 && (!best || Math.abs(k - wanted) < Math.abs(best.k - wanted))) best = gap;
  }
  return best;
}

/** The turn, in radians, that noise of this share of σ₁ can make of a subspace before this gap. */
export function turnByNoise(noise: number, gap: Gap): number {
  return Math.asin(Math.min(1, noise / gap.width));
}

/** The largest principal angle, in radians, between the spans of the first k rows (k ≤ size) of two row-major matrices. */
export function largestAngle(a: ArrayLike<number>, b: ArrayLike<number>, k: number, size: number): number {
  const [p, q] = [orthonormal(a, k, size), orthonormal(b, k, size)];
  // What the span of p leaves of q: its largest singular value is the sine.
  const rest = Float64Array.from(q);
  for (let pass = 0; pass < 2; pass++) for (let i = 0; i < k; i++) removeSpan(rest, i, p, k, size);
  const gram = new Float64Array(k * k);
  for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) gram[i * k + j] = dot(rest, i, rest, j, size);
  return Math.asin(Math.min(1, Math.sqrt(Math.max(0, largestEigenvalue(gram, k)))));
}

/** Gram-Schmidt, twice: the rows come from float32 files. */
function orthonormal(rows: ArrayLike<number>, k: number, size: number): Float64Array {
  const result = Float64Array.from({ length: k * size }, (_, i) => rows[i]!);
  for (let i = 0; i < k; i++) {
    for (let pass = 0; pass < 2; pass++) removeSpan(result, i, result, i, size);
    const norm = Math.sqrt(dot(result, i, result, i, size));
    for (let c = i * size; c < (i + 1) * size; c++) result[c] = norm > 0 ? result[c]! / norm : 0;
  }
  return result;
}

/** Takes out of row i of x what the first `count` orthonormal rows of p span. */
function removeSpan(x: Float64Array, i: number, p: Float64Array, count: number, size: number): void {
  for (let j = 0; j < count; j++) {
    const inner = dot(x, i, p, j, size);
    for (let c = 0; c < size; c++) x[i * size + c]! -= inner * p[j * size + c]!;
  }
}

function dot(a: Float64Array, i: number, b: Float64Array, j: number, size: number): number {
  let sum = 0;
  for (let c = 0; c < size; c++) sum += a[i * size + c]! * b[j * size + c]!;
  return sum;
}

/** The largest eigenvalue of a symmetric positive k × k matrix, by Jacobi's rotations. */
function largestEigenvalue(matrix: Float64Array, k: number): number {
  const a = matrix.slice();
  for (let sweep = 0; sweep < 30; sweep++) {
    let off = 0;
    for (let p = 0; p < k; p++) {
      for (let q = p + 1; q < k; q++) {
        const inner = a[p * k + q]!;
        off += Math.abs(inner);
        if (inner === 0) continue;
        const zeta = (a[q * k + q]! - a[p * k + p]!) / (2 * inner);
        const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        const c = 1 / Math.sqrt(1 + t * t);
        const s = c * t;
        for (let i = 0; i < k; i++) rotate(a, i * k + p, i * k + q, c, s);
        for (let i = 0; i < k; i++) rotate(a, p * k + i, q * k + i, c, s);
      }
    }
    if (off === 0) break;
  }
  let largest = 0;
  for (let i = 0; i < k; i++) largest = Math.max(largest, a[i * k + i]!);
  return largest;
}

function rotate(a: Float64Array, i: number, j: number, c: number, s: number): void {
  const [x, y] = [a[i]!, a[j]!];
  a[i] = c * x - s * y;
  a[j] = s * x + c * y;
}
