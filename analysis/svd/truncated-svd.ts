// The leading singular triplets of a linear operator, each with the residual that certifies it (methods.md, section 0).
// A small operator is written out by products with unit vectors of its smaller side; any other goes through block Krylov,
// on AᵀA where one side is much longer than the other.
// Either way the residuals rest on products with the final vectors: with random combinations of them all, and with each of
// them where those do not show that every triplet has converged.
import { UserError, EXIT } from '../errors.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { transposed } from '../operators/transposed.ts';
import type { Block, LinearOperator } from '../operators/operator.ts';
import { random as seeded } from '../random.ts';
import type { Random } from '../random.ts';
import { blockKrylov, energyLeftOut, type KrylovResult } from './block-krylov.ts';
import { certifiedResiduals, CHECKS, type Claim, type Product, type Sides } from './certify.ts';
import { gramKrylov } from './gram-krylov.ts';
import { extract, trueResiduals, type Triplets } from './extraction.ts';
import { longVectors } from './long-vectors.ts';
import { gramOfRows } from './multiply.ts';
import { groupsOf, signOf } from './sign-rule.ts';
import { symmetricEigen } from './symmetric-eigen.ts';

/** Everything below is measured in these units of precision: products are float32. */
const EPS = 2 ** -23;
/** Random vectors that estimate what an iteration leaves out. */
const PROBES = 6;
/** Vectors a step at most: eight make a product a fifth cheaper, and take a fifth to a third more of them. */
const WIDEST = 4;
/** From here on the longer side is kept out of the iteration: its vectors are most of the work and of the memory. */
const LONGER = 2;
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
  /**
   * A bound on max(‖A v − σ u‖, ‖Aᵀ u − σ v‖) / σ₁ of each triplet. Four triplets or fewer, and any that have not all
   * converged, have their own products and the residual itself; more of them share four random combinations on each side:
   * what a true residual may exceed the number by, and how probably, stands at certifiedResiduals.
   */
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
  const { tolerance = DEFAULTS.tolerance } = options;
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
      if (total <= blockSize) {
        const { data: result } = await oriented[side]({
          count: total,
          size: from,
          data: data.subarray(0, total * from),
        });
        applications += total;
        requireFinite(result);
        return result;
      }
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
  const [inputs, outputs] = [await longVectors(n, operator.backend), await longVectors(m, operator.backend)];
  const sides = { apply: product('apply', n, m), transpose: product('transpose', m, n), inputs, outputs };
  const { values, v, u, residuals, remainder } = await decompose(sides, count, blockSize, options).finally(() => {
    inputs.dispose();
    outputs.dispose();
  });

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

interface Decomposed extends Claim {
  /** Relative to σ₁. */
  readonly residuals: Float64Array;
  readonly remainder: Remainder;
}

async function decompose(
  sides: Sides,
  count: number,
  blockSize: number,
  options: TruncatedSvdOptions,
): Promise<Decomposed> {
  const { tolerance = DEFAULTS.tolerance, random = seeded(0, 'truncated-svd'), memory = DEFAULTS.memory } = options;
  const [n, m] = [sides.inputs.size, sides.outputs.size];
  const cut = Math.min(m * EPS, tolerance);
  if (n <= (options.denseLimit ?? Math.max(DEFAULTS.denseLimit, 8 * count)) && 12 * n * m <= memory) {
    const identity = new Float32Array(n * n);
    for (let i = 0; i < n; i++) identity[i * n + i] = 1;
    const images = await sides.apply(identity, n);
    const { values, vectors } = symmetricEigen(gramOfRows(Float64Array.from(images), n, m), n, { vectors: count });
    // The products are at hand: A v is a combination of them.
    const apply: Product = (data, total) =>
      sides.outputs.combine(Float64Array.from(data.subarray(0, total * n)), total, { rows: images, count: n });
    const known = { ...sides, apply };
    const triplets = await extract(Float32Array.from(vectors), count, cut, known, random);
    const residuals = await residualsOf(triplets, known, random, tolerance);
    const left = values.slice(count).map((x) => Math.max(0, x));
    const energy = left.reduce((sum, x) => sum + x, 0);
    const remainder = { largest: Math.sqrt(left[0] ?? 0), energy, standardError: 0, exact: true };
    return { ...triplets, residuals, remainder };
  }

  const width = Math.min(n, Math.max(2, Math.min(blockSize, WIDEST, Math.ceil(count / 4))));
  // Twice the vectors that a restart keeps for sure: larger bases saved no product, on decaying and on crowded spectra.
  const enough = Math.max(2 * count + 10 * width, 96);
  const least = count + 4 * width;
  const most = options.maxApplications ?? Math.max(2000, 100 * count);
  const iteration = { count, tolerance, random, blockSize: width };
  let spent = 0;
  const counting =
    (product: Product): Product =>
    (data, total) => {
      spent += total;
      return product(data, total);
    };
  const counted = { ...sides, apply: counting(sides.apply), transpose: counting(sides.transpose) };
  const finished = async ({
    directions,
    claim,
    next,
  }: KrylovResult): Promise<Omit<Decomposed, 'remainder'> & { next: number }> => {
    // A value of zero has vectors of its own to look for.
    const found = claim && claim.values[count - 1]! > cut * claim.values[0]! ? claim : undefined;
    const shared = found && (await sharedResiduals(found, sides, random, tolerance));
    if (shared) return { ...found, residuals: shared, next };
    const triplets = await extract(directions, count, cut, sides, random);
    const residuals = found
      ? relative(await trueResiduals(triplets, sides), triplets.values)
      : await residualsOf(triplets, sides, random, tolerance);
    return { ...triplets, residuals, next };
  };
  // At the end there are vectors of the longer side, and none before.
  const beside = Math.floor((memory - 4 * count * m) / (4 * n));
  const short =
    m >= LONGER * n && Math.min(beside, n) >= least
      ? await gramKrylov(counted, { ...iteration, maxApplications: most / 2, basisLimit: Math.min(beside, enough, n) })
      : undefined;
  let found = short && (await finished(short));
  if (!found?.residuals.every((residual) => residual <= tolerance)) {
    const basisLimit = Math.min(Math.floor(memory / (4 * (n + m))), enough);
    found = await finished(await blockKrylov(sides, { ...iteration, maxApplications: most - spent, basisLimit }));
  }
  const estimate = await energyLeftOut(sides, { rows: found.v, count }, { random, count: PROBES });
  const largest = Math.min(found.next, found.values[count - 1] ?? found.next);
  return { ...found, remainder: { largest, ...estimate, exact: false } };
}

async function residualsOf(triplets: Triplets, sides: Sides, random: Random, tolerance: number): Promise<Float64Array> {
  return (
    (await sharedResiduals(triplets, sides, random, tolerance)) ??
    relative(await trueResiduals(triplets, sides), triplets.values)
  );
}

/** Residuals from products that the triplets share, where those show all of them to have converged, and are fewer. */
async function sharedResiduals(
  claim: Claim,
  sides: Sides,
  random: Random,
  tolerance: number,
): Promise<Float64Array | undefined> {
  if (claim.values.length <= CHECKS) return undefined;
  const residuals = await certifiedResiduals(claim, sides, random);
  const shares = residuals && relative(residuals, claim.values);
  return shares?.every((residual) => residual <= tolerance) ? shares : undefined;
}

function relative(residuals: Float64Array, values: Float64Array): Float64Array {
  const first = values[0] ?? 0;
  return first > 0 ? residuals.map((residual) => residual / first) : residuals;
}

function negate(a: Float32Array, start: number, size: number): void {
  for (let c = start; c < start + size; c++) a[c] = -a[c]!;
}

function requireFinite(data: Float32Array): void {
  // Zero times a number that is not finite is NaN.
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += 0 * data[i]!;
  if (sum === 0) return;
  throw new UserError('The map that was to be decomposed returned numbers that are not finite.', {
    exitCode: EXIT.failed,
    hint: 'Look for weights or inputs that are NaN or very large; the preprocessing may be missing.',
  });
}
