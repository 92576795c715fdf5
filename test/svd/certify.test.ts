import { describe, expect, it } from 'vitest';
import { random } from '../../analysis/random.ts';
import { CHECKS, certifiedResiduals, type Claim, type Sides } from '../../analysis/svd/certify.ts';
import { longVectors } from '../../analysis/svd/long-vectors.ts';
import { orthonormalRows } from './spectra.ts';

const [n, m, count] = [30, 40, 6];
const right = orthonormalRows(random(1), count, n);
const left = orthonormalRows(random(2), count, m);
const values = Float64Array.from({ length: count }, (_, i) => 0.8 ** i);

/** rows (total × from) times Σ σ_i end_i start_iᵀ. */
function product(rows: Float32Array, total: number, start: Float64Array, end: Float64Array): Float32Array {
  const [from, to] = [start.length / count, end.length / count];
  const out = new Float64Array(total * to);
  for (let r = 0; r < total; r++) {
    for (let i = 0; i < count; i++) {
      let inner = 0;
      for (let c = 0; c < from; c++) inner += rows[r * from + c]! * start[i * from + c]!;
      for (let c = 0; c < to; c++) out[r * to + c]! += values[i]! * inner * end[i * to + c]!;
    }
  }
  return Float32Array.from(out);
}

let products = 0;
const sides: Sides = {
  inputs: await longVectors(n),
  outputs: await longVectors(m),
  apply: async (rows, total) => ((products += total), product(rows, total, right, left)),
  transpose: async (rows, total) => ((products += total), product(rows, total, left, right)),
};
const truth: Claim = { values, v: Float32Array.from(right), u: Float32Array.from(left) };

/** The triplets with the second of them turned by a small angle on one side: a residual of σ_2 · angle. */
function turned(side: 'v' | 'u', angle: number): Claim {
  const size = side === 'v' ? n : m;
  const rows = Float64Array.from(truth[side]);
  const other = orthonormalRows(random(3), count + 1, size);
  for (let q = 0; q < count; q++) {
    let inner = 0;
    for (let c = 0; c < size; c++) inner += other[count * size + c]! * rows[q * size + c]!;
    for (let c = 0; c < size; c++) other[count * size + c]! -= inner * rows[q * size + c]!;
  }
  const norm = Math.hypot(...other.subarray(count * size));
  for (let c = 0; c < size; c++) {
    const outside = other[count * size + c]! / norm;
    rows[size + c] = Math.cos(angle) * rows[size + c]! + Math.sin(angle) * outside;
  }
  return { ...truth, [side]: Float32Array.from(rows) };
}

describe('residuals from products that triplets share', () => {
  it('are rounding for true triplets, and take the same few products however many there are', async () => {
    products = 0;
    const residuals = await certifiedResiduals(truth, sides, random(4));
    expect(products).toBe(2 * CHECKS);
    expect(residuals).toHaveLength(count);
    for (const residual of residuals!) {
      expect(residual).toBeGreaterThan(0);
      expect(residual).toBeLessThan(3e-6);
    }
  });

  it.each(['v', 'u'] as const)('understate a turned %s as rarely as they promise', async (side) => {
    const claim = turned(side, 1e-3);
    const residual = values[1]! * 1e-3;
    let [under, far] = [0, 0];
    for (let seed = 0; seed < 1000; seed++) {
      const reported = (await certifiedResiduals(claim, sides, random(seed, 'check')))!;
      // Whose error it is cannot be told: every triplet has it.
      expect(new Set(reported).size).toBe(1);
      if (reported[1]! < residual) under++;
      if (reported[1]! < residual / 10) far++;
    }
    expect(under).toBeLessThan(40);
    expect(far).toBe(0);
  });

  it('understate an error that all triplets share as rarely', async () => {
    const direction = orthonormalRows(random(5), 1, m);
    const shared: Sides = {
      ...sides,
      apply: async (rows, total) => {
        const images = await sides.apply(rows, total);
        for (let r = 0; r < total; r++) {
          let sum = 0;
          for (let c = 0; c < n; c++)
            for (let i = 0; i < count; i++) sum += 1e-3 * rows[r * n + c]! * right[i * n + c]!;
          for (let c = 0; c < m; c++) images[r * m + c]! += sum * direction[c]!;
        }
        return images;
      },
    };
    let under = 0;
    for (let seed = 0; seed < 500; seed++)
      if ((await certifiedResiduals(truth, shared, random(seed, 'shared')))![0]! < 1e-3) under++;
    expect(under).toBeLessThan(20);
  });

  it('leave an error that is known with the triplet that has it', async () => {
    // Aᵀ u of the second triplet is off by this much, and it is known to be.
    const off = orthonormalRows(random(5), 1, n).map((x) => 1e-3 * x);
    const errors = new Float32Array(count * n);
    errors.set(off, n);
    const skewed: Sides = {
      ...sides,
      transpose: async (rows, total) => {
        const images = await sides.transpose(rows, total);
        for (let r = 0; r < total; r++) {
          let inner = 0;
          for (let c = 0; c < m; c++) inner += rows[r * m + c]! * left[m + c]!;
          for (let c = 0; c < n; c++) images[r * n + c]! += inner * off[c]!;
        }
        return images;
      },
    };
    const residuals = (await certifiedResiduals({ ...truth, errors }, skewed, random(6)))!;
    for (const [i, residual] of residuals.entries()) {
      expect(residual).toBeGreaterThan(i === 1 ? 1e-3 - 1e-8 : 0);
      expect(residual).toBeLessThan(i === 1 ? 1.01e-3 : 3e-6);
    }
    const unknown = (await certifiedResiduals(truth, skewed, random(6)))!;
    expect(Math.min(...unknown)).toBeGreaterThan(1e-3);
  });

  it('are refused where a vector is there twice', async () => {
    const v = truth.v.slice();
    v.copyWithin(0, n, 2 * n);
    expect(await certifiedResiduals({ ...truth, v }, sides, random(7))).toBeUndefined();
  });
});
