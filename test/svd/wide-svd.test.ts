import { describe, expect, it } from 'vitest';
import { random } from '../../analysis/random.ts';
import { leadingSvd, smallSvd } from '../../analysis/svd/small-svd.ts';
import { wideSvd } from '../../analysis/svd/wide-svd.ts';
import { expectTriplets, matrixWith, SPECTRA } from './spectra.ts';

const float32 = (matrix: Float64Array): Float32Array => Float32Array.from(matrix);

describe('the SVD from panels of the smaller Gram matrix', () => {
  it.each(SPECTRA)('obeys the laws for a spectrum that is %s', async (name, rows, cols, spectrum) => {
    const matrix = float32(matrixWith(spectrum, rows, cols, random(3, name)));
    const found = await wideSvd(matrix, rows, cols, Math.min(rows, cols));
    const exact = smallSvd(matrix, rows, cols).values;
    const cut = 2 * Math.sqrt(Math.min(rows, cols) * Number.EPSILON) * exact[0]!;
    expect(found.values).toHaveLength(exact.length);
    for (const [i, value] of exact.entries()) {
      if (value > cut) expect(Math.abs(found.values[i]! - value)).toBeLessThan((1e-14 * exact[0]! ** 2) / value);
      else expect(found.values[i]!).toBeLessThanOrEqual(cut);
    }
    // What is cut off is missing in the triplets.
    expectTriplets(matrix, rows, cols, found, Math.max(1e-9, (2 * cut) / (exact[0]! || 1)));
  });

  it.each([
    [260, 1300],
    [1300, 260],
    [257, 257],
  ])('agrees with the SVD of the whole matrix at %i × %i, over several panels', async (rows, cols) => {
    const matrix = random(8, 'wide').normals(rows * cols);
    const [found, whole] = [await wideSvd(matrix, rows, cols, 20), leadingSvd(matrix, rows, cols, 20)];
    expect(found.left).toHaveLength(20 * rows);
    expect(found.right).toHaveLength(20 * cols);
    for (const [i, value] of whole.values.entries())
      expect(Math.abs(found.values[i]! - value)).toBeLessThan((1e-14 * whole.values[0]! ** 2) / value);
    for (const [i, entry] of whole.right.entries()) expect(Math.abs(found.right[i]! - entry)).toBeLessThan(1e-10);
    for (const [i, entry] of whole.left.entries()) expect(Math.abs(found.left[i]! - entry)).toBeLessThan(1e-10);
  });

  it('gives exact zeros beyond the rank', async () => {
    const oneColumn = Float32Array.from({ length: 600 }, (_, i) => (i % 20 === 3 ? 1 : 0));
    const { values } = await wideSvd(oneColumn, 30, 20, 5);
    expect([...values.slice(1)]).toEqual(Array(19).fill(0));
    expect(values[0]).toBeCloseTo(Math.sqrt(30), 13);
  });

  it('can be interrupted between panels', async () => {
    let pauses = 0;
    const interrupt = async (): Promise<void> => {
      if (++pauses === 2) throw new Error('stopped');
    };
    await expect(wideSvd(new Float32Array(4 * 2000), 4, 2000, 4, interrupt)).rejects.toThrow('stopped');
    expect(pauses).toBe(2);
  });

  it('refuses numbers that are not finite, and sizes that do not fit', async () => {
    await expect(wideSvd(Float32Array.of(1, NaN, 0, 1), 2, 2, 2)).rejects.toThrow('not finite');
    await expect(wideSvd(new Float32Array(5), 2, 3, 2)).rejects.toThrow('5 numbers are not 2 × 3');
  });
});
