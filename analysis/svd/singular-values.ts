// All singular values of a matrix, and nothing else: Householder bidiagonalisation (Golub and Kahan 1965), after a QR
// step where one side is much longer (Chan 1982), then the eigenvalues of the Golub–Kahan tridiagonal matrix.
// Why not the smaller Gram matrix: it squares the condition number, so that zeros come out as 1e-8·σ₁ and a rank cannot
// be read off; and for sides that are near each other it costs as much. Here the error is a small multiple of eps·σ₁.
import { reflect } from './tridiagonalise.ts';
import { tridiagonalValues } from './tridiagonal-eigen.ts';

/** From this ratio of the sides a QR step first is the cheaper way. */
const TALL = 1.6;

/** The min(rows, cols) singular values, descending, of a row-major matrix; numbers that are not finite are refused. */
export function singularValues(matrix: ArrayLike<number>, rows: number, cols: number): Float64Array {
  if (matrix.length !== rows * cols)
    throw new Error(`singular values: ${matrix.length} numbers are not ${rows} × ${cols}`);
  const small = Math.min(rows, cols);
  const large = Math.max(rows, cols);
  let largest = 0;
  for (let i = 0; i < matrix.length; i++) {
    const size = Math.abs(matrix[i]!);
    if (size > largest) largest = size;
    else if (!(size < Infinity)) throw new Error('singular values: the matrix holds a number that is not finite');
  }
  if (largest === Infinity) throw new Error('singular values: the matrix holds a number that is not finite');
  if (largest === 0) return new Float64Array(small);
  // A power of two, so that scaling rounds nothing.
  const scale = 2 ** Math.min(1000, -Math.floor(Math.log2(largest)));
  let work: Float64Array;
  let height = large;
  if (large >= TALL * small) {
    // Rows are the vectors of the small side: their triangular factor has the same singular values.
    work = copy(matrix, rows, cols, cols < rows, scale);
    work = triangularFactor(work, small, large);
    height = small;
  } else work = copy(matrix, rows, cols, rows < cols, scale);
  const { diagonal, superDiagonal } = bidiagonalise(work, height, small);
  const values = bidiagonalValues(diagonal, superDiagonal);
  return values.map((x) => x / scale);
}

function copy(matrix: ArrayLike<number>, rows: number, cols: number, transposed: boolean, scale: number): Float64Array {
  const result = new Float64Array(rows * cols);
  if (transposed) {
    for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) result[j * rows + i] = matrix[i * cols + j]! * scale;
  } else for (let i = 0; i < result.length; i++) result[i] = matrix[i]! * scale;
  return result;
}

/**
 * The triangular factor of `count` vectors of length `size` (rows of `a`, count ≤ size), as a count × count matrix with
 * the same singular values. Reflectors act two at a time, which halves the traffic of a purely vector-wise method.
 * `a` is overwritten.
 */
function triangularFactor(a: Float64Array, count: number, size: number): Float64Array {
  for (let k = 0; k < count; k += 2) {
    const row0 = k * size;
    const first = reflect(a, row0 + k, size - k, 0);
    const pair = k + 1 < count;
    let second = { beta: 0, head: 0 };
    let overlap = 0;
    if (pair) {
      const row1 = row0 + size;
      let dot = 0;
      for (let c = k; c < size; c++) dot += a[row0 + c]! * a[row1 + c]!;
      dot *= first.beta;
      for (let c = k; c < size; c++) a[row1 + c]! -= dot * a[row0 + c]!;
      second = reflect(a, row1 + k + 1, size - k - 1, 0);
      for (let c = k + 1; c < size; c++) overlap += a[row0 + c]! * a[row1 + c]!;
      for (let r = k + 2; r < count; r += 2) {
        applyPair(a, size, k, first.beta, second.beta, overlap, r * size, Math.min(count - 1, r + 1) * size);
      }
    }
    a[row0 + k] = first.head;
    if (pair) a[row0 + size + k + 1] = second.head;
    // What is right of the diagonal was the reflector; the factor is zero there.
    a.fill(0, row0 + k + 1, row0 + size);
    if (pair) a.fill(0, row0 + size + k + 2, row0 + 2 * size);
  }
  const factor = new Float64Array(count * count);
  for (let i = 0; i < count; i++) factor.set(a.subarray(i * size, i * size + i + 1), i * count);
  return factor;
}

/** Rows x and y (which may be the same row) through the reflectors in rows k and k + 1. */
function applyPair(
  a: Float64Array,
  size: number,
  k: number,
  beta0: number,
  beta1: number,
  overlap: number,
  x: number,
  y: number,
): void {
  const v0 = k * size;
  const v1 = v0 + size;
  let x0 = a[x + k]!;
  let y0 = a[y + k]!;
  let x1 = 0;
  let y1 = 0;
  for (let c = k + 1; c < size; c++) {
    const p = a[v0 + c]!;
    const q = a[v1 + c]!;
    const ax = a[x + c]!;
    const ay = a[y + c]!;
    x0 += p * ax;
    x1 += q * ax;
    y0 += p * ay;
    y1 += q * ay;
  }
  x0 *= beta0;
  y0 *= beta0;
  x1 = beta1 * (x1 - overlap * x0);
  y1 = beta1 * (y1 - overlap * y0);
  a[x + k]! -= x0;
  if (x === y) {
    for (let c = k + 1; c < size; c++) a[x + c]! -= x0 * a[v0 + c]! + x1 * a[v1 + c]!;
    return;
  }
  a[y + k]! -= y0;
  for (let c = k + 1; c < size; c++) {
    const p = a[v0 + c]!;
    const q = a[v1 + c]!;
    a[x + c]! -= x0 * p + x1 * q;
    a[y + c]! -= y0 * p + y1 * q;
  }
}

interface Bidiagonal {
  diagonal: Float64Array;
  superDiagonal: Float64Array;
}

/** Reduces the row-major rows × cols matrix (rows ≥ cols) to upper bidiagonal form; `a` is overwritten. */
function bidiagonalise(a: Float64Array, rows: number, cols: number): Bidiagonal {
  const diagonal = new Float64Array(cols);
  const superDiagonal = new Float64Array(Math.max(0, cols - 1));
  let u = new Float64Array(rows);
  let nextU = new Float64Array(rows);
  let v = new Float64Array(cols);
  let nextV = new Float64Array(cols);
  const x = new Float64Array(rows);
  const y = new Float64Array(cols);
  const nextY = new Float64Array(cols);
  // Pending from the step before: A −= u yᵀ + x vᵀ, carried out in the sweep that needs the result.
  for (let k = 0; k < cols; k++) {
    const yk = y[k]!;
    const vk = v[k]!;
    for (let i = k; i < rows; i++) nextU[i] = a[i * cols + k]! - (u[i]! * yk + x[i]! * vk);
    const left = reflect(nextU, k, rows - k, 0);
    diagonal[k] = left.head;
    if (k === cols - 1) break;
    nextY.fill(0, k + 1);
    sweepLeft(a, cols, k, rows, u, y, x, v, nextU, nextY);
    for (let c = k + 1; c < cols; c++) {
      nextY[c]! *= left.beta;
      nextV[c] = a[k * cols + c]! - nextY[c]!;
    }
    const right = reflect(nextV, k + 1, cols - k - 1, 0);
    superDiagonal[k] = right.head;
    let dot = 0;
    for (let c = k + 1; c < cols; c++) dot += nextY[c]! * nextV[c]!;
    sweepRight(a, cols, k + 1, rows, nextV, x);
    for (let i = k + 1; i < rows; i++) x[i] = right.beta * (x[i]! - nextU[i]! * dot);
    [u, nextU] = [nextU, u];
    [v, nextV] = [nextV, v];
    y.set(nextY);
  }
  return { diagonal, superDiagonal };
}

/** Rows k…: A −= u yᵀ + x vᵀ right of column k, and out += Aᵀ w with the updated A. */
function sweepLeft(
  a: Float64Array,
  cols: number,
  k: number,
  rows: number,
  u: Float64Array,
  y: Float64Array,
  x: Float64Array,
  v: Float64Array,
  w: Float64Array,
  out: Float64Array,
): void {
  let i = k;
  for (; i + 1 < rows; i += 2) {
    const row0 = i * cols;
    const row1 = row0 + cols;
    const u0 = u[i]!;
    const u1 = u[i + 1]!;
    const x0 = x[i]!;
    const x1 = x[i + 1]!;
    const w0 = w[i]!;
    const w1 = w[i + 1]!;
    for (let c = k + 1; c < cols; c++) {
      const yc = y[c]!;
      const vc = v[c]!;
      const a0 = a[row0 + c]! - (u0 * yc + x0 * vc);
      const a1 = a[row1 + c]! - (u1 * yc + x1 * vc);
      a[row0 + c] = a0;
      a[row1 + c] = a1;
      out[c]! += a0 * w0 + a1 * w1;
    }
  }
  for (; i < rows; i++) {
    const row = i * cols;
    const ui = u[i]!;
    const xi = x[i]!;
    const wi = w[i]!;
    for (let c = k + 1; c < cols; c++) {
      const value = a[row + c]! - (ui * y[c]! + xi * v[c]!);
      a[row + c] = value;
      out[c]! += value * wi;
    }
  }
}

/** out[i] = A v over rows and columns from `k`. */
function sweepRight(a: Float64Array, cols: number, k: number, rows: number, v: Float64Array, out: Float64Array): void {
  let i = k;
  for (; i + 3 < rows; i += 4) {
    const row0 = i * cols;
    const row1 = row0 + cols;
    const row2 = row1 + cols;
    const row3 = row2 + cols;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let c = k; c < cols; c++) {
      const vc = v[c]!;
      s0 += a[row0 + c]! * vc;
      s1 += a[row1 + c]! * vc;
      s2 += a[row2 + c]! * vc;
      s3 += a[row3 + c]! * vc;
    }
    out[i] = s0;
    out[i + 1] = s1;
    out[i + 2] = s2;
    out[i + 3] = s3;
  }
  for (; i < rows; i++) {
    const row = i * cols;
    let sum = 0;
    for (let c = k; c < cols; c++) sum += a[row + c]! * v[c]!;
    out[i] = sum;
  }
}

/**
 * Singular values, descending, of the upper bidiagonal matrix B: the upper half of the spectrum of the tridiagonal matrix
 * with zero diagonal and d₁, e₁, d₂, e₂, … beside it, which is [0 Bᵀ; B 0] in another order.
 */
function bidiagonalValues(diagonal: Float64Array, superDiagonal: Float64Array): Float64Array {
  const n = diagonal.length;
  const beside = new Float64Array(2 * n - 1);
  for (let i = 0; i < n; i++) {
    beside[2 * i] = diagonal[i]!;
    if (i < n - 1) beside[2 * i + 1] = superDiagonal[i]!;
  }
  const values = tridiagonalValues(new Float64Array(2 * n), beside);
  return values
    .slice(n)
    .reverse()
    .map((x) => Math.max(0, x));
}
