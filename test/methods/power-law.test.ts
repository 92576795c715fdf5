import { describe, expect, it } from 'vitest';
import {
  ddpCapacity,
  fitPowerLaw,
  paperCapacity,
  weightWatcherCapacity,
  sliceValues,
  weightWatcherEigenvalues,
} from '../../analysis/methods/power-law.ts';
import type { PowerLaw } from '../../analysis/methods/power-law.ts';
import { random } from '../../analysis/random.ts';

function fit(values: ArrayLike<number>, options = {}): PowerLaw {
  const found = fitPowerLaw(values, options);
  if ('reason' in found) throw new Error(found.reason);
  return found;
}

const quantiles = (exponent: number): number[] =>
  Array.from({ length: 50 }, (_, i) => (1 - (i + 0.5) / 50) ** (-1 / exponent));

describe('the power-law fit', () => {
  // powerlaw 1.4.6, and an independent computation, to twelve digits.
  it.each([
    [
      'k²/10',
      Array.from({ length: 10 }, (_, i) => (i + 1) ** 2 / 10),
      2.840775179261,
      3.6,
      0.253237800145,
      0.823219686424,
    ],
    ['quantiles of exponent 1.5', quantiles(1.5), 2.525886886766, 1.00672272062, 0.013479893958, 0.215792992991],
    ['quantiles of exponent 3', quantiles(3), 4.051773773532, 1.00335572985, 0.013479893958, 0.431585985982],
    [
      'a geometric sequence',
      Array.from({ length: 40 }, (_, i) => 1.1 ** i),
      1.538054291654,
      1,
      0.162248253106,
      0.085073853323,
    ],
    [
      'repeated values',
      Array.from({ length: 60 }, (_, i) => 1 + Math.floor(i / 3)),
      5.374436197443,
      13,
      0.22179298066,
      0.892928049675,
    ],
  ])('agrees with powerlaw on %s', (_, values, alpha, xmin, distance, standardError) => {
    const found = fit(values);
    for (const [number, golden] of [
      [found.alpha, alpha],
      [found.xmin, xmin],
      [found.distance, distance],
      [found.standardError, standardError],
    ] as const) {
      expect(Math.abs(number / golden - 1)).toBeLessThan(1e-10);
    }
    expect(found.tailCount).toBe(values.filter((x) => x >= found.xmin).length);
  });

  it('agrees with a literal search over every candidate', () => {
    const draw = random(1, 'spectrum');
    const values = Array.from({ length: 80 }, () => draw.normal() ** 2).sort((a, b) => a - b);
    const candidates = values.slice(0, -1).map((xmin) => {
      const tail = values.filter((x) => x >= xmin);
      const alpha = 1 + tail.length / tail.reduce((sum, x) => sum + Math.log(x / xmin), 0);
      const gaps = tail.map((x, i) => Math.abs(1 - (x / xmin) ** (1 - alpha) - i / tail.length));
      return { alpha, xmin, distance: Math.max(...gaps) };
    });
    const best = candidates.reduce((a, b) => (b.distance < a.distance ? b : a));
    const found = fit(values);
    expect(found.xmin).toBe(best.xmin);
    expect(found.alpha).toBeCloseTo(best.alpha, 10);
    expect(found.distance).toBeCloseTo(best.distance, 12);
  });

  it('does not depend on the order or the scale of the values', () => {
    const values = quantiles(2);
    const found = fit(values);
    const scaled = fit(values.toReversed().map((x) => x * 1e-7));
    expect(scaled.alpha).toBeCloseTo(found.alpha, 9);
    expect(scaled.xmin / 1e-7).toBeCloseTo(found.xmin, 9);
  });

  it('says why there is none', () => {
    expect(fitPowerLaw([1, 2, 3])).toEqual({ reason: 'too few eigenvalues: 3, and a fit needs 10' });
    expect(fitPowerLaw(Array(20).fill(2))).toEqual({ reason: 'all 20 eigenvalues are equal' });
    expect(fitPowerLaw([...Array<number>(30).fill(0), 1, 2, 3])).toHaveProperty('reason');
  });

  it('warns below fifty values', () => {
    expect(fit(quantiles(2).slice(0, 49)).caution).toContain('Only 49 eigenvalues');
    expect(fit(quantiles(2)).caution).toBeNull();
  });
});

describe('the capacity metrics', () => {
  const { alpha } = fit(Array.from({ length: 10 }, (_, i) => (i + 1) ** 2 / 10));

  it('paper: the sum of α ln λmax', () => {
    expect(
      paperCapacity([
        { alpha: 2, largest: Math.E, rows: 3 },
        { alpha: 3, largest: Math.E ** 2, rows: 9 },
      ]),
    ).toBeCloseTo(8, 12);
    expect(paperCapacity([])).toBeNull();
  });

  it('ddp: the mean of α ln(λmax/d), 6.541126580 for the model of its own test', () => {
    // Its eigenvalues are σ²/d already: λmax = 10 = 100/10. α does not change with the scale.
    expect(ddpCapacity([{ alpha, largest: 100, rows: 10 }])).toBeCloseTo(6.54112658, 8);
    expect(ddpCapacity([])).toBeNull();
  });

  it('weightwatcher: the mean of α log₁₀ λmax of pooled slices scaled by √½', () => {
    // Eight 6-channel 3 × 3 filters of frac(43758.5453·sin(12.9898 i)) − ½, which amplifies the last digits of the sine.
    const weight = Float64Array.from({ length: 8 * 6 * 9 }, (_, i) => {
      const x = Math.sin(12.9898 * (i + 1)) * 43758.5453;
      return x - Math.floor(x) - 0.5;
    });
    const eigenvalues = weightWatcherEigenvalues(sliceValues(weight, 8, 6, 9), true);
    expect(eigenvalues.length).toBe(54);
    const largest = eigenvalues.at(-1)!;
    const found = fit(eigenvalues, { candidates: 'every' });
    expect(largest).toBeCloseTo(0.980964473649, 9);
    expect(found.alpha).toBeCloseTo(13.927791906037, 7);
    expect(weightWatcherCapacity([{ alpha: found.alpha, largest }])).toBeCloseTo(-0.11625138803, 8);
    expect(weightWatcherCapacity([])).toBeNull();
  });

  it('weightwatcher: takes a dense matrix as it is and drops what it takes for zero', () => {
    expect([...weightWatcherEigenvalues([2, 0.003], false)]).toEqual([4]);
    expect([...weightWatcherEigenvalues([2, 1], true)]).toEqual([0.5, 2]);
    expect(() => sliceValues([1], 2, 2, 1)).toThrow('1 numbers are not 2 × 2 × 1');
  });

  it('weightwatcher: takes repeated values again as candidates, and counts them one by one', () => {
    const draw = random(2, 'repeats');
    const values = Array.from({ length: 60 }, () => 1 + draw.integer(4)).sort((a, b) => a - b);
    const candidates = values.slice(0, -1).flatMap((xmin, start) => {
      const tail = values.slice(start);
      const alpha = 1 + tail.length / tail.reduce((sum, x) => sum + Math.log(x / xmin), 0);
      const gaps = tail.map((x, i) => Math.abs(1 - (x / xmin) ** (1 - alpha) - i / tail.length));
      return Number.isFinite(alpha) ? [{ alpha, distance: Math.max(...gaps) }] : [];
    });
    const best = candidates.reduce((a, b) => (b.distance < a.distance ? b : a));
    const found = fit(values, { candidates: 'every' });
    expect(found.alpha).toBeCloseTo(best.alpha, 10);
    expect(found.distance).toBeCloseTo(best.distance, 12);
    expect(found.distance).not.toBeCloseTo(fit(values).distance, 3);
  });
});
