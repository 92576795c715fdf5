// How well one set of numbers stands for another, pooled over everything that streams by: Pearson r and mean absolute error.
import type { Score } from '../../reports/format.ts';

/** Sums over pairs (y, ŷ), in float64. */
export interface PooledScore {
  add(y: Float32Array, estimate: Float32Array, start: number, end: number, estimateStart: number): void;
  /** r is 0 where either side does not vary. */
  score(): Score;
}

export function pooledScore(): PooledScore {
  let [n, sumY, sumE, sumYY, sumEE, sumYE, errors] = [0, 0, 0, 0, 0, 0, 0];
  return {
    add(y, estimate, start, end, estimateStart) {
      const shift = estimateStart - start;
      for (let i = start; i < end; i++) {
        const a = y[i]!;
        const b = estimate[i + shift]!;
        sumY += a;
        sumE += b;
        sumYY += a * a;
        sumEE += b * b;
        sumYE += a * b;
        errors += Math.abs(a - b);
      }
      n += end - start;
    },
    score: () => ({
      pearson: correlation(n, sumY, sumE, sumYY, sumEE, sumYE) ?? 0,
      meanAbsoluteError: n > 0 ? errors / n : 0,
    }),
  };
}

/** Pearson r of y[start … end) and estimate[estimateStart …); null where either side does not vary. */
export function pearson(
  y: Float32Array,
  estimate: Float32Array,
  start: number,
  end: number,
  estimateStart: number,
): number | null {
  const shift = estimateStart - start;
  let [sumY, sumE, sumYY, sumEE, sumYE] = [0, 0, 0, 0, 0];
  for (let i = start; i < end; i++) {
    const a = y[i]!;
    const b = estimate[i + shift]!;
    sumY += a;
    sumE += b;
    sumYY += a * a;
    sumEE += b * b;
    sumYE += a * b;
  }
  return correlation(end - start, sumY, sumE, sumYY, sumEE, sumYE);
}

function correlation(n: number, y: number, e: number, yy: number, ee: number, ye: number): number | null {
  const varianceY = yy - (y * y) / n;
  const varianceE = ee - (e * e) / n;
  if (!(varianceY > 1e-14 * yy) || !(varianceE > 1e-14 * ee)) return null;
  return Math.max(-1, Math.min(1, (ye - (y * e) / n) / Math.sqrt(varianceY * varianceE)));
}
