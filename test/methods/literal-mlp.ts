// A three-layer ReLU classifier of 4 × 4 pixels, and its maps written out in float64 as the papers write them: masks,
// matrix products and loops, nothing of the tool's own.
import { canonical } from '../../analysis/network/canonical.ts';
import type { Network, Node } from '../../analysis/network/network.ts';
import { random } from '../../analysis/random.ts';
import { samplesOf, studyOf, type TestStudy } from '../support/study.ts';
import type { Backend } from '../../analysis/kernels/kernels.ts';

const SIZES = [16, 12, 8, 3] as const;
export const SAMPLES = 6;

const draw = random(11, 'literal mlp');
export const weights = SIZES.slice(1).map((out, l) => draw.normals(out * SIZES[l]!).map((w) => w * 0.5));
export const biases = SIZES.slice(1).map((out) => draw.normals(out).map((b) => b * 0.3));
export const inputs = draw.normals(SAMPLES * 16);
export const labels = Array.from({ length: SAMPLES }, (_, i) => i % 3);

/** W x for a row-major matrix with `out` rows, in float64. */
export function product(matrix: ArrayLike<number>, vector: ArrayLike<number>, out: number): number[] {
  const n = vector.length;
  return Array.from({ length: out }, (_, o) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += matrix[o * n + i]! * vector[i]!;
    return sum;
  });
}

/** Wᵀ y. */
export function transposedProduct(matrix: ArrayLike<number>, vector: ArrayLike<number>): number[] {
  const n = matrix.length / vector.length;
  return Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let o = 0; o < vector.length; o++) sum += matrix[o * n + i]! * vector[o]!;
    return sum;
  });
}

/** What the network does at a sample: masks of the two ReLUs, the scores. */
export const at = (sample: number) => run([...inputs.subarray(sample * 16, (sample + 1) * 16)]);

/** The same at any input. */
export function run(x: number[]): { x: number[]; masks: number[][]; scores: number[] } {
  let h = x;
  const masks: number[][] = [];
  for (let l = 0; l < 3; l++) {
    const z = product(weights[l]!, h, SIZES[l + 1]!).map((value, o) => value + biases[l]![o]!);
    if (l === 2) return { x, masks, scores: z };
    masks.push(z.map((value) => (value > 0 ? 1 : 0)));
    h = z.map((value) => Math.max(0, value));
  }
  throw new Error('unreachable');
}

/** Row c of the map from layer l's activity to the scores. */
export function fromActivity(layer: number, c: number, masks: number[][]): number[] {
  let row: number[] = Array.from({ length: 3 }, (_, i) => (i === c ? 1 : 0));
  for (let l = 2; l > layer; l--)
    row = transposedProduct(weights[l]!, row).map((value, i) => value * masks[l - 1]![i]!);
  return row;
}

/** Fᵀ y for the map from the input to layer l's activity. */
export function toActivityTransposed(layer: number, y: number[], masks: number[][]): number[] {
  let row = y;
  for (let l = layer; l >= 0; l--) {
    row = transposedProduct(weights[l]!, row);
    if (l > 0) row = row.map((value, i) => value * masks[l - 1]![i]!);
  }
  return row;
}

/** A study of the network on a backend. */
export async function mlpStudy(backend: Backend, settings: Record<string, unknown> = {}): Promise<TestStudy> {
  const nodes: Node[] = [
    { id: 'x', op: 'input', inputs: [], attributes: {}, parameters: {}, shape: [1, 1, 4, 4], name: 'x' },
  ];
  nodes.push({
    id: 'flat',
    op: 'reshape',
    inputs: ['x'],
    attributes: { shape: [1, 16] },
    parameters: {},
    shape: [1, 16],
    name: 'flat',
  });
  let before = 'flat';
  for (let l = 0; l < 3; l++) {
    const [n, out] = [SIZES[l]!, SIZES[l + 1]!];
    const parameters = { weight: { data: weights[l]!, shape: [out, n] }, bias: { data: biases[l]!, shape: [out] } };
    nodes.push({
      id: `fc${l + 1}`,
      op: 'dense',
      inputs: [before],
      attributes: {},
      parameters,
      shape: [1, out],
      name: `fc${l + 1}`,
    });
    before = `fc${l + 1}`;
    if (l === 2) continue;
    nodes.push({
      id: `relu${l + 1}`,
      op: 'relu',
      inputs: [before],
      attributes: {},
      parameters: {},
      shape: [1, out],
      name: `relu${l + 1}`,
    });
    before = `relu${l + 1}`;
  }
  const network: Network = canonical({
    name: 'literal',
    format: 'onnx',
    sha256: '1'.repeat(64),
    nodes,
    input: 'x',
    otherInputs: [],
    output: 'fc3',
    otherOutputs: [],
    stripped: null,
    layout: { kind: 'image', channelAxis: 1, heightAxis: 2, widthAxis: 3 },
    preprocessing: { scale: 1, mean: [0], std: [1], channelOrder: 'grey', size: null, source: 'assumed' },
    classNames: null,
    parameterCount: 0,
    notes: [],
  });
  return studyOf(network, samplesOf(network, inputs, labels), backend, { detail: 'all', ...settings });
}
