// What a verb is: its arguments and flags, and what it does with them. main.ts does everything that verbs share.
import type { Command } from 'commander';
import type { Config } from '../../analysis/config.ts';
import type { Terminal } from './terminal.ts';

export interface Invocation extends Config {
  readonly args: readonly (string | undefined)[];
  /** Flags of the verb itself, by name; knobs are in `settings` and `project`. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C or a request to terminate. */
  readonly signal: AbortSignal;
  /** Why the configuration could not be read, for a verb that tolerates that. */
  readonly problem?: string;
  /** The folder that the command runs in. */
  readonly folder: string;
  /** Variables of the process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface Outcome {
  readonly exitCode?: number;
  /** The machine result, printed with --json. */
  readonly json: unknown;
  /** The last line: what was written, where. */
  readonly last: string;
}

export interface Verb {
  /** Arguments, flags and knobs. */
  define(command: Command): void;
  run(invocation: Invocation): Promise<Outcome>;
  /** True for a verb that also runs with a configuration that cannot be read. */
  readonly toleratesConfig?: boolean;
}
