// Small networks grown at random: images of a few pixels, every op in some block, branches that part and meet again.
import { sizeOf, type Shape, type Tensor } from '../../analysis/kernels/kernels.ts';
import type { Network, Node, NodeId } from '../../analysis/network/network.ts';
import { opOf } from '../../analysis/ops/index.ts';
import { random, type Random } from '../../analysis/random.ts';

/** Where a network grows: adds nodes and tells their shapes. */
interface Ground {
  readonly random: Random;
  add(op: string, inputs: NodeId[], attributes?: Record<string, unknown>, parameters?: Record<string, Tensor>): NodeId;
  shape(id: NodeId): Shape;
  weights(shape: Shape, options?: { scale?: number; shift?: number }): Tensor;
  constant(value: Tensor): NodeId;
}

interface Block {
  readonly name: string;
  /** True where it has kinks or ties, so that a step of a finite difference may meet one. */
  readonly kinked?: boolean;
  /** From an image [1, C, H, W] with H, W ≥ 3 to another. */
  grow(ground: Ground, x: NodeId): NodeId;
}

const one = (value: number): Tensor => ({ data: Float32Array.of(value), shape: [] });

function conv(
  g: Ground,
  x: NodeId,
  outputs: number,
  kernel = 1,
  { strides = 1, dilations = 1, groups = 1 } = {},
): NodeId {
  const channels = g.shape(x)[1]! / groups;
  const weight = g.weights([outputs, channels, kernel, kernel], { scale: 1 / Math.sqrt(channels * kernel ** 2) });
  const around = ((kernel - 1) * dilations) / 2;
  const pads = [Math.floor(around), Math.ceil(around), Math.ceil(around), Math.floor(around)];
  const attributes = { strides: [strides, strides], dilations: [dilations, dilations], pads, groups };
  return g.add('conv', [x], attributes, { weight, bias: g.weights([outputs], { scale: 0.3 }) });
}

const channelsOf = (g: Ground, x: NodeId): number => g.shape(x)[1]!;

/** z² + 0.3 or its negative: away from 0, where frozen ratios of functions with σ(0) ≠ 0 grow without bound. */
function awayFromZero(g: Ground, x: NodeId, sign = g.random.integer(2)): NodeId {
  const square = g.add('power', [g.add('tanh', [x])], { exponent: 2 });
  const raised = g.add('add', [square, g.constant(one(0.3))]);
  return sign === 0 ? raised : g.add('neg', [raised]);
}

const elementwise = (op: string, attributes: Record<string, unknown> = {}, kinked = false): Block => ({
  name: op,
  kinked,
  grow: (g, x) => g.add(op, [x], attributes),
});

const kinkedActivations: Block[] = [
  elementwise('relu', {}, true),
  elementwise('leaky-relu', { alpha: 0.2 }, true),
  elementwise('clip', { min: -0.5, max: 1 }, true),
  elementwise('abs', {}, true),
  elementwise('hard-sigmoid', {}, true),
  elementwise('thresholded-relu', { alpha: 0.3 }, true),
  elementwise('shrink', { lambda: 0.3, bias: 0.2 }, true),
  elementwise('hard-swish', {}, true),
  elementwise('elu', { alpha: 0.7 }, true),
  elementwise('selu', {}, true),
  {
    name: 'parametric-relu',
    kinked: true,
    grow: (g, x) => g.add('parametric-relu', [x], {}, { slope: g.weights([channelsOf(g, x), 1, 1]) }),
  },
];

const smoothFunctions: Block[] = [
  ...['tanh', 'softsign', 'celu', 'silu', 'mish', 'erf', 'sin', 'neg', 'identity'].map((op) => elementwise(op)),
  elementwise('gelu'),
  elementwise('gelu', { approximate: 'tanh' }),
  ...['sigmoid', 'softplus', 'log-sigmoid', 'exp', 'cos'].map((op) => ({
    name: op,
    grow: (g: Ground, x: NodeId) => g.add(op, [awayFromZero(g, x)]),
  })),
  ...['log', 'sqrt', 'reciprocal'].map((op) => ({
    name: op,
    grow: (g: Ground, x: NodeId) => g.add(op, [awayFromZero(g, x, 0)]),
  })),
  { name: 'power', grow: (g, x) => g.add('power', [awayFromZero(g, x, 0)], { exponent: -0.5 }) },
];

const convolutions: Block[] = [
  { name: 'conv', grow: (g, x) => conv(g, x, 2 + g.random.integer(3), 1 + g.random.integer(3)) },
  { name: 'conv, strided', grow: (g, x) => conv(g, x, 4, 3, { strides: 2 }) },
  { name: 'conv, dilated', grow: (g, x) => conv(g, x, 3, 3, { dilations: 2 }) },
  { name: 'conv, depthwise', grow: (g, x) => conv(g, x, 2 * channelsOf(g, x), 3, { groups: channelsOf(g, x) }) },
  {
    name: 'conv-transpose',
    grow(g, x) {
      const weight = g.weights([channelsOf(g, x), 2, 3, 3], { scale: 0.4 });
      const geometry = { strides: [2, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1, outputPadding: [1, 0] };
      return g.add('conv-transpose', [x], geometry, { weight, bias: g.weights([2]) });
    },
  },
  {
    name: 'max-pool',
    kinked: true,
    grow: (g, x) =>
      g.add('max-pool', [x], {
        kernel: [2, 3],
        strides: [2, 1],
        dilations: [1, 1],
        pads: [0, 1, 1, 1],
        ceilMode: false,
      }),
  },
  {
    name: 'average-pool',
    grow: (g, x) =>
      g.add('average-pool', [x], { kernel: [2, 2], strides: [1, 2], dilations: [1, 1], pads: [0, 1, 1, 0] }),
  },
];

const normalisations: Block[] = [
  {
    name: 'batch-norm',
    grow(g, x) {
      const shape = [channelsOf(g, x)];
      const variance = g.weights(shape, { scale: 0.1, shift: 1 });
      const parameters = {
        mean: g.weights(shape),
        variance,
        scale: g.weights(shape, { shift: 1 }),
        bias: g.weights(shape),
      };
      return g.add('batch-norm', [x], { epsilon: 1e-3 }, parameters);
    },
  },
  {
    name: 'instance-norm',
    grow(g, x) {
      const shape = [channelsOf(g, x)];
      return g.add('instance-norm', [x], { epsilon: 1e-2 }, { scale: g.weights(shape), bias: g.weights(shape) });
    },
  },
  {
    name: 'group-norm',
    grow(g, x) {
      const wide = conv(g, x, 4);
      return g.add('group-norm', [wide], { groups: 2, epsilon: 1e-2 }, { scale: g.weights([4]), bias: g.weights([4]) });
    },
  },
  {
    name: 'layer-norm',
    grow(g, x) {
      const shape = [g.shape(x)[3]!];
      return g.add('layer-norm', [x], { axis: -1, epsilon: 1e-1 }, { scale: g.weights(shape), bias: g.weights(shape) });
    },
  },
  { name: 'mvn', grow: (g, x) => g.add('mvn', [x], { axes: [0, 2, 3], epsilon: 1e-2 }) },
  {
    name: 'local-response-norm',
    grow: (g, x) => g.add('local-response-norm', [x], { size: 3, alpha: 0.5, beta: 0.75, bias: 1 }),
  },
];

const meetings: Block[] = [
  { name: 'add', grow: (g, x) => g.add('add', [x, conv(g, x, channelsOf(g, x), 3)]) },
  { name: 'add, a constant', grow: (g, x) => g.add('add', [g.constant(g.weights([channelsOf(g, x), 1, 1])), x]) },
  { name: 'add, three', grow: (g, x) => g.add('add', [x, conv(g, x, channelsOf(g, x)), conv(g, x, 1, 3)]) },
  { name: 'subtract', grow: (g, x) => g.add('subtract', [conv(g, x, channelsOf(g, x), 3), x]) },
  {
    name: 'concat',
    grow: (g, x) => g.add('concat', [conv(g, x, 2), x, conv(g, x, 1, 3)], { axis: 1 }),
  },
  {
    name: 'concat, one branch linear',
    grow: (g, x) => g.add('concat', [conv(g, x, 2), g.add('tanh', [conv(g, x, 2)])], { axis: 1 }),
  },
  {
    name: 'concat, a constant beside',
    grow(g, x) {
      const [, , height, width] = g.shape(x);
      return g.add('concat', [g.constant(g.weights([1, 1, height!, width!])), x], { axis: 1 });
    },
  },
  { name: 'maximum', kinked: true, grow: (g, x) => g.add('maximum', [x, conv(g, x, channelsOf(g, x))]) },
  { name: 'minimum', kinked: true, grow: (g, x) => g.add('maximum', [x], { kind: 'min', constant: 0.4 }) },
  {
    name: 'multiply, a gate per channel',
    grow(g, x) {
      const squeezed = g.add('reduce', [x], { kind: 'mean', axes: [2, 3], keepDims: true });
      return g.add('multiply', [x, g.add('sigmoid', [conv(g, squeezed, channelsOf(g, x))])], { gate: 1 });
    },
  },
  {
    name: 'multiply, no gate',
    grow: (g, x) => g.add('multiply', [g.add('tanh', [x]), conv(g, x, channelsOf(g, x))], { gate: null }),
  },
  { name: 'multiply, a constant', grow: (g, x) => g.add('multiply', [x, g.constant(one(-0.7))], { gate: null }) },
  { name: 'divide', grow: (g, x) => g.add('divide', [x, awayFromZero(g, conv(g, x, 1))]) },
  { name: 'divide, a constant', grow: (g, x) => g.add('divide', [x, g.constant(one(2))]) },
  {
    name: 'attention',
    grow(g, x) {
      const [batch, channels, height, width] = g.shape(x) as [number, number, number, number];
      const tokens = (image: NodeId) =>
        g.add('transpose', [g.add('reshape', [image], { shape: [batch, channels, height * width] })], {
          perm: [0, 2, 1],
        });
      const [q, k, v] = [conv(g, x, channels), conv(g, x, channels), x].map(tokens) as [NodeId, NodeId, NodeId];
      const scores = g.add('mat-mul', [q, k], { gate: null, transposeB: true });
      const mixed = g.add('mat-mul', [g.add('softmax', [scores], { axis: -1 }), v], { gate: 0 });
      const back = g.add('transpose', [mixed], { perm: [0, 2, 1] });
      return g.add('add', [x, g.add('reshape', [back], { shape: [batch, channels, height, width] })]);
    },
  },
];

const shapes: Block[] = [
  { name: 'pad, constant', grow: (g, x) => g.add('pad', [x], { pads: [0, 0, 1, 0, 0, 0, 0, 2], value: 0.5 }) },
  { name: 'pad, reflect', grow: (g, x) => g.add('pad', [x], { mode: 'reflect', pads: [0, 0, 2, 1, 0, 0, 1, 0] }) },
  { name: 'pad, edge', grow: (g, x) => g.add('pad', [x], { mode: 'edge', pads: [0, 0, 0, 2, 0, 0, 1, 1] }) },
  {
    name: 'slice',
    grow: (g, x) => g.add('slice', [x], { axes: [2, 3], starts: [1, -1], ends: [100, -100], steps: [1, -1] }),
  },
  {
    name: 'resize, nearest',
    grow: (g, x) => g.add('resize', [x], { mode: 'nearest', sizes: doubled(g.shape(x)), coordinates: 'asymmetric' }),
  },
  {
    name: 'resize, linear',
    grow: (g, x) => g.add('resize', [x], { mode: 'linear', sizes: [...g.shape(x).slice(0, 2), 5, 4] }),
  },
  {
    name: 'resize, cubic',
    grow: (g, x) => g.add('resize', [x], { mode: 'cubic', sizes: [...g.shape(x).slice(0, 2), 4, 5] }),
  },
  {
    name: 'depth-to-space',
    grow: (g, x) =>
      g.add('depth-to-space', [conv(g, x, 8)], { blockSize: 2, mode: g.random.integer(2) ? 'DCR' : 'CRD' }),
  },
  {
    name: 'space-to-depth',
    grow: (g, x) =>
      g.add('space-to-depth', [g.add('resize', [x], { mode: 'linear', sizes: [...g.shape(x).slice(0, 2), 6, 6] })], {
        blockSize: 2,
      }),
  },
  {
    name: 'gather',
    grow: (g, x) => g.add('gather', [x], { axis: 1, indices: [0, -1, 0].slice(0, 1 + g.random.integer(3)) }),
  },
  { name: 'tile', grow: (g, x) => g.add('tile', [x], { repeats: [1, 2, 1, 1] }) },
  {
    name: 'expand',
    grow(g, x) {
      const mean = g.add('reduce', [x], { kind: 'mean', axes: [1, 2], keepDims: true });
      return g.add('subtract', [x, g.add('expand', [mean], { shape: g.shape(x) })]);
    },
  },
  {
    name: 'reduce, max',
    kinked: true,
    grow: (g, x) => g.add('add', [x, g.add('reduce', [x], { kind: 'max', axes: [2, 3], keepDims: true })]),
  },
  {
    name: 'reduce, l2',
    grow: (g, x) => g.add('add', [x, g.add('reduce', [x], { kind: 'l2', axes: [1], keepDims: true })]),
  },
  {
    name: 'transpose',
    grow: (g, x) =>
      g.add('transpose', [g.add('tanh', [g.add('transpose', [x], { perm: [0, 2, 3, 1] })])], { perm: [0, 3, 2, 1] }),
  },
  {
    name: 'log-softmax',
    grow: (g, x) => g.add('log-softmax', [awayFromZero(g, conv(g, x, 3), 0)], { axis: 1 }),
  },
];

function doubled(shape: Shape): number[] {
  return shape.map((n, axis) => (axis < 2 ? n : 2 * n));
}

/** Every block; the piecewise ones have kinks. */
export const blocks: readonly Block[] = [
  ...kinkedActivations,
  ...smoothFunctions,
  ...convolutions,
  ...normalisations,
  ...meetings,
  ...shapes,
];

/** Blocks dealt like cards: all of them come before any comes again. */
export function deckOf(cards: readonly Block[], seed: number): () => Block {
  const r = random(seed, 'deck');
  let left: number[] = [];
  return () => {
    if (left.length === 0) left = r.permutation(cards.length);
    return cards[left.pop()!]!;
  };
}

export interface Grown {
  readonly network: Network;
  readonly blocks: readonly string[];
  /** Nodes between blocks, from which a map can start too. */
  readonly joints: readonly NodeId[];
}

/** An image, some blocks, and a dense head of three outputs. */
export function randomNetwork(seed: number, draw: () => Block): Grown {
  const r = random(seed, 'network');
  const nodes: Node[] = [];
  const shapeOf = (id: NodeId): Shape => nodes.find((node) => node.id === id)!.shape;
  const push = (node: Omit<Node, 'id' | 'name'>): NodeId => {
    const id = `${node.op} ${nodes.length}`;
    nodes.push({ ...node, id, name: id });
    return id;
  };
  const ground: Ground = {
    random: r,
    shape: shapeOf,
    add(op, inputs, attributes = {}, parameters = {}) {
      const shape = opOf(op).shape({ attributes, parameters, inputShapes: inputs.map(shapeOf) });
      return push({ op, inputs, attributes, parameters, shape });
    },
    weights: (shape, { scale = 0.5, shift = 0 } = {}) => ({
      data: r.normals(sizeOf(shape)).map((x) => scale * x + shift),
      shape,
    }),
    constant: (value) =>
      push({ op: 'constant', inputs: [], attributes: {}, parameters: { value }, shape: value.shape }),
  };

  const input = push({ op: 'input', inputs: [], attributes: {}, parameters: {}, shape: [1, 2, 4 + r.integer(2), 4] });
  const drawn: string[] = [];
  const joints: NodeId[] = [];
  let x = input;
  for (let i = 2 + r.integer(4); i > 0; i--) {
    const block = draw();
    drawn.push(block.name);
    x = kept(ground, block.grow(ground, x));
    joints.push(x);
  }
  const flat = ground.add('reshape', [x], { shape: [1, sizeOf(shapeOf(x))] });
  const hidden = ground.add('dense', [flat], {}, denseOf(ground, flat, 6));
  const output = ground.add('dense', [ground.add('tanh', [hidden])], {}, denseOf(ground, hidden, 3));
  return {
    blocks: drawn,
    joints,
    network: {
      name: `random ${seed}`,
      format: 'onnx',
      sha256: '',
      nodes,
      input,
      otherInputs: [],
      output,
      otherOutputs: [],
      stripped: null,
      layout: { kind: 'image', channelAxis: 1, heightAxis: 2, widthAxis: 3 },
      preprocessing: { scale: 1, mean: [], std: [], channelOrder: 'rgb', size: null, source: 'assumed' },
      classNames: null,
      parameterCount: 0,
      notes: [],
    },
  };
}

function denseOf(g: Ground, x: NodeId, outputs: number): Record<string, Tensor> {
  const inputs = g.shape(x).at(-1)!;
  return { weight: g.weights([outputs, inputs], { scale: 1 / Math.sqrt(inputs) }), bias: g.weights([outputs]) };
}

/** Back to a size that every block takes and that stays quick: 3 to 8 pixels a side, at most 6 channels. */
function kept(g: Ground, x: NodeId): NodeId {
  const [batch, channels, height, width] = g.shape(x) as [number, number, number, number];
  const sizes = [batch, channels, clamp(height), clamp(width)];
  const sized = sizes.some((n, i) => n !== g.shape(x)[i]) ? g.add('resize', [x], { mode: 'linear', sizes }) : x;
  return channels > 6 ? conv(g, sized, 3) : sized;
}

function clamp(size: number): number {
  return Math.min(Math.max(size, 3), 8);
}
