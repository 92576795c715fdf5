import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeHistory, writeReport, type History } from '../pull-request/repository.ts';
import { temporaryFolder } from '../samples/folder.ts';
import { eigenlensHere } from './command.ts';

const { path: folder } = await temporaryFolder();
let history: History;
beforeAll(async () => {
  history = await writeHistory(folder);
  await writeReport(folder, { id: 'good' });
});
const diff = (...args: string[]) => eigenlensHere(['diff', ...args], { folder });

describe('diff', () => {
  test('says in words that nothing changed, and ends with 0', async () => {
    const { code, out } = await diff('git:main~1:demo', 'good', '--exit-code');
    expect(code).toBe(0);
    expect(out).toBe('unchanged: the two reports are equal to the byte\n');
  });

  test('names what changed, and ends with 1 only when it is asked to', async () => {
    const told = await diff(`git:${history.reported}:demo`, 'demo');
    expect(told.code).toBe(0);
    expect(told.out).toContain('layer features/conv1\n  ≠ rank  8 → 1  (-7)');
    expect(told.out).not.toContain('conv2');
    expect((await diff('good', 'demo', '--exit-code')).code).toBe(1);
    expect((await diff('good', 'demo', '--all')).out).toContain('conv2');
  });

  test('reads a folder as well as an id', async () => {
    const { code, out } = await diff('./reports/good', join(folder, 'reports/demo'));
    expect(code).toBe(0);
    expect(out).toContain('rank');
  });

  test('gives the same as JSON and as Markdown', async () => {
    const json = JSON.parse((await diff('good', 'demo', '--json')).out);
    expect(json.differences).toHaveLength(1);
    expect(json.differences[0]).toMatchObject({ kind: 'LAYER', subject: 'features/conv1', metric: 'rank', delta: -7 });
    expect(JSON.parse((await diff('good', 'demo', '--format', 'json')).out)).toEqual(json);
    const markdown = (await diff('good', 'demo', '--format', 'md')).out;
    expect(markdown).toContain('**1 difference, of ');
    expect(markdown).toMatch(/\| <code>features&#47;conv1<\/code> \| rank \| 8 \| 1 \|/);
  });

  test.each([
    [['good', 'absent'], 3, 'No report "absent"'],
    [['good', 'git:nowhere:demo'], 3, 'git knows no commit "nowhere"'],
    [['good', 'git:--help:demo'], 3, 'git knows no commit "--help"'],
    [['good', 'git:main:demo'], 3, 'No report "demo"'],
    [['good', 'git:main'], 2, '"git:main" names no report'],
    [['good'], 2, 'head'],
    [['good', 'demo', '--format', 'xml'], 2, 'text, json, md'],
  ])('%j is refused', async (args, code, message) => {
    const ended = await diff(...args);
    expect(ended.err).toContain(message);
    expect(ended.code).toBe(code);
  });
});
