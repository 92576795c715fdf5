// The sign and the grouping of singular vectors (methods.md, section 0): what makes two runs comparable.

/** −1 where the entry of largest magnitude (the first one on a tie) of values[start … start+size−1] is negative, else 1. */
export function signOf(values: ArrayLike<number>, start: number, size: number): 1 | -1 {
  let largest = 0;
  let sign: 1 | -1 = 1;
  for (let i = start; i < start + size; i++) {
    const magnitude = Math.abs(values[i]!);
    if (magnitude > largest) {
      largest = magnitude;
      sign = values[i]! < 0 ? -1 : 1;
    }
  }
  return sign;
}

/**
 * For each of the descending values, where its group of equal values starts (its own index when it stands alone): a value
 * within `tolerance` (absolute) of its predecessor belongs to the same group. The vectors of a group are one basis of a
 * subspace, no more.
 */
export function groupsOf(values: ArrayLike<number>, tolerance: number): number[] {
  const starts: number[] = [];
  for (let i = 0; i < values.length; i++) {
    starts.push(i > 0 && values[i - 1]! - values[i]! <= tolerance ? starts[i - 1]! : i);
  }
  return starts;
}
