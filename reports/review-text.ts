// Comparisons and reviews for a terminal: colour where it is taken, never alone; spectra as rows of small bars.
import { amountText, labelOf } from './checks.ts';
import type { Change, Difference, ReportComparison } from './compare.ts';
import { metricOf } from './metrics.ts';
import { verdictOf, type Review } from './review.ts';

/** Wraps text in a style of the terminal, or gives it as it is. */
export type Paint = (style: 'red' | 'green' | 'yellow' | 'dim' | 'bold', text: string) => string;

const SIGNS: Readonly<Record<Change, { sign: string; style: Parameters<Paint>[0] }>> = {
  BETTER: { sign: '▲', style: 'green' },
  WORSE: { sign: '▼', style: 'red' },
  CHANGED: { sign: '≠', style: 'yellow' },
  UNCHANGED: { sign: '=', style: 'dim' },
  ADDED: { sign: '+', style: 'green' },
  REMOVED: { sign: '−', style: 'red' },
  INCOMPARABLE: { sign: '?', style: 'dim' },
};
const BARS = '▁▂▃▄▅▆▇█';
const MOST_BARS = 24;
/** Samples listed of each metric, unless all are asked for. */
const MOST_SAMPLES = 5;

/** A falling row of numbers as bars relative to the largest; long rows are thinned. */
export function sparkline(values: readonly number[], largest = Math.max(...values, 0)): string {
  const step = Math.max(1, values.length / MOST_BARS);
  const shown = Array.from({ length: Math.min(values.length, MOST_BARS) }, (_, i) => values[Math.floor(i * step)]!);
  return shown
    .map((value) => BARS[largest > 0 ? Math.min(BARS.length - 1, Math.floor((value / largest) * BARS.length)) : 0])
    .join('');
}

/** Names of strangers must not steer a terminal. */
export function plain(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');
}

/** A comparison as lines: by subject, what changed; with `all` what did not as well. */
export function comparisonText(
  { identical, differences }: ReportComparison,
  { all = false, paint }: { all?: boolean; paint: Paint },
): string {
  const told = all ? differences : differences.filter(({ change }) => change !== 'UNCHANGED');
  const lines: string[] = [];
  if (identical) lines.push(paint('green', 'unchanged: the two reports are equal to the byte'));
  else if (!differences.some(({ change }) => change !== 'UNCHANGED' && change !== 'INCOMPARABLE'))
    lines.push(paint('green', 'unchanged: no number moved beyond its noise floor'));
  const metrics = new Map<string, number>();
  let [subject, left] = ['', 0];
  for (const one of told) {
    if (one.kind === 'SAMPLE' && !all) {
      const shown = metrics.get(one.metric) ?? 0;
      metrics.set(one.metric, shown + 1);
      if (shown >= MOST_SAMPLES) {
        left++;
        continue;
      }
    }
    const heading = one.kind === 'MODEL' ? 'model' : `${one.kind.toLowerCase()} ${plain(one.subject)}`;
    if (heading !== subject) lines.push(paint('bold', heading));
    subject = heading;
    lines.push(`  ${differenceLine(one, paint)}`);
  }
  if (left > 0) lines.push(paint('dim', `and ${left} more changes of samples (--all shows them)`));
  return lines.join('\n');
}

function differenceLine(
  { metric, change, base, head, delta, floor, reason, series }: Difference,
  paint: Paint,
): string {
  const { sign, style } = SIGNS[change];
  const unit = metric === 'layer' ? null : metricOf(metric).unit;
  const amount = (value: number): string => amountText(value, unit);
  const ends = base !== null && head !== null ? `${amount(base)} → ${amount(head)}` : '';
  const moved = delta === null ? '' : ends ? `(${delta > 0 ? '+' : ''}${amount(delta)})` : amount(delta);
  const noise = floor !== null && floor > 0 ? paint('dim', `noise ${amountText(floor, unit)}`) : '';
  const largest = Math.max(...(series?.base ?? []), ...(series?.head ?? []), 0);
  const spectra = series ? `${sparkline(series.base, largest)} → ${sparkline(series.head, largest)}` : '';
  const parts = [labelOf(metric), spectra, ends, moved, reason ? plain(reason) : '', noise];
  return `${paint(style, sign)} ${parts.filter(Boolean).join('  ')}`;
}

/** A review as lines: its verdict, what breaks a rule, what could not be applied, and hints. */
export function reviewText(review: Review, paint: Paint): string {
  const { head, findings, unapplied, hints, found } = review;
  const styles = { FAIL: ['red', '✗'], WARN: ['yellow', '!'], PASS: ['green', '✓'] } as const;
  const lines = [`${paint('bold', plain(head.id))}: ${verdictOf(review)}`, `  baseline: ${plain(found)}`];
  for (const { level, rule, subject, message } of findings) {
    const [style, sign] = styles[level];
    const where = subject === 'model' ? '' : ` ${plain(subject)}:`;
    lines.push(`  ${paint(style, `${sign} ${level.toLowerCase()}`)} ${plain(rule)}:${where} ${plain(message)}`);
  }
  for (const { rule, subject, reason } of unapplied)
    lines.push(
      `  ${paint('dim', `? not applied ${plain(rule)}:${subject ? ` ${plain(subject)}:` : ''} ${plain(reason)}`)}`,
    );
  for (const hint of hints) lines.push(`  ${paint('dim', `hint: ${plain(hint)}`)}`);
  return lines.join('\n');
}
