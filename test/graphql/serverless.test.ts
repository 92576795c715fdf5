import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { query } from '../../graphql/query.ts';
import { openStore } from '../../reports/store.ts';
import { sampleReport, writeSampleReport } from '../support/sample-report.ts';

const CHILD = fileURLToPath(new URL('./sandbox-child.ts', import.meta.url));

describe('the fetch handler in a worker', () => {
  it(
    'answers with web globals alone, over HTTP, and asks again only for what may have changed',
    { timeout: 60_000 },
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'serverless-'));
      try {
        await writeSampleReport(folder, 'sample', sampleReport({ samples: 3, detailed: 1 }));
        const flags = [
          '--experimental-vm-modules',
          '--experimental-import-meta-resolve',
          '--disable-warning=ExperimentalWarning',
        ];
        const { stdout } = await promisify(execFile)(process.execPath, [...flags, CHILD, folder], { timeout: 50_000 });
        const { seen, answer, first, again, health } = JSON.parse(stdout);
        expect(seen).toEqual(['undefined', 'undefined', 'undefined']);
        const document = '{ models { nodes { report layers { name weightDirections { energy } } } } }';
        expect(answer).toEqual({ data: (await query(openStore(folder), document)).data });
        const asked = first.map(({ path, status }: any) => `${path} ${status}`);
        expect(asked.slice(0, 2)).toEqual(['/index.json 200', '/sample/report.json 200']);
        // The layers are asked for at once: answers come in any order.
        expect(asked.slice(2).sort()).toEqual([...[0, 1, 2, 3].map((n) => `/sample/layers/${n}.json 200`)]);
        // Some hosts refuse options of fetch that they do not know.
        expect(new Set(first.flatMap(({ options }: any) => options))).toEqual(new Set(['headers']));
        expect(again.status).toBe(304);
        expect(again.asked.map(({ path, status }: any) => `${path} ${status}`)).toEqual([
          '/index.json 304',
          '/sample/report.json 304',
        ]);
        expect(health).toMatchObject({ status: 'ok', reports: 1 });
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  );
});
