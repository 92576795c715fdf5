// One report held against its rules and its baseline: what `check` and `diff` print, and what the comment on a pull request
// is written from. It travels between two jobs of a pull request, so its shape is checked when it is read.
import { z } from 'zod';
import { checkReport } from './checks.ts';
import { compareReports } from './compare.ts';
import type { Difference } from './difference.ts';
import type { StoredReport } from './reader.ts';
import type { Rule } from './rules.ts';

const MOST_TEXT = 2000;
const text = z.string().max(MOST_TEXT);
const maybeText = text.nullable();
const maybeNumber = z.number().nullable();

const side = z.strictObject({
  id: text,
  digest: text,
  model: text,
  samples: text,
  settings: text,
  version: text,
  backend: text,
});

export const reviewSchema = z.strictObject({
  head: side,
  base: side.nullable(),
  /** Where the baseline was found, and how; or why there is none. */
  found: text,
  identical: z.boolean(),
  /** What a reader must know before any number. */
  caveats: z.array(text).readonly(),
  findings: z
    .array(
      z.strictObject({
        rule: text,
        level: z.enum(['PASS', 'WARN', 'FAIL']),
        subject: text,
        value: maybeNumber,
        limit: maybeNumber,
        floor: maybeNumber,
        unit: maybeText,
        message: text,
      }),
    )
    .readonly(),
  unapplied: z.array(z.strictObject({ rule: text, subject: maybeText, reason: text })).readonly(),
  hints: z.array(text).readonly(),
  /** What is not unchanged. */
  differences: z
    .array(
      z.strictObject({
        kind: z.enum(['MODEL', 'CLASS', 'LAYER', 'SAMPLE']),
        subject: text,
        metric: text,
        change: z.enum(['BETTER', 'WORSE', 'CHANGED', 'UNCHANGED', 'ADDED', 'REMOVED', 'INCOMPARABLE']),
        base: maybeNumber,
        head: maybeNumber,
        delta: maybeNumber,
        floor: maybeNumber,
        reason: maybeText,
      }),
    )
    .readonly(),
  unchanged: z.int().nonnegative(),
});

export type Review = z.output<typeof reviewSchema>;
export const reviewsSchema = z.strictObject({ reviews: z.array(reviewSchema).min(1).max(100).readonly() });

/** What identifies a report for a reader. */
export function sideOf({ id, digest, model }: StoredReport): Review['head'] {
  const { samplesSha256, settingsSha256, version, backend } = model.provenance;
  return { id, digest, model: model.sha256, samples: samplesSha256, settings: settingsSha256, version, backend };
}

/** Holds a report against rules, and against its baseline where there is one. */
export async function reviewReport(
  head: StoredReport,
  base: StoredReport | null,
  found: string,
  rules: readonly Rule[],
): Promise<Review> {
  const comparison = base && (await compareReports(base, head));
  const { findings, unapplied, hints } = await checkReport(head, comparison?.differences ?? null, rules);
  const differences = comparison?.differences ?? [];
  const changed = differences.filter(({ change }) => change !== 'UNCHANGED');
  return {
    head: sideOf(head),
    base: base && sideOf(base),
    found,
    identical: comparison?.identical ?? false,
    caveats: (comparison?.caveats ?? []).map((caveat) => caveat.slice(0, MOST_TEXT)),
    findings,
    unapplied,
    hints,
    differences: changed.map(withoutSeries),
    unchanged: differences.length - changed.length,
  };
}

function withoutSeries({ series: _, ...difference }: Difference): Omit<Difference, 'series'> {
  return difference;
}

/** How many findings of a review break an error rule, and how many a warning. */
export function countsOf(reviews: readonly Review[]): { failed: number; warned: number } {
  const levels = reviews.flatMap(({ findings }) => findings.map(({ level }) => level));
  const count = (level: string): number => levels.filter((one) => one === level).length;
  return { failed: count('FAIL'), warned: count('WARN') };
}

/** What a review comes to, in a sentence. */
export function verdictOf(review: Review): string {
  const { failed, warned } = countsOf([review]);
  const changed = review.differences.filter(({ change }) => change !== 'INCOMPARABLE').length;
  const rules = (n: number): string => `${n} ${n === 1 ? 'finding' : 'findings'}`;
  const breaks = [failed > 0 && `${rules(failed)} to fix`, warned > 0 && `${rules(warned)} to look at`].filter(Boolean);
  const told = review.base
    ? review.identical
      ? 'unchanged: the report is equal to the baseline to the byte'
      : changed > 0
        ? `${changed} of ${changed + review.unchanged} compared numbers changed beyond their noise floor`
        : 'unchanged: no number moved beyond its noise floor'
    : 'no baseline';
  if (breaks.length === 0) return `${capital(told)}; every rule that applies holds.`;
  return `${capital(breaks.join(', '))}; ${told}.`;
}

function capital(sentence: string): string {
  return sentence[0]!.toUpperCase() + sentence.slice(1);
}
