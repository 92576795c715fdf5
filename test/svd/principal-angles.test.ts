import { describe, expect, it } from 'vitest';
import { random } from '../../analysis/random.ts';
import { principalAngles } from '../../analysis/svd/principal-angles.ts';
import { orthonormalRows } from './spectra.ts';

describe('principal angles', () => {
  it('are the angles that two planes were built with', () => {
    const size = 40;
    const e = orthonormalRows(random(1), 6, size);
    const angles = [1e-9, 0.3, 1.2];
    const b = new Float64Array(3 * size);
    for (const [i, angle] of angles.entries()) {
      for (let c = 0; c < size; c++) {
        b[i * size + c] = Math.cos(angle) * e[i * size + c]! + Math.sin(angle) * e[(3 + i) * size + c]!;
      }
    }
    const found = principalAngles(e.subarray(0, 3 * size), 3, b, 3, size);
    for (const [i, angle] of angles.entries()) expect(Math.abs(found[i]! - angle)).toBeLessThan(1e-13);
  });

  it('are zero between two bases of one subspace, and do not depend on the basis', () => {
    const size = 30;
    const a = orthonormalRows(random(2), 4, size);
    const mix = orthonormalRows(random(3), 4, 4);
    const b = new Float64Array(4 * size);
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 4; j++) for (let c = 0; c < size; c++) b[i * size + c]! += mix[i * 4 + j]! * a[j * size + c]!;
    }
    expect(Math.max(...principalAngles(a, 4, b, 4, size))).toBeLessThan(1e-14);
    // Vectors that were stored as float32 are orthonormalised again: what is left is their own rounding.
    expect(Math.max(...principalAngles(Float32Array.from(a), 4, Float32Array.from(b), 4, size))).toBeLessThan(1e-6);
  });

  it('are right angles between orthogonal subspaces, and as many as the smaller one has dimensions', () => {
    const e = orthonormalRows(random(4), 5, 20);
    const found = principalAngles(e.subarray(0, 60), 3, e.subarray(60), 2, 20);
    expect(found.length).toBe(2);
    for (const angle of found) expect(angle).toBeCloseTo(Math.PI / 2, 12);
    expect(principalAngles(e.subarray(0, 20), 1, e, 5, 20)[0]!).toBeLessThan(1e-14);
  });

  it('refuse more vectors than dimensions', () => {
    expect(() => principalAngles(new Float64Array(6), 3, new Float64Array(2), 1, 2)).toThrow('cannot be orthonormal');
  });
});
