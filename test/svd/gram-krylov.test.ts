import { describe, expect, it } from 'vitest';
import { fromMatrix } from '../../analysis/operators/matrix.ts';
import { random } from '../../analysis/random.ts';
import { certifiedResiduals, type Product, type Sides } from '../../analysis/svd/certify.ts';
import { gramKrylov } from '../../analysis/svd/gram-krylov.ts';
import { longVectors } from '../../analysis/svd/long-vectors.ts';
import { matrixWith, nonOrthonormality } from './spectra.ts';

const [ROWS, COLS, COUNT] = [600, 150, 10];
const OPTIONS = { count: COUNT, tolerance: 1e-4, blockSize: 4, basisLimit: 60, maxApplications: 4000 };

/** A map with this spectrum, counting its products. */
async function sidesOf(spectrum: readonly number[]): Promise<{ sides: Sides; products(): number }> {
  const operator = fromMatrix(matrixWith(spectrum, ROWS, COLS, random(5, 'gram')), ROWS, COLS);
  let products = 0;
  const product =
    (side: 'apply' | 'transpose', size: number): Product =>
    async (data, count) => {
      products += count;
      return (await operator[side]({ count, size, data: data.slice(0, count * size) })).data;
    };
  const sides = {
    apply: product('apply', COLS),
    transpose: product('transpose', ROWS),
    inputs: await longVectors(COLS),
    outputs: await longVectors(ROWS),
  };
  return { sides, products: () => products };
}

describe('block Lanczos on AᵀA', () => {
  it.each([
    ['decaying', Array.from({ length: COLS }, (_, i) => 0.95 ** i)],
    ['crowded behind one value', [1, ...Array.from({ length: COLS - 1 }, (_, i) => 0.05 - i / 4000)]],
    ['with copies of its values', Array.from({ length: COLS }, (_, i) => 1 / (1 + Math.floor(i / 6)))],
  ])('claims what products confirm, for a spectrum that is %s', async (_name, spectrum) => {
    const { sides, products } = await sidesOf(spectrum);
    const found = (await gramKrylov(sides, { ...OPTIONS, random: random(2) }))!;
    const { values, v, u } = found.claim!;
    for (const [i, value] of values.entries()) expect(Math.abs(value - spectrum[i]!)).toBeLessThan(1e-5);
    expect(nonOrthonormality(v, COUNT, COLS)).toBeLessThan(1e-5);
    expect(nonOrthonormality(u, COUNT, ROWS)).toBeLessThan(1e-5);
    expect(found.next).toBeLessThanOrEqual(spectrum[COUNT - 1]! + 1e-5);
    const residuals = await certifiedResiduals(found.claim!, sides, random(3));
    expect(Math.max(...residuals!)).toBeLessThan(OPTIONS.tolerance);
    expect(products()).toBeLessThan(OPTIONS.maxApplications);
  });

  it('knows what is too small beside the first value for it', async () => {
    const { sides } = await sidesOf([1, ...Array.from({ length: COLS - 1 }, (_, i) => 1e-4 / (i + 1))]);
    expect(await gramKrylov(sides, { ...OPTIONS, random: random(2) })).toBeUndefined();
  });

  it('ends where the products that it may make do', async () => {
    const { sides, products } = await sidesOf(Array.from({ length: COLS }, (_, i) => 1 - i / 1000));
    expect(await gramKrylov(sides, { ...OPTIONS, maxApplications: 100, random: random(2) })).toBeUndefined();
    expect(products()).toBeLessThan(130);
  });
});
