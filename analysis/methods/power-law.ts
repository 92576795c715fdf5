// Power-law fits of eigenvalue spectra and the capacity metrics α̂ made from them (SVDW; Clauset, Shalizi and Newman 2009).
// Density ∝ x^−α for x ≥ xmin: α by maximum likelihood for every candidate xmin, the candidate of least
// Kolmogorov–Smirnov distance wins. No upper cut-off.
import { singularValues } from '../svd/singular-values.ts';

/** Fewer eigenvalues than this are not fitted. */
const TOO_FEW = 10;
/** Fewer than this are fitted with a caution. */
const FEW = 50;
/** One in so many candidates, and of their values, is looked at first. */
const SPARSE = 32;

export interface PowerLaw {
  readonly alpha: number;
  /** The smallest value that the law covers. */
  readonly xmin: number;
  /** Kolmogorov–Smirnov distance between the law and the values from xmin on. */
  readonly distance: number;
  /** (α − 1)/√n for n values from xmin on. */
  readonly standardError: number;
  readonly tailCount: number;
  /** Why the fit should be read with care, or null. */
  readonly caution: string | null;
}

/** Why there is no fit, in words. */
export interface NoPowerLaw {
  readonly reason: string;
}

export interface FitOptions {
  /**
   * 'distinct': each distinct value but the last (powerlaw 1.x, and the default); 'every': repeated values again as
   * candidates, and counted one by one in the distance (WeightWatcher).
   */
  readonly candidates?: 'distinct' | 'every';
}

/**
 * α = 1 + n/Σ ln(x/xmin) over the n values x ≥ xmin, for the candidate xmin of least distance (the first one on a tie).
 * The distance is the largest |F(x) − i/n|, i counting the values below x, on both sides. Values that are not positive are
 * left out: apply the rank cut before squaring, or rounding errors count as data.
 */
export function fitPowerLaw(
  values: ArrayLike<number>,
  { candidates = 'distinct' }: FitOptions = {},
): PowerLaw | NoPowerLaw {
  const x = Float64Array.from(values)
    .filter((value) => value > 0 && value < Infinity)
    .sort();
  const total = x.length;
  if (total < TOO_FEW) return { reason: `too few eigenvalues: ${total}, and a fit needs ${TOO_FEW}` };
  const logs = x.map(Math.log);
  // Σ ln x from each value on; Σ ln(x/xmin) is this less n ln xmin. Sums of differences, so that close values keep digits.
  const excess = new Float64Array(total);
  for (let i = total - 2; i >= 0; i--) excess[i] = excess[i + 1]! + (total - 1 - i) * (logs[i + 1]! - logs[i]!);
  // How many values lie below each one: equal ones stand at one place of the empirical distribution, the lowest.
  const places = Int32Array.from(x, (_, i) => i);
  if (candidates === 'distinct') for (let i = 1; i < total; i++) if (x[i] === x[i - 1]) places[i] = places[i - 1]!;
  const last = x[total - 1]!;
  const alphaFrom = (start: number): number => 1 + (total - start) / excess[start]!;
  const isCandidate = (start: number): boolean =>
    Number.isFinite(alphaFrom(start)) &&
    (candidates === 'every' || (x[start] !== last && (start === 0 || x[start] !== x[start - 1])));
  // A few candidates bound the least distance, so that most others are ruled out by a few of their values.
  let least = Infinity;
  for (let start = 0; start < total - 1; start += SPARSE)
    if (isCandidate(start)) least = Math.min(least, distanceFrom(logs, places, start, alphaFrom(start), least));
  // So that the bound itself is found again below, or an equal one before it.
  least = least * (1 + 1e-9) + Number.MIN_VALUE;
  let best: { start: number; alpha: number; distance: number } | undefined;
  for (let start = 0; start < total - 1; start++) {
    if (!isCandidate(start)) continue;
    const alpha = alphaFrom(start);
    const distance = distanceFrom(logs, places, start, alpha, least);
    if (distance < least) {
      best = { start, alpha, distance };
      least = distance;
    }
  }
  if (!best) return { reason: `all ${total} eigenvalues are equal` };
  const tailCount = total - best.start;
  return {
    alpha: best.alpha,
    xmin: x[best.start]!,
    distance: best.distance,
    standardError: (best.alpha - 1) / Math.sqrt(tailCount),
    tailCount,
    caution: total < FEW ? `Only ${total} eigenvalues: a power law fitted to fewer than ${FEW} says little.` : null,
  };
}

/** Largest |F − i/n| over the tail, or any number from `enough` on once it is sure to be no less. */
function distanceFrom(logs: Float64Array, places: Int32Array, start: number, alpha: number, enough: number): number {
  const count = logs.length - start;
  const low = logs[start]!;
  let largest = 0;
  for (const step of [SPARSE, 1]) {
    for (let i = start; i < logs.length; i += step) {
      const law = -Math.expm1((1 - alpha) * (logs[i]! - low));
      const distance = Math.abs(law - (places[i]! - start) / count);
      if (distance > largest) {
        largest = distance;
        if (largest >= enough) return largest;
      }
    }
  }
  return largest;
}

/** What the capacity metrics need to know of a layer. */
export interface FittedLayer {
  readonly alpha: number;
  /** The largest eigenvalue, σ₁². */
  readonly largest: number;
  /** Rows of the unfolded weight: output channels. */
  readonly rows: number;
}

/** `paper` (SVDW, eq. 12): Σ α ln λmax over the layers that have a fit; null where none has. */
export function paperCapacity(layers: readonly FittedLayer[]): number | null {
  if (layers.length === 0) return null;
  return layers.reduce((sum, { alpha, largest }) => sum + alpha * Math.log(largest), 0);
}

/** `ddp` (DeepDataProfiler): the mean of α ln(λmax/d), d the rows of the unfolded weight. */
export function ddpCapacity(layers: readonly FittedLayer[]): number | null {
  if (layers.length === 0) return null;
  return layers.reduce((sum, { alpha, largest, rows }) => sum + alpha * Math.log(largest / rows), 0) / layers.length;
}

/**
 * `weightwatcher`: the mean of α log₁₀ λmax, where λ are the pooled eigenvalues of the layer's slices
 * (weightWatcherEigenvalues) and α is fitted with every value a candidate.
 */
export function weightWatcherCapacity(layers: readonly Pick<FittedLayer, 'alpha' | 'largest'>[]): number | null {
  if (layers.length === 0) return null;
  return layers.reduce((sum, { alpha, largest }) => sum + alpha * Math.log10(largest), 0) / layers.length;
}

/** Eigenvalues that WeightWatcher takes for zero. */
const WEIGHTWATCHER_CUT = 1e-5;

/**
 * The eigenvalues that WeightWatcher fits, ascending, from the singular values of a dense layer, or of all slices of a
 * convolution (sliceValues), which it scales by √½. Values up to 1e-5 are dropped, as it does.
 */
export function weightWatcherEigenvalues(values: readonly number[], isConvolution: boolean): Float64Array {
  const factor = isConvolution ? 0.5 : 1;
  return Float64Array.from(values, (value) => factor * value ** 2)
    .filter((value) => value > WEIGHTWATCHER_CUT)
    .sort();
}

/** The singular values of the slices of a convolution, outputs × inputs × taps: one matrix for each tap. */
export function sliceValues(weight: ArrayLike<number>, outputs: number, inputs: number, taps: number): number[] {
  if (weight.length !== outputs * inputs * taps)
    throw new Error(`slices: ${weight.length} numbers are not ${outputs} × ${inputs} × ${taps}`);
  const slice = new Float64Array(outputs * inputs);
  return Array.from({ length: taps }, (_, t) => {
    for (let i = 0; i < slice.length; i++) slice[i] = weight[i * taps + t]!;
    return [...singularValues(slice, outputs, inputs)];
  }).flat();
}
