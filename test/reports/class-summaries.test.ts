import { describe, expect, it } from 'vitest';
import { accuracyOf, classSummaries } from '../../reports/class-summaries.ts';

const samples = [
  { label: 'a', prediction: 'a' },
  { label: 'a', prediction: 'b' },
  { label: 'c', prediction: 'b' },
  { label: null, prediction: 'a' },
];

describe('how right a network is', () => {
  it('counts only labelled samples', () => {
    expect(accuracyOf(samples)).toBe(1 / 3);
    expect(accuracyOf([{ label: null, prediction: 'a' }])).toBeNull();
  });

  it('is told per class, with classes that only labels name at the end', () => {
    expect(classSummaries(['b', 'a'], samples)).toEqual([
      { class: 'b', samples: 0, right: 0, predicted: 2 },
      { class: 'a', samples: 2, right: 1, predicted: 2 },
      { class: 'c', samples: 1, right: 0, predicted: 0 },
    ]);
    expect(classSummaries(['a'], [{ label: null, prediction: 'a' }])).toEqual([]);
  });
});
