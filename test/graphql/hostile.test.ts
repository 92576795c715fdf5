// What a client that means harm sends to a running server: every one gets a code, and the server stays as it was.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { globalId } from '../../graphql/global-id.ts';
import { createHandler } from '../../graphql/handler.ts';
import { LIMITS } from '../../graphql/limits.ts';
import { serve } from '../../graphql/server.ts';
import type { LogEntry, RunningServer } from '../../graphql/server.ts';
import { openStore } from '../../reports/store.ts';
import { largeReport } from '../support/large-report.ts';
import { writeSampleReport } from '../support/sample-report.ts';

/** Longer when asked for: EIGENLENS_FLOOD_SECONDS=10. */
const FLOOD_SECONDS = Number(process.env.EIGENLENS_FLOOD_SECONDS ?? 2);
const AT_ONCE = 500;

let folder: string;
let server: RunningServer;
const failures: LogEntry[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-'));
  await writeSampleReport(join(folder, 'reports'), 'large', largeReport({ samples: 500, layers: 20 }));
  await writeFile(join(folder, 'secret.json'), '{"secret": "not for you"}');
  const log = (entry: LogEntry) => {
    if (entry.level === 'error') failures.push(entry);
  };
  server = await serve({ reports: join(folder, 'reports'), port: 0, log });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

async function ask(body: unknown): Promise<{ status: number; codes: unknown[]; text: string }> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const { errors = [] } = text.startsWith('{') ? JSON.parse(text) : {};
  return { status: response.status, codes: errors.map((error: any) => error.extensions?.code), text };
}

const codes = async (query: string, variables?: object) => (await ask({ query, variables })).codes;

describe('a document that is', () => {
  it('deep, wide, or full of aliases is refused before it runs', async () => {
    const deep = (levels: number): string =>
      levels === 0 ? '{ name }' : `{ similarityOverlays { other ${deep(levels - 1)} } }`;
    expect(await codes(`{ model(id: "large") { sample(name: "x") ${deep(8)} } }`)).toEqual(['QUERY_TOO_DEEP']);
    const aliases = (count: number, field: string) =>
      Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ');
    expect(await codes(`{ ${aliases(1000, 'service { version }')} }`)).toEqual(['TOO_MANY_TOKENS']);
    expect(await codes(`{ model(id: "large") { ${aliases(60, 'samples(first: 100) { nodes { name } }')} } }`)).toEqual([
      'QUERY_TOO_COSTLY',
    ]);
    expect(await codes(`{ ${aliases(150, 'service { version }')} }`)).toEqual([]);
    expect(await codes(`{ ${'('.repeat(20_000)} }`)).toEqual(['GRAPHQL_PARSE_FAILED']);
    expect(await codes(`{ ${'x {'.repeat(300)} ${'}'.repeat(300)} }`)).not.toEqual([]);
  });

  it('long in what it answers is refused, though its lists have no pages', async () => {
    const lists = Array.from({ length: 60 }, (_, i) => `a${i}: layers { layerFeatures { embedding { x } } }`).join(' ');
    const answer = await ask({ query: `{ model(id: "large") { ${lists} } }` });
    expect(new Set(answer.codes)).toEqual(new Set(['QUERY_TOO_COSTLY']));
    expect(await codes('{ model(id: "large") { layers { layerFeatures { embedding { x } } } } }')).toEqual([]);
  });

  it('the schema many times over is refused, and once is not', async () => {
    const once = 'types { fields { args { type { name ofType { name } } } type { name ofType { name } } } }';
    const aliased = Array.from({ length: 20 }, (_, i) => `a${i}: __schema { ${once} }`).join(' ');
    expect(await codes(`{ ${aliased} }`)).toEqual(['QUERY_TOO_COSTLY']);
    expect(await codes(`{ __schema { ${once} } }`)).toEqual([]);
    const nested = (levels: number): string => (levels === 0 ? 'name' : `fields { type { ${nested(levels - 1)} } }`);
    expect(await codes(`{ __schema { types { ${nested(10)} } } }`)).not.toEqual([]);
  });

  it('cyclic in its fragments, or doubles them, is refused at once', async () => {
    const cyclic = '{ model(id: "large") { ...a } } fragment a on Model { name ...b } fragment b on Model { ...a }';
    expect(await codes(cyclic)).toContain('GRAPHQL_VALIDATION_FAILED');
    const doubling = Array.from({ length: 40 }, (_, i) =>
      i === 39 ? 'fragment f39 on Model { input { name } }' : `fragment f${i} on Model { ...f${i + 1} ...f${i + 1} }`,
    );
    expect(await codes(`{ model(id: "large") { ...f0 } } ${doubling.join(' ')}`)).toEqual(['QUERY_TOO_COSTLY']);
  });
});

describe('an id that is', () => {
  it('a path, or names a path, reads nothing', async () => {
    const key = (text: string) => Buffer.from(text).toString('base64url');
    const ids = [
      '../secret.json',
      '..',
      '.',
      '/etc/passwd',
      'large/../large',
      '%2e%2e',
      'large\0',
      '__proto__',
      key('Model:..'),
      key('Model:../reports/large'),
      key('Sample:../large/x'),
      key('Layer:../../secret.json/x'),
    ];
    for (const id of ids) {
      for (const field of [
        `model(id: $id) { name }`,
        `node(id: $id) { id }`,
        `compare(base: $id, head: $id) { base { name } }`,
      ]) {
        const { codes: found, text } = await ask({ query: `query ($id: ID!) { ${field} }`, variables: { id } });
        expect([id, field, found]).toEqual([id, field, ['BAD_USER_INPUT']]);
        expect(text).not.toContain(folder);
      }
    }
    expect(
      await codes('{ model(id: "large") { layer(name: "../../x") { name } sample(name: "__proto__") { name } } }'),
    ).toEqual([]);
  });

  it('of another type, or no id at all, is refused or finds nothing', async () => {
    const layer = globalId({ type: 'Layer', report: 'large', name: 'features/block0/conv' });
    expect(await codes('query ($id: ID!) { model(id: $id) { name } }', { id: layer })).toEqual(['BAD_USER_INPUT']);
    const asSample = globalId({ type: 'Sample', report: 'large', name: 'features/block0/conv' });
    expect((await ask({ query: '{ node(id: "' + asSample + '") { id } }' })).text).toBe('{"data":{"node":null}}');
    expect(await codes('{ node(id: "bm90aGluZw") { id } }')).toEqual(['BAD_USER_INPUT']);
    for (const id of [{}, [], true, null, 1.5]) {
      const { status, codes: found } = await ask({
        query: 'query ($id: ID!) { model(id: $id) { name } }',
        variables: { id },
      });
      expect([id, status, found.length]).toEqual([id, 400, 1]);
    }
    expect(await codes('{ model(id: "large") { samples(after: "../x") { totalCount } } }')).toEqual(['BAD_USER_INPUT']);
  });
});

describe('a body that is', () => {
  it('a megabyte, or no JSON, or nested without end, is refused', async () => {
    expect(await ask({ query: `{ __typename } #${'x'.repeat(2 ** 20)}` })).toMatchObject({
      status: 413,
      codes: ['BODY_TOO_LARGE'],
    });
    for (const body of ['{', 'null', '1', '[]', '"x"', '{"query": 1}', `{"query":${'['.repeat(60_000)}`]) {
      const { status } = await ask(body);
      expect([body.slice(0, 20), status >= 400 && status < 500]).toEqual([body.slice(0, 20), true]);
    }
  });

  it('slow is given up, and its connection is closed', async () => {
    const quick = createHandler(openStore(join(folder, 'reports')), { seconds: 0.05 });
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"query":')),
    });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body, duplex: 'half' };
    const response = await quick(new Request('http://localhost/graphql', init));
    expect([response.status, (await response.json()).errors[0].extensions.code]).toEqual([408, 'TIMEOUT']);
    expect(LIMITS.seconds).toBeLessThanOrEqual(10);
  });

  it('announced too large over a connection is answered, and the connection is closed', async () => {
    const { hostname, port } = new URL(server.url);
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      let heard = '';
      socket.on('data', (chunk) => (heard += chunk.toString()));
      socket.on('close', () => resolve(heard));
      socket.on('error', reject);
      socket.write(
        `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1048576\r\n\r\n{"query":`,
      );
    });
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text.toLowerCase()).toContain('connection: close');
  });
});

describe('a flood', () => {
  it(`of ${AT_ONCE} at once is answered, and memory is back where it was`, { timeout: 60_000 }, async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const used = () => {
      collect();
      return process.memoryUsage().heapUsed / 2 ** 20;
    };
    const document =
      '{ model(id: "large") { samples(first: 20, orderBy: UNCERTAINTY) { nodes { name decisionTrace { classes } } } } }';
    const flood = async (seconds: number) => {
      const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
      const until = performance.now() + seconds * 1000;
      const statuses = new Map<number, number>();
      const client = async () => {
        while (performance.now() < until) {
          const status = await send(agent, JSON.stringify({ query: document }));
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, client));
      agent.destroy();
      return statuses;
    };
    await flood(0.5);
    const before = used();
    const statuses = await flood(FLOOD_SECONDS);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const after = used();
    const total = [...statuses.values()].reduce((sum, count) => sum + count, 0);
    if (FLOOD_SECONDS > 2) {
      console.log(
        `${total} answers in ${FLOOD_SECONDS} s, ${JSON.stringify([...statuses])}, heap ${before.toFixed(1)} → ${after.toFixed(1)} MiB`,
      );
    }
    expect([...statuses.keys()].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect(statuses.get(200)).toBeGreaterThanOrEqual(AT_ONCE);
    expect(after - before).toBeLessThan(20);
    expect((await (await fetch(`${server.url}/health`)).json()).status).toBe('ok');
  });

  it('and all the rest left no unexpected error in the log', () => {
    expect(failures).toEqual([]);
  });
});

function send(agent: Agent, body: string): Promise<number> {
  const { hostname, port } = new URL(server.url);
  const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const sent = request({ agent, hostname, port, path: '/graphql', method: 'POST', headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode!));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
