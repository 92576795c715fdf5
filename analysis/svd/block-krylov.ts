// Leading singular triplets from products with A and Aᵀ alone: block Golub–Kahan–Lanczos with full
// reorthogonalisation and thick restart (Golub, Luk and Overton 1981; Baglama and Reichel 2005). A and Aᵀ are applied in
// turn, never AᵀA, so that small values keep their digits. Products and vectors are float32, everything small float64.
import type { Backend } from '../kernels/kernels.ts';
import type { Random } from '../random.ts';
import { longVectors, type Basis, type LongVectors } from './long-vectors.ts';
import { orthonormaliseOff } from './orthonormalise.ts';
import { groupsOf } from './sign-rule.ts';
import { completeRows, smallSvd } from './small-svd.ts';

/** A product with A or Aᵀ, by the row. */
export type Product = (rows: Float32Array, count: number) => Promise<Float32Array>;

export interface KrylovProblem {
  /** Lengths of the two sides; the domain is the smaller one, so that the iteration cannot outgrow it. */
  readonly domainSize: number;
  readonly codomainSize: number;
  readonly apply: Product;
  readonly transpose: Product;
  /** What multiplies the vectors that are kept. */
  readonly backend?: Backend | undefined;
}

export interface KrylovOptions {
  readonly count: number;
  /** Residuals asked for, relative to σ₁. */
  readonly tolerance: number;
  readonly random: Random;
  /** Vectors a step. */
  readonly blockSize: number;
  /** Vectors kept on each side before a restart; at least count + 3·blockSize where the domain has that many. */
  readonly basisLimit: number;
  /** Stops here, converged or not; single products counted. */
  readonly maxApplications: number;
}

export interface KrylovResult {
  /** Approximate input-side vectors, best first: count × domainSize. */
  readonly directions: Float32Array;
  /** Approximation of the largest value left out; 0 when nothing is. */
  readonly next: number;
}

/** The span of the `count` leading input-side singular vectors; the caller extracts and certifies the triplets. */
export async function blockKrylov(problem: KrylovProblem, options: KrylovOptions): Promise<KrylovResult> {
  const [inputs, outputs] = [
    await longVectors(problem.domainSize, problem.backend),
    await longVectors(problem.codomainSize, problem.backend),
  ];
  try {
    return await iterate(problem, options, inputs, outputs);
  } finally {
    inputs.dispose();
    outputs.dispose();
  }
}

async function iterate(
  { domainSize: n, codomainSize: m, apply, transpose }: KrylovProblem,
  options: KrylovOptions,
  inputs: LongVectors,
  outputs: LongVectors,
): Promise<KrylovResult> {
  const { count, tolerance, random } = options;
  const width = Math.min(options.blockSize, n);
  const limit = Math.min(n, Math.max(options.basisLimit, count + 3 * width));
  const v = new Float32Array(limit * n);
  const u = new Float32Array(limit * m);
  // A v_j = Σ_i coefficients[j·limit + i] u_i, exactly as it was computed.
  let coefficients = new Float64Array(limit * limit);
  let vCount = 0;
  let uCount = 0;
  let applications = 0;
  let scale = 0;
  // How many vectors there must be before convergence is looked at again.
  let nextLook = 0;

  let next = await freshRows(random, width, inputs, { rows: v, count: 0 });
  // Blocks still to add before a result in doubt is believed; undefined: not in doubt yet.
  let doubt: { values: Float64Array; blocks: number } | undefined;
  for (;;) {
    const added = next.count;
    v.set(next.rows.subarray(0, added * n), vCount * n);
    const images = await apply(next.rows.subarray(0, added * n), added);
    applications += added;
    scale = Math.max(scale, largestNorm(images, added, m));
    // What float32 products cannot tell from rounding is not a new direction.
    const drop = 4 * 2 ** -23 * scale;
    const left = await orthonormaliseOff(outputs, { rows: u, count: uCount }, images, added, drop);
    for (let j = 0; j < added; j++) {
      const at = (vCount + j) * limit;
      coefficients.set(left.along.subarray(j * uCount, (j + 1) * uCount), at);
      coefficients.set(left.within.subarray(j * left.rank, (j + 1) * left.rank), at + uCount);
    }
    u.set(left.rows, uCount * m);
    vCount += added;
    const lastStart = uCount;
    uCount += left.rank;

    // The new output-side rows go back; what leaves the span of v is the next block, and the residual of every triplet.
    let fresh: Basis = { rows: new Float32Array(0), count: 0 };
    let coupling = new Float64Array(0);
    if (left.rank > 0) {
      const back = await transpose(left.rows, left.rank);
      applications += left.rank;
      const right = await orthonormaliseOff(inputs, { rows: v, count: vCount }, back, left.rank, drop);
      fresh = { rows: right.rows, count: right.rank };
      coupling = right.within as Float64Array<ArrayBuffer>;
    }

    const wanted = Math.min(count, n);
    const out = applications >= options.maxApplications;
    const full = vCount === n || vCount + fresh.count > limit || fresh.count === 0;
    if (vCount < wanted || (vCount < nextLook && !full && !out)) {
      // Nothing can have converged, or a look was not long ago: it is cubic in the basis.
      next = await withStrangers(fresh, vCount, fresh.count === 0 ? Math.min(width, n - vCount) : 0);
      continue;
    }
    const ritz = ritzOf(coefficients, limit, vCount, uCount);
    scale = Math.max(scale, ritz.values[0] ?? 0);
    const residuals = residualsOf(ritz, lastStart, left.rank, coupling, fresh.count);
    let settled = true;
    for (let i = 0; settled && i < wanted; i++) settled = residuals[i]! <= 0.5 * tolerance * scale;

    const complete = vCount === n;
    let strangers = 0;
    if (settled && !complete) {
      // A start block of b vectors shows at most b copies of a repeated value, and an exhausted Krylov space shows
      // nothing outside itself: before such a result is believed, random vectors get the chance to find more.
      const values = ritz.values.slice(0, wanted);
      const moved = doubt?.values.some((value, i) => Math.abs(value - values[i]!) > tolerance * scale) ?? false;
      if (!doubt || moved) {
        const exhausted = fresh.count === 0;
        if (exhausted || largestGroup(values, tolerance) >= width) doubt = { values, blocks: DOUBT_BLOCKS };
        else doubt = undefined;
        settled = doubt === undefined;
        strangers = doubt ? Math.ceil(width / 2) : 0;
      } else {
        doubt.blocks--;
        settled = doubt.blocks <= 0;
      }
    }
    if (settled || complete || out) {
      return {
        directions: await inputs.combine(ritz.right, wanted, { rows: v, count: vCount }),
        next: vCount > wanted ? (ritz.values[wanted] ?? 0) : 0,
      };
    }

    if (fresh.count === 0) strangers = width;
    // Every doubt widens the block; it must still fit beside the triplets after a restart.
    const widest = Math.max(fresh.count, limit - wanted);
    const room = Math.min(fresh.count + strangers, widest, n - vCount);
    if (vCount + room > limit) {
      const keep = Math.min(limit - room, Math.max(wanted, wanted + ((limit - wanted) >> 1)));
      const keptV = await inputs.combine(ritz.right, keep, { rows: v, count: vCount });
      const keptU = await outputs.combine(ritz.left, Math.min(keep, uCount), { rows: u, count: uCount });
      v.set(keptV);
      u.set(keptU);
      vCount = keep;
      uCount = Math.min(keep, uCount);
      coefficients = new Float64Array(limit * limit);
      for (let i = 0; i < uCount; i++) coefficients[i * limit + i] = ritz.values[i]!;
    }
    nextLook = vCount + (vCount >> 3);
    const kept = Math.min(fresh.count, room);
    next = await withStrangers({ rows: fresh.rows, count: kept }, vCount, room - kept);
  }

  /** The next block: what left the span of the first `known` rows of v, and random rows beside it. */
  async function withStrangers(fresh: Basis, known: number, strangers: number): Promise<Basis> {
    if (strangers === 0) return fresh;
    v.set(fresh.rows.subarray(0, fresh.count * n), known * n);
    const others = await freshRows(random, strangers, inputs, { rows: v, count: known + fresh.count });
    const rows = new Float32Array((fresh.count + others.count) * n);
    rows.set(fresh.rows.subarray(0, fresh.count * n));
    rows.set(others.rows, fresh.count * n);
    return { rows, count: fresh.count + others.count };
  }
}

/** Steps that a random block gets to show what the converged triplets have missed. */
const DOUBT_BLOCKS = 3;

async function freshRows(
  random: Random,
  count: number,
  vectors: LongVectors,
  basis: Basis,
): Promise<{ rows: Float32Array; count: number }> {
  // A random row loses a share of its length to the basis, never nearly all of it: the basis is not complete here.
  const { rows, rank } = await orthonormaliseOff(vectors, basis, random.normals(count * vectors.size), count, 1e-6);
  return { rows, count: rank };
}

interface Ritz {
  values: Float64Array;
  /** vCount × vCount: row i combines v into the i-th input-side vector. */
  right: Float64Array;
  /** uCount × uCount: row i combines u into the i-th output-side vector; uCount never exceeds vCount. */
  left: Float64Array;
}

function ritzOf(coefficients: Float64Array, stride: number, vCount: number, uCount: number): Ritz {
  const matrix = new Float64Array(uCount * vCount);
  for (let j = 0; j < vCount; j++) {
    for (let i = 0; i < uCount; i++) matrix[i * vCount + j] = coefficients[j * stride + i]!;
  }
  const svd = smallSvd(matrix, uCount, vCount);
  const values = new Float64Array(vCount);
  values.set(svd.values);
  const right = new Float64Array(vCount * vCount);
  right.set(svd.right);
  completeRows(right, uCount, vCount, vCount);
  return { values, right, left: svd.left };
}

/** ‖Aᵀu − σv‖ of every triplet: only the last output-side rows reach outside the span of v. */
function residualsOf(
  ritz: Ritz,
  lastStart: number,
  last: number,
  coupling: Float64Array,
  outside: number,
): Float64Array {
  const uCount = Math.sqrt(ritz.left.length);
  return Float64Array.from({ length: ritz.values.length }, (_, i) => {
    if (i >= uCount) return 0;
    let sum = 0;
    for (let c = 0; c < outside; c++) {
      let x = 0;
      for (let r = 0; r < last; r++) x += ritz.left[i * uCount + lastStart + r]! * coupling[r * outside + c]!;
      sum += x * x;
    }
    return Math.sqrt(sum);
  });
}

function largestNorm(rows: Float32Array, count: number, size: number): number {
  let largest = 0;
  for (let r = 0; r < count; r++) largest = Math.max(largest, squaredNorm(rows, r, size));
  return Math.sqrt(largest);
}

function largestGroup(values: Float64Array, tolerance: number): number {
  let largest = 0;
  for (const [i, start] of groupsOf(values, 10 * tolerance * (values[0] ?? 0)).entries()) {
    largest = Math.max(largest, i + 1 - start);
  }
  return largest;
}

/**
 * Σσ² over the values left out, with its standard error: for b random orthonormal rows p orthogonal to the `known` rows,
 * (n − k)/b Σ‖A p‖² has that mean (Hutchinson), because A keeps the two sides of a singular subspace apart.
 */
export async function energyLeftOut(
  { domainSize: n, codomainSize: m, apply, backend }: KrylovProblem,
  known: Basis,
  probes: { random: Random; count: number },
): Promise<{ energy: number; standardError: number }> {
  const left = n - known.count;
  if (left === 0) return { energy: 0, standardError: 0 };
  const vectors = await longVectors(n, backend);
  const { rows, count } = await freshRows(probes.random, Math.min(probes.count, left), vectors, known);
  vectors.dispose();
  const images = await apply(rows, count);
  const energies = Array.from({ length: count }, (_, r) => left * squaredNorm(images, r, m));
  const energy = energies.reduce((sum, e) => sum + e, 0) / count;
  const variance = energies.reduce((sum, e) => sum + (e - energy) ** 2, 0) / Math.max(1, count - 1);
  return { energy, standardError: count > 1 ? Math.sqrt(variance / count) : energy };
}

function squaredNorm(rows: Float32Array, r: number, size: number): number {
  let sum = 0;
  for (let c = r * size; c < (r + 1) * size; c++) sum += rows[c]! ** 2;
  return sum;
}
