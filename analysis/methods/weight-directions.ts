// What do a layer's weights amplify? (SVDW; methods.md, section 5) The singular directions of the unfolded weights: spectrum,
// ranks, power law and capacity, the right vectors as filters, the samples that answer most and what they answer.
import type { CapacityTerm, SignalSpread, WeightDirection, WeightDirections } from '../../reports/format.ts';
import { sizeOf } from '../kernels/kernels.ts';
import type { Layer } from '../network/layers.ts';
import { nodeOf } from '../network/network.ts';
import type { ConvAttributes } from '../ops/conv.ts';
import { groupsOf } from '../svd/sign-rule.ts';
import type { Study } from '../study.ts';
import { reconstructionError, stepsOf } from './convolution-steps.ts';
import {
  classesOf,
  directionSignals,
  exemplarsWithMaps,
  projectionOn,
  quantileOf,
  strongest,
  type LayerSignals,
} from './direction-signals.ts';
import type { Method } from './method.ts';
import {
  ddpCapacity,
  fitPowerLaw,
  paperCapacity,
  sliceValues,
  weightWatcherCapacity,
  weightWatcherEigenvalues,
} from './power-law.ts';
import { effectiveRank, numericalRank } from './ranks.ts';
import { synthesise } from './synthesised-inputs.ts';
import { toeplitzSpectrum } from './toeplitz-spectrum.ts';
import { chosenLayers, layersLeftOut, outputVector, residualOf, type WeightSpectrum } from './weight-spectrum.ts';

/** Classes whose signals are listed per direction. */
const MOST_CLASSES = 12;
/** Multiply-adds of WeightWatcher's slices above which its metric is left out. */
const MOST_SLICE_WORK = 5e10;
const FLOAT32_EPS = 2 ** -23;

export const weightDirections: Method = {
  id: 'weight-directions',
  question: 'What do a layer’s weights amplify, whatever the input is?',
  version: 5,
  settings: ['count', 'exemplars', 'synthesisSteps', 'synthesised', 'synthesisWork', 'memory'],
  units: (study) => chosenLayers(study).map(({ name }) => ({ key: name, layer: name })),
  skipped: layersLeftOut,
  async answer(study, unit) {
    const signals = (await directionSignals(study)).get(unit.layer!)!;
    return [{ on: { layer: unit.layer! }, fields: { weightDirections: await directionsOf(study, signals) } }];
  },
  summarise(_, answers) {
    const layers = answers.map(({ fields }) => fields['weightDirections'] as WeightDirections);
    const terms = (convention: CapacityTerm['convention']) =>
      layers.flatMap(({ capacityTerms = [], unfoldedShape, blocks = 1 }) =>
        capacityTerms
          .filter((term) => term.convention === convention)
          .map(({ alpha, largest }) => ({ alpha, largest, rows: unfoldedShape[0]! * blocks })),
      );
    // ddpCapacity divides λmax by the rows itself, so it takes the terms of `paper`.
    const metrics = [
      { convention: 'PAPER', value: paperCapacity(terms('PAPER')) },
      { convention: 'DDP', value: ddpCapacity(terms('PAPER')) },
      { convention: 'WEIGHTWATCHER', value: weightWatcherCapacity(terms('WEIGHTWATCHER')) },
    ] as const;
    const capacity = metrics.filter(({ value }) => value !== null);
    return capacity.length > 0 ? [{ on: 'model', fields: { capacity } }] : [];
  },
};

async function directionsOf(study: Study, signals: LayerSignals): Promise<WeightDirections> {
  const { layer, spectrum } = signals;
  const { rows, columns, blocks, values, triplets, isComplete, energy } = spectrum;
  const rank = numericalRank(values, Math.max(rows, columns), FLOAT32_EPS);
  const fit = isComplete
    ? fitPowerLaw(values.slice(0, rank).map((value) => value ** 2))
    : { reason: `only the leading ${values.length} of ${spectrum.count} singular values were computed` };
  const kept = values.reduce((sum, value) => sum + value ** 2, 0);
  const total = isComplete ? kept : energy;
  let running = 0;
  const shown = triplets.slice(0, study.settings.count);
  const residuals = shown.map((triplet) => residualOf(spectrum, triplet));
  return {
    weightShape: [...spectrum.weightShape],
    unfoldedShape: [rows, columns],
    blocks: blocks.length,
    singularValues: values,
    energy: values.map((value) => (running += value ** 2) / (total || 1)),
    rank,
    stableRank: values[0]! > 0 ? total / values[0]! ** 2 : 0,
    effectiveRank: effectiveRank(values),
    ...toeplitzOf(study, layer, spectrum),
    powerLaw: 'reason' in fit ? null : fit,
    powerLawReason: 'reason' in fit ? fit.reason : null,
    capacityTerms: 'reason' in fit ? [] : capacityTerms(spectrum, fit.alpha),
    ...(await describe(study, signals, shown.length)),
    steps: await stepsOf(study, layer, spectrum),
    inputVectors: await study.pictures.keep(joined(shown.map(({ input }) => input)), [shown.length, columns]),
    outputVectors: await study.pictures.keep(joined(shown.map((triplet) => outputVector(spectrum, triplet))), [
      shown.length,
      rows * blocks.length,
    ]),
    certificate: {
      residuals,
      converged: residuals.filter((residual) => residual < 1e-4).length,
      reconstruction: await reconstructionError(study, layer, spectrum),
      remainder: isComplete ? 0 : Math.max(0, 1 - kept / energy),
    },
  };
}

function joined(vectors: readonly Float64Array[]): Float32Array {
  return Float32Array.from(vectors.flatMap((vector) => [...vector]));
}

function toeplitzOf(
  study: Study,
  layer: Layer,
  { blocks }: WeightSpectrum,
): Pick<WeightDirections, 'toeplitzSingularValues' | 'toeplitzReason'> {
  const node = nodeOf(study.network, layer.node);
  if (node.op !== 'conv') return { toeplitzSingularValues: [], toeplitzReason: `a ${node.op} layer is no convolution` };
  const { strides, dilations } = node.attributes as unknown as ConvAttributes;
  const size = nodeOf(study.network, node.inputs[0]!).shape.slice(2);
  const found = toeplitzSpectrum(node.parameters['weight']!, size, { strides, dilations, groups: blocks.length });
  return { toeplitzSingularValues: found.values, toeplitzReason: found.reason };
}

/** What a layer adds to the metric of each convention: `ddp` with λmax/d, `weightwatcher` with pooled slices and a fit of its own. */
function capacityTerms(spectrum: WeightSpectrum, alpha: number): CapacityTerm[] {
  const { rows, blocks, values, filter } = spectrum;
  const largest = values[0]! ** 2;
  const perRow = largest / (rows * blocks.length);
  const terms: CapacityTerm[] = [
    { convention: 'PAPER', alpha, largest, value: alpha * Math.log(largest) },
    { convention: 'DDP', alpha, largest: perRow, value: alpha * Math.log(perRow) },
  ];
  const isConvolution = filter.length > 1;
  if (blocks.length > 1) return terms;
  const [inputs, taps] = [filter[0]!, sizeOf(filter.slice(1))];
  if (isConvolution && taps * rows * inputs * Math.min(rows, inputs) > MOST_SLICE_WORK) return terms;
  const slices = isConvolution ? sliceValues(spectrum.blocks[0]!, rows, inputs, taps) : values;
  const eigenvalues = weightWatcherEigenvalues(slices, isConvolution);
  const fit = fitPowerLaw(eigenvalues, { candidates: 'every' });
  if ('reason' in fit) return terms;
  const top = eigenvalues.at(-1)!;
  return [
    ...terms,
    { convention: 'WEIGHTWATCHER', alpha: fit.alpha, largest: top, value: fit.alpha * Math.log10(top) },
  ];
}

/** The leading directions with their pictures and signals. */
async function describe(
  study: Study,
  signals: LayerSignals,
  count: number,
): Promise<Pick<WeightDirections, 'directions' | 'synthesisReason'>> {
  const { layer, spectrum } = signals;
  const { values, triplets, filter } = spectrum;
  const groups = groupsOf(values, 1e-6 * (values[0] ?? 0));
  const indices = Array.from({ length: Math.min(count, signals.directions) }, (_, i) => i);
  const requests = indices.map((index) => ({
    projection: projectionOn(spectrum, [index]),
    samples: strongest(signals, [index], study.settings.exemplars),
    name: `The projection on direction ${index} of ${layer.name}`,
  }));
  const exemplars = await exemplarsWithMaps(study, layer, spectrum.outputAxis, requests);
  const { inputs, reason } = await synthesise(
    study,
    layer,
    spectrum,
    indices.map((index) => ({
      vector: outputVector(spectrum, triplets[index]!),
      name: `direction ${index} of ${layer.name}`,
    })),
    'directions',
  );
  const directions: WeightDirection[] = [];
  for (let index = 0; index < count; index++) {
    const { value, block, input } = triplets[index]!;
    directions.push({
      index,
      singularValue: value,
      group: groups[index]!,
      block,
      filter: await drawFilter(study, layer, Float32Array.from(input), filter, index),
      synthesised: inputs[index]?.image ?? null,
      synthesisedSignal: inputs[index]?.signal ?? null,
      exemplars: exemplars[index] ?? [],
      signals: index < signals.directions ? spreads(study, signals, index) : [],
    });
  }
  return { directions, synthesisReason: reason };
}

/** How the signals of each class's samples spread over one direction. */
function spreads(study: Study, { values, directions }: LayerSignals, direction: number): SignalSpread[] {
  const found = classesOf(study);
  if (!found || study.task !== 'classification') return [];
  const byClass = Map.groupBy(found.classes.keys(), (sample) => found.classes[sample]!);
  const all = [...byClass.entries()]
    .filter(([c]) => c >= 0)
    .sort(([a], [b]) => a - b)
    .map(([c, samples]) => {
      const own = Float64Array.from(samples, (sample) => values[sample * directions + direction]!);
      const quantiles = [0, 0.25, 0.5, 0.75, 1].map((q) => quantileOf(own, q));
      return { class: study.outputName(c), samples: own.length, quantiles };
    });
  if (all.length <= MOST_CLASSES) return all;
  const leading = all.toSorted((a, b) => b.quantiles[2]! - a.quantiles[2]!).slice(0, MOST_CLASSES);
  return all.filter((one) => leading.includes(one));
}

/** A right vector as a picture: taps of each channel side by side; a dense layer's in the layout of what it reads, where it has one. */
function drawFilter(study: Study, layer: Layer, vector: Float32Array, filter: readonly number[], index: number) {
  const alt = `Direction ${index} of the weights of ${layer.name}`;
  const spatial = filter.length >= 2 ? filter : readShape(study, layer);
  if (spatial === null)
    return study.pictures.draw({ values: vector, height: 1, width: vector.length, channels: 1, kind: 'map', alt });
  const channels = spatial[0]!;
  const width = spatial.at(-1)!;
  const height = spatial.length === 2 ? 1 : sizeOf(spatial.slice(1, -1));
  const values = new Float32Array(vector.length);
  const area = height * width;
  for (let i = 0; i < vector.length; i++) values[(i % area) * channels + Math.floor(i / area)] = vector[i]!;
  return study.pictures.draw({ values, height, width, channels, kind: 'map', alt });
}

/** [channels, height, width] of what a dense layer reads when that was flattened from a picture. */
function readShape({ network, inputView }: Study, layer: Layer): readonly number[] | null {
  let id = nodeOf(network, layer.node).inputs[0]!;
  const size = sizeOf(nodeOf(network, id).shape);
  for (;;) {
    const node = nodeOf(network, id);
    if (node.shape.length === 4 && node.shape[0] === 1 && sizeOf(node.shape) === size) return node.shape.slice(1);
    if (node.op !== 'reshape') break;
    id = node.inputs[0]!;
  }
  const isFlatImage = id === network.input && inputView.kind === 'image' && inputView.channels === 1;
  return isFlatImage ? [1, inputView.height, inputView.width] : null;
}
