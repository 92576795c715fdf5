// Do the pictures depend on what the network has learnt? (SLP; methods.md, section 2; Adebayo et al. 2018) Spearman's rank
// correlation of each picture between the network and the same one with weights drawn anew, from the top layer down and
// everywhere, and a second model where one is given.
import type { SanityScore } from '../../reports/format.ts';
import { sizeOf, type Tensor } from '../kernels/kernels.ts';
import type { Layer } from '../network/layers.ts';
import { nodeOf, type Network } from '../network/network.ts';
import { redrawn } from './redrawn-weights.ts';
import { opOf } from '../ops/index.ts';
import type { Study } from '../study.ts';
import { explainedOf, leadingOutputs } from './attributions.ts';
import {
  applicableTo,
  COMPARISON_METHODS,
  PICTURE_SETTINGS,
  pictureOf,
  type PictureOf,
} from './comparison-pictures.ts';
import { explained as explainedNetwork, type ExplainedNetwork } from './explained-network.ts';
import { planRows } from './jacobian-rows.ts';
import type { Method } from './method.ts';
import { componentGram, inputComponents, singularPatterns } from './singular-patterns.ts';
import { spearman } from './spearman.ts';
import { oncePerStudy } from './once-per-study.ts';

/** Most layers at which the cascade stops to compare. */
const MOST_STOPS = 8;
/** Multiply-adds that all comparisons may cost (some minutes natively): above it the costly methods are left out, then samples. */
const BUDGET = 2e12;
/** Most outputs whose components make up the pattern that is compared. */
const MOST_OUTPUTS = 64;

interface Variant {
  /** Unique among the variants, and another one for another second model. */
  readonly key: string;
  readonly against: string;
  readonly layer: string | null;
  make(): Network;
}

interface Kind {
  readonly id: string;
  readonly passes: number;
  draw(of: PictureOf): Promise<Float32Array>;
}

export const sanity: Method = {
  id: 'sanity',
  question: 'Do the pictures depend on what the network has learnt?',
  version: 3,
  settings: ['sanitySamples', 'mode', ...PICTURE_SETTINGS],
  units(study) {
    if (study.outputView.kind !== 'vector') return 'the output is a picture, not a score that could be attributed';
    if (study.detailed.length === 0) return 'no sample was chosen to be looked at in detail (--detail)';
    const units = variantsOf(study).map(({ key }) => ({ key }));
    return units.length > 0 ? units : 'no layer has weights that could be drawn anew';
  },
  remark(study) {
    const { left, samples } = choose(study);
    const fewer =
      samples < Math.min(study.settings.sanitySamples, study.detailed.length) ? [`only ${samples} samples`] : [];
    const reasons = [...(left.length > 0 ? [`without ${left.join(' and ')}`] : []), ...fewer];
    return reasons.length > 0 ? `Kept within its budget: ${reasons.join(', ')}.` : null;
  },
  async answer(study, { key }) {
    const variant = variantsOf(study).find((one) => one.key === key)!;
    const { kinds } = choose(study);
    const own = await originalsOf(study);
    const explained = explainedNetwork(variant.make(), study);
    const scores: SanityScore[] = [];
    try {
      for (const kind of kinds.filter(({ id }) => appliesTo(id, explained))) {
        const pictures = await picturesOf(study, explained, kind);
        const correlations = pictures.flatMap((picture, i) => spearman(own.get(kind.id)![i]!, picture) ?? []);
        if (correlations.length === 0) continue;
        scores.push({
          picture: kind.id,
          against: variant.against,
          layer: variant.layer,
          ...momentsOf(correlations),
          samples: correlations.length,
        });
      }
    } finally {
      explained.dispose();
    }
    return [{ on: 'model', fields: { sanity: scores } }];
  },
};

interface Subject {
  readonly sample: number;
  readonly x: Tensor;
  /** The output that is explained: what the network says itself. */
  readonly output: number;
}

const subjectsOf = oncePerStudy(findSubjects);

/** Of the samples looked at in detail as many as the budget allows, spread evenly. */
async function findSubjects(study: Study): Promise<Subject[]> {
  const { samples: count } = choose(study);
  const found: Subject[] = [];
  for (let i = 0; i < count; i++) {
    const sample = study.detailed[Math.floor((i * study.detailed.length) / count)]!;
    const x = await study.inputs(sample, sample + 1);
    const [values] = await explainedOf(study).valuesAt([study.network.output], x);
    found.push({ sample, x, output: leadingOutputs(values!.data, 1)[0]! });
  }
  return found;
}

async function picturesOf(study: Study, explained: ExplainedNetwork, kind: Kind): Promise<Float32Array[]> {
  const pictures: Float32Array[] = [];
  for (const subject of await subjectsOf(study)) {
    study.checkpoint();
    pictures.push(await kind.draw(pictureOf(study, explained, subject)));
  }
  return pictures;
}

/** The pictures of the network as it was trained, by kind; drawn once a study. */
const originalsOf = oncePerStudy(drawOriginals);

async function drawOriginals(study: Study): Promise<Map<string, Float32Array[]>> {
  const drawn = new Map<string, Float32Array[]>();
  for (const kind of choose(study).kinds) drawn.set(kind.id, await picturesOf(study, explainedOf(study), kind));
  return drawn;
}

function momentsOf(values: readonly number[]): { spearmanMean: number; spearmanSd: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return { spearmanMean: mean, spearmanSd: Math.sqrt(variance) };
}

const appliesTo = (id: string, explained: ExplainedNetwork): boolean =>
  !COMPARISON_METHODS.some((method) => method.id === id) ||
  applicableTo(explained).methods.some((method) => method.id === id);

/** Weights redrawn from the top layer down to each stop, then all of them; then the second model. */
function variantsOf(study: Study): Variant[] {
  const { network, layers, against } = study;
  const withWeights = layers.filter((layer) => layer.parameterCount > 0);
  const stops = withWeights.slice(1).toReversed();
  const chosen = new Set(
    Array.from(
      { length: Math.min(MOST_STOPS, stops.length) },
      (_, i, n = Math.min(MOST_STOPS, stops.length)) => stops[Math.floor(((i + 1) * stops.length) / n) - 1]!,
    ),
  );
  const from = (lowest: Layer): readonly Layer[] => withWeights.slice(withWeights.indexOf(lowest));
  // One stream: each stop keeps the draws of those above it, for the layers are redrawn from the top.
  const redraw = (some: readonly Layer[]): Network =>
    some
      .toReversed()
      .reduce((made, layer) => redrawn(made, [layer], study.random(`weights of ${layer.name}`)), network);
  const cascade = stops
    .filter((layer) => chosen.has(layer))
    .map((layer): Variant => ({
      key: `down to ${layer.name}`,
      against: REDRAWN,
      layer: layer.name,
      make: () => redraw(from(layer)),
    }));
  const all: Variant = { key: 'all', against: REDRAWN, layer: null, make: () => redraw(withWeights) };
  const second: Variant[] = against
    ? [
        {
          key: `against ${against.sha256}`,
          against: `the second model (${against.name}, ${against.sha256.slice(0, 8)})`,
          layer: null,
          make: () => against,
        },
      ]
    : [];
  return [...(withWeights.length > 0 ? [...cascade, all] : []), ...second];
}

const REDRAWN = 'weights drawn anew';

/** Which pictures are compared, and at how many samples, within the budget. */
function choose(study: Study): { kinds: Kind[]; left: string[]; samples: number } {
  const { settings, network } = study;
  const own = explainedOf(study);
  const kinds: Kind[] = [
    { id: 'input-component', passes: 2, draw: (of) => componentPicture(of, study) },
    {
      id: 'input-pattern',
      passes: 2 * Math.min(MOST_OUTPUTS, sizeOf(nodeOf(network, network.output).shape)),
      draw: (of) => patternPicture(of, study),
    },
    ...applicableTo(own).methods.map((method) => ({
      id: method.id,
      passes: method.passes(settings),
      draw: method.turnsWithOutput ? unturned(method.draw) : method.draw,
    })),
  ];
  // A second model counts whether there is one or not: what is kept of the other comparisons does not depend on it.
  const variants = variantsOf({ ...study, against: null }).length + 2;
  const pass = costOfPass(network);
  const costOf = (some: readonly Kind[]): number => variants * pass * some.reduce((sum, { passes }) => sum + passes, 0);
  const wanted = Math.min(settings.sanitySamples, study.detailed.length);
  const left: string[] = [];
  let chosen = kinds;
  for (const id of ['lime', 'occlusion', 'integrated-gradients', 'smoothgrad']) {
    if (costOf(chosen) * wanted <= BUDGET || !chosen.some((kind) => kind.id === id)) continue;
    chosen = chosen.filter((kind) => kind.id !== id);
    left.push(id);
  }
  return { kinds: chosen, left, samples: Math.max(1, Math.min(wanted, Math.floor(BUDGET / costOf(chosen)))) };
}

function costOfPass(network: Network): number {
  const nodes = new Map(network.nodes.map((node) => [node.id, node]));
  return network.nodes.reduce((sum, node) => {
    const seen = { ...node, inputShapes: node.inputs.map((id) => nodes.get(id)!.shape) };
    return node.op === 'input' || node.op === 'constant'
      ? sum
      : sum + (opOf(node.op).multiplyAdds?.(seen) ?? sizeOf(node.shape));
  }, 0);
}

/** The picture without the sign of the output: two networks that disagree on it may still show the same. */
function unturned(draw: Kind['draw']): Kind['draw'] {
  return async (of) => {
    const [values] = await of.explained.valuesAt([of.explained.network.output], of.x);
    const picture = await draw(of);
    return values!.data[of.output]! < 0 ? picture.map((value) => -value) : picture;
  };
}

/** ν of the explained output. */
async function componentPicture({ explained, x, output }: PictureOf, study: Study): Promise<Float32Array> {
  const map = await explained.mapAt(x, { mode: modeOf(study) });
  const unit = new Float32Array(map.value.length);
  unit[output] = 1;
  const { data } = await map.transpose({ count: 1, size: unit.length, data: unit });
  return inputComponents(data, map.value[output]!);
}

/** The leading pattern, in broad order, of the outputs (of the highest ones where they are many). */
async function patternPicture({ explained, x }: PictureOf, study: Study): Promise<Float32Array> {
  const map = await explained.mapAt(x, { mode: modeOf(study) });
  const neurons = leadingOutputs(map.value, MOST_OUTPUTS).sort((a, b) => a - b);
  const sum = componentGram(sizeOf(map.domain), neurons, map.value);
  await planRows(map.domain, map.codomain, neurons).visit(map, explained.blockSize(MOST_OUTPUTS), (rows) =>
    sum.add(rows),
  );
  const { patterns, count } = singularPatterns(sum, 'ALL', 1, study.settings.gamma);
  return count > 0 ? patterns : new Float32Array(x.data.length);
}

const modeOf = ({ settings }: Study): 'taylor' | 'frozen' => (settings.mode === 'auto' ? 'taylor' : settings.mode);
