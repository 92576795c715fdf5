// A comparison as Markdown: what `diff --format md` prints.
import { amountText, labelOf, moveText } from './checks.ts';
import type { ReportComparison } from './compare.ts';
import type { Difference } from './difference.ts';
import { escaped, fitted, markdownTable, nameAsCode } from './markdown.ts';
import { metricOf } from './metrics.ts';

const MOST_ROWS = 50;
const LONGEST_SENTENCE = 300;

/** A table for each kind of subject, below 64,000 characters. */
export function comparisonMarkdown(
  { identical, caveats, differences }: ReportComparison,
  { base, head, all = false }: { base: string; head: string; all?: boolean },
): string {
  const told = all ? differences : differences.filter(({ change }) => change !== 'UNCHANGED');
  const title = `### ${nameAsCode(base)} → ${nameAsCode(head)}`;
  const verdict = identical
    ? '**Unchanged: the two reports are equal to the byte.**'
    : !differences.some(({ change }) => change !== 'UNCHANGED' && change !== 'INCOMPARABLE')
      ? '**Unchanged: no number moved beyond its noise floor.**'
      : `**${told.length} ${told.length === 1 ? 'difference' : 'differences'}, of ${differences.length} numbers.**`;
  const sections = [...Map.groupBy(told, ({ kind }) => kind)].map(([kind, own]) => {
    const rows = own.slice(0, MOST_ROWS).map((one) => rowOf(one));
    const more = own.length > rows.length ? `\n\n_and ${own.length - rows.length} more_` : '';
    const table = markdownTable([kind.toLowerCase(), 'what', 'base', 'head', 'change', 'noise', ''], rows);
    return { text: `${table}${more}` };
  });
  const warned = caveats.map((caveat) => `> ⚠️ ${escaped(caveat, LONGEST_SENTENCE)}.\n\n`).join('');
  return fitted([{ text: `${title}\n\n${warned}${verdict}`, needed: true }, ...sections]);
}

function rowOf({ subject, metric, change, base, head, delta, floor, reason }: Difference): string[] {
  const unit = metric === 'layer' ? null : metricOf(metric).unit;
  const amount = (value: number | null): string => (value === null ? '' : escaped(amountText(value, unit)));
  const moved = delta === null || metric === 'layer' ? '' : escaped(moveText(delta, metric));
  const words = change.toLowerCase();
  const what = `${escaped(labelOf(metric))}${reason ? `: ${escaped(reason, LONGEST_SENTENCE)}` : ''}`;
  return [nameAsCode(subject), what, amount(base), amount(head), moved, amount(floor), words];
}
