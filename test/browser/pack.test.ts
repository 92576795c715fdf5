// The packed site, unpacked and opened from a disk: every page is reached by its links, nothing is fetched from elsewhere,
// nothing is refused, and search and the table of samples work.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Browser } from '@playwright/test';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { relativePage } from '../../src/cli/pack.ts';
import { sampleReport, writeSampleReport } from '../support/sample-report.ts';
import { chromiumPath, startBrowser } from './browser.ts';

const EIGENLENS = fileURLToPath(new URL('../../src/cli/eigenlens.js', import.meta.url));

if (chromiumPath === null) console.warn('No Chromium on this machine: the packed site was not opened.');

describe('a packed page', () => {
  test('has links that are relative to it and name pages in full', () => {
    const html = '<a href="/">a</a> <a href="/models/x/#y">b</a> <img src="/files/1.png" alt=\'x\'><a href="#z">c</a>';
    expect(relativePage(html, 'models/x/index.html')).toBe(
      '<a href="../../index.html">a</a> <a href="../../models/x/index.html#y">b</a> <img src="../../files/1.png" alt=\'x\'><a href="#z">c</a>',
    );
    expect(relativePage('<a href="/">', 'index.html')).toBe('<a href="./index.html">');
  });

  test('keeps names that look like addresses', () => {
    const html = '<tr data-label="/etc/passwd"><img alt=" href=&#34;/x&#34;"><a href="https://example.org/">paper</a>';
    expect(relativePage(html, 'a/index.html')).toBe(html);
  });
});

describe.skipIf(chromiumPath === null)('the packed site, opened from a disk', () => {
  let folder: string;
  let browser: Browser;
  const at = (path: string) => pathToFileURL(join(folder, 'audit', path)).href;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pack site '));
    const reports = join(folder, 'reports');
    await writeSampleReport(reports, 'one', sampleReport({ samples: 230, detailed: 4 }));
    await writeSampleReport(reports, 'two', sampleReport({ samples: 5, detailed: 1, seed: 2 }));
    const zip = join(folder, 'audit.zip');
    await promisify(execFile)(process.execPath, [EIGENLENS, 'pack', '--reports', reports, '--out', zip], {
      env: { ...process.env, NODE_ENV: 'production' },
    });
    for (const [path, bytes] of Object.entries(unzipSync(await readFile(zip)))) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), bytes);
    }
    browser = await startBrowser();
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('every link from the front page on leads to a page or a file of it, without a complaint or a request', async () => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    const requests = new Set<string>();
    page.on('console', (message) => complaints.push(`${page.url()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
    page.on('request', (request) => requests.add(request.url()));
    const open = [at('index.html')];
    const known = new Set(open);
    for (let address = open.pop(); address !== undefined; address = open.pop()) {
      await page.goto(address, { waitUntil: 'load' });
      const links = await page.evaluate(() => [
        ...[...document.querySelectorAll<HTMLAnchorElement>('a:not(svg a)[href]')].map(({ href }) => href),
        ...[...document.querySelectorAll('svg a, svg image')].map(
          (one) => new URL(one.getAttribute('href')!, location.href).href,
        ),
      ]);
      for (const link of links) {
        const target = link.split('#')[0]!;
        if (known.has(target) || target.startsWith('https://')) continue;
        known.add(target);
        if (target.endsWith('.html')) open.push(target);
        else await readFile(fileURLToPath(target));
      }
    }
    expect(complaints).toEqual([]);
    expect([...requests].filter((url) => !url.startsWith(at('')))).toEqual([]);
    for (const request of requests) await readFile(fileURLToPath(request));
    expect([...known].filter((url) => !url.startsWith(at('')))).toEqual([]);
    expect([...known].filter((url) => url.endsWith('.html')).length).toBeGreaterThan(40);
    for (const path of ['compare/one..two/index.html', 'models/one/samples/3/input-patterns/index.html'])
      expect([...known]).toContain(at(path));
    await page.close();
  }, 240_000);

  test('search finds a layer, and the result leads to its page', async () => {
    const page = await browser.newPage();
    await page.goto(at('search/index.html'));
    await page.fill('#query', 'conv2');
    await page.locator('.search-list a').first().click();
    await page.waitForURL(/layers\/\d+\/index\.html$/);
    expect(await page.locator('h1').textContent()).toContain('features/conv2');
    await page.close();
  });

  test('the table of samples filters all of its pages', async () => {
    const page = await browser.newPage();
    await page.goto(at('models/one/samples/index.html'));
    await page.selectOption('select[name=outcome]', 'wrong');
    await page.waitForFunction(() => /of 230 samples/.test(document.querySelector('.filter-status')!.textContent));
    await page.locator('tbody a').first().click();
    await page.waitForURL(/samples\/\d+\/index\.html$/);
    await page.close();
  });

  test('the explorer says that it needs a server', async () => {
    const page = await browser.newPage();
    await page.goto(at('explore/index.html'));
    expect(await page.getByText('asking here needs a server').isVisible()).toBe(true);
    expect(await page.locator('site-explorer').isVisible()).toBe(false);
    await page.close();
  });
});
