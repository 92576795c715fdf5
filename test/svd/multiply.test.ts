import { describe, expect, it } from 'vitest';
import { random } from '../../analysis/random.ts';
import { addCombination, combine, innerProducts } from '../../analysis/svd/block-products.ts';
import { dot, gramOfRows, multiply } from '../../analysis/svd/multiply.ts';
import { rowDot } from './spectra.ts';

const draw = random(1, 'products');
const numbers = (count: number): Float64Array => Float64Array.from({ length: count }, () => draw.normal());

describe('products of small matrices', () => {
  it.each([
    [1, 1, 1],
    [2, 3, 5],
    [7, 9, 1030],
    [8, 4, 513],
  ])('equal the sums that define them: %d × %d × %d', (rows, inner, cols) => {
    const [a, b] = [numbers(rows * inner), numbers(inner * cols)];
    const product = multiply(a, b, rows, inner, cols);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < cols; j++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += a[i * inner + k]! * b[k * cols + j]!;
        expect(Math.abs(product[i * cols + j]! - sum)).toBeLessThan(1e-13);
      }
    }
  });

  it.each([1, 2, 5, 11])('of %d rows with one another are symmetric', (count) => {
    const a = numbers(count * 700);
    const gram = gramOfRows(a, count, 700);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < count; j++) {
        expect(Math.abs(gram[i * count + j]! - rowDot(a, i, a, j, 700))).toBeLessThan(1e-11);
        expect(gram[i * count + j]).toBe(gram[j * count + i]);
      }
    }
  });

  it('of two stretches of numbers use nothing outside them', () => {
    const a = Float64Array.of(9, 1, 2, 3, 4, 5, 9);
    expect(dot(a, 1, a, 1, 5)).toBe(55);
    expect(dot(a, 1, a, 1, 0)).toBe(0);
  });
});

describe('products of long vectors', () => {
  it.each([
    [1, 1, 10],
    [3, 5, 5000],
    [8, 6, 2048],
    [9, 7, 2049],
  ])('equal the sums that define them: %d rows, %d basis rows, %d long', (count, among, size) => {
    const x = numbers(count * size);
    const basis = Float32Array.from(numbers((among + 1) * size));
    const inner = innerProducts(x, count, basis, among, size);
    for (let r = 0; r < count; r++) {
      for (let p = 0; p < among; p++) {
        expect(Math.abs(inner[r * among + p]! - rowDot(x, r, basis, p, size))).toBeLessThan(1e-10);
      }
    }
    const coefficients = numbers(count * among);
    const expected = (r: number, c: number): number => {
      let sum = 0;
      for (let p = 0; p < among; p++) sum += coefficients[r * among + p]! * basis[p * size + c]!;
      return sum;
    };
    const combined = combine(coefficients, count, basis, among, size);
    const sum = x.slice();
    addCombination(sum, count, -2, coefficients, basis, among, size);
    for (const c of [0, size >> 1, size - 1]) {
      for (let r = 0; r < count; r++) {
        expect(Math.abs(combined[r * size + c]! - expected(r, c))).toBeLessThan(1e-5);
        expect(Math.abs(sum[r * size + c]! - x[r * size + c]! + 2 * expected(r, c))).toBeLessThan(1e-12);
      }
    }
  });
});
