// Which directions add up to this output? (SpecXAI; methods.md, section 3) The network is split after a layer into R (input
// to split) and L (split to output), both Taylor: R = U Λ Φᵀ, ψ = (L U)_j, α_k = ψ_k λ_k (φ_k·x), y_j = Σ α_k + rest + b.
import type { Image, OutputComponent, OutputContributions } from '../../reports/format.ts';
import { certificateOf } from '../certificate.ts';
import { EXIT, UserError } from '../errors.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { pathBetween, type LocatedMap } from '../network/affine-map.ts';
import type { Layer } from '../network/layers.ts';
import { nodeOf } from '../network/network.ts';
import type { Block } from '../operators/operator.ts';
import { inner, rowOf } from '../operators/rows.ts';
import { truncatedSvd, type TruncatedSvd } from '../svd/truncated-svd.ts';
import type { Study } from '../study.ts';
import { cancel } from './cancelling.ts';
import { contract, drawContraction, drawOnInput, drawOnOutput, featureTerms, isTable } from './component-pictures.ts';
import { explainedOutputs, isPictureOutput } from './explained-outputs.ts';
import { expressionOf } from './expression.ts';
import { unknownLayer } from './layer-choice.ts';
import type { Answer, Method } from './method.ts';

/** Whole spectra are computed where the smaller side of R has at most this many entries. */
const WHOLE_SPECTRUM = 128;
/** Layers with more numbers are split only where --split asks for it: a direction there costs gigabytes and minutes. */
const MOST_NUMBERS = 2 ** 20;
/** Directions compared across samples. */
const COMPARED = 4;
/** Components with pictures: the first by |α| of each output, and the first by singular value. */
const PICTURED = 6;
const PICTURED_BY_VALUE = 3;
const MODE = 'taylor';

export const outputContributions: Method = {
  id: 'output-contributions',
  question: 'Which directions in this input add up to the output?',
  version: 4,
  settings: ['split', 'count', 'outputs', 'tolerance', 'seed'],
  units(study) {
    if (study.detailed.length === 0) return 'no sample was chosen to be looked at in detail (--detail)';
    return splitsOf(study).map((layer) => ({ key: layer.name, layer: layer.name }));
  },
  remark(study) {
    const wide = study.layers.filter(({ output }) => sizeOf(nodeOf(study.network, output).shape) > MOST_NUMBERS);
    return study.settings.split.length > 0 || wide.length === 0
      ? null
      : `not split after ${wide.length} of ${study.layers.length} layers, which are wide; --split chooses them`;
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
    const size = sizeOf(nodeOf(study.network, study.network.input).shape);
    const componentSimilarities = similarities(leading, size).map((values, component) => ({
      split: layer.name,
      component,
      samples: names,
      values,
    }));
    return [...answers, { on: 'model', fields: { componentSimilarities } }];
  },
};

/**
 * The layers named by --split, or the first, the middle and the last one; of those that all of the input passes, where
 * there are three.
 */
export function splitsOf(study: Study): Layer[] {
  const { layers, settings } = study;
  if (settings.split.length > 0) {
    return settings.split.map((name) => {
      const layer = layers.find((one) => one.name === name) ?? unknownLayer(name, layers);
      if (between(study, layer)) return layer;
      throw new UserError(`Layer "${name}" does not lie between the input and the output that is explained.`, {
        exitCode: EXIT.usage,
        hint: 'Another output can be chosen with --output.',
      });
    });
  }
  const onWay = layers.filter((layer) => between(study, layer));
  const small = onWay.filter(({ output }) => sizeOf(nodeOf(study.network, output).shape) <= MOST_NUMBERS);
  const passed = small.filter((layer) => isCut(study, layer));
  const candidates = passed.length >= 3 ? passed : small.length > 0 ? small : onWay.slice(-1);
  const last = candidates.length - 1;
  return [...new Set([0, Math.floor(last / 2), last])].map((i) => candidates[i]!);
}

/** Whether the layer's output depends on the input and the explained output on it. */
function between({ network }: Study, { output }: Layer): boolean {
  const leads = output === network.output || pathBetween(network, output, network.output).length > 0;
  return leads && pathBetween(network, network.input, output).length > 0;
}

/** Whether everything that the output takes from the input goes through the layer's output. */
function isCut({ network }: Study, layer: Layer): boolean {
  const reached = new Set([network.input]);
  for (const node of network.nodes) {
    if (node.id !== layer.output && node.inputs.some((id) => reached.has(id))) reached.add(node.id);
  }
  return !reached.has(network.output);
}

async function contributionsAt(
  study: Study,
  layer: Layer,
  sample: number,
): Promise<{ contributions: OutputContributions[]; directions: Float32Array }> {
  const before = await study.map(sample, { to: layer.output, mode: MODE });
  const after = await study.map(sample, { from: layer.output, mode: MODE });
  const whole = await study.map(sample, { mode: MODE });
  const smaller = Math.min(sizeOf(before.domain), sizeOf(before.codomain));
  const svd = await truncatedSvd(before, {
    count: smaller <= WHOLE_SPECTRUM ? smaller : study.settings.count,
    tolerance: study.settings.tolerance,
    random: study.random(`output-contributions ${layer.name} ${sample}`),
  });
  const outputs = explainedOutputs(study, sample, whole.value);
  const block = blockOf(outputs.map(({ row }) => row));
  const pulled = await after.transpose(block);
  const rows = await before.transpose(pulled);
  const direct = isCut(study, layer) ? rows : await whole.transpose(block);
  const biases = await whole.offsetByLayer(block, 'biases');
  const certificate = await certificateOf(whole, study.random(`certificate ${sample}`), svd);
  const gallery = await galleryOf(study, layer, sample, { svd, before, after, value: whole.value });
  const contributions = outputs.map(async ({ name }, i): Promise<OutputContributions> => {
    const terms = decompose(svd, before, rowOf(pulled, i), rowOf(rows, i));
    const weights = rowOf(block, i);
    const offset = inner(rowOf(pulled, i), before.offset) + inner(weights, after.offset);
    const value = inner(weights, whole.value);
    const bypass = inner(rowOf(direct, i), before.at) - terms.total;
    const biasByLayer = study.layers.map(({ name, index }) => ({
      layer: name,
      value: biases[i * study.layers.length + index]!,
    }));
    const remainder = terms.total - terms.contributions.reduce((sum, a) => sum + a, 0);
    const components = await componentsOf(study, svd, terms, before.at, gallery, name);
    return {
      split: layer.name,
      output: name,
      value,
      bias: offset,
      bypass,
      remainder,
      curvature: offset - bypass - biasByLayer.reduce((sum, bias) => sum + bias.value, 0),
      uncancelled: components.filter(({ reduced }) => reduced !== null).length,
      singularValues: [...svd.singularValues],
      components,
      biasByLayer,
      biasImage: i === 0 ? gallery.bias : null,
      linearImage: i === 0 ? gallery.linear : null,
      ...expressionOf(name, components, remainder, offset),
      certificate: {
        ...certificate,
        completeness:
          Math.abs(terms.total + offset - value) /
          Math.max(Math.abs(value), Math.abs(offset), Math.abs(terms.total), 1e-30),
      },
    };
  });
  const { data, size } = svd.inputDirections;
  return {
    contributions: await Promise.all(contributions),
    directions: data.slice(0, Math.min(COMPARED, svd.singularValues.length) * size),
  };
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
  const weights = Array.from(singularValues, (_, k) => inner(rowOf(outputDirections, k), pulled));
  const coefficients = Array.from(singularValues, (value, k) => value * inner(rowOf(inputDirections, k), map.at));
  const contributions = weights.map((weight, k) => weight * coefficients[k]!);
  return { weights, coefficients, contributions, total: inner(pulledBack, map.at) };
}

/** Pictures that do not depend on which output is explained. */
interface Gallery {
  direction(k: number): Promise<Image>;
  /** L u_k, where the output is a picture. */
  output(k: number): Promise<Image> | null;
  /** What the output owes to constants, b, and to the input, L R x, where it is a picture. */
  readonly bias: Image | null;
  readonly linear: Image | null;
  readonly where: string;
}

async function galleryOf(
  study: Study,
  layer: Layer,
  sample: number,
  maps: { svd: TruncatedSvd; before: LocatedMap; after: LocatedMap; value: Float32Array },
): Promise<Gallery> {
  const { svd, before, after, value } = maps;
  const where = `after ${layer.name} for sample ${study.samples.name(sample)}`;
  const drawn = new Map<string, Promise<Image>>();
  const once = (key: string, draw: () => Promise<Image>): Promise<Image> => {
    if (!drawn.has(key)) drawn.set(key, draw());
    return drawn.get(key)!;
  };
  const direction = (k: number): Promise<Image> =>
    once(`right ${k}`, () =>
      drawOnInput(study, rowOf(svd.inputDirections, k), before.at, `Right vector of component ${k} ${where}`),
    );
  if (!isPictureOutput(study)) return { direction, output: () => null, bias: null, linear: null, where };
  const through = await after.apply(blockOf([before.offset, subtract(before.value, before.offset)]));
  const bias = rowOf(through, 0).map((x, i) => x + after.offset[i]!);
  return {
    direction,
    output: (k) =>
      once(`left ${k}`, async () => {
        const { data } = await after.apply(blockOf([rowOf(svd.outputDirections, k)]));
        return drawOnOutput(study, data, value, `Left vector of component ${k} ${where}`);
      }),
    bias: await drawOnOutput(study, bias, value, `What constants add to the output ${where}`),
    linear: await drawOnOutput(study, rowOf(through, 1), value, `What the input adds to the output ${where}`),
    where,
  };
}

/** Every component with its numbers; those worth a look, the first by |α| and by singular value, with pictures. */
function componentsOf(
  study: Study,
  svd: TruncatedSvd,
  { weights, coefficients, contributions }: Terms,
  at: Float32Array,
  gallery: Gallery,
  output: string,
): Promise<OutputComponent[]> {
  const reduced = cancel(contributions);
  const sum = reduced.reduce<number>((total, value) => total + (value ?? 0), 0);
  const bySize = [...contributions.keys()].sort((a, b) => Math.abs(contributions[b]!) - Math.abs(contributions[a]!));
  const leading = new Set(bySize.slice(0, PICTURED).filter((k) => contributions[k] !== 0));
  const pictured = new Set([...leading, ...contributions.slice(0, PICTURED_BY_VALUE).keys()]);
  const table = isTable(study);
  return Promise.all(
    Array.from(svd.singularValues, async (singularValue, k) => {
      const direction = rowOf(svd.inputDirections, k);
      const weight = weights[k]! * singularValue;
      const numbers = {
        index: k,
        singularValue,
        group: svd.groups[k]!,
        coefficient: coefficients[k]!,
        contribution: contributions[k]!,
        reduced: reduced[k]!,
        share: reduced[k] === null || sum === 0 ? null : reduced[k]! / sum,
      };
      if (!pictured.has(k)) return numbers;
      if (table) return { ...numbers, features: featureTerms(study, direction, at, weight) };
      const alt = `Where component ${k} ${gallery.where} adds to ${output}`;
      const [image, contraction, outputImage] = await Promise.all([
        gallery.direction(k),
        leading.has(k)
          ? drawContraction(study, contract(study.inputView, direction, at, weight), at, alt)
          : Promise.resolve(null),
        leading.has(k) ? gallery.output(k) : null,
      ]);
      return { ...numbers, image, contraction, outputImage };
    }),
  );
}

/** |φ_k(x_i)·φ_k(x_j)| for each of the leading components: a matrix over the samples per component. */
function similarities(leading: readonly Float32Array[], size: number): number[][][] {
  const components = Math.min(...leading.map((block) => block.length / size));
  return Array.from({ length: components }, (_, k) =>
    leading.map((a) =>
      leading.map((b) => Math.abs(inner(a.subarray(k * size, (k + 1) * size), b.subarray(k * size, (k + 1) * size)))),
    ),
  );
}

function blockOf(rows: readonly Float32Array[]): Block {
  const size = rows[0]!.length;
  const data = new Float32Array(rows.length * size);
  for (const [i, values] of rows.entries()) data.set(values, i * size);
  return { count: rows.length, size, data };
}

function subtract(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, i) => value - b[i]!);
}
