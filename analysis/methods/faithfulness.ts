// How faithful is a picture? Deletion and insertion curves (Petsiuk, Das and Saenko 2018): the output as the picture's
// leading pixels are taken away from the input, or shown on an empty one; areas against those of a random order.
import type { Tensor } from '../kernels/kernels.ts';
import type { Random } from '../random.ts';
import { outputsAt, type ExplainedNetwork } from './explained-network.ts';
import type { Pixels } from './pixels.ts';

/** What a curve shows of the outputs: a class's probability, or the output itself. */
export type Score = (outputs: Float32Array) => number;

export interface Curves {
  /** steps + 1 values each, from nothing removed (shown) to all. */
  readonly deletion: number[];
  readonly insertion: number[];
}

/** Random orders whose mean a picture is compared with. */
const RANDOM_ORDERS = 4;

/** Probability of a class by softmax, of a lone output by the logistic function where it is one of two classes, else the output. */
export function scoreOf(output: number, kind: 'probability' | 'value'): Score {
  if (kind === 'value') return (outputs) => outputs[output]!;
  return (outputs) => {
    if (outputs.length === 1) return 1 / (1 + Math.exp(-outputs[0]!));
    let largest = -Infinity;
    for (const value of outputs) largest = Math.max(largest, value);
    let sum = 0;
    for (const value of outputs) sum += Math.exp(value - largest);
    return Math.exp(outputs[output]! - largest) / sum;
  };
}

/** Pixels by descending value of a picture; equal ones in their order. */
export function leadingPixels(picture: ArrayLike<number>, pixels: Pixels): number[] {
  const values = pixels.gather(picture);
  return Array.from(values, (_, i) => i).sort((a, b) => values[b]! - values[a]! || a - b);
}

/** Both curves of an order of pixels; what is taken away is 0. */
export async function curvesOf(
  explained: ExplainedNetwork,
  x: Tensor,
  order: readonly number[],
  pixels: Pixels,
  steps: number,
  score: Score,
): Promise<Curves> {
  const rank = new Int32Array(pixels.count);
  for (const [i, pixel] of order.entries()) rank[pixel] = i;
  const values = await outputsAt(explained, 2 * (steps + 1), x.shape.slice(1), (index, target) => {
    const taken = Math.round(((index % (steps + 1)) * pixels.count) / steps);
    const showing = index > steps;
    for (let i = 0; i < target.length; i++) target[i] = rank[pixels.of[i]!]! < taken === showing ? x.data[i]! : 0;
  });
  const size = values.length / (2 * (steps + 1));
  const scores = Array.from({ length: 2 * (steps + 1) }, (_, i) => score(values.subarray(i * size, (i + 1) * size)));
  return { deletion: scores.slice(0, steps + 1), insertion: scores.slice(steps + 1) };
}

/** Area under a curve over [0, 1], by trapezoids. */
export function areaUnder(curve: readonly number[]): number {
  let area = 0;
  for (let i = 1; i < curve.length; i++) area += (curve[i - 1]! + curve[i]!) / 2;
  return area / (curve.length - 1);
}

/** Mean areas of a few random orders. */
export async function randomAreas(
  explained: ExplainedNetwork,
  x: Tensor,
  pixels: Pixels,
  steps: number,
  score: Score,
  random: Random,
): Promise<{ deletion: number; insertion: number }> {
  let [deletion, insertion] = [0, 0];
  for (let i = 0; i < RANDOM_ORDERS; i++) {
    const curves = await curvesOf(explained, x, random.permutation(pixels.count), pixels, steps, score);
    deletion += areaUnder(curves.deletion) / RANDOM_ORDERS;
    insertion += areaUnder(curves.insertion) / RANDOM_ORDERS;
  }
  return { deletion, insertion };
}
