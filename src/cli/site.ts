// Builds the static site: Astro in a process of its own, told by its environment where reports are and where to write.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT, UserError } from '../../analysis/errors.ts';
import type { Project } from '../../analysis/settings.ts';
import type { Terminal } from './terminal.ts';

/** Folder of astro.config.mjs. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Lines of the build's own output that are shown when it fails. */
const LAST_LINES = 30;

/** Builds the site of a project's reports into its out folder; UserError when there is nothing to build or it fails. */
export async function buildSite(
  { reports, out, base, site }: Project,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const { openStore } = await import('../../reports/store.ts');
  const store = openStore(reports);
  const ids = await store.list();
  if (ids.length === 0) {
    throw new UserError(`There is no report in ${reports}.`, {
      hint: 'Write one with eigenlens analyze MODEL, or name another folder with --reports.',
    });
  }
  // A report that cannot be read is named at once, not by a page half way.
  for (const id of ids) await store.report(id);
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
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', astro, 'build', '--root', ROOT], {
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
