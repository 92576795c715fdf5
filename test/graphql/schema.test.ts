import { existsSync, readFileSync } from 'node:fs';
import {
  buildSchema,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isObjectType,
} from 'graphql';
import { isNonNullType, print } from 'graphql';
import type { GraphQLArgument, GraphQLField, GraphQLOutputType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { schema } from '../../graphql/schema.ts';
import { reportSchema, runSchema } from '../../reports/format.ts';
import { ADDED_BY_GRAPHQL } from '../support/everything.ts';

const SHARED = new URL('../../../shared/schema.graphql', import.meta.url);
const text = readFileSync(new URL('../../graphql/schema.graphql', import.meta.url), 'utf8');

describe('schema.graphql', () => {
  // `npx vitest run test/graphql/schema.test.ts -u` writes the module anew.
  it('is what the module sdl.ts holds', async () => {
    const module = `// schema.graphql as a module, for where no file can be read. Not edited: \`npx vitest run test/graphql/schema.test.ts -u\`
// writes it anew.

export const sdl = \`${text.replaceAll('`', '\\`')}\`;
`;
    await expect(module).toMatchFileSnapshot('../../graphql/sdl.ts');
  });

  // Skipped where ../shared is not there: it is not part of a clone.
  it.skipIf(!existsSync(SHARED))('has everything of the shared contract, under the same name and meaning', () => {
    const shared = buildSchema(readFileSync(SHARED, 'utf8'));
    const missing: string[] = [];
    let compared = 0;
    const same = (what: string, theirs: unknown, ours: unknown) => {
      compared++;
      if (String(theirs) !== String(ours)) missing.push(`${what}: ${String(theirs)} there, ${String(ours)} here`);
    };
    const described = (what: string, theirs?: string | null, ours?: string | null) => {
      const meaning = (text?: string | null) => (text ?? '').replace(/[.…\s]+$/, '');
      if (!meaning(ours).includes(meaning(theirs))) missing.push(`${what}: "${theirs}" there, "${ours}" here`);
    };
    for (const theirs of Object.values(shared.getTypeMap())) {
      const ours = schema.getType(theirs.name);
      same(theirs.name, theirs.constructor.name, ours?.constructor.name);
      described(theirs.name, theirs.description, ours?.description);
      if (isEnumType(theirs) && isEnumType(ours)) {
        for (const { name } of theirs.getValues()) same(`${theirs.name}.${name}`, name, ours.getValue(name)?.name);
      }
      if (isInputObjectType(theirs) && isInputObjectType(ours)) {
        for (const { name, type } of Object.values(theirs.getFields())) {
          same(`${theirs.name}.${name}`, type, ours.getFields()[name]?.type);
        }
      }
      const hasFields = isObjectType(theirs) || isInterfaceType(theirs);
      if (!hasFields || !(isObjectType(ours) || isInterfaceType(ours))) continue;
      for (const field of Object.values(theirs.getFields())) {
        const own = ours.getFields()[field.name];
        same(`${theirs.name}.${field.name}`, field.type, own?.type);
        described(`${theirs.name}.${field.name}`, field.description, own?.description);
        for (const argument of field.args) {
          const other = own?.args.find(({ name }) => name === argument.name);
          const at = `${theirs.name}.${field.name}(${argument.name})`;
          same(at, argument.type, other?.type);
          same(`${at} =`, defaultOf(argument), other && defaultOf(other));
        }
      }
    }
    expect(missing).toEqual([]);
    expect(compared).toBeGreaterThan(250);
  });

  it('agrees with the report format: every field, its kind, and whether it can be null', () => {
    const found = new Set<string>();
    const json = z.toJSONSchema(reportSchema, { io: 'output' }) as any;
    const problems = [
      ...compareType('Model', json.properties.model, found),
      ...compareType('Layer', json.properties.layers.items, found),
      ...compareType('Sample', json.properties.samples.items, found),
      ...compareType('Run', z.toJSONSchema(runSchema, { io: 'output' }), found),
    ];
    expect(problems).toEqual([]);
    const notStored = ['Query', 'Comparison', 'Difference', 'Service', 'PageInfo', 'SkippingMethod'];
    const stored = Object.values(schema.getTypeMap()).filter(
      (type) => isObjectType(type) && !/^__|Connection$/.test(type.name),
    );
    expect(new Set([...found, ...notStored])).toEqual(new Set(stored.map(({ name }) => name)));
  });

  it('is query only', () => {
    expect(schema.getMutationType()).toBeUndefined();
    expect(schema.getSubscriptionType()).toBeUndefined();
  });
});

function defaultOf(argument: GraphQLArgument): string | undefined {
  return argument.default?.literal && print(argument.default.literal);
}

/** Null in the contract, though the format always has it. */
const LOOSER = ['Certificate.residuals'];

function compareType(name: string, json: any, found: Set<string>): string[] {
  const type = schema.getType(name);
  if (!isObjectType(type)) return [`${name}: no such type`];
  found.add(name);
  const fields = Object.entries(type.getFields()).filter(([field]) => !ADDED_BY_GRAPHQL[name]?.includes(field));
  const names = new Set([...fields.map(([field]) => field), ...Object.keys(json.properties)]);
  return [...names].flatMap((field) => {
    const [here, there] = [type.getFields()[field], json.properties[field]];
    if (!here || !there) return [`${name}.${field}: only in the ${here ? 'schema' : 'format'}`];
    return compareField(`${name}.${field}`, here, there, found);
  });
}

function compareField(at: string, field: GraphQLField<unknown, unknown>, json: any, found: Set<string>): string[] {
  // Zod writes `T or null` as a list of types for plain T, and as alternatives otherwise.
  const alternatives: any[] = json.anyOf ?? [json.type].flat().map((type: string) => ({ ...json, type }));
  const nullable = alternatives.some(({ type }) => type === 'null');
  if (nullable === isNonNullType(field.type) && !LOOSER.includes(at)) {
    return [`${at}: ${String(field.type)} here, ${nullable ? 'can' : 'cannot'} be null there`];
  }
  return compareKind(
    at,
    field.type,
    alternatives.find(({ type }) => type !== 'null'),
    found,
  );
}

function compareKind(at: string, given: GraphQLOutputType, json: any, found: Set<string>): string[] {
  const type = getNullableType(given);
  if (isListType(type))
    return json.type === 'array' ? compareKind(at, type.ofType, json.items, found) : [`${at}: a list only here`];
  if (isObjectType(type)) {
    if (json.type !== 'object') return [`${at}: an object only here`];
    // A mention of a sample: the way to it is GraphQL's.
    if (type.name === 'Sample')
      return String(Object.keys(json.properties)) === 'index,name' ? [] : [`${at}: no mention`];
    return compareType(type.name, json, found);
  }
  if (isEnumType(type)) {
    const values = type.getValues().map(({ name }) => name);
    return String(values) === String(json.enum) ? [] : [`${at}: ${values} here, ${json.enum} there`];
  }
  const kinds: Record<string, string> = { integer: 'Int', number: 'Float', string: 'String', boolean: 'Boolean' };
  return kinds[json.type] === String(type) ? [] : [`${at}: ${String(type)} here, ${json.type} there`];
}
