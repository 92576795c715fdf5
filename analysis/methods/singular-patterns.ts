// Singular patterns of a layer's input components (SLP; methods.md, section 2): ν_m = (v_m/‖ŵ_m‖²) ŵ_m∘ŵ_m, and the SVD
// of V = [ν_1 … ν_M] = U S H for all, the active and the inactive neurons. The smaller Gram matrix is added up in float64
// from blocks of rows; V itself is held only where it has no more columns than rows, and then as rows of the map.
import { groupsOf, signOf } from '../svd/sign-rule.ts';
import { dot, gramOfRows } from '../svd/multiply.ts';
import { symmetricEigen } from '../svd/symmetric-eigen.ts';
import type { Rows } from './jacobian-rows.ts';

export type Part = 'ALL' | 'ACTIVE' | 'INACTIVE';
export const PARTS: readonly Part[] = ['ALL', 'ACTIVE', 'INACTIVE'];

/** V of some neurons as it is added up; `side` says which Gram matrix is kept. */
export interface ComponentGram {
  readonly inputs: number;
  /** The neurons, in the order of the Gram matrix where it is theirs. */
  readonly neurons: readonly number[];
  /** v_m, by neuron index of the layer. */
  readonly activity: Float32Array;
  readonly side: 'inputs' | 'neurons';
  /** Which neurons the input does not reach: ŵ = 0. */
  readonly disconnected: Set<number>;
  add(rows: Rows): void;
  /** The Gram matrix of a part, with the neurons that belong to it. */
  gram(part: Part): { matrix: Float64Array; size: number; members: readonly number[] };
  /** Σ_m weights_m ν_m, where the rows are held. */
  combine(members: readonly number[], weights: ArrayLike<number>): Float64Array;
}

/** ν of one row of the map into `target`; false where the row is zero. */
function component(
  row: Float32Array,
  start: number,
  size: number,
  activity: number,
  target: Float64Array,
  at = 0,
): boolean {
  let norm = 0;
  for (let c = 0; c < size; c++) norm += row[start + c]! * row[start + c]!;
  const factor = norm > 0 ? activity / norm : 0;
  for (let c = 0; c < size; c++) target[at + c] = factor * row[start + c]! * row[start + c]!;
  return norm > 0;
}

/** ν of a row of the map that is given whole: its entries add up to the activity. */
export function inputComponents(row: Float32Array, activity: number): Float32Array {
  const components = new Float64Array(row.length);
  component(row, 0, row.length, activity, components);
  return Float32Array.from(components);
}

/** An empty sum over these neurons of a layer with `inputs` inputs. */
export function componentGram(inputs: number, neurons: readonly number[], activity: Float32Array): ComponentGram {
  return neurons.length > inputs ? gramOfInputs(inputs, neurons, activity) : gramOfNeurons(inputs, neurons, activity);
}

/** V Vᵀ, inputs × inputs: the active and the inactive neurons' apart; all is their sum. */
function gramOfInputs(inputs: number, neurons: readonly number[], activity: Float32Array): ComponentGram {
  const sums = { ACTIVE: new Float64Array(inputs * inputs), INACTIVE: new Float64Array(inputs * inputs) };
  const disconnected = new Set<number>();
  return {
    inputs,
    neurons,
    activity,
    side: 'inputs',
    disconnected,
    add({ neurons: some, columns, values }) {
      const width = columns?.length ?? inputs;
      const row = new Float64Array(width);
      for (const part of ['ACTIVE', 'INACTIVE'] as const) {
        const own = some.flatMap((neuron, i) => (belongs(part, activity[neuron]!) ? [i] : []));
        if (own.length === 0) continue;
        // Columns become rows: their inner products are the sums over these neurons.
        const turned = new Float64Array(width * own.length);
        for (const [k, i] of own.entries()) {
          if (!component(values, i * width, width, activity[some[i]!]!, row)) disconnected.add(some[i]!);
          for (let c = 0; c < width; c++) turned[c * own.length + k] = row[c]!;
        }
        const gram = gramOfRows(turned, width, own.length);
        const sum = sums[part];
        for (let a = 0; a < width; a++) {
          const target = (columns?.[a] ?? a) * inputs;
          if (columns) for (let b = 0; b < width; b++) sum[target + columns[b]!]! += gram[a * width + b]!;
          else for (let b = 0; b < width; b++) sum[target + b]! += gram[a * width + b]!;
        }
      }
    },
    gram(part) {
      const members = neurons.filter((neuron) => belongs(part, activity[neuron]!));
      const matrix = part === 'ALL' ? sums.ACTIVE.map((x, i) => x + sums.INACTIVE[i]!) : sums[part];
      return { matrix, size: inputs, members };
    },
    combine() {
      throw new Error('The rows of a layer with more neurons than inputs are not held');
    },
  };
}

/** Vᵀ V, neurons × neurons, from the rows, held in float32: those of a part are a part of it. */
function gramOfNeurons(inputs: number, neurons: readonly number[], activity: Float32Array): ComponentGram {
  const held = new Float32Array(neurons.length * inputs);
  const place = new Map(neurons.map((neuron, i) => [neuron, i]));
  const disconnected = new Set<number>();
  const factors = new Float64Array(neurons.length);
  let whole: Float64Array | undefined;
  const TILE = 4096;
  const wholeGram = (): Float64Array => {
    const sum = new Float64Array(neurons.length ** 2);
    for (let start = 0; start < inputs; start += TILE) {
      const width = Math.min(TILE, inputs - start);
      const tile = new Float64Array(neurons.length * width);
      for (let i = 0; i < neurons.length; i++) {
        for (let c = 0; c < width; c++) tile[i * width + c] = factors[i]! * held[i * inputs + start + c]! ** 2;
      }
      const gram = gramOfRows(tile, neurons.length, width);
      for (let i = 0; i < sum.length; i++) sum[i]! += gram[i]!;
    }
    return sum;
  };
  return {
    inputs,
    neurons,
    activity,
    side: 'neurons',
    disconnected,
    add({ neurons: some, columns, values }) {
      const width = columns?.length ?? inputs;
      for (const [i, neuron] of some.entries()) {
        const at = place.get(neuron)!;
        let norm = 0;
        for (let c = 0; c < width; c++) {
          const value = values[i * width + c]!;
          held[at * inputs + (columns?.[c] ?? c)] = value;
          norm += value * value;
        }
        factors[at] = norm > 0 ? activity[neuron]! / norm : 0;
        if (norm === 0) disconnected.add(neuron);
      }
    },
    gram(part) {
      whole ??= wholeGram();
      const members = neurons.filter((neuron) => belongs(part, activity[neuron]!));
      if (members.length === neurons.length) return { matrix: whole, size: members.length, members };
      const at = members.map((neuron) => place.get(neuron)!);
      const matrix = new Float64Array(members.length ** 2);
      for (let i = 0; i < at.length; i++) {
        for (let j = 0; j < at.length; j++) matrix[i * at.length + j] = whole[at[i]! * neurons.length + at[j]!]!;
      }
      return { matrix, size: members.length, members };
    },
    combine(members, weights) {
      const sum = new Float64Array(inputs);
      for (const [k, neuron] of members.entries()) {
        const at = place.get(neuron)!;
        const factor = weights[k]! * factors[at]!;
        if (factor === 0) continue;
        for (let c = 0; c < inputs; c++) sum[c]! += factor * held[at * inputs + c]! ** 2;
      }
      return sum;
    },
  };
}

const belongs = (part: Part, activity: number): boolean => part === 'ALL' || activity > 0 === (part === 'ACTIVE');

export interface SingularPatterns {
  readonly part: Part;
  readonly members: readonly number[];
  readonly disconnected: number;
  /** Every value, descending; exactly 0 below what the Gram matrix can resolve, √(max(inputs, neurons)·eps)·s₁. */
  readonly singularValues: Float64Array;
  readonly groups: readonly number[];
  /** Smallest count of values whose share of the sum reaches γ. */
  readonly representationalPower: number;
  /** The leading columns of U, one a row, largest entry positive. */
  readonly patterns: Float32Array;
  readonly count: number;
  /** ‖G u − s² u‖/s₁² of each. */
  readonly residuals: readonly number[];
  /** h_im of the leading patterns for one neuron of the part, given its ν. */
  mixing(components: ArrayLike<number>): Float64Array;
}

/** Patterns of a part; at most `count` of them with their vectors, values of all. */
export function singularPatterns(sum: ComponentGram, part: Part, count: number, gamma: number): SingularPatterns {
  const { matrix, size, members } = sum.gram(part);
  const { inputs } = sum;
  const wanted = Math.min(count, size, members.length, inputs);
  const { values: squares, vectors } = symmetricEigen(matrix, size, { vectors: wanted });
  const largest = squares[0] ?? 0;
  const floor = Math.max(inputs, members.length) * Number.EPSILON * largest;
  const singularValues = Float64Array.from(squares.subarray(0, Math.min(size, members.length)), (square) =>
    square > floor ? Math.sqrt(square) : 0,
  );
  const shown = singularValues.subarray(0, wanted).findIndex((value) => value === 0);
  const kept = shown < 0 ? wanted : shown;
  const patterns = new Float32Array(kept * inputs);
  const residuals: number[] = [];
  for (let i = 0; i < kept; i++) {
    const vector = vectors.subarray(i * size, (i + 1) * size);
    let error = 0;
    for (let a = 0; a < size; a++) error += (dot(matrix, a * size, vector, 0, size) - squares[i]! * vector[a]!) ** 2;
    residuals.push(Math.sqrt(error) / largest);
    const pattern = sum.side === 'inputs' ? vector : sum.combine(members, vector);
    const scale = signOf(pattern, 0, inputs) / (sum.side === 'inputs' ? 1 : singularValues[i]!);
    for (let c = 0; c < inputs; c++) patterns[i * inputs + c] = scale * pattern[c]!;
  }
  return {
    part,
    members,
    disconnected: members.filter((neuron) => sum.disconnected.has(neuron)).length,
    singularValues,
    groups: groupsOf(singularValues, 1e-6 * (singularValues[0] ?? 0)),
    representationalPower: representationalPower(singularValues, gamma),
    patterns,
    count: kept,
    residuals,
    mixing: (components) =>
      Float64Array.from({ length: kept }, (_, i) => {
        let product = 0;
        for (let c = 0; c < inputs; c++) product += patterns[i * inputs + c]! * components[c]!;
        return product / singularValues[i]!;
      }),
  };
}

/** The smallest count of descending values whose share of their sum reaches γ; 0 where the sum is 0. */
export function representationalPower(values: ArrayLike<number>, gamma: number): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  let reached = 0;
  for (let i = 0; i < values.length && total > 0; i++) {
    reached += values[i]!;
    // A share of exactly γ may round to just below it.
    if (reached >= gamma * total * (1 - 1e-12)) return i + 1;
  }
  return 0;
}
