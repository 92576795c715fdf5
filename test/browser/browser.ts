// A browser for tests, and a server for a folder: only this machine is reachable, and every request is written down.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { chromium, type Browser } from '@playwright/test';

const CANDIDATES = [
  process.env.EIGENLENS_CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** Path of a Chromium on this machine, or null. */
export const chromiumPath = CANDIDATES.find((path) => path !== '' && existsSync(path)) ?? null;

/** Starts the browser; call only where `chromiumPath` is not null. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath!, args: ['--no-sandbox', '--font-render-hinting=none'] });
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
};

/** Serves a folder under a base such as `/` or `/some/where/`, as a plain static host does. */
export async function serveFolder(folder: string, base = '/'): Promise<{ origin: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '/').split('?')[0]!);
    const below = path.startsWith(base) ? path.slice(base.length) : null;
    const file =
      below === null ? null : join(folder, below === '' || below.endsWith('/') ? `${below}index.html` : below);
    const found = file === null ? Promise.reject(new Error('outside')) : readFile(file);
    found.then(
      (body) => {
        response.setHeader('content-type', TYPES[extname(file!)] ?? 'application/octet-stream');
        response.end(body);
      },
      () => {
        response.statusCode = 404;
        response.end('not found');
      },
    );
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () => new Promise((done) => server.close(() => done())),
  };
}
