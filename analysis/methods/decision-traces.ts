// Where in the network is each input decided, and how sure is each layer? (ALLT; methods.md, section 1) After every layer a
// sample has a preliminary class: the one whose mean left vectors U are nearest. Full traces take whole transformations T, the
// third view clusters without labels; single columns of U give the uncertainty profile.
import type { DecisionTrace, TraceGroup, TraceSummary } from '../../reports/format.ts';
import type { Study } from '../study.ts';
import { layerReader, transformationsOf, type LayerReader } from './layer-transformations.ts';
import type { Answer, Method, SkippedLayer } from './method.ts';
import { nearestCentroids, type NearestCentroids } from './nearest-centroids.ts';
import { sampleClusters } from './sample-clusters.ts';
import { sampleClasses, stackedLayers, type LayerStack, type SampleClasses } from './stacked-svd.ts';
import { oncePerStudy } from './once-per-study.ts';

/** Most streams from layer to layer that are counted, the widest ones. */
const MOST_FLOWS = 1000;

export const decisionTraces: Method = {
  id: 'decision-traces',
  question: 'After which layer is each input decided, and how sure is the network before that?',
  version: 4,
  settings: ['k', 'tolerance', 'clusters', 'perplexity', 'embedded', 'memory'],
  units(study) {
    if (sampleClasses(study) === null) return 'there are no classes: neither labels nor predictions';
    const skipped = skippedLayers(study);
    if (skipped.length === study.layers.length) return `no layer is covered: ${skipped[0]?.reason ?? 'there is none'}`;
    return [{ key: 'all' }];
  },
  skipped: skippedLayers,
  async answer(study) {
    const stacked = await stackedLayers(study);
    const { classes } = stacked;
    const stacks = tracedStacks(stacked.stacks);
    const found = await sampleClusters(study);
    const clusters = stacks.map((stack) => found[stacked.stacks.indexOf(stack)]!);
    const nearest = await traces(study);
    const name = (position: number): string => study.outputName(classes!.list[position]!);
    return Array.from({ length: study.samples.count }, (_, i) => {
      const trace = nearest.map(({ projections }) => projections[i]!);
      const variation = nearest.map((layer) => layer.variation[i]!);
      const decisionTrace: DecisionTrace = {
        layers: stacks.map(({ transformation }) => transformation.layer.name),
        classes: trace.map(name),
        fullClasses: nearest.map(({ full }) => name(full[i]!)),
        clusterClasses: clusters.map(({ assignment, majorities }) => {
          const majority = majorities[assignment[i]!];
          return majority ? study.outputName(majority.class) : '';
        }),
        decisionLayer: decisionLayer(trace),
        variation,
        profiles: study.detailed.includes(i) ? nearest.map(({ profiles }) => Array.from(profiles.get(i)!, name)) : [],
        centroidsFrom: classes!.source,
      };
      const meanVariation = variation.reduce((sum, v) => sum + v, 0) / variation.length;
      return { on: { sample: i }, fields: { decisionTrace, meanVariation } };
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

/** Nearest centroids of all samples at one layer, as positions in the list of classes. */
export interface LayerTrace {
  /** From the projections U. */
  readonly projections: Int32Array;
  /** From the full transformations T. */
  readonly full: Int32Array;
  /** How many classes single columns of U are nearest to, beside the first of them. */
  readonly variation: Int32Array;
  /** From each column of U alone, of the samples that are looked at in detail. */
  readonly profiles: ReadonlyMap<number, Int32Array>;
}

/** The traces of all samples at every covered layer; found once a study. */
export const traces = oncePerStudy((study) => findTraces(study, study.memory / 8 / CENTROID_BYTES));

/** Classes from … to−1 of one layer, whose centroids are in memory at the same time. */
interface Part {
  readonly layer: number;
  readonly from: number;
  readonly to: number;
}

/** The nearest centroids that were met so far: samples × columns each. */
interface Found {
  readonly nearest: Int32Array;
  readonly scores: Float32Array;
}

/**
 * Centroids are as large as classes × outputs. Of `most` numbers of them at a time: where there are more, they take turns,
 * with two passes over the samples each.
 */
export async function findTraces(study: Study, most: number): Promise<LayerTrace[]> {
  const { stacks: all, classes } = await stackedLayers(study);
  const stacks = tracedStacks(all);
  const total = study.samples.count;
  const found: (Found | undefined)[] = [];
  const result: LayerTrace[] = [];
  const layers = stacks.map(({ k, transformation: { size } }) => ({
    size,
    // What every layer of a round needs for itself: the weights of a search, and the nearest centroids with their scores.
    own: Math.ceil(((k + 2) * (4 * size + 8 * total)) / CENTROID_BYTES),
  }));
  for (const round of roundsOf(layers, classes!.list.length, most)) {
    for (const { layer } of round) {
      const count = total * (stacks[layer]!.k + 2);
      found[layer] ??= { nearest: new Int32Array(count), scores: new Float32Array(count).fill(Infinity) };
    }
    await searchRound(study, stacks, round, classes!, found as Found[]);
    for (const { layer, to } of round) {
      if (to < classes!.list.length) continue;
      result[layer] = traceOf(found[layer]!.nearest, stacks[layer]!.k, study);
      found[layer] = undefined;
    }
  }
  return result;
}

function traceOf(nearest: Int32Array, k: number, { samples: { count }, detailed }: Study): LayerTrace {
  const columns = k + 2;
  const profile = (i: number): Int32Array => nearest.subarray(i * columns, i * columns + k);
  const column = (c: number): Int32Array => Int32Array.from({ length: count }, (_, i) => nearest[i * columns + c]!);
  return {
    projections: column(k),
    full: column(k + 1),
    variation: Int32Array.from({ length: count }, (_, i) => new Set(profile(i)).size - 1),
    profiles: new Map(detailed.map((i) => [i, profile(i).slice()])),
  };
}

/** Of one number of a centroid: its sum in float64, then in float32 beside the program that compares with it. */
const CENTROID_BYTES = 16;

/**
 * Layers with all their classes, in rounds of at most `most` numbers, but one class at least: `size` a centroid, and what is a
 * layer's own once a round.
 */
export function roundsOf(
  layers: readonly { readonly size: number; readonly own: number }[],
  classes: number,
  most: number,
): Part[][] {
  const rounds: Part[][] = [];
  let left = 0;
  for (const [layer, { size, own }] of layers.entries()) {
    for (let from = 0; from < classes;) {
      if (left < own + size) {
        rounds.push([]);
        left = Math.max(most, own + size);
      }
      const to = Math.min(classes, from + Math.floor((left - own) / size));
      rounds.at(-1)!.push({ layer, from, to });
      left -= own + (to - from) * size;
      from = to;
    }
  }
  return rounds;
}

async function searchRound(
  study: Study,
  stacks: readonly LayerStack[],
  round: readonly Part[],
  classes: SampleClasses,
  found: readonly Found[],
): Promise<void> {
  const reader = await layerReader(
    study,
    round.map(({ layer }) => stacks[layer]!.transformation),
  );
  const means = await classMeans(study, reader, stacks, round, classes);
  const searches: NearestCentroids[] = [];
  try {
    for (const [p, { layer }] of round.entries()) searches.push(await searchOf(study, stacks[layer]!, means[p]!));
    const total = study.samples.count;
    const step = reader.blockSize(Math.max(...searches.map(({ perSample }) => perSample)));
    for (let start = 0; start < total; start += step) {
      const end = Math.min(start + step, total);
      const blocks = await reader.read(start, end);
      for (const [p, { layer, from }] of round.entries()) {
        const { nearest, scores } = await searches[p]!.of(blocks[p]!.s, end - start);
        const best = found[layer]!;
        const first = start * (stacks[layer]!.k + 2);
        for (const [i, score] of scores.entries())
          if (score < best.scores[first + i]!)
            [best.nearest[first + i], best.scores[first + i]] = [from + nearest[i]!, score];
      }
    }
  } finally {
    for (const search of searches) search.dispose();
  }
}

/** Mean s of the classes of each part: (to − from) × size. */
async function classMeans(
  study: Study,
  reader: LayerReader,
  stacks: readonly LayerStack[],
  round: readonly Part[],
  { list, of, counts }: SampleClasses,
): Promise<Float64Array[]> {
  const position = new Map(list.map((c, i) => [c, i]));
  const sums = round.map(({ layer, from, to }) => new Float64Array((to - from) * stacks[layer]!.transformation.size));
  const total = study.samples.count;
  const step = reader.blockSize();
  for (let start = 0; start < total; start += step) {
    const end = Math.min(start + step, total);
    const blocks = await reader.read(start, end);
    for (const [p, { layer, from, to }] of round.entries()) {
      const { size } = stacks[layer]!.transformation;
      for (let i = 0; i < end - start; i++) {
        const c = position.get(of[start + i]!) ?? -1;
        if (c < from || c >= to) continue;
        for (let o = 0; o < size; o++) sums[p]![(c - from) * size + o]! += blocks[p]!.s[i * size + o]!;
      }
    }
  }
  for (const [p, { layer, from }] of round.entries()) {
    const { size } = stacks[layer]!.transformation;
    for (let i = 0; i < sums[p]!.length; i++) sums[p]![i]! /= counts[from + Math.floor(i / size)]!;
  }
  return sums;
}

/** Columns of weights: B_od² of each column of U, then ‖B_o‖² of all of them, then ‖W̃_o‖² of T. */
function searchOf(
  study: Study,
  { k, left, leftNorms, rowNorms, mean, transformation: { size } }: LayerStack,
  means: Float64Array,
): Promise<NearestCentroids> {
  const columns = k + 2;
  const weights = new Float64Array(size * columns);
  for (let o = 0; o < size; o++) {
    for (let d = 0; d < k; d++) weights[o * columns + d] = left[o * k + d]! ** 2;
    weights[o * columns + k] = leftNorms[o]!;
    weights[o * columns + k + 1] = rowNorms[o]!;
  }
  return nearestCentroids(study, { size, centre: mean, means, count: means.length / size, weights, columns });
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
