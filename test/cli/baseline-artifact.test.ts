import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { startForge, type StandIn } from '../pull-request/forge-stand-in.ts';
import { git, writeEvent, writeHistory, type History } from '../pull-request/repository.ts';
import { temporaryFolder } from '../samples/folder.ts';
import { eigenlensHere } from './command.ts';

const { path: folder } = await temporaryFolder();
const forge = await startForge();
let history: History;
let zip: Uint8Array;
let environment: Record<string, string>;

beforeAll(async () => {
  history = await writeHistory(folder);
  const event = writeEvent(join(folder, '.git/event.json'), { base: history.reported, head: history.head });
  environment = {
    GITHUB_EVENT_PATH: event,
    GITHUB_API_URL: forge.api,
    GITHUB_REPOSITORY: 'owner/name',
    GITHUB_TOKEN: 'secret-token',
  };
  // What the base has, as a run would upload it.
  git(folder, 'worktree', 'add', '--quiet', '.git/base', history.reported);
  const at = join(folder, '.git/base/reports');
  const files = readdirSync(at, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const entries = files.map((entry) => join(entry.parentPath, entry.name));
  zip = zipSync({
    ...Object.fromEntries(entries.map((path) => [`reports/${path.slice(at.length + 1)}`, readFileSync(path)])),
    'reports/demo/../../../escaped.json': new Uint8Array([123, 125]),
  });
});
beforeEach(() => {
  forge.violations.length = 0;
  forge.requests.length = 0;
});

const check = () => eigenlensHere(['check', 'demo', '--baseline', 'artifact:reports'], { folder, environment });
const artifact = (id: number, more: Partial<StandIn['artifacts'][number]> = {}): StandIn['artifacts'][number] => ({
  id,
  name: 'reports',
  run: id + 100,
  branch: 'main',
  sha: 'e'.repeat(40),
  zip,
  ...more,
});

test('the artifact of the exact base commit comes first', async () => {
  forge.artifacts = [artifact(3), artifact(2, { sha: history.reported }), artifact(1)];
  const { code, out } = await check();
  expect(out).toContain(
    `baseline: the artifact reports of the exact base commit ${history.reported.slice(0, 10)} (run 102)`,
  );
  expect(code).toBe(1);
  expect(out).toContain('✗ fail rank: features/conv1: Rank fell from 8 to 1');
  expect(forge.violations).toEqual([]);
});

test('then that of the newest successful run on the base branch, and never one of a fork or a pull request', async () => {
  forge.artifacts = [
    artifact(9, { fork: true, sha: history.reported }),
    artifact(8, { event: 'pull_request', sha: history.reported }),
    artifact(7, { conclusion: 'failure' }),
    artifact(6, { expired: true }),
    artifact(5, { branch: 'topic' }),
    artifact(4, { zip: zipSync({ 'reports/other/report.json': new Uint8Array([123]) }) }),
    artifact(3, { sha: 'd'.repeat(40) }),
    artifact(2),
  ];
  const { out } = await check();
  expect(out).toContain('the artifact reports of the newest successful run on main, commit dddddddddd (run 103)');
  const downloads = forge.requests.filter((request) => request.endsWith('/zip'));
  expect(downloads.map((request) => request.split('/').at(-2))).toEqual(['4', '3']);
  expect(forge.violations).toEqual([]);
});

test('without any, what was looked for is said in its order', async () => {
  forge.artifacts = [artifact(9, { fork: true })];
  const { code, err } = await check();
  expect(code).toBe(3);
  expect(err).toMatch(
    new RegExp(
      `no artifact "reports".*neither of the exact base commit ${history.reported.slice(0, 10)} nor of a successful run on main`,
    ),
  );
  expect(err).toContain('actions: read');
});

test('outside of a pull request it is refused', async () => {
  const { code, err } = await eigenlensHere(['check', 'demo', '--baseline', 'artifact:reports'], { folder });
  expect(code).toBe(2);
  expect(err).toContain('this is none');
});
