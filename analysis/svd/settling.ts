// When an iteration's leading triplets may be believed, and when to look at them again.

export interface Looked {
  readonly settled: boolean;
  /** Random vectors that should join the next block, to find what the iteration may have missed. */
  readonly strangers: number;
}

export interface Settling {
  /**
   * Looks at the wanted triplets. `scale` is σ₁, `rounding` what float32 products cannot tell apart; `exhausted` where no
   * direction leads out of the vectors found so far, `complete` where those are all there are.
   */
  look(
    found: { readonly values: Float64Array; readonly residuals: Float64Array },
    at: { scale: number; rounding: number; exhausted: boolean; complete: boolean },
  ): Looked;
  /** How many vectors there must be before the next look, which is cubic in them; `applications` made so far. */
  next(vectors: number, applications: number): number;
}

/** Steps that a random block gets to show what the converged triplets have missed. */
const DOUBT_BLOCKS = 3;

/** Of `wanted` triplets, looked for with `width` vectors a step; `tolerance` of their residuals is relative to σ₁. */
export function settling({ wanted, width, tolerance }: { wanted: number; width: number; tolerance: number }): Settling {
  // Blocks still to add before a result in doubt is believed; undefined: not in doubt yet.
  let doubt: { values: Float64Array; blocks: number } | undefined;
  let [worst, target] = [Infinity, 0];
  let last: { worst: number; applications: number } | undefined;
  return {
    look({ values, residuals }, { scale, rounding, exhausted, complete }) {
      worst = residuals.reduce((largest, residual) => Math.max(largest, residual), 0);
      target = 0.5 * tolerance * scale;
      let settled = worst <= target;
      let strangers = 0;
      if (settled && !complete) {
        // A start block of b vectors shows at most b copies of a repeated value, and an exhausted Krylov space shows
        // nothing outside itself: before such a result is believed, random vectors get the chance to find more.
        const moved = doubt?.values.some((value, i) => Math.abs(value - values[i]!) > tolerance * scale) ?? false;
        if (!doubt || moved) {
          if (exhausted || areRepeated(values, residuals, width, tolerance * scale, rounding))
            doubt = { values: values.slice(0, wanted), blocks: DOUBT_BLOCKS };
          else doubt = undefined;
          settled = doubt === undefined;
          strangers = doubt ? Math.ceil(width / 2) : 0;
        } else {
          doubt.blocks--;
          settled = doubt.blocks <= 0;
        }
      }
      return { settled, strangers: exhausted ? width : strangers };
    },
    next(vectors, applications) {
      // Residuals fall faster and faster: by half of what the last two looks promise, and an eighth more vectors at most.
      const speed = last ? Math.log(last.worst / worst) / (applications - last.applications) : 0;
      const ahead = speed > 0 ? Math.log(worst / target) / speed / 4 : Infinity;
      last = { worst, applications };
      return doubt ? 0 : vectors + Math.max(1, Math.min(vectors >> 3, Math.floor(ahead)));
    },
  };
}

/** Whether `width` of the wanted values above `least` may be one and the same: residuals and rounding tell them no better apart. */
function areRepeated(
  values: Float64Array,
  residuals: Float64Array,
  width: number,
  least: number,
  rounding: number,
): boolean {
  for (let i = 0; i + width <= residuals.length && values[i + width - 1]! > least; i++) {
    // A value is no farther from a true one than its residual.
    const resolved = 2 * Math.max(...residuals.subarray(i, i + width)) + 2 * rounding;
    if (values[i]! - values[i + width - 1]! <= resolved) return true;
  }
  return false;
}
