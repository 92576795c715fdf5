// Documents that ask for every field of a report, written from the schema, and what the report's JSON must then be.
import { getNamedType, isObjectType } from 'graphql';
import type { GraphQLObjectType } from 'graphql';
import { schema } from '../../graphql/schema.ts';

/** What GraphQL adds to the JSON: ids, ways from one object to another, and other views of what is there. */
export const ADDED_BY_GRAPHQL: Readonly<Record<string, readonly string[]>> = {
  Model: ['id', 'report', 'digest', 'formatVersion', 'run', 'layers', 'layer', 'samples', 'sample'],
  Layer: ['id', 'skippedBy'],
  Sample: ['id'],
  InputPatterns: ['contribution'],
};

const LARGEST = ['first: 100'];
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  'OutputContributions.components': [...LARGEST, 'orderBy: SINGULAR_VALUE'],
};

/** The selection of every field of a type that its JSON has; a mention of a sample has its index and name. */
export function everythingOf(name: string, mention = false): string {
  if (mention && name === 'Sample') return '{ index name }';
  const type = schema.getType(name) as GraphQLObjectType;
  const fields = Object.values(type.getFields()).filter((field) => !ADDED_BY_GRAPHQL[name]?.includes(field.name));
  const selections = fields.map((field) => {
    const takesFirst = field.args.some((argument) => argument.name === 'first');
    const given = ARGUMENTS[`${name}.${field.name}`] ?? (takesFirst ? LARGEST : []);
    const inner = getNamedType(field.type);
    const below = isObjectType(inner) ? ` ${everythingOf(inner.name, true)}` : '';
    return `${field.name}${given.length > 0 ? `(${given.join(', ')})` : ''}${below}`;
  });
  return `{ ${selections.join(' ')} }`;
}
