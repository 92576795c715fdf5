// All singular values and the leading vectors of a float32 matrix whose both sides are in the thousands, in float64, from its
// smaller Gram matrix. Products of float32 numbers are exact in float64, so a value σ is off by a small multiple of
// eps·σ₁²/σ: 1e-9 of itself at the rank cut of float32 weights, side·2⁻²³·σ₁. A bidiagonal form, which keeps values below that
// cut as well (singular-values.ts), takes three times as long and a float64 copy of the whole matrix; this one takes panels.
import { addGramOfRows, multiply } from './multiply.ts';
import { signOf } from './sign-rule.ts';
import { completeRows, type Svd } from './small-svd.ts';
import { symmetricEigen } from './symmetric-eigen.ts';

/** Columns of a panel: a panel of 4,096 rows is 16 MB. */
const PANEL = 512;

/**
 * All min(rows, cols) values, and the vectors of the `count` largest, of a row-major matrix. Values below √(side·eps)·σ₁,
 * side the smaller one, cannot be told from zero and are given as 0. Memory: four matrices of side × side, and the vectors.
 * `pause` is awaited between panels, so that a caller can be interrupted; numbers that are not finite are refused.
 */
export async function wideSvd(
  matrix: Float32Array,
  rows: number,
  cols: number,
  count: number,
  pause: () => Promise<void> = async () => {},
): Promise<Svd> {
  if (matrix.length !== rows * cols) throw new Error(`SVD: ${matrix.length} numbers are not ${rows} × ${cols}`);
  const tall = rows >= cols;
  const [side, size] = [Math.min(rows, cols), Math.max(rows, cols)];
  const wanted = Math.min(count, side);
  // Squares of float32 numbers neither overflow in float64 nor vanish: nothing has to be scaled.
  const gram = new Float64Array(side * side);
  const panel = new Float64Array(side * PANEL);
  for (let start = 0; start < size; start += PANEL) {
    await pause();
    const width = Math.min(PANEL, size - start);
    readPanel(matrix, cols, tall, side, start, width, panel);
    addGramOfRows(panel, side, width, gram);
  }
  const { values: squares, vectors: short } = symmetricEigen(gram, side, { vectors: wanted });
  const values = squares.map((square) => Math.sqrt(Math.max(0, square)));
  const cut = Math.sqrt(side * Number.EPSILON) * values[0]!;
  const rank = values.findLastIndex((value) => value > cut) + 1;
  values.fill(0, rank);

  const known = Math.min(wanted, rank);
  const long = new Float64Array(wanted * size);
  for (let start = 0; start < size; start += PANEL) {
    await pause();
    const width = Math.min(PANEL, size - start);
    readPanel(matrix, cols, tall, side, start, width, panel);
    const part = multiply(short.subarray(0, known * side), panel.subarray(0, side * width), known, side, width);
    for (let i = 0; i < known; i++) long.set(part.subarray(i * width, (i + 1) * width), i * size + start);
  }
  for (let i = 0; i < known; i++) {
    let square = 0;
    for (let c = i * size; c < (i + 1) * size; c++) square += long[c]! ** 2;
    const inverse = 1 / Math.sqrt(square);
    for (let c = i * size; c < (i + 1) * size; c++) long[c]! *= inverse;
  }
  completeRows(long, known, wanted, size);
  const [left, right] = tall ? [long, short] : [short, long];
  for (let i = 0; i < wanted; i++) {
    if (signOf(right, i * cols, cols) > 0) continue;
    for (let c = i * cols; c < (i + 1) * cols; c++) right[c] = -right[c]!;
    for (let c = i * rows; c < (i + 1) * rows; c++) left[c] = -left[c]!;
  }
  return { values, left, right };
}

/** Entries start … start+width−1 of the vectors of the smaller side, as side × width. */
function readPanel(
  matrix: Float32Array,
  cols: number,
  tall: boolean,
  side: number,
  start: number,
  width: number,
  panel: Float64Array,
): void {
  if (tall) {
    for (let c = 0; c < width; c++)
      for (let i = 0; i < side; i++) panel[i * width + c] = matrix[(start + c) * cols + i]!;
  } else {
    for (let i = 0; i < side; i++) panel.set(matrix.subarray(i * cols + start, i * cols + start + width), i * width);
  }
}
