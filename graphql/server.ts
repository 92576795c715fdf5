// The Node server: GraphQL, an explorer that comes from the package and not from a CDN, the built site, and pictures.
// It listens on loopback unless told otherwise, logs one line of JSON a request, and finishes what it began when stopped.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import sirv from 'sirv';
import { EXIT, UserError } from '../analysis/errors.ts';
import { findFile, openStore } from '../reports/store.ts';
import { createHandler } from './handler.ts';
import { LIMITS } from './limits.ts';

/** One request, as it is logged. */
export interface LogEntry {
  readonly time: string;
  readonly level: 'info' | 'error';
  readonly method?: string;
  readonly path?: string;
  readonly status?: number;
  readonly milliseconds?: number;
  readonly error?: string;
}

interface ServeOptions {
  /** Folder of reports, or an HTTP base URL of them. */
  reports: string;
  /** Folder of the built site; without it there is GraphQL, the explorer and the pictures. */
  site?: string;
  /** Loopback by default. */
  host?: string;
  /** 0 takes any free one. */
  port?: number;
  /** Origins that may ask GraphQL from a browser. */
  origins?: readonly string[];
  /** One JSON line on standard error by default. */
  log?: (entry: LogEntry) => void;
}

export interface RunningServer {
  readonly url: string;
  /** Takes no more requests, and waits for those under way (at most 5 seconds). */
  stop(): Promise<void>;
}

/** Starts the server; throws a UserError when the address cannot be had. */
export async function serve({
  reports,
  site,
  host = '127.0.0.1',
  port = 4000,
  origins = [],
  log = (entry) => process.stderr.write(`${JSON.stringify(entry)}\n`),
}: ServeOptions): Promise<RunningServer> {
  const now = () => new Date().toISOString();
  const logError = (error: unknown) => {
    log({
      time: now(),
      level: 'error',
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  };
  const handler = createHandler(openStore(reports), { origins, logError });
  const files = site === undefined ? undefined : sirv(site, { etag: true, dev: true, setHeaders: harden });
  const names = isLoopback(host) ? LOOPBACK_NAMES : undefined;

  const server = createServer((request, response) => {
    const started = performance.now();
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    response.on('close', () => {
      const milliseconds = Math.round(performance.now() - started);
      log({ time: now(), level: 'info', method: request.method!, path, status: response.statusCode, milliseconds });
    });
    answer(request, response, path).catch((error: unknown) => {
      logError(error);
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
      response.end('Unexpected error.');
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    // A page of another site whose name was pointed at this machine asks under that name.
    if (names && !names.includes(hostNameOf(request)))
      return end(response, 421, 'This server answers to localhost only.');
    if (path === '/graphql' && wantsPage(request)) return explorer(response);
    if (path === '/graphql' || path === '/health') return viaFetch(request, response, handler);
    const name = path.match(/^\/files\/([^/]+)$/)?.[1];
    const picture = () => (name ? sendPicture(response, reports, name) : end(response, 404, 'Not found'));
    if (files) return files(request, response, () => picture().catch(logError));
    if (path === '/') return redirect(response, '/graphql');
    return picture();
  }

  server.headersTimeout = LIMITS.seconds * 1000;
  server.requestTimeout = 2 * LIMITS.seconds * 1000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      const why = taken ? 'the port is taken' : cause.message;
      const hint = taken ? 'Give another one with --port (0 takes any free one).' : undefined;
      reject(new UserError(`Cannot listen on ${host}:${port}: ${why}`, { exitCode: EXIT.environment, hint, cause }));
    });
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const url = `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;

  return {
    url,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const force = setTimeout(() => server.closeAllConnections(), 5_000);
      await closed;
      clearTimeout(force);
    },
  };
}

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function hostNameOf(request: IncomingMessage): string {
  return (request.headers.host ?? 'localhost').replace(/:\d+$/, '').toLowerCase();
}

function wantsPage(request: IncomingMessage): boolean {
  return request.method === 'GET' && !!request.headers.accept?.includes('text/html');
}

function harden(response: ServerResponse): void {
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('x-frame-options', 'DENY');
}

async function end(response: ServerResponse, status: number, text: string): Promise<void> {
  harden(response);
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location }).end();
}

/** A picture or array straight from the reports, for when no site was built. */
async function sendPicture(response: ServerResponse, reports: string, name: string): Promise<void> {
  const path = await findFile(reports, name);
  if (!path) return end(response, 404, 'Not found');
  harden(response);
  response.writeHead(200, {
    'content-type': name.endsWith('.png') ? 'image/png' : 'application/octet-stream',
    // Named by content: what has this name never changes.
    'cache-control': 'public, max-age=31536000, immutable',
  });
  createReadStream(path).pipe(response);
}

async function viaFetch(
  request: IncomingMessage,
  response: ServerResponse,
  handler: (request: Request) => Promise<Response>,
): Promise<void> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined) headers.set(name, String(value));
  const { method = 'GET' } = request;
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const body = hasBody ? (Readable.toWeb(request) as ReadableStream<Uint8Array>) : null;
  const url = new URL(request.url ?? '/', 'http://localhost');
  const answered = await handler(new Request(url, { method, headers, body, duplex: 'half' } as RequestInit));
  harden(response);
  // What is left of a body that was not read to its end is not waited for.
  if (hasBody && !request.complete) response.setHeader('connection', 'close');
  response.writeHead(answered.status, Object.fromEntries(answered.headers));
  response.end(method === 'HEAD' ? undefined : new Uint8Array(await answered.arrayBuffer()));
}

const FIRST_QUERY = `# Every name here is also a name in report.json.
{
  models {
    nodes {
      name
      accuracy
      layers {
        name
        op
        parameterCount
      }
      findings {
        level
        message
      }
    }
  }
}
`;

let explorerPage: { html: string; policy: string } | undefined;

/** The package is 9 MB, and few start the server for it: it is loaded when first asked for. */
async function explorer(response: ServerResponse): Promise<void> {
  if (!explorerPage) {
    const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
    const html = renderGraphiQL({ title: 'eigenlens: explorer', endpoint: '/graphql', defaultQuery: FIRST_QUERY });
    const script = html.slice(html.indexOf('<script>') + '<script>'.length, html.lastIndexOf('</script>'));
    const hash = createHash('sha256').update(script).digest('base64');
    // The editor writes style elements and starts its workers from blobs; nothing may come from elsewhere.
    const policy = [
      "default-src 'none'",
      `script-src 'sha256-${hash}'`,
      "style-src 'unsafe-inline'",
      "connect-src 'self'",
      "img-src 'self' data:",
      'font-src data:',
      'worker-src blob:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; ');
    explorerPage = { html, policy };
  }
  harden(response);
  const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': explorerPage.policy };
  response.writeHead(200, headers).end(explorerPage.html);
}
