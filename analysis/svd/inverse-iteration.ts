// Eigenvectors of a symmetric tridiagonal matrix whose eigenvalues are known, where few are wanted: inverse iteration from
// random starts (Golub and Van Loan, Matrix Computations, 8.2.2), each vector kept orthogonal to those before it.
import { dot } from './multiply.ts';

const EPS = Number.EPSILON;
/** One or two iterations are usual. */
const MOST_ITERATIONS = 6;

/**
 * Unit eigenvectors for the given values, orthogonal to working precision, one a row: values.length × n. Undefined where
 * one of them does not come out as an eigenvector, as may happen when very many values are equal.
 */
export function tridiagonalVectors(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  values: ArrayLike<number>,
): Float64Array | undefined {
  const n = diagonal.length;
  let norm = 0;
  for (let i = 0; i < n; i++)
    norm = Math.max(norm, Math.abs(diagonal[i]!) + Math.abs(offDiagonal[i - 1] ?? 0) + Math.abs(offDiagonal[i] ?? 0));
  const rows = new Float64Array(values.length * n);
  let seed = 1;
  for (let t = 0; t < values.length; t++) {
    const factors = factorise(diagonal, offDiagonal, values[t]!, EPS * norm);
    const x = rows.subarray(t * n, (t + 1) * n);
    for (let i = 0; i < n; i++) {
      seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
      x[i] = seed / 2 ** 31;
    }
    let found = false;
    for (let iteration = 0; !found && iteration < MOST_ITERATIONS; iteration++) {
      solve(factors, x);
      if (!normalise(x)) return undefined;
      for (let pass = 0; pass < 2; pass++) {
        for (let s = 0; s < t; s++) {
          const inner = dot(rows, s * n, x, 0, n);
          for (let i = 0; i < n; i++) x[i]! -= inner * rows[s * n + i]!;
        }
        if (!normalise(x)) return undefined;
      }
      found = residual(diagonal, offDiagonal, values[t]!, x) <= 4 * EPS * Math.sqrt(n) * norm;
    }
    if (!found) return undefined;
  }
  return rows;
}

/** P L U = T − λ I: U has three diagonals; row i was swapped with the next one where `swapped`. */
interface Factors {
  readonly pivots: Float64Array;
  readonly next: Float64Array;
  readonly second: Float64Array;
  readonly multipliers: Float64Array;
  readonly swapped: Uint8Array;
}

/** Elimination with partial pivoting; a pivot of zero becomes `tiny`, since λ is an eigenvalue only to that much. */
function factorise(d: Float64Array, e: Float64Array, value: number, tiny: number): Factors {
  const n = d.length;
  const pivots = new Float64Array(n);
  const next = new Float64Array(n);
  const second = new Float64Array(n);
  const multipliers = new Float64Array(n);
  const swapped = new Uint8Array(n);
  let [pivot, beside] = [d[0]! - value, e[0] ?? 0];
  for (let i = 0; i + 1 < n; i++) {
    const [below, diagonal, beyond] = [e[i]!, d[i + 1]! - value, e[i + 1] ?? 0];
    if (Math.abs(below) > Math.abs(pivot)) {
      const factor = pivot / below;
      [pivots[i], next[i], second[i], multipliers[i], swapped[i]] = [below, diagonal, beyond, factor, 1];
      [pivot, beside] = [beside - factor * diagonal, -factor * beyond];
    } else {
      const safe = Math.abs(pivot) < tiny ? tiny : pivot;
      const factor = below / safe;
      [pivots[i], next[i], multipliers[i]] = [safe, beside, factor];
      [pivot, beside] = [diagonal - factor * beside, beyond];
    }
  }
  pivots[n - 1] = Math.abs(pivot) < tiny ? tiny : pivot;
  return { pivots, next, second, multipliers, swapped };
}

/** x ← (T − λ I)⁻¹ x. */
function solve({ pivots, next, second, multipliers, swapped }: Factors, x: Float64Array): void {
  const n = x.length;
  for (let i = 0; i + 1 < n; i++) {
    const [upper, lower] = swapped[i] ? [x[i + 1]!, x[i]!] : [x[i]!, x[i + 1]!];
    x[i] = upper;
    x[i + 1] = lower - multipliers[i]! * upper;
  }
  for (let i = n - 1; i >= 0; i--) {
    x[i] = (x[i]! - next[i]! * (x[i + 1] ?? 0) - second[i]! * (x[i + 2] ?? 0)) / pivots[i]!;
  }
}

/** False where x has no direction left. */
function normalise(x: Float64Array): boolean {
  let largest = 0;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]!));
  if (!(largest > 0 && Number.isFinite(largest))) return false;
  for (let i = 0; i < x.length; i++) x[i]! /= largest;
  const norm = Math.sqrt(dot(x, 0, x, 0, x.length));
  for (let i = 0; i < x.length; i++) x[i]! /= norm;
  return true;
}

/** ‖T x − λ x‖ */
function residual(d: Float64Array, e: Float64Array, value: number, x: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) {
    const row =
      (d[i]! - value) * x[i]! + (i > 0 ? e[i - 1]! * x[i - 1]! : 0) + (i + 1 < x.length ? e[i]! * x[i + 1]! : 0);
    sum += row * row;
  }
  return Math.sqrt(sum);
}
