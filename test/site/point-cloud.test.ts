// The arithmetic of the cloud that turns: reading numbers, turning without stretching, what is up stays up.
import { describe, expect, it } from 'vitest';
import { encodeNpy } from '../../analysis/figures/npy.ts';
import { random } from '../../analysis/random.ts';
import { centred, readNpy, turned } from '../../src/lib/point-cloud.ts';

const points = random(3, 'points').normals(30);

describe('a cloud that turns', () => {
  it('reads the arrays that reports hold', () => {
    const bytes = encodeNpy(points, [10, 3]);
    expect(readNpy(bytes.buffer as ArrayBuffer)).toEqual(points);
  });

  it('is centred on its box and fits a ball of radius one', () => {
    const moved = centred(points);
    for (const axis of [0, 1, 2]) {
      const along = [...moved].filter((_, i) => i % 3 === axis);
      expect(Math.max(...along) + Math.min(...along)).toBeCloseTo(0, 5);
    }
    const lengths = Array.from({ length: 10 }, (_, i) => Math.hypot(...moved.subarray(3 * i, 3 * i + 3)));
    expect(Math.max(...lengths)).toBeCloseTo(1, 5);
  });

  it('keeps lengths and angles whatever the turn', () => {
    const gram = (p: Float32Array): number[] =>
      Array.from({ length: 9 }, (_, i) =>
        [0, 1, 2].reduce((sum, axis) => sum + p[3 * i + axis]! * p[3 * i + 3 + axis]!, 0),
      );
    for (const [turn, tilt] of [
      [0, 0],
      [30, 20],
      [-170, -80],
    ] as const) {
      for (const [i, value] of gram(turned(points, turn, tilt)).entries())
        expect(value).toBeCloseTo(gram(points)[i]!, 4);
    }
  });

  it('shows z upwards from the side, and towards the viewer from above', () => {
    expect([...turned(Float32Array.of(0, 0, 1), 40, 0)].map((x) => Math.round(x * 1e6) / 1e6 + 0)).toEqual([0, 1, 0]);
    expect([...turned(Float32Array.of(0, 0, 1), 40, 90)].map((x) => Math.round(x * 1e6) / 1e6 + 0)).toEqual([0, 0, 1]);
  });
});
