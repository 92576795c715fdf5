// The leading singular triplets of a linear operator, each with the residual that certifies it (methods.md, section 0).
// A small operator is written out by products with unit vectors of its smaller side; any other goes through block Krylov.
// Either way the triplets are extracted from true products with the final vectors, and so are the residuals.
import { UserError, EXIT } from '../errors.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { transposed } from '../operators/transposed.ts';
import type { Block, LinearOperator } from '../operators/operator.ts';
import { random as seeded } from '../random.ts';
import type { Random } from '../random.ts';
import { blockKrylov, energyLeftOut } from './block-krylov.ts';
import type { Product } from './block-krylov.ts';
import { combine } from './block-products.ts';
import { gramOfRows } from './multiply.ts';
import { longVectors } from './long-vectors.ts';
import { orthonormalise, orthonormaliseOff } from './orthonormalise.ts';
import { groupsOf, signOf } from './sign-rule.ts';
import { smallSvd } from './small-svd.ts';
import { symmetricEigen } from './symmetric-eigen.ts';

/** Everything below is measured in these units of precision: products are float32. */
const EPS = 2 ** -23;
/** Random vectors that estimate what an iteration leaves out. */
const PROBES = 6;
const DEFAULTS = { tolerance: 1e-5, blockSize: 4, denseLimit: 128, memory: 2 ** 30 };

export interface TruncatedSvdOptions {
  /** Triplets wanted; never more than the smaller side has come back. */
  readonly count: number;
  /** Residual asked for, relative to σ₁: 1e-5 by default; float32 products do not carry much below 1e-6. */
  readonly tolerance?: number;
  /** Draws the start block; a generator of its own, seeded with 0, by default. */
  readonly random?: Random;
  /** Most vectors in one product: 4 by default, since narrow blocks need fewer products in all. */
  readonly blockSize?: number;
  /** Stops there, converged or not; counts single products with A and with Aᵀ. 100 a triplet, and 2,000 at least, by default. */
  readonly maxApplications?: number;
  /** An operator whose smaller side has at most this many entries is written out: 128, or 8·count where more, by default. */
  readonly denseLimit?: number;
  /** Bytes for the vectors kept on both sides: 1 GiB by default. */
  readonly memory?: number;
}

export interface Remainder {
  /** Largest singular value left out (an approximation from below where `exact` is false); 0 when nothing is. */
  readonly largest: number;
  /** Σσ² of the values left out, and its standard error: 0 where `exact`, else estimated from six random probes. */
  readonly energy: number;
  readonly standardError: number;
  readonly exact: boolean;
}

export interface TruncatedSvd {
  /** Descending; exactly 0 below min(max(m, n)·eps, tolerance)·σ₁, eps of float32. */
  readonly singularValues: Float64Array;
  /** v, one a row, orthonormal, entry of largest magnitude positive. */
  readonly inputDirections: Block;
  /** u, one a row, orthonormal. */
  readonly outputDirections: Block;
  /** max(‖A v − σ u‖, ‖Aᵀ u − σ v‖) / σ₁ of each triplet. */
  readonly residuals: Float64Array;
  /** How many leading triplets have a residual within the tolerance. */
  readonly converged: number;
  /** Single products with A and Aᵀ that it took. */
  readonly applications: number;
  /** For each triplet, where its group of equal values (within 10·tolerance·σ₁) starts; its vectors span a subspace, no more. */
  readonly groups: readonly number[];
  readonly remainder: Remainder;
}

/** A ≈ Σ σᵢ uᵢ vᵢᵀ over the `count` largest σ; UserError when the operator returns numbers that are not finite. */
export async function truncatedSvd(operator: LinearOperator, options: TruncatedSvdOptions): Promise<TruncatedSvd> {
  const { tolerance = DEFAULTS.tolerance, random = seeded(0, 'truncated-svd'), memory = DEFAULTS.memory } = options;
  const rows = sizeOf(operator.codomain);
  const cols = sizeOf(operator.domain);
  // The smaller side is the domain from here on; the two sides are put back at the end.
  const flipped = rows < cols;
  const oriented = flipped ? transposed(operator) : operator;
  const n = Math.min(rows, cols);
  const m = Math.max(rows, cols);
  const count = Math.max(0, Math.min(options.count, n));
  const blockSize = Math.max(1, options.blockSize ?? DEFAULTS.blockSize);
  let applications = 0;
  const product =
    (side: 'apply' | 'transpose', from: number, to: number): Product =>
    async (data, total) => {
      const result = new Float32Array(total * to);
      for (let start = 0; start < total; start += blockSize) {
        const size = Math.min(blockSize, total - start);
        const block = { count: size, size: from, data: data.slice(start * from, (start + size) * from) };
        const image = await oriented[side](block);
        result.set(image.data, start * to);
        applications += size;
      }
      requireFinite(result);
      return result;
    };
  const apply = product('apply', n, m);
  const transpose = product('transpose', m, n);

  const dense = n <= (options.denseLimit ?? Math.max(DEFAULTS.denseLimit, 8 * count)) && 12 * n * m <= memory;
  let extracted: Extracted;
  let remainder: Remainder;
  if (dense) {
    const identity = new Float32Array(n * n);
    for (let i = 0; i < n; i++) identity[i * n + i] = 1;
    const images = await apply(identity, n);
    const { values, vectors } = symmetricEigen(gramOfRows(Float64Array.from(images), n, m), n, { vectors: count });
    // The products are at hand: A v is a combination of them.
    const combined: Product = async (data, total) => combine(Float64Array.from(data), total, images, n, m);
    extracted = await extract(Float32Array.from(vectors), count, {
      n,
      m,
      apply: combined,
      transpose,
      random,
      tolerance,
    });
    const left = values.slice(count).map((x) => Math.max(0, x));
    remainder = {
      largest: Math.sqrt(left[0] ?? 0),
      energy: left.reduce((sum, x) => sum + x, 0),
      standardError: 0,
      exact: true,
    };
  } else {
    const width = Math.min(n, Math.max(2, Math.min(blockSize, Math.ceil(count / 4))));
    const affordable = Math.floor(memory / (4 * (n + m)));
    const basisLimit = Math.min(affordable, Math.max(3 * count + 8 * width, 96));
    const maxApplications = options.maxApplications ?? Math.max(2000, 100 * count);
    const problem = { domainSize: n, codomainSize: m, apply, transpose, backend: operator.backend };
    const krylov = await blockKrylov(problem, {
      count,
      tolerance,
      random,
      blockSize: width,
      basisLimit,
      maxApplications,
    });
    extracted = await extract(krylov.directions, count, { n, m, apply, transpose, random, tolerance });
    const estimate = await energyLeftOut(problem, { rows: extracted.v, count }, { random, count: PROBES });
    remainder = {
      largest: Math.min(krylov.next, extracted.values[count - 1] ?? krylov.next),
      ...estimate,
      exact: false,
    };
  }

  const { values, v, u, residuals } = extracted;
  const [input, output] = flipped ? [u, v] : [v, u];
  for (let i = 0; i < count; i++) {
    if (signOf(input, i * cols, cols) > 0) continue;
    negate(input, i * cols, cols);
    negate(output, i * rows, rows);
  }
  let converged = 0;
  while (converged < count && residuals[converged]! <= tolerance) converged++;
  return {
    singularValues: values,
    inputDirections: { count, size: cols, data: input },
    outputDirections: { count, size: rows, data: output },
    residuals,
    converged,
    applications,
    groups: groupsOf(values, 10 * tolerance * (values[0] ?? 0)),
    remainder,
  };
}

interface Extracted {
  values: Float64Array;
  v: Float32Array;
  u: Float32Array;
  residuals: Float64Array;
}

/** The triplets of A restricted to the span of `directions` (Rayleigh–Ritz on one side), and their true residuals. */
async function extract(
  directions: Float32Array,
  count: number,
  {
    n,
    m,
    apply,
    transpose,
    random,
    tolerance,
  }: { n: number; m: number; apply: Product; transpose: Product; random: Random; tolerance: number },
): Promise<Extracted> {
  const images = await apply(directions, count);
  const { rows: basis, rank, within } = orthonormalise(images, count, m);
  // Square, so that all input-side vectors come out, those of zero values too.
  const triangle = new Float64Array(count * count);
  for (let i = 0; i < count; i++) triangle.set(within.subarray(i * rank, (i + 1) * rank), i * count);
  // Row i of the triangle holds A·direction i in the basis: its left vectors combine directions, its right ones the basis.
  const { values, left, right } = smallSvd(triangle, count, count);
  const first = values[0] ?? 0;
  const cut = Math.min(m * EPS, tolerance) * first;
  for (let i = 0; i < count; i++) if (values[i]! <= cut) values[i] = 0;
  const nonZero = values.filter((x) => x > 0).length;
  const v = combine(left, count, directions, count, n);
  const u = new Float32Array(count * m);
  const combinations = new Float64Array(nonZero * rank);
  for (let i = 0; i < nonZero; i++) combinations.set(right.subarray(i * count, i * count + rank), i * rank);
  u.set(combine(combinations, nonZero, basis, rank, m));
  if (nonZero < count) {
    // Orthogonal to every image, so that Aᵀ sends them to zero.
    const spare = count - nonZero;
    const known = { rows: u, count: nonZero };
    const vectors = await longVectors(m);
    u.set((await orthonormaliseOff(vectors, known, random.normals(spare * m), spare, 0)).rows, nonZero * m);
  }
  const back = await transpose(u, count);
  const ahead = combine(left, count, images, count, m);
  const residuals = Float64Array.from({ length: count }, (_, i) => {
    const forward = distance(ahead, u, values[i]!, i * m, m);
    const backward = distance(back, v, values[i]!, i * n, n);
    return first > 0 ? Math.max(forward, backward) / first : Math.max(forward, backward);
  });
  return { values, v, u, residuals };
}

/** ‖x − factor·y‖ for one row of each. */
function distance(x: Float32Array, y: Float32Array, factor: number, start: number, size: number): number {
  let sum = 0;
  for (let c = start; c < start + size; c++) sum += (x[c]! - factor * y[c]!) ** 2;
  return Math.sqrt(sum);
}

function negate(a: Float32Array, start: number, size: number): void {
  for (let c = start; c < start + size; c++) a[c] = -a[c]!;
}

function requireFinite(data: Float32Array): void {
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    throw new UserError('The map that was to be decomposed returned numbers that are not finite.', {
      exitCode: EXIT.failed,
      hint: 'Look for weights or inputs that are NaN or very large; the preprocessing may be missing.',
    });
  }
}
