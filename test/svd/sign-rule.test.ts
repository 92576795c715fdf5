import { describe, expect, it } from 'vitest';
import { groupsOf, signOf } from '../../analysis/svd/sign-rule.ts';

describe('the sign rule', () => {
  it('looks at the entry of largest magnitude', () => {
    expect(signOf([1, -3, 2], 0, 3)).toBe(-1);
    expect(signOf([1, 3, -2], 0, 3)).toBe(1);
  });

  it('looks at the first of two entries of equal magnitude', () => {
    expect(signOf([-2, 2], 0, 2)).toBe(-1);
    expect(signOf([2, -2], 0, 2)).toBe(1);
  });

  it('looks only at the range that it is given, and leaves zeros as they are', () => {
    expect(signOf([-9, 1, 2, -9], 1, 2)).toBe(1);
    expect(signOf([0, 0], 0, 2)).toBe(1);
  });
});

describe('groups of equal values', () => {
  it('start where the gap to the predecessor exceeds the tolerance', () => {
    expect(groupsOf([5, 5 - 1e-9, 3, 1, 1, 0], 1e-6)).toEqual([0, 0, 2, 3, 3, 5]);
  });

  it('chain values that are each near the next', () => {
    expect(groupsOf([3, 2.9, 2.8, 1], 0.15)).toEqual([0, 0, 0, 3]);
  });

  it('are none for no values', () => {
    expect(groupsOf([], 1)).toEqual([]);
  });
});
