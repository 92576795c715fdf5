// The part of an iterative SVD that grows with the length of its vectors: a block projected off a basis, and combinations of
// a basis. 4·count·among·size operations for a projection, so where the operator names a backend that backend multiplies
// (float32; ONNX Runtime thirty times as fast as a loop), and otherwise the loops of block-products.ts (float64 sums).
import type { Backend } from '../kernels/kernels.ts';
import { addCombination, combine, innerProducts } from './block-products.ts';

/** Orthonormal rows, at least `count` × size numbers; what is behind the first `count` rows is room to grow. */
export interface Basis {
  readonly rows: Float32Array;
  readonly count: number;
}

export interface Projected {
  /** What is left of the block outside the basis: count × size. */
  readonly rest: Float32Array;
  /** block = along · basis + rest: count × basis.count. */
  readonly along: Float64Array;
}

/** Vectors of one length. */
export interface LongVectors {
  readonly size: number;
  /** Projects the `count` rows of a block off a basis, once: rounding errors of the block's length stay along the basis. */
  project(block: Float32Array, count: number, basis: Basis): Promise<Projected>;
  /** coefficients (count × basis.count) times the basis: count × size. */
  combine(coefficients: Float64Array, count: number, basis: Basis): Promise<Float32Array>;
  dispose(): void;
}

/** Vectors of `size` numbers, multiplied by a backend where one is given. */
export async function longVectors(size: number, backend?: Backend): Promise<LongVectors> {
  return backend ? onBackend(size, backend) : inLoops(size);
}

function inLoops(size: number): LongVectors {
  return {
    size,
    async project(block, count, { rows, count: among }) {
      const rest = new Float64Array(block.subarray(0, count * size));
      const along = innerProducts(rest, count, rows, among, size);
      addCombination(rest, count, -1, along, rows, among, size);
      return { rest: new Float32Array(rest), along };
    },
    combine: async (coefficients, count, { rows, count: among }) => combine(coefficients, count, rows, among, size),
    dispose: () => {},
  };
}

async function onBackend(size: number, backend: Backend): Promise<LongVectors> {
  // The basis stands on the left, where a library reads it once and copies the few rows of the block instead.
  const projection = await backend.compile([[size], [size]], (k, [x, basis]) => {
    const inner = k.matMul(basis!, x!, { transposeB: true });
    return [k.binary('sub', x!, k.matMul(inner, basis!, { transposeA: true })), inner];
  });
  const combinations = new Map<number, Awaited<ReturnType<Backend['compile']>>>();
  return {
    size,
    async project(block, count, { rows, count: among }) {
      if (among === 0 || count === 0)
        return { rest: block.slice(0, count * size), along: new Float64Array(count * among) };
      const [rest, inner] = await projection.run([
        { data: block.subarray(0, count * size), shape: [count, size] },
        { data: rows.subarray(0, among * size), shape: [among, size] },
      ]);
      return { rest: rest!.data, along: transposedRows(new Float64Array(inner!.data), among, count) };
    },
    async combine(coefficients, count, { rows, count: among }) {
      if (among === 0 || count === 0) return new Float32Array(count * size);
      let program = combinations.get(count);
      if (!program) {
        program = await backend.compile([[count], [size]], (k, [c, basis]) => [
          k.matMul(c!, basis!, { transposeA: true }),
        ]);
        combinations.set(count, program);
      }
      // Only a first dimension is free, so the coefficients come with that of the basis first.
      const [combined] = await program.run([
        { data: new Float32Array(transposedRows(coefficients, count, among)), shape: [among, count] },
        { data: rows.subarray(0, among * size), shape: [among, size] },
      ]);
      return combined!.data;
    },
    dispose() {
      projection.dispose();
      for (const program of combinations.values()) program.dispose();
    },
  };
}

function transposedRows(matrix: Float64Array, rows: number, cols: number): Float64Array {
  const out = new Float64Array(rows * cols);
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) out[j * rows + i] = matrix[i * cols + j]!;
  return out;
}
