// Hostile names of models, layers, classes and files in a browser: text on every page, never markup, an attribute or a path.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostileReport } from '../support/hostile-report.ts';
import { writeSampleReport } from '../support/sample-report.ts';
import { chromiumPath } from './browser.ts';
import { BASE, buildAndServe, type BuiltSite } from './built-site.ts';

if (chromiumPath === null) console.warn('No Chromium on this machine: pages of hostile names were not opened.');

describe.skipIf(chromiumPath === null)('pages of hostile names', () => {
  let site: BuiltSite;
  let pages: string[];

  beforeAll(async () => {
    site = await buildAndServe(async (reports) => {
      await writeSampleReport(reports, 'hostile', hostileReport({ samples: 4, classes: 12 }));
      await writeSampleReport(reports, 'other', hostileReport({ samples: 4, classes: 8 }));
    });
    const files = await readdir(join(site.folder, 'site'), { recursive: true });
    pages = files.filter((path) => path.endsWith('index.html')).map((path) => path.slice(0, -'index.html'.length));
  }, 240_000);
  afterAll(() => site?.close());

  test('run nothing, ask for nothing elsewhere and fit a narrow screen', async () => {
    const { page, complaints, requests, close } = await site.open('', { viewport: { width: 320, height: 800 } });
    const dialogs: string[] = [];
    page.on('dialog', async (dialog) => {
      dialogs.push(dialog.message());
      await dialog.dismiss();
    });
    const wrong: string[] = [];
    expect(pages.length).toBeGreaterThan(40);
    for (const path of pages) {
      await page.goto(`${site.origin}${BASE}${path}`, { waitUntil: 'load' });
      await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
      const found = await page.evaluate(() => ({
        markup: document.querySelectorAll(
          'img[src="x"], script:not([src]), [onload], [onerror], [onfocus], [autofocus]',
        ).length,
        width: document.documentElement.scrollWidth,
      }));
      if (found.markup > 0 || found.width > 320) wrong.push(`${path}: ${JSON.stringify(found)}`);
    }
    expect(wrong).toEqual([]);
    expect(dialogs).toEqual([]);
    expect(complaints).toEqual([]);
    expect(requests.filter((request) => !request.startsWith(`${site.origin}${BASE}`))).toEqual([]);
    await close();
  }, 400_000);

  test('stay text where a script writes them: the table of samples and the results of a search', async () => {
    const { page, complaints, close } = await site.open('models/hostile/samples/');
    await page.fill('input[name=name]', 'alert(');
    await page.getByText(/of 4 samples/).waitFor();
    expect(await page.locator('tbody tr').count()).toBeGreaterThan(1);
    expect(await page.locator('tbody :is(script, img:not(.pixels))').count()).toBe(0);
    await page.goto(`${site.origin}${BASE}search/`);
    await page.fill('#query', '<script>alert(1)');
    await page.locator('.search-list a').first().waitFor();
    expect(await page.locator('.search-list').textContent()).toContain('<script>alert(1)</script>');
    expect(await page.locator('.search-list script').count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });
});
