import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startForge } from '../pull-request/forge-stand-in.ts';
import { writeEvent, writeHistory, writeReport, type History } from '../pull-request/repository.ts';
import { temporaryFolder } from '../samples/folder.ts';
import { eigenlensHere } from './command.ts';

const { path: folder } = await temporaryFolder();
const forge = await startForge();
const MARKER = '<!-- eigenlens: default -->';
let history: History;
let environment: Record<string, string>;
let finished: Record<string, string>;

beforeAll(async () => {
  history = await writeHistory(folder);
});
beforeEach(() => {
  forge.comments = [{ id: 1, body: 'Nice work', user: { login: 'someone', type: 'User' } }];
  forge.pulls = [{ number: 7, state: 'open', label: 'stranger:topic', sha: history.head }];
  forge.trouble = () => null;
  forge.violations.length = 0;
  forge.requests.length = 0;
  environment = {
    GITHUB_EVENT_PATH: writeEvent(join(folder, 'event.json'), { base: history.reported, head: history.head }),
    GITHUB_API_URL: forge.api,
    GITHUB_REPOSITORY: 'owner/name',
    GITHUB_TOKEN: 'secret-token',
    EIGENLENS_FORGE_PATIENCE: '0.001',
  };
  const event = {
    workflow_run: {
      event: 'pull_request',
      head_sha: history.head,
      head_branch: 'topic',
      head_repository: { owner: { login: 'stranger' } },
      html_url: 'https://forge.example/owner/name/actions/runs/5',
    },
  };
  writeFileSync(join(folder, 'finished.json'), JSON.stringify(event));
  finished = { ...environment, GITHUB_EVENT_PATH: join(folder, 'finished.json') };
});

const comment = (args: string[] = [], given = environment) =>
  eigenlensHere(['comment', ...args], { folder, environment: given });
const own = () => forge.comments.filter(({ body }) => body.startsWith(MARKER));

async function reviewsFile(): Promise<string> {
  const { out } = await eigenlensHere(['check', '--json'], { folder, environment });
  writeFileSync(join(folder, 'reviews.json'), out);
  return 'reviews.json';
}

describe('comment', () => {
  test('prints and posts nothing without a token, or with --dry-run', async () => {
    const { GITHUB_TOKEN: _, ...without } = environment;
    for (const [args, given] of [
      [[], without],
      [['--dry-run'], environment],
    ] as const) {
      const { code, out, err } = await comment([...args], given);
      expect([code, out.startsWith(MARKER)]).toEqual([0, true]);
      expect(out).toContain('Rank fell from 8 to 1');
      expect(err).toContain('nothing was posted');
    }
    expect(forge.requests).toEqual([]);
  });

  test('posts one comment, and a rerun leaves it as it is', async () => {
    const { code, err } = await comment();
    expect([code, err]).toEqual([0, expect.stringContaining('the comment was created')]);
    expect(own()).toHaveLength(1);
    forge.requests.length = 0;
    expect((await comment()).err).toContain('the comment stands as it was');
    expect(own()).toHaveLength(1);
    expect(forge.requests.filter((one) => !one.startsWith('GET'))).toEqual([]);
    expect(forge.violations).toEqual([]);
  });

  test('writes its own comment anew when the result changed, also from a second page', async () => {
    const others = Array.from({ length: 130 }, (_, i) => ({
      id: i + 2,
      body: 'me too',
      user: { login: 'someone', type: 'User' as const },
    }));
    forge.comments = [...others, { id: 200, body: `${MARKER}\nold`, user: { login: 'actions[bot]', type: 'Bot' } }];
    expect((await comment()).err).toContain('the comment was updated');
    expect(own()).toMatchObject([{ id: 200, body: expect.stringContaining('Rank fell') }]);
    expect(forge.violations).toEqual([]);
  });

  test('keeps the comments of several checks apart', async () => {
    await comment(['--key', 'one']);
    await comment(['--key', 'two']);
    expect(forge.comments).toHaveLength(3);
  });

  test('never writes over what a person wrote, marker or not', async () => {
    forge.comments = [{ id: 9, body: `${MARKER}\nmine`, user: { login: 'someone', type: 'User' } }];
    expect((await comment()).err).toContain('the comment was created');
    expect(forge.comments[0]!.body).toBe(`${MARKER}\nmine`);
  });

  test('makes its comment again when that is deleted between two requests', async () => {
    await comment();
    own()[0]!.body = `${MARKER}\nold`;
    forge.trouble = (request) => {
      if (request.startsWith('PATCH')) forge.comments = [];
      return null;
    };
    const { code, err } = await comment();
    expect([code, err]).toEqual([0, expect.stringContaining('the comment was created')]);
    expect(own()).toHaveLength(1);
  });

  test('does not post a result for commits that were replaced since', async () => {
    forge.pulls[0]!.sha = 'f'.repeat(40);
    for (const [args, given] of [
      [[], environment],
      [['--from', await reviewsFile()], finished],
    ] as const) {
      const { code, err } = await comment([...args], given);
      expect([code, err]).toEqual([0, expect.stringContaining('nothing was posted')]);
    }
    forge.pulls[0] = { ...forge.pulls[0]!, sha: history.head, state: 'closed' };
    expect((await comment()).err).toContain('nothing was posted');
    expect(forge.comments).toHaveLength(1);
  });

  test('of a fork: may not post itself, and says which job can', async () => {
    forge.trouble = (request) =>
      request.startsWith('POST') ? { status: 403, json: { message: 'Resource not accessible by integration' } } : null;
    const { code, out, err } = await comment();
    expect(code).toBe(4);
    expect(err).toContain('403: Resource not accessible by integration');
    expect(err).toContain('workflow_run');
    expect(out).toContain(MARKER);
    expect(forge.requests.filter((one) => one.startsWith('POST'))).toHaveLength(1);
  });

  test('of a fork: is posted by the second job, to the pull request that the forge names', async () => {
    const { code, err } = await comment(['--from', await reviewsFile()], finished);
    expect([code, err]).toEqual([0, expect.stringContaining('the comment was created')]);
    expect(own()[0]!.body).toContain('(https://forge.example/owner/name/actions/runs/5)');
    expect(forge.requests).toEqual([
      'GET /repos/owner/name/pulls',
      'GET /repos/owner/name/issues/7/comments',
      'POST /repos/owner/name/issues/7/comments',
    ]);
    expect(forge.violations).toEqual([]);
  });

  test.each([
    ['{"reviews": []}', 'holds no reviews'],
    ['{"reviews": [{"markdown": "# mine"}]}', 'holds no reviews'],
    ['not JSON', 'is not JSON'],
  ])('of a fork: takes only reviews for data: %s', async (text, message) => {
    writeFileSync(join(folder, 'forged.json'), text);
    const { code, err } = await comment(['--from', 'forged.json'], finished);
    expect([code, err]).toEqual([3, expect.stringContaining(message)]);
    expect(forge.requests).toEqual([]);
  });

  test('waits out trouble of the forge', async () => {
    let failures = 2;
    forge.trouble = () => (failures-- > 0 ? { status: 503, json: { message: 'down' } } : null);
    expect((await comment()).code).toBe(0);
    let limited = 1;
    forge.trouble = () => (limited-- > 0 ? { status: 429, json: {}, headers: { 'retry-after': '0' } } : null);
    expect((await comment()).code).toBe(0);
    expect(own()).toHaveLength(1);
  });

  test('prints the comment and ends with 4 when the forge stays down', async () => {
    forge.trouble = () => ({ status: 503, json: { message: 'down' } });
    const answered = await comment();
    expect([answered.code, answered.err]).toEqual([4, expect.stringContaining('503: down')]);
    expect(answered.out).toContain(MARKER);
    const gone = await comment([], { ...environment, GITHUB_API_URL: 'http://127.0.0.1:9' });
    expect([gone.code, gone.err]).toEqual([4, expect.stringContaining('cannot be reached')]);
    for (const text of [answered.err, answered.out, gone.err]) expect(text).not.toContain('secret-token');
  });

  test('stays below 65,536 characters whatever the reports hold', async () => {
    const file = await reviewsFile();
    const { reviews } = JSON.parse((await eigenlensHere(['check', '--json'], { folder, environment })).out);
    const [review] = reviews;
    const findings = Array.from({ length: 5000 }, (_, i) => ({
      ...review.findings[0],
      subject: `${'<&|'.repeat(30)}${i}`,
    }));
    const differences = findings.map(({ subject }) => ({ ...review.differences[0], subject, kind: 'LAYER' }));
    writeFileSync(join(folder, file), JSON.stringify({ reviews: [{ ...review, findings, differences }] }));
    expect((await comment(['--from', file], finished)).code).toBe(0);
    expect(own()[0]!.body.length).toBeLessThan(64_000);
    expect(own()[0]!.body.length).toBeGreaterThan(30_000);
  });

  test('asks for a pull request, and for a repository', async () => {
    const { GITHUB_EVENT_PATH: _, ...outside } = environment;
    expect(await comment([], outside)).toMatchObject({ code: 2, err: expect.stringContaining('no pull request') });
    const strange = { ...environment, GITHUB_REPOSITORY: '../../etc' };
    expect(await comment([], strange)).toMatchObject({ code: 2, err: expect.stringContaining('no repository') });
    await writeReport(folder, { broken: true });
  });
});
