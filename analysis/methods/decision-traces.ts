// Where in the network is each input decided, and how sure is each layer? (ALLT; methods.md, section 1) After every layer a
// sample has a preliminary class: the one whose mean left vectors U are nearest. Full traces take whole transformations T, the
// third view clusters without labels; single columns of U give the uncertainty profile.
import type { DecisionTrace, TraceGroup, TraceSummary } from '../../reports/format.ts';
import type { Study } from '../study.ts';
import { transformationsOf } from './layer-transformations.ts';
import type { Answer, Method, SkippedLayer, Unit } from './method.ts';
import { nearestCentroids, type NearestCentroids } from './nearest-centroids.ts';
import { sampleClusters } from './sample-clusters.ts';
import { sampleClasses, stackedLayers, type LayerStack, type SampleClasses } from './stacked-svd.ts';

/** What is kept together when a run stops. */
const SAMPLES_A_UNIT = 512;
/** Most streams from layer to layer that are counted, the widest ones. */
const MOST_FLOWS = 1000;

export const decisionTraces: Method = {
  id: 'decision-traces',
  question: 'After which layer is each input decided, and how sure is the network before that?',
  version: 3,
  settings: ['k', 'tolerance', 'clusters', 'perplexity', 'embedded', 'memory'],
  units(study) {
    if (sampleClasses(study) === null) return 'there are no classes: neither labels nor predictions';
    const skipped = skippedLayers(study);
    if (skipped.length === study.layers.length) return `no layer is covered: ${skipped[0]?.reason ?? 'there is none'}`;
    const units: Unit[] = [];
    for (let start = 0; start < study.samples.count; start += SAMPLES_A_UNIT)
      units.push({ key: String(start), sample: start });
    return units;
  },
  skipped: skippedLayers,
  async answer(study, { sample }) {
    const start = sample!;
    const end = Math.min(start + SAMPLES_A_UNIT, study.samples.count);
    const stacked = await stackedLayers(study);
    const { classes } = stacked;
    const stacks = tracedStacks(stacked.stacks);
    const found = await sampleClusters(study, stacked);
    const clusters = stacks.map((stack) => found[stacked.stacks.indexOf(stack)]!);
    const nearest = await traces(study, start, end);
    const name = (position: number): string => study.outputName(classes!.list[position]!);
    return Array.from({ length: end - start }, (_, i) => {
      const trace = nearest.map(({ projections }) => projections[i]!);
      const variation = nearest.map(
        ({ profiles, columns }) => new Set(profiles.subarray(i * columns, (i + 1) * columns)).size - 1,
      );
      const decisionTrace: DecisionTrace = {
        layers: stacks.map(({ transformation }) => transformation.layer.name),
        classes: trace.map(name),
        fullClasses: nearest.map(({ full }) => name(full[i]!)),
        clusterClasses: clusters.map(({ assignment, majorities }) => {
          const majority = majorities[assignment[start + i]!];
          return majority ? study.outputName(majority.class) : '';
        }),
        decisionLayer: decisionLayer(trace),
        variation,
        profiles: study.detailed.includes(start + i)
          ? nearest.map(({ profiles, columns }) => Array.from(profiles.subarray(i * columns, (i + 1) * columns), name))
          : [],
        centroidsFrom: classes!.source,
      };
      const meanVariation = variation.reduce((sum, v) => sum + v, 0) / variation.length;
      return { on: { sample: start + i }, fields: { decisionTrace, meanVariation } };
    });
  },
  summarise,
};

function skippedLayers(study: Study): SkippedLayer[] {
  const { covered, skipped } = transformationsOf(study);
  const linear = covered
    .filter((transformation) => transformation.linear)
    .map(({ layer }) => ({
      layer: layer.name,
      reason: 'no activation function follows: its map is the same for every sample',
    }));
  const reasons = new Map([...skipped, ...linear].map((entry) => [entry.layer, entry]));
  return study.layers.flatMap(({ name }) => reasons.get(name) ?? []);
}

/** The layers whose maps differ from sample to sample. */
function tracedStacks(stacks: readonly LayerStack[]): LayerStack[] {
  return stacks.filter(({ transformation }) => !transformation.linear);
}

/** Nearest centroids of a block of samples at one layer, as positions in the list of classes. */
export interface LayerTrace {
  /** From the projections U. */
  readonly projections: Int32Array;
  /** From the full transformations T. */
  readonly full: Int32Array;
  /** From each column of U alone: samples × columns. */
  readonly profiles: Int32Array;
  readonly columns: number;
}

const searches = new WeakMap<Study, Promise<readonly NearestCentroids[]>>();

/** The traces of samples start … end−1 at every covered layer. */
export async function traces(study: Study, start: number, end: number): Promise<LayerTrace[]> {
  const { stacks: all, reader, classes } = await stackedLayers(study);
  const stacks = tracedStacks(all);
  let found = searches.get(study);
  if (!found) searches.set(study, (found = Promise.all(stacks.map((stack) => searchOf(study, stack, classes!)))));
  const prepared = await found;
  const step = reader.blockSize(Math.max(...prepared.map(({ perSample }) => perSample)));
  const result = stacks.map(({ k }) => ({
    projections: new Int32Array(end - start),
    full: new Int32Array(end - start),
    profiles: new Int32Array((end - start) * k),
    columns: k,
  }));
  for (let first = start; first < end; first += step) {
    const last = Math.min(first + step, end);
    const blocks = await reader.read(first, last);
    for (const [t, { projections, full, profiles, columns }] of result.entries()) {
      const nearest = await prepared[t]!.of(blocks[all.indexOf(stacks[t]!)]!.s, last - first);
      for (let i = 0; i < last - first; i++) {
        const row = i * (columns + 2);
        profiles.set(nearest.subarray(row, row + columns), (first - start + i) * columns);
        projections[first - start + i] = nearest[row + columns]!;
        full[first - start + i] = nearest[row + columns + 1]!;
      }
    }
  }
  return result;
}

/** Columns of weights: B_od² of each column of U, then ‖B_o‖² of all of them, then ‖W̃_o‖² of T. */
function searchOf(
  study: Study,
  { k, left, leftNorms, rowNorms, sums, transformation: { size } }: LayerStack,
  classes: SampleClasses,
): Promise<NearestCentroids> {
  const columns = k + 2;
  const weights = new Float64Array(size * columns);
  for (let o = 0; o < size; o++) {
    for (let d = 0; d < k; d++) weights[o * columns + d] = left[o * k + d]! ** 2;
    weights[o * columns + k] = leftNorms[o]!;
    weights[o * columns + k + 1] = rowNorms[o]!;
  }
  return nearestCentroids(study, {
    size,
    centre: sums.mean,
    means: sums.classMeans,
    count: classes.list.length,
    weights,
    columns,
  });
}

/** The first layer (from 1) after which a trace no longer changes. */
export function decisionLayer(trace: ArrayLike<unknown>): number {
  let layer = trace.length;
  while (layer > 1 && trace[layer - 2] === trace[layer - 1]) layer--;
  return layer;
}

function summarise(study: Study, answers: readonly Answer[]): Answer[] {
  const layers = transformationsOf(study)
    .covered.filter(({ linear }) => !linear)
    .map(({ layer }) => layer.name);
  const all = answers.map(({ on, fields }) => ({
    sample: (on as { sample: number }).sample,
    trace: fields['decisionTrace'] as DecisionTrace,
  }));
  const group = (right: boolean): TraceGroup => {
    const members = all.filter(({ sample }) => study.correct(sample) === right);
    const share = (holds: (member: (typeof members)[number], layer: number) => boolean): number[] =>
      layers.map((_, l) =>
        members.length === 0 ? 0 : members.filter((member) => holds(member, l)).length / members.length,
      );
    const label = ({ sample }: { sample: number }): string => study.outputName(study.labels![sample]!);
    const moments = layers.map((_, l) => moment(members.map(({ trace }) => trace.variation[l]!)));
    return {
      count: members.length,
      rightByLayer: share((member, l) => member.trace.classes[l] === label(member)),
      fullRightByLayer: share((member, l) => member.trace.fullClasses[l] === label(member)),
      clusterRightByLayer: share((member, l) => member.trace.clusterClasses?.[l] === label(member)),
      decidedByLayer: share((member, l) => member.trace.decisionLayer === l + 1),
      variationMean: moments.map(({ mean }) => mean),
      variationSd: moments.map(({ sd }) => sd),
    };
  };
  if (!all.some(({ sample }) => study.correct(sample) !== null)) return [];
  const traceSummary: TraceSummary = {
    layers,
    correct: group(true),
    wrong: group(false),
    flows: flowsOf(study, all, layers.length),
  };
  return [{ on: 'model', fields: { traceSummary } }];
}

/** How many samples go from which class after one layer to which after the next; after the last layer, to the prediction. */
function flowsOf(
  study: Study,
  all: readonly { sample: number; trace: DecisionTrace }[],
  layers: number,
): NonNullable<TraceSummary['flows']> {
  const flows = new Map<string, { layer: number; from: string; to: string; count: number; wrong: number }>();
  for (const { sample, trace } of all) {
    const prediction = study.predictions?.[sample];
    const path = prediction === undefined ? trace.classes : [...trace.classes, study.outputName(prediction)];
    for (let layer = 0; layer + 1 < Math.min(path.length, layers + 1); layer++) {
      const [from, to] = [path[layer]!, path[layer + 1]!];
      const key = JSON.stringify([layer, from, to]);
      const flow = flows.get(key) ?? { layer, from, to, count: 0, wrong: 0 };
      flow.count++;
      if (study.correct(sample) === false) flow.wrong++;
      flows.set(key, flow);
    }
  }
  return [...flows.values()]
    .sort((a, b) => b.count - a.count)
    .slice(0, MOST_FLOWS)
    .sort(
      (a, b) =>
        a.layer - b.layer || b.count - a.count || (a.from < b.from ? -1 : a.from > b.from ? 1 : a.to < b.to ? -1 : 1),
    );
}

function moment(values: readonly number[]): { mean: number; sd: number } {
  if (values.length === 0) return { mean: 0, sd: 0 };
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return { mean, sd: Math.sqrt(variance) };
}
