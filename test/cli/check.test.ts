import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../reports/store.ts';
import { git, writeEvent, writeHistory, writeReport, type History } from '../pull-request/repository.ts';
import { temporaryFolder } from '../samples/folder.ts';
import { eigenlensHere } from './command.ts';

const { path: folder, write } = await temporaryFolder();
let history: History;
beforeAll(async () => {
  history = await writeHistory(folder);
});
const check = (args: string[], environment: Record<string, string> = {}) =>
  eigenlensHere(['check', ...args], { folder, environment });

describe('check', () => {
  test('ends with 1 when a rule is broken against the baseline, and names the layer', async () => {
    const { code, out } = await check(['--baseline', history.reported]);
    expect(code).toBe(1);
    expect(out).toContain(`baseline: the exact base commit ${history.reported.slice(0, 10)}`);
    expect(out).toContain('✗ fail rank: features/conv1: Rank fell from 8 to 1 (87.5 %); allowed is 25 %.');
  });

  test('ends with 0 when all hold, and says what was not applied without a baseline', async () => {
    const { code, out } = await check(['demo', '--baseline', 'none']);
    expect(code).toBe(0);
    expect(out).toContain('No baseline; every rule that applies holds.');
    expect(out).toContain('? not applied rank: there is no baseline');
    expect((await check([])).out).toContain('none: this is no pull request, and --baseline names none');
  });

  test('takes rules from the configuration', async () => {
    const config = (checks: object) => write('rules.json', JSON.stringify({ checks, reports: 'reports' }));
    const lax = await config({ rules: [{ metric: 'rank', maxDrop: 0.9, relative: true }] });
    expect((await check(['--baseline', history.reported, '--config', lax])).code).toBe(0);
    const warned = await config({ rules: [{ metric: 'rank', maxDrop: 0, level: 'warn' }] });
    const { code, out } = await check(['--baseline', history.reported, '--config', warned]);
    expect([code, out.includes('! warn rank')]).toEqual([0, true]);
    const tight = await config({ preset: 'none', rules: [{ metric: 'accuracy', min: 0.99 }] });
    const failed = await check(['--baseline', 'none', '--config', tight, '--json']);
    expect(failed.code).toBe(1);
    expect(JSON.parse(failed.out).reviews[0].findings).toMatchObject([
      { rule: 'accuracy', level: 'FAIL', limit: 0.99 },
    ]);
    const misspelt = await config({ rules: [{ metric: 'accuracy', mim: 0.9 }] });
    expect(await check(['--config', misspelt])).toMatchObject({ code: 2, err: expect.stringContaining('"min"') });
  });

  test('writes a JUnit file', async () => {
    await check(['--baseline', history.reported, '--junit', 'out/junit.xml']);
    const text = readFileSync(join(folder, 'out/junit.xml'), 'utf8');
    expect(text).toContain('failures="1"');
    expect(text).toContain('name="rank: features/conv1"');
  });

  test('keeps the baseline whole, from a revision and from a folder, for a site that compares', async () => {
    for (const [place, baseline] of [
      ['kept', history.reported],
      ['again', 'kept/0-baseline-demo'],
    ] as const) {
      await check(['demo', '--baseline', baseline, '--keep-baselines', place]);
      const copy = await openStore(join(folder, place)).report('0-baseline-demo');
      expect(copy.digest).toBe(
        createHash('sha256')
          .update(git(folder, 'show', `${history.reported}:reports/demo/report.json`) + '\n')
          .digest('hex'),
      );
      const pictures = git(folder, 'ls-tree', '--name-only', `${history.reported}:reports/demo/files`).split('\n');
      expect(readdirSync(join(folder, place, '0-baseline-demo/files')).sort()).toEqual(pictures.sort());
    }
    git(folder, 'clean', '-fdxq', 'kept', 'again');
  });

  test('leaves the working tree as it is when it reads a revision', async () => {
    const before = git(folder, 'status', '--porcelain');
    await check(['--baseline', 'main~1']);
    expect(git(folder, 'status', '--porcelain')).toBe(before);
    expect(existsSync(join(folder, 'reports/demo/report.json'))).toBe(true);
  });

  test.each([
    ['nowhere', 3, 'git knows no commit "nowhere"'],
    ['--upload-pack=x', 3, 'git knows no commit'],
  ])('refuses the baseline %s', async (baseline, code, message) => {
    const ended = await check([`--baseline=${baseline}`]);
    expect([ended.code, ended.err]).toEqual([code, expect.stringContaining(message)]);
  });

  test('refuses a baseline that has no report anywhere before it', async () => {
    git(folder, 'branch', 'bare', history.empty);
    const { code, err } = await check(['other', '--baseline', 'bare']);
    expect(code).toBe(3);
    expect(err).toContain('No report "other"');
    await writeReport(folder, { id: 'other' });
    const none = await check(['other', '--baseline', 'bare']);
    expect([none.code, none.err]).toEqual([
      3,
      expect.stringContaining('no commit up to bare has reports/other/report.json'),
    ]);
  });
});

describe('the baseline of a pull request', () => {
  const found = async (base: string): Promise<string> => {
    const event = writeEvent(join(folder, 'event.json'), { base, head: history.head });
    const { out } = await check(['demo'], { GITHUB_EVENT_PATH: event });
    return /baseline: (.*)/.exec(out)![1]!;
  };

  test('is the exact base commit where that has the report', async () => {
    expect(await found(history.reported)).toBe(`the exact base commit ${history.reported.slice(0, 10)}`);
  });

  test('else the merge base', async () => {
    expect(await found(history.deleted)).toBe(`the merge base ${history.reported.slice(0, 10)}`);
  });

  test('else the newest report on the base branch', async () => {
    git(folder, 'update-ref', 'refs/remotes/origin/main', history.deleted);
    expect(await found(history.empty)).toBe(
      `the newest report on the base branch, of commit ${history.reported.slice(0, 10)}`,
    );
  });

  test('else none, which is said and is no error', async () => {
    git(folder, 'update-ref', '-d', 'refs/remotes/origin/main');
    expect(await found('0'.repeat(40))).toBe(`none: git knows no commit "${'0'.repeat(40)}"`);
  });

  test('is a folder where one is given, as of a downloaded artifact', async () => {
    await writeReport(join(folder, 'artifact'));
    const { out, code } = await check(['demo', '--baseline', 'artifact/reports']);
    expect([code, out]).toEqual([1, expect.stringContaining('baseline: the folder artifact/reports')]);
  });
});
