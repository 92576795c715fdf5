// Leading singular triplets of a map whose one side is much longer than the other: block Lanczos on AᵀA with full
// reorthogonalisation and thick restart (Golub and Ye 1981; Wu and Simon 2000). Only vectors of the shorter side are kept and
// orthogonalised, which is most of the work where products are cheap, as a convolution's are. The price is that a value
// is known to eps·σ₁²/σ: values that are small beside σ₁ are left to block-krylov.ts.
import type { KrylovOptions, KrylovResult } from './block-krylov.ts';
import { denseOf } from './block-krylov.ts';
import type { Claim, Sides } from './certify.ts';
import type { Basis } from './long-vectors.ts';
import { gramOfFloats, multiply } from './multiply.ts';
import { orthonormaliseOff, randomRowsOff, rowLength, withRandomRows } from './orthonormalise.ts';
import { settling } from './settling.ts';
import { symmetricEigen } from './symmetric-eigen.ts';

/** Products are float32. */
const EPS = 2 ** -23;

/**
 * The `count` leading triplets, as the products add up to them; undefined where they are too small beside σ₁ for AᵀA, A
 * is too large or too small (or zero) for its square, or they have not converged. As with blockKrylov, nothing is checked against a product with a final vector yet.
 */
export async function gramKrylov(sides: Sides, options: KrylovOptions): Promise<KrylovResult | undefined> {
  const { inputs, apply, transpose } = sides;
  const { count: wanted, tolerance, random } = options;
  const n = inputs.size;
  const width = options.blockSize;
  const limit = options.basisLimit;
  const v = new Float32Array(limit * n);
  // AᵀA v_j = Σ_i gram[i·limit + j] v_i + Σ_c outside[j·fresh + c] fresh_c.
  let gram = new Float64Array(limit * limit);
  let vCount = 0;
  // How many of the last vectors a product with the next block reaches: the last block's, all after a restart.
  let reached = 0;
  let applications = 0;
  let scale = 0;
  const convergence = settling({ wanted, width, tolerance });
  let nextLook = 0;

  let next = await randomRowsOff(random, width, inputs, { rows: v, count: 0 });
  for (;;) {
    const added = next.count;
    const start = vCount;
    v.set(next.rows.subarray(0, added * n), start * n);
    const forth = await apply(next.rows.subarray(0, added * n), added);
    if (start === 0 && !areSquaresSafe(forth, added)) return undefined;
    const images = await transpose(forth, added);
    applications += 2 * added;
    vCount += added;
    for (let r = 0; r < added; r++) scale = Math.max(scale, rowLength(images, r, n));
    // What float32 products cannot tell from rounding is not a new direction.
    const drop = 4 * EPS * scale;
    const near = Math.min(vCount, reached + added);
    const found = await orthonormaliseOff(inputs, { rows: v, count: vCount }, images, added, drop, near);
    for (let j = 0; j < added; j++) {
      for (let i = 0; i < vCount; i++) {
        const mirrored = i < start ? undefined : found.along[(i - start) * vCount + start + j]!;
        const entry = found.along[j * vCount + i]!;
        const mean = mirrored === undefined ? entry : (entry + mirrored) / 2;
        gram[(start + j) * limit + i] = gram[i * limit + start + j] = mean;
      }
    }
    reached = added;
    const fresh: Basis = { rows: found.rows, count: found.rank };
    let outside = new Float64Array(vCount * fresh.count);
    outside.set(found.within, start * fresh.count);

    const out = applications >= options.maxApplications;
    // Room for the next block and for random vectors beside it.
    const full = vCount + fresh.count + width > limit || fresh.count === 0;
    if (vCount < wanted || (vCount < nextLook && !full && !out)) {
      next = await widened(fresh, fresh.count === 0 ? width : 0);
      continue;
    }
    const keep = full ? wanted + Math.floor((limit - wanted) / 3) : wanted;
    const { values: squares, vectors } = symmetricEigen(denseOf(gram, limit, vCount, vCount), vCount, {
      vectors: Math.min(keep, vCount),
      overwrite: true,
    });
    const values = squares.map((x) => Math.sqrt(Math.max(0, x)));
    const [first, last] = [values[0]!, values[wanted - 1]!];
    scale = Math.max(scale, first * first);
    const leaving = multiply(vectors, outside, wanted, vCount, fresh.count);
    // ‖Aᵀu − σ v‖ of u = A v / σ.
    const residuals = Float64Array.from({ length: wanted }, (_, i) => rowLength(leaving, i, fresh.count) / values[i]!);
    const exhausted = fresh.count === 0;
    const complete = vCount === n;
    const at = { scale: first, rounding: drop / first, exhausted, complete };
    const { settled, strangers } = convergence.look({ values, residuals }, at);
    if (settled || complete) {
      const directions = await inputs.combine(vectors.subarray(0, wanted * vCount), wanted, { rows: v, count: vCount });
      const claim = await claimOf(sides, directions, squares, leaving, fresh);
      // Beyond the square root of the rounding of squares a value is nothing but that.
      const beyond = values[wanted] ?? 0;
      return { directions: claim.v, claim, next: beyond * beyond > drop ? beyond : 0 };
    }
    // Rounding of AᵀA is σ₁²·eps, and more than what is asked for of a value this small.
    if (out || (full && last * tolerance < 4 * EPS * first)) return undefined;

    if (full) {
      const kept = Math.min(keep, vCount, limit - fresh.count - width);
      v.set(await inputs.combine(vectors, kept, { rows: v, count: vCount }));
      outside = multiply(vectors, outside, kept, vCount, fresh.count) as Float64Array<ArrayBuffer>;
      gram = new Float64Array(limit * limit);
      for (let i = 0; i < kept; i++) gram[i * limit + i] = squares[i]!;
      vCount = reached = kept;
    }
    nextLook = convergence.next(vCount, applications);
    next = await widened(fresh, strangers);
  }

  /** The next block: what left the span of v, and random rows beside it. */
  async function widened(fresh: Basis, strangers: number): Promise<Basis> {
    const room = Math.min(strangers, limit - vCount - fresh.count, n - vCount - fresh.count);
    return room <= 0 ? fresh : withRandomRows(random, fresh, room, inputs, { rows: v, count: vCount });
  }
}

/** Lengths whose squares, and those of a millionth of them, are well within float32. */
const [SHORTEST, LONGEST] = [1e-12, 1e12];

/** Whether AᵀA may be formed: of random unit vectors the images show how large A is, if only roughly. */
function areSquaresSafe(images: Float32Array, count: number): boolean {
  let largest = 0;
  for (let r = 0; r < count; r++) largest = Math.max(largest, rowLength(images, r, images.length / count));
  return largest > SHORTEST && largest < LONGEST;
}

/**
 * The triplets of A on the span of v, by one product a vector: A v = Y, and Y Yᵀ = Q Σ² Qᵀ gives u = Σ⁻¹ Qᵀ Y. What Aᵀ u
 * exceeds σ v by follows from AᵀA v = λ v + leaving·fresh.
 */
async function claimOf(
  { inputs, outputs, apply }: Sides,
  v: Float32Array,
  squares: Float64Array,
  leaving: Float64Array,
  fresh: Basis,
): Promise<Claim> {
  const n = inputs.size;
  const count = v.length / n;
  const images = await apply(v, count);
  const { values: found, vectors } = symmetricEigen(gramOfFloats(images, count, outputs.size), count, {
    overwrite: true,
  });
  const values = found.map((x) => Math.sqrt(Math.max(0, x)));
  const over = Float64Array.from(vectors, (q, at) => q / values[Math.floor(at / count)]!);
  const span = { rows: v, count };
  const rotated = await inputs.combine(vectors, count, span);
  const errors = await inputs.combine(
    Float64Array.from(over, (q, at) => q * squares[at % count]!),
    count,
    span,
  );
  const beyond = await inputs.combine(multiply(over, leaving, count, count, fresh.count), count, fresh);
  for (let i = 0; i < count; i++)
    for (let c = i * n; c < (i + 1) * n; c++) errors[c]! += beyond[c]! - values[i]! * rotated[c]!;
  return { values, v: rotated, u: await outputs.combine(over, count, { rows: images, count }), errors };
}
