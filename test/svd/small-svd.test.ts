import { describe, expect, it } from 'vitest';
import { random } from '../../analysis/random.ts';
import { leadingSvd, smallSvd } from '../../analysis/svd/small-svd.ts';
import { expectTriplets, matrixWith, SPECTRA } from './spectra.ts';

describe('the small SVD', () => {
  it.each(SPECTRA)('obeys the laws for a spectrum that is %s', (name, rows, cols, spectrum) => {
    const matrix = matrixWith(spectrum, rows, cols, random(3, name));
    const found = smallSvd(matrix, rows, cols);
    expect(found.values.length).toBe(Math.min(rows, cols));
    expectTriplets(matrix, rows, cols, found, 1e-12);
    const scale = spectrum[0] ?? 1;
    for (const [i, value] of found.values.entries()) {
      expect(Math.abs(value - (spectrum[i] ?? 0)) / scale).toBeLessThan(1e-12);
    }
  });

  it('gives exact zeros beyond the rank', () => {
    const { values } = smallSvd(matrixWith([5, 4, 3], 30, 20, random(4)), 30, 20);
    expect([...values.slice(3)]).toEqual(Array(17).fill(0));
  });

  it('keeps small values that a Gram matrix alone would lose', () => {
    const spectrum = [1, 1e-6, 1e-10, 1e-13];
    const { values } = smallSvd(matrixWith(spectrum, 10, 6, random(5)), 10, 6);
    for (const [i, value] of spectrum.entries()) expect(Math.abs(values[i]! - value)).toBeLessThan(4e-16);
  });

  it('solves a matrix that can be checked by hand', () => {
    // [[3, 0], [4, 5]]: values √45 and √5, right vectors (1, 1)/√2 and (1, −1)/√2.
    const { values, left, right } = smallSvd([3, 0, 4, 5], 2, 2);
    expect(values[0]).toBeCloseTo(Math.sqrt(45), 14);
    expect(values[1]).toBeCloseTo(Math.sqrt(5), 14);
    expect(right[0]).toBeCloseTo(Math.SQRT1_2, 14);
    expect(right[1]).toBeCloseTo(Math.SQRT1_2, 14);
    expect(Math.abs(left[0]!)).toBeCloseTo(1 / Math.sqrt(10), 14);
  });

  it('breaks a tie in the sign rule in favour of the first entry', () => {
    const { right } = smallSvd([-2, 2], 1, 2);
    expect(right[0]).toBeGreaterThan(0);
    expect(right[1]).toBeLessThan(0);
  });

  it('is deterministic', () => {
    const matrix = matrixWith(SPECTRA[2]![3], 40, 36, random(6));
    expect(smallSvd(matrix, 40, 36)).toEqual(smallSvd(matrix, 40, 36));
  });

  it('refuses numbers that are not finite, and sizes that do not fit', () => {
    expect(() => smallSvd([1, NaN], 1, 2)).toThrow('not finite');
    expect(() => smallSvd([1, 2, 3], 2, 2)).toThrow('3 numbers are not 2 × 2');
  });
});

describe('the leading part of an SVD', () => {
  it.each([
    ['decaying', 180, 150, Array.from({ length: 150 }, (_, i) => 0.9 ** i)],
    ['repeated', 150, 180, [...Array<number>(12).fill(2), ...Array<number>(60).fill(1)]],
    ['rank-deficient', 200, 140, [3, 2, 1]],
    ['small', 20, 300, Array.from({ length: 20 }, (_, i) => 20 - i)],
  ])(
    'has every value, and the leading vectors by the laws, for a spectrum that is %s',
    (name, rows, cols, spectrum) => {
      const matrix = matrixWith(spectrum, rows, cols, random(7, name));
      const { values, left, right } = leadingSvd(matrix, rows, cols, 5);
      expect(left.length).toBe(5 * rows);
      expect(right.length).toBe(5 * cols);
      expectTriplets(matrix, rows, cols, { values: values.slice(0, 5), left, right }, 1e-12);
      expect(values.length).toBe(Math.min(rows, cols));
      for (const [i, value] of values.entries()) expect(Math.abs(value - (spectrum[i] ?? 0))).toBeLessThan(1e-12);
    },
  );

  it('is all of it when as much is asked for', () => {
    const matrix = matrixWith([3, 2, 1], 12, 3, random(8));
    expect(leadingSvd(matrix, 12, 3, 9)).toEqual(smallSvd(matrix, 12, 3));
  });
});
