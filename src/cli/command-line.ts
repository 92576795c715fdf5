// Finds the verb, reads flags and configuration, runs it, and turns whatever happens into output and an exit code.
// It knows the process only through what it is given.
import { Command, CommanderError, Option } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { EXIT, nearest, UserError } from '../../analysis/errors.ts';
import { openTerminal, type Terminal } from './terminal.ts';
import { VERBS, type VerbEntry } from './verbs.ts';
import type { Outcome, Verb } from './verb.ts';

const EVERYWHERE = 'Everywhere:';
/** Flags that every verb takes. */
const everywhere = (): Option[] => [
  new Option('--config <FILE>', 'Configuration file (default: eigenlens.config.ts, .js or .json, found upwards)'),
  new Option('--json', 'Machine result on standard output, all else on standard error'),
  new Option('--quiet', 'No progress and no notes'),
  new Option('--debug', 'Show stack traces'),
  new Option('--no-progress', 'No progress'),
];

export interface Surroundings {
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The folder that the command runs in. */
  readonly folder: string;
  /** Aborted, with the exit code as its reason, when the command shall stop. */
  readonly signal: AbortSignal;
}

function commandOf(name: string, { out, err }: Surroundings): Command {
  return new Command(name).exitOverride().configureOutput({
    outputError: () => {},
    writeOut: (text) => out.write(text),
    writeErr: (text) => err.write(text),
    getOutHelpWidth: () => out.columns || 80,
    getErrHelpWidth: () => err.columns || 80,
  });
}

/** Adds what every verb takes, last in its help. */
function withEverywhere(command: Command): Command {
  command
    .version(manifest.version, '--version', 'The version')
    .addHelpOption(new Option('--help', 'This help').helpGroup(EVERYWHERE));
  command.options.find(({ long }) => long === '--version')!.helpGroup(EVERYWHERE);
  for (const option of everywhere()) command.addOption(option.helpGroup(EVERYWHERE));
  return command;
}

/** The position of the verb: the first word that is no flag and no value of --config. */
function verbAt(argv: readonly string[]): number {
  for (let i = 0; i < argv.length; i++) {
    if (argv[i] === '--config') i++;
    else if (!argv[i]!.startsWith('-')) return i;
  }
  return -1;
}

function overview(surroundings: Surroundings): Command {
  const command = withEverywhere(commandOf('eigenlens', surroundings))
    .usage('VERB [options]')
    .description(manifest.description);
  const widest = Math.max(...VERBS.map(({ name }) => name.length));
  const verbs = VERBS.map(({ name, summary }) => `  ${name.padEnd(widest + 2)}${summary}`).join('\n');
  return command.addHelpText(
    'after',
    `\nVerbs (eigenlens VERB --help):\n${verbs}\n\nExit codes: 0 done, 1 findings, 2 usage, 3 input, 4 failed in part, 5 environment, 130 interrupted.`,
  );
}

/** Runs a command line and gives its exit code; nothing is thrown. */
export async function run(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { signal, out, environment } = surroundings;
  const at = verbAt(argv);
  const rest = argv.filter((_, i) => i !== at);
  // EIGENLENS_JSON=1 is --json, and so on.
  const switched = (name: string): boolean => /^(1|true|yes|on)$/i.test(environment[`EIGENLENS_${name}`] ?? '');
  const terminal = openTerminal(
    {
      json: argv.includes('--json') || switched('JSON'),
      quiet: argv.includes('--quiet') || switched('QUIET'),
      debug: argv.includes('--debug') || switched('DEBUG'),
      progress: !argv.includes('--no-progress') && !switched('NO_PROGRESS'),
      colour: !environment['NO_COLOR'],
    },
    surroundings,
  );
  const stopped = (): number => (typeof signal.reason === 'number' ? signal.reason : EXIT.interrupted);
  try {
    if (at < 0) return withoutVerb(rest, surroundings);
    const entry = VERBS.find(({ name }) => name === argv[at]);
    if (!entry) throw unknownVerb(argv[at]!);
    const outcome = await runVerb(entry, rest, terminal, surroundings);
    if (!outcome) return EXIT.done;
    terminal.close();
    if (terminal.json) out.write(`${JSON.stringify(outcome.json, null, 2)}\n`);
    terminal.tell(outcome.last);
    return signal.aborted ? stopped() : (outcome.exitCode ?? EXIT.done);
  } catch (error) {
    if (!signal.aborted) return report(error, terminal, surroundings);
    terminal.complain('Interrupted.', 'Run the same command again to go on where it stopped.');
    return stopped();
  } finally {
    terminal.close();
  }
}

/** `eigenlens`, `eigenlens --help`, `eigenlens --version`. */
function withoutVerb(argv: readonly string[], surroundings: Surroundings): number {
  const command = overview(surroundings);
  parsed(command, argv);
  if (argv.some((word) => word === '--help' || word === '--version')) return EXIT.done;
  command.outputHelp({ error: true });
  throw new UserError('No verb is given.', {
    exitCode: EXIT.usage,
    hint: `Verbs: ${VERBS.map(({ name }) => name).join(', ')}.`,
  });
}

/** Parses; false when that was all there was to do (help, version). */
function parsed(command: Command, argv: readonly string[]): boolean {
  try {
    command.parse(argv, { from: 'user' });
    return true;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return false;
    const [message, suggestion] = error.message.replace(/^error: /, '').split('\n');
    throw new UserError(`${message![0]!.toUpperCase()}${message!.slice(1)}`.replace(/\.*$/, '.'), {
      exitCode: EXIT.usage,
      hint: suggestion
        ? suggestion.replace(/^\(|\)$/g, '')
        : `See eigenlens ${command.name().replace(/^eigenlens ?/, '')} --help.`.replace('  ', ' '),
    });
  }
}

async function runVerb(
  entry: VerbEntry,
  argv: readonly string[],
  terminal: Terminal,
  surroundings: Surroundings,
): Promise<Outcome | null> {
  const { environment, folder, signal } = surroundings;
  const { verb }: { verb: Verb } = await entry.load();
  const parser = commandOf(`eigenlens ${entry.name}`, surroundings).description(
    `${entry.summary[0]!.toUpperCase()}${entry.summary.slice(1)}.`,
  );
  verb.define(parser);
  withEverywhere(parser);
  if (!parsed(parser, argv)) return null;
  const flags = parser.opts<Record<string, unknown>>();
  const { readConfig } = await import('../../analysis/config.ts');
  const file = (flags['config'] as string | undefined) ?? (environment['EIGENLENS_CONFIG'] || undefined);
  const given = { flags, environment, folder, file };
  const config = await readConfig(given).catch(async (error: unknown) => {
    if (!verb.toleratesConfig) throw error;
    terminal.complain((error as Error).message, error instanceof UserError ? error.hint : undefined);
    const defaults = await readConfig({ flags: {}, environment: {}, folder, file: null });
    return { ...defaults, problem: (error as Error).message };
  });
  return verb.run({
    ...config,
    args: parser.processedArgs as (string | undefined)[],
    flags,
    terminal,
    signal,
    folder,
    environment,
  });
}

function unknownVerb(name: string): UserError {
  const close = nearest(
    name,
    VERBS.map((verb) => verb.name),
  );
  return new UserError(`Unknown verb "${name}".`, {
    exitCode: EXIT.usage,
    hint: close ? `Did you mean "${close}"?` : `Verbs: ${VERBS.map((verb) => verb.name).join(', ')}.`,
  });
}

/** Tells an error; a UserError in its own words, anything else with its stack, because it is our bug. */
function report(error: unknown, terminal: Terminal, { out, err }: Surroundings): number {
  const user = error instanceof UserError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const exitCode = user?.exitCode ?? EXIT.failed;
  terminal.complain(
    user ? message : `Unexpected error: ${message}`,
    user?.hint ?? (user ? undefined : 'This is a bug in eigenlens; please report it with the lines below.'),
  );
  if (terminal.debug || !user) err.write(`${error instanceof Error ? (error.stack ?? message) : message}\n`);
  if (terminal.debug && error instanceof Error && error.cause)
    err.write(
      `Caused by: ${error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : JSON.stringify(error.cause)}\n`,
    );
  if (terminal.json)
    out.write(`${JSON.stringify({ error: { message, hint: user?.hint ?? null, exitCode } }, null, 2)}\n`);
  return exitCode;
}
