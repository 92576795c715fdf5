// The singular value decomposition of a layer's unfolded weights (SVDW, section 3), in float64, kept for every method that
// asks: all values, and the vectors of the leading directions. What a very large matrix leaves out is stated exactly, because
// Σσ² is the sum of the squared weights.
import type { Layer } from '../network/layers.ts';
import { fromMatrix } from '../operators/matrix.ts';
import { leadingSvd } from '../svd/small-svd.ts';
import { truncatedSvd } from '../svd/truncated-svd.ts';
import { wideSvd } from '../svd/wide-svd.ts';
import type { Study } from '../study.ts';
import { fitsGlob } from './layer-glob.ts';
import type { SkippedLayer } from './method.ts';
import { unfold, type UnfoldedWeights } from './unfolded-weights.ts';

/** Directions of a layer whose vectors are kept. */
const MOST_DIRECTIONS = 256;
/** Smaller side from which the values are taken from the Gram matrix, a panel at a time. */
const WIDE = 1536;
/** Multiply-adds of a Gram matrix above which only leading triplets are computed: ten minutes on one core. */
const MOST_WORK = 1e12;
/** Multiply-adds that take long enough to be announced. */
const LONG_WORK = 3e10;
/** Triplets computed of a matrix larger than that. */
const LEADING = 64;

/** One singular triplet of a block. */
export interface WeightTriplet {
  /** Group of the convolution, from 0. */
  readonly block: number;
  readonly value: number;
  /** v: one row of the unfolded weight's space, largest entry positive. */
  readonly input: Float64Array;
  /** u: the outputs of its block. */
  readonly output: Float64Array;
}

export interface WeightSpectrum extends UnfoldedWeights {
  /** Descending, of all blocks; only the leading ones where `isComplete` is false. */
  readonly values: readonly number[];
  /** Leading triplets in the order of `values`. */
  readonly triplets: readonly WeightTriplet[];
  readonly isComplete: boolean;
  /** How many singular values there are: the smaller side times the blocks. */
  readonly count: number;
  /** Σσ² over all of them, computed or not: the sum of the squared weights. */
  readonly energy: number;
}

const kept = new WeakMap<Study, Map<string, Promise<WeightSpectrum>>>();

/** The spectrum of a layer that has weights, computed once a study. */
export function weightSpectrum(study: Study, layer: Layer): Promise<WeightSpectrum> {
  const known = kept.get(study) ?? new Map<string, Promise<WeightSpectrum>>();
  kept.set(study, known);
  let spectrum = known.get(layer.name);
  if (!spectrum) {
    const weights = unfold(study, layer);
    if (typeof weights === 'string') throw new Error(`${layer.name}: ${weights}`);
    const { rows, columns, blocks } = weights;
    if (blocks.length * rows * columns * Math.min(rows, columns) > LONG_WORK)
      study.note(`${layer.name}: the singular values of ${rows} × ${columns} weights take minutes`);
    known.set(layer.name, (spectrum = decompose(weights, study)));
  }
  return spectrum;
}

/** Layers with weights that `--layers` chooses, each a unit of what asks about directions. */
export function chosenLayers(study: Study): Layer[] {
  return study.layers.filter(
    (layer) => fitsGlob(layer.name, study.settings.layers) && typeof unfold(study, layer) !== 'string',
  );
}

/** The layers beside those, and why they have no directions. */
export function layersLeftOut(study: Study): SkippedLayer[] {
  return study.layers.flatMap((layer) => {
    const weights = unfold(study, layer);
    if (typeof weights === 'string') return [{ layer: layer.name, reason: weights }];
    return fitsGlob(layer.name, study.settings.layers) ? [] : [{ layer: layer.name, reason: 'left out by --layers' }];
  });
}

/** Decomposes unfolded weights. `work` (multiply-adds) bounds what is computed in full. */
export async function decompose(
  weights: UnfoldedWeights,
  { random, checkpoint }: Pick<Study, 'random' | 'checkpoint'>,
  work = MOST_WORK,
): Promise<WeightSpectrum> {
  const { rows, columns, blocks } = weights;
  const small = Math.min(rows, columns);
  const isComplete = blocks.length * rows * columns * small <= work;
  const count = Math.min(small, MOST_DIRECTIONS);
  /** Lets an interruption be heard. */
  const pause = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    checkpoint();
  };
  const values: number[] = [];
  const triplets: WeightTriplet[] = [];
  for (const [block, matrix] of blocks.entries()) {
    const svd = !isComplete
      ? await leadingOf(matrix, rows, columns, random)
      : small > WIDE
        ? await wideSvd(matrix, rows, columns, count, pause)
        : leadingSvd(matrix, rows, columns, count);
    values.push(...svd.values);
    for (let i = 0; i < svd.right.length / columns; i++) {
      const input = svd.right.subarray(i * columns, (i + 1) * columns);
      const output = svd.left.subarray(i * rows, (i + 1) * rows);
      triplets.push({ block, value: svd.values[i]!, input, output });
    }
  }
  values.sort((a, b) => b - a);
  triplets.sort((a, b) => b.value - a.value || a.block - b.block);
  let energy = 0;
  for (const matrix of blocks) for (let i = 0; i < matrix.length; i++) energy += matrix[i]! ** 2;
  return {
    ...weights,
    values,
    triplets: triplets.slice(0, MOST_DIRECTIONS),
    isComplete,
    count: small * blocks.length,
    energy,
  };
}

async function leadingOf(matrix: Float32Array, rows: number, columns: number, random: Study['random']) {
  const svd = await truncatedSvd(fromMatrix(matrix, rows, columns), {
    count: Math.min(LEADING, rows, columns),
    random: random('weight spectrum'),
  });
  return {
    values: svd.singularValues,
    right: Float64Array.from(svd.inputDirections.data),
    left: Float64Array.from(svd.outputDirections.data),
  };
}

/** max(‖W v − σ u‖, ‖Wᵀ u − σ v‖)/σ₁ of a triplet, W and σ₁ those of its block. */
export function residualOf(
  { blocks, triplets }: WeightSpectrum,
  { block, value, input, output }: WeightTriplet,
): number {
  const matrix = blocks[block]!;
  const [rows, columns] = [output.length, input.length];
  const back = new Float64Array(columns);
  let forward = 0;
  for (let r = 0; r < rows; r++) {
    let product = 0;
    const u = output[r]!;
    for (let c = 0; c < columns; c++) {
      const weight = matrix[r * columns + c]!;
      product += weight * input[c]!;
      back[c]! += weight * u;
    }
    forward += (product - value * u) ** 2;
  }
  let backward = 0;
  for (let c = 0; c < columns; c++) backward += (back[c]! - value * input[c]!) ** 2;
  const largest = triplets.find((triplet) => triplet.block === block)!.value;
  return Math.sqrt(Math.max(forward, backward)) / (largest || 1);
}

/** A triplet's output side over all outputs of the layer: zero outside its block. */
export function outputVector({ rows, blocks }: UnfoldedWeights, { block, output }: WeightTriplet): Float64Array {
  const vector = new Float64Array(rows * blocks.length);
  vector.set(output, block * rows);
  return vector;
}
