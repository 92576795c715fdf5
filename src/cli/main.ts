// The command as a process: its streams, its signals, its exit code.
import { EXIT } from '../../analysis/errors.ts';
import { run } from './command-line.ts';

// A reader that closes the pipe early (head, say) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  throw error;
});

const interruption = new AbortController();
const stop = (signal: NodeJS.Signals): void => {
  const code = signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
  if (interruption.signal.aborted) process.exit(code);
  process.stderr.write('\nStopping; what is done is kept …\n');
  interruption.abort(code);
};
process.on('SIGINT', stop).on('SIGTERM', stop);

process.exitCode = await run(process.argv.slice(2), {
  out: process.stdout,
  err: process.stderr,
  environment: process.env,
  folder: process.cwd(),
  signal: interruption.signal,
});
process.off('SIGINT', stop).off('SIGTERM', stop);
