// Vega-Lite specs become inline SVG while the site is built: no script, no style attribute, colours from custom properties
// (so one drawing serves light, dark and print), and one accessible name instead of Vega's role on every mark.
import { compile, type TopLevelSpec } from 'vega-lite';
import * as vega from 'vega';

/** Width of every chart in CSS pixels, axes included: one scale for all, legible down to a 320 px screen. */
export const CHART_WIDTH = 368;

/** The axis of names (layers, outputs): long ones lose their middle, because their ends tell them apart. */
export const NAME_AXIS = {
  title: null,
  labelExpr: "length(datum.label) > 22 ? slice(datum.label, 0, 8) + '…' + slice(datum.label, -13) : datum.label",
};

// Without a canvas Vega takes every letter for 0.8 em, which would waste a third of the plot. Widths of common sans-serif fonts:
// Vega exports this, its types do not.
const { textMetrics } = vega as unknown as { textMetrics: { width: unknown } };
textMetrics.width = (item: { fontSize?: number }, text?: string | number) =>
  [...String(text ?? '')].reduce((sum, letter) => sum + advanceOf(letter), 0) * (item.fontSize ?? 11);

function advanceOf(letter: string): number {
  if ("iljtfI.,:;|!'()[] /".includes(letter)) return 0.36;
  if ('mwMW@%…—→'.includes(letter)) return 0.92;
  return letter !== letter.toLowerCase() ? 0.7 : 0.6;
}

const CONFIG: TopLevelSpec['config'] = {
  background: undefined,
  padding: { left: 2, right: 8, top: 6, bottom: 2 },
  view: { stroke: null },
  font: 'sans-serif',
  axis: {
    labelLimit: 0,
    labelColor: 'var(--chart-label)',
    titleColor: 'var(--chart-label)',
    gridColor: 'var(--chart-grid)',
    domainColor: 'var(--chart-axis)',
    tickColor: 'var(--chart-axis)',
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 500,
    titlePadding: 8,
    labelPadding: 4,
    labelSeparation: 5,
    tickSize: 4,
    grid: true,
  },
  axisX: { grid: false },
  axisBand: { grid: false, ticks: false, domain: false },
  legend: {
    labelColor: 'var(--chart-label)',
    titleColor: 'var(--chart-label)',
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 500,
    symbolStrokeWidth: 2,
    orient: 'top',
    direction: 'horizontal',
    labelLimit: 220,
    title: null,
    offset: 6,
  },
  title: { color: 'var(--chart-label)', fontSize: 12, fontWeight: 600, anchor: 'start', offset: 8 },
  range: { category: ['var(--series-1)', 'var(--series-2)', 'var(--series-3)', 'var(--series-4)', 'var(--series-0)'] },
  bar: { fill: 'var(--series-1)' },
  line: { stroke: 'var(--series-1)', strokeWidth: 2 },
  point: { fill: 'var(--series-1)', stroke: null, filled: true, size: 36 },
  rule: { stroke: 'var(--chart-axis)' },
  text: { fill: 'var(--chart-label)', fontSize: 11 },
};

export interface ChartText {
  /** Unique on its page; the ids of title and description are made from it. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
}

// Vega-Lite says on every chart of bars that only its width can be fitted, which is what is asked for.
const QUIET = {
  level: () => QUIET,
  error: (...parts: readonly unknown[]) => {
    throw new Error(parts.join(' '));
  },
  warn: () => QUIET,
  info: () => QUIET,
  debug: () => QUIET,
};

/** Draws a Vega-Lite spec as one SVG element with an accessible name; the same spec gives the same bytes. */
export async function drawChart(spec: object, { id, title, description }: ChartText): Promise<string> {
  const { config, ...rest } = spec as TopLevelSpec & { config?: object };
  const full = {
    width: CHART_WIDTH,
    height: 160,
    autosize: { type: 'fit-x', contains: 'padding' },
    ...rest,
    background: null,
    config: { ...CONFIG, ...config },
  } as unknown as TopLevelSpec;
  const view = new vega.View(vega.parse(compile(full, { logger: QUIET }).spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  const opening = /^<svg[^>]*>/.exec(svg)?.[0] ?? '';
  const [width, height] = ['width', 'height'].map((name) => new RegExp(`${name}="([^"]*)"`).exec(opening)?.[1] ?? '0');
  return [
    `<svg class="chart-svg" role="img" aria-labelledby="${id}-title ${id}-description" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title id="${id}-title">${escapeText(title)}</title><desc id="${id}-description">${escapeText(description)}</desc>`,
    slimSvg(svg.slice(opening.length).replace(/<\/svg>$/, '')),
    '</svg>',
  ].join('');
}

// Vega writes for editing: roles and labels on each mark (wrong inside role=img), invisible labels, empty paths, groups without meaning.
const NOISE =
  / (?:class|role|aria-[a-z]+|pointer-events|font-family|stroke-miterlimit|opacity="1"|text-anchor="start")(?:="[^"]*")?/g;

/** Takes out what a reader cannot see and rounds coordinates to a tenth of a pixel; about a third of Vega's bytes stay. */
export function slimSvg(markup: string): string {
  const tokens = markup
    .replace(/<text[^>]* opacity="0"[^>]*>[^<]*<\/text>/g, '')
    .replace(/<path[^>]* d="(?:M0,0h0v0h0Z)?"[^>]*\/>/g, '')
    .replace(NOISE, '')
    .replace(/<path d="[^"]*"\/>(?=<g>)/g, '')
    // Only inside tags: a tick label of 0.05 is not a coordinate.
    .replace(/<[^>]+>/g, (tag) => tag.replace(/-?\d+\.\d{2,}(?:e-?\d+)?/g, roundCoordinate))
    .replace(/ transform="translate\(0,0\)"/g, '')
    .match(/<[^>]+>|[^<]+/g);
  // A group without attributes or content says nothing: its tags go, the content stays.
  const kept: string[] = [];
  const groups: { at: number; bare: boolean }[] = [];
  for (const token of tokens ?? []) {
    if (token.startsWith('<g') && !token.endsWith('/>')) {
      groups.push({ at: kept.length, bare: token === '<g>' });
      kept.push(token);
    } else if (token === '</g>') {
      const group = groups.pop();
      if (group && kept.length === group.at + 1) kept.pop();
      else if (group?.bare) kept[group.at] = '';
      else kept.push(token);
    } else kept.push(token);
  }
  return kept.join('');
}

function roundCoordinate(number: string): string {
  return String(Math.round(Number(number) * 10) / 10);
}

/** Text safe inside an element. */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** At most `limit` entries of a long list for drawing: the first, the last and evenly spread ones (on a log scale of the index). */
export function thin<T>(values: readonly T[], limit = 64): { index: number; value: T }[] {
  const all = values.map((value, index) => ({ index, value }));
  if (all.length <= limit) return all;
  const chosen = new Set<number>();
  for (let step = 0; step < limit; step++) {
    chosen.add(Math.round(Math.exp((step / (limit - 1)) * Math.log(values.length))) - 1);
  }
  return all.filter(({ index }) => chosen.has(index));
}
