import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkComparison, checkReport, PRESETS, rulesOf } from '../../reports/checks.ts';
import type { Difference } from '../../reports/difference.ts';
import { metricOf, type MetricName } from '../../reports/metrics.ts';
import type { StoredReport } from '../../reports/reader.ts';
import { checksSchema, idOf, ruleSchema, type Rule } from '../../reports/rules.ts';
import { openStore } from '../../reports/store.ts';
import { sampleReport, writeSampleReport } from '../support/sample-report.ts';

let folder: string;
let report: StoredReport;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checks-'));
  await writeSampleReport(folder, 'sample', sampleReport({ samples: 8, detailed: 2 }));
  report = await openStore(folder).report('sample');
});
afterAll(() => rm(folder, { recursive: true }));

const rule = (given: object): Rule => ruleSchema.parse(given);

/** A difference of a metric by `delta` from 10, with no noise unless given. */
function difference(metric: MetricName, delta: number, more: Partial<Difference> = {}): Difference {
  const { kind, distance } = metricOf(metric);
  const [base, head] = distance ? [null, null] : [10, 10 + delta];
  const subject = kind === 'MODEL' ? 'model' : 'one';
  return { kind, subject, metric, change: 'CHANGED', base, head, delta, floor: 0, reason: null, ...more };
}

const levels = (differences: Difference[], given: Rule): string[] =>
  checkComparison(differences, [given]).findings.map(({ level }) => level);

describe.each(['recommended', 'strict'] as const)('every rule of the preset %s', (preset) => {
  const named = PRESETS[preset].map((one) => [idOf(one), one] as const);

  it.each(named)('%s can be kept and can be broken', async (_, one) => {
    const bad = one.level === 'warn' ? 'WARN' : 'FAIL';
    const allowed = one.maxDrop ?? one.maxRise ?? one.maxChange;
    if (allowed === undefined) {
      const held = { ...one, metric: 'accuracy', min: undefined, max: 2 } as const;
      expect((await checkReport(report, null, [held])).findings.at(-1)!.level).toBe('PASS');
      const broken = (await checkReport(report, null, [{ ...held, max: -1 }])).findings;
      expect(broken.find(({ rule: name }) => name === 'accuracy' || name === idOf(one))!.level).not.toBe('PASS');
      return;
    }
    const sign = one.maxDrop === undefined ? 1 : -1;
    const limit = allowed * (one.relative ? 10 : 1);
    expect(levels([difference(one.metric, sign * limit)], one)).toEqual(['PASS']);
    expect(levels([difference(one.metric, sign * (limit * 1.01 + 1e-6))], one)).toEqual([bad]);
  });

  it.each(named)('%s is not broken by a change below its noise floor', (_, one) => {
    const allowed = one.maxDrop ?? one.maxRise ?? one.maxChange;
    if (allowed === undefined) return;
    const delta = (one.maxDrop === undefined ? 1 : -1) * (allowed * 10 + 1);
    expect(levels([difference(one.metric, delta, { floor: Math.abs(delta) })], one)).toEqual(['PASS']);
    expect(levels([difference(one.metric, delta, { floor: Math.abs(delta) * 0.99 })], one)).not.toEqual(['PASS']);
  });
});

describe('absolute limits', () => {
  const accuracy = () => report.model.accuracy!;

  it('hold a number from below and from above', async () => {
    const level = async (limits: object) =>
      (await checkReport(report, null, [rule({ metric: 'accuracy', id: 'own', ...limits })])).findings.find(
        ({ rule: id }) => id === 'own',
      )!.level;
    expect(await level({ min: accuracy() })).toBe('PASS');
    expect(await level({ min: accuracy() + 0.01 })).toBe('FAIL');
    expect(await level({ max: accuracy() })).toBe('PASS');
    expect(await level({ max: accuracy() - 0.01 })).toBe('FAIL');
    expect(await level({ max: accuracy() - 0.01, level: 'warn' })).toBe('WARN');
  });

  it('are kept by a number that misses them by its own noise', async () => {
    const power = report.layers[0]!.representationalPower[0]!;
    const held = (min: number) =>
      checkReport(report, null, [rule({ id: 'own', metric: 'representationalPower', layers: 'features/conv1', min })]);
    const floor = 1 / (power.samples! * power.neurons!);
    const level = async (min: number) => (await held(min)).findings.find(({ rule: id }) => id === 'own')!.level;
    expect(await level(power.share + floor * 0.9)).toBe('PASS');
    expect(await level(power.share + floor * 1.1)).toBe('FAIL');
  });

  it('come with a hint where they could be tighter, and only there', async () => {
    const hints = async (limits: object) =>
      (await checkReport(report, null, [rule({ metric: 'accuracy', ...limits })])).hints;
    expect(accuracy()).toBe(0.75);
    expect(await hints({ min: 0.1 })).toEqual([
      'accuracy: min could be 0.68 instead of 0.1; the nearest accuracy is 75 %.',
    ]);
    expect(await hints({ min: 0.74 })).toEqual([]);
    expect(await hints({ min: 0.8 })).toEqual([]);
    expect(await hints({ max: 1 })).toEqual([
      'accuracy: max could be 0.78 instead of 1; the nearest accuracy is 75 %.',
    ]);
  });

  it('pass on what the report itself found', async () => {
    const { findings } = await checkReport(report, null, []);
    expect(findings.map(({ level, rule: id }) => [level, id])).toEqual([
      ['FAIL', 'accuracy'],
      ['WARN', 'spectrum-alpha'],
    ]);
  });

  it('count the parts that failed', async () => {
    const { findings } = await checkReport(report, null, [rule({ metric: 'failedParts', max: 0 })]);
    expect(findings.find(({ rule: id }) => id === 'failedParts')).toMatchObject({ level: 'FAIL', value: 2 });
  });
});

describe('rules', () => {
  it('apply to the layers, classes or samples whose names fit', () => {
    const two = [
      difference('rank', -9, { subject: 'conv1' }),
      difference('rank', -9, { subject: 'fc.1' }),
      difference('rank', -9, { subject: 'fcx1' }),
    ];
    const subjects = (layers: string) =>
      checkComparison(two, [rule({ metric: 'rank', maxDrop: 1, layers })]).findings.map(({ subject }) => subject);
    expect(subjects('conv*')).toEqual(['conv1']);
    expect(subjects('{conv1,fc.1}')).toEqual(['conv1', 'fc.1']);
    expect(subjects('fc.1')).toEqual(['fc.1']);
  });

  it('name the worst first, and one subject when all hold', () => {
    const both = [difference('rank', -2, { subject: 'a' }), difference('rank', -5, { subject: 'b' })];
    const found = (maxDrop: number) => checkComparison(both, [rule({ metric: 'rank', maxDrop })]).findings;
    expect(found(1).map(({ subject }) => subject)).toEqual(['b', 'a']);
    expect(found(9).map(({ subject, level }) => [subject, level])).toEqual([['b', 'PASS']]);
    expect(found(1)[0]!.message).toBe('Rank fell from 10 to 5 (5); allowed is 1.');
  });

  it('take a limit as a share of the baseline when they are relative', () => {
    const given = rule({ metric: 'rank', maxDrop: 0.5, relative: true });
    expect(levels([difference('rank', -5)], given)).toEqual(['PASS']);
    expect(levels([difference('rank', -6)], given)).toEqual(['FAIL']);
  });

  it('let an accuracy fall where chance turns as many samples, in any of the classes', () => {
    const given = rule({ metric: 'classAccuracy', maxDrop: 0.1, chance: 0.05 });
    const lost = (chance: number, subject = 'one') =>
      difference('classAccuracy', -0.3, { subject, base: 1, head: 0.7, chance, reason: '6 samples turned wrong' });
    expect(levels([lost(0.04)], given)).toEqual(['FAIL']);
    expect(levels([lost(0.06)], given)).toEqual(['PASS']);
    expect(levels([lost(0.04), lost(0.9, 'two')], given)).toEqual(['PASS']);
    expect(levels([lost(0.06)], rule({ metric: 'classAccuracy', maxDrop: 0.1 }))).toEqual(['FAIL']);
    // What is not known to be chance counts.
    expect(levels([difference('classAccuracy', -0.3)], given)).toEqual(['FAIL']);
    const messages = [0.04, 0.06].map((chance) => checkComparison([lost(chance)], [given]).findings[0]!.message);
    expect(messages).toEqual([
      'Accuracy of a class fell from 100 % to 70 % (30 points); allowed is 10 points: 6 samples turned wrong.',
      'Accuracy of a class fell from 100 % to 70 % (30 points), which may be chance: 6 samples turned wrong.',
    ]);
  });

  it('that cannot be applied are told, and pass nothing', async () => {
    const given = rule({ metric: 'rank', maxDrop: 1 });
    const lost = difference('rank', 0, { change: 'INCOMPARABLE', delta: null, reason: 'the samples differ' });
    expect(checkComparison([lost], [given])).toMatchObject({
      findings: [],
      unapplied: [{ rule: 'rank', subject: 'one', reason: 'the samples differ' }],
    });
    expect((await checkReport(report, null, [given])).unapplied).toEqual([
      { rule: 'rank', subject: null, reason: 'there is no baseline' },
    ]);
    expect(checkComparison([], [given]).unapplied[0]!.reason).toBe('the report has no rank');
    expect(checkComparison([], [rule({ metric: 'rank', maxDrop: 1, layers: 'conv*' })]).unapplied[0]!.reason).toBe(
      'the report has no rank of anything named conv*',
    );
  });

  it('of the project replace those of the preset, or take them out', () => {
    const checks = checksSchema.parse({
      preset: 'recommended',
      rules: [
        { metric: 'accuracy', maxDrop: 0.5 },
        { metric: 'rank', level: 'off' },
        { id: 'deep', metric: 'stableRank', min: 2 },
      ],
    });
    const chosen = rulesOf(checks);
    expect(chosen.filter(({ metric }) => metric === 'accuracy').map(({ maxDrop }) => maxDrop)).toEqual([0.5]);
    expect(chosen.some(({ metric }) => metric === 'rank')).toBe(false);
    expect(chosen.map(idOf)).toContain('deep');
    expect(rulesOf(checksSchema.parse({ preset: 'none' }))).toEqual([]);
  });

  it.each([
    [{ metric: 'acuracy', min: 1 }, 'one of accuracy'],
    [{ metric: 'accuracy' }, 'a limit beside it'],
    [{ metric: 'spectrum', max: 1 }, 'maxChange: spectrum is a distance'],
    [{ metric: 'accuracy', min: 1, layers: '*' }, 'no pattern for accuracy'],
    [{ metric: 'rank', min: 1, samples: '*' }, 'layers for rank'],
    [{ metric: 'accuracy', maxDrop: -1 }, '0 or more'],
    [{ metric: 'accuracy', min: 1, mim: 2 }, 'Unrecognized key'],
    [{ metric: 'accuracy', min: 1, level: 'fatal' }, 'error, warn or off'],
    [{ metric: 'accuracy', maxDrop: 0.1, chance: 2 }, 'between 0 and 1'],
    [{ metric: 'accuracy', min: 1, chance: 0.05 }, 'maxDrop, maxRise or maxChange beside it'],
    [{ metric: 'rank', maxDrop: 1, chance: 0.05 }, 'an accuracy'],
  ])('that make no sense are refused: %j', (given, message) => {
    expect(ruleSchema.safeParse(given).error!.issues[0]!.message).toContain(message);
  });
});
