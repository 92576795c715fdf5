// The executable schema: the readable contract with its few resolvers put on, nothing generated.
import { buildSchema, defaultFieldResolver, isListType, isNonNullType, isObjectType } from 'graphql';
import type { GraphQLField, GraphQLSchema } from 'graphql';
import { defaultPage, pageSize } from './limits.ts';
import { resolvers } from './resolvers.ts';
import type { Context } from './resolvers.ts';
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
      if (isList(field)) field.resolve = counted(field);
    }
  }
  for (const name of Object.keys(resolvers))
    if (!built.getType(name)) throw new Error(`No type ${name} in schema.graphql`);
  return built;
}

function isList({ type }: GraphQLField<unknown, unknown>): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}

function isCut(field: GraphQLField<unknown, unknown>): boolean {
  return isList(field) && field.args.some(({ name }) => name === 'first');
}

/** The same list, told to whoever counts entries. */
function counted(field: GraphQLField<any, Context>): GraphQLField<any, Context>['resolve'] {
  const resolve = field.resolve ?? defaultFieldResolver;
  return (source, args, context, info) => {
    const value = resolve(source, args, context, info);
    const { entries } = context;
    if (!entries) return value;
    const count = <T>(list: T): T => {
      if (Array.isArray(list)) entries(list.length);
      return list;
    };
    // A promise of another realm is one too.
    return typeof (value as PromiseLike<unknown> | null)?.then === 'function'
      ? (value as PromiseLike<unknown>).then(count)
      : count(value);
  };
}

/** The first entries of the list of the field's name. */
function firstOf(field: GraphQLField<unknown, unknown>): GraphQLField<any, unknown>['resolve'] {
  const standard = defaultPage(field);
  return (source, { first }) => source[field.name].slice(0, pageSize(first ?? standard));
}

export const schema = executableSchema();
