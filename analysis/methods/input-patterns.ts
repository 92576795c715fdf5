// Which patterns in this input make up a layer's activity? (SLP; methods.md, section 2) The Taylor map from the input to
// the activity of each layer, taken apart into input components and their singular patterns, at every detailed sample.
import type {
  Direction,
  InputPatterns,
  NarrowPattern,
  NeuronImage,
  RepresentationalPower,
} from '../../reports/format.ts';
import { certificateOf } from '../certificate.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { pathBetween } from '../network/affine-map.ts';
import type { Layer } from '../network/layers.ts';
import { nodeOf, type Network } from '../network/network.ts';
import { receptiveField } from '../network/receptive-field.ts';
import { opOf } from '../ops/index.ts';
import type { Study } from '../study.ts';
import { blockFor, planAllRows, planRows, type RowPlan } from './jacobian-rows.ts';
import { fitsGlob } from './layer-glob.ts';
import type { Answer, Method, SkippedLayer, Unit } from './method.ts';
import {
  componentGram,
  gramRooms,
  inputComponents,
  PARTS,
  singularPatterns,
  type GramRooms,
  type SingularPatterns,
} from './singular-patterns.ts';
import { oncePerStudy } from './once-per-study.ts';

/** Largest smaller side (inputs or neurons) that is decomposed whole: above it the eigenvalues alone take minutes. */
const LARGEST_SIDE = 2048;
/** What all layers and samples together may cost, in nanoseconds of one core: about a minute. */
const BUDGET = 6e10;
/** A layer that would be seen at fewer samples than this is read from fewer neurons instead. */
const FEWEST_SAMPLES = 3;
const FEWEST_NEURONS = 64;
/** Numbers behind the pictures of one sample's patterns that are kept beside them: 64 MiB. */
const MOST_NUMBERS = 2 ** 24;
/** Most neurons of the last layer that are shown one by one. */
const MOST_NEURONS = 10;

/** How a layer is read: which neurons, by which probes, at how many of the detailed samples. */
export interface LayerPlan {
  readonly layer: Layer;
  readonly neurons: readonly number[];
  /** True where the neurons are an even draw. */
  readonly drawn: boolean;
  readonly rows: RowPlan;
  readonly samples: number;
}

export const inputPatterns: Method = {
  id: 'input-patterns',
  question: 'Which patterns in this input make up what a layer does, and how many does it take?',
  version: 3,
  settings: ['count', 'gamma', 'mode', 'memory'],
  units(study) {
    if (study.detailed.length === 0) return 'no sample was chosen to be looked at in detail (--detail)';
    if (plansOf(study).length === 0) return 'no layer depends on the input';
    const units: Unit[] = study.detailed.map((sample) => ({ key: String(sample), sample }));
    return [{ key: 'activity' }, ...units];
  },
  skipped: (study) => skippedLayers(study),
  async answer(study, { sample }) {
    if (sample === undefined) return inactiveShares(study);
    const place = study.detailed.indexOf(sample);
    const patterns: InputPatterns[] = [];
    const rooms = gramRooms();
    for (const plan of plansOf(study)) {
      if (!isAmong(place, study.detailed.length, plan.samples)) continue;
      study.checkpoint();
      patterns.push(...(await patternsOf(study, plan, sample, rooms)));
    }
    return [{ on: { sample }, fields: { inputPatterns: patterns } }];
  },
  summarise(study, answers) {
    const all = answers.flatMap(({ fields }) => (fields['inputPatterns'] as InputPatterns[] | undefined) ?? []);
    return plansOf(study).flatMap(({ layer, neurons }) => {
      const own = all.filter((one) => one.layer === layer.name);
      if (own.length === 0) return [];
      const whole = own.filter(({ part }) => part === 'ALL');
      const disconnected = mean(whole.map((one) => one.disconnected! / neurons.length));
      const fields = { representationalPower: powerOf(own, neurons.length), disconnectedShare: disconnected };
      return [{ on: { layer: layer.name }, fields }];
    });
  },
};

/** Mean and spread of R_γ by part; shares are of all the layer's neurons that were read. */
function powerOf(patterns: readonly InputPatterns[], neurons: number): RepresentationalPower[] {
  return PARTS.flatMap((part) => {
    const counts = patterns.filter((one) => one.part === part).map((one) => one.representationalPower);
    if (counts.length === 0) return [];
    const count = mean(counts);
    const variance = counts.reduce((sum, n) => sum + (n - count) ** 2, 0) / Math.max(1, counts.length - 1);
    return [
      {
        part,
        gamma: patterns[0]!.gamma!,
        count,
        share: count / neurons,
        countSd: Math.sqrt(variance),
        samples: counts.length,
        neurons,
      },
    ];
  });
}

/** The plan of every layer that is covered: all of it at every sample where the budget allows. */
export const plansOf: (study: Study) => readonly LayerPlan[] = oncePerStudy(planLayers);

function planLayers(study: Study): LayerPlan[] {
  const { network, memory, detailed } = study;
  const domain = nodeOf(network, network.input).shape;
  const inputs = sizeOf(domain);
  const mostHeld = Math.max(FEWEST_NEURONS, Math.floor(memory / 8 / (4 * inputs)));
  const candidates = study.layers
    .filter((layer) => !whyNot(study, layer))
    .map((layer) => {
      const codomain = nodeOf(network, layer.activity).shape;
      const size = sizeOf(codomain);
      const perProbe = pathCost(network, layer);
      const all = planAllRows(domain, codomain, receptiveField(network, network.input, layer.activity));
      const fits = Math.min(size, inputs) <= LARGEST_SIDE && (size > inputs || size <= mostHeld);
      const readings = fits ? [{ neurons: range(size), drawn: false, rows: all }] : [];
      const most = Math.min(LARGEST_SIDE / 2, mostHeld, inputs, size);
      for (let count = most; count >= Math.min(FEWEST_NEURONS, most) && count > 0; count = Math.floor(count / 2)) {
        const neurons = evenDraw(size, count);
        readings.push({ neurons, drawn: true, rows: planRows(domain, codomain, neurons) });
      }
      return {
        layer,
        readings: readings.map((one) => ({
          ...one,
          cost: costOf(one.neurons.length, inputs, one.rows.probes * perProbe),
        })),
      };
    })
    .toSorted((a, b) => a.readings[0]!.cost - b.readings[0]!.cost);
  const few = Math.min(FEWEST_SAMPLES, detailed.length);
  let left = BUDGET;
  const affordable = candidates.map(({ layer, readings }, i) => {
    const share = left / (candidates.length - i);
    const chosen = readings.find(({ cost }) => cost * few <= share) ?? readings.at(-1)!;
    left -= few * chosen.cost;
    return { layer, readings, chosen };
  });
  // Layers are compared with one another: those that are drawn from are read from equally many neurons.
  const drawn = Math.min(...affordable.flatMap(({ chosen }) => (chosen.drawn ? [chosen.neurons.length] : [])));
  left = BUDGET;
  const made = affordable.map(({ layer, readings, chosen }, i) => {
    const equal = (chosen.drawn && readings.find(({ neurons }) => neurons.length <= drawn)) || chosen;
    const { cost, ...reading } = equal;
    const samples = Math.max(1, Math.min(detailed.length, Math.floor(left / (candidates.length - i) / cost)));
    left -= samples * cost;
    return { layer, ...reading, samples };
  });
  return made.toSorted((a, b) => a.layer.index - b.layer.index);
}

/** Nanoseconds of one core for one sample, as measured: rows, Gram matrix (sparse where a layer is wide), three sets of eigenvalues. */
function costOf(neurons: number, inputs: number, products: number): number {
  const side = Math.min(neurons, inputs);
  const [gram, eigen] =
    neurons > inputs ? [0.05 * neurons * inputs ** 2, 1.5 * side ** 3] : [0.5 * inputs * neurons ** 2, 0.8 * side ** 3];
  return products / 24 + gram + eigen;
}

function pathCost(network: Network, layer: Layer): number {
  const nodes = new Map(network.nodes.map((node) => [node.id, node]));
  return pathBetween(network, network.input, layer.activity).reduce((sum, node) => {
    const seen = { ...node, inputShapes: node.inputs.map((id) => nodes.get(id)!.shape) };
    return sum + (opOf(node.op).multiplyAdds?.(seen) ?? sizeOf(node.shape));
  }, 0);
}

/** Numbers that one probe moves on its way from the layer's activity to the input. */
function valuesOf(network: Network, layer: Layer): number {
  const path = pathBetween(network, network.input, layer.activity);
  return path.reduce((sum, node) => sum + sizeOf(node.shape), sizeOf(nodeOf(network, network.input).shape));
}

/** Why a layer is not covered; undefined where it is. */
function whyNot(study: Study, layer: Layer): string | undefined {
  if (!fitsGlob(layer.name, study.settings.layers)) return 'left out by --layers';
  if (
    layer.activity !== study.network.input &&
    pathBetween(study.network, study.network.input, layer.activity).length === 0
  )
    return 'it does not depend on the explained input';
  return undefined;
}

function skippedLayers(study: Study): SkippedLayer[] {
  return study.layers.flatMap((layer) => {
    const reason = whyNot(study, layer);
    return reason ? [{ layer: layer.name, reason }] : [];
  });
}

/** The patterns of one layer at one sample: all neurons, the active and the inactive ones. */
async function patternsOf(study: Study, plan: LayerPlan, sample: number, rooms: GramRooms): Promise<InputPatterns[]> {
  const { layer, neurons, rows } = plan;
  const { count, gamma } = study.settings;
  const mode = study.settings.mode === 'auto' ? 'taylor' : study.settings.mode;
  const map = await study.map(sample, { to: layer.activity, mode });
  const sum = componentGram(sizeOf(map.domain), neurons, map.value, rooms);
  const shown = isLast(study, layer) ? shownNeurons(study, sample, map.value) : [];
  const components = new Map<number, Float32Array>();
  await rows.visit(
    map,
    study.blockSize(blockFor(valuesOf(study.network, layer))),
    (block) => {
      sum.add(block);
      for (const neuron of shown) {
        const row = rowOf(block, neuron, sum.inputs);
        if (row) components.set(neuron, inputComponents(row, map.value[neuron]!));
      }
    },
    () => study.checkpoint(),
  );
  const certificate = await certificateOf(map, study.random(`input-patterns ${layer.name} ${sample}`));
  const withNumbers = Math.max(1, Math.floor(MOST_NUMBERS / (plansOf(study).length * PARTS.length * sum.inputs)));
  const answers: InputPatterns[] = [];
  for (const part of PARTS) {
    const own = shown.filter(
      (neuron) => components.has(neuron) && (part === 'ALL' || map.value[neuron]! > 0 === (part === 'ACTIVE')),
    );
    // The narrow order of a neuron is an order of all patterns, so all of them are needed where there is one.
    const found = singularPatterns(sum, part, own.length > 0 ? Math.max(count, sum.neurons.length) : count, gamma);
    if (found.members.length === 0) continue;
    const labelled = (index: number): string =>
      `Input pattern ${index + 1} of ${layer.name} in sample ${study.samples.name(sample)}, ${PART_NAMES[part]}`;
    const patterns: Direction[] = [];
    for (let i = 0; i < Math.min(count, found.count); i++) {
      const inputImage = await study.drawInput(patternAt(found, i), labelled(i), { keepNumbers: i < withNumbers });
      patterns.push({ index: i, singularValue: found.singularValues[i]!, group: found.groups[i]!, inputImage });
    }
    answers.push({
      layer: layer.name,
      part,
      neurons: found.members.length,
      drawn: plan.drawn ? neurons.length : null,
      disconnected: found.disconnected,
      singularValues: [...found.singularValues],
      representationalPower: found.representationalPower,
      gamma,
      patterns,
      narrow: (
        await Promise.all(
          own.map((neuron) => narrowOrder(study, found, neuron, components.get(neuron)!, count, labelled)),
        )
      ).flat(),
      contributions: await Promise.all(
        own.map((neuron) => drawComponents(study, sample, neuron, map.value[neuron]!, components.get(neuron)!)),
      ),
      certificate: {
        ...certificate,
        residuals: found.residuals.slice(0, patterns.length),
        reconstruction: sumError(own, components, map.value),
      },
    });
  }
  return answers;
}

const PART_NAMES = { ALL: 'all neurons', ACTIVE: 'active neurons', INACTIVE: 'inactive neurons' } as const;

/** Patterns by |s_i h_im|, each with the sign of s_i h_im. */
async function narrowOrder(
  study: Study,
  found: SingularPatterns,
  neuron: number,
  components: Float32Array,
  count: number,
  label: (index: number) => string,
): Promise<NarrowPattern[]> {
  const name = study.outputName(neuron);
  const weights = found.mixing(components).map((h, i) => h * found.singularValues[i]!);
  const order = narrowOrderOf(weights).slice(0, count);
  return Promise.all(
    order.map(async (index) => {
      const sign = weights[index]! < 0 ? -1 : 1;
      const picture = patternAt(found, index).map((x) => sign * x);
      return {
        neuron: name,
        index,
        weight: weights[index]!,
        image: await study.drawInput(picture, `${label(index)}, as it enters ${name}`),
      };
    }),
  );
}

/** Indices of the weights by descending size; equal ones in their order. */
export function narrowOrderOf(weights: ArrayLike<number>): number[] {
  return Array.from(weights, (_, i) => i).sort((a, b) => Math.abs(weights[b]!) - Math.abs(weights[a]!) || a - b);
}

async function drawComponents(
  study: Study,
  sample: number,
  neuron: number,
  value: number,
  components: Float32Array,
): Promise<NeuronImage> {
  const name = study.outputName(neuron);
  const image = await study.drawInput(
    components,
    `What each input of sample ${study.samples.name(sample)} adds to ${name}`,
  );
  return { neuron: name, value, image };
}

/** |Σ_j ν_mj − v_m| / |v_m|, the worst over the neurons that are shown; null where none is. */
function sumError(
  neurons: readonly number[],
  components: ReadonlyMap<number, Float32Array>,
  activity: Float32Array,
): number | null {
  const errors = neurons.flatMap((neuron) => {
    const own = components.get(neuron)!;
    if (own.every((x) => x === 0)) return [];
    const total = own.reduce((sum, x) => sum + x, 0);
    return [Math.abs(total - activity[neuron]!) / Math.max(Math.abs(activity[neuron]!), 1e-30)];
  });
  return errors.length === 0 ? null : Math.max(...errors);
}

/** Row of a neuron within a block, whole; undefined where it is not there. */
function rowOf(
  { neurons, columns, values }: { neurons: readonly number[]; columns: Int32Array | null; values: Float32Array },
  neuron: number,
  inputs: number,
): Float32Array | undefined {
  const at = neurons.indexOf(neuron);
  if (at < 0) return undefined;
  const width = columns?.length ?? inputs;
  const packed = values.subarray(at * width, (at + 1) * width);
  if (!columns) return packed;
  const row = new Float32Array(inputs);
  for (let c = 0; c < width; c++) row[columns[c]!] = packed[c]!;
  return row;
}

function patternAt({ patterns, count }: SingularPatterns, index: number): Float32Array {
  const size = patterns.length / count;
  return patterns.subarray(index * size, (index + 1) * size);
}

/** Whether this layer's activity is what the network says. */
function isLast(study: Study, layer: Layer): boolean {
  return study.outputView.kind === 'vector' && layer.activity === study.network.output;
}

/** All classes where they are few; else the predicted one, the true one and the highest others. */
function shownNeurons(study: Study, sample: number, values: Float32Array): number[] {
  const all = range(values.length);
  if (values.length <= MOST_NEURONS) return all;
  const label = study.labels?.[sample] ?? -1;
  const highest = all.toSorted((a, b) => values[b]! - values[a]!);
  return [...new Set([highest[0]!, ...(label >= 0 && label < values.length ? [label] : []), ...highest])].slice(
    0,
    MOST_NEURONS,
  );
}

/** Share of neurons with v ≤ 0 in every layer, over all samples. */
async function inactiveShares(study: Study): Promise<Answer[]> {
  const layers = plansOf(study).map(({ layer }) => layer);
  const nodes = [...new Set(layers.map(({ activity }) => activity))];
  const moments = new Map(nodes.map((node) => [node, { sum: 0, squares: 0 }]));
  const { count } = study.samples;
  const step = study.blockSize(64);
  for (let start = 0; start < count; start += step) {
    study.checkpoint();
    const end = Math.min(start + step, count);
    const values = await study.values(nodes, start, end);
    for (const [i, node] of nodes.entries()) {
      const { data } = values[i]!;
      const size = data.length / (end - start);
      for (let row = 0; row < end - start; row++) {
        let inactive = 0;
        for (let m = row * size; m < (row + 1) * size; m++) if (!(data[m]! > 0)) inactive++;
        const moment = moments.get(node)!;
        moment.sum += inactive / size;
        moment.squares += (inactive / size) ** 2;
      }
    }
  }
  return layers.map(({ name, activity }) => {
    const { sum, squares } = moments.get(activity)!;
    const inactiveShare = sum / count;
    const variance = Math.max(0, squares - count * inactiveShare ** 2) / Math.max(1, count - 1);
    return { on: { layer: name }, fields: { inactiveShare, inactiveShareSd: Math.sqrt(variance) } };
  });
}

/** Whether the place is one of `wanted` spread evenly over `all` places. */
function isAmong(place: number, all: number, wanted: number): boolean {
  return Math.floor(((place + 1) * wanted) / all) > Math.floor((place * wanted) / all);
}

/** `count` of `size` indices, evenly spread but off every regular grid, so that channels and positions mix: multiples of the golden ratio. */
function evenDraw(size: number, count: number): number[] {
  const chosen = new Set<number>();
  for (let i = 0; chosen.size < count; i++) chosen.add(Math.floor(((i * 0.6180339887498949) % 1) * size));
  return [...chosen].sort((a, b) => a - b);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}
