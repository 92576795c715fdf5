// ALLT as the paper writes it, slowly and in float64: every T_i as a matrix, the stack and its SVD, U_i cut out of it, and
// features as pictures built layer by layer. Nothing of it is shared with the method but the network's values.
import { sizeOf } from '../../analysis/kernels/kernels.ts';
import { transformationsOf } from '../../analysis/methods/layer-transformations.ts';
import { toMatrix } from '../../analysis/operators/matrix.ts';
import type { Study } from '../../analysis/study.ts';
import { smallSvd } from '../../analysis/svd/small-svd.ts';

interface LiteralScore {
  readonly pearson: number;
  readonly meanAbsoluteError: number;
}

/** What the method must find out about one layer. */
export interface LiteralLayer {
  readonly name: string;
  readonly singularValues: number[];
  readonly outputSingularValues: number[];
  readonly rowNorms: number[];
  readonly reconstruction: LiteralScore;
  readonly cosine: LiteralScore;
  readonly pullback: LiteralScore;
  /** Nearest class by U, by T, and by each column of U, per sample. */
  readonly projections: number[];
  readonly full: number[];
  readonly profiles: number[][];
}

type Matrix = number[][];

/** The stacked SVD of every layer of a chain, layers as wide as `--k` says. */
export async function literalFeatures(study: Study): Promise<LiteralLayer[]> {
  const { covered } = transformationsOf(study);
  const counts = study.settings.k as readonly number[];
  const n = study.samples.count;
  const inputs = rowsOf((await study.inputs(0, n)).data, n);
  const result: LiteralLayer[] = [];
  let before: {
    readonly u: Matrix[];
    readonly sigma: number[];
    readonly cosine: Matrix[];
    readonly pullback: Matrix[];
    readonly value: string;
  } | null = null;
  for (const [l, { layer, input, activity, value, stripped, inputSize, size }] of covered.entries()) {
    const map = await study.map(0, { from: input, to: activity, mode: 'frozen' });
    const weights = rowsOf(await toMatrix(map), size).map((row, o) => [...row, map.offset[o]!]);
    const [h, z, given] = (await study.values([input, activity, value], 0, n)).map(({ data }) => rowsOf(data, n)) as [
      Matrix,
      Matrix,
      Matrix,
    ];
    const y = stripped === 'softmax' ? z.map(softmax) : given;
    const s = z.map((row, i) => row.map((zi, o) => ratio(y[i]![o]!, zi, layer.op, stripped !== null)));
    const transformations = s.map((factors) => weights.map((row, o) => row.map((w) => factors[o]! * w)));
    const k = counts[l]!;
    const stack = smallSvd(transformations.flat(2), n * size, inputSize + 1);
    const sideBySide = transformations[0]!.map((_, o) => transformations.flatMap((t) => t[o]!));
    const side = smallSvd(sideBySide.flat(), size, n * (inputSize + 1));
    const sigma = [...stack.values].slice(0, k);
    const v = sigma.map((_, j) => [...stack.right.subarray(j * (inputSize + 1), (j + 1) * (inputSize + 1))]);
    const u = transformations.map((_, i) =>
      sigma.map((_, j) => Array.from({ length: size }, (_, o) => stack.left[j * n * size + i * size + o]!)),
    );
    const features: { cosine: Matrix[]; pullback: Matrix[] } = { cosine: [], pullback: [] };
    for (let i = 0; i < n; i++) {
      const bare = v.map((row) => row.slice(0, inputSize));
      if (before === null) {
        features.cosine.push(bare);
        features.pullback.push(bare);
        continue;
      }
      const hop = await study.map(i, { from: before.value, to: input, mode: 'frozen' });
      const passage = before.value === input ? null : rowsOf(await toMatrix(hop), sizeOf(hop.codomain));
      const pulled = bare.map((row) =>
        passage ? passage[0]!.map((_, c) => row.reduce((sum, x, r) => sum + x * passage[r]![c]!, 0)) : row,
      );
      const from = before;
      const combine = (pictures: Matrix, weight: (vector: number[], d: number) => number): Matrix =>
        pulled.map((vector) =>
          pictures[0]!.map((_, c) => pictures.reduce((sum, picture, d) => sum + weight(vector, d) * picture[c]!, 0)),
        );
      features.cosine.push(
        combine(from.cosine[i]!, (vector, d) => {
          const [a, b] = [Math.hypot(...vector), Math.hypot(...from.u[i]![d]!)];
          return a * b === 0 ? 0 : dot(vector, from.u[i]![d]!) / (a * b);
        }),
      );
      features.pullback.push(combine(from.pullback[i]!, (vector, d) => dot(vector, from.u[i]![d]!) * from.sigma[d]!));
    }
    const estimate = (coordinate: (i: number, j: number) => number): number[] =>
      y.flatMap((_, i) =>
        Array.from({ length: size }, (_, o) =>
          sigma.reduce((sum, value, j) => sum + u[i]![j]![o]! * value * coordinate(i, j), 0),
        ),
      );
    const centroids = centroidsOf(u, study.labels!);
    const wholeCentroids = centroidsOf(transformations, study.labels!);
    result.push({
      name: layer.name,
      singularValues: [...stack.values],
      outputSingularValues: [...side.values],
      rowNorms: weights.map((row) => dot(row, row)),
      reconstruction: scoreOf(
        y.flat(),
        estimate((i, j) => dot(v[j]!, [...h[i]!, 1])),
      ),
      cosine: scoreOf(
        y.flat(),
        estimate((i, j) => dot(features.cosine[i]![j]!, inputs[i]!)),
      ),
      pullback: scoreOf(
        y.flat(),
        estimate((i, j) => dot(features.pullback[i]![j]!, inputs[i]!)),
      ),
      projections: u.map((own) => nearest(centroids, (c) => distance(own.flat(), c.flat()))),
      full: transformations.map((own) => nearest(wholeCentroids, (c) => distance(own.flat(), c.flat()))),
      profiles: u.map((own) => own.map((column, j) => nearest(centroids, (c) => distance(column, c[j]!)))),
    });
    before = { u, sigma, ...features, value };
  }
  return result;
}

/** σ(z)/z; at z = 0 the derivative of the functions used here, all with σ(0) = 0 unless the softmax. */
function ratio(y: number, z: number, _op: string, isSoftmax: boolean): number {
  if (isSoftmax) return Math.abs(z) < 1e-6 ? 0 : y / z;
  return z === 0 ? 0 : y / z;
}

function softmax(z: number[]): number[] {
  const top = Math.max(...z);
  const powers = z.map((x) => Math.exp(x - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
}

function centroidsOf(members: readonly Matrix[], labels: Int32Array): Matrix[] {
  const classes = [...new Set(labels)].sort((a, b) => a - b);
  return classes.map((c) => {
    const own = members.filter((_, i) => labels[i] === c);
    return own[0]!.map((row, r) =>
      row.map((_, o) => own.reduce((sum, member) => sum + member[r]![o]!, 0) / own.length),
    );
  });
}

function nearest(centroids: readonly Matrix[], measure: (centroid: Matrix) => number): number {
  const distances = centroids.map(measure);
  return distances.indexOf(Math.min(...distances));
}

function distance(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}

function scoreOf(y: readonly number[], estimate: readonly number[]): LiteralScore {
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [my, me] = [mean(y), mean(estimate)];
  const covariance = y.reduce((sum, value, i) => sum + (value - my) * (estimate[i]! - me), 0);
  const spread = (values: readonly number[], m: number): number =>
    Math.sqrt(values.reduce((sum, v) => sum + (v - m) ** 2, 0));
  return {
    pearson: covariance / (spread(y, my) * spread(estimate, me)),
    meanAbsoluteError: mean(y.map((value, i) => Math.abs(value - estimate[i]!))),
  };
}

function rowsOf(data: ArrayLike<number>, rows: number): Matrix {
  const size = data.length / rows;
  return Array.from({ length: rows }, (_, r) => Array.from({ length: size }, (_, c) => data[r * size + c]!));
}
