// Principal angles between two subspaces (Björck and Golub 1973): what can be compared of two reports' directions, since
// single vectors of a group of near-equal values cannot.
import { multiply } from './multiply.ts';
import { smallSvd } from './small-svd.ts';

/**
 * The angles, ascending, in radians, between the row spaces of two sets of orthonormal vectors (countA × size and
 * countB × size, one a row): min(countA, countB) of them. Small angles are taken from sines, so that equal spaces give
 * rounding and not its square root; float32 rounding of the rows is taken out first.
 */
export function principalAngles(
  a: ArrayLike<number>,
  countA: number,
  b: ArrayLike<number>,
  countB: number,
  size: number,
): Float64Array {
  if (countA < countB) return principalAngles(b, countB, a, countA, size);
  if (countB === 0) return new Float64Array(0);
  const p = orthonormalRows(a, countA, size);
  const q = orthonormalRows(b, countB, size);
  // Cosines: singular values of Q Pᵀ; sines: of what P leaves of Q.
  const inner = multiply(q, transposeOf(p, countA, size), countB, size, countA);
  const along = multiply(inner, p, countB, countA, size);
  const rest = q.map((x, i) => x - along[i]!);
  const cosines = smallSvd(inner, countB, countA).values;
  const sines = smallSvd(rest, countB, size).values;
  return Float64Array.from({ length: countB }, (_, i) => {
    const sine = sines[countB - 1 - i] ?? 0;
    return sine * sine <= 0.5 ? Math.asin(sine) : Math.acos(Math.min(1, cosines[i]!));
  });
}

/** The nearest orthonormal rows: the polar factor, from the SVD. */
function orthonormalRows(rows: ArrayLike<number>, count: number, size: number): Float64Array {
  if (rows.length !== count * size)
    throw new Error(`principal angles: ${rows.length} numbers are not ${count} × ${size}`);
  if (count > size) throw new Error(`principal angles: ${count} vectors of length ${size} cannot be orthonormal`);
  const { left, right } = smallSvd(rows, count, size);
  return multiply(transposeOf(left, count, count), right, count, count, size);
}

function transposeOf(rows: Float64Array, count: number, size: number): Float64Array {
  const result = new Float64Array(count * size);
  for (let i = 0; i < count; i++) for (let j = 0; j < size; j++) result[j * count + i] = rows[i * size + j]!;
  return result;
}
