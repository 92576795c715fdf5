// Clients and tools that others wrote, against a running server.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { Client, fetchExchange, gql } from '@urql/core';
import { buildClientSchema, buildSchema, getIntrospectionQuery } from 'graphql';
import type { GraphQLSchema, IntrospectionQuery } from 'graphql';
import { ClientError, GraphQLClient } from 'graphql-request';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { data } from '../../graphql/query.ts';
import { serve } from '../../graphql/server.ts';
import type { RunningServer } from '../../graphql/server.ts';
import { openStore } from '../../reports/store.ts';
import { sampleReport, writeSampleReport } from '../support/sample-report.ts';

const SHARED = new URL('../../../shared/schema.graphql', import.meta.url);
const DOCUMENT = `query Worst($id: ID!, $first: Int!) {
  model(id: $id) { id name samples(first: $first, orderBy: UNCERTAINTY) { totalCount nodes { id name meanVariation } } }
}`;
const VARIABLES = { id: 'sample', first: 3 };

let folder: string;
let server: RunningServer;
let endpoint: string;
let expected: unknown;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clients-'));
  await writeSampleReport(folder, 'sample', sampleReport({ samples: 5, detailed: 1 }));
  server = await serve({ reports: folder, port: 0, log: () => {} });
  endpoint = `${server.url}/graphql`;
  expected = await data(openStore(folder), DOCUMENT, VARIABLES);
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

describe('graphql-request', () => {
  it('reads a report, by POST and by GET', async () => {
    expect(await new GraphQLClient(endpoint).request(DOCUMENT, VARIABLES)).toEqual(expected);
    expect(await new GraphQLClient(endpoint, { method: 'GET' }).request(DOCUMENT, VARIABLES)).toEqual(expected);
  });

  it('throws what is refused, with its code', async () => {
    const refused = await new GraphQLClient(endpoint).request(DOCUMENT, { id: 'sample', first: 101 }).catch((e) => e);
    expect(refused).toBeInstanceOf(ClientError);
    expect((refused as ClientError).response.errors?.[0]?.extensions?.code).toBe('PAGE_SIZE_EXCEEDED');
  });
});

describe('urql', () => {
  it('reads a report, by GET too, and again by its ETag', async () => {
    const seen: { method: string; status: number }[] = [];
    let etag = '';
    const watched = async (input: RequestInfo | URL, init?: RequestInit) => {
      const headers = new Headers(init?.headers);
      if (etag) headers.set('if-none-match', etag);
      const response = await fetch(input, { ...init, headers });
      seen.push({ method: init?.method ?? 'GET', status: response.status });
      etag = response.headers.get('etag') ?? '';
      return response;
    };
    const plain = { url: endpoint, exchanges: [fetchExchange], preferGetMethod: false };
    const byPost = await new Client(plain).query(gql(DOCUMENT), VARIABLES).toPromise();
    expect(byPost.error).toBeUndefined();
    expect(withoutTypeNames(byPost.data)).toEqual(expected);
    const client = new Client({ ...plain, fetch: watched, preferGetMethod: true });
    const byGet = await client.query(gql(DOCUMENT), VARIABLES).toPromise();
    expect(withoutTypeNames(byGet.data)).toEqual(expected);
    await client.query(gql(DOCUMENT), VARIABLES).toPromise();
    expect(seen).toEqual([
      { method: 'GET', status: 200 },
      { method: 'GET', status: 304 },
    ]);
  });

  it('tells an error with its code', async () => {
    const client = new Client({ url: endpoint, exchanges: [fetchExchange], preferGetMethod: false });
    const { error } = await client.query('{ compare(base: "sample", head: "none") { base { name } } }', {}).toPromise();
    expect(error!.graphQLErrors.map(({ extensions }) => extensions.code)).toEqual(['NOT_FOUND']);
  });
});

describe('the served schema', () => {
  const served = async () => {
    const answer = await new GraphQLClient(endpoint).request<IntrospectionQuery>(getIntrospectionQuery());
    return buildClientSchema(answer);
  };
  const breaking = async (before: GraphQLSchema, after: GraphQLSchema) =>
    (await diff(before, after))
      .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
      .map(({ message }) => message);

  it('breaks nothing for clients of the committed one', async () => {
    const text = await readFile(new URL('../../graphql/schema.graphql', import.meta.url), 'utf8');
    expect(await breaking(buildSchema(text), await served())).toEqual([]);
    const narrower = buildSchema(text.replace('layers: [Layer!]!', ''));
    expect(await breaking(await served(), narrower)).toContain("Field 'layers' was removed from object type 'Model'");
  });

  it.skipIf(!existsSync(SHARED))('only adds to the one that was agreed on', async () => {
    const agreed = buildSchema(await readFile(SHARED, 'utf8'));
    const changes = await diff(agreed, await served());
    expect(await breaking(agreed, await served())).toEqual([]);
    expect(changes.filter(({ type }) => /REMOVED/.test(type) && !/DESCRIPTION/.test(type))).toEqual([]);
    expect(changes.some(({ type }) => type === 'FIELD_ADDED')).toBe(true);
  });
});

/** urql asks for the type's name of every object. */
function withoutTypeNames(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, entry: unknown) => (key === '__typename' ? undefined : entry)));
}
