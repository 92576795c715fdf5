import { expect, test } from 'vitest';
import { duration, openTerminal, table } from '../../src/cli/terminal.ts';
import { memory } from './command.ts';

const options = { json: false, quiet: false, debug: false, progress: true, colour: false };
const onTerminal = { isTTY: true, columns: 80 } as const;

/** A terminal whose clock is moved by hand. */
function terminal(more: Partial<typeof options> = {}, stream: Partial<NodeJS.WriteStream> = {}) {
  const [out, err] = [memory(), memory(stream)];
  const clock = { time: 0 };
  return { out, err, clock, ...openTerminal({ ...options, ...more }, { out, err, now: () => clock.time }) };
}

test('without a terminal a stage is one line when it is done, with its count and time', () => {
  const { bar, err, clock } = terminal();
  const stage = bar.stage('bias-shares', 40);
  stage.advance(10);
  stage.advance(30);
  clock.time = 2345;
  expect(err.text).toBe('');
  stage.done();
  expect(err.text).toBe('bias-shares: 40 in 2.3 s\n');
});

test('on a terminal a bar shows count, rate and time left, and goes away', () => {
  const { bar, err, clock } = terminal({}, onTerminal);
  const stage = bar.stage('forward pass', 100);
  clock.time = 5000;
  stage.advance(25);
  expect(err.text).toContain('forward pass  ██████░░░░░░░░░░░░░░░░░░ 25/100  5.0/s  15.0 s left');
  stage.done();
  expect(err.text.endsWith('\r\u001b[2Kforward pass: 25 in 5.0 s\n')).toBe(true);
});

test('the bar is drawn at most ten times a second and never wider than the screen', () => {
  const { bar, err, clock } = terminal({}, { isTTY: true, columns: 40 });
  const stage = bar.stage('a stage with quite a long name', 1000);
  for (let i = 0; i < 1000; i++) {
    clock.time = i;
    stage.advance();
  }
  const drawn = err.text.split('\r\u001b[2K').slice(1);
  expect(drawn.length).toBeLessThanOrEqual(11);
  expect(Math.max(...drawn.map((line) => line.length))).toBeLessThan(40);
});

test('notes stand above the bar, which is drawn again below', () => {
  const { bar, err } = terminal({}, onTerminal);
  bar.stage('site');
  bar.note('a note');
  expect(err.text).toMatch(/\r\u001b\[2Ka note\nsite|\r\u001b\[2Ka note\n\r\u001b\[2Ksite/);
});

test('the innermost stage is shown, and the outer one again after it', () => {
  const { bar, err } = terminal({}, onTerminal);
  bar.stage('outer', 2);
  const inner = bar.stage('inner', 2);
  expect(err.text.split('\r\u001b[2K').at(-1)).toMatch(/^inner/);
  inner.done();
  expect(err.text.split('\r\u001b[2K').at(-1)).toMatch(/^outer/);
});

test('--quiet tells only errors, --no-progress no stages, --json prints nothing for people', () => {
  const quiet = terminal({ quiet: true }, onTerminal);
  quiet.bar.stage('x', 1).done();
  quiet.tell('a line');
  quiet.complain('wrong', 'do this');
  expect(quiet.err.text).toBe('eigenlens: wrong\n  do this\n');
  const still = terminal({ progress: false }, onTerminal);
  still.bar.stage('x', 1).done();
  still.tell('a line');
  expect(still.err.text).toBe('a line\n');
  const json = terminal({ json: true });
  json.print('a table');
  expect(json.out.text).toBe('');
});

test('colour is for terminals that want it', () => {
  const coloured = terminal({ colour: true }, onTerminal);
  coloured.complain('wrong');
  expect(coloured.err.text).toContain('\u001b[31m');
  const file = terminal({ colour: true });
  file.complain('wrong');
  expect(file.err.text).toBe('eigenlens: wrong\n');
});

test('a table aligns words left and numbers right', () => {
  expect(
    table([
      ['layer', 'parameters'],
      ['conv1', '832'],
      ['a', '1,234'],
    ]),
  ).toBe(['layer  parameters', '─────  ──────────', 'conv1         832', 'a           1,234'].join('\n'));
});

test('durations are read at a glance', () => {
  expect([0, 999, 1000, 59_940, 61_000, 125_400].map(duration)).toEqual([
    '0 ms',
    '999 ms',
    '1.0 s',
    '59.9 s',
    '1 min 1 s',
    '2 min 5 s',
  ]);
});

test('names of strangers stay in their lines and cells', () => {
  const { err, complain, tell, bar } = terminal({}, onTerminal);
  complain('no layer "\u001b[2J\u202e"', 'has \u0007');
  tell('wrote \u009b');
  bar.stage('a\nb').done();
  expect(err.text.replaceAll('\r\u001b[2K', '')).toBe(
    'eigenlens: no layer "�[2J�"\n  has �\nwrote �\na�b: 0 ms\n'.replace('a�b: 0 ms', (line) => `a�b  0 ms${line}`),
  );
  expect(table([['name'], ['a\nb\u202ec']])).toBe('name\n─────\na�b�c');
});
