// What do a layer's weights amplify? (SVDW; methods.md, section 5) The weight tensor d × c × k × k unfolded to d × ck² and
// decomposed in float64: spectrum, ranks, and the leading right vectors as filters. Grouped convolutions group by group.
import type { WeightDirection, WeightDirections } from '../../reports/format.ts';
import type { Tensor } from '../kernels/kernels.ts';
import { sizeOf } from '../kernels/kernels.ts';
import type { Layer } from '../network/layers.ts';
import { nodeOf } from '../network/network.ts';
import { groupsOf } from '../svd/sign-rule.ts';
import { smallSvd } from '../svd/small-svd.ts';
import type { Study } from '../study.ts';
import type { Method } from './method.ts';
import { fitPowerLaw } from './power-law.ts';
import { effectiveRank, energyCurve, numericalRank, stableRank } from './ranks.ts';

export const weightDirections: Method = {
  id: 'weight-directions',
  question: 'What do a layer’s weights amplify, whatever the input is?',
  version: 1,
  settings: ['count'],
  units: (study) => layersWithWeights(study).map((layer) => ({ key: layer.name, layer: layer.name })),
  skipped: (study) =>
    study.layers
      .filter((layer) => unfold(study, layer) === null)
      .map((layer) => ({ layer: layer.name, reason: `a ${layer.op} layer has no weight matrix` })),
  async answer(study, unit) {
    const layer = study.layers.find(({ name }) => name === unit.layer)!;
    return [{ on: { layer: layer.name }, fields: { weightDirections: await directionsOf(study, layer) } }];
  },
};

function layersWithWeights(study: Study): Layer[] {
  return study.layers.filter((layer) => unfold(study, layer) !== null);
}

/** Weights as matrices, one a group, each outputs × inputs; `filter` is the shape of one row as a picture. */
export interface UnfoldedWeights {
  readonly weightShape: readonly number[];
  readonly rows: number;
  readonly columns: number;
  readonly blocks: readonly Float32Array[];
  /** [c, …k] of a convolution, [inputs] of a dense layer. */
  readonly filter: readonly number[];
}

/** The unfolding of a layer's weight, or null where it has none. */
export function unfold({ network }: Pick<Study, 'network'>, layer: Layer): UnfoldedWeights | null {
  const node = nodeOf(network, layer.node);
  const weight = node.parameters['weight'];
  if (!weight) return null;
  if (node.op === 'dense') {
    const [rows, columns] = weight.shape as [number, number];
    return { weightShape: weight.shape, rows, columns, blocks: [weight.data], filter: [columns] };
  }
  const groups = (node.attributes['groups'] as number | undefined) ?? 1;
  if (node.op === 'conv') {
    const [outputs, ...filter] = weight.shape as [number, ...number[]];
    const [rows, columns] = [outputs / groups, sizeOf(filter)];
    const blocks = Array.from({ length: groups }, (_, g) =>
      weight.data.subarray(g * rows * columns, (g + 1) * rows * columns),
    );
    return { weightShape: weight.shape, rows, columns, blocks, filter };
  }
  return node.op === 'conv-transpose' ? unfoldTransposed(weight, groups) : null;
}

/** [C, O/g, …k] per group as O/g × (C/g · k…). */
function unfoldTransposed(weight: Tensor, groups: number): UnfoldedWeights {
  const [inputs, rows, ...kernel] = weight.shape as [number, number, ...number[]];
  const [perGroup, taps] = [inputs / groups, sizeOf(kernel)];
  const columns = perGroup * taps;
  const blocks = Array.from({ length: groups }, (_, g) => {
    const block = new Float32Array(rows * columns);
    for (let c = 0; c < perGroup; c++) {
      for (let o = 0; o < rows; o++) {
        for (let t = 0; t < taps; t++)
          block[o * columns + c * taps + t] = weight.data[((g * perGroup + c) * rows + o) * taps + t]!;
      }
    }
    return block;
  });
  return { weightShape: weight.shape, rows, columns, blocks, filter: [perGroup, ...kernel] };
}

interface Triplet {
  readonly block: number;
  readonly value: number;
  readonly input: Float64Array;
  readonly residual: number;
}

async function directionsOf(study: Study, layer: Layer): Promise<WeightDirections> {
  const { weightShape, rows, columns, blocks, filter } = unfold(study, layer)!;
  const triplets: Triplet[] = blocks.flatMap((block, g) => tripletsOf(block, rows, columns, g));
  triplets.sort((a, b) => b.value - a.value || a.block - b.block);
  const singularValues = triplets.map(({ value }) => value);
  const leading = triplets.slice(0, study.settings.count);
  const groups = groupsOf(singularValues, 1e-6 * (singularValues[0] ?? 0));
  const eigenvalues = singularValues.map((value) => value ** 2);
  const fit = fitPowerLaw(eigenvalues);
  const directions: WeightDirection[] = [];
  for (const [index, { value, block, input }] of leading.entries()) {
    directions.push({
      index,
      singularValue: value,
      group: groups[index]!,
      block,
      filter: await drawFilter(study, layer, Float32Array.from(input), filter, index),
    });
  }
  return {
    weightShape: [...weightShape],
    unfoldedShape: [rows, columns],
    blocks: blocks.length,
    singularValues,
    energy: [...energyCurve(singularValues)],
    rank: numericalRank(singularValues, Math.max(rows, columns), 2 ** -23),
    stableRank: stableRank(singularValues),
    effectiveRank: effectiveRank(singularValues),
    powerLaw: 'reason' in fit ? null : fit,
    powerLawReason: 'reason' in fit ? fit.reason : null,
    directions,
    certificate: { residuals: leading.map(({ residual }) => residual), converged: leading.length },
  };
}

/** Singular triplets of one block, with ‖W v − σ u‖/σ₁. */
function tripletsOf(block: Float32Array, rows: number, columns: number, index: number): Triplet[] {
  const { values, left, right } = smallSvd(block, rows, columns);
  return Array.from(values, (value, i) => {
    const input = right.subarray(i * columns, (i + 1) * columns);
    let squared = 0;
    for (let r = 0; r < rows; r++) {
      let product = 0;
      for (let c = 0; c < columns; c++) product += block[r * columns + c]! * input[c]!;
      squared += (product - value * left[i * rows + r]!) ** 2;
    }
    return { block: index, value, input, residual: values[0]! > 0 ? Math.sqrt(squared) / values[0]! : 0 };
  });
}

/** A right vector as a picture: taps of each channel side by side; a dense layer's in the layout of what it reads, where it has one. */
function drawFilter(study: Study, layer: Layer, vector: Float32Array, filter: readonly number[], index: number) {
  const alt = `Direction ${index + 1} of the weights of ${layer.name}`;
  const spatial = filter.length >= 2 ? filter : readShape(study, layer);
  if (spatial === null)
    return study.pictures.draw({ values: vector, height: 1, width: vector.length, channels: 1, kind: 'map', alt });
  const [channels, height, width = 1] =
    spatial.length === 2 ? [spatial[0]!, 1, spatial[1]!] : (spatial as [number, number, number]);
  const values = new Float32Array(vector.length);
  const area = height * width;
  for (let i = 0; i < vector.length; i++) values[(i % area) * channels + Math.floor(i / area)] = vector[i]!;
  return study.pictures.draw({ values, height, width, channels, kind: 'map', alt });
}

/** [channels, height, width] of what a dense layer reads when that was flattened from a picture. */
function readShape({ network, inputView }: Study, layer: Layer): number[] | null {
  let id = nodeOf(network, layer.node).inputs[0]!;
  const size = sizeOf(nodeOf(network, id).shape);
  for (;;) {
    const node = nodeOf(network, id);
    if (node.shape.length === 4 && node.shape[0] === 1 && sizeOf(node.shape) === size)
      return node.shape.slice(1) as number[];
    if (node.op !== 'reshape') break;
    id = node.inputs[0]!;
  }
  const isFlatImage = id === network.input && inputView.kind === 'image' && inputView.channels === 1;
  return isFlatImage ? [1, inputView.height, inputView.width] : null;
}
