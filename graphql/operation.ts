// A ready-made question: a document of operations/, whose first comment line is the question and whose next ones say what
// the answer holds. Its file name is its name. Shown on the explorer's page and listed by `eigenlens query --list`.
import { Kind, parse } from 'graphql';

export interface Operation {
  /** Of its file. */
  readonly name: string;
  /** The question, as a person asks it. */
  readonly title: string;
  readonly description: string;
  readonly document: string;
  readonly variables: readonly { readonly name: string; readonly required: boolean }[];
}

/** Reads a ready-made question; an Error when it has no title, no description or not exactly one operation. */
export function readOperation(name: string, text: string): Operation {
  const comments = /^(?:#.*\n)+/.exec(text)?.[0] ?? '';
  const [title, ...description] = comments
    .trim()
    .split('\n')
    .map((line) => line.replace(/^#\s*/, ''));
  const document = text.slice(comments.length).trim();
  const [operation, ...others] = parse(document).definitions;
  if (!title || description.length === 0 || operation?.kind !== Kind.OPERATION_DEFINITION || others.length > 0)
    throw new Error(`operations/${name}.graphql: a title, a description and one operation are wanted`);
  const variables = (operation.variableDefinitions ?? []).map(({ variable, type, defaultValue }) => ({
    name: variable.name.value,
    required: type.kind === Kind.NON_NULL_TYPE && defaultValue === undefined,
  }));
  return { name, title, description: description.join(' '), document, variables };
}
