import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareReports } from '../../reports/compare.ts';
import { isBeyond } from '../../reports/difference.ts';
import type { LayerRecord, Report, SampleRecord } from '../../reports/format.ts';
import { METRIC_NAMES, metricOf } from '../../reports/metrics.ts';
import { openStore } from '../../reports/store.ts';
import { longReport } from '../support/long-report.ts';
import { CLASSES, sampleReport, writeSampleReport } from '../support/sample-report.ts';

const given = sampleReport({ samples: 8, detailed: 3 });
const { layers, samples, model } = given.report;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compare-'));
  await writeSampleReport(folder, 'base', given);
});
afterAll(() => rm(folder, { recursive: true }));

async function compareWith(changed: Partial<Report>) {
  await writeSampleReport(folder, 'head', { ...given, report: { ...given.report, ...changed } });
  const store = openStore(folder);
  const comparison = await compareReports(await store.report('base'), await store.report('head'));
  const find = (subject: string, metric: string) =>
    comparison.differences.find((d) => d.subject === subject && d.metric === metric);
  return { ...comparison, find };
}

/** The first layer with fields of its weight directions changed. */
function withWeights(change: (weights: NonNullable<LayerRecord['weightDirections']>) => object): LayerRecord[] {
  const [layer, ...rest] = layers;
  const weights = structuredClone(layer!.weightDirections!);
  return [{ ...layer!, weightDirections: { ...weights, ...change(weights) } }, ...rest];
}

/** The first layer with its leading singular value changed by this share. */
const stretched = (share: number): LayerRecord[] =>
  withWeights(({ singularValues: [first, ...rest] }) => ({ singularValues: [first! * (1 + share), ...rest] }));

/** The first sample with fields changed. */
function withSample(change: (sample: SampleRecord) => Partial<SampleRecord>): SampleRecord[] {
  const [sample, ...rest] = samples;
  return [{ ...sample!, ...change(structuredClone(sample!)) }, ...rest];
}

const withProvenance = (change: Partial<typeof model.provenance>): Partial<Report> => ({
  model: { ...model, provenance: { ...model.provenance, ...change } },
});

describe('two reports compared', () => {
  it('are unchanged to the byte when they are the same, in every metric there is', async () => {
    const { differences, identical, findings } = await compareWith({});
    expect(identical).toBe(true);
    expect(new Set(differences.map(({ change }) => change))).toEqual(new Set(['UNCHANGED']));
    expect(new Set(differences.map(({ metric }) => metric))).toEqual(new Set(METRIC_NAMES));
    expect(findings.filter(({ level }) => level !== 'PASS')).toEqual([]);
    for (const { metric, kind, delta } of differences) {
      expect(delta).toBe(0);
      if (metric !== 'layer') expect(metricOf(metric).kind).toBe(kind);
    }
  });

  it('differ in layer features only above the noise that their certificate names', async () => {
    const [layer, ...rest] = layers;
    const { singularValues, certificate, ...features } = layer!.layerFeatures!;
    const withNoise = (noise: number | null): LayerRecord[] => [
      {
        ...layer!,
        layerFeatures: {
          ...features,
          singularValues: [singularValues[0]! * 1.004, ...singularValues.slice(1)],
          certificate: { ...certificate, noise },
        },
      },
      ...rest,
    ];
    const magnified = await compareWith({ layers: withNoise(5e-3) });
    expect(magnified.find('features/conv1', 'featureSpectrum')).toMatchObject({ change: 'UNCHANGED', floor: 5e-3 });
    const exact = await compareWith({ layers: withNoise(null) });
    expect(exact.find('features/conv1', 'featureSpectrum')).toMatchObject({ change: 'CHANGED' });
  });

  it('differ in a spectrum only above the floor of its certificate', async () => {
    const above = await compareWith({ layers: stretched(0.01) });
    expect(above.identical).toBe(false);
    expect(above.find('features/conv1', 'spectrum')).toMatchObject({
      change: 'CHANGED',
      delta: expect.closeTo(0.01 / 1.01, 6),
    });
    const below = await compareWith({ layers: stretched(1e-7) });
    expect(below.identical).toBe(false);
    expect(below.find('features/conv1', 'spectrum')).toMatchObject({ change: 'UNCHANGED', floor: 1e-5 });
    const loose = await compareWith({
      layers: withWeights(({ singularValues: [first, ...rest], certificate }) => ({
        singularValues: [first! * 1.01, ...rest],
        certificate: { ...certificate, residuals: [0.02] },
      })),
    });
    expect(loose.find('features/conv1', 'spectrum')).toMatchObject({ change: 'UNCHANGED', floor: 0.02 });
  });

  it('differ in α only beyond the standard errors of both fits', async () => {
    const { powerLaw } = layers[0]!.weightDirections!;
    const shifted = (by: number) =>
      compareWith({ layers: withWeights(() => ({ powerLaw: { ...powerLaw!, alpha: powerLaw!.alpha + by } })) });
    expect((await shifted(0.5)).find('features/conv1', 'alpha')).toMatchObject({ change: 'UNCHANGED' });
    expect((await shifted(0.6)).find('features/conv1', 'alpha')).toMatchObject({
      change: 'CHANGED',
      floor: expect.closeTo(0.4 * Math.SQRT2, 9),
    });
  });

  it('differ in ranks and in the turn of their directions', async () => {
    const lower = await compareWith({ layers: withWeights(() => ({ rank: 4, stableRank: 1, effectiveRank: 2 })) });
    for (const metric of ['rank', 'stableRank', 'effectiveRank'])
      expect(lower.find('features/conv1', metric)).toMatchObject({ change: 'CHANGED' });
    const other = layers[1]!.weightDirections!;
    const turned = await compareWith({ layers: withWeights(() => ({ inputVectors: other.inputVectors })) });
    expect(turned.find('features/conv1', 'inputAngle')).toMatchObject({ change: 'CHANGED' });
    expect(turned.find('features/conv1', 'inputAngle')!.delta).toBeGreaterThan(0.1);
    expect(turned.find('features/conv1', 'outputAngle')).toMatchObject({ change: 'UNCHANGED' });
  });

  it('have no turn of directions to tell where the spectrum has no gap', async () => {
    const other = layers[1]!.weightDirections!;
    const flat = withWeights(({ singularValues }) => ({
      singularValues: singularValues.map((_, i) => 3 - 0.001 * i),
      inputVectors: other.inputVectors,
    }));
    const { find } = await compareWith({ layers: flat });
    expect(find('features/conv1', 'inputAngle')).toMatchObject({
      change: 'INCOMPARABLE',
      reason: expect.stringContaining('no gap'),
    });
    // That lies in the layer and is no lack of the reports.
    expect(find('model', 'incomparable')).toMatchObject({ change: 'UNCHANGED', delta: 0 });
  });

  it('say which layers came, went, or cannot be compared', async () => {
    const [first, second, third, fourth] = layers;
    const { find, caveats } = await compareWith({
      layers: [first!, { ...second!, outputShape: [99] }, { ...third!, name: 'fc1-wide', outputShape: [98] }, fourth!],
    });
    expect(find('features/conv2', 'layer')).toMatchObject({
      change: 'INCOMPARABLE',
      reason: 'the shapes differ (8×6×8 → 8×6×8, 8×6×8 → 99)',
    });
    expect(find('fc1', 'layer')).toMatchObject({ change: 'REMOVED' });
    expect(find('fc1-wide', 'layer')).toMatchObject({ change: 'ADDED' });
    expect(find('model', 'layersChanged')).toMatchObject({ delta: 3 });
    expect(caveats).toEqual([
      'The networks differ: of 4 and 4 layers, 1 only in the base, 1 only in the head, 1 of another shape',
    ]);
  });

  it('match a layer of another name by its shape', async () => {
    const { find } = await compareWith({ layers: layers.map((l) => (l.name === 'fc1' ? { ...l, name: 'dense' } : l)) });
    expect(find('fc1', 'layer')).toMatchObject({ change: 'CHANGED', reason: 'it is called dense in the head' });
    expect(find('fc1', 'spectrum')).toMatchObject({ change: 'UNCHANGED' });
    expect(find('dense', 'spectrum')).toBeUndefined();
  });

  it('are unchanged by a difference that equals its floor, however both are rounded', () => {
    for (let n = 2; n <= 50; n++) {
      for (let k = 1; k <= n; k++) {
        expect(isBeyond(k / n - (k - 1) / n, 1 / n)).toBe(false);
        expect(isBeyond(k / n - (k - 1) / n, 0.999 / n)).toBe(true);
      }
    }
    expect([isBeyond(0, 0), isBeyond(-Number.MIN_VALUE, 0)]).toEqual([false, true]);
  });

  it('call a change of accuracy better or worse, of the model and of a class', async () => {
    const accuracyOf = async (accuracy: number) =>
      (await compareWith({ model: { ...model, accuracy } })).find('model', 'accuracy')!.change;
    expect(await accuracyOf(1)).toBe('BETTER');
    expect(await accuracyOf(0)).toBe('WORSE');
    const classSummaries = model.classSummaries!.map((row, i) => (i === 1 ? { ...row, right: 0 } : row));
    const { differences } = await compareWith({ model: { ...model, classSummaries } });
    expect(differences.filter(({ change }) => change === 'WORSE').map(({ subject }) => subject)).toEqual([CLASSES[1]]);
  });

  it('are not compared in what rests on other samples, other settings or another version of a method', async () => {
    const elsewhere = await compareWith(withProvenance({ samplesSha256: 'other' }));
    for (const one of elsewhere.differences) {
      if (one.metric === 'layer' || one.metric === 'incomparable') continue;
      const { samples: onSamples } = metricOf(one.metric);
      expect(one.change, one.metric).toBe(onSamples ? 'INCOMPARABLE' : 'UNCHANGED');
      if (onSamples) expect(one.reason).toBe('the samples differ');
    }
    expect(elsewhere.find('model', 'incomparable')!.delta).toBeGreaterThan(10);
    expect(elsewhere.caveats).toEqual(['The samples differ: no number that depends on them is compared']);
    const setting = (value: string) => withProvenance({ settings: [{ name: 'gamma', value }] });
    await writeSampleReport(folder, 'base', { ...given, report: { ...given.report, ...setting('0.9') } });
    const gamma = await compareWith(setting('0.8'));
    await writeSampleReport(folder, 'base', given);
    const told = gamma.differences.filter(({ change }) => change === 'INCOMPARABLE');
    expect(new Set(told.map(({ metric }) => metric))).toEqual(new Set(['representationalPower']));
    expect(told[0]!.reason).toBe('the setting gamma differs (0.9, 0.8)');
    expect(gamma.caveats).toEqual(['The settings differ: gamma (0.9, 0.8)']);
    const methods = model.methods!.map((m) => (m.method === 'weight-directions' ? { ...m, version: 2 } : m));
    const version = await compareWith({ model: { ...model, methods } });
    expect(version.find('features/conv1', 'spectrum')).toMatchObject({
      change: 'INCOMPARABLE',
      reason: 'weight-directions is version 1 and 2',
    });
  });

  it('say what only one of them has', async () => {
    const { find } = await compareWith({ layers: withWeights(() => ({ powerLaw: null })) });
    expect(find('features/conv1', 'alpha')).toMatchObject({ change: 'INCOMPARABLE', head: null });
    const none = await compareWith({ layers: [{ ...layers[0]!, weightDirections: null }, ...layers.slice(1)] });
    expect(none.find('features/conv1', 'spectrum')).toMatchObject({ reason: 'the head has no weight directions' });
  });

  it('count changed predictions, but not those that are level between two classes', async () => {
    const flipped = (confidence: number) =>
      compareWith({
        samples: withSample((s) => ({ prediction: CLASSES[3]!, confidence: s.confidence! + confidence })),
      });
    const clear = await flipped(0.1);
    expect(clear.find('model', 'predictionsChanged')).toMatchObject({ change: 'CHANGED', delta: 1 / 8 });
    expect(clear.find(samples[0]!.name, 'samplePrediction')).toMatchObject({
      change: 'CHANGED',
      reason: `${samples[0]!.prediction} → ${CLASSES[3]}`,
    });
    await writeSampleReport(folder, 'base', {
      ...given,
      report: { ...given.report, samples: withSample(() => ({ confidence: 0.4 })) },
    });
    const level = await compareWith({ samples: withSample(() => ({ prediction: CLASSES[3]!, confidence: 0.4 })) });
    await writeSampleReport(folder, 'base', given);
    expect(level.find('model', 'predictionsChanged')).toMatchObject({ change: 'UNCHANGED', floor: 1 / 8 });
    expect(level.find(samples[0]!.name, 'samplePrediction')).toMatchObject({ change: 'UNCHANGED' });
  });

  it('differ in traces by the share of samples, one sample being noise', async () => {
    const moved = (count: number) =>
      compareWith({
        samples: samples.map((s, i) => {
          const trace = s.decisionTrace!;
          const classes = trace.classes.map((c, l) => (l === 1 && i < count ? `not ${c}` : c));
          return { ...s, decisionTrace: { ...trace, classes } };
        }),
      });
    expect((await moved(1)).find('features/conv2', 'tracesChanged')).toMatchObject({ change: 'UNCHANGED' });
    const two = await moved(2);
    expect(two.find('features/conv2', 'tracesChanged')).toMatchObject({ change: 'CHANGED', delta: 2 / 8 });
    expect(two.find('features/conv1', 'tracesChanged')).toMatchObject({ change: 'UNCHANGED', delta: 0 });
  });

  it('differ in a sample’s bias share, votes and contributions above their floors', async () => {
    const name = samples[0]!.name;
    const { prediction } = samples[0]!;
    const biased = (by: number) =>
      compareWith({
        samples: withSample(({ biasShares }) => ({
          biasShares: biasShares!.map((b) =>
            b.output === prediction ? { ...b, residualShare: b.residualShare + by } : b,
          ),
        })),
      });
    expect((await biased(0.01)).find(name, 'sampleResidualShare')).toMatchObject({ change: 'CHANGED' });
    expect((await biased(1e-6)).find(name, 'sampleResidualShare')).toMatchObject({ change: 'UNCHANGED' });
    const voted = await compareWith({
      samples: withSample(({ pixelVotes }) => ({
        pixelVotes: {
          ...pixelVotes!,
          winner: 'dog',
          shares: pixelVotes!.shares.map((one, i) => ({
            ...one,
            share: one.share + (i === 0 ? 0.2 : i === 1 ? -0.2 : 0),
          })),
        },
      })),
    });
    expect(voted.find(name, 'sampleVotes')).toMatchObject({ change: 'CHANGED', delta: expect.closeTo(0.2, 9) });
    const contributed = await compareWith({
      samples: withSample(({ outputContributions }) => ({
        outputContributions: outputContributions!.map((one) => ({
          ...one,
          components: one.components.map((c) => (c.index === 3 ? { ...c, contribution: c.contribution + 9 } : c)),
        })),
      })),
    });
    expect(contributed.find(name, 'sampleContributions')).toMatchObject({ change: 'CHANGED' });
    expect(contributed.find(samples[1]!.name, 'sampleContributions')).toMatchObject({ change: 'UNCHANGED' });
  });

  it('tell nothing of terms that trade places within a group of equal singular values', async () => {
    const swapped = (equal: boolean): SampleRecord[] =>
      withSample(({ outputContributions }) => ({
        outputContributions: outputContributions!.map((one) => {
          const singularValues = one.singularValues!.map((value, i, all) => (equal && i === 3 ? all[2]! : value));
          const [c2, c3] = [one.components[2]!.contribution, one.components[3]!.contribution];
          const components = one.components.map((c, i) => ({
            ...c,
            contribution: i === 2 ? c3 : i === 3 ? c2 : c.contribution,
          }));
          return { ...one, singularValues, components };
        }),
      }));
    const name = samples[0]!.name;
    expect((await compareWith({ samples: swapped(true) })).find(name, 'sampleContributions')).toMatchObject({
      change: 'UNCHANGED',
    });
    expect((await compareWith({ samples: swapped(false) })).find(name, 'sampleContributions')).toMatchObject({
      change: 'CHANGED',
    });
  });

  it('take in twenty layers and five hundred samples', async () => {
    await writeSampleReport(folder, 'long-base', longReport());
    await writeSampleReport(folder, 'long-head', longReport({ change: 0.01 }));
    const store = openStore(folder);
    const { differences } = await compareReports(await store.report('long-base'), await store.report('long-head'));
    const changed = differences.filter(({ change }) => change !== 'UNCHANGED');
    expect(changed.map(({ metric }) => metric)).toEqual(Array.from({ length: 20 }, () => 'spectrum'));
    expect(differences.filter(({ kind }) => kind === 'SAMPLE').length).toBeGreaterThan(1500);
  });
});
