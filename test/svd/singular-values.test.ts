import { describe, expect, it } from 'vitest';
import { random } from '../../analysis/random.ts';
import { singularValues } from '../../analysis/svd/singular-values.ts';
import { smallSvd } from '../../analysis/svd/small-svd.ts';
import { matrixWith, SPECTRA } from './spectra.ts';

describe('all singular values of a matrix', () => {
  it.each(SPECTRA)('are those that it was built from when the spectrum is %s', (name, rows, cols, spectrum) => {
    const matrix = matrixWith(spectrum, rows, cols, random(7, name));
    const values = singularValues(matrix, rows, cols);
    expect(values.length).toBe(Math.min(rows, cols));
    for (const [i, value] of values.entries()) {
      expect(Math.abs(value - (spectrum[i] ?? 0)) / (spectrum[0] ?? 1)).toBeLessThan(1e-13);
      if (i > 0) expect(value).toBeLessThanOrEqual(values[i - 1]!);
    }
  });

  it.each([
    [100, 97],
    [97, 100],
    [170, 100],
    [101, 301],
    [2, 9],
  ])('agree with the full decomposition of a random %d × %d matrix', (rows, cols) => {
    const draw = random(8, `${rows}`);
    const matrix = Float32Array.from({ length: rows * cols }, () => draw.normal());
    const values = singularValues(matrix, rows, cols);
    const { values: expected } = smallSvd(matrix, rows, cols);
    for (const [i, value] of values.entries())
      expect(Math.abs(value - expected[i]!) / expected[0]!).toBeLessThan(1e-13);
  });

  it('tell zeros from values far below the square root of the precision', () => {
    const values = singularValues(matrixWith([1, 1e-10, 1e-13], 60, 50, random(9)), 60, 50);
    expect(Math.abs(values[1]! - 1e-10)).toBeLessThan(1e-15);
    expect(Math.abs(values[2]! - 1e-13)).toBeLessThan(1e-15);
    expect(values[3]!).toBeLessThan(1e-15);
  });

  it('leave the matrix as it was, and refuse what is not finite', () => {
    const matrix = Float64Array.of(1, 2, 3, 4);
    singularValues(matrix, 2, 2);
    expect([...matrix]).toEqual([1, 2, 3, 4]);
    expect(() => singularValues([1, NaN], 1, 2)).toThrow('not finite');
    expect(() => singularValues([1, Infinity], 1, 2)).toThrow('not finite');
    expect(() => singularValues([1], 1, 2)).toThrow('1 numbers are not 1 × 2');
  });
});
