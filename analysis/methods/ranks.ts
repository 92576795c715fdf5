// How many directions a spectrum has: numerical, stable and effective rank, energy curve, elbow, representational power.
// All take singular values in descending order.

/**
 * Values above the rank cut largestSide·eps·σ₁, where largestSide is the longer side of the matrix; eps of float64 by
 * default, else of what the values were computed in.
 */
export function numericalRank(values: ArrayLike<number>, largestSide: number, eps = Number.EPSILON): number {
  const cut = largestSide * eps * (values[0] ?? 0);
  let rank = 0;
  while (rank < values.length && values[rank]! > cut) rank++;
  return rank;
}

/** Σσ²/σ₁² (Rudelson and Vershynin 2007); 0 for a zero spectrum. */
export function stableRank(values: ArrayLike<number>): number {
  const first = values[0] ?? 0;
  if (first === 0) return 0;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i]! / first) ** 2;
  return sum;
}

/** exp of the entropy of σ/Σσ (Roy and Vetterli 2007): r for r equal values; 0 for a zero spectrum. */
export function effectiveRank(values: ArrayLike<number>): number {
  const total = sumOf(values);
  if (total === 0) return 0;
  let entropy = 0;
  for (let i = 0; i < values.length; i++) {
    const share = values[i]! / total;
    if (share > 0) entropy -= share * Math.log(share);
  }
  return Math.exp(entropy);
}

/** Share of Σσ² in the first 1, 2, … values; ends at 1. All zero for a zero spectrum. */
export function energyCurve(values: ArrayLike<number>): Float64Array {
  const first = values[0] ?? 0;
  const curve = new Float64Array(values.length);
  if (first === 0) return curve;
  let sum = 0;
  for (let i = 0; i < values.length; i++) curve[i] = sum += (values[i]! / first) ** 2;
  return curve.map((x) => x / sum);
}

/** R_γ of SLP: the least count of leading values whose share of Σσ reaches `share`; 0 for a zero spectrum. */
export function representationalPower(values: ArrayLike<number>, share = 0.9): number {
  const total = sumOf(values);
  if (total === 0) return 0;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i]!;
    // Summation rounds: a share of 1 must be reached by the last value that is not zero.
    if (sum >= share * total * (1 - 1e-12)) return i + 1;
  }
  return values.length;
}

/**
 * k at the elbow of the leading `limit` values: with index and value scaled to [0, 1], the point of largest distance to the
 * chord from the first to the last (the first one on a tie), counted from 1. A spectrum that lies on or above its chord
 * everywhere below it has no elbow: all its values are kept (1 where there is one).
 */
export function elbow(values: ArrayLike<number>, limit = 50): number {
  const count = Math.min(values.length, limit);
  if (count <= 2) return count;
  const first = values[0]!;
  const last = values[count - 1]!;
  if (first === last) return count;
  let best = count;
  let farthest = 0;
  for (let i = 0; i < count; i++) {
    const x = i / (count - 1);
    const y = (values[i]! - last) / (first - last);
    // Distance to x + y = 1, up to the factor 1/√2; positive below the chord.
    const distance = 1 - x - y;
    if (distance > farthest + 1e-12) [best, farthest] = [i + 1, distance];
  }
  return best;
}

function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}
