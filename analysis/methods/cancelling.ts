// What is left of a sum when its positive and negative terms have cancelled (SpecXAI, eq. 21).

/**
 * Positives by descending size, negatives by descending size, the j-th added to the j-th, again and again until one sign
 * is left; a sum keeps the index of its larger term. Null where a term was cancelled away.
 */
export function cancel(contributions: readonly number[]): (number | null)[] {
  let terms = contributions.map((value, index) => ({ value, index })).filter(({ value }) => value !== 0);
  const bySize = (a: { value: number }, b: { value: number }): number => Math.abs(b.value) - Math.abs(a.value);
  for (;;) {
    const positive = terms.filter(({ value }) => value > 0).sort(bySize);
    const negative = terms.filter(({ value }) => value < 0).sort(bySize);
    if (positive.length === 0 || negative.length === 0) break;
    const pairs = Math.min(positive.length, negative.length);
    const sums = positive.slice(0, pairs).map((a, j) => {
      const b = negative[j]!;
      return { value: a.value + b.value, index: Math.abs(a.value) >= Math.abs(b.value) ? a.index : b.index };
    });
    terms = [...sums.filter(({ value }) => value !== 0), ...positive.slice(pairs), ...negative.slice(pairs)];
  }
  const reduced: (number | null)[] = contributions.map(() => null);
  for (const { value, index } of terms) reduced[index] = value;
  return reduced;
}
