// Samples as points of a plane, near where their transformations are alike: t-SNE (van der Maaten and Hinton 2008), seeded.
import { TSNE } from '@keckelt/tsne';
import type { Random } from '../random.ts';

const STEPS = 350;

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
  for (let step = 0; step < STEPS; step++) {
    between();
    tsne.step();
  }
  const solution = tsne.getSolution() as number[][];
  return { points: Float64Array.from(solution.flat()), perplexity: lowered, steps: STEPS };
}
