// Builds a site for a test, as the command line does: Astro in a process of its own, told by its environment.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Builds the site of a folder of reports; gives the exit code and all that was printed. */
export function build({
  reports,
  out,
  base = '/',
  site = '',
}: {
  reports: string;
  out: string;
  base?: string;
  site?: string;
}): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [`${ROOT}node_modules/astro/bin/astro.mjs`, 'build', '--root', ROOT], {
    cwd: ROOT,
    env: {
      ...process.env,
      NODE_ENV: 'production',
      ASTRO_TELEMETRY_DISABLED: '1',
      NO_COLOR: '1',
      EIGENLENS_REPORTS: reports,
      EIGENLENS_OUT: out,
      EIGENLENS_BASE: base,
      EIGENLENS_SITE: site,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ code, output }));
  });
}
