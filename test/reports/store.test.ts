import { spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../analysis/errors.ts';
import { ReportError } from '../../reports/errors.ts';
import { parseReport } from '../../reports/format.ts';
import { findFile, openStore, writeReport } from '../../reports/store.ts';
import { SAMPLE_RUN, sampleReport, writeSampleReport } from '../support/sample-report.ts';

const small = sampleReport({ samples: 5, detailed: 2 });
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'store-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Content of every file below a folder, by path. */
async function contents(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = files.sort().map(async (file) => [file.slice(path.length + 1), await readFile(file, 'base64')] as const);
  return Object.fromEntries(await Promise.all(read));
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ReportError);
  return (error as ReportError).extensions.code;
}

describe('a stored report', () => {
  it('reads back as it was written, every layer and sample, with pages of their own or without', async () => {
    const given = sampleReport();
    await writeSampleReport(folder, 'sample', given);
    const store = openStore(folder);
    const stored = await store.report('sample');
    const expected = parseReport(given.report);
    expect(stored.model).toEqual(expected.model);
    expect(await Promise.all(stored.layers.map(({ index }) => store.layer('sample', index)))).toEqual(expected.layers);
    expect(await Promise.all(stored.samples.map(({ index }) => store.sample('sample', index)))).toEqual(
      expected.samples,
    );
    expect(await stored.run()).toEqual(SAMPLE_RUN);
    expect(stored.sampleNamed(expected.samples[3]!.name)?.index).toBe(3);
    expect(stored.layerNamed('nothing')).toBeUndefined();
  });

  it('is the same bytes when it is written again, elsewhere or over itself', async () => {
    await writeSampleReport(folder, 'a', small);
    const first = await contents(join(folder, 'a'));
    await writeSampleReport(folder, 'b', sampleReport({ samples: 5, detailed: 2 }));
    await writeSampleReport(folder, 'a', small);
    expect(await contents(join(folder, 'b'))).toEqual(first);
    expect(await contents(join(folder, 'a'))).toEqual(first);
    expect(Object.keys(first).filter((path) => path.endsWith('.json'))).toEqual([
      ...['layers/0.json', 'layers/1.json', 'layers/2.json', 'layers/3.json', 'report.json', 'run.json'],
      ...['samples/0.json', 'samples/1.json', 'samples/part-0.json'],
    ]);
  });

  it('names no time, host or absolute path outside run.json', async () => {
    await writeSampleReport(folder, 'sample', small);
    for (const [path, content] of Object.entries(await contents(join(folder, 'sample')))) {
      if (!path.endsWith('.json') || path === 'run.json') continue;
      const text = Buffer.from(content, 'base64').toString();
      expect(text).not.toContain(folder);
      expect(text).not.toContain(SAMPLE_RUN.host);
      expect(text).not.toMatch(/\d\d:\d\d:\d\d/);
    }
  });

  it('leaves out pictures that it does not name', async () => {
    const files = new Map([...small.files, ['files/00000000000000000000.png', new Uint8Array([1])]]);
    const path = await writeSampleReport(folder, 'sample', { report: small.report, files });
    const kept = await readdir(join(path, 'files'));
    expect(kept).toHaveLength(small.files.size);
    expect(await findFile(folder, kept[0]!)).toBe(join(path, 'files', kept[0]!));
    expect(await findFile(folder, '00000000000000000000.png')).toBeNull();
    expect(await findFile(folder, '../report.json')).toBeNull();
  });

  it('is listed in index.json, with what a list of reports needs', async () => {
    await writeSampleReport(folder, 'b', small);
    await writeSampleReport(folder, 'a', small);
    const { reports } = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'));
    const { digest } = await openStore(folder).report('a');
    expect(reports).toMatchObject([
      { id: 'a', digest, layers: 4, samples: 5, format: 'onnx' },
      { id: 'b', digest },
    ]);
    expect(await openStore(folder).list()).toEqual(['a', 'b']);
  });
});

describe('writing a report', () => {
  it('shows nothing when a picture was not made', async () => {
    await expect(writeSampleReport(folder, 'sample', { ...small, files: new Map() })).rejects.toThrow(
      /The report names files\/.*, which was not made/,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('keeps the older report when the newer one cannot be written', async () => {
    await writeSampleReport(folder, 'sample', small);
    const before = await contents(folder);
    const newer = { report: { ...small.report, model: { ...small.report.model, name: 'newer' } }, files: new Map() };
    await expect(writeSampleReport(folder, 'sample', newer)).rejects.toThrow('which was not made');
    const broken = { ...small, report: { ...small.report, layers: [{ ...small.report.layers[0]!, index: 3 }] } };
    await expect(writeSampleReport(folder, 'sample', broken)).rejects.toThrow('breaks its format');
    expect(await contents(folder)).toEqual(before);
  });

  it('names the folder when it cannot write there', async () => {
    await writeFile(join(folder, 'file'), '');
    const written = writeSampleReport(join(folder, 'file'), 'sample', small);
    await expect(written).rejects.toThrow(UserError);
    await expect(written).rejects.toThrow(
      `Cannot write reports to ${join(folder, 'file')}: part of the path is a file`,
    );
    await expect(written).rejects.toMatchObject({ exitCode: 5 });
  });

  it.skipIf(process.getuid?.() === 0)('says so when permission is denied', async () => {
    await chmod(folder, 0o500);
    await expect(writeSampleReport(folder, 'sample', small)).rejects.toThrow('permission denied');
  });

  it('never replaces a folder that holds something else', async () => {
    await mkdir(join(folder, 'sample'));
    await writeFile(join(folder, 'sample', 'thesis.tex'), 'years of work');
    await expect(writeSampleReport(folder, 'sample', small)).rejects.toThrow('is not empty and holds no report');
    expect(await readdir(folder)).toEqual(['sample']);
    expect(await readFile(join(folder, 'sample', 'thesis.tex'), 'utf8')).toBe('years of work');
  });

  it.each(['../up', 'a/b', '', '.hidden', 'UPPER', 'a..b', 'x'.repeat(200)])('refuses the id %j', async (id) => {
    const options = { files: folder, run: {} };
    expect(await codeOf(writeReport(folder, id, small.report, options))).toBe('BAD_USER_INPUT');
  });

  it('puts the older report back that a killed writer had moved aside, and removes what it left', async () => {
    await writeSampleReport(folder, 'sample', small);
    await rename(join(folder, 'sample'), join(folder, '.sample.previous'));
    const dead = spawn(process.execPath, ['--version']);
    await new Promise((resolve) => dead.on('exit', resolve));
    await mkdir(join(folder, `.sample.${dead.pid}.unfinished`));
    await mkdir(join(folder, `.sample.${process.ppid}.unfinished`));

    const store = openStore(folder);
    expect(await store.list()).toEqual(['sample']);
    expect((await store.layer('sample', 0)).name).toBe(small.report.layers[0]!.name);

    const newer = { ...small, report: { ...small.report, model: { ...small.report.model, name: 'newer' } } };
    await expect(writeSampleReport(folder, 'sample', { ...newer, files: new Map() })).rejects.toThrow('not made');
    expect((await store.report('sample')).model.name).toBe(small.report.model.name);
    await writeSampleReport(folder, 'sample', newer);
    expect((await store.report('sample')).model.name).toBe('newer');
    expect((await readdir(folder)).sort()).toEqual([`.sample.${process.ppid}.unfinished`, 'index.json', 'sample']);
  });

  it('is whole at every moment, for a reader beside it and after the writer is killed', async () => {
    const script = `
      import { sampleReport, writeSampleReport } from ${JSON.stringify(new URL('../support/sample-report.ts', import.meta.url).href)};
      const versions = [1, 2].map((seed) => sampleReport({ samples: 3, detailed: 1, seed }));
      for (let i = 0; ; i++) {
        await writeSampleReport(process.argv[1], 'sample', versions[i % 2]);
        console.log(i);
      }`;
    const node = join(import.meta.dirname, '../../node_modules/.bin/node');
    const writer = spawn(node, ['--input-type=module', '-e', script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = new Promise((resolve) => writer.on('exit', resolve));
    let rounds = 0;
    const written = new Promise<void>((resolve) => writer.stdout.on('data', () => ++rounds === 1 && resolve()));
    await Promise.race([written, exited]);
    const seeds = new Set<number>();
    while (seeds.size < 2 || rounds < 8) {
      const store = openStore(folder);
      const { seed } = (await store.report('sample')).model.provenance;
      seeds.add(seed);
      const layer = await store.layer('sample', 0);
      expect(layer.weightDirections!.singularValues.length).toBeGreaterThan(0);
    }
    writer.kill('SIGKILL');
    await exited;
    expect(seeds).toEqual(new Set([1, 2]));
    const store = openStore(folder);
    for (const { index } of (await store.report('sample')).samples) await store.sample('sample', index);
  });
});

describe('reading a store', () => {
  it('sees a report that was replaced, and one that went away', async () => {
    const store = openStore(folder);
    expect(await store.find('sample')).toBeNull();
    await writeSampleReport(folder, 'sample', small);
    const first = await store.report('sample');
    expect(await store.report('sample')).toBe(first);
    await writeSampleReport(folder, 'sample', sampleReport({ samples: 3, detailed: 1, seed: 2 }));
    const second = await store.report('sample');
    expect([second.samples.length, second.model.provenance.seed]).toEqual([3, 2]);
    expect(await codeOf(first.layer(0))).toBe('REPORT_CHANGED');
    await rm(join(folder, 'sample'), { recursive: true });
    expect(await store.find('sample')).toBeNull();
  });

  it('names the nearest report when there is none of that name', async () => {
    await writeSampleReport(folder, 'resnet-cifar10', small);
    const store = openStore(folder);
    const error: ReportError = await store.report('resnet-cifar').catch((thrown) => thrown);
    expect([error.extensions.code, error.message]).toEqual(['NOT_FOUND', 'No report "resnet-cifar"']);
    expect(error.hint).toContain('Did you mean "resnet-cifar10"?');
    expect(await codeOf(store.layer('resnet-cifar10', 4))).toBe('NOT_FOUND');
    expect(await codeOf(store.sample('resnet-cifar10', -1))).toBe('NOT_FOUND');
  });

  it('never leaves its folder', async () => {
    await writeSampleReport(join(folder, 'outside'), 'secret', small);
    const store = openStore(join(folder, 'reports'));
    for (const id of ['../outside/secret', '..', '/etc', '.secret.previous', 'a/../../outside/secret']) {
      expect(await codeOf(store.find(id))).toBe('BAD_USER_INPUT');
    }
  });

  describe('that is damaged', () => {
    const path = (file: string) => join(folder, 'sample', file);
    beforeEach(() => writeSampleReport(folder, 'sample', small));

    it.each([
      ['{ "formatVersion": 1, ', /^sample\/report\.json is damaged: .*JSON/],
      ['null', /^sample\/report\.json is damaged: formatVersion/],
      ['{ "formatVersion": 1 }', /^sample\/report\.json is damaged: model: /],
    ])('names report.json when it holds %s', async (text, message) => {
      await writeFile(path('report.json'), text);
      const error: ReportError = await openStore(folder)
        .report('sample')
        .catch((thrown) => thrown);
      expect(error.message).toMatch(message);
      expect(error.extensions.code).toBe('REPORT_CORRUPT');
    });

    it('refuses a newer format by its number', async () => {
      await writeFile(path('report.json'), '{ "formatVersion": 99 }');
      const store = openStore(folder);
      expect(await codeOf(store.report('sample'))).toBe('REPORT_TOO_NEW');
      await expect(store.report('sample')).rejects.toThrow('formatVersion 99 is newer than 1');
    });

    it('names the part that is missing, cut short or changed, and reads the rest', async () => {
      await rm(path('layers/0.json'));
      await writeFile(path('layers/1.json'), (await readFile(path('layers/1.json'), 'utf8')).slice(0, -30));
      const text = await readFile(path('samples/0.json'), 'utf8');
      await writeFile(path('samples/0.json'), text.replace('"winner": "', '"winner": "not '));
      const store = openStore(folder);
      expect(await codeOf(store.layer('sample', 0))).toBe('REPORT_CORRUPT');
      await expect(store.layer('sample', 0)).rejects.toThrow('sample/layers/0.json is damaged: the file is missing');
      await expect(store.layer('sample', 1)).rejects.toThrow('sample/layers/1.json is damaged: its content is not');
      await expect(store.sample('sample', 0)).rejects.toThrow('sample/samples/0.json is damaged: its content is not');
      expect((await store.layer('sample', 2)).weightDirections).not.toBeNull();
    });

    it('is verified by every file that it names, pictures, arrays and run.json too', async () => {
      const report = await openStore(folder).report('sample');
      await report.verify();
      const files = (await readdir(path('.'), { recursive: true })).filter((name) => /\.(json|png|npy)$/.test(name));
      const others = files.filter((name) => name !== 'report.json');
      expect(new Set(others.map((name) => name.split('.').at(-1)))).toEqual(new Set(['json', 'png', 'npy']));
      for (const name of others) {
        const bytes = await readFile(path(name));
        await writeFile(path(name), bytes.subarray(1));
        await expect(report.verify()).rejects.toThrow(`sample/${name} is damaged`);
        await writeFile(path(name), bytes);
      }
      await report.verify();
    });

    it('is read again once it is mended', async () => {
      const store = openStore(folder);
      const text = await readFile(path('layers/0.json'), 'utf8');
      await writeFile(path('layers/0.json'), '');
      expect(await codeOf(store.layer('sample', 0))).toBe('REPORT_CORRUPT');
      await writeFile(path('layers/0.json'), text);
      expect((await store.layer('sample', 0)).index).toBe(0);
    });

    it('is left out of index.json, while others are written', async () => {
      await cp(path('.'), join(folder, 'damaged'), { recursive: true });
      await writeFile(join(folder, 'damaged', 'report.json'), '');
      await writeSampleReport(folder, 'sample', small);
      const { reports } = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'));
      expect(reports.map(({ id }: { id: string }) => id)).toEqual(['sample']);
      expect(await openStore(folder).list()).toEqual(['damaged', 'sample']);
    });
  });
});
