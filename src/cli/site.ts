// Builds the static site: Astro in a process of its own, told by its environment where reports are and where to write.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT, UserError } from '../../analysis/errors.ts';
import type { Project } from '../../analysis/settings.ts';
import { ReportError } from '../../reports/errors.ts';
import type { Terminal } from './terminal.ts';

/** Folder of astro.config.mjs. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Lines of the build's own output that are shown when it fails. */
const LAST_LINES = 30;

/**
 * Builds the site of a project's sound reports into its out folder and gives how many were left out because they are
 * damaged, each told by its file; UserError when there is nothing to build or it fails.
 */
export async function buildSite(project: Project, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const { reports } = project;
  const { openStore } = await import('../../reports/store.ts');
  const store = openStore(reports);
  const ids = await store.list();
  if (ids.length === 0) {
    throw new UserError(`There is no report in ${reports}.`, {
      hint: 'Write one with eigenlens analyze MODEL, or name another folder with --reports.',
    });
  }
  // A report that cannot be read is named at once, not by a page half way.
  const sound: string[] = [];
  let first: unknown;
  for (const id of ids) {
    try {
      await (await store.report(id)).verify();
      sound.push(id);
    } catch (error) {
      if (!(error instanceof ReportError)) throw error;
      first ??= error;
      if (ids.length > 1) terminal.complain(`${error.message}. The site is built without this report.`, error.hint);
    }
  }
  if (sound.length === 0) throw first;
  if (sound.length === ids.length) {
    await runAstro(project, terminal, signal);
    return 0;
  }
  const links = await mkdtemp(join(tmpdir(), 'eigenlens-sound-'));
  try {
    for (const id of sound) await symlink(join(reports, id), join(links, id), 'junction');
    await runAstro({ ...project, reports: links }, terminal, signal);
    return ids.length - sound.length;
  } finally {
    await rm(links, { recursive: true, force: true });
  }
}

/** What is said of a site without some reports. */
export const withoutDamaged = (count: number): string =>
  count === 0 ? '' : `, without ${count} damaged ${count === 1 ? 'report' : 'reports'}`;

async function runAstro({ reports, out, base, site }: Project, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const stage = terminal.bar.stage('site');
  const astro = join(dirname(createRequire(import.meta.url).resolve('astro/package.json')), 'bin', 'astro.mjs');
  const environment = {
    ...process.env,
    ASTRO_TELEMETRY_DISABLED: '1',
    EIGENLENS_REPORTS: reports,
    EIGENLENS_OUT: out,
    EIGENLENS_BASE: base,
    EIGENLENS_SITE: site ?? '',
    NO_COLOR: '1',
  };
  const flags = [...process.execArgv, '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...flags, astro, 'build', '--root', ROOT], {
    cwd: ROOT,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  const lines: string[] = [];
  const listen = (chunk: Buffer): void => {
    lines.push(
      ...chunk
        .toString()
        .split('\n')
        .filter((line) => line.trim() !== ''),
    );
    if (terminal.debug) terminal.pass(chunk.toString().trimEnd());
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  stage.done();
  if (code === 0) {
    const told = lines.flatMap((line) => /\[WARN\] \[eigenlens\] (.*)$/.exec(line)?.[1] ?? []);
    for (const line of told) terminal.complain(line);
    return;
  }
  if (!terminal.debug) terminal.pass(lines.slice(-LAST_LINES).join('\n'));
  throw new UserError('The site could not be built.', { exitCode: EXIT.failed, hint: 'What Astro said stands above.' });
}
