import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReportError } from '../../reports/errors.ts';
import { readReports } from '../../reports/reader.ts';
import { openStore } from '../../reports/store.ts';
import { urlSource } from '../../reports/url-source.ts';
import { sampleReport, writeSampleReport } from '../support/sample-report.ts';

const BASE = 'https://example.org/audit/reports';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'url-source-'));
  await writeSampleReport(folder, 'sample', sampleReport({ samples: 5, detailed: 2 }));
});
afterAll(() => rm(folder, { recursive: true }));

/** A file server in memory, which remembers what it was asked. */
function fileServer() {
  const files = new Map<string, string>();
  const asked: string[] = [];
  const fetch = async (url: string, init?: RequestInit): Promise<Response> => {
    const path = decodeURIComponent(url.slice(BASE.length + 1));
    const text = files.get(path) ?? (await readFile(join(folder, path), 'utf8').catch(() => null));
    if (text === null) return new Response('no such file', { status: 404 });
    const etag = `"${text.length}-${text
      .slice(0, 400)
      .replace(/[^a-z]/g, '')
      .slice(-20)}"`;
    const known = new Headers(init?.headers).get('if-none-match') === etag;
    asked.push(known ? `${path} 304` : path);
    return known ? new Response(null, { status: 304 }) : new Response(text, { headers: { etag } });
  };
  return { files, asked, fetch };
}

describe('a store over a base URL', () => {
  it('hands out what a store over the folder does', async () => {
    const { fetch } = fileServer();
    const there = readReports(urlSource(BASE, { fetch }));
    const here = openStore(folder);
    expect(await there.list()).toEqual(['sample']);
    const [remote, local] = [await there.report('sample'), await here.report('sample')];
    expect(remote.digest).toBe(local.digest);
    expect(remote.model).toEqual(local.model);
    expect(await there.layer('sample', 1)).toEqual(await here.layer('sample', 1));
    for (const index of [0, 4]) expect(await there.sample('sample', index)).toEqual(await here.sample('sample', index));
    expect(await remote.run()).toEqual(await local.run());
  });

  it('asks for each file once, and only for those that it needs', async () => {
    const { fetch, asked } = fileServer();
    const store = readReports(urlSource(`${BASE}/`, { fetch }));
    for (let i = 0; i < 3; i++) {
      await store.sample('sample', 0);
      await Promise.all([store.sample('sample', 3), store.sample('sample', 4)]);
    }
    expect(asked).toEqual(['sample/report.json', 'sample/samples/0.json', 'sample/samples/part-0.json']);
  });

  it('asks again after a while, and takes "not modified" for an answer', async () => {
    const { fetch, asked, files } = fileServer();
    const store = readReports(urlSource(BASE, { fetch, maxAgeSeconds: 0 }));
    const first = await store.report('sample');
    expect(await store.report('sample')).toBe(first);
    expect(asked).toEqual(['sample/report.json', 'sample/report.json 304']);
    const text = await readFile(join(folder, 'sample/report.json'), 'utf8');
    files.set('sample/report.json', text.replace('"seed": 1', '"seed": 12'));
    expect((await store.report('sample')).model.provenance.seed).toBe(12);
  });

  it('has no reports where there is no index, and null for a report that is not there', async () => {
    const store = readReports(
      urlSource('https://example.org/elsewhere/', { fetch: async () => new Response('', { status: 404 }) }),
    );
    expect(await store.list()).toEqual([]);
    expect(await store.find('sample')).toBeNull();
  });

  it('tells a damaged part, a failing server and an unreachable one apart', async () => {
    const { fetch, files } = fileServer();
    files.set('sample/layers/0.json', '{}');
    files.set('index.json', '<!doctype html>');
    const code = (promise: Promise<unknown>) =>
      promise.catch((error: ReportError) => [error.extensions.code, error.message.replace(BASE, '')]);
    const store = readReports(urlSource(BASE, { fetch }));
    expect(await code(store.layer('sample', 0))).toEqual([
      'REPORT_CORRUPT',
      'sample/layers/0.json is damaged: its content is not what was written',
    ]);
    expect(await code(store.list())).toEqual(['REPORT_CORRUPT', expect.stringContaining('index.json is damaged')]);
    const failing = readReports(urlSource(BASE, { fetch: async () => new Response('', { status: 502 }) }));
    expect(await code(failing.report('sample'))).toEqual([
      'REPORT_UNREACHABLE',
      'Cannot read sample/report.json: the server answers 502',
    ]);
    const unreachable = readReports(urlSource(BASE, { fetch: () => Promise.reject(new TypeError('fetch failed')) }));
    expect(await code(unreachable.report('sample'))).toEqual([
      'REPORT_UNREACHABLE',
      'Cannot reach sample/report.json: TypeError: fetch failed',
    ]);
  });

  it('says that a report changed when a part is newer than the report.json at hand', async () => {
    const { fetch, files } = fileServer();
    const store = readReports(urlSource(BASE, { fetch }));
    const report = await store.report('sample');
    const text = await readFile(join(folder, 'sample/report.json'), 'utf8');
    files.set('sample/report.json', text.replace('"seed": 1', '"seed": 12'));
    files.set('sample/layers/0.json', '{}');
    await expect(report.layer(0)).rejects.toThrow('Report "sample" was replaced while it was read');
  });
});
