import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { VERBS } from '../../src/cli/verbs.ts';
import { normals, onnxBytes, onnxNode } from '../formats/models.ts';
import { temporaryFolder } from '../samples/folder.ts';
import { COMMAND, DEMO, eigenlens, eigenlensHere, lastLine } from './command.ts';

const temporary = await temporaryFolder();
const { path: folder } = temporary;
const [model, images, labels] = [`${DEMO}model.onnx`, `${DEMO}images.idx`, `${DEMO}labels.idx`];
const quick = [
  '--samples',
  images,
  '--labels',
  labels,
  '--limit',
  '4',
  '--methods',
  'weight-directions',
  '--detail',
  '2',
];

test('help and version are printed on standard output, for the command and every verb', async () => {
  const help = await eigenlensHere(['--help'], { folder });
  expect(help.code).toBe(0);
  for (const { name, summary } of VERBS)
    expect(help.out).toMatch(new RegExp(`^  ${name} +${summary.slice(0, 30)}`, 'm'));
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(await eigenlensHere(['--version'], { folder })).toEqual({ code: 0, out: `${version}\n`, err: '' });
  for (const { name } of VERBS) {
    const { code, out, err } = await eigenlensHere([name, '--help'], { folder });
    expect({ code, err }, name).toEqual({ code: 0, err: '' });
    for (const flag of ['--config <FILE>', '--json', '--quiet', '--debug', '--no-progress', '--help', '--version']) {
      expect(out, name).toContain(`  ${flag} `);
    }
  }
});

test('flags that everywhere means may stand before the verb', async () => {
  const before = await eigenlensHere(['--json', 'inspect', model], { folder });
  const after = await eigenlensHere(['inspect', '--json', model], { folder });
  expect(before.out).toBe(after.out);
  expect(JSON.parse(before.out)).toMatchObject({
    format: 'onnx',
    layers: expect.arrayContaining([expect.objectContaining({ name: 'conv1' })]),
  });
});

test('inspect prints a table of the layers, and with --nodes of the operations', async () => {
  const layers = await eigenlensHere(['inspect', model], { folder });
  expect(layers.out).toMatch(/^conv1 +conv +1×28×28 +8×12×12 +208 /m);
  expect(layers.out).toContain('preprocessing: raw / 255');
  expect(lastLine(layers)).toContain('nothing was written');
  const nodes = await eigenlensHere(['inspect', model, '--nodes'], { folder });
  expect(nodes.out).toMatch(/max-pool .* piecewise linear +conv1$/m);
});

test('inspect names no colours where the input is no picture', async () => {
  const nodes = [onnxNode('MatMul', ['x', 'w'], ['y'])];
  await writeFile(join(folder, 'table.onnx'), onnxBytes({ nodes, initializers: [normals('w', [4, 2])] }));
  const { out } = await eigenlensHere(['inspect', 'table.onnx'], { folder });
  expect(out).toContain('preprocessing: raw (assumed)');
});

test('analyze says by how much --memory is too little, and goes on with one input at a time', async () => {
  const args = ['analyze', model, ...quick, '--memory', '64MiB', '--id', 'little', '--reports', 'reports'];
  const { err, code } = await eigenlens(args, { folder });
  expect(code, err).toBe(0);
  expect(err).toMatch(/--memory 64 MiB is exceeded: the program and the weights take about 257 MiB/);
});

test('analyze writes a report, says so last, and finds it unchanged the next time', { timeout: 120_000 }, async () => {
  const args = ['analyze', model, ...quick, '--id', 'glyphs', '--reports', 'reports', '--json'];
  const first = await eigenlens(args, { folder });
  expect(first.code, first.err).toBe(0);
  expect(JSON.parse(first.out)).toMatchObject({
    id: 'glyphs',
    folder: 'reports/glyphs',
    outcome: 'done',
    cached: false,
    failures: [],
  });
  expect(lastLine(first)).toBe('Wrote reports/glyphs.');
  expect(first.err).toMatch(/^weight-directions: \d+ in /m);
  expect(await readdir(join(folder, 'reports/glyphs'))).toEqual(expect.arrayContaining(['report.json', 'run.json']));

  const second = await eigenlensHere([...args, '--why'], { folder });
  expect(JSON.parse(second.out)).toMatchObject({ cached: true });
  expect(second.err).toContain('weight-directions: hit');
  expect(lastLine(second)).toBe('reports/glyphs is up to date; nothing had to be computed.');

  const changed = await eigenlensHere([...args, '--why', '--count', '3'], { folder });
  expect(JSON.parse(changed.out)).toMatchObject({ cached: false });
  expect(changed.err).toMatch(/weight-directions: miss, changed: setting count \(was 10, is 3\)/);
});

test('a report says how to make it again, without a path of this machine and however it was asked for', async () => {
  const commands = [];
  for (const [args, environment] of [
    [['analyze', model, ...quick, '--count', '3'], {}],
    [['analyze', model, '--count=3', '--force', ...quick, '--memory', '1GiB'], {}],
    [['analyze', model, ...quick], { EIGENLENS_COUNT: '3' }],
  ] as const) {
    const { code, err } = await eigenlensHere([...args, '--id', 'again', '--reports', 'again'], {
      folder,
      environment,
    });
    expect(code, err).toBe(0);
    commands.push(await readFile(join(folder, 'again/again/report.json'), 'utf8'));
  }
  expect(new Set(commands).size).toBe(1);
  expect(commands[0]).not.toContain(DEMO);
  expect(commands[0]).not.toContain(folder);
  expect(JSON.parse(commands[0]!)).toHaveProperty(
    'model.provenance.command',
    'eigenlens analyze model.onnx --id again --samples images.idx --labels labels.idx --limit 4 --methods weight-directions --detail 2 --count 3',
  );
});

test('a report that replaces one with more methods says which', async () => {
  const args = [
    'analyze',
    model,
    '--limit',
    '4',
    '--detail',
    '2',
    '--id',
    'fuller',
    '--reports',
    'replaced',
    '--methods',
  ];
  const told = /replaces a report with 1 more method: bias-shares; their results stay in the cache/;
  const full = await eigenlensHere([...args, 'weight-directions,bias-shares'], { folder });
  expect(full.err).not.toMatch(told);
  const less = await eigenlensHere([...args, 'weight-directions'], { folder });
  expect([less.code, less.err]).toEqual([0, expect.stringMatching(told)]);
  const again = await eigenlensHere([...args, 'weight-directions,bias-shares'], { folder });
  expect(again.err).not.toMatch(/replaces/);
  const json = await eigenlensHere([...args, 'weight-directions', '--json'], { folder });
  expect(JSON.parse(json.out)).toHaveProperty('lost', ['bias-shares']);
});

test.skipIf(process.platform === 'win32')('the command that a report names makes it again in a shell', async () => {
  const place = join(folder, "it's here");
  await mkdir(place);
  await copyFile(model, join(place, 'a "model" of $mine.onnx'));
  await copyFile(`${DEMO}images.idx`, join(place, "images' own.idx"));
  const given = ['--samples', "images' own.idx", '--limit', '2', '--methods', 'weight-directions', '--layers', 'conv*'];
  const first = await eigenlensHere(
    ['analyze', 'a "model" of $mine.onnx', ...given, '--id', 'mine', '--synthesised', '0', '--reports', 'first'],
    { folder: place },
  );
  expect(first.code, first.err).toBe(0);
  const report = await readFile(join(place, 'first/mine/report.json'), 'utf8');
  const { command } = (JSON.parse(report) as { model: { provenance: { command: string } } }).model.provenance;
  const shell = `eigenlens() { '${process.execPath}' '${COMMAND}' "$@" --reports second; }; ${command}`;
  execFileSync('sh', ['-c', shell], { cwd: place, stdio: 'pipe' });
  expect(await readFile(join(place, 'second/mine/report.json'), 'utf8')).toBe(report);
});

test('query reads the document from an argument, a file or standard input, with variables', async () => {
  const document = 'query ($id: ID!) { model(id: $id) { layers { name } } }';
  const args = ['query', '--reports', 'reports', '--variables', '{"id": "glyphs"}'];
  const expected = { data: { model: { layers: ['conv1', 'conv2', 'hidden', 'classes'].map((name) => ({ name })) } } };
  const file = await temporary.write('document.graphql', document);
  for (const more of [[document], ['--file', file]]) {
    const { code, out } = await eigenlensHere([...args, ...more], { folder });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(expected);
  }
  expect(JSON.parse((await eigenlens([...args, '-'], { folder, input: document })).out)).toEqual(expected);
});

test('an error in part of an answer prints both and ends with code 4', async () => {
  const { code, out } = await eigenlensHere(
    ['query', '{ a: model(id: "glyphs") { name } models(first: 1000) { totalCount } }', '--reports', 'reports'],
    { folder },
  );
  const { data, errors } = JSON.parse(out) as { data: unknown; errors: { extensions: { code: string } }[] };
  expect(errors[0]!.extensions.code).toBe('PAGE_SIZE_EXCEEDED');
  expect(code).toBe(data ? 4 : 2);
});

test('doctor tells what is there, and a configuration that cannot be read as something to mend', async () => {
  const { out } = await eigenlensHere(['doctor', '--json'], { folder });
  const { findings } = JSON.parse(out) as { findings: { subject: string; state: string }[] };
  const subjects = findings.map(({ subject }) => subject);
  expect(subjects).toEqual(
    expect.arrayContaining([
      'Node',
      'backend onnxruntime',
      'backend tfjs-gpu',
      'GPU',
      'memory',
      'configuration',
      'reports folder',
      'site folder',
    ]),
  );
  const broken = await eigenlensHere(['doctor'], { folder, environment: { EIGENLENS_COUNT: 'x' } });
  expect(broken.code).toBe(2);
  expect(broken.out).toMatch(/^problem +configuration +EIGENLENS_COUNT is "x"/m);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s stops an analysis with code %i, and it can be resumed', { timeout: 120_000 }, async (signal, code) => {
  const args = ['analyze', model, '--samples', images, '--id', signal.toLowerCase(), '--reports', 'stopped'];
  const interrupt = { after: 'weight-directions:', signal };
  const stopped = await eigenlens([...args, '--detail', 'all'], { folder, interrupt });
  expect(stopped.code, stopped.err).toBe(code);
  expect(stopped.err).toContain('Run the same command again to go on where it stopped.');
  await mkdir(join(folder, 'stopped'), { recursive: true });
  expect(await readdir(join(folder, 'stopped'))).not.toContain(signal.toLowerCase());
  const kept = await eigenlensHere([...args, '--detail', 'all', '--methods', 'weight-directions'], { folder });
  expect(kept.code).toBe(0);
});

test('serve answers, says where, and ends in order when it is stopped', { timeout: 60_000 }, async () => {
  const ended = await eigenlens(['serve', '--port', '0', '--reports', 'reports', '--out', 'nowhere'], {
    folder,
    interrupt: { after: 'Ctrl-C stops', signal: 'SIGINT' },
  });
  expect(ended.out).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/graphql\n$/);
  expect(lastLine(ended)).toBe('Stopped; nothing was written.');
  expect(ended.code).toBe(130);
});

test('an old Node hands over to the one that the package brings', { timeout: 60_000 }, async () => {
  const old = await temporary.write(
    'old.mjs',
    "Object.defineProperty(process.versions, 'node', { value: '20.0.0' });\n",
  );
  const ended = await eigenlens(['--version'], { folder, node: ['--import', `file://${old}`] });
  expect(ended).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: '' });
  expect((await eigenlens(['nonsense'], { folder, node: ['--import', `file://${old}`] })).code).toBe(2);
});
