import { describe, expect, it } from 'vitest';
import { random } from '../../analysis/random.ts';
import { principalAngles } from '../../analysis/svd/principal-angles.ts';
import { smallSvd } from '../../analysis/svd/small-svd.ts';
import { largestAngle, nearestGap, turnByNoise } from '../../reports/subspaces.ts';

const size = 12;

function orthonormalRows(k: number, seed: number): Float64Array {
  return smallSvd(random(seed, 'rows').normals(k * size), k, size).right.slice(0, k * size);
}

describe('the turn between two subspaces', () => {
  it.each([1, 2, 5])('is the largest principal angle of %i directions', (k) => {
    const [a, b] = [orthonormalRows(k, 1), orthonormalRows(k, 2)];
    expect(largestAngle(a, b, k, size)).toBeCloseTo(principalAngles(a, k, b, k, size).at(-1)!, 7);
  });

  it('is a known angle, and nothing where only the basis differs', () => {
    const [a, b] = [new Float64Array(2 * size), new Float64Array(2 * size)];
    a[0] = b[1] = 1;
    a[size + 1] = 1;
    [b[size], b[size + 2]] = [Math.cos(0.3), Math.sin(0.3)];
    expect(largestAngle(a, b, 2, size)).toBeCloseTo(0.3, 12);
    // The first two rows span the same plane, in the other order.
    const swapped = Float64Array.from([...a.subarray(size), ...a.subarray(0, size)]);
    expect(largestAngle(a, swapped, 2, size)).toBeLessThan(1e-7);
  });
});

describe('the number of leading directions', () => {
  const stepped = [10, 9.9, 5, 4.95, 1];

  it('moves to the nearest gap of both spectra', () => {
    expect(nearestGap(stepped, stepped, { wanted: 1, most: 5 })).toMatchObject({
      k: 2,
      width: expect.closeTo(0.49, 9),
    });
    expect(nearestGap(stepped, stepped, { wanted: 5, most: 5 })).toMatchObject({ k: 4 });
    expect(nearestGap(stepped, [10, 5, 4.9, 4.8, 1], { wanted: 2, most: 5 })).toMatchObject({ k: 4 });
  });

  it('does not exist without a gap, nor behind the last computed value', () => {
    expect(nearestGap([3, 2.99, 2.98], [3, 2.99, 2.98], { wanted: 2, most: 3 })).toBeNull();
    expect(nearestGap([3, 2.99], [3, 2.99], { wanted: 2, most: 2 })).toBeNull();
  });

  it('leaves room for a turn by noise that is wider the narrower the gap is', () => {
    expect(turnByNoise(0.01, { k: 1, width: 0.5 })).toBeCloseTo(Math.asin(0.02), 12);
    expect(turnByNoise(0.1, { k: 1, width: 0.05 })).toBe(Math.PI / 2);
  });
});
