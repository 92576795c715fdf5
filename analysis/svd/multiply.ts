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

/** The same of float32 rows, summed in float64 a tile at a time: no copy of them is made. */
export function gramOfFloats(rows: Float32Array, count: number, size: number): Float64Array {
  const gram = new Float64Array(count * count);
  const tile = new Float64Array(count * Math.min(TILE, size));
  for (let start = 0; start < size; start += TILE) {
    const width = Math.min(TILE, size - start);
    for (let i = 0; i < count; i++) tile.set(rows.subarray(i * size + start, i * size + start + width), i * width);
    addGramOfRows(tile, count, width, gram);
  }
  for (let i = 0; i < count; i++) for (let j = 0; j < i; j++) gram[j * count + i] = gram[i * count + j]!;
  return gram;
}

/** Adds the inner products of the rows of `a` to the lower triangle of `gram`. */
export function addGramOfRows(a: Float64Array, count: number, size: number, gram: Float64Array): void {
  for (let start = 0; start < size; start += TILE) {
    const width = Math.min(TILE, size - start);
    for (let i = 0; i < count; i += 2) {
      let j = 0;
      // Four columns at a time as far as both rows reach.
      if (i + 1 < count) for (; j + 3 <= i; j += 4) addEightDots(a, i, j, size, start, width, gram, count);
      for (let r = i; r < Math.min(count, i + 2); r++) {
        for (let c = j; c <= r; c++) gram[r * count + c]! += dot(a, r * size + start, a, c * size + start, width);
      }
    }
  }
}

/** Rows i and i + 1 with rows j … j + 3: what is loaded once serves several products. */
function addEightDots(
  a: Float64Array,
  i: number,
  j: number,
  size: number,
  start: number,
  width: number,
  out: Float64Array,
  count: number,
): void {
  const x0 = i * size + start;
  const x1 = x0 + size;
  const y0 = j * size + start;
  const y1 = y0 + size;
  const y2 = y1 + size;
  const y3 = y2 + size;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let t0 = 0;
  let t1 = 0;
  let t2 = 0;
  let t3 = 0;
  for (let c = 0; c < width; c++) {
    const p = a[x0 + c]!;
    const q = a[x1 + c]!;
    const b0 = a[y0 + c]!;
    const b1 = a[y1 + c]!;
    const b2 = a[y2 + c]!;
    const b3 = a[y3 + c]!;
    s0 += p * b0;
    s1 += p * b1;
    s2 += p * b2;
    s3 += p * b3;
    t0 += q * b0;
    t1 += q * b1;
    t2 += q * b2;
    t3 += q * b3;
  }
  const first = i * count + j;
  const second = first + count;
  out[first]! += s0;
  out[first + 1]! += s1;
  out[first + 2]! += s2;
  out[first + 3]! += s3;
  out[second]! += t0;
  out[second + 1]! += t1;
  out[second + 2]! += t2;
  out[second + 3]! += t3;
}
