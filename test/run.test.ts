// A whole analysis of small networks: what the report and its files say, and what is told along the way.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { decodeNpy } from '../analysis/figures/npy.ts';
import { runAnalysis, type AnalysisOptions, type AnalysisResult } from '../analysis/run.ts';
import { parseSettings } from '../analysis/settings.ts';
import type { StoredReport } from '../reports/reader.ts';
import { openStore } from '../reports/store.ts';
import { normals, onnxBytes, onnxNode } from './formats/models.ts';
import { counting, npyBytes } from './samples/arrays.ts';
import { temporaryFolder } from './samples/folder.ts';

const folder = await temporaryFolder();

/** The report of a model, and what was told. */
async function analysed(
  id: string,
  model: Uint8Array,
  settings: Record<string, unknown>,
  options: Partial<AnalysisOptions> = {},
): Promise<AnalysisResult & { report: StoredReport; notes: string[] }> {
  const notes: string[] = [];
  const result = await runAnalysis({
    model: await folder.write(`${id}.onnx`, model),
    settings: parseSettings(settings),
    reportsDir: path.join(folder.path, 'reports'),
    id,
    force: false,
    why: false,
    progress: { stage: () => ({ advance: () => {}, done: () => {} }), note: (line) => void notes.push(line) },
    signal: new AbortController().signal,
    command: 'test',
    ...options,
  });
  return { ...result, report: await openStore(path.dirname(result.folder)).report(id), notes };
}

test('the array behind a sample’s picture holds the sample’s own numbers', async () => {
  const given = counting(20).map((i) => Math.fround(i / 10));
  const { report, folder: place } = await analysed(
    'floats',
    onnxBytes({
      inputs: { x: [1, 1, 4, 5] },
      nodes: [onnxNode('Flatten', ['x'], ['flat']), onnxNode('MatMul', ['flat', 'fc.weight'], ['y'])],
      initializers: [normals('fc.weight', [20, 3])],
    }),
    {
      samples: await folder.write('floats.npy', npyBytes('<f4', [1, 4, 5], given)),
      methods: ['weight-directions'],
      detail: 1,
    },
  );
  const { array } = (await report.sample(0)).image!;
  expect([...decodeNpy(await readFile(path.join(place, array!)), 'array').values]).toEqual(given);
});
