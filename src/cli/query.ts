// `eigenlens query [DOCUMENT]`: a GraphQL document over the reports, or a ready-made question, in process; prints
// { data, errors }, or a table where the document leads to one list.
import { Option } from 'commander';
import type { Command } from 'commander';
import { readdir, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { EXIT, nearest, UserError } from '../../analysis/errors.ts';
import type { Operation } from '../../graphql/operation.ts';
import type { QueryResult } from '../../graphql/query.ts';
import type { Store } from '../../reports/reader.ts';
import { addKnobs } from './knobs.ts';
import { table } from './terminal.ts';
import type { Outcome, Verb } from './verb.ts';

const OPERATIONS = new URL('../../graphql/operations/', import.meta.url);

interface Asked {
  readonly document: string;
  readonly operationName?: string;
  /** Set where a ready-made question is asked. */
  readonly operation?: Operation;
}

export const verb: Verb = {
  define(command: Command) {
    command
      .argument('[document]', 'The document; - reads it from standard input')
      .option('--file <FILE>', 'Read the document from a file')
      .option('--variables <JSON>', 'Variables as a JSON object')
      .option('--operation <NAME>', 'A ready-made question, or which operation of the document to run')
      .option('--list', 'List the ready-made questions')
      .addOption(
        new Option('--format <FORMAT>', 'How to print; csv and table take documents that lead to one list')
          .choices(['json', 'csv', 'table'])
          .default('json'),
      );
    addKnobs(command, ['reports']);
  },
  async run({ args, flags, project, terminal, folder }) {
    if (flags['list']) return listOperations(terminal.print);
    const flag = (name: string) => flags[name] as string | undefined;
    const asked = await askedFor(args[0], flag('file'), flag('operation'), folder);
    const { query } = await import('../../graphql/query.ts');
    const { openStore } = await import('../../reports/store.ts');
    const store = openStore(project.reports);
    const variables = await withModel(variablesOf(flag('variables')), asked, store);
    await refuseUnknown(variables, asked, store);
    const { document, operationName } = asked;
    const result = await query(store, document, variables, { operationName });
    const count = result.errors?.length ?? 0;
    // A table with holes would read as a whole one.
    if (count === 0 || flag('format') === 'json') terminal.print(await printed(result, asked, flag('format')!));
    else terminal.complain(result.errors![0]!.message, 'Print what there is with --format json.');
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

async function listOperations(print: (text: string) => void): Promise<Outcome> {
  const operations = await allOperations();
  const rows = operations.map(({ name, title, variables }) => [
    name,
    title,
    variables.map((one) => (one.required ? one.name : `[${one.name}]`)).join(' '),
  ]);
  print(table([['name', 'question', 'variables'], ...rows]));
  return {
    json: { operations },
    last: 'Ask one with: eigenlens query --operation NAME --variables \'{"model": "ID"}\'. Nothing was written.',
  };
}

async function allOperations(): Promise<Operation[]> {
  const { readOperation } = await import('../../graphql/operation.ts');
  const files = (await readdir(OPERATIONS)).filter((file) => file.endsWith('.graphql')).sort();
  return Promise.all(
    files.map(async (file) =>
      readOperation(file.replace(/\.graphql$/, ''), await readFile(new URL(file, OPERATIONS), 'utf8')),
    ),
  );
}

/** The document, from wherever it is given. */
async function askedFor(
  argument: string | undefined,
  file: string | undefined,
  operationName: string | undefined,
  folder: string,
): Promise<Asked> {
  if (argument !== undefined && file !== undefined) {
    throw new UserError('Both a document and --file are given.', { exitCode: EXIT.usage, hint: 'Give one of them.' });
  }
  const own = operationName === undefined ? {} : { operationName };
  if (file !== undefined) {
    const document = await readFile(resolve(folder, file), 'utf8').catch((cause: Error) => {
      throw new UserError(`The document ${file} cannot be read (${cause.message}).`, { cause });
    });
    return { document, ...own };
  }
  if (argument === '-') return { document: await text(process.stdin), ...own };
  if (argument !== undefined) return { document: argument, ...own };
  if (operationName !== undefined) {
    const operations = await allOperations();
    const operation = operations.find(({ name }) => name === operationName);
    if (operation) return { document: operation.document, operation };
    const names = operations.map(({ name }) => name);
    const near = nearest(operationName, names);
    throw new UserError(`There is no ready-made question "${operationName}".`, {
      exitCode: EXIT.usage,
      hint: `${near ? `Did you mean ${near}? ` : ''}eigenlens query --list shows all: ${names.join(', ')}.`,
    });
  }
  throw new UserError('No document is given.', {
    exitCode: EXIT.usage,
    hint: "For example: eigenlens query '{ models { nodes { id name } } }', or a ready-made question: eigenlens query --list",
  });
}

/** A ready-made question about a model is about the only report there is, unless it is told otherwise. */
async function withModel(
  variables: Record<string, unknown>,
  { operation }: Asked,
  store: Store,
): Promise<Record<string, unknown>> {
  const missing = (operation?.variables ?? []).filter(({ name, required }) => required && !(name in variables));
  if (missing.length === 0) return variables;
  const ids = await store.list();
  const filled = missing.some(({ name }) => name === 'model') && ids.length === 1 ? { model: ids[0] } : {};
  const left = missing.map(({ name }) => name).filter((name) => !(name in filled));
  if (left.length === 0) return { ...variables, ...filled };
  const example = JSON.stringify(Object.fromEntries(left.map((name) => [name, '…'])));
  throw new UserError(`The question ${operation!.name} needs ${left.join(' and ')}.`, {
    exitCode: EXIT.usage,
    hint: `Give --variables '${example}'. Reports: ${ids.slice(0, 20).join(', ') || 'none'}.`,
  });
}

/**
 * A ready-made question that names a report, layer or sample that is not there: GraphQL answers null, which a script would
 * read as "none found". Throws a UserError with the nearest name.
 */
async function refuseUnknown(
  variables: Readonly<Record<string, unknown>>,
  { operation }: Asked,
  store: Store,
): Promise<void> {
  const { readGlobalId } = await import('../../graphql/global-id.ts');
  const given = (name: string): string | undefined => {
    const value = operation?.variables.some((one) => one.name === name) ? variables[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  for (const variable of ['model', 'base', 'head']) {
    const id = given(variable);
    if (id === undefined) continue;
    const key = readGlobalId(id);
    const report = await store.report(key?.type === 'Model' ? key.report : id);
    const [layer, sample] = [given('layer'), given('sample')];
    if (layer !== undefined && !report.layerNamed(layer)) throw unknown('layer', layer, report.layers);
    if (sample !== undefined && !report.sampleNamed(sample)) throw unknown('sample', sample, report.samples);
  }
}

function unknown(what: string, name: string, there: readonly { readonly name: string }[]): UserError {
  const names = there.map((one) => one.name);
  const near = nearest(name, names);
  const known = `Its ${what}s: ${names.slice(0, 20).join(', ') || 'none'}${names.length > 20 ? ', …' : ''}.`;
  return new UserError(`There is no ${what} "${name}" in the report.`, {
    hint: near === undefined ? known : `Did you mean "${near}"? ${known}`,
  });
}

async function printed(result: QueryResult, { document, operationName }: Asked, format: string): Promise<string> {
  if (format === 'json') return JSON.stringify(result, null, 2);
  const { flatten, toCsv } = await import('../../graphql/flat.ts');
  const { schema } = await import('../../graphql/schema.ts');
  const { parse } = await import('graphql');
  const flat = flatten(schema, parse(document), operationName, result.data);
  if (typeof flat === 'string') {
    throw new UserError(flat, { exitCode: EXIT.usage, hint: 'Or print it with --format json.' });
  }
  if (format === 'csv') return toCsv(flat);
  const rows = flat.rows.map((row) => row.map((value) => String(value ?? '–')));
  return table([[...flat.columns], ...rows]);
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
