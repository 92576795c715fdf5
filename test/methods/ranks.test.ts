import { describe, expect, it } from 'vitest';
import {
  effectiveRank,
  elbow,
  energyCurve,
  numericalRank,
  representationalPower,
  stableRank,
} from '../../analysis/methods/ranks.ts';

const zeros = [0, 0, 0];

describe('ranks of a spectrum', () => {
  it('numerical: counts the values above largest side × eps × σ₁', () => {
    expect(numericalRank([1, 1e-3, 1e-17, 0], 100)).toBe(2);
    expect(numericalRank([1, 1e-3, 1e-6, 0], 100, 2 ** -23)).toBe(2);
    expect(numericalRank(zeros, 3)).toBe(0);
    expect(numericalRank([], 3)).toBe(0);
  });

  it('stable: Σσ²/σ₁²', () => {
    expect(stableRank([2, 1, 1])).toBe(1.5);
    expect(stableRank([3, 3, 3])).toBe(3);
    expect(stableRank(zeros)).toBe(0);
  });

  it('effective: the exponential of the entropy of σ/Σσ', () => {
    expect(effectiveRank([3, 3, 3, 0])).toBeCloseTo(3, 14);
    expect(effectiveRank([2, 1, 1])).toBeCloseTo(2 ** 1.5, 14);
    expect(effectiveRank(zeros)).toBe(0);
  });

  it('do not change with the scale', () => {
    const values = [5, 2, 1, 0.5];
    for (const scale of [1e-200, 1e200]) {
      const scaled = values.map((x) => x * scale);
      expect(stableRank(scaled)).toBeCloseTo(stableRank(values), 12);
      expect(effectiveRank(scaled)).toBeCloseTo(effectiveRank(values), 12);
      expect(energyCurve(scaled)[1]).toBeCloseTo(energyCurve(values)[1]!, 12);
    }
  });
});

describe('shares of a spectrum', () => {
  it('energy: Σσ² up to each value, ending at 1', () => {
    expect([...energyCurve([2, 1, 1])]).toEqual([4 / 6, 5 / 6, 1]);
    expect([...energyCurve(zeros)]).toEqual([0, 0, 0]);
  });

  it('representational power: the fewest values that reach γ of Σσ', () => {
    expect(representationalPower([5, 3, 1, 1], 0.5)).toBe(1);
    expect(representationalPower([5, 3, 1, 1], 0.8)).toBe(2);
    expect(representationalPower([5, 3, 1, 1], 0.9)).toBe(3);
    expect(representationalPower([5, 3, 1, 1, 0], 1)).toBe(4);
    expect(representationalPower(zeros)).toBe(0);
  });
});

describe('the elbow', () => {
  it('is the point farthest from the chord, counted from 1', () => {
    // Scaled: (0, 1), (.25, .4), (.5, .2), (.75, .1), (1, 0); 1 − x − y is largest, .35, at the second point.
    expect(elbow([10, 4, 2, 1, 0])).toBe(2);
    // (.25, .5) and (.5, .25) are equally far: the first one.
    expect(elbow([4, 2, 1, 0.5, 0])).toBe(2);
  });

  it('looks at the leading values only', () => {
    const values = [...Array.from({ length: 50 }, (_, i) => 1 / (i + 1)), ...Array<number>(500).fill(0)];
    expect(elbow(values)).toBe(elbow(values.slice(0, 50)));
    expect(elbow([10, 4, 2, 1, 0, 0, 0, 0], 5)).toBe(2);
  });

  it('keeps everything where there is none', () => {
    expect(elbow([1, 1, 1])).toBe(3);
    expect(elbow([3, 2, 1])).toBe(3);
    expect(elbow([2, 1])).toBe(2);
    expect(elbow([])).toBe(0);
  });
});
