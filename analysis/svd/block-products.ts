// The tall-skinny algebra of an iterative SVD: inner products and combinations of a few long vectors. Vectors are kept in
// float32, everything is summed in float64, tile by tile so that a tile stays in cache.

const TILE = 2048;

/** Inner products of the rows of x (count × size, float64) with the first `among` rows of `basis`: count × among. */
export function innerProducts(
  x: Float64Array,
  count: number,
  basis: Float32Array,
  among: number,
  size: number,
): Float64Array {
  const out = new Float64Array(count * among);
  for (let start = 0; start < size; start += TILE) {
    const end = Math.min(size, start + TILE);
    for (let p = 0; p < among; p += 2) {
      const twoBasis = p + 1 < among;
      for (let r = 0; r < count; r += 2) {
        const second = r + 1 < count ? r + 1 : r;
        const x0 = r * size;
        const x1 = second * size;
        const b0 = p * size;
        const b1 = twoBasis ? b0 + size : b0;
        let s00 = 0;
        let s01 = 0;
        let s10 = 0;
        let s11 = 0;
        for (let c = start; c < end; c++) {
          const v0 = basis[b0 + c]!;
          const v1 = basis[b1 + c]!;
          const y0 = x[x0 + c]!;
          const y1 = x[x1 + c]!;
          s00 += y0 * v0;
          s01 += y0 * v1;
          s10 += y1 * v0;
          s11 += y1 * v1;
        }
        out[r * among + p]! += s00;
        if (twoBasis) out[r * among + p + 1]! += s01;
        if (second !== r) {
          out[second * among + p]! += s10;
          if (twoBasis) out[second * among + p + 1]! += s11;
        }
      }
    }
  }
  return out;
}

/** x += factor · coefficients · basis, for x of count × size and coefficients of count × among. */
export function addCombination(
  x: Float64Array,
  count: number,
  factor: number,
  coefficients: Float64Array,
  basis: Float32Array,
  among: number,
  size: number,
): void {
  for (let start = 0; start < size; start += TILE) {
    const end = Math.min(size, start + TILE);
    for (let r = 0; r < count; r++) {
      const at = r * size;
      let p = 0;
      for (; p + 3 < among; p += 4) {
        const k = r * among + p;
        const f0 = factor * coefficients[k]!;
        const f1 = factor * coefficients[k + 1]!;
        const f2 = factor * coefficients[k + 2]!;
        const f3 = factor * coefficients[k + 3]!;
        const b0 = p * size;
        const b1 = b0 + size;
        const b2 = b1 + size;
        const b3 = b2 + size;
        for (let c = start; c < end; c++) {
          x[at + c]! += f0 * basis[b0 + c]! + f1 * basis[b1 + c]! + f2 * basis[b2 + c]! + f3 * basis[b3 + c]!;
        }
      }
      for (; p < among; p++) {
        const f = factor * coefficients[r * among + p]!;
        const b = p * size;
        for (let c = start; c < end; c++) x[at + c]! += f * basis[b + c]!;
      }
    }
  }
}

/** coefficients (count × among) times the first `among` rows of `basis`, rounded to float32 at the end: count × size. */
export function combine(
  coefficients: Float64Array,
  count: number,
  basis: Float32Array,
  among: number,
  size: number,
): Float32Array {
  const out = new Float32Array(count * size);
  // Eight rows at a time, so that the float64 sums of long vectors stay few.
  for (let r = 0; r < count; r += 8) {
    const rows = Math.min(8, count - r);
    const sums = new Float64Array(rows * size);
    addCombination(sums, rows, 1, coefficients.subarray(r * among, (r + rows) * among), basis, among, size);
    out.set(sums, r * size);
  }
  return out;
}
