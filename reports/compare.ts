// Two reports side by side (methods.md, section 6): layers are matched by name, numbers with the noise floor that their
// certificates give, and a difference below its floor is no change.
import type { StoredFinding, StoredLayer } from './format.ts';
import type { StoredReport } from './reader.ts';

export type Change = 'BETTER' | 'WORSE' | 'CHANGED' | 'UNCHANGED' | 'ADDED' | 'REMOVED' | 'INCOMPARABLE';

/** One number in two reports, under the names of the GraphQL type. */
export interface Difference {
  /** `model`, or a layer's name. */
  readonly subject: string;
  readonly metric: string;
  readonly change: Change;
  readonly base: number | null;
  readonly head: number | null;
  readonly delta: number | null;
  readonly floor: number | null;
  readonly reason: string | null;
}

export interface ReportComparison {
  readonly differences: readonly Difference[];
  readonly findings: readonly StoredFinding[];
}

/** Singular values come from float32 products; below this share of the largest one they are rounding. */
const FLOAT32_FLOOR = 1e-5;

/** Every difference between two reports, unchanged ones included, the model's first and then layer by layer. */
export async function compareReports(base: StoredReport, head: StoredReport): Promise<ReportComparison> {
  const differences = [
    accuracyDifference(base, head),
    numberDifference('model', 'parameterCount', base.model.parameterCount, head.model.parameterCount, 0),
  ];
  for (const layer of base.layers) {
    const other = head.layerNamed(layer.name);
    if (!other) {
      differences.push(presence(layer.name, 'REMOVED', 'only in the base'));
      continue;
    }
    if (
      String(layer.inputShape) !== String(other.inputShape) ||
      String(layer.outputShape) !== String(other.outputShape)
    ) {
      differences.push(presence(layer.name, 'INCOMPARABLE', 'the shapes differ'));
      continue;
    }
    differences.push(...spectrumDifferences(await base.layer(layer.index), await head.layer(other.index)));
  }
  for (const layer of head.layers) {
    if (!base.layerNamed(layer.name)) differences.push(presence(layer.name, 'ADDED', 'only in the head'));
  }
  return { differences, findings: [] };
}

function accuracyDifference(base: StoredReport, head: StoredReport): Difference {
  const [before, after] = [base.model, head.model];
  if (before.provenance.samplesSha256 !== after.provenance.samplesSha256) {
    return incomparable('model', 'accuracy', before.accuracy, after.accuracy, 'the samples differ');
  }
  if (before.accuracy === null || after.accuracy === null) {
    return incomparable('model', 'accuracy', before.accuracy, after.accuracy, 'not every sample set has labels');
  }
  const difference = numberDifference('model', 'accuracy', before.accuracy, after.accuracy, 0);
  if (difference.change !== 'CHANGED') return difference;
  return { ...difference, change: after.accuracy > before.accuracy ? 'BETTER' : 'WORSE' };
}

function spectrumDifferences(base: StoredLayer, head: StoredLayer): Difference[] {
  const [before, after] = [base.weightDirections, head.weightDirections];
  if (!before && !after) return [];
  if (!before || !after) {
    const reason = `no weight directions in the ${before ? 'head' : 'base'}`;
    return [incomparable(base.name, 'spectrum', null, null, reason)];
  }
  const largest = Math.max(before.singularValues[0] ?? 0, after.singularValues[0] ?? 0);
  const floor = Math.max(FLOAT32_FLOOR, ...before.certificate.residuals, ...after.certificate.residuals);
  const length = Math.max(before.singularValues.length, after.singularValues.length);
  let furthest = 0;
  for (let i = 0; i < length; i++) {
    furthest = Math.max(furthest, Math.abs((after.singularValues[i] ?? 0) - (before.singularValues[i] ?? 0)));
  }
  const change = largest > 0 ? furthest / largest : 0;
  const spectrum: Difference = {
    subject: base.name,
    metric: 'spectrum',
    change: change > floor ? 'CHANGED' : 'UNCHANGED',
    base: null,
    head: null,
    delta: change,
    floor,
    reason: 'largest change of a singular value, as a share of the largest one',
  };
  return [
    spectrum,
    numberDifference(base.name, 'stableRank', before.stableRank, after.stableRank, 2 * floor * before.stableRank),
    numberDifference(
      base.name,
      'effectiveRank',
      before.effectiveRank,
      after.effectiveRank,
      2 * floor * before.effectiveRank,
    ),
  ];
}

function numberDifference(subject: string, metric: string, base: number, head: number, floor: number): Difference {
  const delta = head - base;
  const change = Math.abs(delta) > floor ? 'CHANGED' : 'UNCHANGED';
  return { subject, metric, change, base, head, delta, floor, reason: null };
}

function incomparable(
  subject: string,
  metric: string,
  base: number | null,
  head: number | null,
  reason: string,
): Difference {
  return { subject, metric, change: 'INCOMPARABLE', base, head, delta: null, floor: null, reason };
}

function presence(subject: string, change: 'ADDED' | 'REMOVED' | 'INCOMPARABLE', reason: string): Difference {
  return { subject, metric: 'layer', change, base: null, head: null, delta: null, floor: null, reason };
}
