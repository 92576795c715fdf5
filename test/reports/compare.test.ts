import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareReports } from '../../reports/compare.ts';
import type { LayerRecord, Report } from '../../reports/format.ts';
import { openStore } from '../../reports/store.ts';
import { sampleReport, writeSampleReport } from '../support/sample-report.ts';

const given = sampleReport({ samples: 2, detailed: 1 });
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compare-'));
  await writeSampleReport(folder, 'base', given);
});
afterAll(() => rm(folder, { recursive: true }));

async function compareWith(changed: Partial<Report>) {
  await writeSampleReport(folder, 'head', { ...given, report: { ...given.report, ...changed } });
  const store = openStore(folder);
  const { differences } = await compareReports(await store.report('base'), await store.report('head'));
  const find = (subject: string, metric: string) =>
    differences.find((d) => d.subject === subject && d.metric === metric);
  return { differences, find };
}

/** The first layer with its leading singular value changed by this share. */
function stretched(share: number): LayerRecord {
  const [layer] = given.report.layers;
  const weightDirections = structuredClone(layer!.weightDirections!);
  const [first, ...rest] = weightDirections.singularValues;
  return { ...layer!, weightDirections: { ...weightDirections, singularValues: [first! * (1 + share), ...rest] } };
}

describe('two reports compared', () => {
  it('differ nowhere when they are the same', async () => {
    const { differences } = await compareWith({});
    expect(new Set(differences.map(({ change }) => change))).toEqual(new Set(['UNCHANGED']));
    expect(differences.length).toBeGreaterThan(10);
  });

  it('differ in a spectrum only above the floor of its certificate', async () => {
    const above = await compareWith({ layers: [stretched(0.01), ...given.report.layers.slice(1)] });
    expect(above.find('features/conv1', 'spectrum')).toMatchObject({
      change: 'CHANGED',
      delta: expect.closeTo(0.01 / 1.01, 6),
    });
    const below = await compareWith({ layers: [stretched(1e-7), ...given.report.layers.slice(1)] });
    expect(below.find('features/conv1', 'spectrum')).toMatchObject({ change: 'UNCHANGED', floor: 1e-5 });
  });

  it('say which layers came, went, or cannot be compared', async () => {
    const [first, second, third] = given.report.layers;
    const { find } = await compareWith({
      layers: [first!, { ...second!, outputShape: [99] }, { ...third!, name: 'fc1-wide' }],
    });
    expect(find('features/conv2', 'layer')).toMatchObject({ change: 'INCOMPARABLE', reason: 'the shapes differ' });
    expect(find('fc1', 'layer')).toMatchObject({ change: 'REMOVED' });
    expect(find('fc1-wide', 'layer')).toMatchObject({ change: 'ADDED' });
  });

  it('call a change of accuracy better or worse, and none without the same samples', async () => {
    const { model } = given.report;
    expect((await compareWith({ model: { ...model, accuracy: 1 } })).find('model', 'accuracy')).toMatchObject({
      change: 'BETTER',
    });
    expect((await compareWith({ model: { ...model, accuracy: 0 } })).find('model', 'accuracy')).toMatchObject({
      change: 'WORSE',
    });
    const elsewhere = { ...model, accuracy: 1, provenance: { ...model.provenance, samplesSha256: 'other' } };
    expect((await compareWith({ model: elsewhere })).find('model', 'accuracy')).toMatchObject({
      change: 'INCOMPARABLE',
      reason: 'the samples differ',
    });
  });
});
