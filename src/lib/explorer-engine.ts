// What answers on the explorer's page: the same resolvers as everywhere, over the JSON that was published beside the page.
// Loaded when the first question is asked. Only files that a question touches are fetched, and each of them once.
import './without-eval.ts';
import { parse } from 'graphql';
import { flatten, toCsv } from '../../graphql/flat.ts';
import type { FlatAnswer } from '../../graphql/flat.ts';
import { query, schema } from '../../graphql/query.ts';
import { readReports } from '../../reports/reader.ts';
import { urlSource } from '../../reports/url-source.ts';

export interface Answer {
  readonly json: string;
  /** Errors in words, with where in the document they are. */
  readonly errors: readonly { readonly message: string; readonly at: number | null }[];
  /** The same as a table, or why there is none. */
  readonly table: FlatAnswer | string;
  /** What had to be fetched for it. */
  readonly fetched: readonly { readonly path: string; readonly bytes: number }[];
}

export interface Engine {
  ask(document: string, variables: Record<string, unknown>): Promise<Answer>;
  /** A layer and a sample of a report to begin with. */
  example(report: string): Promise<{ layer?: string; sample?: string }>;
}

export { toCsv };

const EXAMPLE = `query Example($id: ID!) { model(id: $id) { layers { name }
  detailed: samples(first: 1, filter: { detailed: true }) { nodes { name } } samples(first: 1) { nodes { name } } } }`;

/** Answers over the reports below an address; `ids` are those that were published there. */
export function startEngine(base: string, ids: readonly string[]): Engine {
  let fetched: { path: string; bytes: number }[] = [];
  const source = urlSource(new URL(base, location.href).href, {
    // What is published does not change under the page; files of another publication do not fit its hashes, and say so.
    maxAgeSeconds: Infinity,
    async fetch(url, init) {
      // Without a connection what the browser still has is as good: every file is checked against the report's hashes.
      const kept = () => globalThis.fetch(url, { ...init, cache: 'force-cache' });
      const response = await globalThis.fetch(url, { ...init, cache: 'no-cache' }).catch(kept);
      const body = await response.arrayBuffer();
      fetched.push({ path: url.slice(url.indexOf('/reports/') + 1), bytes: body.byteLength });
      const { status, headers } = response;
      return new Response(status === 304 || status === 204 ? null : body, { status, headers });
    },
  });
  const store = readReports({ ...source, list: () => Promise.resolve([...ids]) });

  return {
    async ask(document, variables) {
      fetched = [];
      const { data, errors = [] } = await query(store, document, variables);
      return {
        json: JSON.stringify({ data, ...(errors.length > 0 ? { errors } : {}) }, null, 2),
        errors: errors.map(({ message, positions, locations }) => {
          const [place] = locations ?? [];
          return {
            message: place ? `${message} (line ${place.line}, column ${place.column})` : message,
            at: positions?.[0] ?? null,
          };
        }),
        table: data ? flatten(schema, parse(document), null, data) : 'There is no answer.',
        fetched,
      };
    },
    async example(report) {
      const { data } = await query(store, EXAMPLE, { id: report });
      const model = data?.model;
      return {
        layer: model?.layers[0]?.name,
        sample: model?.detailed.nodes[0]?.name ?? model?.samples.nodes[0]?.name,
      };
    },
  };
}
