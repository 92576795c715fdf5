// What block Krylov saves: products with A and Aᵀ until every one of the leading triplets has a residual of 1e-5·σ₁,
// against power iteration with deflation, on decaying spectra. The counts are printed, and so are the seconds that the
// float64 decompositions take.
import { describe, expect, test } from 'vitest';
import { fromMatrix } from '../../analysis/operators/matrix.ts';
import { random } from '../../analysis/random.ts';
import { singularValues } from '../../analysis/svd/singular-values.ts';
import { symmetricEigen } from '../../analysis/svd/symmetric-eigen.ts';
import { truncatedSvd } from '../../analysis/svd/truncated-svd.ts';
import { matrixWith } from '../svd/spectra.ts';
import { powerIteration } from './power-iteration.ts';

const ROWS = 400;
const COLS = 300;
const COUNT = 10;
const TOLERANCE = 1e-5;

const spectra: readonly (readonly [string, readonly number[]])[] = [
  ['0.8^i', Array.from({ length: COLS }, (_, i) => 0.8 ** i)],
  ['0.95^i', Array.from({ length: COLS }, (_, i) => 0.95 ** i)],
  ['1/(i+1)', Array.from({ length: COLS }, (_, i) => 1 / (i + 1))],
  ['1/√(i+1)', Array.from({ length: COLS }, (_, i) => 1 / Math.sqrt(i + 1))],
];

describe('products for ten triplets of a 400 × 300 operator', () => {
  test.each(spectra)(
    'are at least five times fewer than power iteration takes, spectrum %s',
    async (name, spectrum) => {
      const operator = fromMatrix(matrixWith(spectrum, ROWS, COLS, random(2, name)), ROWS, COLS);
      const { applications, converged } = await truncatedSvd(operator, {
        count: COUNT,
        tolerance: TOLERANCE,
        denseLimit: 0,
      });
      const { products: power } = await powerIteration(operator, COUNT, { tolerance: TOLERANCE });
      console.log(
        `${name}: block Krylov ${applications}, power iteration ${power} products: ${(power / applications).toFixed(1)} times fewer`,
      );
      expect(converged).toBe(COUNT);
      expect(power / applications).toBeGreaterThan(5);
    },
  );
});

describe('the float64 decompositions', () => {
  test.each([512, 1024])('of a %d-wide matrix', async (n) => {
    const draw = random(3, 'bench');
    const matrix = Float64Array.from({ length: n * n }, () => draw.normal());
    const timed = (name: string, run: () => unknown): void => {
      const start = performance.now();
      run();
      console.log(`${n} wide, ${name}: ${((performance.now() - start) / 1000).toFixed(2)} s`);
    };
    timed('eigenvalues', () => symmetricEigen(matrix, n, { vectors: 0 }));
    timed('eigenvalues and 20 vectors', () => symmetricEigen(matrix, n, { vectors: 20 }));
    timed('eigenvalues and all vectors', () => symmetricEigen(matrix, n));
    timed('singular values', () => singularValues(matrix, n, n));
  });
});
