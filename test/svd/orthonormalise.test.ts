import { afterAll, describe, expect, it } from 'vitest';
import { chooseBackend, probeBackends } from '../../analysis/kernels/choose.ts';
import { random } from '../../analysis/random.ts';
import { longVectors } from '../../analysis/svd/long-vectors.ts';
import { orthonormalise, orthonormaliseOff } from '../../analysis/svd/orthonormalise.ts';
import { nonOrthonormality, rowDot } from './spectra.ts';

const size = 500;

/** Largest difference between a block and its reconstruction, and between the rows together and an orthonormal set. */
function reconstruct(
  block: Float32Array,
  count: number,
  found: ReturnType<typeof orthonormalise> & { along?: Float64Array },
  basis: Float32Array = new Float32Array(0),
  among = 0,
): number {
  let worst = 0;
  for (let r = 0; r < count; r++) {
    for (let c = 0; c < size; c++) {
      let sum = 0;
      for (let i = 0; i < among; i++) sum += found.along![r * among + i]! * basis[i * size + c]!;
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
    expect(reconstruct(block, 7, found)).toBeLessThan(1e-6);
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
    expect(reconstruct(block, 5, found)).toBeLessThan(1e-5);
  });

  it('finds nothing in a zero block', () => {
    expect(orthonormalise(new Float32Array(3 * size), 3, size).rank).toBe(0);
  });
});

const backends = await Promise.all(
  (await probeBackends()).filter(({ loads }) => loads).map(({ id }) => chooseBackend(id)),
);
afterAll(() => Promise.all(backends.map((backend) => backend.dispose())));

describe.each([['in loops', undefined] as const, ...backends.map((backend) => [`on ${backend.id}`, backend] as const)])(
  'the orthonormal basis of a block beside a basis, %s',
  async (_, backend) => {
    const vectors = await longVectors(size, backend);
    afterAll(() => vectors.dispose());

    it('is orthogonal to a basis, and gives the coefficients along it', async () => {
      const basis = orthonormalise(random(2).normals(5 * size), 5, size).rows;
      const block = random(3).normals(4 * size);
      const found = await orthonormaliseOff(vectors, { rows: basis, count: 5 }, block, 4, 0);
      const together = Float32Array.of(...basis, ...found.rows);
      expect(nonOrthonormality(together, 9, size)).toBeLessThan(1e-6);
      expect(reconstruct(block, 4, found, basis, 5)).toBeLessThan(1e-6);
    });

    it('stays orthonormal when rows are nearly dependent on the basis and on each other', async () => {
      const basis = orthonormalise(random(5).normals(3 * size), 3, size).rows;
      const noise = random(6).normals(3 * size);
      const block = Float32Array.from(
        { length: 3 * size },
        (_, i) => basis[i % size]! + 3 * basis[size + (i % size)]! + 1e-5 * noise[i]!,
      );
      const found = await orthonormaliseOff(vectors, { rows: basis, count: 3 }, block, 3, 0);
      expect(found.rank).toBe(3);
      expect(nonOrthonormality(Float32Array.of(...basis, ...found.rows), 6, size)).toBeLessThan(1e-6);
    });

    it('takes a basis that has room to grow', async () => {
      const rows = new Float32Array(6 * size);
      rows.set(orthonormalise(random(7).normals(2 * size), 2, size).rows);
      const found = await orthonormaliseOff(vectors, { rows, count: 2 }, random(8).normals(size), 1, 0);
      expect(found.along.length).toBe(2);
      for (let i = 0; i < 2; i++) expect(Math.abs(rowDot(found.rows, 0, rows, i, size))).toBeLessThan(1e-7);
    });

    it('combines a basis', async () => {
      const basis = random(9).normals(4 * size);
      const coefficients = Float64Array.from(random(10).normals(2 * 3));
      const combined = await vectors.combine(coefficients, 2, { rows: basis, count: 3 });
      expect(combined.length).toBe(2 * size);
      for (let r = 0; r < 2; r++) {
        for (let c = 0; c < size; c++) {
          let sum = 0;
          for (let p = 0; p < 3; p++) sum += coefficients[r * 3 + p]! * basis[p * size + c]!;
          expect(Math.abs(combined[r * size + c]! - sum)).toBeLessThan(1e-5);
        }
      }
    });
  },
);
