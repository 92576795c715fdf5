// What a user can get wrong: each is told in its own words with a way out, without a stack, and with the exit code that
// scripts rely on. The first ones go through the real command in a process of its own.
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { probeBackends } from '../../analysis/kernels/choose.ts';
import { floats, onnxBytes, onnxNode } from '../formats/models.ts';
import { idxBytes, npyBytes } from '../samples/arrays.ts';
import { temporaryFolder } from '../samples/folder.ts';
import { DEMO, eigenlens, eigenlensHere, type Ended } from './command.ts';

const folder = await temporaryFolder();
const COMMITTED = fileURLToPath(new URL('../../reports', import.meta.url));
const [model, images] = [`${DEMO}model.onnx`, `${DEMO}images.idx`];

beforeAll(async () => {
  await folder.write('cut.onnx', (await readFile(model)).subarray(0, 20_000));
  await folder.write('text.onnx', 'Dear reader,\nthis is a letter and no model.\n');
  await folder.write('empty.onnx', '');
  await mkdir(`${folder.path}/empty`);
  await folder.write('a-file', 'x');
  await folder.write('rows.csv', '1,2,3\n4,5,6\n');
  await folder.write('missing.csv', `${'1,'.repeat(783)}\n`);
  await folder.write(
    'nan.npy',
    npyBytes(
      '<f4',
      [1, 28, 28],
      Array.from({ length: 784 }, (_, i) => (i === 5 ? NaN : 0)),
    ),
  );
  await folder.write('cut.idx', (await readFile(images)).subarray(0, 5000));
  await folder.write('two.txt', '0\n1\n');
  await folder.write('same.txt', '3\n1\n3\n');
  await folder.write('eleven.idx', idxBytes([200], new Array<number>(200).fill(11)));
  await folder.write('pictures/cat/a.png', 'no picture at all');
  const rules = (...given: object[]): string => JSON.stringify({ checks: { rules: given } });
  await folder.write(
    'configurations/unknown-rule.json',
    rules({ metric: 'rank', min: 1 }, { metric: 'acuracy', min: 0.5 }),
  );
  await folder.write('configurations/text-limit.json', rules({ metric: 'accuracy', min: '0.5' }));
  await folder.write('configurations/contradiction.json', rules({ metric: 'accuracy', min: 0.9, max: 0.1 }));
  await folder.write('configurations/no-list.json', '{ "checks": { "rules": { "metric": "accuracy" } } }');
  await folder.write('configurations/misspelt-rules.json', '{ "checks": { "rule": [] } }');
  await folder.write('configurations/nan.json', '{ "checks": { "rules": [{ "metric": "accuracy", "min": NaN }] } }');
  await folder.write('configurations/long.json', JSON.stringify({ ['x'.repeat(2 ** 20)]: 1 }));
  await folder.write('misspelt.json', '{ "quantil": 0.5 }');
  const graph = (nodes: ReturnType<typeof onnxNode>[], weight: ArrayLike<number>) =>
    onnxBytes({ inputs: { x: [1, 4] }, outputs: ['y'], nodes, initializers: [floats('w', [4, 4], weight)] });
  await folder.write(
    'unknown-op.onnx',
    graph(
      [onnxNode('MatMul', ['x', 'w'], ['h']), onnxNode('NonMaxSuppression', ['h'], ['y'], {}, 'boxes')],
      new Float32Array(16),
    ),
  );
  await folder.write(
    'nan.onnx',
    graph(
      [onnxNode('MatMul', ['x', 'w'], ['y'])],
      Float32Array.from({ length: 16 }, (_, i) => (i === 3 ? NaN : 1)),
    ),
  );
});

test('inspect keeps a hostile name in its line', async () => {
  const name = 'y\n\u001b[2J\u202egnp';
  const nodes = [onnxNode('MatMul', ['x', 'w'], [name], {}, name)];
  const bytes = onnxBytes({
    inputs: { x: [1, 4] },
    outputs: [name],
    nodes,
    initializers: [floats('w', [4, 4], new Float32Array(16).fill(1))],
  });
  await folder.write('hostile.onnx', bytes);
  for (const more of [[], ['--nodes']]) {
    const { code, out, err } = await eigenlensHere(['inspect', 'hostile.onnx', ...more], { folder: folder.path });
    expect(code, err).toBe(0);
    expect(out).toContain('outputs: y��[2J�gnp 1×4');
    expect(out).not.toMatch(/[\u001b\u202e]/);
  }
});

type Case = [what: string, args: string[], code: number, told: RegExp];

const inItsOwnProcess: Case[] = [
  [
    'a model that is cut short',
    ['analyze', 'cut.onnx'],
    3,
    /cut\.onnx is not a readable ONNX model: it is cut off or damaged/,
  ],
  ['text instead of a model', ['analyze', 'text.onnx'], 3, /text\.onnx is not a model that eigenlens can read/],
  [
    'an unsupported op',
    ['analyze', 'unknown-op.onnx'],
    3,
    /[Uu]nsupported op "NonMaxSuppression" at node "boxes".*\n?.*[Ss]upported/,
  ],
  ['weights that are not finite', ['analyze', 'nan.onnx'], 3, /"?w"?.*(NaN|not finite)/],
  [
    'samples of the wrong shape',
    ['analyze', model, '--samples', 'rows.csv'],
    3,
    /have shape 3; the network takes 1 × 28 × 28/,
  ],
  [
    'an empty folder of samples',
    ['analyze', model, '--samples', 'empty'],
    3,
    /holds no samples.*\n.*The folder is empty/,
  ],
  [
    'a folder that cannot be written',
    ['analyze', model, '--reports', 'a-file/reports'],
    5,
    /a-file\/reports cannot be written: part of the path is a file.*\n.*--reports/,
  ],
  [
    'an unknown flag',
    ['analyze', model, '--smaples', 'x'],
    2,
    /Unknown option '--smaples'.*\n.*Did you mean --samples\?/,
  ],
  [
    'a misspelt key of the configuration',
    ['analyze', model, '--config', 'misspelt.json'],
    2,
    /"quantil" in .*misspelt\.json.*\n.*Did you mean "quantile"\?/,
  ],
];
const here: Case[] = [
  ['an empty model', ['inspect', 'empty.onnx'], 3, /empty\.onnx is empty/],
  ['a model that is not there', ['analyze', 'absent.onnx'], 3, /absent\.onnx.*no such file/],
  ['an empty folder as a model', ['inspect', 'empty'], 3, /empty is empty: there is no model.*\n.*model\.json/],
  [
    'a folder without its model.json',
    ['inspect', '.'],
    3,
    /holds no model\.json: there is no model.*\n.*Give one of its files: cut\.onnx, empty\.onnx/,
  ],
  [
    'a table of numbers as class names',
    ['analyze', model, '--samples', images, '--classes', 'rows.csv'],
    3,
    /rows\.csv holds a table of numbers.*\n.*one name a line/,
  ],
  [
    'labels as class names',
    ['analyze', model, '--samples', images, '--classes', 'same.txt'],
    3,
    /same\.txt holds the same numbers again and again.*\n.*--labels/,
  ],
  [
    'a missing value',
    ['analyze', model, '--samples', 'missing.csv'],
    3,
    /Line 1 of missing\.csv, column 784, is empty/,
  ],
  ['a sample that is not finite', ['analyze', model, '--samples', 'nan.npy'], 3, /Sample 0 holds NaN at position 5/],
  ['samples that are cut short', ['analyze', model, '--samples', 'cut.idx'], 3, /cut\.idx is cut short/],
  ['no method at all', ['analyze', model, '--methods', 'sanity', '--skip', 'sanity'], 2, /No method is left/],
  ['labels of no samples', ['analyze', model, '--labels', 'absent'], 2, /--labels belong to samples/],
  ['samples that are not there', ['analyze', model, '--samples', 'absent'], 3, /absent does not exist/],
  ['a picture that is none', ['analyze', model, '--samples', 'pictures'], 3, /cat\/a\.png is not a readable picture/],
  [
    'too few labels',
    ['analyze', model, '--samples', images, '--labels', 'two.txt'],
    3,
    /2 labels in two\.txt for 200 samples/,
  ],
  [
    'labels beyond the outputs',
    ['analyze', model, '--samples', images, '--labels', 'eleven.idx'],
    3,
    /has label 11; the network has 10 outputs/,
  ],
  [
    'an unknown method',
    ['analyze', model, '--methods', 'weight-direction'],
    2,
    /"weight-direction".*\n.*Did you mean "weight-directions"\?/,
  ],
  ['an unknown backend', ['analyze', model, '--backend', 'gpu'], 2, /--backend is "gpu"; expected one of auto/],
  ['a flag without its value', ['analyze', model, '--samples'], 2, /'--samples <PATH>' argument missing/],
  ['a value out of range', ['analyze', model, '--count', '0'], 2, /--count is "0"; expected a whole number, 1 to 1000/],
  [
    'layers that are not there',
    ['analyze', model, '--samples', images, '--layers', 'nothing*'],
    2,
    /--layers "nothing\*" names nothing that is there.*\n.*Layers: conv1, /,
  ],
  [
    'a layer to split after that is not there',
    ['analyze', model, '--split', 'conv1,conv9'],
    2,
    /--split "conv9" names nothing that is there.*\n.*Did you mean conv/,
  ],
  [
    'features of a layer that is not there',
    ['analyze', model, '--k', 'nothing=4'],
    2,
    /--k "nothing" names nothing that is there.*\n.*Layers: conv1, /,
  ],
  [
    'a sample to look at that is not there',
    ['analyze', model, '--samples', images, '--detail', '0,nobody'],
    2,
    /--detail "nobody" names nothing that is there.*\n.*Samples: 0, 1, /,
  ],
  [
    'a rule about nothing that is measured',
    ['check', '--config', 'configurations/unknown-rule.json'],
    2,
    /"checks" in .*unknown-rule\.json \(rules\.1\.metric\) is "acuracy"; expected one of accuracy.*\n.*Did you mean "accuracy"\?/,
  ],
  [
    'a limit that is text',
    ['check', '--config', 'configurations/text-limit.json'],
    2,
    /\(rules\.0\.min\) is "0\.5"; expected a number/,
  ],
  ['a limit that is no number', ['check', '--config', 'configurations/nan.json'], 2, /nan\.json cannot be read: .*NaN/],
  [
    'limits that contradict each other',
    ['check', '--config', 'configurations/contradiction.json'],
    2,
    /expected at most max, which is 0\.1/,
  ],
  [
    'rules that are no list',
    ['check', '--config', 'configurations/no-list.json'],
    2,
    /\(rules\) is \{.*\}; expected a list/,
  ],
  [
    'a misspelt key of the rules',
    ['check', '--config', 'configurations/misspelt-rules.json'],
    2,
    /"checks\.rule" of "checks" in .*\n.*"rules"\?/,
  ],
  [
    'a key a million letters long',
    ['check', '--config', 'configurations/long.json'],
    2,
    /^eigenlens: Unknown key: "x{200}…" in .*long\.json/,
  ],
  [
    'a configuration of another kind',
    ['check', '--config', 'rows.csv'],
    2,
    /rows\.csv is no configuration file.*\n.*\.json/,
  ],
  ['an empty path', ['analyze', model, '--reports', ''], 2, /--reports is ""; expected DIR/],
  [
    'an address to write to',
    ['analyze', model, '--reports', 'https://example.org/reports'],
    2,
    /https:\/\/example\.org\/reports is an address, and nothing can be written there/,
  ],
  [
    'a baseline that is nothing',
    ['check', 'demo', '--reports', COMMITTED, '--baseline', './absent'],
    3,
    /The baseline \.\/absent is no folder, and .* is in no git repository.*\n.*--baseline none/,
  ],
  [
    'reports beside the reviews of a file',
    ['comment', 'demo', '--from', 'reviews.json'],
    2,
    /Both reports and --from are given/,
  ],
  ['no model', ['analyze'], 2, /Missing required argument 'model'/],
  ['two models', ['inspect', model, model], 2, /Too many arguments/],
  ['an unknown verb', ['analise', model], 2, /Unknown verb "analise".*\n.*Did you mean "analyze"\?/],
  ['no verb', [], 2, /No verb is given/],
  [
    'a configuration that is not there',
    ['analyze', model, '--config', 'absent.json'],
    2,
    /absent\.json does not exist/,
  ],
  ['a report id that is no folder name', ['analyze', model, '--id', '../x'], 2, /"\.\.\/x" cannot be a report id/],
  [
    'a zip file where nothing can be written',
    ['pack', '--out', 'a-file/site.zip'],
    5,
    /a-file cannot be written: a file is in its place.*\n.*--out/,
  ],
  ['no reports to build from', ['build', '--reports', 'empty', '--out', 'dist'], 3, /There is no report in/],
  ['no document to query', ['query'], 2, /No document is given/],
  ['a document twice', ['query', '{ models { totalCount } }', '--file', 'a-file'], 2, /Both a document and --file/],
  [
    'variables that are no JSON',
    ['query', '{ models { totalCount } }', '--variables', '{'],
    2,
    /--variables is not JSON/,
  ],
  ['a document that does not fit the schema', ['query', '{ modles { totalCount } }'], 2, /Cannot query field "modles"/],
];

function check({ code, err }: Ended, expected: number, told: RegExp): void {
  expect(err).toMatch(told);
  expect(err).not.toMatch(/^\s+at /m);
  expect(code).toBe(expected);
}

test.concurrent.each(inItsOwnProcess)('%s', async (_, args, code, told) => {
  check(await eigenlens(args, { folder: folder.path }), code, told);
});

test.each(here)('%s', async (_, args, code, told) => {
  check(await eigenlensHere(args, { folder: folder.path }), code, told);
});

// Node's own making of folders never ends there.
test.runIf(existsSync('/proc/self'))('a file system that takes no folders is told at once', async () => {
  const written = [
    ['analyze', model, '--reports', '/proc/absent/reports'],
    ['build', '--out', '/proc/absent'],
    ['check', 'demo', '--reports', COMMITTED, '--baseline', 'none', '--junit', '/proc/absent/junit.xml'],
    ['comment', 'demo', '--reports', COMMITTED, '--baseline', 'none', '--output', '/proc/absent/comment.md'],
  ];
  for (const args of written) {
    const { code, err } = await eigenlensHere(args, { folder: folder.path });
    expect(err).toMatch(
      /\/proc\/absent\S* cannot be written: its file system takes no new folders\.\n  Name another f/,
    );
    expect(code).toBe(5);
  }
});

test('a forced backend that is missing ends with code 5 and says what to install', async ({ skip }) => {
  const absent = (await probeBackends()).find(({ id, loads }) => !loads && (id === 'tfjs-gpu' || id === 'tfjs'));
  if (!absent) return skip('every backend loads on this machine');
  const ended = await eigenlens(['analyze', model, '--samples', images, '--backend', absent.id], {
    folder: folder.path,
  });
  expect(ended.code).toBe(5);
  expect(ended.err).toContain(`The backend "${absent.id}" does not load`);
  expect(ended.err).toContain('npm ');
});

test('with --json an error is machine-readable on standard output', async () => {
  const ended = await eigenlensHere(['inspect', 'text.onnx', '--json'], { folder: folder.path });
  expect(JSON.parse(ended.out)).toMatchObject({
    error: { exitCode: 3, message: expect.stringContaining('text.onnx') },
  });
});

test('--debug adds the stack', async () => {
  const ended = await eigenlensHere(['inspect', 'text.onnx', '--debug'], { folder: folder.path });
  expect(ended.err).toMatch(/^\s+at /m);
  expect(ended.code).toBe(3);
});
