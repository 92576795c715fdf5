import { describe, expect, it } from 'vitest';
import { fromMatrix } from '../../analysis/operators/matrix.ts';
import type { Block, LinearOperator } from '../../analysis/operators/operator.ts';
import { random } from '../../analysis/random.ts';
import { truncatedSvd } from '../../analysis/svd/truncated-svd.ts';
import type { TruncatedSvd } from '../../analysis/svd/truncated-svd.ts';
import { smallSvd } from '../../analysis/svd/small-svd.ts';
import { expectTriplets, matrixWith, nonOrthonormality, orthonormalRows, SPECTRA } from './spectra.ts';

/** Spectra large enough for the iteration to be one; the small ones of SPECTRA run through it as well. */
const LARGE: readonly (readonly [string, number, number, readonly number[]])[] = [
  ['decaying, large', 260, 220, Array.from({ length: 220 }, (_, i) => 0.93 ** i)],
  ['slowly decaying, large', 200, 260, Array.from({ length: 200 }, (_, i) => 1 / Math.sqrt(i + 1))],
  [
    'stepped, large',
    200,
    180,
    [...Array<number>(20).fill(2), ...Array<number>(40).fill(1), ...Array<number>(60).fill(0.1)],
  ],
  ['an identity, large', 150, 150, Array<number>(150).fill(1)],
  ['of rank seven, large', 220, 200, [7, 6, 5, 4, 3, 2, 1]],
  ['decaying, tall', 700, 180, Array.from({ length: 180 }, (_, i) => 0.93 ** i)],
  ['crowded behind one value, tall', 900, 200, [1, ...Array.from({ length: 199 }, (_, i) => 0.3 - i / 2000)]],
  ['crowded behind one value, wide', 200, 900, [1, ...Array.from({ length: 199 }, (_, i) => 0.3 - i / 2000)]],
  [
    'stepped, wide',
    180,
    600,
    [...Array<number>(20).fill(2), ...Array<number>(40).fill(1), ...Array<number>(60).fill(0.1)],
  ],
  ['an identity, tall', 500, 150, Array<number>(150).fill(1)],
  ['of rank seven, tall', 500, 200, [7, 6, 5, 4, 3, 2, 1]],
  ['of one value and next to nothing, tall', 600, 180, [1, ...Array.from({ length: 179 }, (_, i) => 2e-3 / (i + 1))]],
];

function check(
  matrix: Float64Array,
  rows: number,
  cols: number,
  spectrum: readonly number[],
  found: TruncatedSvd,
): void {
  const { singularValues: values, inputDirections, outputDirections, residuals, converged } = found;
  const scale = spectrum[0] ?? 1;
  expect(inputDirections).toMatchObject({ count: values.length, size: cols });
  expect(outputDirections).toMatchObject({ count: values.length, size: rows });
  expectTriplets(matrix, rows, cols, { values, left: outputDirections.data, right: inputDirections.data }, 1.2e-5);
  const truth = trueResiduals(matrix, rows, cols, found);
  for (const [i, value] of values.entries()) {
    expect(Math.abs(value - (spectrum[i] ?? 0)) / scale).toBeLessThan(1e-6);
    expect(truth[i]! / scale).toBeLessThanOrEqual(residuals[i]! + 3e-7);
    expect(residuals[i]!).toBeLessThanOrEqual(1e-5);
  }
  expect(converged).toBe(values.length);
}

/** max(‖A v − σ u‖, ‖Aᵀ u − σ v‖) of every triplet, in float64; `adjoint` stands for the matrix that Aᵀ is the transpose of. */
function trueResiduals(
  matrix: Float64Array,
  rows: number,
  cols: number,
  { singularValues: values, inputDirections: v, outputDirections: u }: TruncatedSvd,
  adjoint = matrix,
): number[] {
  return Array.from(values, (value, t) => {
    const forward = Array.from({ length: rows }, (_, i) => -value * u.data[t * rows + i]!);
    const backward = Array.from({ length: cols }, (_, j) => -value * v.data[t * cols + j]!);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < cols; j++) {
        forward[i]! += matrix[i * cols + j]! * v.data[t * cols + j]!;
        backward[j]! += adjoint[i * cols + j]! * u.data[t * rows + i]!;
      }
    }
    return Math.max(Math.hypot(...forward), Math.hypot(...backward));
  });
}

describe.each([
  ['written out', { denseLimit: 1000 }],
  ['iterated', { denseLimit: 0 }],
] as const)('the truncated SVD, %s', (way, options) => {
  it.each([...SPECTRA, ...LARGE])('obeys the laws for a spectrum that is %s', async (name, rows, cols, spectrum) => {
    const matrix = matrixWith(spectrum, rows, cols, random(11, name));
    const count = Math.min(12, Math.ceil(Math.min(rows, cols) / 5));
    const found = await truncatedSvd(fromMatrix(matrix, rows, cols), { count, random: random(1), ...options });
    expect(found.singularValues.length).toBe(count);
    check(matrix, rows, cols, spectrum, found);
    const { remainder } = found;
    const energy = spectrum.slice(count).reduce((sum, x) => sum + x * x, 0);
    const scale = (spectrum[0] ?? 1) ** 2;
    if (remainder.exact) expect(Math.abs(remainder.energy - energy) / scale).toBeLessThan(1e-6);
    // The standard error is itself an estimate from few probes.
    else
      expect(Math.abs(remainder.energy - energy)).toBeLessThan(
        5 * remainder.standardError + 1e-6 * scale + 0.3 * energy,
      );
    expect(remainder.largest / Math.sqrt(scale)).toBeCloseTo(
      (spectrum[count] ?? 0) / Math.sqrt(scale),
      way === 'iterated' ? 1 : 6,
    );
  });

  it('gives no more triplets than the smaller side has', async () => {
    const matrix = matrixWith([3, 2, 1], 3, 40, random(12));
    const found = await truncatedSvd(fromMatrix(matrix, 3, 40), { count: 10, ...options });
    expect(found.singularValues.length).toBe(3);
    check(matrix, 3, 40, [3, 2, 1], found);
    expect(found.remainder).toMatchObject({ largest: 0 });
  });

  it('reports zeros beyond the rank as zeros, with vectors that the map sends to zero', async () => {
    const matrix = matrixWith([4, 2], 60, 50, random(13));
    const found = await truncatedSvd(fromMatrix(matrix, 60, 50), { count: 6, ...options });
    expect([...found.singularValues.slice(2)]).toEqual([0, 0, 0, 0]);
    check(matrix, 60, 50, [4, 2], found);
    expect(found.groups).toEqual([0, 1, 2, 2, 2, 2]);
  });

  it('leaves maps alone whose squares float32 does not hold, or that are zero, and finds them as it finds others', async () => {
    const matrix = matrixWith(
      Array.from({ length: 200 }, (_, i) => 0.9 ** i),
      600,
      200,
      random(23),
    );
    const usual = await truncatedSvd(fromMatrix(matrix, 600, 200), { count: 6 });
    for (const factor of [1e20, 1e-25]) {
      const scaled = fromMatrix(
        matrix.map((x) => x * factor),
        600,
        200,
      );
      const found = await truncatedSvd(scaled, { count: 6 });
      expect(found.converged).toBe(6);
      expect(found.applications).toBeLessThan(2 * usual.applications);
      found.singularValues.forEach((value, i) => expect(value / factor / usual.singularValues[i]!).toBeCloseTo(1, 4));
    }
    const nothing = await truncatedSvd(fromMatrix(new Float64Array(600 * 200), 600, 200), { count: 6 });
    expect([...nothing.singularValues]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(nothing.applications).toBeLessThan(100);
  });

  it('finds every copy of a value that is repeated more often than a block is wide', async () => {
    const spectrum = [...Array<number>(9).fill(2), ...Array<number>(30).fill(1)];
    const matrix = matrixWith(spectrum, 120, 100, random(14));
    const found = await truncatedSvd(fromMatrix(matrix, 120, 100), {
      count: 12,
      blockSize: 3,
      random: random(2),
      ...options,
    });
    check(matrix, 120, 100, spectrum, found);
    expect(found.groups).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9]);
  });

  it('finds nothing in a map that sends everything to zero', async () => {
    const found = await truncatedSvd(fromMatrix(new Float64Array(60 * 50), 60, 50), { count: 8, ...options });
    expect([...found.singularValues, ...found.residuals]).toEqual(Array(16).fill(0));
    expect(nonOrthonormality(found.inputDirections.data, 8, 50)).toBeLessThan(1e-6);
    expect(nonOrthonormality(found.outputDirections.data, 8, 60)).toBeLessThan(1e-6);
    expect(found.remainder).toMatchObject({ largest: 0, energy: 0 });
  });

  // What is wrong: everything a little, one of the wanted triplets, one that is not wanted.
  it.each([
    ['everywhere', undefined],
    ['in the third triplet', 2],
    ['beside the wanted triplets', 30],
  ] as const)('certifies with true products: a transpose that is wrong by a thousandth %s shows', async (_, where) => {
    const [rows, cols] = [120, 100];
    const spectrum = Array.from({ length: 60 }, (__, i) => 0.9 ** i);
    const matrix = matrixWith(spectrum, rows, cols, random(20));
    const right = fromMatrix(matrix, rows, cols);
    const exact = smallSvd(matrix, rows, cols);
    const [a, b] =
      where === undefined
        ? [orthonormalRows(random(21), 1, rows), orthonormalRows(random(22), 1, cols)]
        : [
            exact.left.subarray(where * rows, (where + 1) * rows),
            exact.right.subarray((where + 5) * cols, (where + 6) * cols),
          ];
    const wrong = matrix.map((x, i) => x + 1e-3 * a[Math.floor(i / cols)]! * b[i % cols]!);
    const operator = { ...right, transpose: fromMatrix(wrong, rows, cols).transpose };
    const found = await truncatedSvd(operator, { count: 8, tolerance: 1e-5, ...options });
    const truth = trueResiduals(matrix, rows, cols, found, wrong);
    for (const [i, residual] of found.residuals.entries()) expect(residual).toBeGreaterThan(truth[i]! - 1e-6);
    const worst = Math.max(...found.residuals);
    if (where === 30) {
      // Nothing that was asked for is wrong.
      expect(worst).toBeLessThan(1e-5);
      return;
    }
    expect(worst).toBeGreaterThan(where === undefined ? 2e-5 : 9e-4);
    expect(found.converged).toBeLessThan(8);
  });

  it('does not take its own bookkeeping for the map: products that change after the iteration show', async () => {
    const [rows, cols, count] = [120, 100, 8];
    const matrix = matrixWith(
      Array.from({ length: 60 }, (_, i) => 0.9 ** i),
      rows,
      cols,
      random(24),
    );
    const later = matrix.map((x, i) => x + (i === 7 ? 0.05 : 0));
    const [before, after] = [fromMatrix(matrix, rows, cols), fromMatrix(later, rows, cols)];
    const run = (changes: number): Promise<TruncatedSvd> => {
      let products = 0;
      const choose = (): LinearOperator => (products > changes ? after : before);
      const operator: LinearOperator = {
        ...before,
        apply: (block) => ((products += block.count), choose().apply(block)),
        transpose: (block) => ((products += block.count), choose().transpose(block)),
      };
      return truncatedSvd(operator, { count, random: random(25), ...options });
    };
    const { applications, converged, remainder } = await run(Infinity);
    expect(converged).toBe(count);
    // The last four products with Aᵀ, and those with A that estimate the remainder.
    const found = await run(applications - 4 - (remainder.exact ? 0 : 6));
    expect(found.converged).toBeLessThan(count);
    expect(Math.max(...found.residuals)).toBeGreaterThan(1e-3);
  });

  it('is deterministic for a seed', async () => {
    const matrix = matrixWith(LARGE[0]![3], 260, 220, random(15));
    const run = () => truncatedSvd(fromMatrix(matrix, 260, 220), { count: 5, random: random(3), ...options });
    expect(await run()).toEqual(await run());
  });

  it('counts the products that it makes, and never asks for more at once than the block size', async () => {
    const matrix = matrixWith(LARGE[0]![3], 260, 220, random(16));
    const inner = fromMatrix(matrix, 260, 220);
    let products = 0;
    let widest = 0;
    const watch = (product: (block: Block) => Promise<Block>) => (block: Block) => {
      products += block.count;
      widest = Math.max(widest, block.count);
      expect(block.data.length).toBe(block.count * block.size);
      return product(block);
    };
    const operator: LinearOperator = { ...inner, apply: watch(inner.apply), transpose: watch(inner.transpose) };
    const found = await truncatedSvd(operator, { count: 5, blockSize: 6, ...options });
    expect(found.applications).toBe(products);
    expect(widest).toBeLessThanOrEqual(6);
  });

  it('refuses a map that returns numbers that are not finite', async () => {
    const operator = fromMatrix(
      Float64Array.from({ length: 400 }, (_, i) => (i === 7 ? NaN : 1)),
      20,
      20,
    );
    await expect(truncatedSvd(operator, { count: 2, ...options })).rejects.toThrow('not finite');
  });
});

describe('the truncated SVD', () => {
  it('finds the same triplets written out and iterated', async () => {
    const matrix = matrixWith(LARGE[0]![3], 260, 220, random(17));
    const operator = fromMatrix(matrix, 260, 220);
    const exact = await truncatedSvd(operator, { count: 8, denseLimit: 1000 });
    const iterated = await truncatedSvd(operator, { count: 8, denseLimit: 0 });
    for (let i = 0; i < 8; i++) {
      expect(iterated.singularValues[i]!).toBeCloseTo(exact.singularValues[i]!, 7);
      for (let c = 0; c < 220; c++) {
        const [a, b] = [iterated.inputDirections.data[i * 220 + c]!, exact.inputDirections.data[i * 220 + c]!];
        expect(Math.abs(a - b)).toBeLessThan(5e-4);
      }
    }
  });

  it('keeps going through restarts when it may keep few vectors', async () => {
    const spectrum = Array.from({ length: 220 }, (_, i) => 1 / Math.sqrt(i + 1));
    const matrix = matrixWith(spectrum, 260, 220, random(18));
    const memory = 4 * (260 + 220) * 20;
    const found = await truncatedSvd(fromMatrix(matrix, 260, 220), { count: 6, blockSize: 4, memory, denseLimit: 0 });
    check(matrix, 260, 220, spectrum, found);
  });

  it('stops at the given number of products and says how many triplets stand', async () => {
    const spectrum = Array.from({ length: 220 }, (_, i) => 1 - i / 400);
    const matrix = matrixWith(spectrum, 260, 220, random(19));
    const found = await truncatedSvd(fromMatrix(matrix, 260, 220), { count: 6, maxApplications: 40, denseLimit: 0 });
    expect(found.applications).toBeLessThan(90);
    expect(found.converged).toBeLessThan(6);
    for (const [i, residual] of found.residuals.entries()) expect(residual <= 1e-5).toBe(i < found.converged);
  });

  it('shares the given number of products between the two iterations of a map with one longer side', async () => {
    const spectrum = Array.from({ length: 220 }, (_, i) => 1 - i / 400);
    const matrix = matrixWith(spectrum, 660, 220, random(19));
    const found = await truncatedSvd(fromMatrix(matrix, 660, 220), { count: 6, maxApplications: 60, denseLimit: 0 });
    expect(found.converged).toBeLessThan(6);
    expect(found.applications).toBeLessThan(110);
  });

  it('writes a map with few outputs out, at one product an output, and certifies it', async () => {
    const matrix = matrixWith([3, 2, 1], 10, 500, random(21));
    const found = await truncatedSvd(fromMatrix(matrix, 10, 500), { count: 4 });
    expect(found.applications).toBe(10 + 4);
    expect(found.remainder.exact).toBe(true);
  });

  it('certifies many triplets by products that they share', async () => {
    const spectrum = Array.from({ length: 100 }, (_, i) => 1 / (i + 1));
    const matrix = matrixWith(spectrum, 100, 120, random(23));
    const found = await truncatedSvd(fromMatrix(matrix, 100, 120), { count: 60 });
    expect(found.applications).toBe(100 + 4);
    check(matrix, 100, 120, spectrum, found);
  });

  it.each([1e-4, 1e-5])('takes few products for many values of a crowded spectrum at %f', async (tolerance) => {
    const spectrum = Array.from({ length: 400 }, (_, i) => 1 / (1 + i / 50));
    const operator = fromMatrix(matrixWith(spectrum, 420, 400, random(26)), 420, 400);
    const found = await truncatedSvd(operator, { count: 40, tolerance, denseLimit: 0 });
    expect(found.converged).toBe(40);
    expect(found.applications).toBeLessThan(300);
  });
});
