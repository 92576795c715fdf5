// k-means on vectors known only by their inner products, and how well clusters stand apart (silhouette). One n × n matrix
// serves every number of clusters, whatever the length of the vectors.
import type { Random } from '../random.ts';

/** Attempts per number of clusters, and rounds within one. */
const STARTS = 4;
const ROUNDS = 50;

export interface Clustering {
  readonly count: number;
  /** Cluster of every vector, clusters by size, descending. */
  readonly assignment: Int32Array;
  /** Mean silhouette, in [−1, 1]. */
  readonly silhouette: number;
}

/** ‖x_i − x_j‖² from inner products, n × n. */
export function squaredDistances(gram: ArrayLike<number>, n: number): Float64Array {
  const distances = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const d = Math.max(0, gram[i * n + i]! + gram[j * n + j]! - 2 * gram[i * n + j]!);
      distances[i * n + j] = d;
      distances[j * n + i] = d;
    }
  }
  return distances;
}

/** The number of clusters from 2 to `most` with the largest mean silhouette (the fewest on a tie); null below three vectors or where all are equal. */
export function bestClustering(gram: ArrayLike<number>, n: number, most: number, random: Random): Clustering | null {
  if (n < 3) return null;
  const distances = squaredDistances(gram, n);
  const lengths = distances.map(Math.sqrt);
  if (!lengths.some((d) => d > 0)) return null;
  let best: Clustering | null = null;
  for (let count = 2; count <= Math.min(most, n - 1); count++) {
    const assignment = kMeans(distances, n, count, random);
    const found = new Set(assignment).size;
    if (found < 2) continue;
    const value = silhouette(lengths, n, assignment);
    if (best === null || value > best.silhouette + 1e-12) best = { ...bySize(assignment), silhouette: value };
  }
  return best;
}

/** Lloyd's algorithm from k-means++ starts; the attempt with the least sum of squares wins. */
export function kMeans(distances: Float64Array, n: number, count: number, random: Random): Int32Array {
  let best: Int32Array | null = null;
  let least = Infinity;
  for (let attempt = 0; attempt < STARTS; attempt++) {
    const assignment = nearestSeed(distances, n, seeds(distances, n, count, random));
    const sums = clusterSums(distances, n, count, assignment);
    let total = Infinity;
    for (let round = 0; round < ROUNDS; round++) {
      const next = reassigned(sums, n, count, assignment);
      total = next.total;
      if (next.moves.length === 0) break;
      for (const [i, to] of next.moves) move(sums, distances, n, count, assignment, i, to);
    }
    if (total < least) [best, least] = [assignment, total];
  }
  return best!;
}

/** k-means++: each next seed with a chance proportional to its squared distance from the nearest one. */
function seeds(distances: Float64Array, n: number, count: number, random: Random): number[] {
  const chosen = [random.integer(n)];
  const nearest = Float64Array.from({ length: n }, (_, i) => distances[i * n + chosen[0]!]!);
  while (chosen.length < count) {
    const total = nearest.reduce((sum, d) => sum + d, 0);
    let left = random.uniform() * total;
    let pick = 0;
    while (pick < n - 1 && (left -= nearest[pick]!) >= 0) pick++;
    chosen.push(pick);
    for (let i = 0; i < n; i++) nearest[i] = Math.min(nearest[i]!, distances[i * n + pick]!);
  }
  return chosen;
}

function nearestSeed(distances: Float64Array, n: number, chosen: readonly number[]): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => {
    let best = 0;
    for (let c = 1; c < chosen.length; c++)
      if (distances[i * n + chosen[c]!]! < distances[i * n + chosen[best]!]!) best = c;
    return best;
  });
}

interface ClusterSums {
  readonly sizes: Float64Array;
  /** Σ_{j in c} d(i, j), n × count. */
  readonly toCluster: Float64Array;
}

function clusterSums(distances: Float64Array, n: number, count: number, assignment: Int32Array): ClusterSums {
  const sizes = new Float64Array(count);
  const toCluster = new Float64Array(n * count);
  for (const c of assignment) sizes[c]!++;
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) toCluster[i * count + assignment[j]!]! += distances[i * n + j]!;
  return { sizes, toCluster };
}

/** ‖x_i − mean_c‖² = Σ_j d_ij/|c| − Σ_jj' d_jj'/(2|c|²): which vectors are nearer to another mean than to their own. */
function reassigned(
  { sizes, toCluster }: ClusterSums,
  n: number,
  count: number,
  assignment: Int32Array,
): { total: number; moves: [vector: number, to: number][] } {
  const spread = new Float64Array(count);
  for (let i = 0; i < n; i++) spread[assignment[i]!]! += toCluster[i * count + assignment[i]!]!;
  const squared = (i: number, c: number): number =>
    toCluster[i * count + c]! / sizes[c]! - spread[c]! / (2 * sizes[c]! ** 2);
  const moves: [number, number][] = [];
  let total = 0;
  for (let i = 0; i < n; i++) {
    const own = assignment[i]!;
    let best = own;
    let least = squared(i, own);
    const margin = 1e-12 * Math.abs(least);
    for (let c = 0; c < count; c++) {
      if (sizes[c] === 0 || c === own) continue;
      const d = squared(i, c);
      if (d < least - margin) [best, least] = [c, d];
    }
    total += Math.max(0, least);
    if (best !== own) moves.push([i, best]);
  }
  return { total, moves };
}

/** Takes one vector to another cluster; the sums follow, which costs n instead of n². */
function move(
  { sizes, toCluster }: ClusterSums,
  distances: Float64Array,
  n: number,
  count: number,
  assignment: Int32Array,
  vector: number,
  to: number,
): void {
  const from = assignment[vector]!;
  for (let i = 0; i < n; i++) {
    const d = distances[i * n + vector]!;
    toCluster[i * count + from]! -= d;
    toCluster[i * count + to]! += d;
  }
  sizes[from]!--;
  sizes[to]!++;
  assignment[vector] = to;
}

/** Mean of (b − a) / max(a, b): a to the own cluster, b to the nearest other one; 0 for a cluster of one. */
export function silhouette(lengths: Float64Array, n: number, assignment: Int32Array): number {
  const count = Math.max(...assignment) + 1;
  const { sizes, toCluster } = clusterSums(lengths, n, count, assignment);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const own = assignment[i]!;
    if (sizes[own]! < 2) continue;
    const a = toCluster[i * count + own]! / (sizes[own]! - 1);
    let b = Infinity;
    for (let c = 0; c < count; c++)
      if (c !== own && sizes[c]! > 0) b = Math.min(b, toCluster[i * count + c]! / sizes[c]!);
    const larger = Math.max(a, b);
    if (larger > 0 && Number.isFinite(b)) sum += (b - a) / larger;
  }
  return sum / n;
}

function bySize(assignment: Int32Array): { count: number; assignment: Int32Array } {
  const sizes = new Map<number, number>();
  for (const c of assignment) sizes.set(c, (sizes.get(c) ?? 0) + 1);
  const order = [...sizes.keys()].sort((a, b) => sizes.get(b)! - sizes.get(a)! || a - b);
  const rank = new Map(order.map((c, i) => [c, i]));
  return { count: order.length, assignment: assignment.map((c) => rank.get(c)!) };
}
