// Samples grouped without labels, layer by layer: their left vectors U_i lie as far apart as the vectors s_i ∘ ‖B_o‖, on which
// k-means and t-SNE run (methods.md, section 1). Clusters and picture come from a subset; every sample is then assigned.
import type { Study } from '../study.ts';
import { embed, type Embedding } from './embedding.ts';
import { bestClustering, squaredDistances } from './k-means.ts';
import { layerReader } from './layer-transformations.ts';
import { nearestCentroids } from './nearest-centroids.ts';
import { oncePerStudy } from './once-per-study.ts';
import { stackedLayers, type LayerStack, type SampleClasses } from './stacked-svd.ts';

export interface LayerClusters {
  /** The samples that clusters and embedding were made from. */
  readonly subset: readonly number[];
  readonly embedding: Embedding;
  readonly silhouette: number | null;
  /** Cluster of every sample; all in cluster 0 where none stand apart. */
  readonly assignment: Int32Array;
  readonly sizes: readonly number[];
  /** The class that most samples of a cluster have, and its share of those that have one; null without classes. */
  readonly majorities: readonly ({ readonly class: number; readonly purity: number } | null)[];
}

/** The clusters of every covered layer, in order; found once a study. */
export const sampleClusters: (study: Study) => Promise<readonly LayerClusters[]> = oncePerStudy(findClusters);

interface SubsetClusters {
  readonly subset: readonly number[];
  readonly embedding: Embedding;
  readonly silhouette: number | null;
  /** Mean s of every cluster: count × size. */
  readonly means: Float64Array;
  readonly count: number;
}

async function findClusters(study: Study): Promise<LayerClusters[]> {
  const { stacks, reader, classes } = await stackedLayers(study);
  const found: SubsetClusters[] = [];
  for (const stack of stacks) found.push(await clustersOfSubset(study, stack));
  const total = study.samples.count;
  const assignments = stacks.map(() => new Int32Array(total));
  const searches = [];
  for (const [t, { count, means }] of found.entries()) {
    const { leftNorms, mean, transformation } = stacks[t]!;
    searches.push(
      await nearestCentroids(study, {
        size: transformation.size,
        centre: mean,
        means,
        count,
        weights: leftNorms,
        columns: 1,
      }),
    );
  }
  const step = reader.blockSize(Math.max(0, ...searches.map(({ perSample }) => perSample)));
  for (let start = 0; start < total; start += step) {
    const end = Math.min(start + step, total);
    const blocks = await reader.read(start, end);
    for (const [t, search] of searches.entries())
      assignments[t]!.set((await search.of(blocks[t]!.s, end - start)).nearest, start);
  }
  for (const search of searches) search.dispose();
  return found.map(({ subset, embedding, silhouette, count }, t) => {
    const assignment = assignments[t]!;
    const sizes = Array.from({ length: count }, () => 0);
    for (const c of assignment) sizes[c]!++;
    return {
      subset,
      embedding,
      silhouette,
      assignment,
      sizes,
      majorities: sizes.map((_, c) => majorityOf(c, assignment, classes)),
    };
  });
}

/** Samples spread evenly over the input, as many as the settings and the memory allow. */
function subsetOf(study: Study, size: number): number[] {
  const total = study.samples.count;
  const affordable = Math.floor(study.memory / 4 / (4 * size));
  const count = Math.max(1, Math.min(total, study.settings.embedded, affordable));
  return Array.from({ length: count }, (_, i) => Math.floor((i * total) / count));
}

async function clustersOfSubset(
  study: Study,
  { transformation, mean, leftNorms }: LayerStack,
): Promise<SubsetClusters> {
  const { size, layer } = transformation;
  const reader = await layerReader(study, [transformation]);
  const subset = subsetOf(study, size);
  const count = subset.length;
  const lengths = leftNorms.map(Math.sqrt);
  const scales = new Float32Array(count * size);
  const rows = new Float32Array(count * size);
  const step = reader.blockSize();
  let row = 0;
  for (let start = 0; start < study.samples.count && row < count; start += step) {
    const end = Math.min(start + step, study.samples.count);
    if (subset[row]! >= end) continue;
    const [block] = await reader.read(start, end);
    const { s } = block!;
    for (; row < count && subset[row]! < end; row++) {
      const from = (subset[row]! - start) * size;
      scales.set(s.subarray(from, from + size), row * size);
      for (let o = 0; o < size; o++) rows[row * size + o] = (s[from + o]! - mean[o]!) * lengths[o]!;
    }
  }
  const gram = await gramOf(study, rows, count, size);
  const random = study.random(`clusters ${layer.name}`);
  const clustering = bestClustering(gram, count, study.settings.clusters, random);
  const clusters = clustering?.count ?? 1;
  const means = new Float64Array(clusters * size);
  const sizes = new Float64Array(clusters);
  for (let i = 0; i < count; i++) {
    const c = clustering?.assignment[i] ?? 0;
    sizes[c]!++;
    for (let o = 0; o < size; o++) means[c * size + o]! += scales[i * size + o]!;
  }
  for (let i = 0; i < means.length; i++) means[i]! /= sizes[Math.floor(i / size)]!;
  const { perplexity } = study.settings;
  const embedding = embed(squaredDistances(gram, count), count, {
    perplexity,
    random: study.random(`embedding ${layer.name}`),
    between: () => study.checkpoint(),
  });
  return { subset, embedding, silhouette: clustering?.silhouette ?? null, means, count: clusters };
}

/** Inner products of rows, count × count. */
async function gramOf(study: Study, rows: Float32Array, count: number, size: number): Promise<Float32Array> {
  const program = await study.backend.compile([[size]], (k, [x]) => [k.matMul(x!, x!, { transposeB: true })]);
  try {
    const [gram] = await program.run([{ data: rows, shape: [count, size] }]);
    return gram!.data;
  } finally {
    program.dispose();
  }
}

function majorityOf(
  cluster: number,
  assignment: Int32Array,
  classes: SampleClasses | null,
): { class: number; purity: number } | null {
  if (classes === null) return null;
  const counts = new Map<number, number>();
  let total = 0;
  for (const [i, c] of assignment.entries()) {
    const own = classes.of[i]!;
    if (c !== cluster || own < 0) continue;
    counts.set(own, (counts.get(own) ?? 0) + 1);
    total++;
  }
  const [best] = [...counts.entries()].sort(([a, m], [b, n]) => n - m || a - b);
  return best ? { class: best[0], purity: best[1] / total } : null;
}
