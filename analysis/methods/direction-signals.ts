// What samples ask of a layer's weight directions (SVDW, sections 3 and 4): the projection S_i v_iᵀΨ(X) = u_iᵀ(Y − b) at every
// position, and its mean, the signal. A signal needs only channel means, mean_j u_iᵀ(y_j − b) = u_iᵀ(mean_j y_j − b), so one
// streamed forward pass over all samples gives the signals of all layers.
import type { Image, SignalExemplar } from '../../reports/format.ts';
import { sizeOf, type Shape } from '../kernels/kernels.ts';
import type { Layer } from '../network/layers.ts';
import { nodeOf, type NodeId } from '../network/network.ts';
import { opOf } from '../ops/index.ts';
import type { Study } from '../study.ts';
import { chosenLayers, outputVector, weightSpectrum, type WeightSpectrum } from './weight-spectrum.ts';

/** Signals of one layer over the query set. */
export interface LayerSignals {
  readonly layer: Layer;
  readonly spectrum: WeightSpectrum;
  /** Leading directions that have signals. */
  readonly directions: number;
  /** samples × directions, row-major. */
  readonly values: Float64Array;
}

const kept = new WeakMap<Study, Promise<ReadonlyMap<string, LayerSignals>>>();

/** Signals of all samples for every layer with weights that `--layers` chooses, by name; one forward pass, once a study. */
export function directionSignals(study: Study): Promise<ReadonlyMap<string, LayerSignals>> {
  let signals = kept.get(study);
  if (!signals) kept.set(study, (signals = streamSignals(study)));
  return signals;
}

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
      let sum = 0;
      const start = (before * outputs + o) * inner;
      for (let i = start; i < start + inner; i++) sum += value[i]!;
      means[o]! += sum;
    }
  }
  return means.map((sum) => sum / (inner * outer));
}

/** u_iᵀ(mean − b) for the leading directions. */
export function signalsOf(spectrum: WeightSpectrum, directions: number, means: Float64Array): Float64Array {
  const { rows, bias, triplets } = spectrum;
  return Float64Array.from({ length: directions }, (_, i) => {
    const { block, output } = triplets[i]!;
    let signal = 0;
    for (let r = 0, o = block * rows; r < rows; r++, o++) signal += output[r]! * (means[o]! - (bias ? bias[o]! : 0));
    return signal;
  });
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
  const sorted = values.toSorted();
  const place = q * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!);
}
