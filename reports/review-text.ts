// Comparisons and reviews for a terminal: colour where it is taken, never alone; spectra as rows of small bars; lines folded
// at its width.
import { stripVTControlCharacters } from 'node:util';
import { amountText, gatheredUnapplied, labelOf, moveText } from './checks.ts';
import type { ReportComparison } from './compare.ts';
import type { Change, Difference } from './difference.ts';
import type { StoredFinding } from './format.ts';
import { metricOf } from './metrics.ts';
import { plain } from './plain.ts';
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

/** How text is laid out. */
export interface Layout {
  readonly paint: Paint;
  /** The width of the terminal; lines are as long as they are without one. */
  readonly columns?: number | undefined;
}

/**
 * A comparison as lines: first what is not the same at all, then what breaks the recommended rules, then by subject what
 * changed; with `all` what did not as well, and one by one what could not be compared.
 */
export function comparisonText(
  { identical, caveats, findings, differences }: ReportComparison,
  { all = false, paint, columns }: Layout & { all?: boolean },
): string {
  const layout = { paint, columns };
  const lines = caveats.map((caveat) => folded([paint('yellow', '!'), ...words(`${plain(caveat)}.`)], ' ', 2, layout));
  if (identical) lines.push(paint('green', 'unchanged: the two reports are equal to the byte'));
  else if (!differences.some(({ change }) => change !== 'UNCHANGED' && change !== 'INCOMPARABLE'))
    lines.push(paint('green', 'unchanged: no number moved beyond its noise floor'));
  const broken = findings.filter(({ level }) => level !== 'PASS');
  if (broken.length > 0) lines.push(paint('bold', 'by the recommended rules'));
  for (const one of broken) lines.push(findingLine(one, layout));
  const left = all ? [] : differences.filter(isLeftOut);
  const told = differences.filter((one) => all || (one.change !== 'UNCHANGED' && !isLeftOut(one)));
  const metrics = new Map<string, number>();
  let [subject, more] = ['', 0];
  for (const one of told) {
    if (one.kind === 'SAMPLE' && !all) {
      const shown = metrics.get(one.metric) ?? 0;
      metrics.set(one.metric, shown + 1);
      if (shown >= MOST_SAMPLES) {
        more++;
        continue;
      }
    }
    const heading = one.kind === 'MODEL' ? 'model' : `${one.kind.toLowerCase()} ${plain(one.subject)}`;
    if (heading !== subject) lines.push(paint('bold', heading));
    subject = heading;
    lines.push(differenceLine(one, layout));
  }
  if (more > 0) lines.push(paint('dim', `and ${more} more changes of samples (--all shows them)`));
  for (const [reason, own] of Map.groupBy(left, (one) => one.reason ?? ''))
    lines.push(
      folded(
        words(`? ${counted(own.length, 'number')} not compared: ${plain(reason)} (--all shows them)`),
        ' ',
        2,
        layout,
      ),
    );
  return lines.join('\n');
}

/** What is only counted: numbers that cannot be compared. A layer of another shape is told. */
function isLeftOut({ change, metric }: Difference): boolean {
  return change === 'INCOMPARABLE' && metric !== 'layer';
}

function differenceLine(
  { metric, change, base, head, delta, floor, reason, series }: Difference,
  layout: Layout,
): string {
  const { paint } = layout;
  const { sign, style } = SIGNS[change];
  const unit = metric === 'layer' ? null : metricOf(metric).unit;
  const amount = (value: number): string => amountText(value, unit);
  const ends = base !== null && head !== null ? `${amount(base)} → ${amount(head)}` : '';
  // That a prediction changed is said by its two classes.
  const step = delta === null || metric === 'layer' || metric === 'samplePrediction' ? '' : moveText(delta, metric);
  const moved = step && ends ? `(${delta! > 0 ? '+' : ''}${step})` : step;
  const noise = floor !== null && floor > 0 ? paint('dim', `noise ${amountText(floor, unit)}`) : '';
  const largest = Math.max(...(series?.base ?? []), ...(series?.head ?? []), 0);
  const spectra = series ? `${sparkline(series.base, largest)} → ${sparkline(series.head, largest)}` : '';
  const parts = [
    `  ${paint(style, sign)} ${labelOf(metric)}`,
    spectra,
    ends,
    moved,
    reason ? plain(reason) : '',
    noise,
  ];
  return folded(parts.filter(Boolean), '  ', 6, layout);
}

/** A review as lines: its verdict, what breaks a rule, what could not be applied, and hints. */
export function reviewText(review: Review, layout: Layout): string {
  const { head, findings, unapplied, hints, found, caveats } = review;
  const { paint } = layout;
  const lines = [
    folded([paint('bold', `${plain(head.id)}:`), ...words(verdictOf(review))], ' ', 2, layout),
    folded(words(`baseline: ${plain(found)}`), ' ', 4, layout, '  '),
    ...caveats.map((caveat) => folded([`  ${paint('yellow', '!')}`, ...words(`${plain(caveat)}.`)], ' ', 4, layout)),
    ...findings.map((one) => findingLine(one, layout)),
  ];
  const dim = (text: string): string =>
    paint('dim', folded(words(text), ' ', 4, { paint, columns: layout.columns }, '  '));
  for (const one of gatheredUnapplied(unapplied)) lines.push(dim(`? not applied ${plain(one)}`));
  for (const hint of hints) lines.push(dim(`hint: ${plain(hint)}`));
  return lines.join('\n');
}

function findingLine(
  { level, rule, subject, message }: Pick<StoredFinding, 'level' | 'rule' | 'subject' | 'message'>,
  layout: Layout,
): string {
  const styles = { FAIL: ['red', '✗'], WARN: ['yellow', '!'], PASS: ['green', '✓'] } as const;
  const [style, sign] = styles[level];
  const where = subject === 'model' ? '' : `${plain(subject)}: `;
  const told = words(`${plain(rule)}: ${where}${plain(message)}`);
  return folded([`  ${layout.paint(style, `${sign} ${level.toLowerCase()}`)}`, ...told], ' ', 6, layout);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

const words = (text: string): string[] => text.split(' ');

/** Parts joined, folded where a line would be longer than the terminal is wide; what follows is indented. */
function folded(
  parts: readonly string[],
  between: string,
  indent: number,
  { columns = Infinity }: Layout,
  start = '',
): string {
  const width = (text: string): number => [...stripVTControlCharacters(text)].length;
  const lines: string[] = [];
  let line = start;
  const put = (part: string, gap: string): void => {
    if (line.trim() === '') line += part;
    else if (width(line) + gap.length + width(part) <= columns) line += gap + part;
    else {
      lines.push(line);
      line = ' '.repeat(indent) + part;
    }
  };
  for (const part of parts) {
    // A sentence that no line holds is folded between its words.
    const pieces = width(part) > columns - indent ? words(part) : [part];
    for (const [i, piece] of pieces.entries()) put(piece, i === 0 ? between : ' ');
  }
  return [...lines, line].join('\n');
}
