// Small networks over point clouds, trained here: an autoencoder over generated turbines and a regressor on its latent vector
// that knows how long the blades are (SpecXAI's 3D case). Seeded; a second of plain gradient descent.
import { canonical } from '../../analysis/network/canonical.ts';
import type { Network, Node } from '../../analysis/network/network.ts';
import { random } from '../../analysis/random.ts';

export const POINTS = 30;
const SIZE = 3 * POINTS;
const LATENT = 8;

export interface Turbines {
  readonly clouds: Float32Array;
  /** Length of the blades, the known quantity. */
  readonly lengths: Float32Array;
}

/** Turbines with three blades of `POINTS` points in all: blades of one length along y and z, turned, with a hub of fixed size. */
export function turbines(count: number, seed = 5): Turbines {
  const draw = random(seed, 'turbines');
  const clouds = new Float32Array(count * SIZE);
  const lengths = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const length = 0.5 + draw.uniform();
    const turn = 0.4 * draw.uniform();
    lengths[i] = length;
    for (let p = 0; p < POINTS; p++) {
      const angle = turn + ((p % 3) * 2 * Math.PI) / 3;
      const along = (length * (Math.floor(p / 3) + 1)) / (POINTS / 3);
      clouds.set([0.05 * along, along * Math.cos(angle), along * Math.sin(angle)], i * SIZE + 3 * p);
    }
  }
  return { clouds, lengths };
}

interface Dense {
  readonly rows: number;
  readonly columns: number;
  readonly weight: Float64Array;
  readonly bias: Float64Array;
}

/** A chain of dense layers, ReLU between them, brought to y = f(x) by Adam on the mean squared error over all samples. */
function train(sizes: readonly number[], x: ArrayLike<number>, y: ArrayLike<number>, steps: number): Dense[] {
  const draw = random(9, `train ${sizes.join()}`);
  const count = x.length / sizes[0]!;
  const layers = sizes.slice(1).map((rows, l): Dense => {
    const columns = sizes[l]!;
    const weight = Float64Array.from(draw.normals(rows * columns), (w) => w * Math.sqrt(2 / columns));
    return { rows, columns, weight, bias: new Float64Array(rows).fill(0.1) };
  });
  const moments = layers.map(({ weight, bias }) =>
    [weight, bias].map(({ length }) => [new Float64Array(length), new Float64Array(length)] as const),
  );
  for (let step = 1; step <= steps; step++) {
    const gradients = layers.map(({ weight, bias }) => [
      new Float64Array(weight.length),
      new Float64Array(bias.length),
    ]);
    for (let i = 0; i < count; i++) {
      const inputs: Float64Array[] = [Float64Array.from({ length: sizes[0]! }, (_, j) => x[i * sizes[0]! + j]!)];
      for (const [l, layer] of layers.entries()) inputs.push(forward(layer, inputs[l]!, l < layers.length - 1));
      const last = sizes.at(-1)!;
      let error = inputs.at(-1)!.map((value, j) => (value - y[i * last + j]!) / (count * last));
      for (let l = layers.length - 1; l >= 0; l--) {
        const { rows, columns, weight } = layers[l]!;
        const before = new Float64Array(columns);
        for (let r = 0; r < rows; r++) {
          gradients[l]![1]![r]! += error[r]!;
          for (let c = 0; c < columns; c++) {
            gradients[l]![0]![r * columns + c]! += error[r]! * inputs[l]![c]!;
            before[c]! += error[r]! * weight[r * columns + c]!;
          }
        }
        error = before.map((value, c) => (inputs[l]![c]! > 0 ? value : 0));
      }
    }
    for (const [l, { weight, bias }] of layers.entries()) {
      for (const [which, parameters] of [weight, bias].entries()) {
        const [first, second] = moments[l]![which]!;
        for (let i = 0; i < parameters.length; i++) {
          const gradient = gradients[l]![which]![i]!;
          first[i] = 0.9 * first[i]! + 0.1 * gradient;
          second[i] = 0.999 * second[i]! + 0.001 * gradient * gradient;
          const slope = first[i]! / (1 - 0.9 ** step);
          parameters[i]! -= (0.01 * slope) / (Math.sqrt(second[i]! / (1 - 0.999 ** step)) + 1e-8);
        }
      }
    }
  }
  return layers;
}

function forward({ rows, columns, weight, bias }: Dense, x: Float64Array, positive: boolean): Float64Array {
  return Float64Array.from({ length: rows }, (_, r) => {
    let sum = bias[r]!;
    for (let c = 0; c < columns; c++) sum += weight[r * columns + c]! * x[c]!;
    return positive ? Math.max(0, sum) : sum;
  });
}

/** The autoencoder [1, n, 3] → [1, n, 3] and the regressor [1, n, 3] → [1, 1] behind the same encoder. */
export function cloudNetworks({ clouds, lengths }: Turbines): { autoencoder: Network; regressor: Network } {
  const layers = train([SIZE, 16, LATENT, 16, SIZE], clouds, clouds, 200);
  const encoder = layers.slice(0, 2);
  // The latent vector passes no ReLU in the autoencoder's own chain but the one between layers: the regressor sees the same.
  const latent = Array.from({ length: lengths.length }, (_, i) => {
    let h = Float64Array.from(clouds.subarray(i * SIZE, (i + 1) * SIZE));
    for (const layer of encoder) h = Float64Array.from(forward(layer, h, true));
    return [...h];
  });
  const head = train([LATENT, 8, 1], latent.flat(), lengths, 600);
  return { autoencoder: networkOf(layers, true), regressor: networkOf([...encoder, ...head], false) };
}

function networkOf(layers: readonly Dense[], cloud: boolean): Network {
  const node = (id: string, op: string, inputs: string[], shape: number[], rest: Partial<Node> = {}): Node => ({
    ...{ id, op, inputs, shape, name: id, attributes: {}, parameters: {} },
    ...rest,
  });
  const nodes: Node[] = [node('points', 'input', [], [1, POINTS, 3])];
  nodes.push(node('flat', 'reshape', ['points'], [1, SIZE], { attributes: { shape: [1, SIZE] } }));
  for (const [l, { rows, columns, weight, bias }] of layers.entries()) {
    const parameters = {
      weight: { data: Float32Array.from(weight), shape: [rows, columns] },
      bias: { data: Float32Array.from(bias), shape: [rows] },
    };
    nodes.push(node(`dense${l}`, 'dense', [nodes.at(-1)!.id], [1, rows], { parameters }));
    if (l < layers.length - 1) nodes.push(node(`relu${l}`, 'relu', [`dense${l}`], [1, rows]));
  }
  const shape = [1, POINTS, 3];
  if (cloud) nodes.push(node('cloud', 'reshape', [nodes.at(-1)!.id], shape, { attributes: { shape } }));
  return canonical({
    name: cloud ? 'turbines' : 'blades',
    format: 'onnx',
    sha256: '2'.repeat(64),
    nodes,
    input: 'points',
    otherInputs: [],
    output: nodes.at(-1)!.id,
    otherOutputs: [],
    stripped: null,
    layout: { kind: 'points', channelAxis: null, heightAxis: null, widthAxis: null },
    preprocessing: { scale: 1, mean: [0], std: [1], channelOrder: 'grey', size: null, source: 'assumed' },
    classNames: null,
    parameterCount: 0,
    notes: [],
  });
}
