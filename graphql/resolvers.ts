// What GraphQL adds to the JSON of a report: ids, pages, filters, and the way from one object to another. Every other
// field is the JSON's own, read by name; a layer's or sample's file is opened only when a field of it is asked for.
import type { GraphQLFieldResolver } from 'graphql';
import { compareReports } from '../reports/compare.ts';
import type { ReportComparison } from '../reports/compare.ts';
import { ReportError } from '../reports/errors.ts';
import { eachMention, FORMAT_VERSION, layerBodyFields, sampleBodyFields } from '../reports/format.ts';
import type { StoredLayer, StoredLayerHead, StoredSample, StoredSampleHead } from '../reports/format.ts';
import { checkReportId } from '../reports/reader.ts';
import type { Store, StoredReport } from '../reports/reader.ts';
import { cursor, globalId, readCursor, readGlobalId } from './global-id.ts';
import { LIMITS, pageSize, refusal } from './limits.ts';
import { findSamples } from './sample-index.ts';
import type { SampleFilter, SampleOrder } from './sample-index.ts';
import packageJson from '../package.json' with { type: 'json' };

export interface Context {
  readonly store: Store;
  /** Told how many entries each list of the answer has; refuses when they are too many. Absent where nothing is limited. */
  readonly entries?: (count: number) => void;
  /** Told of a report that is missing in a list because it cannot be read. */
  readonly leaveOut: (error: ReportError) => void;
}

type Resolver = GraphQLFieldResolver<any, Context>;

const modelOf = (stored: StoredReport) => ({
  __typename: 'Model',
  id: globalId({ type: 'Model', report: stored.id }),
  report: stored.id,
  digest: stored.digest,
  formatVersion: stored.formatVersion,
  ...stored.model,
  stored,
});

const layerOf = (stored: StoredReport, head: StoredLayerHead) => ({
  __typename: 'Layer',
  ...head,
  stored,
  // Only where it is asked for: a page has a hundred.
  get id() {
    return globalId({ type: 'Layer', report: stored.id, name: head.name });
  },
});

const sampleOf = (stored: StoredReport, head: StoredSampleHead) => ({
  __typename: 'Sample',
  ...head,
  stored,
  // Only where it is asked for: a page has a hundred.
  get id() {
    return globalId({ type: 'Sample', report: stored.id, name: head.name });
  },
});

type ModelSource = ReturnType<typeof modelOf>;
type LayerSource = ReturnType<typeof layerOf>;
type SampleSource = ReturnType<typeof sampleOf>;

/** A report by its id or its global id. */
async function findReport(store: Store, id: string): Promise<StoredReport | null> {
  const key = readGlobalId(id);
  return store.find(key?.type === 'Model' ? key.report : checkReportId(id));
}

async function needReport(store: Store, id: string): Promise<StoredReport> {
  const key = readGlobalId(id);
  return store.report(key?.type === 'Model' ? key.report : checkReportId(id));
}

async function nodeOf(store: Store, id: string) {
  const key = readGlobalId(id);
  if (!key) throw refusal('BAD_USER_INPUT', `${JSON.stringify(id.slice(0, 80))} is not a global id`, 200);
  const stored = await store.find(key.report);
  if (!stored) return null;
  if (key.type === 'Model') return modelOf(stored);
  if (key.type === 'Layer') return orNull(stored.layerNamed(key.name), (head) => layerOf(stored, head));
  return orNull(stored.sampleNamed(key.name), (head) => sampleOf(stored, head));
}

/** The latest comparison of a report with another one: its pages are asked for one after the other. */
const comparisons = new WeakMap<StoredReport, { head: StoredReport; result: Promise<ReportComparison> }>();

function comparison(base: StoredReport, head: StoredReport): Promise<ReportComparison> {
  const known = comparisons.get(base);
  if (known?.head === head) return known.result;
  const result = compareReports(base, head);
  comparisons.set(base, { head, result });
  result.catch(() => comparisons.delete(base));
  return result;
}

interface Page {
  readonly first?: number | null;
  readonly after?: string | null;
}

/** One page of a list that ascends by a key, which is what its cursors are made of. */
function pageOf<T, R>(
  entries: readonly T[],
  { first, after }: Page,
  defaultSize: number,
  keyOf: (entry: T, position: number) => string | number,
  nodeOf: (entry: T) => R,
) {
  const size = pageSize(first ?? defaultSize);
  const start = after == null ? 0 : firstAfter(entries, readCursor(after), keyOf);
  const page = entries.slice(start, start + size);
  const endCursor = page.length > 0 ? cursor(keyOf(page.at(-1)!, start + page.length - 1)) : null;
  return {
    nodes: page.map(nodeOf),
    pageInfo: { hasNextPage: start + size < entries.length, endCursor },
    totalCount: entries.length,
  };
}

/** Where the entries with a larger key begin: they ascend by it. */
function firstAfter<T>(
  entries: readonly T[],
  key: string,
  keyOf: (entry: T, position: number) => string | number,
): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const own = keyOf(entries[middle]!, middle);
    if (typeof own === 'number' ? own > Number(key) : own > key) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Which report a mention of a sample (`{ index, name }` in the JSON) belongs to. */
const mentionedIn = new WeakMap<object, StoredReport>();

/** Values that were searched for mentions: what is kept in memory is searched once. */
const searched = new WeakSet<object>();

function rememberMentions(value: unknown, stored: StoredReport): void {
  if (typeof value !== 'object' || value === null || searched.has(value)) return;
  searched.add(value);
  eachMention(value, (mention) => mentionedIn.set(mention, stored));
}

function mentionedSample(mention: { index: number }): SampleSource {
  const stored = mentionedIn.get(mention)!;
  return sampleOf(stored, stored.samples[mention.index]!);
}

async function fieldOfLayer({ stored, index }: LayerSource, field: keyof StoredLayer) {
  const value = (await stored.layer(index))[field];
  rememberMentions(value, stored);
  return value;
}

function fieldOfSample<F extends keyof StoredSample>({ stored, index }: SampleSource, field: F) {
  const valueOf = (sample: StoredSample) => {
    rememberMentions(sample[field], stored);
    return sample[field];
  };
  const atHand = stored.sampleAtHand(index);
  return atHand ? valueOf(atHand) : stored.sample(index).then(valueOf);
}

function fieldsOf<F extends string>(fields: readonly F[], read: (source: any, field: F) => unknown) {
  return Object.fromEntries(fields.map((field) => [field, (source: any) => read(source, field)]));
}

function orNull<T, R>(value: T | undefined, map: (value: T) => R): R | null {
  return value === undefined ? null : map(value);
}

/** By type and field; what is missing here is the property of that name, cut to `first` where the field has one. */
export const resolvers: Readonly<Record<string, Readonly<Record<string, Resolver>>>> = {
  Query: {
    models: async (_, page: Page, { store }) => {
      const ids = await store.list();
      return pageOf(
        ids,
        page,
        20,
        (id) => id,
        (id) => id,
      );
    },
    model: async (_, { id }: { id: string }, { store }) => {
      const stored = await findReport(store, id);
      return stored && modelOf(stored);
    },
    node: (_, { id }: { id: string }, { store }) => nodeOf(store, id),
    compare: async (_, { base, head }: { base: string; head: string }, { store }) => {
      const [before, after] = await Promise.all([needReport(store, base), needReport(store, head)]);
      return { base: modelOf(before), head: modelOf(after), ...(await comparison(before, after)) };
    },
    service: () => ({
      version: packageJson.version,
      schemaVersion: String(FORMAT_VERSION),
      maxDepth: LIMITS.depth,
      maxCost: LIMITS.cost,
      maxTokens: LIMITS.tokens,
      maxPageSize: LIMITS.pageSize,
      maxBodyBytes: LIMITS.bodyBytes,
      maxSeconds: LIMITS.seconds,
    }),
  },

  ModelConnection: {
    nodes: async ({ nodes }: { nodes: readonly string[] }, _, { store, leaveOut }) => {
      const found = await Promise.all(
        nodes.map((id) =>
          store.report(id).then(modelOf, (error: unknown) => {
            if (error instanceof ReportError) return error;
            throw error;
          }),
        ),
      );
      // One report that cannot be read does not take the others with it.
      for (const one of found) if (one instanceof ReportError) leaveOut(one);
      return found.filter((one) => !(one instanceof ReportError));
    },
  },

  Model: {
    run: ({ stored }: ModelSource) => stored.run(),
    layers: ({ stored }: ModelSource) => stored.layers.map((head) => layerOf(stored, head)),
    layer: ({ stored }: ModelSource, { name }: { name: string }) =>
      orNull(stored.layerNamed(name), (head) => layerOf(stored, head)),
    samples: (
      { stored }: ModelSource,
      { filter, orderBy, ...page }: Page & { filter?: SampleFilter | null; orderBy?: SampleOrder | null },
    ) => {
      const order = orderBy ?? 'INPUT';
      return pageOf(
        findSamples(stored, filter ?? {}, order),
        page,
        20,
        ({ index }, position) => (order === 'INPUT' ? index : position),
        (head) => sampleOf(stored, head),
      );
    },
    sample: ({ stored }: ModelSource, { name }: { name: string }) =>
      orNull(stored.sampleNamed(name), (head) => sampleOf(stored, head)),
  },

  Layer: {
    ...fieldsOf(layerBodyFields, fieldOfLayer),
    skippedBy: ({ stored, name }: LayerSource) =>
      stored.model.methods.flatMap(({ method, layersSkipped }) =>
        layersSkipped.filter(({ layer }) => layer === name).map(({ reason }) => ({ method, reason })),
      ),
  },

  Sample: {
    ...fieldsOf(sampleBodyFields, fieldOfSample),
    inputPatterns: async (source: SampleSource, { layer, part }: { layer?: string | null; part?: string | null }) => {
      const all = await fieldOfSample(source, 'inputPatterns');
      return all.filter((p) => (layer == null || p.layer === layer) && (part == null || p.part === part));
    },
    outputContributions: async (
      source: SampleSource,
      { split, output }: { split?: string | null; output?: string | null },
    ) => {
      const all = await fieldOfSample(source, 'outputContributions');
      return all.filter((c) => (split == null || c.split === split) && (output == null || c.output === output));
    },
  },

  SignalExemplar: { sample: ({ sample }) => mentionedSample(sample) },
  ConvolutionSteps: { sample: ({ sample }) => mentionedSample(sample) },
  VariantGroup: { sample: ({ sample }) => sample && mentionedSample(sample) },
  SimilarityOverlay: { other: ({ other }) => mentionedSample(other) },

  InputPatterns: {
    narrow: (
      { narrow }: { narrow: readonly { neuron: string }[] },
      { neuron, first }: { neuron?: string | null; first?: number | null },
    ) => {
      const size = pageSize(first ?? 8);
      const taken = new Map<string, number>();
      return narrow.filter((pattern) => {
        const before = taken.get(pattern.neuron) ?? 0;
        taken.set(pattern.neuron, before + 1);
        return before < size && (neuron == null || pattern.neuron === neuron);
      });
    },
    contribution: (
      { contributions }: { contributions: readonly { neuron: string; image: unknown }[] },
      { neuron }: { neuron?: string | null },
    ) => contributions.find((c) => neuron == null || c.neuron === neuron)?.image ?? null,
  },

  OutputContributions: {
    components: (
      { components }: { components: readonly { index: number; contribution: number }[] },
      { first, orderBy }: { first?: number | null; orderBy?: 'CONTRIBUTION' | 'SINGULAR_VALUE' | null },
    ) => {
      const size = pageSize(first ?? 20);
      const weight = (c: { contribution: number }) => Math.abs(c.contribution);
      const ordered =
        orderBy === 'SINGULAR_VALUE'
          ? components.toSorted((a, b) => a.index - b.index)
          : components.toSorted((a, b) => weight(b) - weight(a) || a.index - b.index);
      return ordered.slice(0, size);
    },
  },

  Comparison: {
    differences: (
      { differences }: ReportComparison,
      { includeUnchanged, ...page }: Page & { includeUnchanged?: boolean | null },
    ) => {
      const listed = includeUnchanged ? differences : differences.filter(({ change }) => change !== 'UNCHANGED');
      return pageOf(
        listed,
        page,
        50,
        (_, position) => position,
        (difference) => difference,
      );
    },
  },
};
