import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BreakingChangeType, buildClientSchema, buildSchema, findSchemaChanges, getIntrospectionQuery } from 'graphql';
import type { GraphQLSchema } from 'graphql';
import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHandler } from '../../graphql/handler.ts';
import type { Handler } from '../../graphql/handler.ts';
import { LIMITS } from '../../graphql/limits.ts';
import { query } from '../../graphql/query.ts';
import { readReports } from '../../reports/reader.ts';
import type { Store } from '../../reports/reader.ts';
import { openStore } from '../../reports/store.ts';
import { urlSource } from '../../reports/url-source.ts';
import { sampleReport, writeSampleReport } from '../support/sample-report.ts';

let folder: string;
let store: Store;
let handler: Handler;
const unexpected: unknown[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'handler-'));
  await writeSampleReport(folder, 'sample', sampleReport({ samples: 5, detailed: 1 }));
  store = openStore(folder);
  handler = createHandler(store, { logError: (error) => unexpected.push(error) });
});
afterAll(() => rm(folder, { recursive: true }));

function post(body: unknown, headers: Record<string, string> = {}): Request {
  return new Request('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

function get(document: string, headers: Record<string, string> = {}): Request {
  return new Request(`http://localhost/graphql?query=${encodeURIComponent(document)}`, { headers });
}

async function codeOf(response: Response): Promise<unknown> {
  const { errors } = await response.json();
  expect(errors).toHaveLength(1);
  return errors[0].extensions.code;
}

describe('the fetch handler', () => {
  it('keeps to GraphQL over HTTP, audit by audit', async () => {
    const audits = serverAudits({
      url: 'http://localhost/graphql',
      fetchFn: (url: string, init?: RequestInit) => handler(new Request(url, init)),
    });
    const failed: string[] = [];
    for (const audit of audits) {
      const result = await audit.fn();
      if (result.status !== 'ok') failed.push(`${audit.name}: ${result.reason}`);
    }
    expect(audits.length).toBeGreaterThan(50);
    expect(failed).toEqual([]);
  });

  it('answers as the in-process query does, by GET and by POST', async () => {
    const document = '{ model(id: "sample") { name layers { name weightDirections { stableRank } } } }';
    const expected = { data: (await query(store, document)).data };
    expect(await (await handler(get(document))).json()).toEqual(expected);
    expect(await (await handler(post({ query: document }))).json()).toEqual(expected);
  });

  it('answers at another path when told so, with health beside it', async () => {
    const below = createHandler(store, { endpoint: '/api/v1/graphql' });
    const asked = (path: string) => below(new Request(`http://localhost${path}`));
    expect((await asked('/api/v1/graphql?query={__typename}')).status).toBe(200);
    expect((await asked('/api/v1/health')).status).toBe(200);
    expect((await asked('/graphql?query={__typename}')).status).toBe(404);
  });

  it('is read by a client that pages through it with what each answer says', async () => {
    const names: string[] = [];
    const document = `query ($after: String) { model(id: "sample") { samples(first: 2, after: $after, orderBy: CONFIDENCE) {
      totalCount nodes { name confidence } pageInfo { hasNextPage endCursor } } } }`;
    for (let after: string | null = null, pages = 0; pages < 10; pages++) {
      const response = await handler(post({ query: document, variables: { after } }));
      const { nodes, pageInfo, totalCount }: any = (await response.json()).data.model.samples;
      names.push(...nodes.map((node: { name: string }) => node.name));
      expect(totalCount).toBe(5);
      if (!pageInfo.hasNextPage) break;
      after = pageInfo.endCursor;
    }
    expect(new Set(names).size).toBe(5);
  });

  it('answers from an HTTP base URL with nothing but fetch', async () => {
    const asked: string[] = [];
    const source = urlSource('https://reports.example/', {
      fetch: async (url) => {
        asked.push(new URL(url).pathname);
        const text = await readFile(join(folder, new URL(url).pathname), 'utf8').catch(() => null);
        return new Response(text, { status: text === null ? 404 : 200 });
      },
    });
    const document =
      '{ models { nodes { report layers { name weightDirections { energy directions { filter { url } } } } } } }';
    const overHttp = createHandler(readReports(source));
    const response = await overHttp(post({ query: document }));
    expect(await response.json()).toEqual({ data: (await query(store, document)).data });
    expect(asked).toEqual([
      '/index.json',
      '/sample/report.json',
      ...[0, 1, 2, 3].map((n) => `/sample/layers/${n}.json`),
    ]);
    expect(await (await overHttp(new Request('http://localhost/health'))).json()).toMatchObject({
      status: 'ok',
      reports: 1,
    });
  });

  it('imports nothing of Node, nor does anything that it imports', async () => {
    const seen = new Set<string>();
    const modules = new Set<string>();
    const visit = async (file: URL): Promise<void> => {
      if (seen.has(file.href)) return;
      seen.add(file.href);
      if (!file.href.endsWith('.ts')) return;
      const text = await readFile(file, 'utf8');
      const imported = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier]) => specifier!);
      for (const specifier of imported) {
        if (specifier.startsWith('.')) await visit(new URL(specifier, file));
        else modules.add(specifier);
      }
    };
    await visit(new URL('../../graphql/handler.ts', import.meta.url));
    await visit(new URL('../../reports/url-source.ts', import.meta.url));
    expect([...seen].some((href) => href.endsWith('/reports/reader.ts'))).toBe(true);
    expect([...modules].sort()).toEqual(['graphql', 'graphql-yoga', 'zod']);
  });

  it('gives an ETag, and a 304 to a GET that has it', async () => {
    const document = '{ model(id: "sample") { name } }';
    const first = await handler(get(document));
    const etag = first.headers.get('etag')!;
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
    expect((await handler(post({ query: document }))).headers.get('etag')).toBe(etag);
    for (const known of [etag, `"other", W/${etag}`, '*']) {
      const again = await handler(get(document, { 'if-none-match': known }));
      expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
    }
    expect((await handler(get(document, { 'if-none-match': '"other"' }))).status).toBe(200);
    const other = await handler(get('{ model(id: "sample") { format } }', { 'if-none-match': etag }));
    expect([other.status, other.headers.get('etag') === etag]).toEqual([200, false]);
  });

  it('tells its health, also when the reports are out of reach', async () => {
    const health = new Request('http://localhost/health');
    expect(await (await handler(health)).json()).toEqual({ status: 'ok', version: expect.any(String), reports: 1 });
    const lost = readReports(urlSource('https://reports.example/', { fetch: () => Promise.reject(new Error('down')) }));
    const response = await createHandler(lost)(health);
    expect([response.status, await response.json()]).toEqual([
      503,
      { status: 'unavailable', version: expect.any(String) },
    ]);
  });

  it('has no landing page, no explorer and nothing elsewhere', async () => {
    const page = await handler(new Request('http://localhost/graphql', { headers: { accept: 'text/html' } }));
    expect([page.status, await page.text()]).toEqual([406, '']);
    for (const path of ['/', '/graphql/x', '/files/x.png']) {
      expect((await handler(new Request(`http://localhost${path}`, { headers: { accept: 'text/html' } }))).status).toBe(
        404,
      );
    }
  });

  it('takes no batches, no uploads and no other methods', async () => {
    const batch = await handler(post([{ query: '{ __typename }' }, { query: '{ __typename }' }]));
    expect([batch.status, (await batch.json()).data]).toEqual([400, undefined]);
    const form = new FormData();
    form.set('operations', JSON.stringify({ query: '{ __typename }' }));
    form.set('map', '{}');
    expect((await handler(new Request('http://localhost/graphql', { method: 'POST', body: form }))).status).toBe(415);
    expect((await handler(new Request('http://localhost/graphql', { method: 'DELETE' }))).status).toBe(405);
  });

  it('lets no other origin read unless it is named, and never with credentials', async () => {
    const origin = 'https://audit.example';
    const cors = (response: Response) => [
      response.headers.get('access-control-allow-origin'),
      response.headers.get('access-control-allow-credentials'),
    ];
    expect(cors(await handler(get('{ __typename }', { origin })))).toEqual([null, null]);
    const open = createHandler(store, { origins: [origin] });
    const [allowed] = cors(await open(get('{ __typename }', { origin })));
    expect(allowed).toBe(origin);
    const [foreign, credentials] = cors(await open(get('{ __typename }', { origin: 'https://evil.example' })));
    expect(foreign).not.toBe('https://evil.example');
    expect(foreign).not.toBe('*');
    expect(credentials).not.toBe('true');
  });
});

describe('a request over a limit', () => {
  it('is refused with the code of that limit', async () => {
    const code = async (document: string, variables?: object) =>
      codeOf(await handler(post({ query: document, variables })));
    expect(await code(`{ ${'__typename '.repeat(LIMITS.tokens)}}`)).toBe('TOO_MANY_TOKENS');
    const deep = (levels: number): string =>
      levels === 0 ? '{ name }' : `{ similarityOverlays { other ${deep(levels - 1)} } }`;
    expect(await code(`{ model(id: "sample") { sample(name: "x") ${deep(6)} } }`)).toBe('QUERY_TOO_DEEP');
    const costly = 'query ($n: Int!) { models(first: $n) { nodes { samples(first: $n) { nodes { name } } } } }';
    expect(await code(costly, { n: 100 })).toBe('QUERY_TOO_COSTLY');
    expect(await code('{ models(first: 101) { totalCount } }')).toBe('PAGE_SIZE_EXCEEDED');
    expect(await code('{ model(id: "..") { name } }')).toBe('BAD_USER_INPUT');
    expect(await code('{ compare(base: "sample", head: "none") { base { name } } }')).toBe('NOT_FOUND');
    expect((await (await handler(post({ query: costly, variables: { n: 5 } }))).json()).errors).toBeUndefined();
    expect(unexpected).toEqual([]);
  });

  it('is refused above 64 KB, whether the length is told beforehand or not', async () => {
    const body = JSON.stringify({ query: '{ __typename }', extensions: { padding: 'x'.repeat(LIMITS.bodyBytes) } });
    const told = await handler(post(body, { 'content-length': String(body.length) }));
    expect([told.status, await codeOf(told)]).toEqual([413, 'BODY_TOO_LARGE']);
    const chunks = body.match(/.{1,1000}/g)!;
    let read = 0;
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode(chunks[read++] ?? ''));
        if (read > chunks.length + 50) controller.close();
      },
    });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: stream, duplex: 'half' };
    const streamed = await handler(new Request('http://localhost/graphql', init));
    expect([streamed.status, await codeOf(streamed)]).toEqual([413, 'BODY_TOO_LARGE']);
    expect(read).toBeLessThan(chunks.length + 5);
    const long = await handler(get(`{ __typename } #${'x'.repeat(LIMITS.bodyBytes)}`));
    expect([long.status, await codeOf(long)]).toEqual([414, 'BODY_TOO_LARGE']);
  });

  it('is refused when it takes too long', async () => {
    const slow: Store = { ...store, list: () => new Promise(() => {}) };
    const response = await createHandler(slow, { seconds: 0.02 })(post({ query: '{ models { totalCount } }' }));
    expect([response.status, await codeOf(response)]).toEqual([503, 'TIMEOUT']);
  });
});

describe('an error', () => {
  it('of ours names the file, and no folder of this machine', async () => {
    await writeSampleReport(folder, 'damaged', sampleReport({ samples: 1, detailed: 0 }));
    await writeFile(join(folder, 'damaged', 'report.json'), '{');
    const text = await (await handler(post({ query: '{ model(id: "damaged") { name } }' }))).text();
    expect(JSON.parse(text).errors[0]).toMatchObject({
      message: expect.stringMatching(/^damaged\/report\.json is damaged: /),
      extensions: { code: 'REPORT_CORRUPT' },
    });
    expect(text).not.toContain(folder);
    const all = await (await handler(post({ query: '{ models { nodes { report } } }' }))).json();
    expect(all.data.models.nodes).toEqual([{ report: 'sample' }]);
    expect(all.errors).toEqual([
      { message: JSON.parse(text).errors[0].message, extensions: { code: 'REPORT_CORRUPT' } },
    ]);
    await rm(join(folder, 'damaged'), { recursive: true });
  });

  it('that nobody thought of is masked, and told to the log', async () => {
    const told: unknown[] = [];
    const broken: Store = { ...store, list: () => Promise.reject(new Error('secret of the house')) };
    const response = await createHandler(broken, { logError: (error) => told.push(error) })(
      post({ query: '{ models { totalCount } }' }),
    );
    const text = await response.text();
    expect(text).not.toContain('secret');
    expect(JSON.parse(text).errors[0]).toMatchObject({ message: 'Unexpected error.' });
    expect(told.map(String)).toEqual(['Error: secret of the house']);
  });

  it('does not come of asking for the schema', async () => {
    const { data, errors } = await (await handler(post({ query: getIntrospectionQuery() }))).json();
    expect(errors).toBeUndefined();
    expect(data.__schema.queryType.name).toBe('Query');
    // A client that was written against the committed schema meets no breaking change, and none was forgotten there.
    const committed = buildSchema(await readFile(new URL('../../graphql/schema.graphql', import.meta.url), 'utf8'));
    const served = buildClientSchema(data);
    const breaking = (before: GraphQLSchema, after: GraphQLSchema) =>
      findSchemaChanges(before, after).filter(({ type }) => type in BreakingChangeType);
    expect(breaking(committed, served)).toEqual([]);
    expect(breaking(served, committed)).toEqual([]);
  });
});
