import { describe, expect, it } from 'vitest';
import { tridiagonalVectors } from '../../analysis/svd/inverse-iteration.ts';
import { nonOrthonormality } from './spectra.ts';

describe('inverse iteration', () => {
  it('finds the sine waves of the second difference', () => {
    const n = 50;
    const value = (k: number): number => 2 - 2 * Math.cos((k * Math.PI) / (n + 1));
    const vectors = tridiagonalVectors(
      new Float64Array(n).fill(2),
      new Float64Array(n - 1).fill(-1),
      [50, 49, 48].map(value),
    )!;
    for (const [t, k] of [50, 49, 48].entries()) {
      const wave = Float64Array.from(
        { length: n },
        (_, i) => Math.sqrt(2 / (n + 1)) * Math.sin((k * (i + 1) * Math.PI) / (n + 1)),
      );
      let inner = 0;
      for (let i = 0; i < n; i++) inner += wave[i]! * vectors[t * n + i]!;
      expect(Math.abs(Math.abs(inner) - 1)).toBeLessThan(1e-13);
    }
  });

  it('finds an orthonormal basis where values are equal', () => {
    const vectors = tridiagonalVectors(Float64Array.of(3, 1, 3, 2, 3, 3), new Float64Array(5), [3, 3, 3, 3])!;
    expect(nonOrthonormality(vectors, 4, 6)).toBeLessThan(1e-14);
    for (let t = 0; t < 4; t++) for (const i of [1, 3]) expect(Math.abs(vectors[t * 6 + i]!)).toBeLessThan(1e-14);
  });

  it('gives nothing for a number that is no eigenvalue', () => {
    expect(tridiagonalVectors(Float64Array.of(1, 2, 3), new Float64Array(2), [2.5])).toBeUndefined();
  });
});
