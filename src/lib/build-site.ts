// Builds the site beside its place and moves it there when it is whole: a build that fails leaves the old site as it was,
// and two builds at once do not meet. Astro runs in a process of its own, from the package's folder, whatever the working folder.
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { EXIT, UserError } from '../../analysis/errors.ts';
import { refuseForeignFolder } from './output-folder.ts';

export interface SiteOptions {
  /** Folder of the reports. */
  readonly reports: string;
  /** Folder that the site is written to; what was there is replaced, unless it is no site. */
  readonly out: string;
  /** Path that the site is served under, `/` unless given. */
  readonly base?: string;
  /** Address that the site is served from, for canonical links. */
  readonly site?: string;
  /** Given every line that the build prints. */
  readonly onLine?: (line: string) => void;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Builds the site; throws UserError with the problems of its pages, or with what stopped the build. */
export async function buildSite({
  reports,
  out,
  base = '/',
  site = '',
  onLine = () => {},
}: SiteOptions): Promise<void> {
  const target = resolve(out);
  await refuseForeignFolder(target);
  const workplace = join(ROOT, '.eigenlens');
  await mkdir(workplace, { recursive: true });
  const work = await mkdtemp(join(workplace, 'site-'));
  try {
    const env = {
      ...process.env,
      NODE_ENV: 'production',
      EIGENLENS_REPORTS: resolve(reports),
      EIGENLENS_OUT: work,
      EIGENLENS_BASE: `/${base.replace(/^\/+|\/+$/g, '')}`,
      EIGENLENS_SITE: site,
      ASTRO_TELEMETRY_DISABLED: '1',
      NO_COLOR: '1',
    };
    const { code, said } = await runAstro(env, onLine);
    if (code !== 0) {
      throw new UserError(`The site was not built:\n${said}`, {
        exitCode: EXIT.failed,
        hint: `${target} is as it was.`,
      });
    }
    await rm(target, { recursive: true, force: true });
    await mkdir(dirname(target), { recursive: true });
    // A folder cannot be renamed onto another disk.
    await rename(work, target).catch(() => cp(work, target, { recursive: true }));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function runAstro(
  env: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [join(ROOT, 'node_modules/astro/bin/astro.mjs'), 'build'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const listen = (stream: NodeJS.ReadableStream) => {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        const line = stripVTControlCharacters(part);
        lines.push(line);
        onLine(line);
      }
    });
    stream.on('end', () => rest && lines.push(stripVTControlCharacters(rest)));
  };
  listen(child.stdout);
  listen(child.stderr);
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ code, said: whatWentWrong(lines) }));
  });
}

/** What was printed from the first error on, without the stack of somebody else's program. */
function whatWentWrong(lines: readonly string[]): string {
  const from = lines.findIndex((line) => line.includes('[ERROR]'));
  const kept = lines.slice(from === -1 ? -20 : from).filter((line) => !/^\s+at /.test(line));
  return kept.slice(0, 40).join('\n').trim();
}
