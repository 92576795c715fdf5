// Pages of a report whose names are hostile and thousands of characters long, with a thousand classes and 24 samples in
// detail: every page stays within its budget, because a long name is cut where it is drawn and whole only as a title.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PAGE_BUDGET } from '../../src/lib/site-inspection.ts';
import { hostileReport } from '../support/hostile-report.ts';
import { writeSampleReport } from '../support/sample-report.ts';
import { build } from './build.ts';

describe('a report of long names, a thousand classes and 24 samples in detail', () => {
  let folder: string;
  let output: string;
  const pages = new Map<string, string>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'page-budget-'));
    const [reports, out] = [join(folder, 'reports'), join(folder, 'site')];
    await writeSampleReport(reports, 'hostile', hostileReport());
    await writeSampleReport(reports, 'other', hostileReport({ samples: 3 }));
    const built = await build({ reports, out });
    expect(built.code, built.output).toBe(0);
    output = built.output;
    for (const path of await readdir(out, { recursive: true }))
      if (path.endsWith('.html')) pages.set(path, await readFile(join(out, path), 'utf8'));
  }, 400_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('every page stays within its budget, the overview among them', () => {
    expect(pages.get('models/hostile/index.html')!.length).toBeGreaterThan(20_000);
    const heavy = [...pages]
      .map(([path, html]) => ({ path, size: Buffer.byteLength(html) }))
      .filter(({ size }) => size > PAGE_BUDGET);
    expect(heavy).toEqual([]);
    expect(output).not.toContain('the budget is');
  });

  test('a page says a long name whole at most once: as the title of what it is about', () => {
    const long = 'w'.repeat(1000);
    const whole = [...pages].filter(([, html]) => html.includes(long)).map(([path]) => path);
    const own = [0, 4, 8, 12, 16, 20].map((sample) => `models/hostile/samples/${sample}/index.html`);
    expect(whole.toSorted()).toEqual(
      [
        ...own,
        'models/hostile/layers/0/index.html',
        'models/other/layers/0/index.html',
        'models/other/samples/0/index.html',
      ].toSorted(),
    );
    const times = new Set(whole.map((path) => pages.get(path)!.split(long.repeat(5)).length - 1));
    expect([...times]).toEqual([1]);
  });

  test('no name turns the text around it', () => {
    expect([...pages].filter(([, html]) => /[\u0007\u202E]/.test(html)).map(([path]) => path)).toEqual([]);
  });
});
