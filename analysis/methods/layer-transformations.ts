// A layer at sample i as one linear map of its input with a constant 1 appended (ALLT): T_i = diag(s_i) W̃, W̃ = [W b],
// z = W̃ h̃, y = σ(z), s = y/z per output. Nothing but s changes from sample to sample, so that samples can be streamed.
import { sizeOf, type Shape } from '../kernels/kernels.ts';
import { pathBetween } from '../network/affine-map.ts';
import { ancestorsOf } from '../network/forward.ts';
import type { Layer } from '../network/layers.ts';
import { nodeOf, type Network, type Node, type NodeId } from '../network/network.ts';
import type { Block, LinearOperator } from '../operators/operator.ts';
import { opOf } from '../ops/index.ts';
import type { Study } from '../study.ts';
import { fitsGlob } from './layer-glob.ts';

/** Below this |z|, σ(0) ≠ 0 is no factor of z: it moves to the constant, and s is 0 (methods.md, section 0). */
const NEAR_ZERO = 1e-6;

/** One layer's place in the network, for every sample the same. */
export interface Transformation {
  readonly layer: Layer;
  /** h: what the weights read. */
  readonly input: NodeId;
  /** z: the activity, an affine function of h (normalisation at inference included). */
  readonly activity: NodeId;
  /** y: behind the activation function and before pooling; the activity itself where there is none. */
  readonly value: NodeId;
  /**
   * The function that was taken off the network's output, or that a classifier's scores are meant for (softmax): y is
   * computed from z.
   */
  readonly stripped: Network['stripped'];
  /** No function follows: s is 1, and T the same for every sample. */
  readonly linear: boolean;
  readonly inputSize: number;
  readonly size: number;
}

/** The layers that this view of a network covers, and why not the others. */
export interface Transformations {
  readonly covered: readonly Transformation[];
  readonly skipped: readonly { readonly layer: string; readonly reason: string }[];
}

/** Products with an operand that is a constant are linear, whatever the op can do besides. */
export function isFixedLinear(network: Network, node: Node): boolean {
  const { kind } = opOf(node.op);
  if (kind === 'linear') return true;
  return kind === 'product' && node.inputs.filter((id) => nodeOf(network, id).op !== 'constant').length === 1;
}

/** Which layers are z = W̃ h̃ followed by one function of z, entry by entry. */
export function transformationsOf({
  network,
  layers,
  settings,
  task,
}: Pick<Study, 'network' | 'layers' | 'settings' | 'task'>): Transformations {
  const covered: Transformation[] = [];
  const skipped: { layer: string; reason: string }[] = [];
  for (const layer of layers) {
    const found = fitsGlob(layer.name, settings.layers)
      ? transformationOf(network, layer, task)
      : `left out by --layers ${settings.layers}`;
    if (typeof found === 'string') skipped.push({ layer: layer.name, reason: found });
    else covered.push(found);
  }
  return { covered, skipped };
}

function transformationOf(network: Network, layer: Layer, task: Study['task']): Transformation | string {
  const head = nodeOf(network, layer.node);
  const moving = head.inputs.filter((id) => nodeOf(network, id).op !== 'constant');
  const hasWeights =
    head.parameters['weight'] !== undefined ||
    (head.op === 'mat-mul' && head.inputs.length === 2 && moving.length === 1);
  if (!hasWeights) return `a ${layer.op} node has no weight matrix that its input meets`;
  if (!ancestorsOf(network.nodes, [layer.node]).some(({ op }) => op === 'input'))
    return 'it is computed from weights alone, the same for every sample';
  const input = moving[0]!;
  const path = pathBetween(network, input, layer.activity);
  const onPath = new Set([input, ...path.map(({ id }) => id)]);
  for (const node of path) {
    const outside = node.inputs.filter((id) => !onPath.has(id) && nodeOf(network, id).op !== 'constant');
    if (outside.length > 0)
      return `its activity also takes a shortcut (node ${node.name}): it is no map of its own input alone`;
    if (!isFixedLinear(network, node))
      return `${node.op} stands between its weights and its activity: the map changes with more than s`;
  }
  const activation = layer.nodes
    .map((id) => nodeOf(network, id))
    .find((node) => node.inputs[0] === layer.activity && opOf(node.op).activation === true);
  const isLast = activation === undefined && leadsStraightTo(network, layer.activity, network.output);
  const stripped = isLast ? (network.stripped ?? (task === 'classification' ? 'softmax' : null)) : null;
  return {
    layer,
    input,
    activity: layer.activity,
    value: activation?.id ?? layer.activity,
    stripped,
    linear: activation === undefined && stripped === null,
    inputSize: sizeOf(nodeOf(network, input).shape),
    size: sizeOf(nodeOf(network, layer.activity).shape),
  };
}

function leadsStraightTo(network: Network, from: NodeId, to: NodeId): boolean {
  if (from === to) return true;
  const path = pathBetween(network, from, to);
  return path.length > 0 && path.every(({ op }) => op === 'reshape' || op === 'identity');
}

/** What a block of samples is at one layer; rows are samples. */
export interface LayerBlock {
  readonly count: number;
  /** count × inputSize */
  readonly h: Float32Array;
  /** count × size each */
  readonly s: Float32Array;
  readonly y: Float32Array;
}

/** Reads blocks of samples at given layers. */
export interface LayerReader {
  /** How many samples fit one block beside `perSample` further numbers a sample. */
  blockSize(perSample?: number): number;
  read(start: number, end: number): Promise<LayerBlock[]>;
}

/** A reader of these layers; what σ is at zero is asked of the ops once. */
export async function layerReader(study: Study, transformations: readonly Transformation[]): Promise<LayerReader> {
  const atZero: AtZero[] = [];
  for (const transformation of transformations) atZero.push(await activationAtZero(study, transformation));
  const nodes = transformations.flatMap(({ input, activity, value }) => [input, activity, value]);
  const width = transformations.reduce((sum, { inputSize, size }) => sum + inputSize + 3 * size, 0);
  return {
    blockSize: (perSample = 0) =>
      Math.max(1, Math.min(study.blockSize(64), Math.floor(study.memory / 8 / (4 * (width + perSample))))),
    async read(start, end) {
      study.checkpoint();
      const values = await study.values(nodes, start, end);
      return transformations.map((transformation, t) => {
        const [h, z, given] = [values[3 * t]!.data, values[3 * t + 1]!.data, values[3 * t + 2]!.data];
        const { stripped, size } = transformation;
        const y = stripped === null ? given : restored(stripped, z, size);
        return { count: end - start, h, y, s: ratios(y, z, atZero[t]!) };
      });
    },
  };
}

/** σ(0) and σ'(0) of every output, or once where they are the same for all. */
interface AtZero {
  readonly value: Float32Array;
  readonly slope: Float32Array;
}

/** s = y/z, with the rule for z = 0. */
function ratios(y: Float32Array, z: Float32Array, atZero: AtZero): Float32Array {
  const s = new Float32Array(z.length);
  for (let i = 0; i < z.length; i++) {
    const zi = z[i]!;
    if (atZero.value[i % atZero.value.length] !== 0) s[i] = Math.abs(zi) < NEAR_ZERO ? 0 : y[i]! / zi;
    else s[i] = zi === 0 ? atZero.slope[i % atZero.slope.length]! : y[i]! / zi;
  }
  return s;
}

/** The softmax (over a sample's outputs) or sigmoid that was taken off. */
function restored(kind: 'softmax' | 'sigmoid', z: Float32Array, size: number): Float32Array {
  if (kind === 'sigmoid') return z.map((x) => 1 / (1 + Math.exp(-x)));
  const y = new Float32Array(z.length);
  for (let start = 0; start < z.length; start += size) {
    let top = -Infinity;
    for (let i = start; i < start + size; i++) top = Math.max(top, z[i]!);
    let sum = 0;
    for (let i = start; i < start + size; i++) sum += Math.exp(z[i]! - top);
    for (let i = start; i < start + size; i++) y[i] = Math.exp(z[i]! - top) / sum;
  }
  return y;
}

/** 0 and 1 without an activation function. */
async function activationAtZero(study: Study, { activity, value, stripped, size }: Transformation): Promise<AtZero> {
  if (stripped !== null) return { value: Float32Array.of(1), slope: Float32Array.of(0) };
  if (activity === value) return { value: Float32Array.of(0), slope: Float32Array.of(1) };
  const node = nodeOf(study.network, value);
  const shape: Shape = nodeOf(study.network, activity).shape;
  const opNode = { ...node, inputShapes: node.inputs.map((id) => nodeOf(study.network, id).shape) };
  const program = await study.backend.compile([shape, shape], (k, [zero, one]) => {
    const op = opOf(node.op);
    const output = op.forward(k, [zero!], opNode);
    return [output, op.linearise(k, [zero!], output, opNode, 'taylor', [true]).apply([one!])];
  });
  try {
    const zeros = { data: new Float32Array(size), shape: [1, ...shape] };
    const [at, slope] = await program.run([zeros, { data: new Float32Array(size).fill(1), shape: [1, ...shape] }]);
    return { value: onceIfEqual(at!.data), slope: onceIfEqual(slope!.data) };
  } finally {
    program.dispose();
  }
}

function onceIfEqual(values: Float32Array): Float32Array {
  return values.every((x) => x === values[0]) ? values.slice(0, 1) : values;
}

/** W̃ = [W b] as an operator on vectors with one more entry, by products only; b is the constant of every output position. */
export async function affineOperator(
  study: Study,
  { input, activity, inputSize }: Transformation,
): Promise<LinearOperator & { readonly bias: Float32Array }> {
  const map = await study.map(0, { from: input, to: activity, mode: 'frozen' });
  const bias = map.offset;
  return {
    domain: [inputSize + 1],
    codomain: map.codomain,
    backend: study.backend,
    bias,
    async apply({ count, size, data }: Block) {
      study.checkpoint();
      const front = new Float32Array(count * inputSize);
      for (let r = 0; r < count; r++) front.set(data.subarray(r * size, r * size + inputSize), r * inputSize);
      const image = await map.apply({ count, size: inputSize, data: front });
      for (let r = 0; r < count; r++) {
        const last = data[r * size + inputSize]!;
        if (last !== 0) for (let o = 0; o < bias.length; o++) image.data[r * bias.length + o]! += last * bias[o]!;
      }
      return image;
    },
    async transpose(block: Block) {
      study.checkpoint();
      const image = await map.transpose(block);
      const data = new Float32Array(block.count * (inputSize + 1));
      for (let r = 0; r < block.count; r++) {
        data.set(image.data.subarray(r * inputSize, (r + 1) * inputSize), r * (inputSize + 1));
        let sum = 0;
        for (let o = 0; o < bias.length; o++) sum += bias[o]! * block.data[r * bias.length + o]!;
        data[r * (inputSize + 1) + inputSize] = sum;
      }
      return { count: block.count, size: inputSize + 1, data };
    },
  };
}
