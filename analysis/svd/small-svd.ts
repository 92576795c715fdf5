// The SVD of a matrix whose smaller side is small, in float64: one-sided Jacobi (Hestenes; Demmel and Veselić 1992),
// started from the eigenvectors of the smaller Gram matrix. The start leaves Jacobi two or three sweeps; Jacobi gives back
// the digits that squaring lost, so that zero, repeated and tiny values come out as well as the others.
import { dot, gramOfRows, multiply } from './multiply.ts';
import { signOf } from './sign-rule.ts';
import { singularValues } from './singular-values.ts';
import { symmetricEigen } from './symmetric-eigen.ts';

const EPS = Number.EPSILON;
/** Quadratic convergence needs three or four; more means numbers that are not finite. */
const MAX_SWEEPS = 40;

export interface Svd {
  /** min(rows, cols) values, descending; exactly 0 below the rank cut max(rows, cols)·eps·σ₁. */
  readonly values: Float64Array;
  /** Output-side vectors, one a row of length `rows`; min(rows, cols) of them unless fewer were asked for. */
  readonly left: Float64Array;
  /** Input-side vectors, one a row of length `cols`, largest entry positive. */
  readonly right: Float64Array;
}

/** A = Σ σᵢ leftᵢ rightᵢᵀ for a row-major rows × cols matrix; both sets are orthonormal whatever the rank is. */
export function smallSvd(matrix: ArrayLike<number>, rows: number, cols: number): Svd {
  return decompose(matrix, rows, cols, Math.min(rows, cols));
}

/**
 * All singular values and the vectors of the `count` largest ones: several times faster than smallSvd where count is a
 * small part of a side in the hundreds or thousands. Vectors of values below 1e-8·σ₁ may then be off by as much.
 */
export function leadingSvd(matrix: ArrayLike<number>, rows: number, cols: number, count: number): Svd {
  const small = Math.min(rows, cols);
  const wanted = Math.min(count, small);
  if (small <= 128 || wanted > small / 4) {
    const { values, left, right } = smallSvd(matrix, rows, cols);
    return { values, left: left.slice(0, wanted * rows), right: right.slice(0, wanted * cols) };
  }
  const { values: leading, left, right } = decompose(matrix, rows, cols, wanted);
  const values = singularValues(matrix, rows, cols);
  const cut = Math.max(rows, cols) * EPS * values[0]!;
  // The two ways may order a tie differently by a rounding error.
  const least = leading.at(-1) ?? Infinity;
  const settled = values.map((value, i) => (i < wanted ? leading[i]! : value <= cut ? 0 : Math.min(value, least)));
  return { values: settled, left, right };
}

/** The `count` leading triplets: all of them, or those of A restricted to the leading eigenvectors of the Gram matrix. */
function decompose(matrix: ArrayLike<number>, rows: number, cols: number, count: number): Svd {
  if (matrix.length !== rows * cols) throw new Error(`SVD: ${matrix.length} numbers are not ${rows} × ${cols}`);
  const tall = rows >= cols;
  const side = Math.min(rows, cols);
  const size = Math.max(rows, cols);
  let largest = 0;
  for (let i = 0; i < matrix.length; i++) {
    const magnitude = Math.abs(matrix[i]!);
    if (!(magnitude < Infinity)) throw new Error('SVD: the matrix holds a number that is not finite');
    if (magnitude > largest) largest = magnitude;
  }
  // A power of two, so that scaling rounds nothing and squares neither overflow nor vanish.
  const scale = largest > 0 ? 2 ** Math.min(1000, -Math.floor(Math.log2(largest))) : 1;
  // One row for each index of the smaller side.
  const whole = new Float64Array(side * size);
  for (let i = 0; i < side; i++) {
    for (let j = 0; j < size; j++) whole[i * size + j] = matrix[tall ? j * cols + i : i * cols + j]! * scale;
  }
  const start = symmetricEigen(gramOfRows(whole, side, size), side, { vectors: count }).vectors;
  const rotated = multiply(start, whole, count, side, size);
  const norms = orthogonaliseRows(rotated, start, count, size, side);

  const order = Array.from({ length: count }, (_, i) => i).sort((i, j) => norms[j]! - norms[i]! || i - j);
  const values = Float64Array.from(order, (i) => norms[i]!);
  const cut = size * EPS * (values[0] ?? 0);
  const long = new Float64Array(count * size);
  const short = new Float64Array(count * side);
  let rank = 0;
  for (const [row, i] of order.entries()) {
    short.set(start.subarray(i * side, (i + 1) * side), row * side);
    if (values[row]! <= cut) {
      values[row] = 0;
      continue;
    }
    rank++;
    for (let c = 0; c < size; c++) long[row * size + c] = rotated[i * size + c]! / values[row]!;
    values[row]! /= scale;
  }
  completeRows(long, rank, count, size);
  const [left, right] = tall ? [long, short] : [short, long];
  for (let i = 0; i < count; i++) {
    if (signOf(right, i * cols, cols) > 0) continue;
    for (let c = i * cols; c < (i + 1) * cols; c++) right[c] = -right[c]!;
    for (let c = i * rows; c < (i + 1) * rows; c++) left[c] = -left[c]!;
  }
  return { values, left, right };
}

/** Rotates the rows of `long` until they are orthogonal, and those of `short` along; returns their norms. */
function orthogonaliseRows(
  long: Float64Array,
  short: Float64Array,
  count: number,
  size: number,
  side: number,
): Float64Array {
  const squares = new Float64Array(count);
  const tolerance = Math.sqrt(size) * EPS;
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let largest = 0;
    for (let i = 0; i < count; i++) {
      squares[i] = dot(long, i * size, long, i * size, size);
      largest = Math.max(largest, squares[i]!);
    }
    // Rows below the rank cut are rounding errors: nothing is gained by making them orthogonal.
    const floor = largest * (size * EPS) ** 2;
    let rotated = false;
    for (let i = 0; i < count - 1; i++) {
      for (let j = i + 1; j < count; j++) {
        const a = squares[i]!;
        const b = squares[j]!;
        if (a <= floor || b <= floor) continue;
        const inner = dot(long, i * size, long, j * size, size);
        if (Math.abs(inner) <= tolerance * Math.sqrt(a * b)) continue;
        rotated = true;
        const zeta = (b - a) / (2 * inner);
        const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        const c = 1 / Math.sqrt(1 + t * t);
        const s = c * t;
        rotate(long, i * size, j * size, size, c, s);
        rotate(short, i * side, j * side, side, c, s);
        squares[i] = a - t * inner;
        squares[j] = b + t * inner;
      }
    }
    if (!rotated) return squares.map(Math.sqrt);
  }
  throw new Error('SVD: the Jacobi sweeps did not converge');
}

/** (x, y) ← (c·x − s·y, s·x + c·y) for two rows. */
function rotate(a: Float64Array, x: number, y: number, size: number, c: number, s: number): void {
  for (let k = 0; k < size; k++) {
    const ax = a[x + k]!;
    const ay = a[y + k]!;
    a[x + k] = c * ax - s * ay;
    a[y + k] = s * ax + c * ay;
  }
}

/** Fills rows rank … count−1 so that all `count` rows (count ≤ size) are orthonormal, deterministically. */
export function completeRows(rows: Float64Array, rank: number, count: number, size: number): void {
  if (rank === count) return;
  // The unit vector that the rows so far cover least has at least √(1 − rank/size) outside them.
  const covered = new Float64Array(size);
  for (let i = 0; i < rank; i++) for (let c = 0; c < size; c++) covered[c]! += rows[i * size + c]! ** 2;
  for (let row = rank; row < count; row++) {
    let least = 0;
    for (let c = 1; c < size; c++) if (covered[c]! < covered[least]!) least = c;
    const start = row * size;
    rows.fill(0, start, start + size);
    rows[start + least] = 1;
    for (let pass = 0; pass < 2; pass++) {
      for (let i = 0; i < row; i++) {
        const inner = dot(rows, i * size, rows, start, size);
        for (let c = 0; c < size; c++) rows[start + c]! -= inner * rows[i * size + c]!;
      }
      const inverse = 1 / Math.sqrt(dot(rows, start, rows, start, size));
      for (let c = 0; c < size; c++) rows[start + c]! *= inverse;
    }
    for (let c = 0; c < size; c++) covered[c]! += rows[start + c]! ** 2;
  }
}
