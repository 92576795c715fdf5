// Small random classifiers with samples, for tests of methods: a chain of every kind of layer, and one with a shortcut.
import type { Backend, Tensor } from '../../analysis/kernels/kernels.ts';
import { sizeOf, type Shape } from '../../analysis/kernels/kernels.ts';
import { withoutBias } from '../../analysis/methods/feature-recursion.ts';
import type { LayerStack } from '../../analysis/methods/stacked-svd.ts';
import { canonical } from '../../analysis/network/canonical.ts';
import type { Network, Node } from '../../analysis/network/network.ts';
import { opOf } from '../../analysis/ops/index.ts';
import { random } from '../../analysis/random.ts';
import type { Study } from '../../analysis/study.ts';
import { samplesOf, studyOf, type TestStudy } from '../support/study.ts';

/** Adds nodes to a network, shapes found by their ops. */
export function builder(input: Shape, seed: number) {
  const draw = random(seed, 'small network');
  const nodes: Node[] = [{ id: 'x', op: 'input', inputs: [], attributes: {}, parameters: {}, shape: input, name: 'x' }];
  const weights = (shape: Shape, scale: number, shift = 0): Tensor => ({
    data: draw.normals(sizeOf(shape)).map((x) => x * scale + shift),
    shape,
  });
  const add = (
    id: string,
    op: string,
    inputs: string[],
    attributes: Record<string, unknown> = {},
    parameters: Record<string, Tensor> = {},
  ): string => {
    const inputShapes = inputs.map((name) => nodes.find((node) => node.id === name)!.shape);
    const shape = opOf(op).shape({ attributes, parameters, inputShapes });
    nodes.push({ id, op, inputs, attributes, parameters, shape, name: id });
    return id;
  };
  const network = (output: string): Network => ({
    name: 'small',
    format: 'onnx',
    sha256: '0'.repeat(64),
    nodes,
    input: 'x',
    otherInputs: [],
    output,
    otherOutputs: [],
    stripped: null,
    layout: { kind: 'image', channelAxis: 1, heightAxis: 2, widthAxis: 3 },
    preprocessing: { scale: 1, mean: [0], std: [1], channelOrder: 'grey', size: null, source: 'assumed' },
    classNames: null,
    parameterCount: 0,
    notes: [],
  });
  return { add, weights, network, draw };
}

const around = { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1 };

/** conv → batch norm → tanh → max pool → conv → ReLU → average pool → dense → softmax on 6 × 6 pixels, 12 samples of 3 classes. */
export async function chainNetwork(backend: Backend, settings: Record<string, unknown>): Promise<TestStudy> {
  const { add, weights, network, draw } = builder([1, 1, 6, 6], 4);
  add('conv1', 'conv', ['x'], around, { weight: weights([3, 1, 3, 3], 0.5), bias: weights([3], 0.3) });
  const statistics = {
    scale: weights([3], 0.2, 1),
    bias: weights([3], 0.2),
    mean: weights([3], 0.2),
    variance: weights([3], 0.05, 1),
  };
  add('norm', 'batch-norm', ['conv1'], { epsilon: 1e-5 }, statistics);
  add('tanh', 'tanh', ['norm']);
  const pool = { kernel: [2, 2], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0] };
  add('pool', 'max-pool', ['tanh'], pool);
  add('conv2', 'conv', ['pool'], around, { weight: weights([4, 3, 3, 3], 0.4), bias: weights([4], 0.3) });
  add('relu', 'relu', ['conv2']);
  add('flat', 'reshape', ['relu'], { shape: [1, 36] });
  add('fc', 'dense', ['flat'], {}, { weight: weights([3, 36], 0.4), bias: weights([3], 0.3) });
  const count = 12;
  const labels = Array.from({ length: count }, (_, i) => i % 3);
  const inputs = draw.normals(count * 36).map((x, i) => x + labels[Math.floor(i / 36)]! * (i % 5 === 0 ? 1 : 0));
  const found = network('fc');
  const classifier = { ...canonical(found), stripped: 'softmax' as const };
  return studyOf(classifier, samplesOf(classifier, inputs, labels), backend, settings);
}

/** conv → ReLU a; conv of it → ReLU b; conv of that + a → ReLU c → dense: b and a both reach the dense layer, a also through b. */
export async function branchedNetwork(backend: Backend) {
  const { add, weights, network, draw } = builder([1, 1, 4, 4], 5);
  const conv = (id: string, from: string, channels: number): string =>
    add(id, 'conv', [from], around, { weight: weights([3, channels, 3, 3], 0.4), bias: weights([3], 0.2) });
  add('a', 'relu', [conv('conv1', 'x', 1)]);
  add('b', 'relu', [conv('conv2', 'a', 3)]);
  add('sum', 'add', [conv('conv3', 'b', 3), 'a']);
  add('c', 'relu', ['sum']);
  add('flat', 'reshape', ['c'], { shape: [1, 48] });
  add('fc', 'dense', ['flat'], {}, { weight: weights([3, 48], 0.4), bias: weights([3], 0.3) });
  const found = canonical(network('fc'));
  const labels = Array.from({ length: 8 }, (_, i) => i % 3);
  const opened = await studyOf(found, samplesOf(found, draw.normals(8 * 16), labels), backend, { k: 200 });
  return { ...opened, expectedPullback };
}

/** conv → ReLU a; conv of a beside x itself → ReLU → dense: x reaches the second convolution on its own, and through a. */
export async function inputBesideNetwork(backend: Backend) {
  const { add, weights, network, draw } = builder([1, 1, 4, 4], 6);
  add('conv1', 'conv', ['x'], around, { weight: weights([3, 1, 3, 3], 0.4), bias: weights([3], 0.2) });
  add('a', 'relu', ['conv1']);
  add('both', 'concat', ['a', 'x'], { axis: 1 });
  add('conv2', 'conv', ['both'], around, { weight: weights([3, 4, 3, 3], 0.4), bias: weights([3], 0.2) });
  add('b', 'relu', ['conv2']);
  add('flat', 'reshape', ['b'], { shape: [1, 48] });
  add('fc', 'dense', ['flat'], {}, { weight: weights([3, 48], 0.4), bias: weights([3], 0.3) });
  const found = canonical(network('fc'));
  const labels = Array.from({ length: 8 }, (_, i) => i % 3);
  const opened = await studyOf(found, samplesOf(found, draw.normals(8 * 16), labels), backend, { k: 200 });
  return { ...opened, expectedPullback };
}

/** With every feature kept, nothing is truncated: v_jᵀ times the network's own frozen map from the input, as pictures. */
async function expectedPullback(study: Study, stacks: readonly LayerStack[], count: number): Promise<number[]> {
  const { transformation, k } = stacks.at(-1)!;
  const vectors = withoutBias(stacks.at(-1)!);
  const result: number[] = [];
  for (let i = 0; i < count; i++) {
    const map = await study.map(i, { from: study.network.input, to: transformation.input, mode: 'frozen' });
    const pulled = await map.transpose({ count: k, size: vectors.length / k, data: vectors });
    result.push(...pulled.data);
  }
  return result;
}
