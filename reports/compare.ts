// Two reports side by side (methods.md, section 6): layers are matched by name, then by shape and order, samples by name;
// every number is compared with its noise floor, and a difference below the floor is no change. What rests on other
// samples or settings is not compared, and says so.
import { checkComparison, PRESETS } from './checks.ts';
import { isBeyond, type Change, type Difference } from './difference.ts';
import type { StoredFinding, StoredLayer, StoredLayerHead, StoredSample } from './format.ts';
import { byMetricAndSubject, measure, noiseOf, ROUNDING, spectralNoise, type Measurement } from './measurements.ts';
import { INPUT_SETTINGS, METRIC_NAMES, metricOf, type Metric, type MetricName, type SubjectKind } from './metrics.ts';
import type { StoredReport } from './reader.ts';
import { largestAngle, nearestGap, turnByNoise } from './subspaces.ts';
import { chanceOf, lostAtText, turnedSamples, turnedText, type TracedClass } from './turned-samples.ts';

export interface ReportComparison {
  /** True when the two reports are equal to the byte. */
  readonly identical: boolean;
  /** What a reader must know before any number: that the networks, the samples or the settings are not the same. */
  readonly caveats: readonly string[];
  readonly differences: readonly Difference[];
  /** What the recommended rules say of them. */
  readonly findings: readonly StoredFinding[];
}

/** Every difference between two reports, unchanged ones included: the model's first, then classes, layers, samples. */
export async function compareReports(base: StoredReport, head: StoredReport): Promise<ReportComparison> {
  const pair: Pair = { base, head, layers: matchLayers(base.layers, head.layers), found: [], excused: new Set() };
  await compareNumbers(pair);
  compareHeads(pair);
  for (const [before, after] of pair.layers) {
    if (sameShape(before, after)) await compareDirections(pair, before, after);
  }
  tellTurned(pair, await compareSamples(pair));
  pair.found.push(...layersThatDiffer(pair));
  count(pair, 'layersChanged', pair.found.filter(({ metric }) => metric === 'layer').length, 'by name and shape');
  const incomparable = pair.found.filter((one) => one.change === 'INCOMPARABLE' && !pair.excused.has(one));
  count(pair, 'incomparable', incomparable.length, incomparable[0]?.reason ?? null);
  const differences = inOrder(pair);
  const comparison = { identical: base.digest === head.digest, caveats: caveatsOf(pair), differences };
  return { ...comparison, findings: checkComparison(differences, PRESETS.recommended).findings };
}

interface Pair {
  readonly base: StoredReport;
  readonly head: StoredReport;
  readonly layers: readonly (readonly [StoredLayerHead, StoredLayerHead])[];
  readonly found: Difference[];
  /** What cannot be compared by nature, whatever the samples and settings are. */
  readonly excused: Set<Difference>;
}

/** What tells layers of two networks apart. */
type LayerFacts = Pick<StoredLayerHead, 'name' | 'op' | 'inputShape' | 'outputShape'>;

/** Layers of one name; what is left by shape, in order. */
export function matchLayers<Layer extends LayerFacts>(
  base: readonly Layer[],
  head: readonly Layer[],
): [Layer, Layer][] {
  const left = new Map(head.map((layer) => [layer.name, layer]));
  const pairs = new Map<Layer, Layer>();
  for (const layer of base) {
    const same = left.get(layer.name);
    if (same) pairs.set(layer, same);
    left.delete(layer.name);
  }
  for (const layer of base) {
    if (pairs.has(layer)) continue;
    const alike = [...left.values()].find((other) => other.op === layer.op && sameShape(other, layer));
    if (alike) pairs.set(layer, alike);
    if (alike) left.delete(alike.name);
  }
  return base.flatMap((layer): [Layer, Layer][] => (pairs.has(layer) ? [[layer, pairs.get(layer)!]] : []));
}

function sameShape(a: LayerFacts, b: LayerFacts): boolean {
  return String(a.inputShape) === String(b.inputShape) && String(a.outputShape) === String(b.outputShape);
}

/** Why a metric's numbers do not speak of the same thing in both reports; null when they do. */
function whyIncomparable({ base, head }: Pair, metric: Metric): string | null {
  const [before, after] = [base.model.provenance, head.model.provenance];
  if (metric.samples && before.samplesSha256 !== after.samplesSha256) return 'the samples differ';
  for (const name of [...(metric.samples ? INPUT_SETTINGS : []), ...(metric.settings ?? [])]) {
    const [a, b] = [before, after].map(({ settings }) => settings.find((one) => one.name === name)?.value);
    if (a !== undefined && b !== undefined && a !== b) return `the setting ${name} differs (${a}, ${b})`;
  }
  const [a, b] = [base, head].map(({ model }) => model.methods.find(({ method }) => method === metric.method)?.version);
  if (a !== undefined && b !== undefined && a !== b) return `${metric.method} is version ${a} and ${b}`;
  return null;
}

/** Puts a difference down; its change follows from the numbers unless they cannot be compared. */
function add(
  { found }: Pair,
  metric: MetricName,
  subject: string,
  given: {
    base?: number | null;
    head?: number | null;
    delta?: number;
    floor?: number;
    reason?: string | null;
    incomparable?: string | null;
    series?: Difference['series'];
  },
): void {
  const { kind, better } = metricOf(metric);
  const { base = null, head = null, floor = 0, reason = null, incomparable = null, series } = given;
  const own = { kind, subject, metric, base, head, ...(series && { series }) };
  if (incomparable !== null) {
    found.push({ ...own, change: 'INCOMPARABLE', delta: null, floor: null, reason: incomparable });
    return;
  }
  const delta = given.delta ?? head! - base!;
  const improves = better === 'higher' ? delta > 0 : delta < 0;
  const change = !isBeyond(delta, floor) ? 'UNCHANGED' : !better ? 'CHANGED' : improves ? 'BETTER' : 'WORSE';
  found.push({ ...own, change, delta, floor, reason });
}

function count(pair: Pair, metric: MetricName, delta: number, reason: string | null): void {
  add(pair, metric, 'model', { delta, reason });
}

/** Every number that one report has for itself. */
async function compareNumbers(pair: Pair): Promise<void> {
  const { base, head, layers } = pair;
  const [before, after] = [await measure(base), byMetricAndSubject(await measure(head))];
  const renamed = new Map(layers.map(([a, b]) => [a.name, b.name]));
  const reasons = new Map(METRIC_NAMES.map((name) => [name, whyIncomparable(pair, metricOf(name))]));
  const ties = tiedPredictions(pair);
  const met = new Set<Measurement>();
  for (const one of before) {
    const { metric, subject, value } = one;
    const { kind, method } = metricOf(metric);
    // Those who are not in both reports have no counterpart; that they are not is told elsewhere.
    if (kind === 'LAYER' && !renamed.has(subject)) continue;
    if (kind === 'SAMPLE' && !head.sampleNamed(subject)) continue;
    const other = after.get(`${metric}\n${kind === 'LAYER' ? renamed.get(subject)! : subject}`);
    if (other) met.add(other);
    if (metric === 'representationalPower') continue;
    const incomparable = reasons.get(metric) ?? (other ? null : missing(head, metric, method, 'head'));
    add(pair, metric, subject, {
      base: value,
      head: other?.value ?? null,
      floor: floorOf(one, other?.floor ?? 0, ties, base),
      incomparable,
    });
  }
  const originally = new Map(layers.map(([a, b]) => [b.name, a.name]));
  for (const one of after.values()) {
    const { metric, subject, value } = one;
    const { kind, method } = metricOf(metric);
    if (met.has(one) || metric === 'representationalPower') continue;
    if (kind === 'LAYER' && !originally.has(subject)) continue;
    if (kind === 'SAMPLE' && !base.sampleNamed(subject)) continue;
    const name = kind === 'LAYER' ? originally.get(subject)! : subject;
    const incomparable = reasons.get(metric) ?? missing(base, metric, method, 'base');
    add(pair, metric, name, { head: value, incomparable });
  }
}

function missing({ model }: StoredReport, metric: MetricName, method: string | undefined, where: string): string {
  const reason = model.methods.find((status) => status.method === method)?.reason;
  return `the ${where} has no ${metricOf(metric).label}${reason ? `: ${reason}` : ''}`;
}

/** The errors of both numbers together; accuracies move by as many samples as are level between two classes. */
function floorOf(
  { metric, subject, floor }: Measurement,
  other: number,
  ties: ReadonlyMap<string, number>,
  { model, samples }: StoredReport,
): number {
  if (metric === 'accuracy') return total(ties) / Math.max(1, samples.filter(({ correct }) => correct !== null).length);
  if (metric === 'classAccuracy') {
    const row = model.classSummaries.find((one) => one.class === subject);
    return (ties.get(subject) ?? 0) / Math.max(1, row?.samples ?? 0);
  }
  // Standard errors of two fits.
  if (metric === 'alpha') return Math.hypot(floor, other);
  return floor + other;
}

function total(ties: ReadonlyMap<string, number>): number {
  return [...ties.values()].reduce((sum, n) => sum + n, 0);
}

/** Samples whose prediction changed although its confidence did not: two classes are level, and rounding decides. By label. */
function tiedPredictions({ base, head }: Pair): ReadonlyMap<string, number> {
  const ties = new Map<string, number>();
  for (const before of base.samples) {
    const after = head.sampleNamed(before.name);
    if (!after || !isTied(before, after)) continue;
    const label = before.label ?? '';
    ties.set(label, (ties.get(label) ?? 0) + 1);
  }
  return ties;
}

type SampleHead = StoredReport['samples'][number];

function isTied(before: SampleHead, after: SampleHead): boolean {
  if (before.prediction === after.prediction || before.confidence === null || after.confidence === null) return false;
  return Math.abs(before.confidence - after.confidence) <= ROUNDING && before.confidence <= 0.5 + ROUNDING;
}

/** What the heads of the samples say: predictions and decision layers. */
function compareHeads(pair: Pair): void {
  const { base, head } = pair;
  const shared = base.samples.flatMap((before) => {
    const after = head.sampleNamed(before.name);
    return after ? [{ before, after }] : [];
  });
  const compare = (
    metric: MetricName,
    answered: (sample: SampleHead) => boolean,
    differs: (before: SampleHead, after: SampleHead) => boolean,
    floor: (count: number) => number,
  ): void => {
    const both = shared.filter(({ before, after }) => answered(before) && answered(after));
    if (!base.samples.some(answered) && !head.samples.some(answered)) return;
    const incomparable =
      whyIncomparable(pair, metricOf(metric)) ?? (both.length === 0 ? 'no sample has one in both' : null);
    const changed = both.filter(({ before, after }) => differs(before, after)).length;
    add(pair, metric, 'model', {
      delta: changed / Math.max(1, both.length),
      floor: floor(both.length),
      incomparable,
      reason: `${changed} of ${both.length} samples`,
    });
  };
  const ties = total(tiedPredictions(pair));
  compare(
    'predictionsChanged',
    ({ prediction }) => prediction !== null,
    (before, after) => before.prediction !== after.prediction,
    (n) => ties / Math.max(1, n),
  );
  compare(
    'decisionLayersMoved',
    ({ decisionLayer }) => decisionLayer !== null,
    (before, after) => before.decisionLayer !== after.decisionLayer,
    (n) => 1 / Math.max(1, n),
  );
  if (whyIncomparable(pair, metricOf('samplePrediction')) !== null) return;
  for (const { before, after } of shared) {
    if (before.prediction === null || after.prediction === null) continue;
    const changed = before.prediction !== after.prediction;
    add(pair, 'samplePrediction', before.name, {
      delta: Number(changed),
      floor: isTied(before, after) ? 1 : 0,
      reason: changed ? `${before.prediction} → ${after.prediction}` : null,
    });
  }
}

/** Spectra and leading subspaces of a layer: of its weights, and of its features over the samples. */
async function compareDirections(pair: Pair, before: StoredLayerHead, after: StoredLayerHead): Promise<void> {
  const [a, b] = [await pair.base.layer(before.index), await pair.head.layer(after.index)];
  const [weightsA, weightsB] = [a.weightDirections, b.weightDirections];
  if (weightsA || weightsB) {
    const incomparable =
      whyIncomparable(pair, metricOf('spectrum')) ?? lacking(weightsA, weightsB, 'weight directions');
    if (!weightsA || !weightsB || incomparable !== null) {
      for (const metric of ['spectrum', 'inputAngle', 'outputAngle'] as const)
        add(pair, metric, before.name, { incomparable });
    } else {
      compareSpectra(pair, 'spectrum', before.name, weightsA, weightsB);
      await compareSubspaces(pair, 'inputAngle', before.name, weightsA, weightsB, 'inputVectors');
      await compareSubspaces(pair, 'outputAngle', before.name, weightsA, weightsB, 'outputVectors');
    }
  }
  await compareFeatures(pair, before.name, a, b);
}

async function compareFeatures(pair: Pair, name: string, a: StoredLayer, b: StoredLayer): Promise<void> {
  const [featuresA, featuresB] = [a.layerFeatures, b.layerFeatures];
  if (!featuresA && !featuresB) return;
  for (const metric of ['featureSpectrum', 'featureAngle'] as const) {
    const incomparable = whyIncomparable(pair, metricOf(metric)) ?? lacking(featuresA, featuresB, 'layer features');
    if (!featuresA || !featuresB || incomparable !== null) add(pair, metric, name, { incomparable });
    else if (metric === 'featureSpectrum') compareSpectra(pair, metric, name, featuresA, featuresB);
    else await compareSubspaces(pair, metric, name, featuresA, featuresB, 'inputVectors');
  }
}

function lacking(base: unknown, head: unknown, what: string): string | null {
  return base && head ? null : `the ${base ? 'head' : 'base'} has no ${what}`;
}

interface Directions {
  readonly singularValues: readonly number[];
  readonly certificate: Parameters<typeof spectralNoise>[0];
  readonly stableRank?: number;
  readonly inputVectors: { readonly url: string; readonly shape: readonly number[] } | null;
  readonly outputVectors: { readonly url: string; readonly shape: readonly number[] } | null;
}

function noiseOfBoth(a: Directions, b: Directions): number {
  return Math.max(spectralNoise(a.certificate), spectralNoise(b.certificate));
}

/** The largest change of a singular value, as a share of the largest one of both. */
function compareSpectra(pair: Pair, metric: MetricName, name: string, a: Directions, b: Directions): void {
  const [base, head] = [a.singularValues, b.singularValues];
  const largest = Math.max(base[0] ?? 0, head[0] ?? 0);
  // Values beyond the shorter list were not computed there.
  const length = Math.min(base.length, head.length);
  let [furthest, at] = [0, 0];
  for (let i = 0; i < length; i++) {
    const change = Math.abs(head[i]! - base[i]!);
    if (change > furthest) [furthest, at] = [change, i];
  }
  add(pair, metric, name, {
    delta: largest > 0 ? furthest / largest : 0,
    floor: noiseOfBoth(a, b),
    reason: `largest change of a singular value (number ${at + 1}), as a share of the largest one`,
    series: { base, head },
  });
}

async function compareSubspaces(
  pair: Pair,
  metric: MetricName,
  name: string,
  a: Directions,
  b: Directions,
  field: 'inputVectors' | 'outputVectors',
): Promise<void> {
  const [base, head] = [a[field], b[field]];
  const impossible = (incomparable: string): void => add(pair, metric, name, { incomparable });
  if (!base || !head) return impossible(lacking(base, head, 'vectors of its directions')!);
  const size = base.shape[1]!;
  if (head.shape[1] !== size) return impossible('the vectors differ in length');
  // The whole space has no directions to turn.
  const most = Math.min(base.shape[0]!, head.shape[0]!, size - 1);
  const wanted = Math.max(1, Math.round(a.stableRank ?? a.singularValues.length / 2));
  const gap = nearestGap(a.singularValues, b.singularValues, { wanted, most });
  const same = base.url === head.url;
  if (!gap && !same) {
    impossible('no gap in both spectra: single directions are arbitrary there');
    pair.excused.add(pair.found.at(-1)!);
    return;
  }
  const [rowsA, rowsB] = [await pair.base.array(base), await pair.head.array(head)];
  if (!same && (!rowsA || !rowsB)) return impossible(`the array of the ${rowsA ? 'head' : 'base'} cannot be read`);
  add(pair, metric, name, {
    delta: same ? 0 : largestAngle(rowsA!, rowsB!, gap!.k, size),
    floor: gap ? turnByNoise(noiseOfBoth(a, b), gap) : 0,
    reason: gap && `largest principal angle of the leading ${gap.k === 1 ? 'direction' : `${gap.k} directions`}`,
  });
}

/** By class, then layer: preliminary classes that are right. */
type TracedClasses = Map<string, Map<string, TracedClass>>;

/** What needs the files of the samples: traces, representational power, votes, contributions. */
async function compareSamples(pair: Pair): Promise<TracedClasses> {
  const { base, head, layers } = pair;
  const shared = base.samples.flatMap((before) => {
    const after = head.sampleNamed(before.name);
    return after ? [[before.index, after.index] as const] : [];
  });
  const why = (metric: MetricName): string | null =>
    whyIncomparable(pair, metricOf(metric)) ?? (shared.length === 0 ? 'no sample is in both' : null);
  const reasons = {
    tracesChanged: why('tracesChanged'),
    representationalPower: why('representationalPower'),
    sampleVotes: why('sampleVotes'),
    sampleContributions: why('sampleContributions'),
  };
  const renamed = new Map(layers.map(([a, b]) => [a.name, b.name]));
  const traced = new Map<string, { changed: number; samples: number }>();
  const classes: TracedClasses = new Map();
  const powers = new Map<string, { base: number; head: number; samples: number; neurons: number }>();
  const pixels = pixelsOf(base);
  for (const [i, j] of shared) {
    const [before, after] = [await base.sample(i), await head.sample(j)];
    countTraces({ traced, classes, label: before.label }, renamed, before, after);
    addPowers(powers, renamed, before, after);
    if (reasons.sampleVotes === null) compareVotes(pair, before, after, pixels);
    if (reasons.sampleContributions === null) compareContributions(pair, before, after);
  }
  for (const [{ name }] of layers) {
    const trace = traced.get(name);
    if (trace) {
      add(pair, 'tracesChanged', name, {
        delta: trace.changed / trace.samples,
        // One sample may stand between two centroids.
        floor: 1 / trace.samples,
        incomparable: reasons.tracesChanged,
        reason: `${trace.changed} of ${trace.samples} samples`,
      });
    } else if (reasons.tracesChanged !== null && base.model.traceSummary?.layers.includes(name)) {
      add(pair, 'tracesChanged', name, { incomparable: reasons.tracesChanged });
    }
    const power = powers.get(name);
    if (power) {
      add(pair, 'representationalPower', name, {
        base: power.base / power.samples,
        head: power.head / power.samples,
        // A share of the sum that lies at γ within rounding takes one value more or less.
        floor: 1 / (power.samples * power.neurons),
        incomparable: reasons.representationalPower,
        reason: `mean over the ${power.samples} samples that both look at in detail`,
      });
    }
  }
  return classes;
}

/** Says of each accuracy which samples turned, how often chance does that, and where a class is lost. */
function tellTurned({ base, head, found }: Pair, classes: TracedClasses): void {
  const pairs = base.samples.flatMap((before) => {
    const after = head.sampleNamed(before.name);
    return after ? [[before, after] as const] : [];
  });
  for (const [i, one] of found.entries()) {
    if (one.metric === 'layer' || !metricOf(one.metric).counted || one.delta === null) continue;
    const turned = turnedSamples(pairs, one.kind === 'CLASS' ? one.subject : null);
    if (turned.right + turned.wrong === 0) continue;
    const lost = one.kind === 'CLASS' && one.delta < 0 ? lostAtText(classes.get(one.subject) ?? new Map()) : null;
    const reason = [turnedText(turned), lost].filter(Boolean).join('; ');
    found[i] = { ...one, chance: chanceOf(turned), reason };
  }
}

function countTraces(
  {
    traced,
    classes,
    label,
  }: { traced: Map<string, { changed: number; samples: number }>; classes: TracedClasses; label: string | null },
  renamed: ReadonlyMap<string, string>,
  { decisionTrace: before }: StoredSample,
  { decisionTrace: after }: StoredSample,
): void {
  for (const [l, name] of (before && after ? before.layers : []).entries()) {
    const at = after!.layers.indexOf(renamed.get(name) ?? '');
    if (at < 0) continue;
    const own = traced.get(name) ?? { changed: 0, samples: 0 };
    own.samples++;
    if (before!.classes[l] !== after!.classes[at]) own.changed++;
    traced.set(name, own);
    if (label === null) continue;
    const layers = classes.get(label) ?? new Map<string, TracedClass>();
    const { samples, base, head } = layers.get(name) ?? { samples: 0, base: 0, head: 0 };
    const right = (is: string | undefined): number => Number(is === label);
    layers.set(name, {
      samples: samples + 1,
      base: base + right(before!.classes[l]),
      head: head + right(after!.classes[at]),
    });
    classes.set(label, layers);
  }
}

function addPowers(
  powers: Map<string, { base: number; head: number; samples: number; neurons: number }>,
  renamed: ReadonlyMap<string, string>,
  before: StoredSample,
  after: StoredSample,
): void {
  for (const one of before.inputPatterns) {
    const other = after.inputPatterns.find(({ layer, part }) => layer === renamed.get(one.layer) && part === one.part);
    if (one.part !== 'ALL' || !other) continue;
    const own = powers.get(one.layer) ?? { base: 0, head: 0, samples: 0, neurons: one.neurons };
    own.samples++;
    own.base += one.representationalPower / Math.max(1, one.neurons);
    own.head += other.representationalPower / Math.max(1, other.neurons);
    powers.set(one.layer, own);
  }
}

function pixelsOf({ model }: StoredReport): number {
  const { shape, channelAxis } = model.input ?? { shape: model.inputShape, channelAxis: null };
  return shape.reduce((product, n, axis) => (axis === channelAxis ? product : product * n), 1);
}

/** Half the sum of the changes: the share of pixels that vote otherwise, at least. */
function compareVotes(pair: Pair, before: StoredSample, after: StoredSample, pixels: number): void {
  const [a, b] = [before.pixelVotes, after.pixelVotes];
  if (!a || !b) return;
  const shares = new Map(a.shares.map((one) => [one.class, -one.share]));
  for (const one of b.shares) shares.set(one.class, (shares.get(one.class) ?? 0) + one.share);
  add(pair, 'sampleVotes', before.name, {
    delta: [...shares.values()].reduce((sum, share) => sum + Math.abs(share), 0) / 2,
    // A pixel or two may be level between two classes.
    floor: 2 / Math.max(1, pixels),
    reason: a.winner === b.winner ? null : `the winner was ${a.winner} and is ${b.winner}`,
  });
}

/**
 * The largest change of Σ_{i≤k} α_i, as a share of Σ|α|, over the gaps k of both spectra: within a group of near-equal
 * values single terms are arbitrary, their sum is not.
 */
function compareContributions(pair: Pair, before: StoredSample, after: StoredSample): void {
  let worst: { delta: number; floor: number; reason: string } | null = null;
  for (const one of before.outputContributions) {
    const other = after.outputContributions.find(({ split, output }) => split === one.split && output === one.output);
    if (!other) continue;
    const noise = Math.max(noiseOf(pair.base), ...one.certificate.residuals, ...other.certificate.residuals);
    const [a, b] = [inOrderOf(one.components), inOrderOf(other.components)];
    const size = Math.max(absolute(a), absolute(b), 1e-30);
    let [sumA, sumB] = [0, 0];
    for (let k = 1; k <= Math.min(a.length, b.length); k++) {
      sumA += a[k - 1]!.contribution;
      sumB += b[k - 1]!.contribution;
      const whole = k === a.length && k === b.length;
      const gap = nearestGap(one.singularValues, other.singularValues, { wanted: k, most: k });
      if (!whole && gap?.k !== k) continue;
      const found = {
        delta: Math.abs(sumA - sumB) / size,
        floor: whole || !gap ? 2 * noise : Math.min(1, (2 * noise) / gap.width),
        reason: `of the leading ${k} for ${one.output}, split after ${one.split}`,
      };
      if (!worst || found.delta - found.floor > worst.delta - worst.floor) worst = found;
    }
  }
  if (worst) add(pair, 'sampleContributions', before.name, worst);
}

type Components = StoredSample['outputContributions'][number]['components'];

function inOrderOf(components: Components): Components {
  return components.toSorted((a, b) => a.index - b.index);
}

function absolute(components: Components): number {
  return components.reduce((sum, { contribution }) => sum + Math.abs(contribution), 0);
}

function layersThatDiffer({ base, head, layers }: Pair): Difference[] {
  const presence = (subject: string, change: Change, reason: string): Difference => ({
    kind: 'LAYER',
    subject,
    metric: 'layer',
    change,
    base: null,
    head: null,
    delta: null,
    floor: null,
    reason,
  });
  const [kept, known] = [new Set(layers.map(([a]) => a)), new Set(layers.map(([, b]) => b))];
  const shape = ({ inputShape, outputShape }: StoredLayerHead): string =>
    `${inputShape.join('×')} → ${outputShape.join('×')}`;
  return [
    ...layers.flatMap(([a, b]) => {
      if (!sameShape(a, b)) return [presence(a.name, 'INCOMPARABLE', `the shapes differ (${shape(a)}, ${shape(b)})`)];
      return a.name === b.name ? [] : [presence(a.name, 'CHANGED', `it is called ${b.name} in the head`)];
    }),
    ...base.layers.filter((a) => !kept.has(a)).map(({ name }) => presence(name, 'REMOVED', 'only in the base')),
    ...head.layers.filter((b) => !known.has(b)).map(({ name }) => presence(name, 'ADDED', 'only in the head')),
  ];
}

/** In words: other layers, other samples, other settings. */
function caveatsOf({ base, head, layers }: Pair): string[] {
  const caveats: string[] = [];
  const reshaped = layers.filter(([a, b]) => !sameShape(a, b)).length;
  const [gone, come] = [base.layers.length - layers.length, head.layers.length - layers.length];
  if (reshaped + gone + come > 0) {
    const parts = [
      gone > 0 && `${gone} only in the base`,
      come > 0 && `${come} only in the head`,
      reshaped > 0 && `${reshaped} of another shape`,
    ];
    caveats.push(
      `The networks differ: of ${base.layers.length} and ${head.layers.length} layers, ${parts.filter(Boolean).join(', ')}`,
    );
  }
  const [before, after] = [base.model.provenance, head.model.provenance];
  if (before.samplesSha256 !== after.samplesSha256)
    caveats.push('The samples differ: no number that depends on them is compared');
  const settings = new Map(after.settings.map(({ name, value }) => [name, value]));
  // What was asked for, methods and samples to look at, makes no number another one.
  const matter = new Set<string>([...INPUT_SETTINGS, ...METRIC_NAMES.flatMap((name) => metricOf(name).settings ?? [])]);
  const others = before.settings.flatMap(({ name, value }) =>
    matter.has(name) && settings.has(name) && settings.get(name) !== value
      ? [`${name} (${value}, ${settings.get(name)})`]
      : [],
  );
  if (others.length > 0) caveats.push(`The settings differ: ${others.join(', ')}`);
  return caveats;
}

/** By kind, then subject in the order of the report, then metric. */
function inOrder({ base, head, found }: Pair): Difference[] {
  const kinds: readonly SubjectKind[] = ['MODEL', 'CLASS', 'LAYER', 'SAMPLE'];
  const places = new Map<string, number>();
  const place = (kind: SubjectKind, name: string): void => {
    const key = `${kind}\n${name}`;
    if (!places.has(key)) places.set(key, places.size);
  };
  for (const { model, layers, samples } of [base, head]) {
    for (const one of model.classSummaries) place('CLASS', one.class);
    for (const { name } of layers) place('LAYER', name);
    for (const { name } of samples) place('SAMPLE', name);
  }
  const metrics = new Map<string, number>(['layer', ...METRIC_NAMES].map((name, i) => [name, i]));
  const rank = ({ kind, subject, metric }: Difference): number[] => [
    kinds.indexOf(kind),
    places.get(`${kind}\n${subject}`) ?? -1,
    metrics.get(metric)!,
  ];
  return found
    .map((difference) => ({ difference, rank: rank(difference) }))
    .sort((a, b) => a.rank[0]! - b.rank[0]! || a.rank[1]! - b.rank[1]! || a.rank[2]! - b.rank[2]!)
    .map(({ difference }) => difference);
}
