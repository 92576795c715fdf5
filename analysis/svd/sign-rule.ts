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
 * Where each group of equal values starts, for descending values: a value belongs to the group before it when it is
 * within tolerance·values[0] of its predecessor. Vectors of a group are one basis of a subspace, no more.
 */
export function groupsOf(values: ArrayLike<number>, tolerance: number): number[] {
  const starts: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (i === 0 || values[i - 1]! - values[i]! > tolerance * values[0]!) starts.push(i);
  }
  return starts;
}
