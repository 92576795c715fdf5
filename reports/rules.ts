// Rules over reports, as the configuration gives them: what a number may be, and how far it may move from a baseline.
import { z } from 'zod';
import { METRIC_NAMES, metricOf, type MetricName, type SubjectKind } from './metrics.ts';

const limit = z.number({ error: 'a number' });
const amount = z.number({ error: 'a number, 0 or more' }).min(0, 'a number, 0 or more');
const pattern = z.string().min(1);

/** The pattern that names the subjects of a kind. */
const PATTERN: Readonly<Record<SubjectKind, 'layers' | 'samples' | 'classes' | null>> = {
  MODEL: null,
  CLASS: 'classes',
  LAYER: 'layers',
  SAMPLE: 'samples',
};

export const ruleSchema = z
  .strictObject({
    /** Its name in findings; the metric's unless given. A rule of the preset with the same name is replaced. */
    id: z.string().min(1).optional(),
    metric: z.enum(METRIC_NAMES as [MetricName, ...MetricName[]], {
      error: `one of ${METRIC_NAMES.join(', ')}`,
    }),
    /** Names with * for anything and {a,b} for alternatives; all unless given. */
    layers: pattern.optional(),
    samples: pattern.optional(),
    classes: pattern.optional(),
    /** What the number itself may be. */
    min: limit.optional(),
    max: limit.optional(),
    /** How far it may move from the baseline. */
    maxDrop: amount.optional(),
    maxRise: amount.optional(),
    maxChange: amount.optional(),
    /**
     * Accuracies only: a move counts if chance would turn as many samples at most this often (sign test), in any of the
     * subjects that the rule is held against (Bonferroni). Every move counts unless given.
     */
    chance: z
      .number({ error: 'a number between 0 and 1' })
      .gt(0, 'a number between 0 and 1')
      .lt(1, 'a number between 0 and 1')
      .optional(),
    /** True: maxDrop, maxRise and maxChange are shares of the baseline's number. */
    relative: z.boolean({ error: 'true or false' }).default(false),
    level: z.enum(['error', 'warn', 'off'], { error: 'error, warn or off' }).default('error'),
  })
  .superRefine((rule, context) => {
    const problem = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [key], message, input: rule });
    const { kind, distance, counted } = metricOf(rule.metric);
    for (const key of ['layers', 'samples', 'classes'] as const) {
      if (rule[key] !== undefined && PATTERN[kind] !== key)
        problem(key, `${PATTERN[kind] ?? 'no pattern'} for ${rule.metric}, which is about a ${kind.toLowerCase()}`);
    }
    const moves = rule.maxDrop ?? rule.maxRise ?? rule.maxChange;
    if (rule.level !== 'off' && moves === undefined && rule.min === undefined && rule.max === undefined)
      problem('metric', 'a limit beside it: min, max, maxDrop, maxRise or maxChange');
    if (rule.min !== undefined && rule.max !== undefined && rule.min > rule.max)
      problem('min', `at most max, which is ${rule.max}`);
    if (distance && (rule.min ?? rule.max ?? rule.maxDrop ?? rule.maxRise) !== undefined)
      problem('metric', `maxChange: ${rule.metric} is a distance from the baseline`);
    if (rule.chance !== undefined && (!counted || moves === undefined))
      problem('chance', 'an accuracy, and maxDrop, maxRise or maxChange beside it');
    if (distance && rule.relative) problem('relative', `false: ${rule.metric} has no number in the baseline`);
  });

export const checksSchema = z.strictObject({
  preset: z.enum(['recommended', 'strict', 'none'], { error: 'recommended, strict or none' }).default('recommended'),
  rules: z.array(ruleSchema).readonly().default([]),
});

export type Rule = z.output<typeof ruleSchema>;
export type Checks = z.output<typeof checksSchema>;

/** The name of a rule in findings. */
export function idOf({ id, metric }: Rule): string {
  return id ?? metric;
}

/** The pattern of a rule, and whether a name fits it. */
export function fits(rule: Rule, name: string): boolean {
  const key = PATTERN[metricOf(rule.metric).kind];
  const glob = key === null ? undefined : rule[key];
  if (glob === undefined) return true;
  const escaped = (text: string): string => text.replace(/[.+?^$()|[\]\\{}]/g, '\\$&').replaceAll('*', '.*');
  const parts = glob
    .split(/(\{[^{}]*\})/)
    .map((part) =>
      /^\{.*\}$/s.test(part) ? `(?:${part.slice(1, -1).split(',').map(escaped).join('|')})` : escaped(part),
    );
  return new RegExp(`^${parts.join('')}$`, 's').test(name);
}
