// The baseline of a check: a folder of reports, or the reports committed at the base of a pull request. Of a revision the
// exact commit is taken if it has the report, else the merge base, else the newest commit before it that has; which one
// it was is always said.
import { existsSync, statSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EXIT, UserError } from '../../analysis/errors.ts';
import {
  commitOf,
  copyFromGit,
  gitSource,
  hasFile,
  mergeBaseOf,
  newestWith,
  repositoryOf,
} from '../../reports/git-source.ts';
import { readReports, type StoredReport } from '../../reports/reader.ts';
import { openStore } from '../../reports/store.ts';
import { artifactBaseline } from './forge-artifact.ts';
import { pullRequestOf } from './forge-event.ts';
import { onlyReportOf, reportsInGit } from './report-place.ts';
import { shown } from './paths.ts';

export interface Baseline {
  readonly report: StoredReport | null;
  /** Where it was found, and how; or why there is none. */
  readonly found: string;
  /** Writes the whole report into a folder; absent where there is none, or it is read over HTTP. */
  copyTo?(folder: string): Promise<void>;
}

interface Wanted {
  /** REF, DIR, `none`, or null for the base of the pull request that this runs for. */
  readonly given: string | null;
  readonly reports: string;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The baseline of the report of an id. UserError when one is asked for by name and cannot be had. */
export async function baselineOf(id: string, { given, reports, folder, environment }: Wanted): Promise<Baseline> {
  if (given === 'none') return { report: null, found: 'none, as --baseline says' };
  const artifact = /^artifact:(.+)$/.exec(given ?? '')?.[1];
  const event = given === null || artifact !== undefined ? await pullRequestOf(environment) : null;
  if (artifact !== undefined) {
    if (!event) {
      throw new UserError('An artifact is the baseline of a pull request, and this is none.', {
        exitCode: EXIT.usage,
        hint: 'Name a revision, a folder, or none with --baseline.',
      });
    }
    const { base, branch } = event;
    const { folder: place, found } = await artifactBaseline({ name: artifact, report: id, base, branch, environment });
    return { ...(await inFolder(id, place, folder)), found };
  }
  if (given === null && !event) {
    return { report: null, found: 'none: this is no pull request, and --baseline names none' };
  }
  if (given !== null) {
    const path = resolve(folder, given);
    if (existsSync(path) && statSync(path).isDirectory()) return inFolder(id, path, folder);
    if (/^https?:\/\//.test(given)) {
      return { report: await openStore(given).report(id), found: given };
    }
  }
  const revision = given ?? event!.base;
  if (given !== null && !(await repositoryOf(folder))) {
    throw new UserError(`The baseline ${given} is no folder, and ${folder} is in no git repository.`, {
      hint: 'Name a folder with a report with --baseline, or say --baseline none.',
    });
  }
  const { repository, path } = await reportsInGit({ reports, folder });
  const file = `${path ? `${path}/` : ''}${id}/report.json`;
  const exact = await commitOf(repository, revision);
  const at = async (commit: string, how: string): Promise<Baseline> => ({
    report: await readReports(gitSource(repository, commit, path)).report(id),
    found: `${how} ${commit.slice(0, 10)}`,
    copyTo: (target) => copyFromGit(repository, commit, `${path ? `${path}/` : ''}${id}`, target),
  });
  if (exact && (await hasFile(repository, exact, file))) return at(exact, 'the exact base commit');
  const head = await commitOf(repository, 'HEAD');
  const common = exact && head ? await mergeBaseOf(repository, exact, head) : null;
  if (common && (await hasFile(repository, common, file))) return at(common, 'the merge base');
  const branch = event ? await commitOf(repository, `origin/${event.branch}`) : exact;
  const newest = branch && (await newestWith(repository, branch, file));
  if (newest) return at(newest, 'the newest report on the base branch, of commit');
  const why = exact
    ? `no commit up to ${revision} has ${file}`
    : `git knows no commit "${revision}"${given === null ? '' : ', and there is no such folder'}`;
  if (given === null) return { report: null, found: `none: ${why}` };
  throw new UserError(`There is no baseline: ${why}.`, {
    hint: exact
      ? 'Commit a report, name another revision or a folder with --baseline, or say --baseline none.'
      : 'Fetch it first (a shallow clone has only the newest commits), name a folder, or say --baseline none.',
  });
}

async function inFolder(id: string, path: string, folder: string): Promise<Baseline> {
  const place = `the folder ${shown(path, folder)}`;
  if (existsSync(join(path, 'report.json'))) {
    const report = await openStore(resolve(path, '..')).report(path.split(/[\\/]/).at(-1)!);
    return { report, found: place, copyTo: (target) => cp(path, target, { recursive: true }) };
  }
  const report = (await openStore(path).find(id)) ?? (await onlyReportOf(path));
  return { report, found: place, copyTo: (target) => cp(join(path, report.id), target, { recursive: true }) };
}
