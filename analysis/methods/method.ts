// A method: one question, asked of a study, answered unit by unit, so that what is done can be kept when a run stops.
import type { Study } from '../study.ts';

/** The smallest piece of work whose answers are kept on their own. */
export interface Unit {
  /** Unique within the method: a layer's name, a sample's name, or 'all'. */
  readonly key: string;
  /** What it is about, for progress lines. */
  readonly layer?: string;
  readonly sample?: number;
}

/**
 * Fields to set on one object of the report (reports/format.ts). No two methods write the same field; lists that several
 * units of a method answer on one object are joined in the order of the units.
 */
export interface Answer {
  /** 'model', a layer by its name, or a sample by its index. */
  readonly on: 'model' | { readonly layer: string } | { readonly sample: number };
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface SkippedLayer {
  readonly layer: string;
  readonly reason: string;
}

export interface Method {
  /** File name, id in the report and in `--methods`. */
  readonly id: string;
  /** The question it answers, as a person would ask it. */
  readonly question: string;
  /** Raised whenever its numbers would change: part of the key that its results are kept under. */
  readonly version: number;
  /** The settings that its results depend on, part of the same key. */
  readonly settings: readonly string[];
  /** Its pieces of work, or in words why it does not apply to this study. */
  units(study: Study): readonly Unit[] | string;
  /** Layers that it does not cover, with the reason; every layer appears in the report. */
  skipped?(study: Study): readonly SkippedLayer[];
  answer(study: Study, unit: Unit): Promise<readonly Answer[]>;
  /** What it leaves out though it answers, in words; null where it leaves out nothing. */
  remark?(study: Study): string | null;
  /** What follows from all answers together (means over samples, say); cheap, never kept. */
  summarise?(study: Study, answers: readonly Answer[]): readonly Answer[];
}
