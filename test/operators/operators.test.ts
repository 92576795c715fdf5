import { describe, expect, it } from 'vitest';
import { compose } from '../../analysis/operators/compose.ts';
import { fromMatrix, scaledRows, toMatrix } from '../../analysis/operators/matrix.ts';
import type { LinearOperator } from '../../analysis/operators/operator.ts';
import { adjointness, linearity, randomBlock } from '../../analysis/operators/probe.ts';
import { stack } from '../../analysis/operators/stack.ts';
import { transposed } from '../../analysis/operators/transposed.ts';
import { random } from '../../analysis/random.ts';

const draw = (rows: number, cols: number, seed: number): Float32Array => random(seed, 'matrix').normals(rows * cols);
const a = draw(4, 6, 1);
const b = draw(3, 4, 2);
const c = draw(5, 6, 3);

function product(
  left: ArrayLike<number>,
  right: ArrayLike<number>,
  rows: number,
  inner: number,
  cols: number,
): number[] {
  return Array.from({ length: rows * cols }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += left[Math.floor(at / cols) * inner + k]! * right[k * cols + (at % cols)]!;
    return sum;
  });
}

/** Name, operator and the matrix that it should be. */
const FAMILY: readonly (readonly [string, LinearOperator, readonly number[]])[] = [
  ['a matrix', fromMatrix(a, 4, 6), [...a]],
  [
    'a transpose',
    transposed(fromMatrix(a, 4, 6)),
    Array.from({ length: 24 }, (_, i) => a[(i % 4) * 6 + Math.floor(i / 4)]!),
  ],
  ['a composition', compose(fromMatrix(a, 4, 6), fromMatrix(b, 3, 4)), product(b, a, 3, 4, 6)],
  ['a stack', stack([fromMatrix(a, 4, 6), fromMatrix(c, 5, 6)]), [...a, ...c]],
  [
    'scaled rows',
    scaledRows(fromMatrix(a, 4, 6), [1, -2, 0, 3]),
    Array.from(a, (x, i) => [1, -2, 0, 3][Math.floor(i / 6)]! * x),
  ],
];

describe.each(FAMILY)('%s as an operator', (_, operator, matrix) => {
  it('is the matrix that it should be', async () => {
    const dense = await toMatrix(operator, { blockSize: 4 });
    expect(dense.length).toBe(matrix.length);
    for (const [i, x] of matrix.entries()) expect(dense[i]!).toBeCloseTo(x, 5);
  });

  it('agrees with its dense form on both sides', async () => {
    const [rows, cols] = [operator.codomain[0]!, operator.domain[0]!];
    const dense = fromMatrix(await toMatrix(operator), rows, cols);
    const x = randomBlock(random(5), 3, cols);
    const y = randomBlock(random(6), 3, rows);
    const [ahead, back] = [await operator.apply(x), await operator.transpose(y)];
    expect(ahead).toMatchObject({ count: 3, size: rows });
    expect(back).toMatchObject({ count: 3, size: cols });
    for (const [i, value] of (await dense.apply(x)).data.entries()) expect(ahead.data[i]!).toBeCloseTo(value, 4);
    for (const [i, value] of (await dense.transpose(y)).data.entries()) expect(back.data[i]!).toBeCloseTo(value, 4);
  });

  it('is adjoint and linear', async () => {
    expect(await adjointness(operator, random(7))).toBeLessThan(1e-6);
    expect(await linearity(operator, random(8))).toBeLessThan(1e-6);
  });
});

describe('the probes', () => {
  it('see a transpose that does not fit', async () => {
    const operator = fromMatrix(a, 4, 6);
    const wrong = {
      ...operator,
      transpose: fromMatrix(
        a.map((x) => 1.01 * x),
        4,
        6,
      ).transpose,
    };
    expect(await adjointness(wrong, random(9))).toBeGreaterThan(1e-4);
  });

  it('see a map that is not linear', async () => {
    const operator = fromMatrix(a, 4, 6);
    const shifted: LinearOperator = {
      ...operator,
      apply: async (block) => {
        const image = await operator.apply(block);
        return { ...image, data: image.data.map((x) => x + 0.1) };
      },
    };
    expect(await linearity(shifted, random(10))).toBeGreaterThan(1e-3);
  });

  it('see numbers that are not numbers', async () => {
    expect(
      await adjointness(
        fromMatrix(
          a.map(() => NaN),
          4,
          6,
        ),
        random(11),
      ),
    ).toBeNaN();
  });

  it('call the zero operator adjoint and linear', async () => {
    const zero = fromMatrix(new Float32Array(12), 3, 4);
    expect(await adjointness(zero, random(12))).toBe(0);
    expect(await linearity(zero, random(13))).toBe(0);
  });
});

describe('operators that do not fit together', () => {
  it('are refused', () => {
    expect(() => compose(fromMatrix(a, 4, 6), fromMatrix(c, 5, 6))).toThrow(
      'operator 1 takes [6], the one before it gives [4]',
    );
    expect(() => stack([fromMatrix(a, 4, 6), fromMatrix(b, 3, 4)])).toThrow('operator 1 takes [4], the first one [6]');
    expect(() => fromMatrix(a, 5, 5)).toThrow('24 numbers are not 5 × 5');
    expect(() => scaledRows(fromMatrix(a, 4, 6), [1])).toThrow('1 factors for an output of [4]');
  });
});
