// The Toeplitz spectrum against the convolution written out as a matrix on images with circular boundary.
import { describe, expect, it } from 'vitest';
import { toeplitzSpectrum } from '../../analysis/methods/toeplitz-spectrum.ts';
import { random } from '../../analysis/random.ts';
import { smallSvd } from '../../analysis/svd/small-svd.ts';

/** Y(o, p) = Σ W[o, c, t] X(c, p + d·t mod n), as a matrix; groups side by side on the diagonal. */
function circulant(weight: Float32Array, [O, C, kh, kw]: number[], [h, w]: number[], groups: number, dilation: number) {
  const [rows, columns] = [O! * h! * w!, C! * groups * h! * w!];
  const matrix = new Float64Array(rows * columns);
  for (let o = 0; o < O!; o++) {
    const group = Math.floor(o / (O! / groups));
    for (let c = 0; c < C!; c++) {
      for (let y = 0; y < kh!; y++) {
        for (let x = 0; x < kw!; x++) {
          for (let p = 0; p < h! * w!; p++) {
            const row = (Math.floor(p / w!) + dilation * y) % h!;
            const column = ((p % w!) + dilation * x) % w!;
            const at = (o * h! * w! + p) * columns + ((group * C! + c) * h! + row) * w! + column;
            matrix[at]! += weight[((o * C! + c) * kh! + y) * kw! + x]!;
          }
        }
      }
    }
  }
  return smallSvd(matrix, rows, columns).values;
}

describe('the spectrum of a convolution on whole images', () => {
  it.each([
    { shape: [3, 2, 3, 3], size: [5, 4], groups: 1, dilation: 1 },
    { shape: [2, 4, 2, 3], size: [4, 6], groups: 1, dilation: 1 },
    { shape: [4, 2, 3, 3], size: [5, 5], groups: 2, dilation: 1 },
    { shape: [2, 2, 2, 2], size: [5, 6], groups: 1, dilation: 2 },
    { shape: [3, 1, 3, 3], size: [4, 4], groups: 3, dilation: 1 },
    { shape: [3, 2, 1, 1], size: [4, 3], groups: 1, dilation: 1 },
    { shape: [1, 3, 3, 2], size: [4, 5], groups: 1, dilation: 1 },
  ])('is that of the circulant matrix: $shape on $size, $groups groups, dilation $dilation', (given) => {
    const { shape, size, groups, dilation } = given;
    const data = random(3, 'toeplitz').normals(shape.reduce((a, b) => a * b));
    const expected = circulant(data, shape, size, groups, dilation);
    const options = { strides: [1, 1], dilations: [dilation, dilation], groups };
    const { values, reason } = toeplitzSpectrum({ data, shape }, size, options);
    expect(reason).toBeNull();
    expect(values).toHaveLength(expected.length);
    for (const [i, value] of values.entries())
      expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-12 * expected[0]!);
  });

  it('is left out, with the reason, where the stride is not 1 or nothing can be afforded', () => {
    const weight = { data: new Float32Array(4 * 4 * 9).fill(1), shape: [4, 4, 3, 3] };
    const options = { strides: [1, 1], dilations: [1, 1], groups: 1 };
    expect(toeplitzSpectrum(weight, [8, 8], { ...options, strides: [2, 2] })).toEqual({
      values: [],
      reason: 'the stride is not 1, so the map does not commute with shifts',
    });
    expect(toeplitzSpectrum(weight, [8, 8], options, 100).values).toEqual([]);
    expect(toeplitzSpectrum(weight, [8, 8], options, 100).reason).toContain('take too long');
  });

  it('of a smaller image stands for a large one, and says so', () => {
    const data = random(4).normals(2 * 2 * 9);
    const options = { strides: [1, 1], dilations: [1, 1], groups: 1 };
    const { values, reason } = toeplitzSpectrum({ data, shape: [2, 2, 3, 3] }, [40, 40], options, 5000);
    const [, height, width] = /for images of (\d+) × (\d+)/.exec(reason!)!;
    expect(Number(height)).toBeLessThan(40);
    const smaller = toeplitzSpectrum({ data, shape: [2, 2, 3, 3] }, [Number(height), Number(width)], options);
    expect(values).toEqual(smaller.values);
  });
});
