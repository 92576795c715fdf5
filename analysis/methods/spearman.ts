// Spearman's rank correlation, with mean ranks on ties.

/** Ranks from 1, equal values sharing the mean of theirs. */
export function meanRanks(values: ArrayLike<number>): Float64Array {
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) ranks[order[i]!] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}

/** Pearson's correlation of the ranks; null where one side is constant, which ranks nothing. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  if (a.length !== b.length) throw new Error(`spearman: ${a.length} numbers met ${b.length}`);
  const [x, y] = [meanRanks(a), meanRanks(b)];
  const mean = (a.length + 1) / 2;
  let [xx, yy, xy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    xx += (x[i]! - mean) ** 2;
    yy += (y[i]! - mean) ** 2;
    xy += (x[i]! - mean) * (y[i]! - mean);
  }
  return xx === 0 || yy === 0 ? null : xy / Math.sqrt(xx * yy);
}
