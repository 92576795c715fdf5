import { GraphQLError, getIntrospectionQuery, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { checkLimits, LIMITS, measure, pageSize, parseWithinLimits } from '../../graphql/limits.ts';
import { schema } from '../../graphql/schema.ts';

function measured(document: string, variables = {}, operationName?: string) {
  const parsed = parse(document);
  expect(validate(schema, parsed)).toEqual([]);
  return measure(schema, parsed, operationName, variables);
}

function codeOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(GraphQLError);
    return (error as GraphQLError).extensions.code;
  }
  return undefined;
}

describe('the cost of a query', () => {
  it('is one for an object, and nothing for what it holds directly', () => {
    expect(measured('{ service { version maxDepth } }')).toEqual({ depth: 2, cost: 1 });
    expect(measured('{ __typename }')).toEqual({ depth: 1, cost: 0 });
  });

  it('is the page size times what an entry costs', () => {
    expect(measured('{ models(first: 7) { nodes { name } } }')).toEqual({ depth: 3, cost: 1 + 7 });
    expect(measured('{ models(first: 7) { pageInfo { hasNextPage } } }').cost).toBe(1 + 1);
    expect(measured('{ models(first: 3) { nodes { samples(first: 5) { nodes { image { url } } } } } }').cost).toBe(
      1 + 3 * (1 + 1 + 5 * (1 + 1)),
    );
  });

  it('takes the page size from the schema, from a variable, or from the default of one', () => {
    expect(measured('{ models { nodes { name } } }').cost).toBe(1 + 20);
    const document = 'query ($n: Int = 4) { models(first: $n) { nodes { name } } }';
    expect(measured(document).cost).toBe(1 + 4);
    expect(measured(document, { n: 9 }).cost).toBe(1 + 9);
    expect(measured('query ($n: Int) { models(first: $n) { nodes { name } } }').cost).toBe(1 + 20);
  });

  it('takes a list without pages for ten', () => {
    expect(measured('{ model(id: "x") { layers { name } } }').cost).toBe(1 + 10);
    expect(
      measured('{ model(id: "x") { layers { weightDirections { directions(first: 5) { filter { url } } } } } }').cost,
    ).toBe(1 + 10 * (1 + 1 + 5 * (1 + 1)));
  });

  it('counts every alias and every spread of a fragment, in the place where it is spread', () => {
    expect(measured('{ a: service { version } b: service { version } }').cost).toBe(2);
    const document = `{ models(first: 2) { ...page } other: models(first: 3) { ...page ... on ModelConnection { ...page } } }
      fragment page on ModelConnection { nodes { ...named } } fragment named on Model { input { name } }`;
    expect(measured(document)).toEqual({ depth: 4, cost: 1 + 2 * 2 + 1 + 3 * 2 + 3 * 2 });
  });

  it('is that of the operation that is run', () => {
    const document = 'query a { service { version } } query b { models(first: 50) { nodes { name } } }';
    expect(measured(document, {}, 'a').cost).toBe(1);
    expect(measured(document, {}, 'b').cost).toBe(51);
  });

  it('is measured at once even when fragments double at every level', () => {
    const levels = 24;
    const fragments = Array.from({ length: levels }, (_, i) =>
      i === levels - 1
        ? `fragment f${i} on Model { input { name } }`
        : `fragment f${i} on Model { ...f${i + 1} ...f${i + 1} }`,
    );
    const document = parseWithinLimits(`{ model(id: "x") { ...f0 } } ${fragments.join(' ')}`);
    expect(measure(schema, document, null, {}).cost).toBe(1 + 2 ** (levels - 1));
  });
});

describe('a request that asks for too much', () => {
  it('is refused above 1,000 tokens, and not below', () => {
    const fields = (count: number) => `{ ${'__typename '.repeat(count)}}`;
    expect(codeOf(() => parseWithinLimits(fields(LIMITS.tokens)))).toBe('TOO_MANY_TOKENS');
    expect(codeOf(() => parseWithinLimits(fields(LIMITS.tokens - 2)))).toBeUndefined();
    expect(codeOf(() => parseWithinLimits('{ models'))).toBeUndefined();
  });

  it('is refused above a depth of 12, and not at it', () => {
    // Objects go no deeper than twelve by themselves: a sample's own lists lead back to samples.
    const nested = (levels: number): string =>
      levels === 0 ? '{ name }' : `{ similarityOverlays { other ${nested(levels - 1)} } }`;
    const document = (levels: number) => `{ model(id: "x") { sample(name: "y") ${nested(levels)} } }`;
    expect(measured(document(4)).depth).toBe(11);
    const check = (text: string) => codeOf(() => checkLimits(schema, parse(text), null, {}));
    expect(check(document(5))).toBe('QUERY_TOO_DEEP');
    expect(check('{ node(id: "x") { ... on Sample { similarityOverlays { other { name } } } } }')).toBeUndefined();
  });

  it('is refused above a cost of 5,000, and not at it', () => {
    const check = (more: string) => {
      const samples = 'samples(first: $n) { totalCount nodes { name } }';
      const document = parse(
        `query ($n: Int) { models(first: 49) { nodes { ${samples} } } service { version } ${more} }`,
      );
      return codeOf(() => checkLimits(schema, document, null, { n: 100 }));
    };
    expect(check('')).toBeUndefined();
    expect(check('again: service { version }')).toBe('QUERY_TOO_COSTLY');
  });

  it('is refused above a page of 100, never clamped', () => {
    expect(pageSize(0)).toBe(0);
    expect(pageSize(LIMITS.pageSize)).toBe(100);
    expect(codeOf(() => pageSize(101))).toBe('PAGE_SIZE_EXCEEDED');
    expect(codeOf(() => pageSize(-1))).toBe('BAD_USER_INPUT');
  });

  it('may ask for the whole schema, as explorers do', () => {
    const document = parseWithinLimits(getIntrospectionQuery());
    expect(codeOf(() => checkLimits(schema, document, null, {}))).toBeUndefined();
  });
});
