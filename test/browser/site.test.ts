// The built site in a browser: accessible, self-contained, legible at every width, and complete without a script.
import type { Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleReport, writeSampleReport } from '../support/sample-report.ts';
import { chromiumPath } from './browser.ts';
import { accessibilityProblems, buildAndServe, type BuiltSite } from './built-site.ts';

/** One page of every kind. */
const PAGES = [
  '',
  'models/sample/',
  'models/sample/decisions/',
  'models/sample/layers/',
  'models/sample/layers/0/',
  'models/sample/layers/0/layer-features/',
  'models/sample/layers/3/',
  'models/sample/samples/',
  'models/sample/samples/pages/2/',
  'models/sample/samples/3/',
  'models/sample/samples/3/input-patterns/',
  'models/sample/samples/3/output-contributions/',
  'models/sample/weights/',
  'compare/other..sample/',
  'glossary/',
  'search/',
  '404.html',
];

if (chromiumPath === null) console.warn('No Chromium on this machine: the site was not looked at in a browser.');

describe.skipIf(chromiumPath === null)('the built site', () => {
  let site: BuiltSite;
  const open: BuiltSite['open'] = (path, options) => site.open(path, options);

  beforeAll(async () => {
    site = await buildAndServe(async (reports) => {
      await writeSampleReport(reports, 'sample', sampleReport({ samples: 230 }));
      await writeSampleReport(reports, 'other', sampleReport({ samples: 3, detailed: 1, seed: 2 }));
    });
  });
  afterAll(() => site?.close());

  // The whole rule set where each scheme meets each width once; contrast alone in the other two.
  test.each(PAGES)(
    '%s passes the accessibility rules, contrast on, light and dark, narrow and wide',
    async (path) => {
      const { page, close } = await open(path);
      const found = await accessibilityProblems(page, [
        { colorScheme: 'light', width: 1280 },
        { colorScheme: 'dark', width: 1280, contrastOnly: true },
        { colorScheme: 'dark', width: 320 },
        { colorScheme: 'light', width: 320, contrastOnly: true },
      ]);
      expect(found).toEqual([]);
      await close();
    },
    240_000,
  );

  test.each(PAGES)('%s asks nothing of another origin, and nothing is refused or missing', async (path) => {
    const { page, requests, complaints, close } = await open(path);
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    await page.waitForLoadState('networkidle');
    expect(requests.filter((request) => !request.startsWith(site.origin))).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  test.each(PAGES)('%s does not scroll sideways at 320 px', async (path) => {
    const { page, close } = await open(path, { viewport: { width: 320, height: 800 } });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    await close();
  });

  test('names from a report are text, whatever they hold', async () => {
    const { page, close } = await open('models/sample/samples/3/');
    expect(await page.locator('h1').textContent()).toContain('<img src=x onerror=alert(1)>.png');
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    await close();
  });

  test('without a script every sample is there, page by page, and no control that needs one', async () => {
    const { page, close } = await open('models/sample/samples/', { javaScriptEnabled: false });
    expect(await page.locator('tbody tr').count()).toBe(200);
    expect(await page.locator('form.filter').isVisible()).toBe(false);
    await page.locator('.pages a[rel=next]').click();
    expect(await page.locator('tbody tr').count()).toBe(30);
    await close();
  });

  test('with a script the table filters all pages of samples and sorts by a column', async () => {
    const { page, close } = await open('models/sample/samples/');
    await page.selectOption('select[name=outcome]', 'wrong');
    await page.waitForFunction(() =>
      /\d+ of 230 samples/.test(document.querySelector('.filter-status')?.textContent ?? ''),
    );
    const outcomes = await page.locator('tbody tr td:nth-child(5)').allTextContents();
    expect(new Set(outcomes)).toEqual(new Set(['wrong']));
    await page.locator('th[data-key=c] button').click();
    await page.waitForFunction(
      () => document.querySelector('th[data-key=c]')?.getAttribute('aria-sort') === 'descending',
    );
    const confidences = (await page.locator('tbody tr td:nth-child(6)').allTextContents()).map(Number.parseFloat);
    expect(confidences).toEqual(confidences.toSorted((a, b) => b - a));
    await close();
  });

  test('a click on a pixel shows its row of the map alone; without a script all of them stand there', async () => {
    const still = await open('models/sample/samples/3/', { javaScriptEnabled: false });
    const rows = (page: Page) => page.locator('field-picker').first().locator('li:visible');
    expect(await rows(still.page).count()).toBe(2);
    expect(await still.page.locator('field-picker select').first().isVisible()).toBe(false);
    await still.close();

    const { page, complaints, close } = await open('models/sample/samples/3/');
    const picker = page.locator('field-picker').first();
    await picker.locator('svg').click({ position: { x: 4, y: 4 } });
    expect(await rows(page).count()).toBe(1);
    expect(await rows(page).textContent()).toContain('grid, row 0, column 0');
    await picker.locator('select').selectOption('0');
    expect(await rows(page).textContent()).toContain('centre, row 3, column 4');
    await picker.locator('select').selectOption('');
    expect(await rows(page).count()).toBe(2);
    expect(complaints).toEqual([]);
    await close();
  });

  test('search finds a layer by its name, and the result leads to its page', async () => {
    const { page, close } = await open('search/');
    await page.fill('#query', 'conv2');
    await page.locator('.search-list a').first().click();
    await page.waitForLoadState();
    expect(await page.locator('h1').textContent()).toContain('features/conv2');
    await close();
  });

  test('the keyboard reaches the content first and every layer of the diagram', async () => {
    const { page, close } = await open('models/sample/');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('Skip to the content');
    await page.locator('.diagram-layer').nth(1).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/layers\/1\/$/);
    await close();
  });

  test('print opens what is folded', async () => {
    const { page, close } = await open('models/sample/layers/0/');
    const table = page.locator('.data table').first();
    expect(await table.isVisible()).toBe(false);
    await page.emulateMedia({ media: 'print' });
    expect(await table.isVisible()).toBe(true);
    await close();
  });

  test('every picture of a page is there', async () => {
    const { page, close } = await open('models/sample/layers/0/');
    await page.evaluate(() => document.querySelectorAll('img').forEach((image) => (image.loading = 'eager')));
    await page.waitForLoadState('networkidle');
    expect(await brokenPictures(page)).toEqual([]);
    await close();
  });
});

function brokenPictures(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.images].filter((image) => !image.complete || image.naturalWidth === 0).map((image) => image.src),
  );
}
