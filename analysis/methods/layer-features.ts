// What does each layer look for, and what of the input is that? (ALLT; methods.md, section 1) The stacked SVD of every layer's
// transformations, how well k features stand for the layer, the same features in the space of the input, and the samples
// as the layer arranges them.
import type { EmbeddedSample, LayerFeature, LayerFeatures, Score } from '../../reports/format.ts';
import type { Program } from '../kernels/kernels.ts';
import { nodeOf } from '../network/network.ts';
import type { Study } from '../study.ts';
import { featureRecursion, hopsOf, withoutBias, type FeatureRecursion } from './feature-recursion.ts';
import { transformationsOf, type LayerBlock } from './layer-transformations.ts';
import type { Answer, Method, SkippedLayer } from './method.ts';
import { pearson, pooledScore, type PooledScore } from './pooled-score.ts';
import { sampleClusters, type LayerClusters } from './sample-clusters.ts';
import { stackedLayers, type LayerStack, type SampleClasses } from './stacked-svd.ts';

/** Most classes whose own mean features are drawn: the most frequent ones. */
const MOST_CLASSES = 12;

export const layerFeatures: Method = {
  id: 'layer-features',
  question: 'What does each layer look for, and how much of it do a few features explain?',
  version: 6,
  settings: ['k', 'count', 'tolerance', 'clusters', 'perplexity', 'embedded', 'memory'],
  units(study) {
    if (study.samples.count === 0) return 'there are no samples (--samples)';
    const skipped = skippedLayers(study);
    if (skipped.length === study.layers.length) return `no layer is covered: ${skipped[0]?.reason ?? 'there is none'}`;
    return [{ key: 'all' }];
  },
  skipped: skippedLayers,
  answer: featuresOf,
};

function skippedLayers(study: Study): SkippedLayer[] {
  const { covered, skipped } = transformationsOf(study);
  const untraced = hopsOf(study.network, covered).flatMap((hops, i) =>
    typeof hops === 'string' ? [{ layer: covered[i]!.layer.name, reason: hops }] : [],
  );
  const reasons = new Map([...skipped, ...untraced].map((entry) => [entry.layer, entry]));
  return study.layers.flatMap(({ name }) => reasons.get(name) ?? []);
}

/** What one pass over the samples finds out about a layer. */
export interface LayerScores {
  readonly reconstruction: Score;
  readonly cosine: Score;
  readonly pullback: Score;
  /** With the k leading shared output directions instead: y projected on them. Null where there are none. */
  readonly outputSide: Score | null;
  /** r of every sample; null where its values do not vary. */
  readonly bySample: readonly (number | null)[];
  /** Mean coefficients of the pullback features: over all samples, and over each class. k × width each. */
  readonly mean: Float64Array;
  readonly byClass: readonly Float64Array[];
}

/** Scores and mean features of every covered layer (null where features cannot be traced to the input). One pass; memory does not grow with the samples but for one number each. */
export async function layerScores(
  study: Study,
): Promise<{ readonly scores: readonly (LayerScores | null)[]; readonly basis: Float32Array; readonly width: number }> {
  const { stacks, reader, classes } = await stackedLayers(study);
  const recursion = await featureRecursion(study, stacks);
  const passes: LayerPass[] = [];
  for (const stack of stacks) passes.push(await layerPass(study, stack, recursion, classes));
  const total = study.samples.count;
  const perSample = recursion.perSample + Math.max(0, ...stacks.map(({ transformation: { size } }) => 8 * size));
  const step = reader.blockSize(perSample);
  for (let start = 0; start < total; start += step) {
    const end = Math.min(start + step, total);
    const blocks = await reader.read(start, end);
    const coefficients = await recursion.of(start, end, blocks);
    const seen = basisProducts((await study.inputs(start, end)).data, recursion, end - start);
    for (const [t, pass] of passes.entries())
      if (coefficients[t]) await pass.add(blocks[t]!, coefficients[t], seen, start);
  }
  recursion.dispose();
  const scores = passes.map((pass) => pass.finish());
  return { scores, basis: recursion.basis, width: recursion.width };
}

/** ⟨basis vector, x_i⟩ of every sample of a block: count × width. */
function basisProducts(inputs: Float32Array, { basis, width }: FeatureRecursion, count: number): Float64Array {
  const size = inputs.length / count;
  const products = new Float64Array(count * width);
  for (let i = 0; i < count; i++) {
    for (let b = 0; b < width; b++) {
      let sum = 0;
      for (let j = 0; j < size; j++) sum += basis[b * size + j]! * inputs[i * size + j]!;
      products[i * width + b] = sum;
    }
  }
  return products;
}

interface LayerPass {
  add(
    block: LayerBlock,
    features: { cosine: Float64Array; pullback: Float64Array },
    seen: Float64Array,
    start: number,
  ): Promise<void>;
  finish(): LayerScores | null;
}

async function layerPass(
  study: Study,
  stack: LayerStack,
  { width }: FeatureRecursion,
  classes: SampleClasses | null,
): Promise<LayerPass> {
  const { k, left, vectors, singularValues, outputSide } = stack;
  const { size, inputSize } = stack.transformation;
  const own = withoutBias(stack);
  const project: Program = await study.backend.compile([[inputSize]], (kernels, [h]) => [
    kernels.matMul(h!, kernels.constant({ data: own, shape: [k, inputSize] }), { transposeB: true }),
  ]);
  const expand: Program = await study.backend.compile(
    [
      [3, k],
      [1, size],
    ],
    (kernels, [c, s]) => {
      const b = kernels.constant({ data: left, shape: [1, size, k] });
      return [kernels.binary('mul', kernels.matMul(c!, b, { transposeB: true }), s!)];
    },
  );
  const shared = Math.min(k, outputSide.count);
  const outputs = Float32Array.from(outputSide.vectors.subarray(0, shared * size));
  const sideways: Program | null =
    shared === 0
      ? null
      : await study.backend.compile([[size]], (kernels, [y]) => {
          const u = kernels.constant({ data: outputs, shape: [shared, size] });
          return [kernels.matMul(kernels.matMul(y!, u, { transposeB: true }), u)];
        });
  const pooled: PooledScore[] = [pooledScore(), pooledScore(), pooledScore()];
  const side = pooledScore();
  const bySample: (number | null)[] = [];
  const mean = new Float64Array(k * width);
  const position = new Map(classes?.list.map((c, i) => [c, i]));
  const byClass = (classes?.list ?? []).map(() => new Float64Array(k * width));
  let seenSamples = 0;
  return {
    async add({ count, h, s, y }, { cosine, pullback }, seen, start) {
      const [projected] = await project.run([{ data: h, shape: [count, inputSize] }]);
      const c = new Float32Array(count * 3 * k);
      for (let i = 0; i < count; i++) {
        for (let j = 0; j < k; j++) {
          const sigma = singularValues[j]!;
          let [byCosine, byPullback] = [0, 0];
          for (let b = 0; b < width; b++) {
            const product = seen[i * width + b]!;
            byCosine += cosine[(i * k + j) * width + b]! * product;
            byPullback += pullback[(i * k + j) * width + b]! * product;
          }
          c[i * 3 * k + j] = sigma * (projected!.data[i * k + j]! + vectors[j * (inputSize + 1) + inputSize]!);
          c[(i * 3 + 1) * k + j] = sigma * byCosine;
          c[(i * 3 + 2) * k + j] = sigma * byPullback;
        }
      }
      const [estimates] = await expand.run([
        { data: c, shape: [count, 3, k] },
        { data: s, shape: [count, 1, size] },
      ]);
      for (let i = 0; i < count; i++) {
        for (let e = 0; e < 3; e++) pooled[e]!.add(y, estimates!.data, i * size, (i + 1) * size, (3 * i + e) * size);
        bySample.push(pearson(y, estimates!.data, i * size, (i + 1) * size, 3 * i * size));
        const at = position.get(classes?.of[start + i] ?? -1);
        for (let b = 0; b < k * width; b++) {
          const value = pullback[i * k * width + b]!;
          mean[b]! += value;
          if (at !== undefined) byClass[at]![b]! += value;
        }
      }
      if (sideways) {
        const [projection] = await sideways.run([{ data: y, shape: [count, size] }]);
        side.add(y, projection!.data, 0, count * size, 0);
      }
      seenSamples += count;
    },
    finish() {
      project.dispose();
      expand.dispose();
      sideways?.dispose();
      if (seenSamples === 0) return null;
      const [reconstruction, cosine, pullback] = pooled.map((score) => score.score()) as [Score, Score, Score];
      return {
        reconstruction,
        cosine,
        pullback,
        outputSide: sideways ? side.score() : null,
        bySample,
        mean: mean.map((value) => value / seenSamples),
        byClass: byClass.map((sum, c) => sum.map((value) => value / classes!.counts[c]!)),
      };
    },
  };
}

async function featuresOf(study: Study): Promise<Answer[]> {
  const stacked = await stackedLayers(study);
  const { scores, basis, width } = await layerScores(study);
  const clusters = await sampleClusters(study);
  const answers: Answer[] = [];
  for (const [t, stack] of stacked.stacks.entries()) {
    const score = scores[t];
    if (!score) continue;
    const { name } = stack.transformation.layer;
    const { count, values, vectors, reason } = stack.outputSide;
    const { inputSize, size } = stack.transformation;
    const shared = Math.min(stack.k, count);
    const layerFeatures: LayerFeatures = {
      k: stack.k,
      kSource: stack.kSource,
      samples: study.samples.count,
      singularValues: [...stack.singularValues],
      outputSingularValues: [...values],
      outputReason: reason,
      outputReconstruction: score.outputSide,
      outputVectors:
        shared > 0
          ? await study.pictures.keep(Float32Array.from(vectors.subarray(0, shared * size)), [shared, size])
          : null,
      reconstruction: score.reconstruction,
      cosineFeatures: score.cosine,
      pullbackFeatures: score.pullback,
      features: await drawnFeatures(study, stack, score, { basis, width }, stacked.classes),
      ...arranged(study, clusters[t]!, stacked.classes),
      inputVectors: await study.pictures.keep(Float32Array.from(stack.vectors), [stack.k, inputSize + 1]),
      certificate: { ...stack.certificate, noise: isSoftmaxed(study, stack) ? SOFTMAX_RATIO_NOISE : null },
    };
    answers.push({ on: { layer: name }, fields: { layerFeatures } });
  }
  for (let sample = 0; sample < study.samples.count; sample++) {
    const layerReconstruction = stacked.stacks.flatMap(({ transformation }, t) => {
      const value = scores[t]?.bySample[sample] ?? null;
      return value === null ? [] : [{ layer: transformation.layer.name, value }];
    });
    answers.push({ on: { sample }, fields: { layerReconstruction } });
  }
  return answers;
}

/** The ratios p/z of a softmax are as large as its smallest logit is small: their rounding is magnified by as much. */
const SOFTMAX_RATIO_NOISE = 5e-3;

function isSoftmaxed({ network }: Study, { transformation: { stripped, value } }: LayerStack): boolean {
  return stripped === 'softmax' || nodeOf(network, value).op === 'softmax';
}

/** The leading features as pictures: the mean of the pullback over all samples, and over the samples of each class. */
async function drawnFeatures(
  study: Study,
  { k, singularValues, transformation: { layer } }: LayerStack,
  { mean, byClass }: LayerScores,
  { basis, width }: { basis: Float32Array; width: number },
  classes: SampleClasses | null,
): Promise<LayerFeature[]> {
  const size = basis.length / width;
  const picture = (coefficients: Float64Array, j: number): Float32Array => {
    const sums = new Float64Array(size);
    for (let b = 0; b < width; b++) {
      const factor = coefficients[j * width + b]!;
      if (factor !== 0) for (let i = 0; i < size; i++) sums[i]! += factor * basis[b * size + i]!;
    }
    return Float32Array.from(sums);
  };
  const order = (classes?.list ?? []).map((c, i) => ({ c, i, count: classes!.counts[i]! }));
  const drawn = order
    .sort((a, b) => b.count - a.count || a.c - b.c)
    .slice(0, MOST_CLASSES)
    .sort((a, b) => a.c - b.c);
  const features: LayerFeature[] = [];
  for (let index = 0; index < k; index++) {
    const singularValue = singularValues[index]!;
    if (index >= study.settings.count) {
      features.push({ index, singularValue });
      continue;
    }
    study.checkpoint();
    const title = `Feature ${index + 1} of ${layer.name}`;
    const byClassImages = [];
    for (const { c, i } of drawn) {
      const name = study.outputName(c);
      byClassImages.push({
        class: name,
        image: await study.drawInput(picture(byClass[i]!, index), `${title}, mean over ${name}`, {
          keepNumbers: false,
        }),
      });
    }
    features.push({
      index,
      singularValue,
      mean: await study.drawInput(picture(mean, index), `${title}, mean over all samples`),
      byClass: byClassImages,
    });
  }
  return features;
}

function arranged(
  study: Study,
  { subset, embedding, silhouette, assignment, sizes, majorities }: LayerClusters,
  classes: SampleClasses | null,
): Pick<LayerFeatures, 'embedding' | 'embeddingMethod' | 'clusters' | 'silhouette'> {
  const points: EmbeddedSample[] = subset.map((sample, i) => {
    const label = study.labels?.[sample] ?? -1;
    return {
      sample: study.samples.name(sample),
      x: embedding.points[2 * i]!,
      y: embedding.points[2 * i + 1]!,
      label: label >= 0 ? study.outputName(label) : null,
      correct: study.correct(sample),
      cluster: assignment[sample]!,
    };
  });
  const all = study.samples.count;
  const of = subset.length < all ? `${subset.length} of ${all} samples, spread evenly` : `${all} samples`;
  return {
    embedding: points,
    embeddingMethod: `t-SNE of the distances between left vectors of ${of}; perplexity ${Number(embedding.perplexity.toFixed(1))}, ${embedding.steps} steps`,
    clusters: sizes.map((size, index) => {
      const majority = majorities[index];
      return {
        index,
        size,
        majority: majority && classes ? study.outputName(majority.class) : null,
        purity: majority?.purity ?? null,
      };
    }),
    silhouette,
  };
}
