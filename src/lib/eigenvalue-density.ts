// The eigenvalues of a layer's weights as a density on logarithmic axes, with the fitted power law, and what to think of the fit.

interface Fit {
  readonly alpha: number;
  readonly xmin: number;
  readonly distance: number;
  readonly tailCount: number;
}

interface DensityPoint {
  readonly eigenvalue: number;
  readonly density: number;
  readonly kind: 'eigenvalues' | 'power law';
}

/** Bins over the whole range, at most: few eigenvalues share fewer bins (Rice’s rule), so that a point is no single value. */
const MOST_BINS = 24;

/**
 * Density of the squared singular values in logarithmic bins (empty ones left out), and of the fit from xmin on, scaled to
 * the tail's share. Values that are zero are left out.
 */
export function eigenvalueDensity(singularValues: readonly number[], rank: number, fit: Fit | null): DensityPoint[] {
  const eigenvalues = singularValues.slice(0, rank).map((value) => value ** 2);
  const [largest, least] = [eigenvalues[0], eigenvalues.at(-1)];
  if (largest === undefined || least === undefined || !(largest > least) || !(least > 0)) return [];
  const bins = Math.min(MOST_BINS, Math.ceil(2 * Math.cbrt(eigenvalues.length)));
  const step = Math.log(largest / least) / bins;
  const counts = new Array<number>(bins).fill(0);
  for (const value of eigenvalues) counts[Math.min(bins - 1, Math.floor(Math.log(value / least) / step))]!++;
  const points: DensityPoint[] = counts.flatMap((count, bin) => {
    const [from, to] = [least * Math.exp(bin * step), least * Math.exp((bin + 1) * step)];
    const density = count / eigenvalues.length / (to - from);
    return count === 0 ? [] : [{ eigenvalue: Math.sqrt(from * to), density, kind: 'eigenvalues' as const }];
  });
  if (!fit) return points;
  const { alpha, xmin, tailCount } = fit;
  const share = tailCount / eigenvalues.length;
  const line = [xmin, largest].map((eigenvalue) => ({
    eigenvalue,
    density: ((share * (alpha - 1)) / xmin) * (eigenvalue / xmin) ** -alpha,
    kind: 'power law' as const,
  }));
  return [...points, ...line];
}

interface Verdict {
  readonly trusted: boolean;
  readonly text: string;
}

/** What a fit says in words, and whether to believe it: how much of the spectrum it covers and how far the spectrum departs from it. */
export function powerLawVerdict(fit: Fit, count: number): Verdict {
  const { alpha, distance, tailCount } = fit;
  // 5 % point of the Kolmogorov–Smirnov distance for large samples; lenient, because α and xmin were chosen to fit.
  const chance = 1.36 / Math.sqrt(tailCount);
  const covered = `the ${tailCount} largest of ${count} eigenvalues`;
  if (tailCount < 10)
    return {
      trusted: false,
      text: `Not to be trusted: the fit rests on ${covered} alone, and so few follow almost any law.`,
    };
  if (distance > chance)
    return {
      trusted: false,
      text: `Not to be trusted: ${covered} depart from the line by up to ${round(distance)} of their share, more than chance explains (${round(chance)}). This tail is no power law.`,
    };
  if (count < 50)
    return {
      trusted: false,
      text: `Hardly to be trusted: ${covered} keep to the line, but with fewer than 50 eigenvalues many other laws would fit as well.`,
    };
  const shape =
    alpha < 2
      ? 'a very heavy one, in which few directions outweigh all others'
      : alpha <= 6
        ? 'a heavy one, as trained layers usually have'
        : 'so steep that it is hardly heavy, as of weights that training has changed little';
  return { trusted: true, text: `${capitalise(covered)} keep to a power law: the tail is ${shape}.` };
}

function round(value: number): string {
  return value.toPrecision(2);
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
