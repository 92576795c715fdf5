// A report by what a person types: an id, a folder, `git:REF:ID`.
import { existsSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { EXIT, UserError } from '../../analysis/errors.ts';
import { commitOf, gitSource, repositoryOf } from '../../reports/git-source.ts';
import { readReports, type StoredReport } from '../../reports/reader.ts';
import { openStore } from '../../reports/store.ts';

interface Place {
  /** The folder or base URL of the reports. */
  readonly reports: string;
  /** The folder that the command runs in. */
  readonly folder: string;
}

/** The report of an id, of a folder (its own, or one with a single report in it) or of a revision; UserError otherwise. */
export async function reportAt(given: string, { reports, folder }: Place): Promise<StoredReport> {
  const revision = /^git:(.+):([^:]+)$/s.exec(given);
  if (revision) return reportInGit(revision[1]!, revision[2]!, { reports, folder });
  if (given.startsWith('git:')) {
    throw new UserError(`"${given}" names no report.`, {
      exitCode: EXIT.usage,
      hint: 'A report in git is git:REVISION:ID, for example git:main:demo.',
    });
  }
  const path = resolve(folder, given);
  if (existsSync(join(path, 'report.json'))) return openStore(dirname(path)).report(basename(path));
  if (given.includes('/') || given.includes(sep)) return onlyReportOf(path);
  return openStore(reports).report(given);
}

/** The one report of a folder of reports. */
export async function onlyReportOf(path: string): Promise<StoredReport> {
  const store = openStore(path);
  const ids = await store.list();
  if (ids.length === 1) return store.report(ids[0]!);
  throw new UserError(ids.length === 0 ? `There is no report in ${path}.` : `${path} holds ${ids.length} reports.`, {
    hint: ids.length === 0 ? 'Make one with eigenlens analyze.' : `Name one of ${ids.join(', ')}.`,
  });
}

async function reportInGit(revision: string, id: string, place: Place): Promise<StoredReport> {
  const { repository, path } = await reportsInGit(place);
  const commit = await commitOf(repository, revision);
  if (!commit) {
    throw new UserError(`git knows no commit "${revision}".`, {
      hint: 'Fetch it first; a shallow clone (fetch-depth) has only the newest commits.',
    });
  }
  return readReports(gitSource(repository, commit, path)).report(id);
}

/** The repository that a folder is in, and where its reports lie in it. */
export async function reportsInGit({ reports, folder }: Place): Promise<{ repository: string; path: string }> {
  const repository = await repositoryOf(folder);
  if (!repository) {
    throw new UserError(`${folder} is in no git repository.`, { hint: 'Give a folder instead of a revision.' });
  }
  const path = relative(repository, reports).split(sep).join('/');
  if (path.startsWith('..')) {
    throw new UserError(`The reports folder ${reports} lies outside of the repository ${repository}.`, {
      hint: 'Name the folder of the committed reports with --reports.',
    });
  }
  return { repository, path };
}
