// What has changed in one number between two reports (methods.md, section 6).
import type { MetricName, SubjectKind } from './metrics.ts';

export type Change = 'BETTER' | 'WORSE' | 'CHANGED' | 'UNCHANGED' | 'ADDED' | 'REMOVED' | 'INCOMPARABLE';

/** One number in two reports, under the names of the GraphQL type. */
export interface Difference {
  readonly kind: SubjectKind;
  /** `model`, or the name of a layer, class or sample (in the base, where it has another one in the head). */
  readonly subject: string;
  /** One of METRICS, or `layer` for a layer that came, went or has another shape. */
  readonly metric: MetricName | 'layer';
  readonly change: Change;
  readonly base: number | null;
  readonly head: number | null;
  readonly delta: number | null;
  readonly floor: number | null;
  readonly reason: string | null;
  /** Of an accuracy: how often chance alone would turn as many samples (sign test). */
  readonly chance?: number;
  /** The spectra behind a distance, for a small picture. */
  readonly series?: { readonly base: readonly number[]; readonly head: readonly number[] };
}

/** Rounding of a difference and of its floor, relative to the floor: 5/6 − 4/6 is no more than 1/6. */
const ROUNDING = 1e-9;

/** Whether a difference is larger than its noise floor; one that equals it is none. */
export function isBeyond(delta: number, floor: number): boolean {
  return Math.abs(delta) > floor * (1 + ROUNDING);
}
