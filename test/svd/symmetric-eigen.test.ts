import { describe, expect, it } from 'vitest';
import { random } from '../../analysis/random.ts';
import { symmetricEigen } from '../../analysis/svd/symmetric-eigen.ts';
import { nonOrthonormality, orthonormalRows } from './spectra.ts';

function randomSymmetric(n: number, seed = 1): Float64Array {
  const draw = random(seed, 'symmetric');
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = draw.normal();
  return a;
}

function withEigenvalues(values: readonly number[], seed = 2): Float64Array {
  const n = values.length;
  const q = orthonormalRows(random(seed, 'eigenvectors'), n, n);
  const a = new Float64Array(n * n);
  for (let t = 0; t < n; t++) {
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) a[i * n + j]! += values[t]! * q[t * n + i]! * q[t * n + j]!;
  }
  return a;
}

/** Largest ‖A q − λ q‖ relative to the largest |λ|. */
function residual(a: Float64Array, n: number, values: Float64Array, vectors: Float64Array): number {
  const scale = Math.max(Math.abs(values[0]!), Math.abs(values[n - 1]!)) || 1;
  let worst = 0;
  for (let t = 0; t < vectors.length / n; t++) {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      let x = 0;
      for (let j = 0; j < n; j++) x += a[i * n + j]! * vectors[t * n + j]!;
      sum += ((x - values[t]! * vectors[t * n + i]!) / scale) ** 2;
    }
    worst = Math.max(worst, Math.sqrt(sum));
  }
  return worst;
}

const n = 150;
const CASES: readonly (readonly [string, Float64Array, number])[] = [
  ...[1, 2, 3, 7, 31, 32, 33, 64, 65, 130].map(
    (size) => [`random, ${size} wide`, randomSymmetric(size), size] as const,
  ),
  ['the identity', withEigenvalues(Array<number>(40).fill(1)), 40],
  ['one of rank one', new Float64Array(100 * 100).fill(1), 100],
  [
    'a diagonal with repeats',
    Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? (i / (n + 1)) % 7 : 0)),
    n,
  ],
  ['clusters', withEigenvalues(Array.from({ length: n }, (_, i) => (i % 3) + 1e-13 * i)), n],
  ['sixteen decades', withEigenvalues(Array.from({ length: n }, (_, i) => 10 ** (-i / 9))), n],
  [
    'Wilkinson’s, whose values come in pairs',
    Float64Array.from({ length: 201 * 201 }, (_, i) => {
      const [r, c] = [Math.floor(i / 201), i % 201];
      return r === c ? Math.abs(r - 100) : Math.abs(r - c) === 1 ? 1 : 0;
    }),
    201,
  ],
  ['very small numbers', randomSymmetric(50).map((x) => x * 1e-300), 50],
  ['very large numbers', randomSymmetric(50).map((x) => x * 1e300), 50],
];

describe('the symmetric eigen-decomposition', () => {
  it.each(CASES)('solves %s to 1e-12', (_, a, size) => {
    const { values, vectors } = symmetricEigen(a, size);
    expect(vectors.length).toBe(size * size);
    for (let i = 1; i < size; i++) expect(values[i]!).toBeLessThanOrEqual(values[i - 1]!);
    expect(residual(a, size, values, vectors)).toBeLessThan(1e-12);
    expect(nonOrthonormality(vectors, size, size)).toBeLessThan(1e-12);
  });

  it.each(CASES)('finds the same values without vectors for %s', (_, a, size) => {
    const { values } = symmetricEigen(a, size);
    const alone = symmetricEigen(a, size, { vectors: 0 });
    const scale = Math.max(Math.abs(values[0]!), Math.abs(values[size - 1]!));
    expect(alone.vectors.length).toBe(0);
    for (let i = 0; i < size; i++) expect(Math.abs(values[i]! - alone.values[i]!) / scale).toBeLessThan(1e-13);
  });

  it.each(CASES)('finds a few leading vectors of %s', (_, a, size) => {
    const count = Math.ceil(size / 8);
    const { values, vectors } = symmetricEigen(a, size, { vectors: count });
    expect(vectors.length).toBe(count * size);
    expect(residual(a, size, values, vectors)).toBeLessThan(1e-12);
    expect(nonOrthonormality(vectors, count, size)).toBeLessThan(1e-12);
  });

  it('works in the matrix itself where it may', () => {
    const a = randomSymmetric(50);
    const expected = symmetricEigen(a, 50, { vectors: 3 });
    expect(symmetricEigen(a, 50, { vectors: 3, overwrite: true })).toEqual(expected);
    expect(a).not.toEqual(randomSymmetric(50));
  });

  it('finds the eigenvalues that a matrix was built from', () => {
    const known = Array.from({ length: 100 }, (_, i) => 50 - i);
    const { values } = symmetricEigen(withEigenvalues(known), 100);
    for (let i = 0; i < 100; i++) expect(Math.abs(values[i]! - known[i]!)).toBeLessThan(5e-12);
  });

  it('gives as many leading vectors as are asked for, the same as among all', () => {
    const a = randomSymmetric(90);
    const all = symmetricEigen(a, 90);
    const few = symmetricEigen(a, 90, { vectors: 4 });
    expect(few.vectors.length).toBe(4 * 90);
    for (let t = 0; t < 4; t++) {
      let inner = 0;
      for (let c = 0; c < 90; c++) inner += all.vectors[t * 90 + c]! * few.vectors[t * 90 + c]!;
      expect(Math.abs(inner)).toBeCloseTo(1, 11);
    }
    expect(symmetricEigen(a, 90, { vectors: 1000 }).vectors.length).toBe(90 * 90);
  });

  it('reads the lower triangle only, and leaves the matrix as it was', () => {
    const a = randomSymmetric(20);
    const lower = a.map((x, i) => (i % 20 > Math.floor(i / 20) ? 1e6 : x));
    const before = lower.slice();
    expect(symmetricEigen(lower, 20).values).toEqual(symmetricEigen(a, 20).values);
    expect(lower).toEqual(before);
  });

  it('refuses numbers that are not finite, and sizes that do not fit', () => {
    expect(() => symmetricEigen(Float64Array.of(1, NaN, NaN, 1), 2)).toThrow('not finite');
    expect(() => symmetricEigen(Float64Array.of(1, 0, Infinity, 1), 2)).toThrow('not finite');
    expect(() => symmetricEigen(new Float64Array(5), 2)).toThrow('5 numbers are not 2 × 2');
  });

  it('takes an empty matrix and a zero one', () => {
    expect(symmetricEigen(new Float64Array(0), 0).values.length).toBe(0);
    const { values, vectors } = symmetricEigen(new Float64Array(9), 3);
    expect([...values]).toEqual([0, 0, 0]);
    expect(nonOrthonormality(vectors, 3, 3)).toBe(0);
  });
});
