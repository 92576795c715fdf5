// Leading singular triplets from products with A and Aᵀ alone: block Golub–Kahan–Lanczos with full
// reorthogonalisation and thick restart (Golub, Luk and Overton 1981; Baglama and Reichel 2005). A and Aᵀ are applied in
// turn, never AᵀA, so that small values keep their digits. Products and vectors are float32, everything small float64.
import type { Random } from '../random.ts';
import type { Claim, Sides } from './certify.ts';
import type { Basis } from './long-vectors.ts';
import { gramOfRows, multiply } from './multiply.ts';
import { orthonormaliseOff, randomRowsOff, rowLength, withRandomRows } from './orthonormalise.ts';
import { settling } from './settling.ts';
import { completeRows, smallSvd } from './small-svd.ts';
import { symmetricEigen } from './symmetric-eigen.ts';

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
  /** Approximate input-side vectors, best first: count × domain. */
  readonly directions: Float32Array;
  /** The triplets with these vectors, as the products add up to them; undefined where not as many output-side vectors came out. */
  readonly claim: Claim | undefined;
  /** Approximation of the largest value left out; 0 when nothing is. */
  readonly next: number;
}

/**
 * The `count` leading triplets as the products with the basis vectors have them. Nothing here is checked against a product
 * with a final vector: that is what certify.ts does, or extraction.ts.
 */
export async function blockKrylov(
  { inputs, outputs, apply, transpose }: Sides,
  options: KrylovOptions,
): Promise<KrylovResult> {
  const { count, tolerance, random } = options;
  const [n, m] = [inputs.size, outputs.size];
  const wanted = Math.min(count, n);
  const width = Math.min(options.blockSize, n);
  const limit = Math.min(n, Math.max(options.basisLimit, count + 3 * width));
  const v = new Float32Array(limit * n);
  const u = new Float32Array(limit * m);
  // What the products gave, in coordinates: A v_j = Σ_i forward[j·limit + i] u_i and
  // Aᵀ u_i = Σ_j backward[i·limit + j] v_j + Σ_c outside[i·fresh + c] fresh_c. The first is never taken for the second.
  let forward = new Float64Array(limit * limit);
  let backward = new Float64Array(limit * limit);
  let vCount = 0;
  let uCount = 0;
  // How many of the last output-side rows a product with the next block reaches: the last block's, all after a restart.
  let reached = 0;
  let applications = 0;
  let scale = 0;
  const convergence = settling({ wanted, width, tolerance });
  let nextLook = 0;

  let next = await randomRowsOff(random, width, inputs, { rows: v, count: 0 });
  for (;;) {
    const added = next.count;
    v.set(next.rows.subarray(0, added * n), vCount * n);
    const images = await apply(next.rows.subarray(0, added * n), added);
    applications += added;
    for (let r = 0; r < added; r++) scale = Math.max(scale, rowLength(images, r, m));
    // What float32 products cannot tell from rounding is not a new direction.
    const drop = 4 * 2 ** -23 * scale;
    const left = await orthonormaliseOff(outputs, { rows: u, count: uCount }, images, added, drop, reached);
    for (let j = 0; j < added; j++) {
      const at = (vCount + j) * limit;
      forward.set(left.along.subarray(j * uCount, (j + 1) * uCount), at);
      forward.set(left.within.subarray(j * left.rank, (j + 1) * left.rank), at + uCount);
    }
    u.set(left.rows, uCount * m);
    vCount += added;
    const lastStart = uCount;
    uCount += left.rank;
    reached = left.rank;

    // The new output-side rows go back; what leaves the span of v is the next block, and the residual of every triplet.
    let fresh: Basis = { rows: new Float32Array(0), count: 0 };
    let outside = new Float64Array(0);
    if (left.rank > 0) {
      const back = await transpose(left.rows, left.rank);
      applications += left.rank;
      const right = await orthonormaliseOff(inputs, { rows: v, count: vCount }, back, left.rank, drop, added);
      fresh = { rows: right.rows, count: right.rank };
      for (let i = 0; i < left.rank; i++)
        backward.set(right.along.subarray(i * vCount, (i + 1) * vCount), (lastStart + i) * limit);
      outside = new Float64Array(uCount * fresh.count);
      outside.set(right.within, lastStart * fresh.count);
    }

    const out = applications >= options.maxApplications;
    const full = vCount === n || vCount + fresh.count > limit || fresh.count === 0;
    if (vCount < wanted || (vCount < nextLook && !full && !out)) {
      // Nothing can have converged, or a look was not long ago: it is cubic in the basis.
      next = await nextBlock(fresh, outside, fresh.count === 0 ? Math.min(width, n - vCount) : fresh.count);
      continue;
    }
    let ritz = full || out ? ritzOf(forward, limit, vCount, uCount) : undefined;
    const { values, left: combinations } = ritz ?? leadingOf(forward, limit, vCount, uCount, wanted);
    scale = Math.max(scale, values[0] ?? 0);
    // ‖Aᵀ u − σ v‖ in a recurrence that its products obey.
    const leaving = multiply(combinations, outside, Math.min(wanted, uCount), uCount, fresh.count);
    const residuals = Float64Array.from({ length: wanted }, (_, i) =>
      i < uCount ? rowLength(leaving, i, fresh.count) : 0,
    );
    const complete = vCount === n;
    const exhausted = fresh.count === 0;
    const { settled, strangers } = convergence.look(
      { values, residuals },
      { scale, rounding: drop, exhausted, complete },
    );
    const finished = settled || complete || out;
    // Every doubt widens the block; it must still fit beside the triplets after a restart.
    const widest = Math.max(fresh.count, limit - wanted);
    const room = Math.min(fresh.count + strangers, widest, n - vCount);
    if (finished || vCount + room > limit) ritz ??= ritzOf(forward, limit, vCount, uCount);
    if (finished && ritz) {
      const directions = await inputs.combine(ritz.right, wanted, { rows: v, count: vCount });
      return {
        directions,
        claim: uCount < wanted ? undefined : await claimOf(ritz, directions, fresh, outside),
        next: vCount > wanted ? (ritz.values[wanted] ?? 0) : 0,
      };
    }

    if (ritz && vCount + room > limit) {
      const keep = Math.min(limit - room, wanted + Math.floor((limit - wanted) / 3));
      const keepU = Math.min(keep, uCount);
      const keptV = await inputs.combine(ritz.right, keep, { rows: v, count: vCount });
      const keptU = await outputs.combine(ritz.left, keepU, { rows: u, count: uCount });
      v.set(keptV);
      u.set(keptU);
      const kept = sandwich(ritz, backward, limit, vCount, uCount, keep, keepU);
      outside = multiply(ritz.left, outside, keepU, uCount, fresh.count) as Float64Array<ArrayBuffer>;
      forward = new Float64Array(limit * limit);
      backward = new Float64Array(limit * limit);
      for (let i = 0; i < keepU; i++) {
        forward[i * limit + i] = ritz.values[i]!;
        backward.set(kept.subarray(i * keep, (i + 1) * keep), i * limit);
      }
      vCount = keep;
      uCount = reached = keepU;
    }
    nextLook = convergence.next(vCount, applications);
    next = await nextBlock(fresh, outside, room);
  }

  /** The next `room` vectors: what left the span of v, whose share of Aᵀ u is written down, and random rows beside it. */
  async function nextBlock(fresh: Basis, outside: Float64Array, room: number): Promise<Basis> {
    const kept = Math.min(fresh.count, room);
    for (let i = 0; i < uCount; i++)
      for (let c = 0; c < kept; c++) backward[i * limit + vCount + c] = outside[i * fresh.count + c]!;
    if (room === kept) return { rows: fresh.rows, count: kept };
    return withRandomRows(random, { rows: fresh.rows, count: kept }, room - kept, inputs, { rows: v, count: vCount });
  }

  /** Values, output-side vectors and Aᵀ u − σ v of the wanted triplets, from the products that were made. */
  async function claimOf(ritz: Ritz, directions: Float32Array, fresh: Basis, outside: Float64Array): Promise<Claim> {
    const within = multiply(ritz.left, denseOf(backward, limit, uCount, vCount), wanted, uCount, vCount);
    for (let i = 0; i < wanted; i++)
      for (let j = 0; j < vCount; j++) within[i * vCount + j]! -= ritz.values[i]! * ritz.right[i * vCount + j]!;
    const beyond = multiply(ritz.left, outside, wanted, uCount, fresh.count);
    const errors = await inputs.combine(within, wanted, { rows: v, count: vCount });
    for (const [c, entry] of (await inputs.combine(beyond, wanted, fresh)).entries()) errors[c]! += entry;
    return {
      values: ritz.values.slice(0, wanted),
      v: directions,
      u: await outputs.combine(ritz.left, wanted, { rows: u, count: uCount }),
      errors,
    };
  }
}

interface Ritz {
  values: Float64Array;
  /** vCount × vCount: row i combines v into the i-th input-side vector. */
  right: Float64Array;
  /** uCount × uCount: row i combines u into the i-th output-side vector; uCount never exceeds vCount. */
  left: Float64Array;
}

function ritzOf(forward: Float64Array, stride: number, vCount: number, uCount: number): Ritz {
  const svd = smallSvd(transposedOf(forward, stride, vCount, uCount), uCount, vCount);
  const values = new Float64Array(vCount);
  values.set(svd.values);
  const right = new Float64Array(vCount * vCount);
  right.set(svd.right);
  completeRows(right, uCount, vCount, vCount);
  return { values, right, left: svd.left };
}

/** Values and the leading left combinations alone, at a fraction of the price; good to √eps·σ₁, as a look needs it. */
function leadingOf(
  forward: Float64Array,
  stride: number,
  vCount: number,
  uCount: number,
  wanted: number,
): Pick<Ritz, 'values' | 'left'> {
  const gram = gramOfRows(transposedOf(forward, stride, vCount, uCount), uCount, vCount);
  const { values: squares, vectors } = symmetricEigen(gram, uCount, { vectors: wanted, overwrite: true });
  const values = new Float64Array(vCount);
  for (let i = 0; i < uCount; i++) values[i] = Math.sqrt(Math.max(0, squares[i]!));
  return { values, left: vectors };
}

/** The first rows × cols entries of a matrix with `stride` numbers a row. */
export function denseOf(matrix: Float64Array, stride: number, rows: number, cols: number): Float64Array {
  const dense = new Float64Array(rows * cols);
  for (let i = 0; i < rows; i++) dense.set(matrix.subarray(i * stride, i * stride + cols), i * cols);
  return dense;
}

/** The transpose of the first rows × cols entries: cols × rows. */
function transposedOf(matrix: Float64Array, stride: number, rows: number, cols: number): Float64Array {
  const dense = new Float64Array(cols * rows);
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) dense[j * rows + i] = matrix[i * stride + j]!;
  return dense;
}

/** The coordinates of Aᵀ u in v for the vectors that a restart keeps: keepU × keep. */
function sandwich(
  { left, right }: Ritz,
  backward: Float64Array,
  stride: number,
  vCount: number,
  uCount: number,
  keep: number,
  keepU: number,
): Float64Array {
  const rows = multiply(left, denseOf(backward, stride, uCount, vCount), keepU, uCount, vCount);
  return multiply(rows, transposedOf(right, vCount, keep, vCount), keepU, vCount, keep);
}

/**
 * Σσ² over the values left out, with its standard error: for b random orthonormal rows p orthogonal to the `known` rows,
 * (n − k)/b Σ‖A p‖² has that mean (Hutchinson), because A keeps the two sides of a singular subspace apart.
 */
export async function energyLeftOut(
  { inputs, outputs, apply }: Sides,
  known: Basis,
  probes: { random: Random; count: number },
): Promise<{ energy: number; standardError: number }> {
  const left = inputs.size - known.count;
  if (left === 0) return { energy: 0, standardError: 0 };
  const { rows, count } = await randomRowsOff(probes.random, Math.min(probes.count, left), inputs, known);
  const images = await apply(rows, count);
  const energies = Array.from({ length: count }, (_, r) => left * rowLength(images, r, outputs.size) ** 2);
  const energy = energies.reduce((sum, e) => sum + e, 0) / count;
  const variance = energies.reduce((sum, e) => sum + (e - energy) ** 2, 0) / Math.max(1, count - 1);
  return { energy, standardError: count > 1 ? Math.sqrt(variance / count) : energy };
}
