// Dense float64 matrix products for the small matrices of an SVD, in tiles that stay in cache.

/** rows of the tile, in doubles: a tile of four right-hand rows and two results stays in the first-level cache. */
const TILE = 512;

/** left (rows × inner) times right (inner × cols), row-major. */
export function multiply(
  left: Float64Array,
  right: Float64Array,
  rows: number,
  inner: number,
  cols: number,
): Float64Array {
  const result = new Float64Array(rows * cols);
  for (let start = 0; start < cols; start += TILE) {
    const end = Math.min(cols, start + TILE);
    for (let j = 0; j < inner; j += 4) {
      for (let i = 0; i < rows; i += 2) {
        if (j + 4 <= inner && i + 2 <= rows) addTile(left, right, result, i, j, inner, cols, start, end);
        else addEdge(left, right, result, i, Math.min(rows, i + 2), j, Math.min(inner, j + 4), inner, cols, start, end);
      }
    }
  }
  return result;
}

function addTile(
  left: Float64Array,
  right: Float64Array,
  result: Float64Array,
  i: number,
  j: number,
  inner: number,
  cols: number,
  start: number,
  end: number,
): void {
  const l0 = i * inner + j;
  const l1 = l0 + inner;
  const a0 = left[l0]!;
  const a1 = left[l0 + 1]!;
  const a2 = left[l0 + 2]!;
  const a3 = left[l0 + 3]!;
  const b0 = left[l1]!;
  const b1 = left[l1 + 1]!;
  const b2 = left[l1 + 2]!;
  const b3 = left[l1 + 3]!;
  const r0 = j * cols;
  const r1 = r0 + cols;
  const r2 = r1 + cols;
  const r3 = r2 + cols;
  const o0 = i * cols;
  const o1 = o0 + cols;
  for (let c = start; c < end; c++) {
    const x0 = right[r0 + c]!;
    const x1 = right[r1 + c]!;
    const x2 = right[r2 + c]!;
    const x3 = right[r3 + c]!;
    result[o0 + c]! += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3;
    result[o1 + c]! += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3;
  }
}

function addEdge(
  left: Float64Array,
  right: Float64Array,
  result: Float64Array,
  rowStart: number,
  rowEnd: number,
  innerStart: number,
  innerEnd: number,
  inner: number,
  cols: number,
  start: number,
  end: number,
): void {
  for (let i = rowStart; i < rowEnd; i++) {
    for (let j = innerStart; j < innerEnd; j++) {
      const a = left[i * inner + j]!;
      for (let c = start; c < end; c++) result[i * cols + c]! += a * right[j * cols + c]!;
    }
  }
}

/** Inner product of a[i … i+size−1] and b[j … j+size−1]. */
export function dot(a: Float64Array, i: number, b: Float64Array, j: number, size: number): number {
  // Four sums: one would wait for its own last addition.
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let c = 0;
  for (; c + 3 < size; c += 4) {
    s0 += a[i + c]! * b[j + c]!;
    s1 += a[i + c + 1]! * b[j + c + 1]!;
    s2 += a[i + c + 2]! * b[j + c + 2]!;
    s3 += a[i + c + 3]! * b[j + c + 3]!;
  }
  for (; c < size; c++) s0 += a[i + c]! * b[j + c]!;
  return s0 + s1 + (s2 + s3);
}

/** All inner products of the rows of `a` (count × size): a symmetric count × count matrix. */
export function gramOfRows(a: Float64Array, count: number, size: number): Float64Array {
  const gram = new Float64Array(count * count);
  addGramOfRows(a, count, size, gram);
  for (let i = 0; i < count; i++) for (let j = 0; j < i; j++) gram[j * count + i] = gram[i * count + j]!;
  return gram;
}

/** Adds the inner products of the rows of `a` to the lower triangle of `gram`. */
export function addGramOfRows(a: Float64Array, count: number, size: number, gram: Float64Array): void {
  for (let start = 0; start < size; start += TILE) {
    const width = Math.min(TILE, size - start);
    for (let i = 0; i < count; i++) {
      let j = 0;
      for (; j + 3 <= i; j += 4) addFourDots(a, i * size + start, j * size + start, size, width, gram, i * count + j);
      for (; j <= i; j++) gram[i * count + j]! += dot(a, i * size + start, a, j * size + start, width);
    }
  }
}

function addFourDots(
  a: Float64Array,
  x: number,
  y0: number,
  stride: number,
  width: number,
  out: Float64Array,
  at: number,
): void {
  const y1 = y0 + stride;
  const y2 = y1 + stride;
  const y3 = y2 + stride;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let c = 0; c < width; c++) {
    const value = a[x + c]!;
    s0 += value * a[y0 + c]!;
    s1 += value * a[y1 + c]!;
    s2 += value * a[y2 + c]!;
    s3 += value * a[y3 + c]!;
  }
  out[at]! += s0;
  out[at + 1]! += s1;
  out[at + 2]! += s2;
  out[at + 3]! += s3;
}
