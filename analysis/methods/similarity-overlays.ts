// Where in one sample does a layer see what it saw in another? (SVDW, figure 10) The cosine of the activation at every position
// of one sample with the mean activation of the other, or with the one that stands out most there, drawn over the sample.
import type { SimilarityOverlay } from '../../reports/format.ts';
import type { Layer } from '../network/layers.ts';
import { nodeOf } from '../network/network.ts';
import type { Study } from '../study.ts';
import { channelMeans, classesOf } from './direction-signals.ts';
import { fitsGlob } from './layer-glob.ts';
import type { Method } from './method.ts';
import { oncePerStudy } from './once-per-study.ts';

/** Layers whose overlays are drawn: the first, the middle and the last with a map. */
const MOST_LAYERS = 3;

export const similarityOverlays: Method = {
  id: 'similarity-overlays',
  question: 'Where in this sample does a layer see what it saw in another one?',
  version: 2,
  settings: [],
  units(study) {
    if (overlayLayers(study).length === 0) return 'no layer puts out a picture with several positions';
    if (study.inputView.kind !== 'image') return 'samples are no pictures';
    if (study.detailed.length < 2) return 'fewer than two samples were chosen to be looked at in detail (--detail)';
    return study.detailed.map((sample) => ({ key: String(sample), sample }));
  },
  async answer(study, { sample: index }) {
    const sample = index!;
    const layers = overlayLayers(study);
    const means = await meanActivations(study);
    const values = await study.values(
      layers.map(({ output }) => output),
      sample,
      sample + 1,
    );
    const overlays: SimilarityOverlay[] = [];
    for (const [i, layer] of layers.entries()) {
      const [, , height, width] = nodeOf(study.network, layer.output).shape as [number, number, number, number];
      const seen = means.get(layer.name)!;
      for (const other of comparedWith(study, sample, seen)) {
        const { mean, salient, place } = seen.get(other)!;
        const at = [Math.floor(place / width), place % width];
        for (const [reference, spot] of [
          [mean, null],
          [salient, at],
        ] as const) {
          const what = spot ? `at row ${spot[0]}, column ${spot[1]} of` : 'in';
          overlays.push({
            layer: layer.name,
            other: { index: other, name: study.samples.name(other) },
            at: spot && [...spot],
            image: await study.pictures.draw({
              values: cosines(values[i]!.data, reference),
              height,
              width,
              channels: 1,
              kind: 'map',
              limit: 1,
              alt: `How much ${layer.name} sees in each part of sample ${study.samples.name(sample)} what it sees ${what} sample ${study.samples.name(other)}`,
            }),
          });
        }
      }
    }
    return [{ on: { sample }, fields: { similarityOverlays: overlays } }];
  },
};

function overlayLayers({ network, layers, settings }: Study): Layer[] {
  const spatial = layers.filter(({ name, output }) => {
    const { shape } = nodeOf(network, output);
    return fitsGlob(name, settings.layers) && shape.length === 4 && shape[0] === 1 && shape[2]! > 1 && shape[3]! > 1;
  });
  const last = spatial.length - 1;
  const chosen = new Set([0, Math.floor(last / 2), last].slice(0, MOST_LAYERS));
  return spatial.filter((_, i) => chosen.has(i));
}

/** What a layer sees in a sample: on the mean, and at the place that differs most from it. */
interface Seen {
  readonly mean: Float64Array;
  readonly salient: Float64Array;
  /** Of `salient`, row by row. */
  readonly place: number;
}
type Means = ReadonlyMap<string, ReadonlyMap<number, Seen>>;
/** Mean activation of every detailed sample by layer. */
const meanActivations = oncePerStudy(readMeans);

async function readMeans(study: Study): Promise<Means> {
  const layers = overlayLayers(study);
  const means = new Map(layers.map(({ name }) => [name, new Map<number, Seen>()]));
  for (const sample of study.detailed) {
    study.checkpoint();
    const values = await study.values(
      layers.map(({ output }) => output),
      sample,
      sample + 1,
    );
    for (const [i, { name, output }] of layers.entries())
      means.get(name)!.set(sample, seenIn(values[i]!.data, nodeOf(study.network, output).shape));
  }
  return means;
}

function seenIn(values: Float32Array, shape: readonly number[]): Seen {
  const mean = channelMeans(values, shape, 1);
  const positions = values.length / mean.length;
  let [place, farthest] = [0, -1];
  for (let p = 0; p < positions; p++) {
    let distance = 0;
    for (let c = 0; c < mean.length; c++) distance += (values[c * positions + p]! - mean[c]!) ** 2;
    if (distance > farthest) [place, farthest] = [p, distance];
  }
  return { mean, salient: mean.map((_, c) => values[c * positions + place]!), place };
}

/** The most similar other sample of the same class and of another one; without classes the most similar of all. */
function comparedWith(study: Study, sample: number, seen: ReadonlyMap<number, Seen>): number[] {
  const classes = study.task === 'classification' ? classesOf(study)?.classes : undefined;
  const others = study.detailed
    .filter((other) => other !== sample)
    .map((other) => ({ other, likeness: cosine(seen.get(sample)!.mean, seen.get(other)!.mean) }))
    .sort((a, b) => b.likeness - a.likeness || a.other - b.other);
  const isSame = ({ other }: { other: number }): boolean => !classes || classes[other] === classes[sample];
  return [others.find(isSame), others.find((one) => !isSame(one))].flatMap((one) => (one ? [one.other] : []));
}

/** Cosine of the channels at every position of [1, C, h, w] with a reference of C channels; 0 where either is zero. */
export function cosines(values: Float32Array, reference: Float64Array): Float32Array {
  const channels = reference.length;
  const positions = values.length / channels;
  const result = new Float32Array(positions);
  const norm = Math.hypot(...reference);
  for (let p = 0; p < positions; p++) {
    let [product, square] = [0, 0];
    for (let c = 0; c < channels; c++) {
      const value = values[c * positions + p]!;
      product += value * reference[c]!;
      square += value ** 2;
    }
    result[p] = square > 0 && norm > 0 ? product / (Math.sqrt(square) * norm) : 0;
  }
  return result;
}

function cosine(a: Float64Array, b: Float64Array): number {
  let product = 0;
  for (let i = 0; i < a.length; i++) product += a[i]! * b[i]!;
  const norms = Math.hypot(...a) * Math.hypot(...b);
  return norms > 0 ? product / norms : 0;
}
