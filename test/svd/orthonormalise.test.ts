import { describe, expect, it } from 'vitest';
import { random } from '../../analysis/random.ts';
import { orthonormalise } from '../../analysis/svd/orthonormalise.ts';
import { nonOrthonormality, rowDot } from './spectra.ts';

const size = 500;

/** Largest difference between a block and its reconstruction, and between the rows together and an orthonormal set. */
function reconstruct(
  block: Float32Array,
  count: number,
  found: ReturnType<typeof orthonormalise>,
  basis: Float32Array,
  among: number,
): number {
  let worst = 0;
  for (let r = 0; r < count; r++) {
    for (let c = 0; c < size; c++) {
      let sum = 0;
      for (let i = 0; i < among; i++) sum += found.against[r * among + i]! * basis[i * size + c]!;
      for (let i = 0; i < found.rank; i++) sum += found.within[r * found.rank + i]! * found.rows[i * size + c]!;
      worst = Math.max(worst, Math.abs(sum - block[r * size + c]!));
    }
  }
  return worst;
}

describe('the orthonormal basis of a block', () => {
  it('spans the block: block = within · rows', () => {
    const block = random(1).normals(7 * size);
    const found = orthonormalise(block, 7, size);
    expect(found.rank).toBe(7);
    expect(nonOrthonormality(found.rows, 7, size)).toBeLessThan(1e-6);
    expect(reconstruct(block, 7, found, new Float32Array(0), 0)).toBeLessThan(1e-6);
  });

  it('is orthogonal to a basis, and gives the coefficients along it', () => {
    const basis = orthonormalise(random(2).normals(5 * size), 5, size).rows;
    const block = random(3).normals(4 * size);
    const found = orthonormalise(block, 4, size, { basis: { rows: basis, count: 5 } });
    const together = Float32Array.of(...basis, ...found.rows);
    expect(nonOrthonormality(together, 9, size)).toBeLessThan(1e-6);
    expect(reconstruct(block, 4, found, basis, 5)).toBeLessThan(1e-6);
  });

  it('drops rows that add no more than the given length', () => {
    const block = random(4).normals(5 * size);
    for (let c = 0; c < size; c++) {
      block[2 * size + c] = 2 * block[c]! - block[size + c]!;
      block[4 * size + c] = 0;
    }
    const found = orthonormalise(block, 5, size, { drop: 1e-4 });
    expect(found.rank).toBe(3);
    expect(nonOrthonormality(found.rows, 3, size)).toBeLessThan(1e-6);
    expect(reconstruct(block, 5, found, new Float32Array(0), 0)).toBeLessThan(1e-5);
  });

  it('stays orthonormal when rows are nearly dependent on the basis and on each other', () => {
    const basis = orthonormalise(random(5).normals(3 * size), 3, size).rows;
    const noise = random(6).normals(3 * size);
    const block = Float32Array.from(
      { length: 3 * size },
      (_, i) => basis[i % size]! + 3 * basis[size + (i % size)]! + 1e-5 * noise[i]!,
    );
    const found = orthonormalise(block, 3, size, { basis: { rows: basis, count: 3 } });
    expect(found.rank).toBe(3);
    expect(nonOrthonormality(Float32Array.of(...basis, ...found.rows), 6, size)).toBeLessThan(1e-6);
  });

  it('takes a basis that has room to grow', () => {
    const rows = new Float32Array(6 * size);
    rows.set(orthonormalise(random(7).normals(2 * size), 2, size).rows);
    const found = orthonormalise(random(8).normals(size), 1, size, { basis: { rows, count: 2 } });
    expect(found.against.length).toBe(2);
    for (let i = 0; i < 2; i++) expect(Math.abs(rowDot(found.rows, 0, rows, i, size))).toBeLessThan(1e-7);
  });

  it('finds nothing in a zero block', () => {
    expect(orthonormalise(new Float32Array(3 * size), 3, size).rank).toBe(0);
  });
});
