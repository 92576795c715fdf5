// The site of 50 layers and 100, 300 and 1,000 samples that all have pages of their own: less than 2 GB of memory, and time
// that grows with the samples and not faster. Prints the growth; the processor's time is what is left of it on a busy machine.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { longReport } from '../support/long-report.ts';
import { writeSampleReport } from '../support/sample-report.ts';

const CHILD = fileURLToPath(new URL('./build-child.ts', import.meta.url));
const SAMPLES = [100, 300, 1000];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'build-bench-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a site of 100, 300 and 1,000 samples', async () => {
  const perPage: number[] = [];
  for (const samples of SAMPLES) {
    const [reports, out] = [join(folder, `reports-${samples}`), join(folder, `site-${samples}`)];
    await writeSampleReport(reports, 'long', longReport({ layers: 50, samples, detailed: samples }));
    const started = performance.now();
    const { stdout } = await promisify(execFile)(process.execPath, [CHILD], {
      env: {
        ...process.env,
        NODE_ENV: 'production',
        ASTRO_TELEMETRY_DISABLED: '1',
        EIGENLENS_REPORTS: reports,
        EIGENLENS_OUT: out,
      },
    });
    const seconds = (performance.now() - started) / 1000;
    const { processorSeconds, peakMegabytes } = JSON.parse(stdout.trim().split('\n').at(-1)!);
    const pages = (await readdir(out, { recursive: true })).filter((name) => name.endsWith('.html')).length;
    perPage.push(processorSeconds / pages);
    console.log(
      `${samples} samples, ${pages} pages: ${seconds.toFixed(0)} s, processor ${processorSeconds.toFixed(0)} s (${((1000 * processorSeconds) / pages).toFixed(0)} ms a page), ${peakMegabytes.toFixed(0)} MB at most`,
    );
    expect(peakMegabytes).toBeLessThan(2000);
    await Promise.all([reports, out].map((path) => rm(path, { recursive: true })));
  }
  expect(perPage.at(-1)! / perPage[0]!).toBeLessThan(2);
}, 7_200_000);
