import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, validate } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flatten, toCsv } from '../../graphql/flat.ts';
import { checkLimits, parseWithinLimits } from '../../graphql/limits.ts';
import { readOperation } from '../../graphql/operation.ts';
import type { Operation } from '../../graphql/operation.ts';
import { query, schema } from '../../graphql/query.ts';
import { openStore } from '../../reports/store.ts';
import { eigenlensHere } from '../cli/command.ts';
import { sampleReport, writeSampleReport } from '../support/sample-report.ts';

const FOLDER = new URL('../../graphql/operations/', import.meta.url);
const VARIABLES = { model: 'sample', base: 'sample', head: 'sample', layer: 'fc1', sample: 'cat/0.png' };
/** The others are about one thing with several lists, or about none. */
const NOT_FLAT = ['sample'];

let folder: string;
let operations: Operation[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'operations-'));
  await writeSampleReport(join(folder, 'reports'), 'sample', sampleReport({ samples: 30, detailed: 2 }));
  const files = await readdir(FOLDER);
  operations = await Promise.all(
    files.map(async (file) =>
      readOperation(file.replace('.graphql', ''), await readFile(new URL(file, FOLDER), 'utf8')),
    ),
  );
});
afterAll(() => rm(folder, { recursive: true }));

describe('every ready-made question', () => {
  it('is a question, says what its answer holds, and is asked within the limits of a server', () => {
    expect(operations.length).toBeGreaterThanOrEqual(10);
    expect(new Set(operations.map(({ title }) => title)).size).toBe(operations.length);
    for (const { title, description, document } of operations) {
      expect(title).toMatch(/^[A-Z].*\?$/);
      expect(description).toMatch(/^[A-Z].*\.$/);
      expect(validate(schema, parse(document))).toEqual([]);
      checkLimits(schema, parseWithinLimits(document), null, VARIABLES);
    }
  });

  it('has an answer, and is a table unless it has several lists', async () => {
    const store = openStore(join(folder, 'reports'));
    for (const { name, document, variables } of operations) {
      const given = Object.fromEntries(
        Object.entries(VARIABLES).filter(([key]) => variables.some((v) => v.name === key)),
      );
      const { data, errors } = await query(store, document, given);
      expect([name, errors]).toEqual([name, undefined]);
      const flat = flatten(schema, parse(document), null, data);
      expect([name, typeof flat === 'string']).toEqual([name, NOT_FLAT.includes(name)]);
      if (typeof flat === 'string') continue;
      expect([name, flat.rows.every((row) => row.length === flat.columns.length)]).toEqual([name, true]);
    }
  });

  it('without its title or with two operations is refused by name', () => {
    expect(() => readOperation('bare', '{ __typename }')).toThrow('operations/bare.graphql');
    expect(() => readOperation('two', '# A?\n# B.\nquery a { __typename } query b { __typename }')).toThrow('two');
  });
});

describe('an answer as a table', () => {
  const table = async (document: string) => {
    const { data, errors } = await query(openStore(join(folder, 'reports')), document);
    expect(errors).toBeUndefined();
    return flatten(schema, parse(document), null, data);
  };

  it('has a row per entry, with what stands above beside it, and columns also where all is null', async () => {
    const flat = await table(`{ model(id: "sample") { kind: format samples(first: 2) { totalCount pageInfo { endCursor }
      nodes { ...own image { url } decisionTrace { variation classes } } } } } fragment own on Sample { name correct }`);
    expect(flat).toEqual({
      columns: [
        'kind',
        'samples.name',
        'samples.correct',
        'samples.image.url',
        'samples.decisionTrace.variation',
        'samples.decisionTrace.classes',
      ],
      rows: [
        ['onnx', 'cat/0.png', false, expect.stringMatching(/^files\//), '0 1 2 3', expect.stringMatching(/^\S.*; /)],
        ['onnx', 'dog/1.png', true, expect.stringMatching(/^files\//), '1 2 3 0', expect.stringMatching(/^\S.*; /)],
      ],
    });
    expect(await table('{ model(id: "none") { layers { name weightDirections { rank } } } }')).toEqual({
      columns: ['name', 'weightDirections.rank'],
      rows: [],
    });
    expect(await table('{ service { version maxDepth } }')).toMatchObject({
      columns: ['version', 'maxDepth'],
      rows: [[expect.any(String), 12]],
    });
  });

  it('unfolds a list in a list, and refuses two side by side by their names', async () => {
    const nested = await table(
      '{ model(id: "sample") { layers { name weightDirections { directions(first: 2) { index } } } } }',
    );
    expect(nested).toMatchObject({ columns: ['name', 'weightDirections.directions.index'] });
    expect(typeof nested === 'string' ? [] : nested.rows).toHaveLength(8);
    expect(await table('{ model(id: "sample") { layers { name } findings { rule } } }')).toBe(
      'A table has one list, and model.layers and model.findings are two: ask for one at a time.',
    );
  });

  it('is CSV that other programs read, whatever the names hold', () => {
    expect(
      toCsv({
        columns: ['a', 'b'],
        rows: [
          ['x,"y"\n', null],
          ['-1', true],
        ],
      }),
    ).toBe('a,b\r\n"x,""y""\n",\r\n-1,true');
  });
});

describe('eigenlens query', () => {
  const run = (...args: string[]) =>
    eigenlensHere(['query', ...args, '--reports', join(folder, 'reports')], { folder });

  it('lists the ready-made questions, and asks one about the only report', async () => {
    const list = await run('--list');
    expect([list.code, list.out]).toEqual([0, expect.stringContaining('Which samples does it get wrong?')]);
    const csv = await run('--operation', 'classes', '--format', 'csv');
    expect(csv.out.split(/\r?\n/)[0]).toBe('class,samples,right,predicted');
    expect(csv.out.split(/\r?\n/).filter(Boolean)).toHaveLength(5);
    const asTable = await run('--operation', 'findings', '--format', 'table');
    expect([asTable.code, asTable.out]).toEqual([0, expect.stringMatching(/^level +rule/)]);
    const json = await run('--operation', 'models');
    expect(JSON.parse(json.out).data.models.nodes[0].report).toBe('sample');
  });

  it('says what a question needs, which one was meant, and when an answer is no table', async () => {
    const missing = await run('--operation', 'directions');
    expect([missing.code, missing.err]).toEqual([2, expect.stringContaining('needs layer')]);
    const unknown = await run('--operation', 'clases');
    expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining('Did you mean classes?')]);
    const wide = await run('--operation', 'sample', '--variables', '{"sample": "cat/0.png"}', '--format', 'csv');
    expect([wide.code, wide.err]).toEqual([2, expect.stringContaining('A table has one list')]);
    const wrong = await run('--format', 'xml', '{ __typename }');
    expect(wrong.code).toBe(2);
  });

  it.each([
    ['mistakes', { model: 'sampel' }, 'No report "sampel"', 'Did you mean "sample"?'],
    ['changes', { base: 'sample', head: 'nono' }, 'No report "nono"', 'has sample.'],
    [
      'directions',
      { model: 'sample', layer: 'features/conv9' },
      'There is no layer "features/conv9"',
      'Did you mean "features/conv1"?',
    ],
    ['sample', { model: 'sample', sample: 'nobody' }, 'There is no sample "nobody"', 'Its samples: cat/0.png, '],
  ])('%s about what is not there ends with 3 and the nearest name', async (operation, variables, told, hint) => {
    for (const format of ['json', 'csv', 'table']) {
      const asked = ['--operation', operation, '--variables', JSON.stringify(variables), '--format', format];
      const { code, out, err } = await run(...asked);
      expect([code, out]).toEqual([3, '']);
      expect(err).toContain(told);
      expect(err).toContain(hint);
    }
  });

  it('prints no table of a report that is damaged', async () => {
    const place = join(folder, 'broken');
    await writeSampleReport(place, 'sample', sampleReport({ samples: 1, detailed: 1 }));
    await writeFile(join(place, 'sample/layers/1.json'), '{}');
    const asked = ['--operation', 'capacity', '--reports', place, '--format'];
    for (const format of ['csv', 'table']) {
      const { code, out, err } = await eigenlensHere(['query', ...asked, format], { folder });
      expect([code, out]).toEqual([4, '']);
      expect(err).toContain('sample/layers/1.json is damaged');
    }
    const json = await eigenlensHere(['query', ...asked, 'json'], { folder });
    expect([json.code, JSON.parse(json.out)]).toEqual([4, expect.objectContaining({ errors: expect.any(Array) })]);
  });

  it('runs the named one of several operations of a document', async () => {
    const { out } = await run('query a { __typename } query b { service { maxDepth } }', '--operation', 'b');
    expect(JSON.parse(out)).toEqual({ data: { service: { maxDepth: 12 } } });
  });

  it('shows no control characters of names in a table', async () => {
    const { report, files } = sampleReport({ samples: 1, detailed: 0 });
    const [only] = report.samples;
    const named = { ...report, layers: [], samples: [{ ...only!, name: 'red\u001b[31m\u202e\nline' }] };
    await writeSampleReport(join(folder, 'odd'), 'odd', { report: named, files });
    const { out } = await eigenlensHere(
      [
        'query',
        '{ model(id: "odd") { samples { nodes { name } } } }',
        '--format',
        'table',
        '--reports',
        join(folder, 'odd'),
      ],
      { folder },
    );
    expect(out).toContain('red�[31m��line');
    expect(out).not.toMatch(/[\u001b\u202e]/);
  });
});
