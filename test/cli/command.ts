// Runs the command: in a process of its own, as a user would, or here, where many runs must be quick.
import { spawn } from 'node:child_process';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { run } from '../../src/cli/command-line.ts';

export const COMMAND = fileURLToPath(new URL('../../src/cli/eigenlens.js', import.meta.url));
export const DEMO = fileURLToPath(new URL('../../analysis/demo/', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly folder: string;
  readonly environment?: Record<string, string>;
  readonly input?: string;
  /** Sent once this text was seen on standard error. */
  readonly interrupt?: { readonly after: string; readonly signal: NodeJS.Signals };
  /** Arguments for Node itself, before the command. */
  readonly node?: readonly string[];
}

/** The exit code and what was written to standard output and standard error. */
export function eigenlens(
  args: readonly string[],
  { folder, environment = {}, input = '', interrupt, node = [] }: RunOptions,
): Promise<Ended> {
  // What this machine sets must not reach the command.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('EIGENLENS_') && name !== 'NODE_OPTIONS',
  );
  const child = spawn(process.execPath, [...node, COMMAND, ...args], {
    cwd: folder,
    env: { ...Object.fromEntries(inherited), ...environment },
  });
  let [out, err] = ['', ''];
  let sent = false;
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
    if (!interrupt || sent || !err.includes(interrupt.after)) return;
    sent = true;
    child.kill(interrupt.signal);
  });
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

/** The last line that was written to standard error. */
export const lastLine = ({ err }: Ended): string => err.trimEnd().split('\n').at(-1)!;

/** A stream that remembers what is written to it. */
export function memory(more: Partial<NodeJS.WriteStream> = {}): NodeJS.WriteStream & { text: string } {
  const stream = Object.assign(
    new Writable({
      write(chunk: Buffer, _, done) {
        stream.text += chunk.toString();
        done();
      },
    }),
    { text: '', ...more },
  );
  return stream as unknown as NodeJS.WriteStream & { text: string };
}

/** The same command line without a process of its own. */
export async function eigenlensHere(
  args: readonly string[],
  { folder, environment = {} }: Pick<RunOptions, 'folder' | 'environment'>,
): Promise<Ended> {
  const [out, err] = [memory(), memory()];
  const code = await run(args, { out, err, environment, folder, signal: new AbortController().signal });
  return { code, out: out.text, err: err.text };
}
