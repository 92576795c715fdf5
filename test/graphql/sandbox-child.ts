// Runs the fetch handler where there is nothing but what a worker has: a context of web globals, no process, no require,
// no file system, no code from strings. Modules are linked as a bundler for workers resolves them; one that asks for Node
// is refused. Arguments: a folder that is served as https://reports.example/. Prints one line of JSON.
import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { sha256 } from '../../reports/hash.ts';

const [folder = ''] = process.argv.slice(2);
const asked: { path: string; status: number; options: string[] }[] = [];

/** A static host with entity tags. */
async function fetchReports(url: string, init: RequestInit = {}): Promise<Response> {
  const path = new URL(url).pathname;
  const text = await readFile(join(folder, path), 'utf8').catch(() => null);
  const etag = text === null ? '' : `"${sha256(text).slice(0, 16)}"`;
  const known = new Headers(init.headers).get('if-none-match');
  const status = text === null ? 404 : known === etag ? 304 : 200;
  asked.push({ path, status, options: Object.keys(init).sort() });
  return new Response(status === 200 ? text : null, { status, headers: { etag } });
}

const web = Object.fromEntries(
  [
    'AbortController AbortSignal Blob DOMException Event EventTarget File FormData Headers ReadableStream Request Response',
    'TextDecoder TextDecoderStream TextEncoder TransformStream URL URLSearchParams WritableStream atob btoa clearTimeout',
    'console crypto performance queueMicrotask setTimeout structuredClone',
  ]
    .join(' ')
    .split(' ')
    .map((name) => [name, (globalThis as Record<string, unknown>)[name]]),
);
const context = vm.createContext(
  { ...web, fetch: fetchReports, reports: 'https://reports.example/' },
  { codeGeneration: { strings: false, wasm: false } },
);
vm.runInContext('globalThis.self = globalThis', context);

const modules = new Map<string, Promise<vm.Module>>();

function load(url: string): Promise<vm.Module> {
  const known = modules.get(url) ?? make(url);
  modules.set(url, known);
  return known;
}

async function make(url: string): Promise<vm.Module> {
  if (!url.startsWith('file:')) throw new Error(`${url} is not there in a worker`);
  const text = await readFile(fileURLToPath(url), 'utf8');
  if (url.endsWith('.json')) return values({ default: JSON.parse(text) }, url);
  const code = url.endsWith('.ts') ? stripTypeScriptTypes(text) : text;
  return new vm.SourceTextModule(code, { context, identifier: url });
}

function values(exported: Record<string, unknown>, identifier: string): vm.Module {
  return new vm.SyntheticModule(
    Object.keys(exported),
    function () {
      for (const [name, value] of Object.entries(exported)) this.setExport(name, value);
    },
    { context, identifier },
  );
}

async function link(specifier: string, from: { identifier: string }): Promise<vm.Module> {
  // Its field "browser", which bundlers for workers take, leads to the platform's own.
  if (specifier === '@whatwg-node/fetch') {
    const own = [
      'fetch',
      'Request',
      'Response',
      'Headers',
      'FormData',
      'ReadableStream',
      'WritableStream',
      'TransformStream',
    ];
    const more = [
      'URL',
      'URLSearchParams',
      'TextEncoder',
      'TextDecoder',
      'TextDecoderStream',
      'Blob',
      'File',
      'crypto',
      'btoa',
    ];
    const all = Object.fromEntries([...own, ...more].map((name) => [name, context[name]]));
    return values({ ...all, URLPattern: undefined, createFetch: () => all }, specifier);
  }
  return load(import.meta.resolve(specifier, from.identifier));
}

const entry = new vm.SourceTextModule(
  `import { createHandler } from './handler.ts';
   import { readReports } from '../reports/reader.ts';
   import { urlSource } from '../reports/url-source.ts';
   export const handler = createHandler(readReports(urlSource(reports, { maxAgeSeconds: 0 })), { endpoint: '/api/graphql' });
   export const seen = [typeof process, typeof require, typeof Buffer];`,
  { context, identifier: new URL('../../graphql/entry.ts', import.meta.url).href },
);
await entry.link(link);
await entry.evaluate();
const { handler, seen } = entry.namespace as { handler: (request: Request) => Promise<Response>; seen: string[] };

const document = '{ models { nodes { report layers { name weightDirections { energy } } } } }';
const get = (headers: Record<string, string> = {}) =>
  handler(new Request(`https://worker.example/api/graphql?query=${encodeURIComponent(document)}`, { headers }));
const first = await get();
const answer = await first.json();
const before = asked.length;
const again = await get({ 'if-none-match': first.headers.get('etag')! });
const health = await (await handler(new Request('https://worker.example/api/health'))).json();
console.log(
  JSON.stringify({
    seen,
    answer,
    first: asked.slice(0, before),
    again: { status: again.status, asked: asked.slice(before, -1) },
    health,
  }),
);
