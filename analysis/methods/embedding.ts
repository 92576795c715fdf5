// Samples as points of a plane, near where their transformations are alike: t-SNE (van der Maaten and Hinton 2008), seeded.
import { TSNE } from '@keckelt/tsne';
import type { Random } from '../random.ts';

const STEPS = 350;
/** First steps, in which affinities count four times, so that clusters form. */
const EXAGGERATED = 100;

export interface Embedding {
  /** n × 2 */
  readonly points: Float64Array;
  readonly perplexity: number;
  readonly steps: number;
}

/** t-SNE of n vectors given by their squared distances; the perplexity is lowered to (n − 1)/3 where there are few. */
export function embed(
  distances: Float64Array,
  n: number,
  { perplexity, random, between = () => {} }: { perplexity: number; random: Random; between?: () => void },
): Embedding {
  const lowered = Math.max(1, Math.min(perplexity, (n - 1) / 3));
  if (n < 4)
    return {
      points: Float64Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? i / 2 : 0)),
      perplexity: lowered,
      steps: 0,
    };
  const tsne = new TSNE({ dim: 2, perplexity: lowered, epsilon: 10 });
  // The library draws its start from Math.random; a report must not change from run to run.
  tsne.gaussRandom = () => random.normal();
  const largest = distances.reduce((a, b) => Math.max(a, b), 0);
  const scale = largest > 0 ? 1 / largest : 1;
  tsne.initDataDist(
    Array.from({ length: n }, (_, i) => Array.from(distances.subarray(i * n, (i + 1) * n), (d) => d * scale)),
  );
  const affinities = Reflect.get(tsne, 'P') as Float64Array;
  let step = 0;
  // The library's own gradient also adds up the cost, a logarithm a pair, which nobody reads: this one is several times faster.
  tsne.costGrad = (points: number[][]) => ({ cost: 0, grad: gradient(points, affinities, step < EXAGGERATED ? 4 : 1) });
  for (; step < STEPS; step++) {
    between();
    tsne.step();
  }
  const solution = tsne.getSolution() as number[][];
  return { points: Float64Array.from(solution.flat()), perplexity: lowered, steps: STEPS };
}

/** 4 Σ_j (p_ij − q_ij) (y_i − y_j) / (1 + ‖y_i − y_j‖²), every pair once. */
function gradient(points: readonly number[][], affinities: Float64Array, exaggeration: number): number[][] {
  const n = points.length;
  const x = Float64Array.from(points, (point) => point[0]!);
  const y = Float64Array.from(points, (point) => point[1]!);
  let total = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const dx = x[i]! - x[j]!;
      const dy = y[i]! - y[j]!;
      total += 2 / (1 + dx * dx + dy * dy);
    }
  }
  const gx = new Float64Array(n);
  const gy = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const dx = x[i]! - x[j]!;
      const dy = y[i]! - y[j]!;
      const near = 1 / (1 + dx * dx + dy * dy);
      const force = 4 * (exaggeration * affinities[i * n + j]! - near / total) * near;
      gx[i]! += force * dx;
      gy[i]! += force * dy;
      gx[j]! -= force * dx;
      gy[j]! -= force * dy;
    }
  }
  return Array.from({ length: n }, (_, i) => [gx[i]!, gy[i]!]);
}
