// Residuals of many triplets from a few products. An iteration knows A and Aᵀ on its basis only, by products that were
// made; what those add up to for a final vector is a claim, out of float32 numbers that were combined, restarted and
// combined again. Random combinations of all final vectors put every claim to the test at once.
import type { Random } from '../random.ts';
import type { LongVectors } from './long-vectors.ts';
import { rowLength } from './orthonormalise.ts';

/** A product with A or Aᵀ, by the row. */
export type Product = (rows: Float32Array, count: number) => Promise<Float32Array>;

/** A map, the shorter side as its domain, and what multiplies the vectors of its two sides. */
export interface Sides {
  readonly apply: Product;
  readonly transpose: Product;
  readonly inputs: LongVectors;
  readonly outputs: LongVectors;
}

/** What is held to be true of `values.length` triplets: A v = σ u, and Aᵀ u = σ v + error. */
export interface Claim {
  readonly values: Float64Array;
  /** One a row. */
  readonly v: Float32Array;
  readonly u: Float32Array;
  /** One a row, as long as v; undefined where none is known of. */
  readonly errors?: Float32Array;
}

/** Random combinations of each side. */
export const CHECKS = 4;
/** How many times the unexplained part is reported. */
const CAUTION = 3;
/** Rows whose Gram matrix is off by more in an entry are not taken for orthonormal. */
const ORTHONORMAL = 1e-5;

/**
 * A bound on max(‖A v − σ u‖, ‖Aᵀ u − σ v‖) for each triplet, by 2·4 products however many the triplets are; undefined
 * where v or u are not orthonormal (a vector found twice has small residuals, too).
 *
 * For standard normal weights ω the true product A(Vᵀω) less the claimed one is Dω, the rows of Dᵀ being what the claims
 * have wrong, triplet by triplet, rounding included. The mean square of ‖Dω‖ is ‖D‖² = Σ‖d_i‖² (Frobenius), so that Δ, the
 * root mean square of four, estimates ‖D‖; Aᵀ is tested in the same way. Reported is ‖claimed error‖ + 3Δ, all that is
 * unexplained laid at the door of every triplet. That overstates rounding, which they share, about 3√count times. It
 * understates most easily where D has rank one (a single triplet wrong, or all in the same way): 4Δ²/‖D‖² is then χ² with
 * four degrees of freedom, so that a true residual exceeds the reported one with probability 0.02 at most, and exceeds ten
 * times it with probability 3·10⁻⁶, whatever the map does, as long as it does not know ω. Full certainty to rounding takes
 * two products a triplet (extraction.ts).
 */
export async function certifiedResiduals(
  { values, v, u, errors }: Claim,
  { apply, transpose, inputs, outputs }: Sides,
  random: Random,
): Promise<Float64Array | undefined> {
  const count = values.length;
  if (!(await areOrthonormal(inputs, v, count)) || !(await areOrthonormal(outputs, u, count))) return undefined;
  const unexplained = async (
    product: Product,
    [from, start]: readonly [LongVectors, Float32Array],
    [to, end]: readonly [LongVectors, Float32Array],
    known?: Float32Array,
  ): Promise<number> => {
    const weights = Float64Array.from({ length: CHECKS * count }, () => random.normal());
    const scaled = weights.map((weight, i) => weight * values[i % count]!);
    const images = await product(await from.combine(weights, CHECKS, { rows: start, count }), CHECKS);
    const claimed = await to.combine(scaled, CHECKS, { rows: end, count });
    const errors = known && (await to.combine(weights, CHECKS, { rows: known, count }));
    let sum = 0;
    for (let c = 0; c < CHECKS * to.size; c++) sum += (images[c]! - claimed[c]! - (errors ? errors[c]! : 0)) ** 2;
    return CAUTION * Math.sqrt(sum / CHECKS);
  };
  const forward = await unexplained(apply, [inputs, v], [outputs, u]);
  const backward = await unexplained(transpose, [outputs, u], [inputs, v], errors);
  return values.map((_, i) => Math.max(forward, backward + (errors ? rowLength(errors, i, inputs.size) : 0)));
}

async function areOrthonormal(vectors: LongVectors, rows: Float32Array, count: number): Promise<boolean> {
  const { along } = await vectors.project(rows, count, { rows, count });
  return along.every((inner, i) => Math.abs(inner - (i % (count + 1) === 0 ? 1 : 0)) <= ORTHONORMAL);
}
