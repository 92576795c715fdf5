// What the comparison pages know: which reports are compared, their differences, and the pictures that both have, with the
// difference of the numbers behind them. A direction is compared alone only where its singular value stands alone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { colourOf } from '../../analysis/figures/colour-map.ts';
import { data } from '../../graphql/query.ts';
import { readArrayFile } from '../../reports/array-file.ts';
import { matchLayers, type ReportComparison } from '../../reports/compare.ts';
import type { Difference } from '../../reports/difference.ts';
import type { StoredLayer, StoredSample } from '../../reports/format.ts';
import { openStore } from '../../reports/store.ts';
import { allModels, samplesOf, type ModelFacts } from './data.ts';
import { COMPARISON, LAYER_PICTURES, SAMPLE_PICTURES } from './documents.ts';
import { reportsFolder } from './folders.ts';
import { shortNames } from './short-names.ts';

/** Pairs beyond these get no page: with n reports there are n² of them. */
const MOST_PAIRS = 12;
const MOST_DIFFERENCES = 200;
const MOST_DIRECTIONS = 3;
const MOST_SAMPLES = 4;

export interface ComparedPair {
  /** `base..head`, part of the address. */
  readonly id: string;
  readonly base: ModelFacts;
  readonly head: ModelFacts;
}

export type Picture = NonNullable<StoredSample['image']>;
export interface PicturePair {
  /** Part of the address of the difference map. */
  readonly id: string;
  readonly title: string;
  readonly base: Picture;
  readonly head: Picture;
  /** What the numbers differ by, head − base, and the largest of them; null where only one look at both makes sense. */
  readonly difference: { readonly values: Float32Array; readonly largest: number } | null;
}

/** Reports of one architecture, each with every later one: a layer of the same name and shape, or the same layers in order. */
export async function comparedPairs(): Promise<ComparedPair[]> {
  const models = await allModels();
  const pairs = models.flatMap((base, i) => models.slice(i + 1).map((head) => ({ base, head })));
  return pairs
    .filter(({ base, head }) => {
      const matched = matchLayers(base.layers, head.layers);
      return (
        matched.some(([a, b]) => a.name === b.name && String(a.outputShape) === String(b.outputShape)) ||
        (matched.length === base.layers.length && matched.length === head.layers.length)
      );
    })
    .slice(0, MOST_PAIRS)
    .map(({ base, head }) => ({ id: `${base.report}..${head.report}`, base, head }));
}

export interface Compared extends Pick<ReportComparison, 'identical' | 'findings'> {
  readonly differences: readonly Difference[];
  /** How many there are in all. */
  readonly total: number;
}

const store = openStore(reportsFolder());

interface Answer {
  readonly compare: Pick<ReportComparison, 'identical' | 'findings'> & {
    readonly differences: {
      readonly nodes: readonly Difference[];
      readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
      readonly totalCount: number;
    };
  };
}

/** The differences of a pair, those of the model first. */
export async function comparisonOf({ base, head }: ComparedPair): Promise<Compared> {
  const differences: Difference[] = [];
  for (let after: string | null = null; ;) {
    const variables: Record<string, unknown> = { base: base.report, head: head.report, after };
    const { compare }: Answer = shortNames(await data<Answer>(store, COMPARISON, variables));
    const { nodes, pageInfo, totalCount }: Answer['compare']['differences'] = compare.differences;
    differences.push(...nodes);
    if (!pageInfo.hasNextPage || differences.length >= MOST_DIFFERENCES)
      return { ...compare, differences, total: totalCount };
    after = pageInfo.endCursor;
  }
}

/** Pictures that both reports have of the same thing and in the same size. */
export async function picturesOf({ base, head }: ComparedPair): Promise<PicturePair[]> {
  const pairs: PicturePair[] = [];
  const add = (id: string, title: string, a: Picture | null, b: Picture | null): void => {
    const difference = a && b && differenceOf(base.report, a, head.report, b);
    if (difference) pairs.push({ id, title, base: a, head: b, difference });
  };
  // Directions of two networks are no two states of one thing: seen side by side, never subtracted.
  const beside = (id: string, title: string, a?: Picture | null, b?: Picture | null): void => {
    if (a && b) pairs.push({ id, title, base: a, head: b, difference: null });
  };
  const layers = matchLayers(base.layers, head.layers);
  for (const [{ name, wholeName, index }, other] of layers) {
    const [a, b] = [await directionsOf(base.report, wholeName), await directionsOf(head.report, other.wholeName)];
    const alone = a.filter(
      (one) => isAlone(one, a) && b.some((other) => other.index === one.index && isAlone(other, b)),
    );
    for (const one of alone.slice(0, MOST_DIRECTIONS))
      add(`layer-${index}-${one.index}`, `${name}, direction ${one.index}`, one.filter, b[one.index]!.filter);
  }
  const detailed = (await samplesOf(base.report)).filter((sample) => sample.detailed);
  const known = new Set(
    (await samplesOf(head.report)).filter((sample) => sample.detailed).map(({ wholeName }) => wholeName),
  );
  if (base.provenance.samplesSha256 !== head.provenance.samplesSha256) return pairs;
  for (const { name, wholeName, index } of detailed.filter((one) => known.has(one.wholeName)).slice(0, MOST_SAMPLES)) {
    const [a, b] = [await picturesOfSample(base.report, wholeName), await picturesOfSample(head.report, wholeName)];
    const own = a.discussions.find((one) => b.discussions.some((other) => other.class === one.class));
    const other = b.discussions.find((one) => one.class === own?.class);
    if (own && other)
      add(`sample-${index}`, `sample ${name}: what each pixel says for ${own.class}`, own.image, other.image);
    const split = a.contributions.findLast(
      (one) => one.biasImage && partner(one, b.contributions, layers) !== undefined,
    );
    if (!split) continue;
    const same = partner(split, b.contributions, layers)!;
    const titled = (what: string): string => `sample ${name}: ${what}`;
    add(`linear-${index}`, titled('what the input adds to the output, L R x'), split.linearImage, same.linearImage);
    add(`bias-${index}`, titled('what constants add to the output, b'), split.biasImage, same.biasImage);
    const [first, second] = [leading(split), leading(same)];
    const after = `the direction that adds most after ${split.split}`;
    beside(`right-${index}`, titled(after), first?.image, second?.image);
    beside(`part-${index}`, titled(`${after}, by place`), first?.contraction, second?.contraction);
    beside(`left-${index}`, titled(`what ${after} makes of the output`), first?.outputImage, second?.outputImage);
  }
  return pairs;
}

type Direction = Pick<NonNullable<StoredLayer['weightDirections']>['directions'][number], 'index' | 'group' | 'filter'>;

function isAlone({ group }: Direction, all: readonly Direction[]): boolean {
  return all.filter((other) => other.group === group).length === 1;
}

async function directionsOf(report: string, layer: string): Promise<readonly Direction[]> {
  interface Answer {
    readonly model: { readonly layer: { readonly weightDirections: { readonly directions: Direction[] } | null } };
  }
  const { model } = shortNames(await data<Answer>(store, LAYER_PICTURES, { id: report, layer }));
  return model.layer.weightDirections?.directions ?? [];
}

interface Contributions {
  readonly split: string;
  readonly output: string;
  readonly linearImage: Picture | null;
  readonly biasImage: Picture | null;
  readonly components: readonly {
    readonly contribution: number;
    readonly image: Picture | null;
    readonly contraction: Picture | null;
    readonly outputImage: Picture | null;
  }[];
}

interface SamplePictures {
  readonly discussions: readonly { readonly class: string; readonly image: Picture }[];
  readonly contributions: readonly Contributions[];
}

async function picturesOfSample(report: string, sample: string): Promise<SamplePictures> {
  interface Answer {
    readonly model: {
      readonly sample: {
        readonly pixelVotes: { readonly discussions: SamplePictures['discussions'] } | null;
        readonly outputContributions: readonly Contributions[];
      };
    };
  }
  const { model } = shortNames(await data<Answer>(store, SAMPLE_PICTURES, { id: report, sample }));
  return {
    discussions: model.sample.pixelVotes?.discussions ?? [],
    contributions: model.sample.outputContributions,
  };
}

/** The other report's answer for the same output, split after the layer that is matched with this one's. */
function partner(
  { split, output }: Contributions,
  others: readonly Contributions[],
  layers: readonly (readonly [{ readonly name: string }, { readonly name: string }])[],
): Contributions | undefined {
  const name = layers.find(([own]) => own.name === split)?.[1].name;
  return others.find((other) => other.split === name && other.output === output);
}

const leading = ({ components }: Contributions): Contributions['components'][number] | undefined =>
  [...components].sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution))[0];

function differenceOf(
  baseReport: string,
  base: Picture,
  headReport: string,
  head: Picture,
): PicturePair['difference'] | null {
  const [a, b] = [numbersOf(baseReport, base), numbersOf(headReport, head)];
  // A picture of several channels holds more numbers than pixels.
  if (!a || !b || a.length !== b.length || a.length !== base.width * base.height) return null;
  const values = a.map((value, i) => b[i]! - value);
  return { values, largest: values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) };
}

function numbersOf(report: string, { array }: Picture): Float32Array | null {
  if (array === null) return null;
  try {
    return readArrayFile(readFileSync(join(reportsFolder(), report, array)));
  } catch {
    return null;
  }
}

/** A difference as a PNG in the colours of every other map, symmetric about zero. */
export async function differenceMap(
  { width, height }: Picture,
  { values, largest }: NonNullable<PicturePair['difference']>,
): Promise<Uint8Array> {
  const pixels = Uint8Array.from(
    values.length === 0 ? [] : [...values].flatMap((value) => [...colourOf(largest > 0 ? value / largest : 0)]),
  );
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}
