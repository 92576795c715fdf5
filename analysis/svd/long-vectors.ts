// The part of an iterative SVD that grows with the length of its vectors: a block projected off a basis, and combinations of
// a basis. 8·count·among·size operations for a projection, so where the operator names a backend that backend multiplies
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
  /** Projects the `count` rows of a block off a basis, twice, since once leaves rounding errors ("twice is enough", Giraud, Langou and Rozložník 2005). */
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
      const rest = Float64Array.from(block.subarray(0, count * size));
      const along = new Float64Array(count * among);
      for (let pass = 0; pass < 2; pass++) {
        const inner = innerProducts(rest, count, rows, among, size);
        addCombination(rest, count, -1, inner, rows, among, size);
        for (let i = 0; i < inner.length; i++) along[i]! += inner[i]!;
      }
      return { rest: Float32Array.from(rest), along };
    },
    combine: async (coefficients, count, { rows, count: among }) => combine(coefficients, count, rows, among, size),
    dispose: () => {},
  };
}

async function onBackend(size: number, backend: Backend): Promise<LongVectors> {
  const projection = await backend.compile([[size], [size]], (k, [x, basis]) => {
    const once = k.matMul(x!, basis!, { transposeB: true });
    const rest = k.binary('sub', x!, k.matMul(once, basis!));
    const twice = k.matMul(rest, basis!, { transposeB: true });
    return [k.binary('sub', rest, k.matMul(twice, basis!)), k.binary('add', once, twice)];
  });
  const combinations = new Map<number, Awaited<ReturnType<Backend['compile']>>>();
  return {
    size,
    async project(block, count, { rows, count: among }) {
      if (among === 0 || count === 0) return { rest: block.slice(0, count * size), along: new Float64Array(0) };
      const [rest, along] = await projection.run([
        { data: block.subarray(0, count * size), shape: [count, size] },
        { data: rows.subarray(0, among * size), shape: [among, size] },
      ]);
      return { rest: rest!.data, along: Float64Array.from(along!.data) };
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
      const transposed = new Float32Array(among * count);
      for (let r = 0; r < count; r++)
        for (let p = 0; p < among; p++) transposed[p * count + r] = coefficients[r * among + p]!;
      const [combined] = await program.run([
        { data: transposed, shape: [among, count] },
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
