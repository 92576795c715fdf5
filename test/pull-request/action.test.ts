// The action's own shell, run step by step as a runner does, with a stand-in for npx that starts this checkout.
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { DEMO } from '../cli/command.ts';
import { temporaryFolder } from '../samples/folder.ts';
import { git, writeEvent, writeHistory, type History } from './repository.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ACTION = readFileSync(join(ROOT, '.github/actions/eigenlens/action.yml'), 'utf8');
const WORKFLOWS = ['eigenlens.yml', 'eigenlens-comment.yml'].map((name) =>
  readFileSync(join(ROOT, '.github/workflows', name), 'utf8'),
);

interface Step {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly run: string;
}

/** The steps of the action, and the defaults of its inputs: as much of YAML as the file uses. */
function stepsOf(text: string): Step[] {
  return text
    .split(/\n {4}- name: /)
    .slice(1)
    .map((part) => {
      const [name = ''] = part.split('\n');
      const block = /\n {6}run: \|\n((?: {8}.*\n|\n)+)/.exec(`${part}\n`)?.[1];
      const run = block?.replace(/^ {8}/gm, '') ?? /\n {6}run: (.*)/.exec(part)![1]!;
      const env = [.../\n {6}env:\n((?: {8}.*\n)+)/.exec(part)![1]!.matchAll(/ {8}(\w+): (.*)\n/g)];
      return { name, run, env: Object.fromEntries(env.map(([, key, value]) => [key!, value!])) };
    });
}

function defaultsOf(text: string): Record<string, string> {
  const inputs = /\ninputs:\n([\s\S]*?)\noutputs:/.exec(text)![1]!;
  return Object.fromEntries(
    [...inputs.matchAll(/ {2}(\w+):\n(?: {4}description:.*\n)? {4}default: (.*)/g)].map(([, name, value]) => [
      name!,
      value!.replace(/^'|'$/g, ''),
    ]),
  );
}

const steps = new Map(stepsOf(ACTION).map((step) => [step.name, step]));
const { path: folder } = await temporaryFolder();
let history: History;
let bin: string;

beforeAll(async () => {
  history = await writeHistory(folder);
  bin = join(folder, '.git', 'bin');
  mkdirSync(bin);
  const npx = `#!/bin/sh\n[ "$1 $2" = "--no-install eigenlens" ] || exit 99\nshift 2\nexec "${process.execPath}" "${ROOT}src/cli/eigenlens.js" "$@"\n`;
  writeFileSync(join(bin, 'npx'), npx);
  chmodSync(join(bin, 'npx'), 0o755);
});

/** Runs a step with these inputs; gives its exit code, what it set as outputs and the job summary. */
async function runStep(name: string, inputs: Record<string, string>) {
  const { env, run } = steps.get(name)!;
  const given = { ...defaultsOf(ACTION), ...inputs };
  const filled = Object.entries(env).map(([key, value]) => {
    const input = /^\$\{\{ inputs\.(\w+) \}\}$/.exec(value)?.[1];
    return [key, given[input!]!];
  });
  const files = { GITHUB_OUTPUT: join(folder, '.git/output'), GITHUB_STEP_SUMMARY: join(folder, '.git/summary') };
  for (const file of Object.values(files)) writeFileSync(file, '');
  const event = writeEvent(join(folder, '.git/event.json'), { base: history.reported, head: history.head });
  const environment = {
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: folder,
    GITHUB_EVENT_PATH: event,
    ...files,
    ...Object.fromEntries(filled),
  };
  const script = join(folder, '.git/step.sh');
  writeFileSync(script, run);
  const [code, err] = await new Promise<[number, string]>((done) => {
    execFile(
      'bash',
      ['--noprofile', '--norc', '-eo', 'pipefail', script],
      { cwd: folder, env: environment },
      (error, _, stderr) => done([error ? Number(error.code) : 0, stderr]),
    );
  });
  return {
    code,
    err,
    output: readFileSync(files.GITHUB_OUTPUT, 'utf8'),
    summary: readFileSync(files.GITHUB_STEP_SUMMARY, 'utf8'),
  };
}

describe('the action', () => {
  test('has the steps that are run here, with a default for every input', () => {
    expect([...steps.keys()]).toEqual(['Analyse', 'Check', 'Site']);
    expect(Object.keys(defaultsOf(ACTION)).sort()).toEqual(
      [...new Set([...ACTION.matchAll(/inputs\.(\w+)/g)].map(([, name]) => name!))].sort(),
    );
  });

  test('puts nothing of an event into a script: only the environment carries it', () => {
    for (const { run } of steps.values()) expect(run).not.toContain('${{');
    for (const text of WORKFLOWS) {
      for (const [, run] of text.matchAll(/run: (?:\|\n((?: {10}.*\n)+)|.*\$\{\{.*)/g))
        expect(run).not.toContain('${{');
    }
  });

  test('checks what is committed, writes the summary and the reviews, and leaves the verdict to the workflow', async () => {
    const { code, output, summary, err } = await runStep('Check', { output: '.git/out' });
    expect(err).toContain('1 failed');
    expect(code).toBe(0);
    expect(output).toBe('verdict=failed\nreviews=.git/out/reviews.json\n');
    expect(summary).toContain('### ❌ Eigenlens: rules are broken');
    expect(summary).toContain(`the exact base commit ${history.reported.slice(0, 10)}`);
    for (const file of ['reviews.json', 'comment.md', 'junit.xml'])
      expect(existsSync(join(folder, '.git/out', file))).toBe(true);
  });

  test('builds a site with the page that compares the report with its baseline from git', async () => {
    await runStep('Check', { output: '.git/out' });
    const { code, err } = await runStep('Site', { output: '.git/out' });
    expect([code, err.includes('Wrote the site')]).toEqual([0, true]);
    expect(existsSync(join(folder, '.git/out/site/compare/0-baseline-demo..demo/index.html'))).toBe(true);
    expect(existsSync(join(folder, '.git/out/baselines'))).toBe(false);
  }, 240_000);

  test('passes where the rules hold', async () => {
    const { code, output } = await runStep('Check', { output: '.git/out', baseline: 'none' });
    expect([code, output.split('\n')[0]]).toEqual([0, 'verdict=passed']);
  });

  test('fails where there is no result', async () => {
    const { code, output } = await runStep('Check', { output: '.git/out', baseline: 'nowhere' });
    expect([code, output]).toEqual([3, '']);
  });

  test('analyses a model, whatever its inputs are called', async () => {
    const hostile = "a'b $(touch pwned) `touch pwned` ; touch pwned";
    mkdirSync(join(folder, hostile));
    writeFileSync(join(folder, hostile, 'model.onnx'), readFileSync(`${DEMO}model.onnx`));
    const inputs = {
      model: `${hostile}/model.onnx`,
      samples: `${DEMO}images.idx`,
      labels: `${DEMO}labels.idx`,
      id: 'analysed',
      arguments:
        '--methods\nweight-directions\n--limit\n4\n--detail\n0\n--synthesised\n0\n--exemplars\n0\n--backend\ncpu',
    };
    const { code, err } = await runStep('Analyse', inputs);
    expect(err).toContain('Wrote reports/analysed');
    expect(code).toBe(0);
    expect(existsSync(join(folder, 'pwned'))).toBe(false);
    expect((await runStep('Analyse', inputs)).err).toContain('is up to date; nothing had to be computed');
    git(folder, 'clean', '-fdxq', 'reports/analysed');
  }, 60_000);
});

describe('the workflows', () => {
  const [review, post] = WORKFLOWS as [string, string];

  test('never run code of a pull request with a token that may write', () => {
    for (const text of WORKFLOWS) expect(text).not.toContain('pull_request_target');
    expect(review).toMatch(/\npermissions:\n {2}contents: read\njobs|\npermissions:\n {2}contents: read\nconcurrency/);
    expect(review).not.toContain(': write');
    expect(review).not.toMatch(/secrets\.|github\.token/);
    expect(post).toContain('ref: ${{ github.event.repository.default_branch }}');
    expect(post).not.toMatch(/workflow_run\.head_(sha|branch)/);
  });

  test('use only inputs that the action has, and hand on what the second job reads', () => {
    const given = /uses: \.\/\.github\/actions\/eigenlens\n {8}with:\n((?: {10}.*\n)+)/.exec(review)![1]!;
    const names = [...given.matchAll(/^ {10}(\w+):/gm)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThan(3);
    expect(Object.keys(defaultsOf(ACTION))).toEqual(expect.arrayContaining(names));
    expect(review).toContain('path: eigenlens-output');
    expect(post).toContain('--from eigenlens-output/reviews.json');
    expect(post).toContain('workflows: [Eigenlens]');
    expect(review).toMatch(/^name: Eigenlens$/m);
  });
});
