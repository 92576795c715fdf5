// Eigen-decomposition of a symmetric matrix in float64: tridiagonal form, its eigenvalues, and as many of the leading
// eigenvectors as are asked for (asking for few is much cheaper than asking for all).
import { applyReflectors, tridiagonalise } from './tridiagonalise.ts';
import { tridiagonalEigen, tridiagonalValues } from './tridiagonal-eigen.ts';

export interface SymmetricEigen {
  /** All n eigenvalues, descending. */
  readonly values: Float64Array;
  /** The orthonormal eigenvectors of the `vectors` largest values, one a row: vectors × n. */
  readonly vectors: Float64Array;
}

/**
 * A = Σ λᵢ qᵢ qᵢᵀ for a symmetric n × n matrix, of which only the lower triangle is read. `vectors` says how many leading
 * eigenvectors to compute, all by default, 0 for values only. Absolute accuracy is a small multiple of eps·|A|.
 */
export function symmetricEigen(
  matrix: Float64Array,
  n: number,
  { vectors: wanted = n, overwrite = false }: { vectors?: number; overwrite?: boolean } = {},
): SymmetricEigen {
  if (matrix.length !== n * n) throw new Error(`symmetric eigenvalues: ${matrix.length} numbers are not ${n} × ${n}`);
  const count = Math.min(n, wanted);
  let largest = 0;
  for (let i = 0; i < n; i++) {
    for (let c = i * n; c <= i * n + i; c++) {
      const size = Math.abs(matrix[c]!);
      if (size > largest) largest = size;
      else if (!Number.isFinite(size))
        throw new Error('symmetric eigenvalues: the matrix holds a number that is not finite');
    }
  }
  if (largest === 0) return { values: new Float64Array(n), vectors: identityRows(count, n) };
  // A power of two, so that scaling rounds nothing; squares then neither overflow nor vanish.
  const scale = 2 ** Math.min(1000, -Math.floor(Math.log2(largest)));
  const work = overwrite ? matrix : matrix.slice();
  for (let i = 0; i < n; i++) for (let c = i * n; c <= i * n + i; c++) work[c]! *= scale;
  const form = tridiagonalise(work, n);
  let values: Float64Array;
  let vectors = new Float64Array(0);
  if (count === 0) values = tridiagonalValues(form.diagonal, form.offDiagonal);
  else {
    ({ values, vectors } = tridiagonalEigen(form.diagonal, form.offDiagonal, count) as SymmetricEigen & {
      vectors: Float64Array<ArrayBuffer>;
    });
    applyReflectors(form, vectors, count, n);
  }
  return { values: values.reverse().map((x) => x / scale), vectors };
}

function identityRows(count: number, n: number): Float64Array {
  const rows = new Float64Array(count * n);
  for (let i = 0; i < count; i++) rows[i * n + i] = 1;
  return rows;
}
