// A site built from a test's reports, served under a sub-path and opened in a browser that writes down what it asks for and
// what it complains about.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { BrowserContext, BrowserContextOptions, Page, Response } from '@playwright/test';
import { expect } from 'vitest';
import { build } from '../site/build.ts';
import { serveFolder, startBrowser } from './browser.ts';

/** Where the sites of tests stand: a sub-path, because links must work under any. */
export const BASE = '/some/where/';

export interface OpenPage {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly response: Response | null;
  /** Errors and warnings of the console, and what scripts threw. */
  readonly complaints: string[];
  /** Addresses of all requests, in order. */
  readonly requests: string[];
  close(): Promise<void>;
}

export interface BuiltSite {
  /** Holds `reports/` and `site/`. */
  readonly folder: string;
  readonly origin: string;
  /** Opens a page by its path below the base, in a context of its own. */
  open(path: string, options?: BrowserContextOptions): Promise<OpenPage>;
  close(): Promise<void>;
}

/** Builds a site from the reports that `writeReports` writes, serves it and starts a browser. */
export async function buildAndServe(writeReports: (folder: string) => Promise<void>): Promise<BuiltSite> {
  const folder = await mkdtemp(join(tmpdir(), 'site-'));
  const reports = join(folder, 'reports');
  await writeReports(reports);
  const { code, output } = await build({ reports, out: join(folder, 'site'), base: BASE });
  expect(code, output).toBe(0);
  const browser = await startBrowser();
  const server = await serveFolder(join(folder, 'site'), BASE);
  return {
    folder,
    origin: server.origin,
    async open(path, options = {}) {
      const context = await browser.newContext(options);
      const page = await context.newPage();
      const complaints: string[] = [];
      const requests: string[] = [];
      page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('request', (request) => requests.push(request.url()));
      const response = await page.goto(`${server.origin}${BASE}${path}`, { waitUntil: 'load' });
      return { context, page, response, complaints, requests, close: () => context.close() };
    },
    async close() {
      await browser.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

export interface Look {
  readonly colorScheme: 'light' | 'dark';
  readonly width: number;
  /** Contrast and nothing else. */
  readonly contrastOnly?: boolean;
}

/** What a page breaks of the accessibility rules, everything folded open, look by look. */
export async function accessibilityProblems(page: Page, looks: readonly Look[]): Promise<string[]> {
  await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
  const found: string[] = [];
  for (const { colorScheme, width, contrastOnly } of looks) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    const rules = new AxeBuilder({ page });
    const { violations } = await (contrastOnly ? rules.withRules(['color-contrast']) : rules.withTags(RULES)).analyze();
    for (const { id, nodes } of violations) {
      const where = nodes.slice(0, 3).map((node) => node.html.slice(0, 160));
      found.push(`${colorScheme} ${width}: ${id}: ${where.join(' | ')}`);
    }
  }
  return found;
}
