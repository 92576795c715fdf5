// The explorer's page in a browser: it answers under a sub-path from files alone, keeps its questions in the address, and
// works from what the browser has when the connection is gone.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrowserContextOptions } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { query } from '../../graphql/query.ts';
import { openStore } from '../../reports/store.ts';
import { sampleReport, writeSampleReport } from '../support/sample-report.ts';
import { chromiumPath } from './browser.ts';
import { accessibilityProblems, buildAndServe, type BuiltSite } from './built-site.ts';

/** GraphQL, the checks of the report format and the explorer itself; the rest of the site has a budget of 30 KB. */
const SCRIPT_BUDGET = 400 * 1024;

if (chromiumPath === null) console.warn('No Chromium on this machine: the explorer was not looked at in a browser.');

describe.skipIf(chromiumPath === null)('the explorer', () => {
  let site: BuiltSite;

  async function open(hash = '', options: BrowserContextOptions = {}) {
    const opened = await site.open(`explore/${hash}`, options);
    const { page, requests } = opened;
    const answered = () =>
      page.waitForFunction(() => /\bin \d+ ms/.test(document.querySelector('[data-part=status]')!.textContent));
    const ask = async (document: string, variables = '{}') => {
      await page.fill('[data-part=document]', document);
      await page.fill('[data-part=variables]', variables);
      await page.locator('[data-part=status]').evaluate((status) => (status.textContent = ''));
      await page.locator('[data-part=document]').press('Control+Enter');
    };
    const answer = async () => JSON.parse((await page.locator('[data-part=json]').textContent())!);
    const reportFiles = () =>
      requests.filter((url) => url.includes('/reports/')).map((url) => url.slice(url.indexOf('/reports/')));
    return { ...opened, answered, ask, answer, reportFiles };
  }

  beforeAll(async () => {
    site = await buildAndServe(async (reports) => {
      await writeSampleReport(reports, 'other', sampleReport({ samples: 3, detailed: 1, seed: 2 }));
      await writeSampleReport(reports, 'sample', sampleReport({ samples: 230 }));
    });
  });
  afterAll(() => site?.close());

  test('answers as the in-process query does, from nothing but this origin and nothing that its policy forbids', async () => {
    const { ask, answered, answer, requests, complaints, close } = await open();
    const document =
      '{ models { nodes { report layers { name weightDirections { energy rank } } findings { message } } } }';
    await ask(document);
    await answered();
    expect(await answer()).toEqual({ data: (await query(openStore(join(site.folder, 'reports')), document)).data });
    expect(requests.filter((request) => !request.startsWith(site.origin))).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  test('fetches only what a question touches, and that once', async () => {
    const { ask, answered, reportFiles, close } = await open('#question=findings&variables={"model":"sample"}');
    await answered();
    expect(reportFiles()).toEqual(['/reports/sample/report.json']);
    await ask(
      '{ model(id: "sample") { layer(name: "fc1") { weightDirections { rank } } sample(name: "cat/120.png") { decisionTrace { classes } } } }',
    );
    await answered();
    expect(reportFiles()).toEqual([
      '/reports/sample/report.json',
      '/reports/sample/layers/2.json',
      '/reports/sample/samples/part-1.json',
    ]);
    await ask('{ model(id: "sample") { layer(name: "fc1") { weightDirections { energy } } } }');
    await answered();
    expect(reportFiles()).toHaveLength(3);
    await close();
  });

  test('every ready-made question has an answer', async () => {
    const { page, complaints, close } = await open();
    const names = await page
      .locator('button[data-question]')
      .evaluateAll((all) => all.map((one) => one.dataset.question!));
    expect(names.length).toBe((await readdir(new URL('../../graphql/operations/', import.meta.url))).length);
    for (const name of names) {
      await page.locator('[data-part=status]').evaluate((status) => (status.textContent = ''));
      await page.locator(`button[data-question=${name}]`).click();
      await page.waitForFunction(() => /ms$|error/.test(document.querySelector('[data-part=status]')!.textContent));
      expect(await page.locator('[data-part=problems]').textContent(), name).toBe('');
      expect(page.url()).toContain(`#question=${name}`);
    }
    expect(complaints).toEqual([]);
    await close();
  });

  test('the address keeps what was asked, and back and forward lead through it', async () => {
    const { page, ask, answered, answer, close } = await open('#question=classes&variables={"model":"sample"}');
    await answered();
    expect(await page.locator('[data-part=rows] thead').textContent()).toBe('classsamplesrightpredicted');
    expect(await page.locator('[data-part=rows] tbody tr').count()).toBe(4);
    await ask('query($m: ID!) { model(id: $m) { name } }', '{"m": "other"}');
    await answered();
    const [address, first] = [page.url(), await answer()];
    await page.goBack();
    await page.waitForFunction(() => document.querySelectorAll('[data-part=rows] tbody tr').length === 4);
    expect(await page.inputValue('[data-part=question]')).toBe('classes');
    await page.goForward();
    await page.waitForFunction(() => document.querySelectorAll('[data-part=rows] tbody tr').length === 1);
    const shared = await open(new URL(address).hash);
    await shared.answered();
    expect(await shared.answer()).toEqual(first);
    await shared.close();
    await close();
  });

  test('says what is wrong with a question, and where', async () => {
    const { page, ask, close } = await open();
    await ask('{\n  models { nodes { nme } }\n}');
    const problem = page.locator('[data-part=problems] button');
    await problem.waitFor();
    expect(await problem.textContent()).toContain('Did you mean "name"? (line 2, column 20)');
    await problem.click();
    expect(await page.locator('[data-part=document]').evaluate((field: any) => field.selectionStart)).toBe(21);
    await ask('{ models { totalCount } }', '{');
    await page.getByText('The variables are not JSON').waitFor();
    await close();
  });

  test('what the browser has is enough when the connection is gone', async () => {
    const { page, context, ask, answered, answer, close } = await open();
    await ask('{ model(id: "sample") { layer(name: "fc1") { weightDirections { rank } } } }');
    await answered();
    await context.setOffline(true);
    await ask(
      '{ model(id: "sample") { layer(name: "fc1") { weightDirections { stableRank } } samples(first: 1) { totalCount } } }',
    );
    await answered();
    expect((await answer()).data.model.samples.totalCount).toBe(230);
    await ask('{ model(id: "sample") { layer(name: "fc2") { weightDirections { rank } } } }');
    await page.locator('[data-part=problems]', { hasText: 'Cannot reach sample/layers/3.json' }).waitFor();
    await close();
  });

  test('names from a report are text in the answer', async () => {
    const { page, ask, answered, close } = await open();
    await ask('{ model(id: "sample") { samples(first: 5) { nodes { name } } } }');
    await answered();
    expect(await page.locator('[data-part=rows]').textContent()).toContain('<img src=x onerror=alert(1)>.png');
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    await close();
  });

  test('passes the accessibility rules with an answer on it, light and dark, narrow and wide', async () => {
    const { page, answered, close } = await open('#question=mistakes&variables={"model":"sample"}');
    await answered();
    const found = await accessibilityProblems(page, [
      { colorScheme: 'light', width: 1280 },
      { colorScheme: 'dark', width: 320 },
    ]);
    expect(found).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    await close();
  });

  test('without a script it says what it needs, and has the questions and the schema to read', async () => {
    const { page, close } = await open('', { javaScriptEnabled: false });
    expect(await page.locator('noscript').textContent()).toContain('Asking needs JavaScript');
    expect(await page.locator('site-explorer').isVisible()).toBe(false);
    expect(await page.locator('button[data-question]:visible').count()).toBe(0);
    expect(await page.getByRole('heading', { name: 'Which samples does it get wrong?' }).isVisible()).toBe(true);
    await page.locator('#type-Query a', { hasText: 'Comparison!' }).click();
    expect(await page.locator('#type-Comparison summary').isVisible()).toBe(true);
    await close();
  });

  test('its scripts stay within their budget', async () => {
    const assets = join(site.folder, 'site', 'assets');
    const html = await readFile(join(site.folder, 'site', 'explore', 'index.html'), 'utf8');
    const seen = new Set<string>();
    const visit = async (name: string): Promise<void> => {
      if (seen.has(name)) return;
      seen.add(name);
      const code = await readFile(join(assets, name), 'utf8');
      for (const [, other] of code.matchAll(/["'`](?:\.\/|assets\/)([\w.-]+\.js)["'`]/g)) await visit(other!);
    };
    for (const [, name] of html.matchAll(/<script[^>]+src="[^"]*\/assets\/([^"]+)"/g)) await visit(name!);
    expect(seen.size).toBeGreaterThan(1);
    const sizes = await Promise.all([...seen].map(async (name) => (await stat(join(assets, name))).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(SCRIPT_BUDGET);
  });
});
