// The executable schema: the readable contract with its few resolvers put on, nothing generated.
import { buildSchema, isListType, isNonNullType, isObjectType } from 'graphql';
import type { GraphQLField, GraphQLSchema } from 'graphql';
import { defaultPage, pageSize } from './limits.ts';
import { resolvers } from './resolvers.ts';
import { sdl } from './sdl.ts';

/** Builds the schema; throws an Error when a resolver has no field to go to. */
function executableSchema(): GraphQLSchema {
  const built = buildSchema(sdl);
  for (const type of Object.values(built.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    const own = resolvers[type.name] ?? {};
    const fields = type.getFields();
    for (const [name, resolve] of Object.entries(own)) {
      if (!fields[name]) throw new Error(`No field ${type.name}.${name} in schema.graphql`);
      fields[name].resolve = resolve;
    }
    for (const field of Object.values(fields)) {
      if (!field.resolve && isCut(field)) field.resolve = firstOf(field);
    }
  }
  for (const name of Object.keys(resolvers))
    if (!built.getType(name)) throw new Error(`No type ${name} in schema.graphql`);
  return built;
}

function isCut(field: GraphQLField<unknown, unknown>): boolean {
  const type = isNonNullType(field.type) ? field.type.ofType : field.type;
  return isListType(type) && field.args.some(({ name }) => name === 'first');
}

/** The first entries of the list of the field's name. */
function firstOf(field: GraphQLField<unknown, unknown>): GraphQLField<any, unknown>['resolve'] {
  const standard = defaultPage(field);
  return (source, { first }) => source[field.name].slice(0, pageSize(first ?? standard));
}

export const schema = executableSchema();
