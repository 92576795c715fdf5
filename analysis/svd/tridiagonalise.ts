// A symmetric matrix as Q T Qᵀ with T tridiagonal (Householder; Golub and Van Loan, Matrix Computations, 8.3.1).
// Each step's rank-2 update is carried out in the same sweep as the next step's matrix-vector product, so that every
// step reads and writes the remaining triangle once: on large matrices memory, not arithmetic, sets the pace.

/** A = Q T Qᵀ: T by its diagonals; Q as reflectors I − scale[i]·vᵢvᵢᵀ, where vᵢ is the first i entries of row i. */
export interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** offDiagonal[i] couples i and i+1; length n − 1. */
  readonly offDiagonal: Float64Array;
  readonly reflectors: Float64Array;
  readonly scale: Float64Array;
}

/** Reduces the symmetric n × n matrix whose lower triangle is in `a`; `a` is overwritten and becomes `reflectors`. */
export function tridiagonalise(a: Float64Array, n: number): Tridiagonal {
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(Math.max(0, n - 1));
  const scale = new Float64Array(n);
  let v = new Float64Array(n);
  let w = new Float64Array(n);
  let nextV = new Float64Array(n);
  let nextW = new Float64Array(n);
  for (let i = n - 1; i >= 1; i--) {
    const row = i * n;
    const vi = v[i]!;
    const wi = w[i]!;
    for (let c = 0; c <= i; c++) a[row + c]! -= vi * w[c]! + wi * v[c]!;
    diagonal[i] = a[row + i]!;
    const { beta, head } = reflect(a, row, i, i - 1);
    offDiagonal[i - 1] = head;
    scale[i] = beta;
    for (let c = 0; c < i; c++) nextV[c] = a[row + c]!;
    nextW.fill(0, 0, i);
    updateAndMultiply(a, n, i, v, w, nextV, nextW);
    let dot = 0;
    for (let c = 0; c < i; c++) dot += nextW[c]! * nextV[c]!;
    const half = 0.5 * beta * beta * dot;
    for (let c = 0; c < i; c++) nextW[c] = beta * nextW[c]! - half * nextV[c]!;
    [v, w, nextV, nextW] = [nextV, nextW, v, w];
  }
  if (n > 0) diagonal[0] = a[0]! - 2 * v[0]! * w[0]!;
  return { diagonal, offDiagonal, reflectors: a, scale };
}

/**
 * Turns x = a[start … start+length−1] into the vector v of the reflector I − beta·v vᵀ that maps x to `head` at position
 * `pivot` and to zeros elsewhere; v[pivot] = 1.
 */
export function reflect(a: Float64Array, start: number, length: number, pivot: number): { beta: number; head: number } {
  let largest = 0;
  for (let c = start; c < start + length; c++) {
    const size = Math.abs(a[c]!);
    if (size > largest && c !== start + pivot) largest = size;
  }
  const alpha = a[start + pivot]!;
  if (largest === 0) {
    a[start + pivot] = 1;
    return { beta: 0, head: alpha };
  }
  largest = Math.max(largest, Math.abs(alpha));
  let sum = 0;
  for (let c = start; c < start + length; c++) sum += (a[c]! / largest) ** 2;
  const norm = largest * Math.sqrt(sum);
  const head = alpha > 0 ? -norm : norm;
  const first = alpha - head;
  const inverse = 1 / first;
  // A subnormal remainder would overflow the inverse; such a vector is zero for our purposes.
  if (!Number.isFinite(inverse)) {
    a.fill(0, start, start + length);
    a[start + pivot] = 1;
    return { beta: 0, head: alpha };
  }
  for (let c = start; c < start + length; c++) a[c]! *= inverse;
  a[start + pivot] = 1;
  return { beta: -first / head, head };
}

/** In the leading n' × n' triangle: A −= v wᵀ + w vᵀ, and out += A x with the updated A. */
function updateAndMultiply(
  a: Float64Array,
  stride: number,
  size: number,
  v: Float64Array,
  w: Float64Array,
  x: Float64Array,
  out: Float64Array,
): void {
  let r = 0;
  for (; r + 3 < size; r += 4) {
    const row0 = r * stride;
    const row1 = row0 + stride;
    const row2 = row1 + stride;
    const row3 = row2 + stride;
    const v0 = v[r]!;
    const v1 = v[r + 1]!;
    const v2 = v[r + 2]!;
    const v3 = v[r + 3]!;
    const w0 = w[r]!;
    const w1 = w[r + 1]!;
    const w2 = w[r + 2]!;
    const w3 = w[r + 3]!;
    const x0 = x[r]!;
    const x1 = x[r + 1]!;
    const x2 = x[r + 2]!;
    const x3 = x[r + 3]!;
    let sum0 = 0;
    let sum1 = 0;
    let sum2 = 0;
    let sum3 = 0;
    for (let c = 0; c < r; c++) {
      const vc = v[c]!;
      const wc = w[c]!;
      const xc = x[c]!;
      const a0 = a[row0 + c]! - (v0 * wc + w0 * vc);
      a[row0 + c] = a0;
      sum0 += a0 * xc;
      const a1 = a[row1 + c]! - (v1 * wc + w1 * vc);
      a[row1 + c] = a1;
      sum1 += a1 * xc;
      const a2 = a[row2 + c]! - (v2 * wc + w2 * vc);
      a[row2 + c] = a2;
      sum2 += a2 * xc;
      const a3 = a[row3 + c]! - (v3 * wc + w3 * vc);
      a[row3 + c] = a3;
      sum3 += a3 * xc;
      out[c]! += a0 * x0 + a1 * x1 + (a2 * x2 + a3 * x3);
    }
    out[r]! += sum0;
    out[r + 1]! += sum1;
    out[r + 2]! += sum2;
    out[r + 3]! += sum3;
    for (let k = r; k < r + 4; k++) updateRow(a, k * stride, r, k, v, w, x, out);
  }
  for (; r < size; r++) updateRow(a, r * stride, 0, r, v, w, x, out);
}

/** Entries `start` … `r` of row r, which begins at `row`: A −= v wᵀ + w vᵀ, and their part of out += A x. */
function updateRow(
  a: Float64Array,
  row: number,
  start: number,
  r: number,
  v: Float64Array,
  w: Float64Array,
  x: Float64Array,
  out: Float64Array,
): void {
  const vr = v[r]!;
  const wr = w[r]!;
  const xr = x[r]!;
  let sum = 0;
  for (let c = start; c < r; c++) {
    const arc = a[row + c]! - (vr * w[c]! + wr * v[c]!);
    a[row + c] = arc;
    out[c]! += arc * xr;
    sum += arc * x[c]!;
  }
  const diagonal = a[row + r]! - 2 * vr * wr;
  a[row + r] = diagonal;
  out[r]! += sum + diagonal * xr;
}

/** Multiplies every row z of `rows` (count × n, eigenvectors of T) by Q, in place: eigenvectors of A. */
export function applyReflectors(
  { reflectors, scale }: Tridiagonal,
  rows: Float64Array,
  count: number,
  n: number,
): void {
  for (let start = 0; start < count; start += 4) {
    const width = Math.min(4, count - start);
    // A = H(n−1)…H(1) T H(1)…H(n−1): the reflector of the shortest vector acts first.
    for (let i = 1; i < n; i++) {
      const beta = scale[i]!;
      if (beta === 0) continue;
      const v = i * n;
      if (width === 4) reflectFour(reflectors, v, i, beta, rows, start * n, n);
      else for (let r = start; r < start + width; r++) reflectOne(reflectors, v, i, beta, rows, r * n);
    }
  }
}

function reflectOne(vs: Float64Array, v: number, length: number, beta: number, rows: Float64Array, r: number): void {
  let dot = 0;
  for (let c = 0; c < length; c++) dot += vs[v + c]! * rows[r + c]!;
  dot *= beta;
  for (let c = 0; c < length; c++) rows[r + c]! -= dot * vs[v + c]!;
}

function reflectFour(
  vs: Float64Array,
  v: number,
  length: number,
  beta: number,
  rows: Float64Array,
  r0: number,
  stride: number,
): void {
  const r1 = r0 + stride;
  const r2 = r1 + stride;
  const r3 = r2 + stride;
  let d0 = 0;
  let d1 = 0;
  let d2 = 0;
  let d3 = 0;
  for (let c = 0; c < length; c++) {
    const x = vs[v + c]!;
    d0 += x * rows[r0 + c]!;
    d1 += x * rows[r1 + c]!;
    d2 += x * rows[r2 + c]!;
    d3 += x * rows[r3 + c]!;
  }
  d0 *= beta;
  d1 *= beta;
  d2 *= beta;
  d3 *= beta;
  for (let c = 0; c < length; c++) {
    const x = vs[v + c]!;
    rows[r0 + c]! -= d0 * x;
    rows[r1 + c]! -= d1 * x;
    rows[r2 + c]! -= d2 * x;
    rows[r3 + c]! -= d3 * x;
  }
}
