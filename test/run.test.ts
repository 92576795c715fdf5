// A whole analysis of small networks: what the report and its files say, and what is told along the way.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { expect, test } from 'vitest';
import { decodeNpy } from '../analysis/figures/npy.ts';
import { runAnalysis, type AnalysisOptions, type AnalysisResult } from '../analysis/run.ts';
import { parseSettings } from '../analysis/settings.ts';
import type { StoredReport } from '../reports/reader.ts';
import { openStore } from '../reports/store.ts';
import { floats, normals, onnxBytes, onnxNode } from './formats/models.ts';
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

/** o(relu(la(a) + lb(b))): two branches of equal depth, of which only the first depends on the explained input. */
const twoInputs = onnxBytes({
  inputs: { a: [1, 5], lb: [1, 3] },
  nodes: [
    onnxNode('MatMul', ['a', 'la.weight'], ['pa']),
    onnxNode('MatMul', ['lb', 'lb.weight'], ['pb']),
    onnxNode('Add', ['pa', 'pb'], ['sum']),
    onnxNode('Relu', ['sum'], ['active']),
    onnxNode('MatMul', ['active', 'o.weight'], ['y']),
  ],
  initializers: [normals('la.weight', [5, 4]), normals('lb.weight', [3, 4]), normals('o.weight', [4, 2])],
});
const rows = npyBytes(
  '<f4',
  [6, 5],
  counting(30).map((i) => Math.sin(i)),
);

test('a layer that does not depend on the explained input is answered, stands beside the others, and zeros are told', async () => {
  const { report, notes, failures } = await analysed('two', twoInputs, {
    samples: await folder.write('rows.npy', rows),
    detail: 1,
  });
  expect(failures).toEqual([]);
  const { weightDirections } = await report.layer(1);
  expect(weightDirections!.singularValues).toHaveLength(3);
  expect(weightDirections!.synthesisReason).toBe('lb does not depend on the explained input');
  expect(report.model.layerGraph).toEqual([
    { from: null, to: 'la' },
    { from: 'la', to: 'o' },
    { from: 'lb', to: 'o' },
    { from: 'o', to: null },
  ]);
  const told = 'The input "lb" is fed zeros for every sample; --feed lb=FILE.npy gives it other numbers.';
  expect(report.model.notes).toContain(told);
  expect(notes).toContain(told);
});

test('a table that a file computes from weights alone is a layer, answered as far as it can be', async () => {
  const { report, failures } = await analysed(
    'table',
    onnxBytes({
      inputs: { x: ['N', 4] },
      nodes: [
        onnxNode('Gemm', ['places', 'bias1.weight', 'bias1.bias'], ['hidden'], {}, 'bias1'),
        onnxNode('Relu', ['hidden'], ['positive']),
        onnxNode('Gemm', ['positive', 'bias2.weight', 'bias2.bias'], ['table'], {}, 'bias2'),
        onnxNode('Gemm', ['x', 'in.weight', 'in.bias'], ['z'], {}, 'in'),
        onnxNode('Add', ['z', 'table'], ['biased']),
        onnxNode('Tanh', ['biased'], ['active']),
        onnxNode('Gemm', ['active', 'out.weight', 'out.bias'], ['y'], {}, 'out'),
      ],
      initializers: [
        normals('places', [1, 2]),
        ...['bias1', 'bias2', 'in', 'out'].flatMap((name, i) => [
          normals(
            `${name}.weight`,
            [
              [2, 6],
              [6, 5],
              [4, 5],
              [5, 3],
            ][i]!,
          ),
          normals(`${name}.bias`, [[6], [5], [5], [3]][i]!),
        ]),
      ],
    }),
    { samples: await folder.write('table.npy', npyBytes('<f4', [6, 4], counting(24).map(Math.sin))), detail: 1 },
  );
  expect(failures).toEqual([]);
  expect(report.layers.map(({ name, inputShape }) => [name, inputShape])).toEqual([
    ['bias1', [2]],
    ['bias2', [6]],
    ['in', [4]],
    ['out', [5]],
  ]);
  const { inputOutputMap } = await report.sample(0);
  expect(inputOutputMap!.certificate.completeness).toBeLessThan(1e-5);
});

test('--feed takes an input by its own name, which a layer may have too', async () => {
  const settings = { samples: await folder.write('rows.npy', rows), methods: ['weight-directions'] };
  const file = await folder.write('b.npy', npyBytes('<f4', [1, 3], [1, 2, 3]));
  const { report } = await analysed('fed', twoInputs, { ...settings, feed: [`lb=${file}`] });
  expect(report.model.input!.otherInputs).toEqual([{ name: 'lb', shape: [1, 3], fedWith: 'given numbers' }]);
  expect(report.model.notes).toContain('The input "lb" is fed the given numbers for every sample.');
  // Synthesised inputs meet the same numbers as the samples do.
  const { report: unfed } = await analysed('unfed', twoInputs, settings);
  const signals = [];
  for (const { layer } of [report, unfed])
    signals.push((await layer(2)).weightDirections!.directions[0]!.synthesisedSignal);
  expect(signals[0]).not.toBeCloseTo(signals[1]!, 3);
  await expect(analysed('misfed', twoInputs, { ...settings, feed: [`c=${file}`] })).rejects.toMatchObject({
    hint: 'Other inputs: lb; write NAME=FILE.npy.',
  });
});

test('finite weights that overflow on a sample end in an error that names the layer and the sample', async () => {
  const square = (factor: number) => [factor, 0, 0, factor];
  const model = onnxBytes({
    inputs: { x: [1, 2] },
    nodes: [
      onnxNode('MatMul', ['x', 'first.weight'], ['h']),
      onnxNode('Relu', ['h'], ['r']),
      onnxNode('MatMul', ['r', 'second.weight'], ['y']),
    ],
    initializers: [floats('first.weight', [2, 2], square(1e20)), floats('second.weight', [2, 2], square(1e20))],
  });
  const samples = await folder.write('one.npy', npyBytes('<f4', [3, 2], [-1, -1, 1e-9, 1e-9, 1, 1]));
  await expect(analysed('huge', model, { samples })).rejects.toMatchObject({
    message: 'The network’s output for sample 2 is not finite: the layer second is the first to give Infinity.',
    exitCode: 3,
  });
  const { failures, report } = await analysed('huge', model, {});
  expect(failures).toEqual([]);
  expect((await report.layer(0)).weightDirections!.singularValues[0]! / 1e20).toBeCloseTo(1, 5);
});

test('less memory is another question to the methods that look at less with it, and to no other', async () => {
  const settings = { samples: await folder.write('memory.npy', rows), limit: 6, detail: 1 };
  const run = async (memory: string, methods: string[]): Promise<boolean> =>
    (await analysed('memory', twoInputs, { ...settings, methods, memory })).cached;
  expect(await run('4GiB', ['input-patterns', 'output-contributions'])).toBe(false);
  expect(await run('4GiB', ['input-patterns', 'output-contributions'])).toBe(true);
  expect(await run('2GiB', ['input-patterns', 'output-contributions'])).toBe(false);
  expect(await run('4GiB', ['output-contributions'])).toBe(false);
  expect(await run('2GiB', ['output-contributions'])).toBe(true);
});

test('--why tells what is kept of a run that was interrupted', async () => {
  const settings = {
    samples: await folder.write('rows.npy', rows),
    methods: ['weight-directions', 'bias-shares'],
    detail: 1,
  };
  const interruption = new AbortController();
  let units = 0;
  const advance = (): void => {
    if (++units === 2) interruption.abort();
  };
  const progress = {
    stage: (name: string) => ({ advance: name === 'weight-directions' ? advance : () => {}, done: () => {} }),
    note: () => {},
  };
  await expect(analysed('stopped', twoInputs, settings, { progress, signal: interruption.signal })).rejects.toThrow(
    'aborted',
  );
  const { notes } = await analysed('stopped', twoInputs, settings, { why: true });
  expect(notes.slice(0, 2)).toEqual([
    'weight-directions: never completed before, but 2 of 3 units are kept',
    'bias-shares: never completed before',
  ]);
  const forced = await analysed('stopped', twoInputs, settings, { why: true, force: true });
  expect(forced.notes.slice(0, 3)).toEqual([
    'weight-directions: hit, nothing changed; 3 of 3 units are kept',
    'bias-shares: hit, nothing changed; 1 of 1 units is kept',
    '--force: all of it is computed anew, whatever is kept.',
  ]);
});

test('an interrupted decomposition goes on behind the layers that it finished', async () => {
  const settings = {
    samples: await folder.write('rows.npy', rows),
    methods: ['layer-features'],
    detail: 1,
  };
  const interruption = new AbortController();
  const progress = {
    stage: (name: string) => ({
      advance: name === 'stacked layers decomposed' ? () => interruption.abort() : () => {},
      done: () => {},
    }),
    note: () => {},
  };
  await expect(analysed('halfway', twoInputs, settings, { progress, signal: interruption.signal })).rejects.toThrow(
    'aborted',
  );
  const steps = path.join(folder.path, 'reports', '.cache', 'halfway', 'steps');
  const [kept, ...more] = await readdir(steps);
  expect(more).toEqual([]);
  // A spectrum of its own, to be recognised where it is used.
  const { result } = deserialize(await readFile(path.join(steps, kept!)));
  await writeFile(path.join(steps, kept!), serialize({ result: { ...result, spectrum: [123, 45] } }));
  const { report } = await analysed('halfway', twoInputs, settings);
  const spectra = await Promise.all(
    report.layers.map(async ({ index }) => (await report.layer(index)).layerFeatures?.singularValues),
  );
  expect(spectra.find((values) => values !== undefined)).toEqual([123, 45]);
  // A run that ended needs them no more.
  await expect(readdir(steps)).rejects.toThrow('ENOENT');
});

test('a row of a table stands in the report as the network reads it, by the names of its columns', async () => {
  const { report } = await analysed(
    'table',
    onnxBytes({
      inputs: { x: [1, 3] },
      nodes: [onnxNode('MatMul', ['x', 'fc.weight'], ['y'])],
      initializers: [normals('fc.weight', [3, 2])],
    }),
    {
      samples: await folder.write('table.csv', 'length,width,"<b>"\n1,2.5,-3\n4,5,6\n'),
      methods: ['weight-directions'],
      detail: 1,
    },
  );
  expect((await report.sample(0)).features).toEqual([
    { feature: 'length', value: 1 },
    { feature: 'width', value: 2.5 },
    { feature: '<b>', value: -3 },
  ]);
  expect((await report.sample(1)).features).toEqual([]);
});

test('numbers between 0 and 1, as many as the input has or more, are no classes; their values and what the network gives are told', async () => {
  const decoder = (outputs: number) =>
    onnxBytes({
      inputs: { x: [1, 6] },
      nodes: [
        onnxNode('Gemm', ['x', 'narrow.weight'], ['h']),
        onnxNode('Relu', ['h'], ['r']),
        onnxNode('Gemm', ['r', 'wide.weight'], ['z']),
        onnxNode('Sigmoid', ['z'], ['y']),
      ],
      initializers: [normals('narrow.weight', [6, 5]), normals('wide.weight', [5, outputs])],
    });
  const settings = {
    samples: await folder.write('codes.npy', npyBytes('<f4', [2, 6], counting(12))),
    methods: ['decision-traces'],
    detail: 1,
  };
  for (const outputs of [6, 40]) {
    const { report } = await analysed(`decoder-${outputs}`, decoder(outputs), settings);
    expect(report.model.stripped).toBe('sigmoid');
    expect(report.model.methods[0]!.outcome).toBe('NOT_APPLICABLE');
    const sample = await report.sample(0);
    expect(sample.prediction ?? null).toBeNull();
    for (const { value, probability } of sample.outputs) expect(probability).toBeCloseTo(1 / (1 + Math.exp(-value)), 9);
  }
  const { report } = await analysed('tagger', decoder(4), settings);
  expect(report.model.methods[0]!.outcome).toBe('ANSWERED');
});
