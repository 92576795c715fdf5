// Rules -> findings: absolute limits on the numbers of a report, relative ones on how far they moved from a baseline. What
// moved less than its noise floor breaks no rule; a rule that cannot be applied is told, never passed.
import { isBeyond, type Difference } from './difference.ts';
import type { StoredFinding } from './format.ts';
import { measure, type Measurement } from './measurements.ts';
import { metricOf, type Metric, type MetricName } from './metrics.ts';
import type { StoredReport } from './reader.ts';
import { fits, idOf, ruleSchema, type Checks, type Rule } from './rules.ts';

const rules = (given: readonly Parameters<typeof ruleSchema.parse>[0][]): readonly Rule[] =>
  given.map((rule) => ruleSchema.parse(rule));

/**
 * What a change of training may not do, and what it should make somebody look at. Training again with another seed must keep
 * these, so accuracies count only where the samples that turned are more than chance turns, and a network may change about
 * as many predictions as it and its successor err.
 */
const recommended = rules([
  { metric: 'failedParts', max: 0 },
  { metric: 'completenessError', max: 1e-4 },
  { metric: 'accuracy', maxDrop: 0.02, chance: 0.05 },
  { metric: 'classAccuracy', maxDrop: 0.15, chance: 0.05 },
  { metric: 'rank', maxDrop: 0.25, relative: true },
  { metric: 'layersChanged', maxChange: 0, level: 'warn' },
  { metric: 'incomparable', maxChange: 0, level: 'warn' },
  { metric: 'predictionsChanged', maxChange: 0.2, level: 'warn' },
  { metric: 'effectiveRank', maxDrop: 0.25, relative: true, level: 'warn' },
  { metric: 'inactiveShare', maxRise: 0.25, level: 'warn' },
  { metric: 'rightInTrace', maxDrop: 0.25, level: 'warn' },
]);

/** For a model that should stay as it is: compressed, converted, refactored or fine-tuned. */
const strict = rules([
  { metric: 'failedParts', max: 0 },
  { metric: 'completenessError', max: 1e-5 },
  { metric: 'accuracy', maxDrop: 0.005 },
  { metric: 'classAccuracy', maxDrop: 0.05 },
  { metric: 'predictionsChanged', maxChange: 0.01 },
  { metric: 'layersChanged', maxChange: 0 },
  { metric: 'incomparable', maxChange: 0 },
  { metric: 'rank', maxDrop: 0.05, relative: true },
  { metric: 'effectiveRank', maxChange: 0.1, relative: true },
  { metric: 'spectrum', maxChange: 0.1 },
  { metric: 'inputAngle', maxChange: 0.35 },
  { metric: 'inactiveShare', maxChange: 0.05 },
  { metric: 'representationalPower', maxChange: 0.1 },
  { metric: 'rightInTrace', maxDrop: 0.05 },
  { metric: 'tracesChanged', maxChange: 0.1 },
  { metric: 'residualShare', maxChange: 0.05 },
  { metric: 'sampleVotes', maxChange: 0.25, level: 'warn' },
  { metric: 'sampleContributions', maxChange: 0.25, level: 'warn' },
]);

export const PRESETS: Readonly<Record<Checks['preset'], readonly Rule[]>> = { recommended, strict, none: [] };

/** A rule that could not be applied, and why. */
export interface Unapplied {
  readonly rule: string;
  readonly subject: string | null;
  readonly reason: string;
}

export interface CheckResult {
  /** What broke a rule, worst first, then one PASS for each rule that holds everywhere. */
  readonly findings: readonly StoredFinding[];
  readonly unapplied: readonly Unapplied[];
  /** Limits that could be tighter. */
  readonly hints: readonly string[];
}

/** The rules of a preset with those of the project: a rule of the same name replaces the preset's, `off` takes it out. */
export function rulesOf({ preset, rules: own }: Checks): readonly Rule[] {
  const names = new Set(own.map(idOf));
  return [...PRESETS[preset].filter((rule) => !names.has(idOf(rule))), ...own].filter(({ level }) => level !== 'off');
}

/** Holds a report against rules, and against its baseline where `differences` from it are given. */
export async function checkReport(
  report: StoredReport,
  differences: readonly Difference[] | null,
  given: readonly Rule[],
): Promise<CheckResult> {
  const measurements = await measure(report);
  const results = given.map((rule) => applyRule(rule, measurements, differences));
  const own = report.model.findings.filter(({ level }) => level !== 'PASS');
  return gathered([{ findings: own, unapplied: [], hints: [] }, ...results]);
}

/** Holds differences alone against the relative limits among the rules. */
export function checkComparison(differences: readonly Difference[], given: readonly Rule[]): CheckResult {
  return gathered(given.filter(isRelative).map((rule) => applyRelative(rule, differences)));
}

const LEVELS = ['FAIL', 'WARN', 'PASS'];

function gathered(results: readonly CheckResult[]): CheckResult {
  const findings = results.flatMap((result) => result.findings);
  return {
    findings: findings.toSorted((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level)),
    unapplied: results.flatMap((result) => result.unapplied),
    hints: results.flatMap((result) => result.hints),
  };
}

function isRelative({ maxDrop, maxRise, maxChange }: Rule): boolean {
  return (maxDrop ?? maxRise ?? maxChange) !== undefined;
}

function applyRule(
  rule: Rule,
  measurements: readonly Measurement[],
  differences: readonly Difference[] | null,
): CheckResult {
  const parts: CheckResult[] = [];
  if (rule.min !== undefined || rule.max !== undefined) parts.push(applyAbsolute(rule, measurements));
  if (isRelative(rule)) {
    const none: CheckResult = {
      findings: [],
      unapplied: [{ rule: idOf(rule), subject: null, reason: 'there is no baseline' }],
      hints: [],
    };
    parts.push(differences ? applyRelative(rule, differences) : none);
  }
  return gathered(parts);
}

/** One subject held against one limit. */
interface Judged {
  readonly subject: string;
  readonly value: number;
  readonly limit: number;
  readonly floor: number;
  /** By how much the limit is exceeded; negative where it is kept. */
  readonly excess: number;
  readonly broken: boolean;
  readonly message: string;
}

/** Sums of decimal fractions are off by this much. */
const ARITHMETIC = 1e-9;

function applyAbsolute(rule: Rule, measurements: readonly Measurement[]): CheckResult {
  const { metric, min, max } = rule;
  const { label, unit } = metricOf(metric);
  const own = measurements.filter((one) => one.metric === metric && fits(rule, one.subject));
  const judged = own.map(({ subject, value, floor }): Judged => {
    const [below, above] = [min === undefined ? -Infinity : min - value, max === undefined ? -Infinity : value - max];
    const [excess, limit, word] = below > above ? [below, min!, 'below'] : [above, max!, 'above'];
    const broken = excess > floor + ARITHMETIC;
    const told = `${capital(label)} is ${amountText(value, unit)}`;
    const message = broken ? `${told}, ${word} the limit of ${amountText(limit, unit)}.` : `${told}.`;
    return { subject, value, limit, floor, excess, broken, message };
  });
  return concluded(rule, judged, [], hintsFor(rule, own));
}

function applyRelative(rule: Rule, differences: readonly Difference[]): CheckResult {
  const { metric, maxDrop, maxRise, maxChange, relative, chance: allowed } = rule;
  const { label, unit, distance, counted } = metricOf(metric);
  const own = differences.filter((one) => one.metric === metric && fits(rule, one.subject));
  const unapplied = own
    .filter(({ change }) => change === 'INCOMPARABLE')
    .map(({ subject, reason }) => ({ rule: idOf(rule), subject, reason: reason ?? 'it cannot be compared' }));
  const compared = own.filter(({ delta }) => delta !== null);
  const judged = compared.map(({ subject, base, head, delta, floor, reason, chance }): Judged => {
    const scale = relative ? Math.max(Math.abs(base ?? 0), 1e-30) : 1;
    const limits = [
      { limit: maxDrop, moved: -delta!, word: 'fell' },
      { limit: maxRise, moved: delta!, word: 'rose' },
      { limit: maxChange, moved: Math.abs(delta!), word: 'moved' },
    ].flatMap((one) => (one.limit === undefined ? [] : [{ ...one, limit: one.limit }]));
    const worst = limits
      .map((one) => ({ ...one, excess: one.moved / scale - one.limit }))
      .reduce((a, b) => (b.excess > a.excess ? b : a));
    const exceeds = worst.excess > ARITHMETIC && isBeyond(delta!, floor ?? 0);
    const byChance = allowed !== undefined && (chance ?? 0) * compared.length > allowed;
    const broken = exceeds && !byChance;
    const step = (x: number): string => (relative ? amountText(x, 'share') : moveText(x, metric));
    const moved = step(Math.abs(delta!) / scale);
    const from = base === null || head === null ? '' : ` from ${amountText(base, unit)} to ${amountText(head, unit)}`;
    const what = distance
      ? `${capital(label)}: ${amountText(delta!, unit)}${reason ? ` (${reason})` : ''}`
      : !isBeyond(delta!, floor ?? 0)
        ? `${capital(label)} is unchanged${base === null ? '' : ` at ${amountText(head!, unit)}`}`
        : `${capital(label)} ${delta! < 0 ? 'fell' : 'rose'}${from} (${moved})`;
    const turned = counted && reason !== null ? `: ${reason}` : '';
    const message = broken
      ? `${what}; allowed is ${step(worst.limit)}${turned}.`
      : exceeds
        ? `${what}, which may be chance${turned}.`
        : `${what}.`;
    const value = relative ? delta! / scale : delta!;
    const noise = (floor ?? 0) / scale;
    return { subject, value, limit: worst.limit, floor: noise, excess: worst.excess, broken, message };
  });
  return concluded(rule, judged, unapplied, []);
}

/** A finding for each subject that breaks the rule; one that it holds, at the subject that comes nearest to the limit. */
function concluded(
  rule: Rule,
  judged: readonly Judged[],
  unapplied: readonly Unapplied[],
  hints: readonly string[],
): CheckResult {
  const { unit: own } = metricOf(rule.metric);
  const unit = rule.relative && isRelative(rule) ? 'share' : own;
  const finding = (
    { subject, value, limit, floor, message }: Judged,
    level: StoredFinding['level'],
  ): StoredFinding => ({ rule: idOf(rule), level, subject, value, limit, floor, unit, message });
  if (judged.length === 0) {
    const given = rule.layers ?? rule.samples ?? rule.classes;
    const reason = `the report has no ${metricOf(rule.metric).label}${given === undefined ? '' : ` of anything named ${given}`}`;
    return {
      findings: [],
      unapplied: unapplied.length > 0 ? unapplied : [{ rule: idOf(rule), subject: null, reason }],
      hints,
    };
  }
  const sorted = judged.toSorted((a, b) => b.excess - a.excess);
  const broken = sorted.filter((one) => one.broken);
  const level = rule.level === 'warn' ? 'WARN' : 'FAIL';
  const findings = broken.length > 0 ? broken.map((one) => finding(one, level)) : [finding(sorted[0]!, 'PASS')];
  return { findings, unapplied, hints };
}

/** Where every number keeps well clear of an absolute limit, the limit that would still hold. */
function hintsFor(rule: Rule, own: readonly Measurement[]): string[] {
  if (own.length === 0) return [];
  const hints: string[] = [];
  const suggest = (side: 'min' | 'max', limit: number | undefined, worst: Measurement, sign: 1 | -1): void => {
    if (limit === undefined) return;
    // A tenth of the way and the noise stay free.
    const room = sign * (worst.value - limit);
    const tighter = rounded(worst.value - sign * Math.max(worst.floor, room / 10), sign);
    if (room <= Math.max(worst.floor, Math.abs(limit) / 20) || sign * (tighter - limit) <= 0) return;
    const { label, unit } = metricOf(rule.metric);
    hints.push(
      `${idOf(rule)}: ${side} could be ${tighter} instead of ${limit}; the nearest ${label} is ${amountText(worst.value, unit)}${worst.subject === 'model' ? '' : ` (${worst.subject})`}.`,
    );
  };
  suggest(
    'min',
    rule.min,
    own.reduce((a, b) => (b.value < a.value ? b : a)),
    1,
  );
  suggest(
    'max',
    rule.max,
    own.reduce((a, b) => (b.value > a.value ? b : a)),
    -1,
  );
  return hints;
}

/** Two significant digits, away from the number that a limit must let through. */
function rounded(value: number, sign: 1 | -1): number {
  if (value === 0) return 0;
  const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 1);
  return Number(((sign > 0 ? Math.floor(value / step) : Math.ceil(value / step)) * step).toPrecision(2));
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}

/** Those of one rule and reason as one: `classAccuracy: the samples differ (10 times)`. */
export function gatheredUnapplied(unapplied: readonly Unapplied[]): string[] {
  return [...Map.groupBy(unapplied, ({ rule, reason }) => `${rule}: ${reason}`)].map(([told, own]) => {
    const { subject } = own[0]!;
    return own.length > 1
      ? `${told} (${own.length} times)`
      : subject && subject !== 'model'
        ? `${told} (${subject})`
        : told;
  });
}

/** A number of a metric as a person reads it: `97.5 %`, `0.31 rad`, `4`. */
export function amountText(value: number, unit: Metric['unit']): string {
  if (unit === 'share') return `${Number((100 * value).toPrecision(3))} %`;
  const number = Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
  return unit === 'radians'
    ? `${number} rad`
    : unit === 'layers'
      ? `${number} ${number === '1' ? 'layer' : 'layers'}`
      : number;
}

/** How far a number of a metric moved: a share that goes from 94 % to 92 % moves by 2 points, whatever part of it that is. */
export function moveText(value: number, metric: MetricName): string {
  const { unit, distance } = metricOf(metric);
  if (unit !== 'share' || distance) return amountText(value, unit);
  const points = String(Number((100 * value).toPrecision(3)));
  return `${points} ${/^-?1$/.test(points) ? 'point' : 'points'}`;
}

/** A metric's or `layer`'s name as a person says it. */
export function labelOf(metric: MetricName | 'layer'): string {
  return metric === 'layer' ? 'layer' : metricOf(metric).label;
}
