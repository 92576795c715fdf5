// Which directions add up to this output? (SpecXAI; methods.md, section 3) The network is split after a layer into R (input
// to split) and L (split to output), both Taylor: R = U Λ Φᵀ, ψ = (L U)_j, α_k = ψ_k λ_k (φ_k·x), y_j = Σ α_k + rest + b.
import type { OutputComponent, OutputContributions } from '../../reports/format.ts';
import { certificateOf } from '../certificate.ts';
import type { View } from '../figures/view.ts';
import { sizeOf } from '../kernels/kernels.ts';
import type { LocatedMap } from '../network/affine-map.ts';
import type { Layer } from '../network/layers.ts';
import type { Block } from '../operators/operator.ts';
import { truncatedSvd, type TruncatedSvd } from '../svd/truncated-svd.ts';
import type { Study } from '../study.ts';
import { expressionOf } from './expression.ts';
import { unknownLayer } from './layer-choice.ts';
import type { Answer, Method } from './method.ts';

/** Whole spectra are computed where the smaller side of R has at most this many entries. */
const WHOLE_SPECTRUM = 256;
/** Directions compared across samples. */
const COMPARED = 4;

export const outputContributions: Method = {
  id: 'output-contributions',
  question: 'Which directions in this input add up to the output?',
  version: 1,
  settings: ['split', 'count', 'outputs', 'tolerance', 'seed'],
  units(study) {
    if (study.detailed.length === 0) return 'no sample was chosen to be looked at in detail (--detail)';
    if (study.outputView.kind !== 'vector' && study.settings.split.length === 0) {
      return 'the output is a picture, not a score: choose a layer with --split to decompose its largest outputs';
    }
    return splitsOf(study).map((layer) => ({ key: layer.name, layer: layer.name }));
  },
  async answer(study, unit) {
    const layer = study.layers.find(({ name }) => name === unit.layer)!;
    const answers: Answer[] = [];
    const leading: Float32Array[] = [];
    for (const sample of study.detailed) {
      study.checkpoint();
      const { contributions, directions } = await contributionsAt(study, layer, sample);
      answers.push({ on: { sample }, fields: { outputContributions: contributions } });
      leading.push(directions);
    }
    const names = study.detailed.map((sample) => study.samples.name(sample));
    const size = sizeOf((await splitShape(study)).domain);
    const componentSimilarities = similarities(leading, size).map((values, component) => ({
      split: layer.name,
      component,
      samples: names,
      values,
    }));
    return [...answers, { on: 'model', fields: { componentSimilarities } }];
  },
};

async function splitShape(study: Study): Promise<{ domain: readonly number[] }> {
  const { shape } = await study.inputs(study.detailed[0]!, study.detailed[0]! + 1);
  return { domain: shape };
}

/** The layers named by --split, or the first, the middle and the last one that has layers behind it. */
export function splitsOf({ layers, settings }: Study): Layer[] {
  if (settings.split.length > 0) {
    return settings.split.map((name) => layers.find((layer) => layer.name === name) ?? unknownLayer(name, layers));
  }
  if (layers.length <= 3) return [...layers];
  const last = layers.length - 1;
  return [...new Set([0, Math.floor(last / 2), last])].map((i) => layers[i]!);
}

async function contributionsAt(
  study: Study,
  layer: Layer,
  sample: number,
): Promise<{ contributions: OutputContributions[]; directions: Float32Array }> {
  const mode = 'taylor';
  const before = await study.map(sample, { to: layer.output, mode });
  const after = await study.map(sample, { from: layer.output, mode });
  const whole = await study.map(sample, { mode });
  const smaller = Math.min(sizeOf(before.domain), sizeOf(before.codomain));
  const svd = await truncatedSvd(before, {
    count: smaller <= WHOLE_SPECTRUM ? smaller : study.settings.count,
    tolerance: study.settings.tolerance,
    random: study.random(`output-contributions ${layer.name} ${sample}`),
  });
  const outputs = [...whole.value.keys()]
    .sort((a, b) => whole.value[b]! - whole.value[a]!)
    .slice(0, study.settings.outputs);
  const label = study.labels?.[sample];
  if (label !== undefined && label >= 0 && !outputs.includes(label)) outputs.push(label);
  const block = unitRows(outputs, whole.value.length);
  const pulled = await after.transpose(block);
  const rows = await before.transpose(pulled);
  const biases = await whole.offsetByLayer(block, 'biases');
  const certificate = await certificateOf(whole, study.random(`certificate ${sample}`), svd);
  const contributions: OutputContributions[] = [];
  for (const [i, output] of outputs.entries()) {
    const terms = decompose(
      svd,
      before,
      pulled.data.subarray(i * pulled.size, (i + 1) * pulled.size),
      rows.data.subarray(i * rows.size, (i + 1) * rows.size),
    );
    const offset = dot(pulled.data, i * pulled.size, before.offset) + after.offset[output]!;
    const value = whole.value[output]!;
    const biasByLayer = study.layers.map(({ name, index }) => ({
      layer: name,
      value: biases[i * study.layers.length + index]!,
    }));
    const remainder = terms.total - terms.contributions.reduce((sum, a) => sum + a, 0);
    const curvature = offset - biasByLayer.reduce((sum, bias) => sum + bias.value, 0);
    const components = await componentsOf(study, layer, svd, terms, before.at, sample);
    contributions.push({
      split: layer.name,
      output: study.outputName(output),
      value,
      bias: offset,
      remainder,
      curvature,
      singularValues: [...svd.singularValues],
      components,
      biasByLayer,
      ...expressionOf(study.outputName(output), components, remainder, offset),
      certificate: {
        ...certificate,
        completeness:
          Math.abs(terms.total + offset - value) /
          Math.max(Math.abs(value), Math.abs(offset), Math.abs(terms.total), 1e-30),
      },
    });
  }
  const { data, size } = svd.inputDirections;
  return { contributions, directions: data.slice(0, Math.min(COMPARED, svd.singularValues.length) * size) };
}

interface Terms {
  /** ψ_k. */
  readonly weights: number[];
  /** λ_k (φ_k·x): the coordinates of R x along u_k. */
  readonly coefficients: number[];
  /** α_k. */
  readonly contributions: number[];
  /** (L R x)_j, from products rather than from the triplets. */
  readonly total: number;
}

/** ψ_k = ⟨Lᵀ e_j, u_k⟩ and α_k = ψ_k λ_k (φ_k·x). `pulled` is Lᵀ e_j, `pulledBack` is Rᵀ Lᵀ e_j. */
export function decompose(
  svd: TruncatedSvd,
  map: Pick<LocatedMap, 'at'>,
  pulled: Float32Array,
  pulledBack: Float32Array,
): Terms {
  const { singularValues, inputDirections, outputDirections } = svd;
  const weights = Array.from(singularValues, (_, k) => dot(outputDirections.data, k * outputDirections.size, pulled));
  const coefficients = Array.from(
    singularValues,
    (value, k) => value * dot(inputDirections.data, k * inputDirections.size, map.at),
  );
  const contributions = weights.map((weight, k) => weight * coefficients[k]!);
  return { weights, coefficients, contributions, total: dot(pulledBack, 0, map.at) };
}

/**
 * Eq. 21: positives by descending size, negatives by descending size, the j-th added to the j-th, again and again until
 * one sign is left; a sum keeps the index of its larger term. Null where a term was cancelled away.
 */
export function cancel(contributions: readonly number[]): (number | null)[] {
  let terms = contributions.map((value, index) => ({ value, index })).filter(({ value }) => value !== 0);
  const bySize = (a: { value: number }, b: { value: number }): number => Math.abs(b.value) - Math.abs(a.value);
  for (;;) {
    const positive = terms.filter(({ value }) => value > 0).sort(bySize);
    const negative = terms.filter(({ value }) => value < 0).sort(bySize);
    if (positive.length === 0 || negative.length === 0) break;
    const pairs = Math.min(positive.length, negative.length);
    const sums = positive.slice(0, pairs).map((a, j) => {
      const b = negative[j]!;
      return { value: a.value + b.value, index: Math.abs(a.value) >= Math.abs(b.value) ? a.index : b.index };
    });
    terms = [...sums.filter(({ value }) => value !== 0), ...positive.slice(pairs), ...negative.slice(pairs)];
  }
  const reduced: (number | null)[] = contributions.map(() => null);
  for (const { value, index } of terms) reduced[index] = value;
  return reduced;
}

/** The components worth showing: the first by singular value and the first by |α|, with pictures; all keep their numbers. */
async function componentsOf(
  study: Study,
  layer: Layer,
  svd: TruncatedSvd,
  { weights, coefficients, contributions }: Terms,
  at: Float32Array,
  sample: number,
): Promise<OutputComponent[]> {
  const reduced = cancel(contributions);
  const sum = reduced.reduce<number>((total, value) => total + (value ?? 0), 0);
  const count = study.settings.count;
  const bySize = [...contributions.keys()].sort((a, b) => Math.abs(contributions[b]!) - Math.abs(contributions[a]!));
  const shown = new Set([...bySize.slice(0, count), ...contributions.slice(0, count).keys()]);
  const isOutput = layer.output === study.network.output && study.outputView.kind !== 'vector';
  const components: OutputComponent[] = [];
  for (const [k, singularValue] of svd.singularValues.entries()) {
    const direction = row(svd.inputDirections, k);
    const name = `component ${k + 1} after ${layer.name} for sample ${study.samples.name(sample)}`;
    const weight = weights[k]! * singularValue;
    components.push({
      index: k,
      singularValue,
      group: svd.groups[k]!,
      coefficient: coefficients[k]!,
      contribution: contributions[k]!,
      reduced: reduced[k]!,
      share: reduced[k] === null || sum === 0 ? null : reduced[k]! / sum,
      ...(shown.has(k) && {
        image: await study.drawInput(direction, `Right vector of ${name}`),
        contraction: await drawContraction(
          study,
          contract(study.inputView, direction, at, weight),
          `Contribution by place of ${name}`,
        ),
        outputImage: isOutput ? await study.drawOutput(row(svd.outputDirections, k), `Left vector of ${name}`) : null,
      }),
    });
  }
  return components;
}

/** ψ λ Σ_channels φ_hwc x_hwc: height × width numbers that add up to α. */
export function contract(view: View, direction: Float32Array, at: Float32Array, weight: number): Float32Array {
  const products = view.arrange(direction.map((value, i) => weight * value * at[i]!));
  const channels = view.kind === 'points' ? view.width : view.channels;
  const places = new Float32Array(products.length / channels);
  for (let i = 0; i < products.length; i++) places[Math.floor(i / channels)]! += products[i]!;
  return places;
}

function drawContraction(study: Study, values: Float32Array, alt: string) {
  const { kind, height, width } = study.inputView;
  const extent = kind === 'points' ? { height: 1, width: height } : { height, width };
  return study.pictures.draw({ values, ...extent, channels: 1, kind: 'map', alt });
}

/** |φ_k(x_i)·φ_k(x_j)| for each of the leading components: a matrix over the samples per component. */
function similarities(leading: readonly Float32Array[], size: number): number[][][] {
  const components = Math.min(...leading.map((block) => block.length / size));
  return Array.from({ length: components }, (_, k) =>
    leading.map((a) => leading.map((b) => Math.abs(dot(a, k * size, b.subarray(k * size, (k + 1) * size))))),
  );
}

function row(block: Block, i: number): Float32Array {
  return block.data.subarray(i * block.size, (i + 1) * block.size);
}

function unitRows(indices: readonly number[], size: number): Block {
  const data = new Float32Array(indices.length * size);
  for (const [i, index] of indices.entries()) data[i * size + index] = 1;
  return { count: indices.length, size, data };
}

/** Σ a[start + i] b[i]. */
function dot(a: Float32Array, start: number, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += a[start + i]! * b[i]!;
  return sum;
}
