// What one request may ask for, and the refusals with their codes. Depth and cost are counted from the document and its
// variables before anything runs: an object costs 1, a list costs its page size times what one entry costs.
import {
  getNamedType,
  GraphQLError,
  isCompositeType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  parse,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
} from 'graphql';
import type {
  DocumentNode,
  FieldNode,
  GraphQLCompositeType,
  GraphQLField,
  GraphQLOutputType,
  GraphQLSchema,
  ParseOptions,
  SelectionSetNode,
} from 'graphql';

export const LIMITS = {
  tokens: 1_000,
  depth: 12,
  cost: 5_000,
  pageSize: 100,
  entries: 200_000,
  introspection: 20_000,
  bodyBytes: 64 * 1024,
  seconds: 10,
} as const;

/** What a list without a page size is taken to hold. */
const LIST_LENGTH = 10;

export type RefusalCode =
  | 'BAD_USER_INPUT'
  | 'NOT_FOUND'
  | 'PAGE_SIZE_EXCEEDED'
  | 'QUERY_TOO_DEEP'
  | 'QUERY_TOO_COSTLY'
  | 'TOO_MANY_TOKENS'
  | 'BODY_TOO_LARGE'
  | 'TIMEOUT';

/** An error that reaches the asker as it is, with its code in `extensions.code`. */
export function refusal(code: RefusalCode, message: string, status = 400): GraphQLError {
  // Yoga takes the status from extensions.http and leaves it out of the response.
  return new GraphQLError(message, { extensions: { code, http: { status } } });
}

/** The page size, or a refusal when it is negative or above the limit: never a silent clamp. */
export function pageSize(first: number): number {
  if (first > LIMITS.pageSize) {
    throw refusal('PAGE_SIZE_EXCEEDED', `first: ${first} is more than ${LIMITS.pageSize}`, 200);
  }
  if (first < 0) throw refusal('BAD_USER_INPUT', `first: ${first} is negative`, 200);
  return first;
}

/** Counts entries of lists as they are answered: how long a list without pages is, no document tells beforehand. */
export function entriesWithinLimits(): (count: number) => void {
  let left: number = LIMITS.entries;
  return (count) => {
    left -= count;
    if (left >= 0) return;
    const message = `The answer has more than ${LIMITS.entries} entries in its lists. Ask for fewer fields.`;
    throw refusal('QUERY_TOO_COSTLY', message, 200);
  };
}

/** Parses a document of at most 1,000 tokens, counted while parsing; more is a refusal. */
export function parseWithinLimits(...[source, options]: Parameters<typeof parse>): DocumentNode {
  const limited: ParseOptions = { ...options, maxLexicalTokens: LIMITS.tokens };
  try {
    return parse(source, limited);
  } catch (error) {
    if (error instanceof GraphQLError && /more tha[nt] \d+ tokens/.test(error.message)) {
      throw refusal('TOO_MANY_TOKENS', `The document has more than ${LIMITS.tokens} tokens`);
    }
    throw error;
  }
}

interface Measure {
  readonly depth: number;
  readonly cost: number;
}

/** Refuses a valid document that is too deep or too costly with these variables. */
export function checkLimits(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>>,
): void {
  const { depth, cost } = measure(schema, document, operationName, variables);
  if (depth > LIMITS.depth)
    throw refusal('QUERY_TOO_DEEP', `The query is ${depth} fields deep; the limit is ${LIMITS.depth}`);
  if (cost > LIMITS.cost) {
    const message = `The query may cost ${cost}; the limit is ${LIMITS.cost}. Ask for smaller pages or fewer fields.`;
    throw refusal('QUERY_TOO_COSTLY', message);
  }
  if (measure(schema, document, operationName, variables, META_FIELDS).cost > LIMITS.introspection)
    throw refusal('QUERY_TOO_COSTLY', 'The query asks for the schema several times over. Ask for it once.');
}

const META_FIELDS: RootFields = { __schema: SchemaMetaFieldDef, __type: TypeMetaFieldDef };

type RootFields = Readonly<Record<string, GraphQLField<unknown, unknown>>>;

/**
 * Depth in fields, and cost, of an operation of a valid document; of its questions about the schema when their fields are
 * given as the root's, else without these.
 */
export function measure(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>>,
  rootFields?: RootFields,
): Measure {
  const fragments = new Map(
    document.definitions.flatMap((d) => (d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d] as const] : [])),
  );
  const operation = document.definitions.find(
    (d) => d.kind === Kind.OPERATION_DEFINITION && (!operationName || d.name?.value === operationName),
  );
  if (operation?.kind !== Kind.OPERATION_DEFINITION) return { depth: 0, cost: 0 };
  const root = schema.getRootType(operation.operation);
  const defaults = new Map(operation.variableDefinitions?.map((v) => [v.variable.name.value, v.defaultValue]));
  // Spread twice in each of many fragments, a fragment would be walked a number of times exponential in their number.
  const measured = new Map<string, Measure>();

  function ofSelections({ selections }: SelectionSetNode, type: GraphQLCompositeType, page: number): Measure {
    let depth = 0;
    let cost = 0;
    for (const selection of selections) {
      const part = ofSelection(selection, type, page);
      depth = Math.max(depth, part.depth);
      cost += part.cost;
    }
    return { depth, cost };
  }

  function ofSelection(
    selection: SelectionSetNode['selections'][number],
    type: GraphQLCompositeType,
    page: number,
  ): Measure {
    if (selection.kind === Kind.FIELD) return ofField(selection, type, page);
    const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value)! : selection;
    const condition = fragment.typeCondition && schema.getType(fragment.typeCondition.name.value);
    const narrowed = condition && isCompositeType(condition) ? condition : type;
    if (selection.kind === Kind.INLINE_FRAGMENT) return ofSelections(fragment.selectionSet, narrowed, page);
    const key = `${selection.name.value} ${page}`;
    const known = measured.get(key) ?? ofSelections(fragment.selectionSet, narrowed, page);
    measured.set(key, known);
    return known;
  }

  function ofField(node: FieldNode, type: GraphQLCompositeType, page: number): Measure {
    const fields = rootFields && type === root ? rootFields : 'getFields' in type ? type.getFields() : {};
    const field = fields[node.name.value];
    if (!field) return { depth: 1, cost: 0 };
    const inner = getNamedType(field.type);
    if (!node.selectionSet || !isCompositeType(inner)) return { depth: 1, cost: 0 };
    const first = pageOf(node, field);
    const isConnection = isObjectType(inner) && inner.name.endsWith('Connection');
    // A connection hands its page size on to its nodes.
    const inherited = isObjectType(type) && type.name.endsWith('Connection') ? page : LIST_LENGTH;
    const children = ofSelections(node.selectionSet, inner, isConnection ? (first ?? LIST_LENGTH) : LIST_LENGTH);
    const entries = isList(field.type) ? (first ?? inherited) : 1;
    return { depth: 1 + children.depth, cost: entries * (1 + children.cost) };
  }

  function pageOf(node: FieldNode, field: GraphQLField<unknown, unknown>): number | undefined {
    const argument = field.args.find(({ name }) => name === 'first');
    if (!argument) return undefined;
    const given = node.arguments?.find(({ name }) => name.value === 'first')?.value;
    let value: unknown;
    if (given?.kind === Kind.INT) value = given.value;
    if (given?.kind === Kind.VARIABLE) {
      const fallback = defaults.get(given.name.value);
      value = variables[given.name.value] ?? (fallback?.kind === Kind.INT ? fallback.value : undefined);
    }
    return Math.max(0, Number(value ?? defaultPage(field)));
  }

  return root ? ofSelections(operation.selectionSet, root, LIST_LENGTH) : { depth: 0, cost: 0 };
}

/** What `first` is when it is not given: the default that stands in the schema. */
export function defaultPage(field: GraphQLField<unknown, unknown>): number {
  const literal = field.args.find(({ name }) => name === 'first')?.default?.literal;
  return literal?.kind === Kind.INT ? Number(literal.value) : LIST_LENGTH;
}

function isList(type: GraphQLOutputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}
