// The numbers of one report that can be compared or held against a rule, each with its noise floor: how much of it the
// certificates leave open (methods.md, section 6). Two numbers that differ by less than their floors are the same.
import type { StoredLayer } from './format.ts';
import type { MetricName } from './metrics.ts';
import type { StoredReport } from './reader.ts';

export interface Measurement {
  /** The name of the layer, class or sample; `model`. */
  readonly subject: string;
  readonly metric: MetricName;
  readonly value: number;
  readonly floor: number;
}

/** Products are float32: what is smaller than this, relative to the largest, is rounding whatever the certificate says. */
export const ROUNDING = 1e-5;

/** The error that a report's certificates admit for what the maps of its network give. */
export function noiseOf({ model }: StoredReport): number {
  const certificate = model.biasSummary?.certificate;
  return Math.max(ROUNDING, certificate?.completeness ?? 0, certificate?.adjointness ?? 0);
}

/** The error of a layer's singular values, as a share of the largest one. */
export function spectralNoise({
  residuals,
  noise,
}: {
  readonly residuals: readonly number[];
  readonly noise: number | null;
}): number {
  return Math.max(ROUNDING, noise ?? 0, ...residuals);
}

/** Every number of the report, in the order of its metrics' kinds: model, classes, layers, samples. */
export async function measure(report: StoredReport): Promise<Measurement[]> {
  const layers: Measurement[] = [];
  for (const { index } of report.layers) layers.push(...layerMeasurements(report, await report.layer(index)));
  return [...modelMeasurements(report), ...layers, ...(await sampleMeasurements(report))];
}

function modelMeasurements(report: StoredReport): Measurement[] {
  const { model, samples } = report;
  const of = (metric: MetricName, value: number | null | undefined, floor = 0, subject = 'model'): Measurement[] =>
    value == null ? [] : [{ subject, metric, value, floor }];
  const failed = model.methods.reduce(
    (sum, { outcome, failures }) => sum + Math.max(failures.length, outcome === 'FAILED' ? 1 : 0),
    0,
  );
  const decided = samples.flatMap(({ decisionLayer }) => (decisionLayer === null ? [] : [decisionLayer]));
  const layers = model.traceSummary?.layers.length ?? report.layers.length;
  return [
    ...of('accuracy', model.accuracy),
    ...of('failedParts', failed),
    ...of('completenessError', model.biasSummary?.certificate?.completeness, ROUNDING),
    ...of('parameterCount', model.parameterCount),
    // One sample between two centroids may be decided anywhere.
    ...(decided.length > 0 ? of('meanDecisionLayer', mean(decided), layers / decided.length) : []),
    ...of('residualShare', model.biasSummary?.residualShareMean, 2 * noiseOf(report)),
    ...model.classSummaries.flatMap((row) =>
      row.samples > 0 ? of('classAccuracy', row.right / row.samples, 0, row.class) : [],
    ),
  ];
}

function layerMeasurements(report: StoredReport, layer: StoredLayer): Measurement[] {
  const { name, weightDirections: weights, inactiveShare } = layer;
  const of = (metric: MetricName, value: number | null | undefined, floor: number): Measurement[] =>
    value == null ? [] : [{ subject: name, metric, value, floor }];
  const all: Measurement[] = [];
  if (weights) {
    const values = weights.singularValues;
    const noise = spectralNoise(weights.certificate);
    const [first, sum] = [values[0] ?? 0, values.reduce((a, b) => a + b, 0)];
    const shares = values.map((value) => (sum > 0 ? value / sum : 0));
    // First-order bounds, every value off by noise·σ₁: of Σσ²/σ₁², and of exp(−Σ p ln p).
    const stableFloor = first > 0 ? 2 * noise * (sum / first + weights.stableRank) : 0;
    const surprise = shares.reduce((a, p) => a + (p > 0 ? -Math.log(p) : 0), 0);
    const effectiveFloor = sum > 0 ? 2 * noise * (first / sum) * surprise * weights.effectiveRank : 0;
    const certain = values.filter((value) => value > noise * first).length;
    const { powerLaw } = weights;
    all.push(
      ...of('rank', weights.rank, Math.max(0, weights.rank - certain)),
      ...of('stableRank', weights.stableRank, stableFloor),
      ...of('effectiveRank', weights.effectiveRank, effectiveFloor),
      // A fit is no surer than its standard error, however exact its eigenvalues are.
      ...of('alpha', powerLaw?.alpha, powerLaw?.standardError ?? 0),
    );
  }
  for (const { part, share, samples, neurons } of layer.representationalPower) {
    if (part === 'ALL')
      all.push(...of('representationalPower', share, 1 / Math.max(1, (samples ?? 1) * (neurons ?? 1))));
  }
  all.push(...of('inactiveShare', inactiveShare, 10 * noiseOf(report)));
  const at = report.model.traceSummary?.layers.indexOf(name) ?? -1;
  if (at >= 0) {
    const { correct, wrong } = report.model.traceSummary!;
    const count = correct.count + wrong.count;
    const right = correct.rightByLayer[at]! * correct.count + wrong.rightByLayer[at]! * wrong.count;
    if (count > 0) all.push(...of('rightInTrace', right / count, 1 / count));
  }
  const bias = report.model.biasSummary?.byLayer.find((moment) => moment.layer === name);
  all.push(...of('biasShare', bias?.mean, 2 * noiseOf(report)));
  return all;
}

async function sampleMeasurements(report: StoredReport): Promise<Measurement[]> {
  const floor = 2 * noiseOf(report);
  const all: Measurement[] = [];
  for (const { name, index, decisionLayer, prediction } of report.samples) {
    if (decisionLayer !== null)
      all.push({ subject: name, metric: 'sampleDecisionLayer', value: decisionLayer, floor: 0 });
    const { biasShares } = await report.sample(index);
    const own = biasShares.find(({ output }) => output === prediction) ?? biasShares[0];
    if (own) all.push({ subject: name, metric: 'sampleResidualShare', value: own.residualShare, floor });
  }
  return all;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Measurements by metric and subject. */
export function byMetricAndSubject(measurements: readonly Measurement[]): ReadonlyMap<string, Measurement> {
  return new Map(measurements.map((one) => [`${one.metric}\n${one.subject}`, one]));
}
