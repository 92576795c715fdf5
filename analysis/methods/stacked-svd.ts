// The SVD of the stack [T_1; …; T_n] of a layer's transformations, exactly and without stacking (methods.md, section 1):
// T_i = diag(s_i) W̃, so the stack's Gram matrix is W̃ᵀ diag(Σ s²) W̃, that of diag(√Σ s²) W̃ = P Σ Vᵀ. With B = W̃ V Σ⁻¹
// the left vectors of sample i are U_i = diag(s_i) B. Of the samples only sums of s are kept, so their number is free.
import type { Certificate } from '../../reports/format.ts';
import { adjointnessOf, completenessOf } from '../certificate.ts';
import type { Kernels, Program, Value } from '../kernels/kernels.ts';
import { pathBetween } from '../network/affine-map.ts';
import { nodeOf } from '../network/network.ts';
import type { Step } from '../kept.ts';
import { fromMatrix, scaledRows, toMatrix } from '../operators/matrix.ts';
import type { LinearOperator } from '../operators/operator.ts';
import { opOf } from '../ops/index.ts';
import type { Study } from '../study.ts';
import { gramOfRows } from '../svd/multiply.ts';
import { smallSvd } from '../svd/small-svd.ts';
import { symmetricEigen } from '../svd/symmetric-eigen.ts';
import { truncatedSvd, type TruncatedSvd, type TruncatedSvdOptions } from '../svd/truncated-svd.ts';
import {
  affineOperator,
  layerReader,
  transformationsOf,
  type LayerReader,
  type Transformation,
  type Transformations,
} from './layer-transformations.ts';
import { oncePerStudy } from './once-per-study.ts';

/** How many values of the spectrum the elbow is looked for in, and how many are kept. */
const SPECTRUM = 50;
/** A layer whose smaller side is no longer is decomposed as a matrix in float64, all values of it. */
const SMALL_SIDE = 128;
/** Most outputs for which the outputs' own Gram matrix is summed (fixed output side). */
const MOST_OUTPUTS = 2048;
/** Up to here that matrix is summed in float64, one sample after the other, and decomposed whole. */
const FEW_OUTPUTS = 256;
/** Most entries of a layer that is written out to get the norms of its rows. */
const SMALL_MATRIX = 2 ** 23;

/** Which class every sample counts for: its label, or where there are no labels the prediction. */
export interface SampleClasses {
  readonly source: 'labels' | 'predictions';
  /** Output index per sample, −1 where unknown. */
  readonly of: Int32Array;
  /** The classes that occur, ascending, and how often. */
  readonly list: readonly number[];
  readonly counts: readonly number[];
}

/** Sums over the samples at one layer. */
interface LayerSums {
  /** Σ_i s_i² */
  readonly squares: Float64Array;
  readonly mean: Float64Array;
  /** Σ_i s_i s_iᵀ, size × size; null where the layer has too many outputs. */
  readonly products: Float64Array | null;
}

/** The decomposition of one layer over the query set. */
export interface LayerStack {
  readonly transformation: Transformation;
  /** Mean of s over the samples. */
  readonly mean: Float64Array;
  readonly k: number;
  readonly kSource: 'elbow' | 'given' | 'memory';
  /** Descending; all of them where the layer is small, else the leading ones. */
  readonly singularValues: Float64Array;
  /** V: k × (inputSize + 1), the last entry the bias's. */
  readonly vectors: Float64Array;
  /** B = W̃ V Σ⁻¹ as size × k. */
  readonly left: Float32Array;
  /** ‖B_o‖² and ‖W̃_o‖² per output. */
  readonly leftNorms: Float64Array;
  readonly rowNorms: Float64Array;
  /** Of the stack side by side: values, leading shared U (rows × size). Empty with the reason. */
  readonly outputSide: {
    readonly values: Float64Array;
    readonly vectors: Float64Array;
    readonly count: number;
    readonly reason: string | null;
  };
  readonly certificate: Certificate;
}

export interface StackedLayers extends Transformations {
  readonly reader: LayerReader;
  readonly classes: SampleClasses | null;
  readonly stacks: readonly LayerStack[];
}

/** Every covered layer of a study decomposed over all its samples; done once a study. */
export const stackedLayers = oncePerStudy(decompose);

/** Labels where there are any, else predictions; null where a sample has no class at all. */
export function sampleClasses({ labels, predictions }: Pick<Study, 'labels' | 'predictions'>): SampleClasses | null {
  const labelled = labels?.some((label) => label >= 0) ?? false;
  const of = labelled ? labels! : predictions;
  if (!of) return null;
  const counts = new Map<number, number>();
  for (const c of of) if (c >= 0) counts.set(c, (counts.get(c) ?? 0) + 1);
  const list = [...counts.keys()].sort((a, b) => a - b);
  return { source: labelled ? 'labels' : 'predictions', of, list, counts: list.map((c) => counts.get(c)!) };
}

async function decompose(study: Study): Promise<StackedLayers> {
  const { covered, skipped } = transformationsOf(study);
  const reader = await layerReader(study, covered);
  const classes = sampleClasses(study);
  const sums = await sumsOf(study, covered, reader);
  const stacks: LayerStack[] = [];
  const stage = study.stage('stacked layers decomposed', covered.length);
  try {
    for (const [i, transformation] of covered.entries()) {
      study.checkpoint();
      // Taken off the list: a layer's sums are as large as its outputs, and needed no more.
      stacks.push(await stackOf(study, transformation, sums.shift()!, i, covered.length));
      stage.advance();
    }
  } finally {
    stage.done();
  }
  return { covered, skipped, reader, classes, stacks };
}

/** One pass over the samples. Memory: the sums, and one block. */
async function sumsOf(study: Study, covered: readonly Transformation[], reader: LayerReader): Promise<LayerSums[]> {
  const count = study.samples.count;
  const sums = covered.map(({ size }) => ({
    squares: new Float64Array(size),
    mean: new Float64Array(size),
    products: size <= MOST_OUTPUTS ? new Float64Array(size * size) : null,
  }));
  const programs = new Map<number, Program>();
  for (const { size } of covered) {
    if (size > MOST_OUTPUTS || size <= FEW_OUTPUTS || programs.has(size)) continue;
    programs.set(size, await study.backend.compile([[size]], (k, [s]) => [k.matMul(s!, s!, { transposeA: true })]));
  }
  const step = reader.blockSize();
  for (let start = 0; start < count; start += step) {
    const end = Math.min(start + step, count);
    const blocks = await reader.read(start, end);
    for (const [t, { s }] of blocks.entries()) {
      const { squares, mean, products } = sums[t]!;
      const { size } = covered[t]!;
      for (let i = 0; i < end - start; i++) {
        for (let o = 0; o < size; o++) {
          const value = s[i * size + o]!;
          squares[o]! += value * value;
          mean[o]! += value;
        }
      }
      if (!products) continue;
      if (size <= FEW_OUTPUTS) {
        addProducts(products, s, end - start, size);
        continue;
      }
      const [gram] = await programs.get(size)!.run([{ data: s, shape: [end - start, size] }]);
      for (let i = 0; i < products.length; i++) products[i]! += gram!.data[i]!;
    }
  }
  for (const program of programs.values()) program.dispose();
  for (const { mean } of sums) for (let o = 0; o < mean.length; o++) mean[o]! /= count;
  return sums;
}

function addProducts(products: Float64Array, s: Float32Array, count: number, size: number): void {
  for (let i = 0; i < count * size; i += size) {
    for (let a = 0; a < size; a++) {
      const factor = s[i + a]!;
      if (factor === 0) continue;
      for (let b = 0; b < size; b++) products[a * size + b]! += factor * s[i + b]!;
    }
  }
}

async function stackOf(
  study: Study,
  transformation: Transformation,
  sums: LayerSums,
  position: number,
  layers: number,
): Promise<LayerStack> {
  const { layer, inputSize, size } = transformation;
  const width = inputSize + 1;
  const operator = await affineOperator(study, transformation);
  const { k, kSource, values, spectrum, vectors, residuals, converged, applications } = await study.kept(
    DECOMPOSITION,
    layer.name,
    () => leadingTriplets(study, transformation, operator, sums.squares.map(Math.sqrt), position, layers),
  );
  const images = await operator.apply({ count: k, size: width, data: Float32Array.from(vectors) });
  const left = new Float32Array(size * k);
  const leftNorms = new Float64Array(size);
  for (let j = 0; j < k; j++) {
    const inverse = values[j]! > 0 ? 1 / values[j]! : 0;
    for (let o = 0; o < size; o++) {
      const b = images.data[j * size + o]! * inverse;
      left[o * k + j] = b;
      leftNorms[o]! += b * b;
    }
  }
  const rowNorms = await squaredRowNorms(study, transformation, operator);
  const energy = rowNorms.reduce((sum, norm, o) => sum + norm * sums.squares[o]!, 0);
  const kept = values.reduce((sum, value) => sum + value * value, 0);
  const map = await study.map(0, { from: transformation.input, to: transformation.activity, mode: 'frozen' });
  return {
    transformation,
    mean: sums.mean,
    k,
    kSource,
    singularValues: spectrum,
    vectors,
    left,
    leftNorms,
    rowNorms,
    outputSide: await outputSideOf(study, operator, sums.products, transformation),
    certificate: {
      completeness: await completenessOf(map),
      adjointness: await adjointnessOf(map, study.random(`layer-features ${layer.name}`)),
      residuals: [...residuals],
      converged,
      applications,
      reconstruction: orthonormality(left, sums.squares, k),
      remainder: energy > 0 ? Math.max(0, 1 - kept / energy) : 0,
    },
  };
}

const DECOMPOSITION: Step = { id: 'stacked-svd', version: 1, settings: ['k', 'tolerance', 'memory'] };

/** The k triplets of a layer that are kept, and all that is known of its spectrum. */
interface LeadingTriplets extends Decomposed {
  readonly k: number;
  readonly kSource: LayerStack['kSource'];
}

async function leadingTriplets(
  study: Study,
  { layer, inputSize, size }: Transformation,
  operator: LinearOperator,
  weights: Float64Array,
  position: number,
  layers: number,
): Promise<LeadingTriplets> {
  const width = inputSize + 1;
  const fits = affordable(study, size, width, layers);
  const given = givenCount(study.settings.k, layer.name, position);
  const decomposed =
    Math.min(size, width) <= SMALL_SIDE && size * width <= SMALL_MATRIX
      ? await writtenOut(operator, weights, size, width)
      : await byProducts(study, operator, weights, Math.min(Math.max(SPECTRUM, given ?? 0), fits.found));
  const { values, spectrum, vectors, residuals, converged, applications } = decomposed;
  const rank = values.filter((value) => value > 0).length;
  const wanted = Math.min(given ?? elbow(spectrum.slice(0, SPECTRUM)), rank);
  const k = Math.max(1, Math.min(wanted, fits.kept));
  const cut = k < wanted || (given !== null && k === fits.found && k < given);
  return {
    k,
    kSource: cut ? 'memory' : given === null ? 'elbow' : 'given',
    values: values.slice(0, k),
    spectrum,
    vectors: vectors.slice(0, k * width),
    residuals: residuals.slice(0, k),
    converged: Math.min(k, converged),
    applications,
  };
}

/** Share of the memory for the vectors of an iteration; their copies, and products, take as much again and more. */
const SVD_SHARE = 1 / 8;

/**
 * How many triplets of a layer the memory allows: to find them, three vectors of both sides each; to keep them while all
 * layers are at hand, V in float64 and twice in float32 for the passes over the samples, and B. The programs of those
 * passes hold both again.
 */
function affordable(study: Study, size: number, width: number, layers: number): { found: number; kept: number } {
  return {
    found: Math.max(1, Math.floor((SVD_SHARE * study.memory) / (12 * (size + width)))),
    kept: Math.max(1, Math.floor(study.memory / 8 / layers / (16 * width + 4 * size))),
  };
}

interface Decomposed {
  /** With vectors, descending. */
  readonly values: Float64Array;
  /** All that is known of the spectrum. */
  readonly spectrum: Float64Array;
  /** One a row. */
  readonly vectors: Float64Array;
  readonly residuals: Float64Array;
  readonly converged: number;
  readonly applications: number;
}

async function writtenOut(
  operator: LinearOperator,
  weights: Float64Array,
  size: number,
  width: number,
): Promise<Decomposed> {
  const matrix = Float64Array.from(await toMatrix(operator));
  for (let o = 0; o < size; o++) for (let i = 0; i < width; i++) matrix[o * width + i]! *= weights[o]!;
  const { values, left, right } = smallSvd(matrix, size, width);
  const residuals = values.map((value, j) => {
    let squared = 0;
    for (let o = 0; o < size; o++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += matrix[o * width + i]! * right[j * width + i]!;
      squared += (sum - value * left[j * size + o]!) ** 2;
    }
    return values[0]! > 0 ? Math.sqrt(squared) / values[0]! : 0;
  });
  const applications = Math.min(size, width);
  return { values, spectrum: values, vectors: right, residuals, converged: values.length, applications };
}

/** The leading triplets of diag(√Σ s²) W̃, whose values and right vectors are those of the stack; `weights` holds √Σ s². */
export function stackedSvd(
  operator: LinearOperator,
  weights: Float64Array,
  options: TruncatedSvdOptions,
): Promise<TruncatedSvd> {
  return truncatedSvd(scaledRows(operator, weights), options);
}

async function byProducts(
  study: Study,
  operator: LinearOperator,
  weights: Float64Array,
  count: number,
): Promise<Decomposed> {
  const svd = await stackedSvd(operator, weights, {
    count,
    tolerance: study.settings.tolerance,
    random: study.random('stacked-svd'),
    blockSize: study.blockSize(16),
    memory: SVD_SHARE * study.memory,
  });
  const { singularValues, inputDirections, residuals, converged, applications } = svd;
  return {
    values: singularValues,
    spectrum: singularValues,
    vectors: Float64Array.from(inputDirections.data),
    residuals,
    converged,
    applications,
  };
}

/** max |Σ_i U_iᵀ U_i − I|, which is 0 in exact arithmetic. */
function orthonormality(left: Float32Array, squares: Float64Array, k: number): number {
  let worst = 0;
  for (let a = 0; a < k; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let o = 0; o < squares.length; o++) sum += squares[o]! * left[o * k + a]! * left[o * k + b]!;
      worst = Math.max(worst, Math.abs(sum - (a === b ? 1 : 0)));
    }
  }
  return worst;
}

/** What --k says about one layer; null where the elbow decides. `position` counts the covered layers. */
export function givenCount(k: Study['settings']['k'], layer: string, position: number): number | null {
  if (k === 'elbow') return null;
  if (typeof k === 'number') return k;
  if (Array.isArray(k)) return (k as readonly number[])[position] ?? null;
  return (k as Readonly<Record<string, number>>)[layer] ?? null;
}

/** How many values stand up to the elbow: the one farthest from the chord, both axes scaled to [0, 1]; the first on a tie. */
export function elbow(values: ArrayLike<number>): number {
  const count = values.length;
  if (count <= 2) return count;
  const [first, last] = [values[0]!, values[count - 1]!];
  if (!(first > last)) return count;
  let [best, farthest] = [0, 0];
  for (let i = 0; i < count; i++) {
    // The chord runs from (0, 1) to (1, 0): the distance is |x + y − 1| / √2.
    const distance = Math.abs(i / (count - 1) + (values[i]! - last) / (first - last) - 1);
    if (distance > farthest + 1e-12) [best, farthest] = [i, distance];
  }
  return best + 1;
}

/** Rows of W̃ change nothing but the scale of a node's own output, so that squared weights give the squared norms. */
const diagonal = new Set(['batch-norm', 'add', 'subtract', 'multiply', 'divide', 'reshape', 'identity']);

/** ‖W̃_o‖² of every output, bias included: of the matrix, or of the squared weights met by ones. */
async function squaredRowNorms(
  study: Study,
  { layer, input, activity, inputSize, size }: Transformation,
  operator: LinearOperator & { readonly bias: Float32Array },
): Promise<Float64Array> {
  const width = inputSize + 1;
  const norms = new Float64Array(size);
  const head = nodeOf(study.network, layer.node);
  const weight = head.parameters['weight'];
  const behind = head.id === activity ? [] : pathBetween(study.network, head.id, activity);
  const bySquares = weight !== undefined && input === head.inputs[0] && behind.every(({ op }) => diagonal.has(op));
  if (size * width > SMALL_MATRIX && bySquares) {
    const shape = nodeOf(study.network, input).shape;
    const squared = { weight: { data: weight.data.map((x) => x * x), shape: weight.shape } };
    const node = { ...head, parameters: squared, inputShapes: [shape] };
    const program = await study.backend.compile([shape], (k, [x]) => [opOf(head.op).forward(k, [x!], node)]);
    const [sums] = await program.run([{ data: new Float32Array(inputSize).fill(1), shape: [1, ...shape] }]);
    program.dispose();
    const scale = await study.map(0, { from: head.id, to: activity, mode: 'frozen' });
    const ones = { count: 1, size, data: new Float32Array(size).fill(1) };
    const factors = (await scale.apply(ones)).data;
    for (let o = 0; o < size; o++) norms[o] = factors[o]! ** 2 * sums!.data[o]! + operator.bias[o]! ** 2;
    return norms;
  }
  const step = Math.max(1, Math.min(64, Math.floor(SMALL_MATRIX / Math.max(size, width))));
  for (let start = 0; start < size; start += step) {
    study.checkpoint();
    const count = Math.min(step, size - start);
    const data = new Float32Array(count * size);
    for (let r = 0; r < count; r++) data[r * size + start + r] = 1;
    const rows = (await operator.transpose({ count, size, data })).data;
    for (let r = 0; r < count; r++) {
      let sum = 0;
      for (let i = r * width; i < (r + 1) * width; i++) sum += rows[i]! * rows[i]!;
      norms[start + r] = sum;
    }
  }
  return norms;
}

/**
 * The other stack, [T_1 … T_n] side by side, which shares its output directions: eigenvectors of
 * Σ_i T_i T_iᵀ = (W̃ W̃ᵀ) ∘ Σ_i s_i s_iᵀ, again without the samples.
 */
async function outputSideOf(
  study: Study,
  operator: LinearOperator,
  products: Float64Array | null,
  { size, inputSize }: Transformation,
): Promise<LayerStack['outputSide']> {
  const none = { values: new Float64Array(0), vectors: new Float64Array(0), count: 0 };
  const width = inputSize + 1;
  if (!products)
    return { ...none, reason: `the layer has ${size} outputs; their Gram matrix is summed up to ${MOST_OUTPUTS}` };
  if (size * width > 4 * SMALL_MATRIX) return { ...none, reason: `the layer’s matrix has ${size} × ${width} entries` };
  const matrix = await toMatrix(operator, { blockSize: study.blockSize(64) });
  const count = Math.min(SPECTRUM, size);
  if (size <= FEW_OUTPUTS) {
    const rows = gramOfRows(Float64Array.from(matrix), size, width);
    const { values, vectors } = symmetricEigen(
      products.map((value, i) => value * rows[i]!),
      size,
      { vectors: count },
    );
    return { values: values.slice(0, count).map((x) => Math.sqrt(Math.max(0, x))), vectors, count, reason: null };
  }
  const program = await study.backend.compile([[width]], (k: Kernels, [w]: Value[]) => [
    k.matMul(w!, w!, { transposeB: true }),
  ]);
  const [rows] = await program.run([{ data: matrix, shape: [size, width] }]);
  program.dispose();
  const gram = products.map((value, i) => value * rows!.data[i]!);
  const { singularValues, outputDirections } = await truncatedSvd(fromMatrix(gram, size, size), {
    count,
    tolerance: study.settings.tolerance,
    random: study.random('output side'),
  });
  return {
    values: singularValues.map(Math.sqrt),
    vectors: Float64Array.from(outputDirections.data),
    count,
    reason: null,
  };
}
