// The comment on a pull request, from reviews: the verdict in words, then what fails, what is worse and what is better, then
// each layer, then what was compared with what.
import { amountText, gatheredUnapplied, labelOf, moveText } from './checks.ts';
import { escaped, fitted, folded, markdownTable, nameAsCode } from './markdown.ts';
import { METRIC_NAMES, metricOf, type MetricName } from './metrics.ts';
import { countsOf, verdictOf, type Review } from './review.ts';

const MOST_ROWS = 20;
const MOST_SAMPLES = 10;
const LONGEST_SENTENCE = 300;

export interface CommentFacts {
  /** Distinguishes the comments of several checks on one pull request. */
  readonly key: string;
  /** The commit that was analysed. */
  readonly commit?: string | undefined;
  /** The address of the run, with its artifacts. */
  readonly run?: string | undefined;
}

/** What the comment begins with, and is found by. */
export function markerOf(key: string): string {
  return `<!-- eigenlens: ${key.replace(/[^\w.-]/g, '-').slice(0, 60)} -->`;
}

/** The comment as Markdown, below 64,000 characters. */
export function commentOn(reviews: readonly Review[], { key, commit, run }: CommentFacts): string {
  const { failed, warned } = countsOf(reviews);
  const mark = failed > 0 ? '❌' : warned > 0 ? '⚠️' : '✅';
  const title = failed > 0 ? 'rules are broken' : warned > 0 ? 'look at the warnings' : 'no rule is broken';
  const several = reviews.length > 1;
  const sections = reviews.flatMap((review) => sectionOf(review, several));
  const links = [commit && `head ${nameAsCode(commit.slice(0, 10))}`, run && safeLink('pictures and numbers', run)];
  const footer = links.filter(Boolean).join(' · ');
  return `${fitted([
    { text: `${markerOf(key)}\n### ${mark} Eigenlens: ${title}`, needed: true },
    ...sections,
    ...(footer ? [{ text: footer, needed: true }] : []),
  ])}\n`;
}

interface Part {
  readonly text: string;
  readonly needed?: boolean;
}

function sectionOf(review: Review, several: boolean): Part[] {
  const { head, base, found, unapplied, hints, caveats } = review;
  // What cannot be compared changed nothing; a layer of another shape did.
  const differences = review.differences.filter(
    ({ change, metric }) => change !== 'INCOMPARABLE' || metric === 'layer',
  );
  const rows = rowsOf(review);
  const parts: Part[] = [];
  const intro = `**${several ? `${nameAsCode(head.id)}: ` : ''}${escaped(verdictOf(review), LONGEST_SENTENCE)}**`;
  parts.push({ text: intro, needed: !several });
  for (const caveat of caveats) parts.push({ text: `> ⚠️ ${escaped(caveat, LONGEST_SENTENCE)}.` });
  if (rows.length > 0) {
    const more = rows.length > MOST_ROWS ? `\n\n_and ${rows.length - MOST_ROWS} more_` : '';
    parts.push({
      text: markdownTable(['', 'where', 'what', 'base', 'head'], rows.slice(0, MOST_ROWS)) + more,
    });
  }
  const layers = Map.groupBy(
    differences.filter(({ kind }) => kind === 'LAYER'),
    ({ subject }) => subject,
  );
  for (const [layer, own] of layers) {
    parts.push({ text: folded(`Layer ${nameAsCode(layer)}: ${own.length} changed`, differenceTable(own)) });
  }
  const samples = differences
    .filter(({ kind }) => kind === 'SAMPLE')
    .toSorted((a, b) => Math.abs(b.delta ?? 0) - Math.abs(a.delta ?? 0));
  if (samples.length > 0) {
    const shown = samples.slice(0, MOST_SAMPLES);
    const title = `Samples: ${samples.length} changed numbers${samples.length > shown.length ? `, the largest ${shown.length}` : ''}`;
    parts.push({ text: folded(title, differenceTable(shown)) });
  }
  if (unapplied.length > 0) {
    const lines = gatheredUnapplied(unapplied)
      .slice(0, MOST_ROWS)
      .map((one) => `- ${escaped(one, LONGEST_SENTENCE)}`);
    parts.push({ text: folded(`Rules that could not be applied: ${unapplied.length}`, lines.join('\n')) });
  }
  if (hints.length > 0) {
    const lines = hints.slice(0, MOST_ROWS).map((hint) => `- ${escaped(hint, LONGEST_SENTENCE)}`);
    parts.push({ text: folded('Limits that could be tighter', lines.join('\n')) });
  }
  const against = base ? `report ${nameAsCode(base.digest.slice(0, 12))}` : 'none';
  parts.push({
    text: `<sub>report ${nameAsCode(head.id)} ${nameAsCode(head.digest.slice(0, 12))} · settings ${nameAsCode(head.settings.slice(0, 12))} · baseline ${against}: ${escaped(found, LONGEST_SENTENCE)} · eigenlens ${escaped(head.version)} on ${escaped(head.backend)}</sub>`,
    needed: !several,
  });
  return parts;
}

/** Failing, then warnings, then what is worse, then what is better. */
function rowsOf({ findings, differences }: Review): string[][] {
  const words = { FAIL: '❌ fails', WARN: '⚠️ warning', PASS: '' } as const;
  const told = new Set<string>();
  const broken = findings
    .filter(({ level }) => level !== 'PASS')
    .map(({ level, rule, subject, message }) => {
      told.add(`${rule}\n${subject}`);
      const difference = differences.find((one) => one.metric === rule && one.subject === subject);
      const [base, head] = difference ? ends(difference) : ['', ''];
      return [words[level], nameAsCode(subject), escaped(message, LONGEST_SENTENCE), base, head];
    });
  const moved = (change: 'WORSE' | 'BETTER', word: string): string[][] =>
    differences
      .filter((one) => one.change === change && one.kind !== 'SAMPLE' && !told.has(`${one.metric}\n${one.subject}`))
      .map((one) => [word, nameAsCode(one.subject), escaped(labelFor(one.metric)), ...ends(one)]);
  return [...broken, ...moved('WORSE', '▼ worse'), ...moved('BETTER', '▲ better')];
}

function differenceTable(differences: readonly Review['differences'][number][]): string {
  const rows = differences.map((one) => {
    const subject = one.kind === 'SAMPLE' ? `${nameAsCode(one.subject)}: ` : '';
    const reason = one.reason ? `: ${escaped(one.reason, LONGEST_SENTENCE)}` : '';
    return [`${subject}${escaped(labelFor(one.metric))}${reason}`, ...ends(one), moved(one)];
  });
  return markdownTable(['what', 'base', 'head', 'change'], rows);
}

function isMetric(name: string): name is MetricName {
  return (METRIC_NAMES as readonly string[]).includes(name);
}

function labelFor(metric: string): string {
  return isMetric(metric) ? labelOf(metric) : metric;
}

function amount(metric: string, value: number | null): string {
  return value === null ? '' : escaped(amountText(value, isMetric(metric) ? metricOf(metric).unit : null));
}

function moved({ metric, delta }: Review['differences'][number]): string {
  return delta === null || !isMetric(metric) ? '' : escaped(moveText(delta, metric));
}

function ends({ metric, base, head }: Review['differences'][number]): [string, string] {
  return [amount(metric, base), amount(metric, head)];
}

/** A link only to a plain https (or local http) address. */
function safeLink(label: string, address: string): string | false {
  return /^https?:\/\/[\w./:-]+$/.test(address) && `[${label}](${address})`;
}
