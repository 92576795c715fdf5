// `eigenlens query [DOCUMENT]`: a GraphQL document over the reports, in process; prints { data, errors }.
import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { EXIT, UserError } from '../../analysis/errors.ts';
import { addKnobs } from './knobs.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  define(command: Command) {
    command
      .argument('[document]', 'The document; - reads it from standard input')
      .option('--file <FILE>', 'Read the document from a file')
      .option('--variables <JSON>', 'Variables as a JSON object');
    addKnobs(command, ['reports']);
  },
  async run({ args, flags, project, terminal, folder }) {
    const document = await documentOf(args[0], flags['file'] as string | undefined, folder);
    const variables = variablesOf(flags['variables'] as string | undefined);
    const { query } = await import('../../graphql/query.ts');
    const { openStore } = await import('../../reports/store.ts');
    const result = await query(openStore(project.reports), document, variables);
    terminal.print(JSON.stringify(result, null, 2));
    const count = result.errors?.length ?? 0;
    return {
      // Without data the document itself was refused; with data, a part of the answer is missing.
      exitCode: count === 0 ? EXIT.done : result.data ? EXIT.failed : EXIT.usage,
      json: result,
      last:
        count === 0
          ? 'Nothing was written; the answer is on standard output.'
          : `${count} ${count === 1 ? 'error' : 'errors'}: ${result.errors![0]!.message}`,
    };
  },
};

async function documentOf(argument: string | undefined, file: string | undefined, folder: string): Promise<string> {
  if (argument !== undefined && file !== undefined) {
    throw new UserError('Both a document and --file are given.', { exitCode: EXIT.usage, hint: 'Give one of them.' });
  }
  if (file !== undefined) {
    return readFile(resolve(folder, file), 'utf8').catch((cause: Error) => {
      throw new UserError(`The document ${file} cannot be read (${cause.message}).`, { cause });
    });
  }
  if (argument === '-') return text(process.stdin);
  if (argument !== undefined) return argument;
  throw new UserError('No document is given.', {
    exitCode: EXIT.usage,
    hint: "For example: eigenlens query '{ models { nodes { id name } } }'",
  });
}

function variablesOf(json: string | undefined): Record<string, unknown> {
  if (json === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new UserError(`--variables is not JSON: ${(cause as Error).message}.`, { exitCode: EXIT.usage, cause });
  }
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new UserError('--variables must be a JSON object.', {
    exitCode: EXIT.usage,
    hint: `For example: --variables '{"id": "demo"}'`,
  });
}
