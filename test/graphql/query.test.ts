import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { data, query } from '../../graphql/query.ts';
import { parseReport } from '../../reports/format.ts';
import { openStore, writeReport } from '../../reports/store.ts';
import type { Store } from '../../reports/reader.ts';
import { everythingOf } from '../support/everything.ts';
import { CLASSES, SAMPLE_RUN, sampleReport, writeSampleReport } from '../support/sample-report.ts';

const given = sampleReport();
const report = parseReport(given.report);
let folder: string;
let store: Store;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'query-'));
  await writeSampleReport(folder, 'sample', given);
  await writeSampleReport(folder, 'another', sampleReport({ samples: 3, detailed: 1, seed: 2 }));
  store = openStore(folder);
});
afterAll(() => rm(folder, { recursive: true }));

async function codesOf(document: string, variables = {}): Promise<unknown[]> {
  const { errors = [] } = await query(store, document, variables);
  return errors.map(({ extensions }) => extensions.code);
}

/** Paths of fields that hold null or an empty list. */
function emptyIn(value: unknown, path = ''): string[] {
  if (value === null || (Array.isArray(value) && value.length === 0)) return [path];
  if (Array.isArray(value)) return value.flatMap((entry) => emptyIn(entry, path));
  if (typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, entry]) => emptyIn(entry, `${path}.${key}`));
}

describe('a query for everything', () => {
  it('gives the very JSON of the model', async () => {
    const { model } = await data(store, `{ model(id: "sample") ${everythingOf('Model')} }`);
    expect(model).toEqual(report.model);
  });

  it('gives the very JSON of every layer', async () => {
    const { model } = await data(store, `{ model(id: "sample") { layers ${everythingOf('Layer')} } }`);
    expect(model.layers).toEqual(report.layers);
  });

  it('gives the very JSON of every sample, page by page', async () => {
    const document = `query ($after: String) { model(id: "sample") { samples(first: 50, after: $after) {
      nodes ${everythingOf('Sample')} pageInfo { hasNextPage endCursor } totalCount } } }`;
    const nodes: unknown[] = [];
    let after: string | null = null;
    do {
      const { model }: any = await data(store, document, { after });
      nodes.push(...model.samples.nodes);
      expect(model.samples.totalCount).toBe(130);
      after = model.samples.pageInfo.hasNextPage ? model.samples.pageInfo.endCursor : null;
    } while (after);
    expect(nodes).toEqual(report.samples);
  });

  it('asks of a report that leaves no field empty', () => {
    const [withPage] = report.samples;
    // The ends of the network have no layer before or after them, and two of the methods no reason.
    expect(new Set(emptyIn([report.model, report.layers, withPage]))).toEqual(
      new Set(['.layerGraph.from', '.layerGraph.to', '.methods.layersSkipped', '.methods.failures']),
    );
  });
});

describe('a query', () => {
  it('finds any object by its id, and ids do not depend on the machine', async () => {
    const { model } = await data(
      store,
      `{ model(id: "sample") { id layers { id name } sample(name: "cat/0.png") { id name } } }`,
    );
    expect(Buffer.from(model.id, 'base64url').toString()).toBe('Model:sample');
    expect(Buffer.from(model.layers[0].id, 'base64url').toString()).toBe('Layer:sample/features/conv1');
    const node = (id: string) =>
      data(store, `query ($id: ID!) { node(id: $id) { __typename id ... on Layer { name } ... on Sample { name } } }`, {
        id,
      });
    for (const layer of model.layers) expect((await node(layer.id)).node).toEqual({ __typename: 'Layer', ...layer });
    expect((await node(model.sample.id)).node).toEqual({ __typename: 'Sample', ...model.sample });
    expect((await node(model.id)).node).toEqual({ __typename: 'Model', id: model.id });
    const byGlobalId = await data(store, `query ($id: ID!) { model(id: $id) { report } }`, { id: model.id });
    expect(byGlobalId.model.report).toBe('sample');
  });

  it('gives null for a node of ours that is gone, and refuses ids that are not ours', async () => {
    const node = (text: string) => ({ id: Buffer.from(text).toString('base64url') });
    const document = 'query ($id: ID!) { node(id: $id) { id } }';
    for (const text of ['Model:nothing', 'Layer:sample/nothing', 'Sample:sample/nothing', 'Layer:nothing/fc1']) {
      expect((await data(store, document, node(text))).node).toBeNull();
    }
    for (const text of ['User:1', 'Layer:sample', 'Model:sample/x', 'Model:../sample', 'Sample:', '']) {
      expect(await codesOf(document, node(text))).toEqual(['BAD_USER_INPUT']);
    }
    expect(await codesOf(document, { id: '%%%' })).toEqual(['BAD_USER_INPUT']);
  });

  it('gives null for a model, layer or sample of no such name', async () => {
    const document =
      '{ model(id: "sample") { layer(name: "x") { id } sample(name: "x") { id } } none: model(id: "none") { id } }';
    expect(await data(store, document)).toEqual({ model: { layer: null, sample: null }, none: null });
  });

  it('lists models by id, page by page', async () => {
    const document =
      'query ($after: String) { models(first: 1, after: $after) { nodes { report } pageInfo { hasNextPage endCursor } totalCount } }';
    const { models: first } = await data(store, document);
    expect(first).toMatchObject({ nodes: [{ report: 'another' }], pageInfo: { hasNextPage: true }, totalCount: 2 });
    const { models: second } = await data(store, document, { after: first.pageInfo.endCursor });
    expect(second).toMatchObject({ nodes: [{ report: 'sample' }], pageInfo: { hasNextPage: false } });
    const { models: third } = await data(store, document, { after: second.pageInfo.endCursor });
    expect(third).toMatchObject({ nodes: [], pageInfo: { hasNextPage: false, endCursor: null } });
  });

  it('filters samples by every part of the filter, and by all of them at once', async () => {
    const names = async (filter: object) => {
      const document = `query ($filter: SampleFilter, $after: String) { model(id: "sample") {
        samples(first: 100, after: $after, filter: $filter) { nodes { index } pageInfo { hasNextPage endCursor } totalCount } } }`;
      const { samples } = (await data(store, document, { filter })).model;
      const rest = samples.pageInfo.hasNextPage
        ? (await data(store, document, { filter, after: samples.pageInfo.endCursor })).model.samples.nodes
        : [];
      const indices = [...samples.nodes, ...rest].map(({ index }: { index: number }) => index);
      expect(samples.totalCount).toBe(indices.length);
      return indices;
    };
    const expected = (keep: (s: (typeof report.samples)[number]) => boolean) =>
      report.samples.filter(keep).map(({ index }) => index);
    expect(await names({})).toEqual(expected(() => true));
    expect(await names({ correct: false })).toEqual(expected((s) => s.correct === false));
    expect(await names({ correct: null, label: CLASSES[1] })).toEqual(expected((s) => s.label === CLASSES[1]));
    expect(await names({ prediction: CLASSES[2] })).toEqual(expected((s) => s.prediction === CLASSES[2]));
    expect(await names({ decisionLayerAtLeast: 4 })).toEqual(expected((s) => s.decisionLayer! >= 4));
    expect(await names({ detailed: true })).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await names({ correct: false, label: CLASSES[0], decisionLayerAtLeast: 1 })).toEqual(
      expected((s) => s.correct === false && s.label === CLASSES[0]),
    );
  });

  it('orders samples: the wrong ones that are decided last, most uncertain first, is one query', async () => {
    const document = `query ($after: String) { model(id: "sample") {
      samples(first: 4, after: $after, filter: { correct: false, decisionLayerAtLeast: 2 }, orderBy: UNCERTAINTY) {
        nodes { name meanVariation } pageInfo { hasNextPage endCursor } totalCount } } }`;
    const names: string[] = [];
    for (let after: string | null = null; ;) {
      const { samples }: any = (await data(store, document, { after })).model;
      names.push(...samples.nodes.map(({ name }: { name: string }) => name));
      if (!samples.pageInfo.hasNextPage) break;
      after = samples.pageInfo.endCursor;
    }
    const expected = report.samples
      .filter(({ correct, decisionLayer }) => correct === false && decisionLayer! >= 2)
      .toSorted((a, b) => b.meanVariation! - a.meanVariation! || a.index - b.index);
    expect(names.length).toBeGreaterThan(8);
    expect(names).toEqual(expected.map(({ name }) => name));
    const first = async (orderBy: string) =>
      (await data(store, `{ model(id: "sample") { samples(first: 1, orderBy: ${orderBy}) { nodes { index } } } }`))
        .model.samples.nodes[0].index as number;
    const at = (index: number) => report.samples[index]!;
    expect(at(await first('CONFIDENCE')).confidence).toBe(Math.min(...report.samples.map((s) => s.confidence!)));
    expect(at(await first('DECISION_LAYER')).decisionLayer).toBe(
      Math.max(...report.samples.map((s) => s.decisionLayer!)),
    );
    expect(await first('INPUT')).toBe(0);
  });

  it('lists and filters samples without opening a file of theirs', async () => {
    const opened: string[] = [];
    const { model } = await data(
      {
        ...store,
        find: async (id) => ({
          ...(await store.report(id)),
          sample: async (index) => (opened.push(`${index}`), store.sample(id, index)),
        }),
      },
      '{ model(id: "sample") { samples(first: 100, filter: { correct: false, decisionLayerAtLeast: 2 }) { nodes { name label confidence decisionLayer image { url } } } } }',
    );
    expect(model.samples.nodes.length).toBeGreaterThan(5);
    expect(opened).toEqual([]);
  });

  it('cuts lists to what was asked for, twenty components or ten directions unless told', async () => {
    const document = `query ($first: Int!) { model(id: "sample") {
      layer(name: "fc1") { weightDirections { standard: directions { index } cut: directions(first: $first) { index } } }
      sample(name: "cat/0.png") { outputContributions(split: "features/conv1", output: "cat") { components { index } cut: components(first: $first) { index } } } } }`;
    const { layer, sample } = (await data(store, document, { first: 3 })).model;
    expect([layer.weightDirections.standard.length, layer.weightDirections.cut.length]).toEqual([10, 3]);
    expect(sample.outputContributions).toHaveLength(1);
    expect([sample.outputContributions[0].components.length, sample.outputContributions[0].cut.length]).toEqual([
      20, 3,
    ]);
  });

  it('orders components by the size of their contribution, or by singular value', async () => {
    const document = `{ model(id: "sample") { sample(name: "cat/0.png") { outputContributions(split: "features/conv1", output: "cat") {
      byContribution: components(first: 100) { contribution }
      bySingularValue: components(first: 100, orderBy: SINGULAR_VALUE) { singularValue } } } } }`;
    const [{ byContribution, bySingularValue }] = (await data(store, document)).model.sample.outputContributions;
    const sizes = byContribution.map(({ contribution }: any) => Math.abs(contribution));
    const values = bySingularValue.map(({ singularValue }: any) => singularValue);
    expect(sizes).toHaveLength(24);
    expect(sizes).toEqual(sizes.toSorted((a: number, b: number) => b - a));
    expect(values).toEqual(values.toSorted((a: number, b: number) => b - a));
  });

  it('narrows input patterns to a layer, a part and a neuron', async () => {
    const document = `{ model(id: "sample") { sample(name: "cat/0.png") {
      all: inputPatterns { layer part } layer: inputPatterns(layer: "fc1") { layer part }
      one: inputPatterns(layer: "fc1", part: ACTIVE) {
        every: narrow(first: 2) { neuron index } narrow(neuron: "7", first: 2) { neuron index }
        first: contribution { alt } contribution(neuron: "7") { alt } none: contribution(neuron: "99") { alt } } } } }`;
    const { sample } = (await data(store, document)).model;
    expect(sample.all).toHaveLength(12);
    expect(sample.layer).toEqual(['ALL', 'ACTIVE', 'INACTIVE'].map((part) => ({ layer: 'fc1', part })));
    expect(sample.one).toEqual([
      {
        every: [
          { neuron: '0', index: 2 },
          { neuron: '0', index: 0 },
          { neuron: '7', index: 2 },
          { neuron: '7', index: 0 },
        ],
        narrow: [
          { neuron: '7', index: 2 },
          { neuron: '7', index: 0 },
        ],
        first: { alt: 'Contribution to neuron 0' },
        contribution: { alt: 'Contribution to neuron 7' },
        none: null,
      },
    ]);
  });

  it('goes from an exemplar to its sample, in the same report', async () => {
    const document = `{ models { nodes { report layer(name: "fc1") { weightDirections { directions(first: 1) { exemplars { sample {
      id name label biasShares { output } } } } } }
      sample(name: "cat/0.png") { similarityOverlays { other { id name } } } } } }`;
    for (const { report: id, layer, sample } of (await data(store, document)).models.nodes) {
      for (const exemplar of layer.weightDirections.directions[0].exemplars) {
        expect(Buffer.from(exemplar.sample.id, 'base64url').toString()).toBe(`Sample:${id}/${exemplar.sample.name}`);
        expect(exemplar.sample.biasShares).toHaveLength(1);
      }
      expect(sample.similarityOverlays[0].other.name).toBe('dog/1.png');
    }
  });

  it('tells which methods skipped a layer, and what the run was like', async () => {
    const { model } = await data(
      store,
      '{ model(id: "sample") { layers { skippedBy { method reason } } run { startedAt seconds host warnings } digest formatVersion } }',
    );
    expect(model.layers.map(({ skippedBy }: any) => skippedBy)).toEqual([
      ...[[], [], []],
      [{ method: 'weight-directions', reason: 'only 4 outputs' }],
    ]);
    const { startedAt, seconds, host, warnings } = SAMPLE_RUN;
    expect(model.run).toEqual({ startedAt, seconds, host, warnings });
    expect(model).toMatchObject({ digest: expect.stringMatching(/^[0-9a-f]{64}$/), formatVersion: 1 });
  });

  it('compares two reports, and refuses one that is not there', async () => {
    const document = `query ($head: ID!, $after: String, $all: Boolean) { compare(base: "sample", head: $head) { base { report } head { report }
      findings { rule } differences(first: 3, after: $after, includeUnchanged: $all) { nodes { subject metric change } pageInfo { hasNextPage endCursor } totalCount } } }`;
    const { compare } = await data(store, document, { head: 'another' });
    expect(compare).toMatchObject({ base: { report: 'sample' }, head: { report: 'another' } });
    const { compare: all } = await data(store, document, { head: 'another', all: true });
    expect(all.differences.totalCount).toBeGreaterThan(compare.differences.totalCount);
    const { compare: next } = await data(store, document, {
      head: 'another',
      all: true,
      after: all.differences.pageInfo.endCursor,
    });
    expect(next.differences.nodes[0]).not.toEqual(all.differences.nodes[0]);
    expect((await data(store, document, { head: 'sample' })).compare.differences.nodes).toEqual([]);
    expect(await codesOf(document, { head: 'nothing' })).toEqual(['NOT_FOUND']);
  });

  it('refuses page sizes above 100 and below 0, and cursors that are none', async () => {
    for (const field of [
      'models(first: 101) { totalCount }',
      'model(id: "sample") { samples(first: 101) { totalCount } }',
      'model(id: "sample") { layers { weightDirections { directions(first: 101) { index } } } }',
      'model(id: "sample") { sample(name: "cat/0.png") { inputPatterns { narrow(first: 101) { index } } } }',
      'model(id: "sample") { sample(name: "cat/0.png") { outputContributions { components(first: 101) { index } } } }',
      'compare(base: "sample", head: "another") { differences(first: 101) { totalCount } }',
    ]) {
      const codes = await codesOf(`{ ${field} }`);
      expect([field, new Set(codes)]).toEqual([field, new Set(['PAGE_SIZE_EXCEEDED'])]);
    }
    expect(await codesOf('{ models(first: -1) { totalCount } }')).toEqual(['BAD_USER_INPUT']);
    expect(await codesOf('{ models(after: "nonsense") { totalCount } }')).toEqual(['BAD_USER_INPUT']);
    expect(await codesOf('{ model(id: "../sample") { id } }')).toEqual(['BAD_USER_INPUT']);
  });

  it('has a code for documents that do not parse or fit the schema', async () => {
    expect(await codesOf('{ models')).toEqual(['GRAPHQL_PARSE_FAILED']);
    expect(await codesOf('{ modles { totalCount } }')).toEqual(['GRAPHQL_VALIDATION_FAILED']);
    await expect(data(store, '{ modles { totalCount } }')).rejects.toThrow('Did you mean "models"');
  });

  it('names the file of a damaged report, and answers the rest', async () => {
    await writeSampleReport(folder, 'damaged', sampleReport({ samples: 1, detailed: 1 }));
    await writeFile(join(folder, 'damaged', 'layers', '1.json'), '');
    const document =
      '{ model(id: "damaged") { name layers { name weightDirections { rank } } } service { schemaVersion } }';
    const { data: answered, errors } = await query(store, document);
    expect(errors).toHaveLength(1);
    expect(errors![0]!.message).toBe('damaged/layers/1.json is damaged: its content is not what was written');
    expect(errors![0]!.extensions.code).toBe('REPORT_CORRUPT');
    expect(answered.model.layers.map(({ weightDirections }: any) => weightDirections?.rank)).toEqual([
      8,
      undefined,
      16,
      16,
    ]);
    expect(answered.service).toEqual({ schemaVersion: '1' });
    await rm(join(folder, 'damaged'), { recursive: true });
  });

  it('lists the reports that can be read, and names the file of each that cannot', async () => {
    const document = '{ models { nodes { report } totalCount } }';
    await writeSampleReport(folder, 'damaged', sampleReport({ samples: 1, detailed: 0 }));
    await writeFile(join(folder, 'damaged', 'report.json'), '{');
    await writeSampleReport(folder, 'newer', sampleReport({ samples: 1, detailed: 0 }));
    await writeFile(join(folder, 'newer', 'report.json'), '{ "formatVersion": 99 }');
    const { data: answered, errors } = await query(store, document);
    expect(answered).toEqual({ models: { nodes: [{ report: 'another' }, { report: 'sample' }], totalCount: 4 } });
    expect(errors!.map(({ message, path, extensions }) => [message.split(': ')[0], path, extensions.code])).toEqual([
      ['damaged/report.json is damaged', undefined, 'REPORT_CORRUPT'],
      ['newer/report.json', undefined, 'REPORT_TOO_NEW'],
    ]);
    expect((await query(store, '{ models { totalCount } }')).errors).toBeUndefined();
    await Promise.all(['damaged', 'newer'].map((id) => rm(join(folder, id), { recursive: true })));
  });

  it('of a report in which no method answered gives nulls and empty lists, without an error', async () => {
    const { name, op, index, inputShape, outputShape, parameterCount } = report.layers[0]!;
    const { format, sha256, provenance } = report.model;
    const bare = {
      formatVersion: 1 as const,
      model: { name: 'bare', format, sha256, provenance, parameterCount: 0, inputShape: [], outputShape: [] },
      layers: [{ name, op, index, inputShape, outputShape, parameterCount }],
      samples: [
        { index: 0, name: 'x' },
        { index: 1, name: 'y', detailed: true },
      ],
    };
    await writeReport(folder, 'bare', bare, { files: folder, run: {} });
    const document = `{ model(id: "bare") { ${everythingOf('Model').slice(1, -1)}
      layers ${everythingOf('Layer')} samples { nodes ${everythingOf('Sample')} } } }`;
    const { model } = await data(store, document);
    const { layers, samples, ...rest } = model;
    expect({ formatVersion: 1, model: rest, layers, samples: samples.nodes }).toEqual(parseReport(bare));
    await rm(join(folder, 'bare'), { recursive: true });
  });
});
