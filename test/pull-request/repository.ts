// A small git repository with committed reports, for tests: two reports differ in the spectrum and rank of one layer.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sampleReport, writeSampleReport } from '../support/sample-report.ts';

const given = sampleReport({ samples: 8, detailed: 2 });
const quiet = { ...given.report, model: { ...given.report.model, findings: [], methods: [] } };

/** Runs git in a folder and gives what it printed. */
export function git(folder: string, ...args: string[]): string {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', [...identity, ...args], { cwd: folder, encoding: 'utf8', stdio: 'pipe' }).trim();
}

/** A report in which nothing is wrong; `broken`: the rank of its first layer fell to 1. */
export async function writeReport(folder: string, { broken = false, id = 'demo' } = {}): Promise<void> {
  const [first, ...rest] = quiet.layers;
  const weights = { ...first!.weightDirections!, rank: 1 };
  const layers = broken ? [{ ...first!, weightDirections: weights }, ...rest] : quiet.layers;
  await writeSampleReport(join(folder, 'reports'), id, { ...given, report: { ...quiet, layers } });
}

export interface History {
  /** Commits: before any report, with the report, after it was deleted, on the branch of a pull request. */
  readonly empty: string;
  readonly reported: string;
  readonly deleted: string;
  readonly head: string;
}

/** main: empty, then a report, then without it; the branch leaves main where the report is and holds a broken one uncommitted. */
export async function writeHistory(folder: string): Promise<History> {
  mkdirSync(folder, { recursive: true });
  git(folder, 'init', '--quiet', '--initial-branch=main');
  const commit = (message: string): string => {
    git(folder, 'add', '--all');
    git(folder, 'commit', '--quiet', '--allow-empty', '-m', message);
    return git(folder, 'rev-parse', 'HEAD');
  };
  writeFileSync(join(folder, 'README'), 'a model\n');
  const empty = commit('empty');
  await writeReport(folder);
  const reported = commit('report');
  git(folder, 'checkout', '--quiet', '-b', 'topic');
  const head = commit('change');
  git(folder, 'checkout', '--quiet', 'main');
  rmSync(join(folder, 'reports'), { recursive: true });
  const deleted = commit('deleted');
  git(folder, 'checkout', '--quiet', 'topic');
  await writeReport(folder, { broken: true });
  return { empty, reported, deleted, head };
}

/** The event of a pull request, written to a file. */
export function writeEvent(
  file: string,
  { base, head, number = 7 }: { base: string; head: string; number?: number },
): string {
  const event = { pull_request: { number, base: { sha: base, ref: 'main' }, head: { sha: head, ref: 'topic' } } };
  writeFileSync(file, JSON.stringify(event));
  return file;
}
