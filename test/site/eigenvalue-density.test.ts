import { describe, expect, it } from 'vitest';
import { fitPowerLaw } from '../../analysis/methods/power-law.ts';
import { eigenvalueDensity, powerLawVerdict } from '../../src/lib/eigenvalue-density.ts';

/** Quantiles of a power law of exponent α from 1 on, descending, as singular values. */
const lawful = (count: number, alpha: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.sqrt((1 - (i + 0.5) / count) ** (-1 / (alpha - 1)))).toReversed();

describe('the eigenvalue density', () => {
  it('adds up to one over its bins, and runs along the law where there is one', () => {
    const values = lawful(4000, 3);
    const fit = fitPowerLaw(values.map((value) => value ** 2));
    if ('reason' in fit) throw new Error(fit.reason);
    const points = eigenvalueDensity(values, values.length, fit);
    const bins = points.filter(({ kind }) => kind === 'eigenvalues');
    const step = Math.log(values[0]! ** 2 / values.at(-1)! ** 2) / 24;
    const sum = bins.reduce(
      (total, { eigenvalue, density }) => total + density * eigenvalue * 2 * Math.sinh(step / 2),
      0,
    );
    expect(sum).toBeCloseTo(1, 9);
    const [from, to] = points.filter(({ kind }) => kind === 'power law');
    for (const { eigenvalue, density } of bins.slice(1, 10)) {
      const along = Math.log(eigenvalue / from!.eigenvalue) / Math.log(to!.eigenvalue / from!.eigenvalue);
      const line = from!.density * (to!.density / from!.density) ** along;
      expect(Math.abs(density / line - 1)).toBeLessThan(0.1);
    }
  });

  it('gives few eigenvalues few bins, so that a point is hardly ever one eigenvalue alone', () => {
    const points = eigenvalueDensity(lawful(16, 3), 16, null);
    expect(points.length).toBeLessThanOrEqual(6);
    expect(points.length).toBeGreaterThan(2);
  });

  it('has nothing to draw of zero or equal eigenvalues', () => {
    expect(eigenvalueDensity([2, 2, 2], 3, null)).toEqual([]);
    expect(eigenvalueDensity([0, 0], 0, null)).toEqual([]);
  });
});

describe('the verdict on a power law', () => {
  const fit = { alpha: 3, xmin: 1, distance: 0.03, tailCount: 200 };
  it('believes a tail that keeps to the line, and says how heavy it is', () => {
    expect(powerLawVerdict(fit, 256)).toMatchObject({
      trusted: true,
      text: expect.stringContaining('200 largest of 256'),
    });
    expect(powerLawVerdict({ ...fit, alpha: 1.5 }, 256).text).toContain('very heavy');
    expect(powerLawVerdict({ ...fit, alpha: 9 }, 256).text).toContain('steep');
  });

  it('says when not to believe it', () => {
    expect(powerLawVerdict({ ...fit, distance: 0.3 }, 256)).toMatchObject({
      trusted: false,
      text: expect.stringContaining('no power law'),
    });
    expect(powerLawVerdict({ ...fit, tailCount: 9 }, 256).trusted).toBe(false);
    expect(powerLawVerdict({ ...fit, tailCount: 20 }, 32)).toMatchObject({
      trusted: false,
      text: expect.stringContaining('fewer than 50'),
    });
  });
});
