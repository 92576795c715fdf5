// Runs GraphQL documents in process: what the command line, the site's pages and its explorer call. Documents are
// parsed and validated once; limits other than the page size are the server's business (limits.ts).
import { GraphQLError, parse, validate } from 'graphql';
import type { DocumentNode } from 'graphql';
import type { Store } from '../reports/reader.ts';
import { answer } from './answer.ts';
import { schema } from './schema.ts';

export { schema };

/** A GraphQL response; a document that does not parse or validate has errors and no data. */
export interface QueryResult<Data = any> {
  readonly data?: Data | null;
  readonly errors?: readonly GraphQLError[];
}

const KEPT_DOCUMENTS = 500;
const documents = new Map<string, DocumentNode | readonly GraphQLError[]>();

/** Answers a document over a store. Errors carry a code in `extensions.code`; only a bug in this program throws. */
export async function query<Data = any>(
  store: Store,
  document: string,
  variables: Readonly<Record<string, unknown>> = {},
  { operationName }: { operationName?: string } = {},
): Promise<QueryResult<Data>> {
  const prepared = prepare(document);
  if (!('kind' in prepared)) return { errors: prepared };
  const run = () =>
    answer({ schema, document: prepared, variableValues: variables, operationName }, { store }) as Promise<
      QueryResult<Data>
    >;
  let result = await run();
  // A report that was replaced under the reader is read anew, once.
  if (result.errors?.some(({ extensions }) => extensions.code === 'REPORT_CHANGED')) result = await run();
  return result;
}

/** The data of a document that is known to be right; throws the first error otherwise. */
export async function data<Data = any>(
  store: Store,
  document: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<Data> {
  const { data, errors } = await query<Data>(store, document, variables);
  if (errors?.[0]) throw errors[0].cause instanceof Error ? errors[0].cause : errors[0];
  return data!;
}

function prepare(text: string): DocumentNode | readonly GraphQLError[] {
  const known = documents.get(text);
  if (known) return known;
  const prepared = parseAndValidate(text);
  documents.set(text, prepared);
  if (documents.size > KEPT_DOCUMENTS) documents.delete(documents.keys().next().value!);
  return prepared;
}

function parseAndValidate(text: string): DocumentNode | readonly GraphQLError[] {
  let document: DocumentNode;
  try {
    document = parse(text);
  } catch (error) {
    if (error instanceof GraphQLError) return [coded(error, 'GRAPHQL_PARSE_FAILED')];
    throw error;
  }
  const errors = validate(schema, document);
  return errors.length > 0 ? errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED')) : document;
}

function coded(error: GraphQLError, code: string): GraphQLError {
  const { message, nodes, source, positions } = error;
  return new GraphQLError(message, { nodes, source, positions, extensions: { code } });
}
