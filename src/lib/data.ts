// What the pages know, asked of GraphQL in process: each document once per build, whatever the number of pages that use it.
// The types are those of the stored report; what a document does not ask for is not there.
import { data } from '../../graphql/query.ts';
import { openStore } from '../../reports/store.ts';
import type {
  StoredLayer,
  StoredLayerHead,
  StoredModel,
  StoredSample,
  StoredSampleHead,
} from '../../reports/format.ts';
import { HARD_SAMPLES, LAYER, MODEL, MODEL_IDS, SAMPLE, SAMPLES } from './documents.ts';
import { reportsFolder } from './folders.ts';
import { shortNames } from './short-names.ts';

/** What a thing is asked for by, and its title; everywhere else pages draw its name, cut where it is long. */
interface Named {
  readonly wholeName: string;
}
/** A line per layer, with the summary of its weights. */
export type LayerFacts = StoredLayerHead & Pick<StoredLayer, 'weightDirections'> & Named;
/** All that pages share about one model. */
export type ModelFacts = StoredModel & {
  readonly report: string;
  readonly digest: string;
  readonly layers: readonly LayerFacts[];
};
/** A line per sample. */
export type SampleHead = StoredSampleHead & Named;
/** What a report says, with the lines of the samples that it mentions in place of their names. */
type WithSamples<T> = T extends readonly (infer E)[]
  ? readonly WithSamples<E>[]
  : T extends { readonly index: number; readonly name: string }
    ? StoredSampleHead
    : T extends object
      ? { readonly [K in keyof T]: WithSamples<T[K]> }
      : T;
/** One layer with the answers of every method. */
export type LayerAnswers = Omit<StoredLayer, 'weightDirections' | 'classHierarchy'> &
  WithSamples<Pick<StoredLayer, 'weightDirections' | 'classHierarchy'>>;
/** One sample with the answers of every method. */
export type SampleAnswers = Omit<StoredSample, 'similarityOverlays'> &
  WithSamples<Pick<StoredSample, 'similarityOverlays'>>;

interface Page<T> {
  readonly nodes: readonly T[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

const store = openStore(reportsFolder());

/** Runs a document over the reports folder, long names cut; any error in it is an error of the build. */
async function ask<T>(document: string, variables: Record<string, unknown> = {}): Promise<T> {
  return shortNames(await data<T>(store, document, variables));
}

/** Layers or samples that keep their names whole beside the short ones. */
function named<T extends { readonly name: string }>(things: readonly T[]): (T & Named)[] {
  return things.map((thing) => ({ ...thing, wholeName: thing.name }));
}

async function allPages<T>(pageAfter: (after: string | null) => Promise<Page<T>>): Promise<T[]> {
  const nodes: T[] = [];
  for (let after: string | null = null; ;) {
    const page: Page<T> = await pageAfter(after);
    nodes.push(...page.nodes);
    if (!page.pageInfo.hasNextPage) return nodes;
    after = page.pageInfo.endCursor;
  }
}

const kept = new Map<string, Promise<unknown>>();
function once<T>(key: string, make: () => Promise<T>): Promise<T> {
  // A dev server shows reports as they are now; a build asks once.
  if (import.meta.env.DEV) return make();
  const known = kept.get(key);
  if (known) return known as Promise<T>;
  const made = make();
  kept.set(key, made);
  return made;
}

/** Every model that has a report, by report id. */
export function allModels(): Promise<ModelFacts[]> {
  return once('models', async () => {
    const reports = await allPages((after) =>
      ask<{ models: Page<{ report: string }> }>(MODEL_IDS, { after }).then(({ models }) => models),
    );
    return Promise.all(
      reports.map(async ({ report }) => {
        const { model } = await data<{ model: ModelFacts }>(store, MODEL, { id: report });
        return shortNames({ ...model, layers: named(model.layers) });
      }),
    );
  });
}

/** Every sample of a report, in the order of the input. */
export function samplesOf(report: string): Promise<SampleHead[]> {
  return once(`samples of ${report}`, async () => {
    const samples = await allPages((after) =>
      data<{ model: { samples: Page<StoredSampleHead> } }>(store, SAMPLES, { id: report, after }).then(
        ({ model }) => model.samples,
      ),
    );
    return shortNames(named(samples));
  });
}

/** A sample with its decision trace. */
export type DecidedSample = StoredSampleHead & Pick<StoredSample, 'decisionTrace'>;

/** The samples that were hardest to decide: up to a hundred wrong ones, then up to a hundred others, each the most uncertain first. */
export async function hardestSamples(report: string): Promise<{ samples: DecidedSample[]; total: number }> {
  const chosen = async (filter: object | null) => {
    const found = await ask<{ model: { samples: { nodes: DecidedSample[]; totalCount: number } } }>(HARD_SAMPLES, {
      id: report,
      first: 100,
      filter,
    });
    return found.model.samples;
  };
  const [wrong, all] = await Promise.all([chosen({ correct: false }), chosen(null)]);
  const rest = all.nodes.filter(({ correct }) => correct !== false);
  // So many rows keep the page within its budget.
  return { samples: [...wrong.nodes, ...rest].slice(0, 60), total: all.totalCount };
}

/** One layer, by its whole name, with the answers of every method. */
export async function layerAnswers(report: string, layer: string): Promise<LayerAnswers> {
  const { model } = await ask<{ model: { layer: LayerAnswers } }>(LAYER, { id: report, layer });
  return model.layer;
}

let latest: { readonly key: string; readonly answers: Promise<SampleAnswers> } | null = null;

/** One sample, by its whole name, with the answers of every method; the latest is kept, because its pages are built one after the other. */
export function sampleAnswers(report: string, sample: string): Promise<SampleAnswers> {
  const key = `${report}/${sample}`;
  if (latest?.key !== key || import.meta.env.DEV) {
    const asked = ask<{ model: { sample: SampleAnswers } }>(SAMPLE, { id: report, sample });
    latest = { key, answers: asked.then(({ model }) => model.sample) };
  }
  return latest.answers;
}

/** Why a method says nothing about a layer, a sample or the model, in words. */
export function reasonFor(
  model: ModelFacts,
  method: string,
  { layer, sample }: { layer?: string; sample?: string } = {},
): string {
  const status = model.methods.find((one) => one.method === method);
  if (!status) return 'The method was not run.';
  const skipped = layer === undefined ? undefined : status.layersSkipped.find((one) => one.layer === layer);
  const failed = status.failures.find((one) => one.unit === (layer ?? sample));
  const reason = skipped?.reason ?? failed?.reason ?? status.reason;
  if (reason) return reason;
  if (status.outcome !== 'ANSWERED') return 'No reason was given.';
  return layer === undefined && sample === undefined
    ? 'Nothing about the model as a whole; see the pages of its layers and samples.'
    : 'The method has nothing to say here.';
}
