// What samples ask of a layer's weight directions (SVDW, sections 3 and 4): the projection S_i v_iᵀΨ(X) = u_iᵀ(Y − b) at every
// position, and its mean, the signal. A signal needs only channel means, mean_j u_iᵀ(y_j − b) = u_iᵀ(mean_j y_j − b), so one
// streamed forward pass over all samples gives the signals of all layers.
import type { Image, SignalExemplar } from '../../reports/format.ts';
import { sizeOf, type Shape } from '../kernels/kernels.ts';
import type { Layer } from '../network/layers.ts';
import { nodeOf, type NodeId } from '../network/network.ts';
import { opOf } from '../ops/index.ts';
import { dot } from '../svd/multiply.ts';
import type { Study } from '../study.ts';
import { chosenLayers, outputVector, weightSpectrum, type WeightSpectrum } from './weight-spectrum.ts';
import { oncePerStudy } from './once-per-study.ts';

/** Signals of one layer over the query set. */
export interface LayerSignals {
  readonly layer: Layer;
  readonly spectrum: WeightSpectrum;
  /** Leading directions that have signals. */
  readonly directions: number;
  /** samples × directions, row-major. */
  readonly values: Float64Array;
}

/** Signals of all samples for every layer with weights that `--layers` chooses, by name; one forward pass, once a study. */
export const directionSignals = oncePerStudy(streamSignals);

async function streamSignals(study: Study): Promise<ReadonlyMap<string, LayerSignals>> {
  const layers = chosenLayers(study);
  const count = study.samples.count;
  // A million samples must not need more memory than was given: fewer directions then.
  const affordable = Math.max(8, Math.floor(study.memory / 4 / (8 * count * Math.max(1, layers.length))));
  const found: (LayerSignals & { readonly project: (tensor: Float32Array, sample: number) => void })[] = [];
  for (const layer of layers) {
    study.checkpoint();
    const spectrum = await weightSpectrum(study, layer);
    const directions = Math.min(affordable, spectrum.triplets.length);
    const values = new Float64Array(count * directions);
    const shape = nodeOf(study.network, layer.node).shape;
    const project = (tensor: Float32Array, sample: number): void =>
      values.set(
        signalsOf(spectrum, directions, channelMeans(tensor, shape, spectrum.outputAxis)),
        sample * directions,
      );
    found.push({ layer, spectrum, directions, values, project });
  }
  const nodes = layers.map(({ node }) => node);
  const step = study.blockSize(64);
  for (let start = 0; start < count && nodes.length > 0; start += step) {
    study.checkpoint();
    const end = Math.min(start + step, count);
    const tensors = await study.values(nodes, start, end);
    for (const [i, { project }] of found.entries()) {
      const { data } = tensors[i]!;
      const size = data.length / (end - start);
      for (let s = start; s < end; s++) project(data.subarray((s - start) * size, (s - start + 1) * size), s);
    }
  }
  return new Map(found.map(({ project: _, ...signals }) => [signals.layer.name, signals]));
}

/** Mean over the positions of one sample's value of a node, by output. */
export function channelMeans(value: Float32Array, shape: Shape, outputAxis: number): Float64Array {
  const outputs = shape[outputAxis]!;
  const inner = sizeOf(shape.slice(outputAxis + 1));
  const outer = sizeOf(shape.slice(0, outputAxis));
  const means = new Float64Array(outputs);
  for (let before = 0; before < outer; before++) {
    for (let o = 0; o < outputs; o++) {
      const start = (before * outputs + o) * inner;
      means[o]! += sumOf(value, start, start + inner);
    }
  }
  return means.map((sum) => sum / (inner * outer));
}

/** Σ value[start … end−1] in float64. */
function sumOf(value: Float32Array, start: number, end: number): number {
  // Eight sums: one would wait for its own last addition.
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let s4 = 0;
  let s5 = 0;
  let s6 = 0;
  let s7 = 0;
  let i = start;
  for (; i + 7 < end; i += 8) {
    s0 += value[i]!;
    s1 += value[i + 1]!;
    s2 += value[i + 2]!;
    s3 += value[i + 3]!;
    s4 += value[i + 4]!;
    s5 += value[i + 5]!;
    s6 += value[i + 6]!;
    s7 += value[i + 7]!;
  }
  for (; i < end; i++) s0 += value[i]!;
  return s0 + s1 + (s2 + s3) + (s4 + s5 + (s6 + s7));
}

/** u_iᵀ(mean − b) for the leading directions. */
export function signalsOf(spectrum: WeightSpectrum, directions: number, means: Float64Array): Float64Array {
  const { rows, bias, triplets } = spectrum;
  const centred = bias ? means.map((mean, o) => mean - bias[o]!) : means;
  const signals = new Float64Array(directions);
  for (let i = 0; i < directions; i++) {
    const { block, output } = triplets[i]!;
    signals[i] = dot(output, 0, centred, block * rows, rows);
  }
  return signals;
}

/** Weights of outputs whose weighted sum of activities is a mean of projections: Σ_i weight_i u_i, and what b takes from it. */
interface Projection {
  readonly vector: Float64Array;
  readonly constant: number;
}

/** The projection on directions, each with a weight. */
export function projectionOn(
  spectrum: WeightSpectrum,
  directions: readonly number[],
  weights: readonly number[] = directions.map(() => 1 / directions.length),
): Projection {
  const vector = new Float64Array(spectrum.rows * spectrum.blocks.length);
  for (const [i, direction] of directions.entries()) {
    const output = outputVector(spectrum, spectrum.triplets[direction]!);
    for (let o = 0; o < vector.length; o++) vector[o]! += weights[i]! * output[o]!;
  }
  let constant = 0;
  if (spectrum.bias) for (let o = 0; o < vector.length; o++) constant += vector[o]! * spectrum.bias[o]!;
  return { vector, constant };
}

/** vectorᵀ y_j − constant at every position j of one sample's value, positions in the node's order. */
function projectPositions(
  value: Float32Array,
  shape: Shape,
  outputAxis: number,
  { vector, constant }: Projection,
): Float32Array {
  const outputs = shape[outputAxis]!;
  const inner = sizeOf(shape.slice(outputAxis + 1));
  const outer = sizeOf(shape.slice(0, outputAxis));
  const sums = new Float64Array(outer * inner).fill(-constant);
  for (let before = 0; before < outer; before++) {
    for (let o = 0; o < outputs; o++) {
      const weight = vector[o]!;
      if (weight === 0) continue;
      const start = (before * outputs + o) * inner;
      for (let i = 0; i < inner; i++) sums[before * inner + i]! += weight * value[start + i]!;
    }
  }
  return Float32Array.from(sums);
}

/** The activation function that follows a layer, where its value has the layout of the layer's own; null where none does. */
export function activationOf({ network }: Study, layer: Layer): NodeId | null {
  const { shape } = nodeOf(network, layer.node);
  const activated = layer.nodes
    .map((id) => nodeOf(network, id))
    .find((node) => opOf(node.op).activation && node.inputs.includes(layer.activity));
  return activated && activated.shape.join() === shape.join() ? activated.id : null;
}

/** Height and width of the map of a layer's positions; null where there is only one. */
export function mapExtent(shape: Shape, outputAxis: number): { height: number; width: number } | null {
  const space = shape.filter((_, axis) => axis !== outputAxis);
  const positions = sizeOf(space);
  if (positions === 1) return null;
  const width = space.at(-1)!;
  return { height: positions / width, width };
}

/** What a heat map is wanted of. */
interface HeatMapRequest {
  readonly projection: Projection;
  readonly samples: readonly { readonly sample: number; readonly signal: number }[];
  /** Begins the pictures' alternative texts: 'Direction 3 of conv2'. */
  readonly name: string;
}

/** Exemplars with their heat maps before and after the activation function: every sample passes the network once. */
export async function exemplarsWithMaps(
  study: Study,
  layer: Layer,
  outputAxis: number,
  requests: readonly HeatMapRequest[],
): Promise<SignalExemplar[][]> {
  const shape = nodeOf(study.network, layer.node).shape;
  const extent = mapExtent(shape, outputAxis);
  const activated = activationOf(study, layer);
  const samples = [...new Set(requests.flatMap((request) => request.samples.map(({ sample }) => sample)))];
  const maps = new Map<string, { heatMap: Image; activatedHeatMap: Image | null }>();
  for (const sample of extent ? samples : []) {
    study.checkpoint();
    const [before, after] = await study.values(activated ? [layer.node, activated] : [layer.node], sample, sample + 1);
    for (const [i, { projection, name, samples: wanted }] of requests.entries()) {
      if (!wanted.some((one) => one.sample === sample)) continue;
      const draw = (value: Float32Array, what: Projection, words: string, keepNumbers: boolean) =>
        study.pictures.draw({
          ...extent!,
          channels: 1,
          kind: 'map',
          values: projectPositions(value, shape, outputAxis, what),
          alt: `${name} in sample ${study.samples.name(sample)}${words}`,
          keepNumbers,
        });
      maps.set(`${i} ${sample}`, {
        heatMap: await draw(before!.data, projection, '', true),
        activatedHeatMap: after
          ? await draw(after.data, { ...projection, constant: 0 }, ', after the activation function', false)
          : null,
      });
    }
  }
  return requests.map((request, i) =>
    request.samples.map(({ sample, signal }) => ({
      sample: { index: sample, name: study.samples.name(sample) },
      signal,
      heatMap: null,
      activatedHeatMap: null,
      ...maps.get(`${i} ${sample}`),
    })),
  );
}

/** The samples of largest mean signal over some directions, the first one on a tie. */
export function strongest(
  { values, directions }: Pick<LayerSignals, 'values' | 'directions'>,
  chosen: readonly number[],
  count: number,
): { sample: number; signal: number }[] {
  const samples = values.length / Math.max(1, directions);
  const signals = Array.from({ length: samples }, (_, sample) => ({
    sample,
    signal: chosen.reduce((sum, d) => sum + values[sample * directions + d]!, 0) / chosen.length,
  }));
  return signals.sort((a, b) => b.signal - a.signal || a.sample - b.sample).slice(0, count);
}

/** The class of every sample that classes are told apart by: its label, else its prediction; null where there is neither. */
export function classesOf(
  study: Study,
): { readonly classes: Int32Array; readonly from: 'labels' | 'predictions' } | null {
  if (study.labels) return { classes: study.labels, from: 'labels' };
  return study.predictions ? { classes: study.predictions, from: 'predictions' } : null;
}

/** The q-quantile of numbers, linear between order statistics. NaN for none. */
export function quantileOf(values: Float64Array, q: number): number {
  const place = q * (values.length - 1);
  const below = Math.floor(place);
  const ordered = values.slice();
  select(ordered, below);
  let next = Infinity;
  for (let i = below + 1; i < ordered.length; i++) next = Math.min(next, ordered[i]!);
  const share = place - below;
  return share > 0 ? ordered[below]! + share * (next - ordered[below]!) : (ordered[below] ?? NaN);
}

/** Rearranges numbers so that none before `place` is larger, and none behind it smaller, than the one there (Hoare 1961). */
function select(a: Float64Array, place: number): void {
  let low = 0;
  let high = a.length - 1;
  while (low < high) {
    const pivot = a[place]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (a[i]! < pivot) i++;
      while (a[j]! > pivot) j--;
      if (i > j) break;
      const swapped = a[i]!;
      a[i++] = a[j]!;
      a[j--] = swapped;
    }
    if (j < place) low = i;
    if (i > place) high = j;
  }
}
