// Samples of a report by what they can be filtered and ordered by. Every order is sorted once for as long as the report is
// open, and split once by each value that a filter names; a page is then a slice, or a walk through the smallest part.
import type { StoredSampleHead } from '../reports/format.ts';
import type { StoredReport } from '../reports/reader.ts';

export interface SampleFilter {
  readonly correct?: boolean | null;
  readonly label?: string | null;
  readonly prediction?: string | null;
  readonly decisionLayerAtLeast?: number | null;
  readonly detailed?: boolean | null;
}

export type SampleOrder = 'INPUT' | 'CONFIDENCE' | 'UNCERTAINTY' | 'DECISION_LAYER';

type Samples = readonly StoredSampleHead[];

/** What comes first has the largest rank; null comes last. */
const RANKS: Readonly<Record<Exclude<SampleOrder, 'INPUT'>, (sample: StoredSampleHead) => number | null>> = {
  CONFIDENCE: ({ confidence }) => (confidence === null ? null : -confidence),
  UNCERTAINTY: ({ meanVariation }) => meanVariation,
  DECISION_LAYER: ({ decisionLayer }) => decisionLayer,
};

/** Fields that a filter compares for equality. */
const KEYS = ['correct', 'label', 'prediction', 'detailed'] as const;

interface OrderedSamples {
  readonly all: Samples;
  /** By field and value, in the same order. */
  readonly parts: Readonly<Record<(typeof KEYS)[number], ReadonlyMap<unknown, Samples>>>;
  /** Answers to the latest filters. */
  readonly found: Map<string, Samples>;
}

const KEPT_FILTERS = 32;
const NONE: Samples = [];

// A report that is replaced is another object: what was made from the old one goes with it.
const indexes = new WeakMap<StoredReport, Map<SampleOrder, OrderedSamples>>();

/** The samples that match, in the order; a null in a filter asks for nothing. The same array for the same question. */
export function findSamples(stored: StoredReport, filter: SampleFilter, order: SampleOrder): Samples {
  const { all, parts, found } = orderedSamples(stored, order);
  const asked = KEYS.filter((key) => filter[key] != null);
  const least = filter.decisionLayerAtLeast ?? null;
  const candidates = asked.map((key) => parts[key].get(filter[key]) ?? NONE);
  const smallest = candidates.reduce((best, part) => (part.length < best.length ? part : best), all);
  if (least === null && asked.length <= 1) return smallest;

  const key = JSON.stringify([...KEYS.map((one) => filter[one] ?? null), least]);
  const known = found.get(key);
  if (known) return known;
  const matching = smallest.filter(
    (sample) =>
      asked.every((one) => sample[one] === filter[one]) && (least === null || (sample.decisionLayer ?? 0) >= least),
  );
  found.set(key, matching);
  if (found.size > KEPT_FILTERS) found.delete(found.keys().next().value!);
  return matching;
}

function orderedSamples(stored: StoredReport, order: SampleOrder): OrderedSamples {
  const orders = indexes.get(stored) ?? new Map<SampleOrder, OrderedSamples>();
  indexes.set(stored, orders);
  const known = orders.get(order);
  if (known) return known;
  const all = order === 'INPUT' ? stored.samples : ranked(stored.samples, RANKS[order]);
  const parts = Object.fromEntries(KEYS.map((key) => [key, Map.groupBy(all, (sample): unknown => sample[key])]));
  const made = { all, parts: parts as unknown as OrderedSamples['parts'], found: new Map<string, Samples>() };
  orders.set(order, made);
  return made;
}

function ranked(samples: Samples, rank: (sample: StoredSampleHead) => number | null): Samples {
  return samples.toSorted((a, b) => (rank(b) ?? -Infinity) - (rank(a) ?? -Infinity) || a.index - b.index);
}
