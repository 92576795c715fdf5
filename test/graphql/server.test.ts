import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve } from '../../graphql/server.ts';
import type { LogEntry, RunningServer } from '../../graphql/server.ts';
import { sampleReport, writeSampleReport } from '../support/sample-report.ts';

let folder: string;
let server: RunningServer;
const logged: LogEntry[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'server-'));
  await writeSampleReport(join(folder, 'reports'), 'sample', sampleReport({ samples: 2, detailed: 1 }));
  await mkdir(join(folder, 'site', 'models'), { recursive: true });
  await writeFile(join(folder, 'site', 'index.html'), '<!doctype html><title>Reports</title>');
  await writeFile(join(folder, 'site', 'models', 'index.html'), '<!doctype html><title>Models</title>');
  await writeFile(join(folder, 'secret.txt'), 'not for you');
  const log = (entry: LogEntry) => void logged.push(entry);
  server = await serve({ reports: join(folder, 'reports'), site: join(folder, 'site'), port: 0, log });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

/** A request with headers and a path that fetch would not send. */
function raw(path: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode!, text }));
    })
      .on('error', reject)
      .end();
  });
}

describe('the server', () => {
  it('listens on loopback, and answers GraphQL and health', async () => {
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ models { nodes { report } } }' }),
    });
    expect(await response.json()).toEqual({ data: { models: { nodes: [{ report: 'sample' }] } } });
    expect(await (await fetch(`${server.url}/health`)).json()).toMatchObject({ status: 'ok' });
  });

  it('serves the built site, pictures by content, and nothing above', async () => {
    expect(await (await fetch(server.url)).text()).toContain('<title>Reports</title>');
    expect(await (await fetch(`${server.url}/models/`)).text()).toContain('<title>Models</title>');
    const names = await readdir(join(folder, 'reports', 'sample', 'files'));
    const png = await fetch(`${server.url}/files/${names.find((name) => name.endsWith('.png'))}`);
    expect([png.status, png.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(png.headers.get('x-content-type-options')).toBe('nosniff');
    expect(new Uint8Array(await png.arrayBuffer()).slice(1, 4)).toEqual(new TextEncoder().encode('PNG'));
    for (const path of [
      '/../secret.txt',
      '/..%2fsecret.txt',
      '/files/..%2f..%2fsecret.txt',
      '/files/%2e%2e/report.json',
      '/nothing',
    ]) {
      const { status, text } = await raw(path, {});
      expect([path, status]).toEqual([path, 404]);
      expect(text).not.toContain('not for you');
    }
  });

  it('has an explorer that comes from here alone, under a policy that allows no other place', async () => {
    const page = await fetch(`${server.url}/graphql`, { headers: { accept: 'text/html' } });
    const policy = page.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/script-src 'sha256-[\w+/=]{44}'(;|$)/);
    expect(policy).not.toMatch(/https?:|unsafe-eval|\*/);
    const html = await page.text();
    expect(html).toContain('eigenlens: explorer');
    expect(html).not.toMatch(/<(script|link|img)[^>]+(src|href)="?(https?:)?\/\//);
  });

  it('answers to no other name while it listens on loopback', async () => {
    expect((await raw('/graphql?query={__typename}', { host: 'evil.example' })).status).toBe(421);
    expect((await raw('/graphql?query={__typename}', { host: 'localhost:4000' })).status).toBe(200);
  });

  it('logs one entry a request', async () => {
    await fetch(`${server.url}/health?secret=1`);
    await expect.poll(() => logged.filter(({ path }) => path === '/health').length).toBeGreaterThan(0);
    const entry = logged.findLast(({ path }) => path === '/health');
    expect(entry).toEqual({
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      level: 'info',
      method: 'GET',
      path: '/health',
      status: 200,
      milliseconds: expect.any(Number),
    });
  });

  it('says what to do when the port is taken', async () => {
    const port = Number(new URL(server.url).port);
    await expect(serve({ reports: folder, port, log: () => {} })).rejects.toMatchObject({
      message: `Cannot listen on 127.0.0.1:${port}: the port is taken`,
      exitCode: 5,
      hint: expect.stringContaining('--port'),
    });
  });

  it('without a site leads to the explorer and still has the pictures', async () => {
    const bare = await serve({ reports: join(folder, 'reports'), port: 0, log: () => {} });
    const home = await fetch(bare.url, { redirect: 'manual' });
    expect([home.status, home.headers.get('location')]).toEqual([302, '/graphql']);
    const [name] = await readdir(join(folder, 'reports', 'sample', 'files'));
    expect((await fetch(`${bare.url}/files/${name}`)).status).toBe(200);
    await bare.stop();
    await expect(fetch(bare.url)).rejects.toThrow();
  });

  it('finishes what it began when it is stopped', async () => {
    const ending = await serve({ reports: join(folder, 'reports'), port: 0, log: () => {} });
    const { hostname, port } = new URL(ending.url);
    const body = JSON.stringify({ query: '{ models { totalCount } }' });
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const sent = request({ hostname, port, path: '/graphql', method: 'POST', headers });
    const answered = new Promise<unknown>((resolve, reject) => {
      sent.on('error', reject);
      sent.on('response', (response) => resolve(new Response(Readable.toWeb(response) as ReadableStream).json()));
    });
    // Half of the question is on its way when the server is told to stop.
    await new Promise<void>((resolve) => sent.write(body.slice(0, 10), () => resolve()));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const stopped = ending.stop();
    sent.end(body.slice(10));
    await stopped;
    expect(await answered).toEqual({ data: { models: { totalCount: 1 } } });
  });
});
