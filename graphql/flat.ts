// An answer as a table, for documents that lead to one list at most: every scalar is a column, every entry of the list a
// row, and what stands above the list is repeated beside it. Columns come from the document, so that they do not
// depend on what happens to be null.
import { getNamedType, isCompositeType, isListType, isNonNullType, Kind } from 'graphql';
import type { DocumentNode, GraphQLCompositeType, GraphQLOutputType, GraphQLSchema, SelectionSetNode } from 'graphql';

export type Cell = string | number | boolean | null;

export interface FlatAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Response keys by name, over fragments and merged fields: a leaf, or an object or list of objects with its own. */
type Shape = Record<string, Part>;

interface Part {
  readonly list: boolean;
  readonly fields: Shape | null;
}

/** The answer as a table, or why it is none: a sentence about its document. */
export function flatten(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  data: Readonly<Record<string, unknown>>,
): FlatAnswer | string {
  const operation = document.definitions.find(
    (d) => d.kind === Kind.OPERATION_DEFINITION && (!operationName || d.name?.value === operationName),
  );
  if (operation?.kind !== Kind.OPERATION_DEFINITION) return 'There is no such operation.';
  const shape = shapeOf(schema, document, operation.selectionSet, schema.getRootType(operation.operation)!);
  const columns: string[][] = [];
  const problem = gather(shape, [], columns);
  if (problem) return problem;
  return { columns: shortNames(columns), rows: rowsOf(shape, data) };
}

function shapeOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  selections: SelectionSetNode,
  type: GraphQLCompositeType,
  found: Shape = {},
): Shape {
  for (const selection of selections.selections) {
    if (selection.kind === Kind.FIELD) {
      if (selection.name.value.startsWith('__')) continue;
      const field = 'getFields' in type ? type.getFields()[selection.name.value] : undefined;
      const key = selection.alias?.value ?? selection.name.value;
      const inner = field && getNamedType(field.type);
      // What guides through pages belongs to no row.
      if (!field || inner?.toString() === 'PageInfo' || (isConnection(type) && key === 'totalCount')) continue;
      const fields = selection.selectionSet ? (found[key]?.fields ?? {}) : null;
      if (selection.selectionSet && isCompositeType(inner))
        shapeOf(schema, document, selection.selectionSet, inner, fields!);
      found[key] = { list: isList(field.type) && fields !== null, fields };
      continue;
    }
    const fragment =
      selection.kind === Kind.INLINE_FRAGMENT
        ? selection
        : document.definitions.find(
            (d) => d.kind === Kind.FRAGMENT_DEFINITION && d.name.value === selection.name.value,
          );
    if (fragment?.kind !== Kind.INLINE_FRAGMENT && fragment?.kind !== Kind.FRAGMENT_DEFINITION) continue;
    const narrowed = fragment.typeCondition ? schema.getType(fragment.typeCondition.name.value) : type;
    if (isCompositeType(narrowed)) shapeOf(schema, document, fragment.selectionSet, narrowed, found);
  }
  return found;
}

function isConnection(type: GraphQLCompositeType): boolean {
  return type.name.endsWith('Connection');
}

function isList(type: GraphQLOutputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}

/** Adds the columns in order; a sentence when two lists stand side by side. */
function gather(shape: Shape, path: readonly string[], columns: string[][]): string | null {
  const [one, other] = Object.keys(shape).filter((key) => holdsList(shape[key]!));
  if (other !== undefined) {
    const names = [one!, other].map((key) => [...path, key].join('.'));
    return `A table has one list, and ${names.join(' and ')} are two: ask for one at a time.`;
  }
  for (const [key, { fields }] of Object.entries(shape)) {
    const problem = fields && gather(fields, [...path, key], columns);
    if (problem) return problem;
    if (!fields) columns.push([...path, key]);
  }
  return null;
}

function holdsList({ list, fields }: Part): boolean {
  return list || (fields !== null && Object.values(fields).some(holdsList));
}

/** Names without what all have in common, and without the `nodes` of connections. */
function shortNames(paths: readonly (readonly string[])[]): string[] {
  const cleaned = paths.map((path) => path.filter((key, i) => key !== 'nodes' || i === path.length - 1));
  let shared = 0;
  const [first = []] = cleaned;
  while (shared < first.length - 1 && cleaned.every((p) => p.length > shared + 1 && p[shared] === first[shared]))
    shared++;
  return cleaned.map((path) => path.slice(shared).join('.'));
}

/** One row per entry of the list below, or one row where there is none. */
function rowsOf(shape: Shape, value: Readonly<Record<string, unknown>> | null): Cell[][] {
  let rows: Cell[][] = [[]];
  for (const [key, { list, fields }] of Object.entries(shape)) {
    const entry = value?.[key] ?? null;
    let below: Cell[][];
    if (!fields) below = [[cellOf(entry)]];
    else if (list) below = ((entry ?? []) as Record<string, unknown>[]).flatMap((one) => rowsOf(fields, one));
    else below = rowsOf(fields, entry as Record<string, unknown> | null);
    rows = rows.flatMap((row) => below.map((more) => [...row, ...more]));
  }
  return rows;
}

function cellOf(value: unknown): Cell {
  if (Array.isArray(value)) {
    return value.some((entry) => Array.isArray(entry))
      ? JSON.stringify(value)
      : value.map(String).join(typeof value[0] === 'number' ? ' ' : '; ');
  }
  return value as Cell;
}

/** Comma-separated values (RFC 4180), a header line first; null is an empty cell. */
export function toCsv({ columns, rows }: FlatAnswer): string {
  const cell = (value: Cell) => {
    const text = value === null ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => row.map(cell).join(',')).join('\r\n');
}
