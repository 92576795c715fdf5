// Singular patterns of a layer's input components (SLP; methods.md, section 2): ν_m = (v_m/‖ŵ_m‖²) ŵ_m∘ŵ_m, and the SVD
// of V = [ν_1 … ν_M] = U S H for all, the active and the inactive neurons. The smaller Gram matrix is added up in float64
// from blocks of rows; V itself is held only where it has no more columns than rows, and then as rows of the map.
import { groupsOf, signOf } from '../svd/sign-rule.ts';
import { addGramOfRows, dot, multiply } from '../svd/multiply.ts';
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
  /** The neurons that belong to a part, and the size of its Gram matrix. */
  sizeOf(part: Part): { members: readonly number[]; size: number };
  /** Writes the lower triangle of the Gram matrix of a part, row-major; what stands above it means nothing. */
  gram(part: Part, matrix: Float64Array): void;
  /** Room for a matrix of so many entries, the same for every part. */
  room(entries: number): Float64Array;
  /** Σ_m weights_m ν_m over the members for each of `count` rows of weights, where the rows of the map are held: count × inputs. */
  combine(members: readonly number[], weights: Float64Array, count: number): Float32Array;
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

/** The large matrices of a sum. The next sum that is given the same ones ends the one before it. */
export interface GramRooms {
  readonly first: Room;
  readonly second: Room;
  readonly matrix: Room;
}

/** Gives an array of so many numbers, the same one each time; what it held is still there. */
type Room = (size: number) => Float64Array;

export function gramRooms(): GramRooms {
  return { first: keptRoom(), second: keptRoom(), matrix: keptRoom() };
}

function keptRoom(): Room {
  let kept = new Float64Array(0);
  return (size) => {
    if (kept.length < size) kept = new Float64Array(size);
    return kept.subarray(0, size);
  };
}

/** An empty sum over these neurons of a layer with `inputs` inputs; sums in turn may share their rooms. */
export function componentGram(
  inputs: number,
  neurons: readonly number[],
  activity: Float32Array,
  rooms = gramRooms(),
): ComponentGram {
  const make = neurons.length > inputs ? gramOfInputs : gramOfNeurons;
  return make(inputs, neurons, activity, rooms);
}

/** V Vᵀ, inputs × inputs: the active and the inactive neurons' apart, lower triangles row by row; all is their sum. */
function gramOfInputs(
  inputs: number,
  neurons: readonly number[],
  activity: Float32Array,
  { first, second, matrix: room }: GramRooms,
): ComponentGram {
  const triangle = startOf(inputs);
  const sums = { ACTIVE: first(triangle).fill(0), INACTIVE: second(triangle).fill(0) };
  const disconnected = new Set<number>();
  // Reused by every block: fresh ones are garbage faster than it is collected.
  const rowRoom = keptRoom();
  const turnedRoom = keptRoom();
  return {
    inputs,
    neurons,
    activity,
    side: 'inputs',
    disconnected,
    add({ neurons: some, columns, values }) {
      const width = columns?.length ?? inputs;
      const row = rowRoom(width);
      for (const part of ['ACTIVE', 'INACTIVE'] as const) {
        const own = some.flatMap((neuron, i) => (belongs(part, activity[neuron]!) ? [i] : []));
        if (own.length === 0) continue;
        // Columns become rows: their inner products are the sums over these neurons.
        const turned = turnedRoom(width * own.length);
        for (const [k, i] of own.entries()) {
          if (!component(values, i * width, width, activity[some[i]!]!, row)) disconnected.add(some[i]!);
          for (let c = 0; c < width; c++) turned[c * own.length + k] = row[c]!;
        }
        const sum = sums[part];
        const block = room(width * width).fill(0);
        addGramOfRows(turned, width, own.length, block);
        for (let a = 0; a < width; a++) {
          const target = startOf(columns?.[a] ?? a);
          for (let b = 0; b <= a; b++) sum[target + (columns?.[b] ?? b)]! += block[a * width + b]!;
        }
      }
    },
    sizeOf: (part) => ({ members: membersOf(part, neurons, activity), size: inputs }),
    gram(part, matrix) {
      const { ACTIVE, INACTIVE } = sums;
      for (let a = 0, i = 0; a < inputs; a++) {
        for (let b = 0; b <= a; b++, i++)
          matrix[a * inputs + b] = part === 'ALL' ? ACTIVE[i]! + INACTIVE[i]! : sums[part][i]!;
      }
    },
    room,
    combine() {
      throw new Error('The rows of a layer with more neurons than inputs are not held');
    },
  };
}

/** Where a row of a packed lower triangle starts. */
const startOf = (row: number): number => (row * (row + 1)) / 2;

/** Vᵀ V, neurons × neurons, from the rows, held in float32: those of a part are a part of it. */
function gramOfNeurons(
  inputs: number,
  neurons: readonly number[],
  activity: Float32Array,
  { first, second, matrix: room }: GramRooms,
): ComponentGram {
  const held = new Float32Array(neurons.length * inputs);
  const place = new Map(neurons.map((neuron, i) => [neuron, i]));
  const disconnected = new Set<number>();
  const factors = new Float64Array(neurons.length);
  let whole: Float64Array | undefined;
  const TILE = 512;
  /** ν of held rows, inputs start … start + width − 1. */
  const writeTile = (tile: Float64Array, rows: Iterable<number>, start: number, width: number): void => {
    let to = 0;
    for (const row of rows) {
      const from = row * inputs + start;
      const factor = factors[row]!;
      for (let c = from; c < from + width; c++) tile[to++] = factor * held[c]! * held[c]!;
    }
  };
  const wholeGram = (): Float64Array => {
    const sum = first(neurons.length ** 2).fill(0);
    const tile = second(neurons.length * Math.min(TILE, inputs));
    for (let start = 0; start < inputs; start += TILE) {
      const width = Math.min(TILE, inputs - start);
      writeTile(tile, neurons.keys(), start, width);
      addGramOfRows(tile, neurons.length, width, sum);
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
    sizeOf(part) {
      const members = membersOf(part, neurons, activity);
      return { members, size: members.length };
    },
    gram(part, matrix) {
      whole ??= wholeGram();
      const at = membersOf(part, neurons, activity).map((neuron) => place.get(neuron)!);
      for (let i = 0; i < at.length; i++) {
        for (let j = 0; j <= i; j++) matrix[i * at.length + j] = whole[at[i]! * neurons.length + at[j]!]!;
      }
    },
    room,
    combine(members, weights, count) {
      const at = members.map((neuron) => place.get(neuron)!);
      const result = new Float32Array(count * inputs);
      const tile = second(members.length * Math.min(TILE, inputs));
      for (let start = 0; start < inputs; start += TILE) {
        const width = Math.min(TILE, inputs - start);
        writeTile(tile, at, start, width);
        const sums = multiply(weights, tile, count, members.length, width);
        for (let i = 0; i < count; i++) result.set(sums.subarray(i * width, (i + 1) * width), i * inputs + start);
      }
      return result;
    },
  };
}

function membersOf(part: Part, neurons: readonly number[], activity: Float32Array): readonly number[] {
  return neurons.filter((neuron) => belongs(part, activity[neuron]!));
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
  const { members, size } = sum.sizeOf(part);
  const { inputs } = sum;
  const wanted = Math.min(count, size, members.length, inputs);
  // Eigen-decomposed in place, and written again for the residuals.
  const matrix = sum.room(size * size);
  sum.gram(part, matrix);
  const { values: squares, vectors } = symmetricEigen(matrix, size, { vectors: wanted, overwrite: true });
  sum.gram(part, matrix);
  const largest = squares[0] ?? 0;
  const floor = Math.max(inputs, members.length) * Number.EPSILON * largest;
  const singularValues = Float64Array.from(squares.subarray(0, Math.min(size, members.length)), (square) =>
    square > floor ? Math.sqrt(square) : 0,
  );
  const shown = singularValues.subarray(0, wanted).findIndex((value) => value === 0);
  const kept = shown < 0 ? wanted : shown;
  const leading = vectors.subarray(0, kept * size);
  const weights = leading.map((entry, at) => entry / singularValues[Math.floor(at / size)]!);
  const patterns = sum.side === 'inputs' ? Float32Array.from(leading) : sum.combine(members, weights, kept);
  const residuals: number[] = [];
  for (let i = 0; i < kept; i++) {
    residuals.push(residual(matrix, size, squares[i]!, vectors.subarray(i * size, (i + 1) * size)) / largest);
    const [start, end] = [i * inputs, (i + 1) * inputs];
    if (signOf(patterns, start, inputs) < 0) for (let c = start; c < end; c++) patterns[c] = -patterns[c]!;
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

/** ‖G u − λ u‖, from the lower triangle of G. */
function residual(matrix: Float64Array, size: number, value: number, vector: Float64Array): number {
  const error = new Float64Array(size);
  for (let a = 0; a < size; a++) {
    const row = a * size;
    const entry = vector[a]!;
    for (let b = 0; b < a; b++) error[b]! += matrix[row + b]! * entry;
    error[a]! += dot(matrix, row, vector, 0, a + 1) - value * entry;
  }
  return Math.sqrt(dot(error, 0, error, 0, size));
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
