// What the ops of TensorFlow graphs become. Most stand for one node of ours; fused ones for several in a row.
import type { Shape, Tensor } from '../kernels/kernels.ts';
import {
  broadcastShapes,
  normalAxes,
  reshapedTo,
  squeezedShape,
  unsqueezedShape,
  type Constant,
} from '../network/constant-folding.ts';
import { samePads } from '../ops/conv.ts';
import { inverse, rearranged, type View, type ViewBuilder } from './axis-order.ts';
import { einsumOfViews } from './einsum.ts';
import type { Draft } from './graph.ts';

/** One node of the graph, as its conversion sees it. */
export interface GraphUse {
  readonly g: ViewBuilder;
  readonly op: string;
  readonly id: string;
  readonly inputs: number;
  readonly outputs: number;
  view(i: number): View;
  shape(i: number): Shape;
  /** Input i where it is known before the network runs. */
  constant(i: number): Constant | undefined;
  /** Input i as numbers that must be known. */
  list(i: number, what: string): readonly number[];
  /** Input i as a weight. */
  weight(i: number): Weight;
  number(key: string, fallback: number): number;
  flag(key: string, fallback: boolean): boolean;
  word(key: string, fallback: string): string;
  numbers(key: string): readonly number[];
  words(key: string): readonly string[];
  refuse(reason: string): never;
}

interface Weight {
  readonly tensor: Tensor;
  readonly name: string | undefined;
}

/** One view per output; a single one stands for the first. */
export type GraphConversion = (c: GraphUse) => View | readonly View[];

const product = { gate: null };

/** Where batch, channels and space are in a node's data. */
function dataAxes(c: GraphUse, rank: number): { channel: number; first: number } {
  const format = c.word('data_format', 'NHWC');
  if (!/^(NHWC|NCHW|NWC|NCW|NDHWC|NCDHW)$/.test(format)) c.refuse(`data_format "${format}"`);
  return format.endsWith('C') ? { channel: rank - 1, first: 1 } : { channel: 1, first: 2 };
}

/** A setting with one entry per axis of the data, as one entry per spatial axis. */
function perSpace(c: GraphUse, key: string, rank: number, needed = false): number[] {
  const list = c.numbers(key);
  if (list.length === 0 && !needed) return new Array<number>(rank - 2).fill(1);
  const { channel, first } = dataAxes(c, rank);
  if (list.length !== rank) c.refuse(`${key} of ${list.length} axes`);
  const sizes = list.slice(first, first + rank - 2);
  if (list[0] !== 1 || list[channel] !== 1 || sizes.some((n) => n < 1)) c.refuse(`${key} ${list.join(', ')}`);
  return sizes;
}

function spaceOf(c: GraphUse, shape: Shape): Shape {
  const { first } = dataAxes(c, shape.length);
  return shape.slice(first, first + shape.length - 2);
}

interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
}

function padsOf(c: GraphUse, sizes: Shape, { kernel, strides, dilations }: Window): number[] {
  const padding = c.word('padding', 'VALID');
  if (padding === 'SAME') return samePads(sizes, kernel, strides, dilations);
  if (padding === 'EXPLICIT') {
    const list = c.numbers('explicit_paddings');
    const { first } = dataAxes(c, sizes.length + 2);
    if (list.length !== 2 * (sizes.length + 2)) c.refuse('its explicit paddings');
    return [0, 1].flatMap((side) => sizes.map((_, i) => list[2 * (first + i) + side]!));
  }
  return padding === 'VALID' ? [...kernel, ...kernel].map(() => 0) : c.refuse(`padding "${padding}"`);
}

/** Convolution weights [...k, in, out] as [out, in, ...k]. */
function convKernel(tensor: Tensor): Tensor {
  const axes = tensor.shape.length - 2;
  return rearranged(tensor, [axes + 1, axes, ...Array.from({ length: axes }, (_, i) => i)]);
}

function depthwiseKernel(tensor: Tensor): Tensor {
  const [height, width, channels, multiplier] = tensor.shape as [number, number, number, number];
  return rearranged(tensor, [2, 3, 0, 1], [channels * multiplier, 1, height, width]);
}

function convolution(c: GraphUse, id: string, kind: 'full' | 'depthwise', bias?: Tensor): View {
  const { tensor, name } = c.weight(1);
  const shape = c.shape(0);
  const rank = shape.length;
  if (tensor.shape.length !== rank || rank < 3) c.refuse(`a kernel of ${tensor.shape.length} axes`);
  const weight = kind === 'full' ? convKernel(tensor) : depthwiseKernel(tensor);
  const kernel = weight.shape.slice(2);
  const strides = perSpace(c, 'strides', rank);
  const dilations = perSpace(c, 'dilations', rank);
  const { id: input, order } = c.g.channelsFirst(c.view(0), dataAxes(c, rank).channel);
  const channels = shape[dataAxes(c, rank).channel]!;
  const groups = kind === 'depthwise' ? channels : channels / weight.shape[1]!;
  if (!Number.isInteger(groups)) c.refuse(`a kernel for ${weight.shape[1]} of ${channels} channels`);
  const pads = padsOf(c, spaceOf(c, shape), { kernel, strides, dilations });
  const draft: Draft = {
    op: 'conv',
    inputs: [input],
    attributes: { strides, dilations, pads, groups },
    parameters: { weight, bias },
    weightName: name,
  };
  return c.g.add(id, c.id, draft, order);
}

const conv =
  (kind: 'full' | 'depthwise'): GraphConversion =>
  (c) =>
    convolution(c, c.id, kind);

/** What follows a fused product, in order: a bias, a normalisation, an activation. */
function fused(c: GraphUse, head: (id: string, bias?: Tensor) => View): View {
  const ops = c.words('fused_ops');
  let next = 2;
  let rest = [...ops];
  let bias: Tensor | undefined;
  if (rest[0] === 'BiasAdd') {
    bias = vector(c.weight(next++).tensor);
    rest = rest.slice(1);
  }
  let value = head(rest.length === 0 ? c.id : `${c.id}/linear`, bias);
  rest.forEach((op, i) => {
    const id = i === rest.length - 1 ? c.id : `${c.id}/${op}`;
    if (op === 'Prelu') value = parametricRelu(c, id, value, next++);
    else if (op === 'FusedBatchNorm') {
      value = normalised(c, id, value, next, c.number('epsilon', 1e-3));
      next += 4;
    } else {
      const entry = Object.hasOwn(activations, op) ? activations[op]! : c.refuse(`with ${op} fused into it`);
      const attributes = op === 'LeakyRelu' ? { alpha: c.number('leakyrelu_alpha', 0.2) } : entry[1];
      value = c.g.elementwise(id, c.id, entry[0], value, { attributes });
    }
  });
  return value;
}

const vector = ({ data }: Tensor): Tensor => ({ data, shape: [data.length] });

function parametricRelu(c: GraphUse, id: string, x: View, at: number): View {
  const { tensor, name } = c.weight(at);
  const rank = x.order.length;
  const lifted = [...new Array<number>(Math.max(0, rank - tensor.shape.length)).fill(1), ...tensor.shape];
  if (lifted.length !== rank) c.refuse(`slopes of ${tensor.shape.length} axes`);
  const slope = rearranged({ data: tensor.data, shape: lifted }, inverse(x.order));
  return c.g.elementwise(id, c.id, 'parametric-relu', x, { parameters: { slope }, weightName: name });
}

function normalised(c: GraphUse, id: string, x: View, at: number, epsilon: number): View {
  const [scale, bias, mean, variance] = [0, 1, 2, 3].map((i) => c.weight(at + i).tensor);
  const { channel } = dataAxes(c, x.order.length);
  return c.g.add(
    id,
    c.id,
    {
      op: 'batch-norm',
      inputs: [x.id],
      attributes: { axis: x.order[channel]!, epsilon },
      parameters: { scale, bias, mean, variance },
    },
    x.order,
  );
}

const batchNorm: GraphConversion = (c) => {
  if (c.flag('is_training', true)) c.refuse('in training mode');
  return normalised(c, c.id, c.view(0), 1, c.number('epsilon', 1e-3));
};

const biasAdd: GraphConversion = (c) => {
  const x = c.view(0);
  const rank = x.order.length;
  const { channel } = dataAxes(c, rank);
  const [size, ...more] = c.shape(1);
  if (more.length > 0) c.refuse('a bias of several axes');
  const spread = new Array<number>(rank).fill(1).with(rank === 2 ? 1 : channel, size!);
  return c.g.broadcast(c.id, c.id, 'add', [x, c.g.reshaped(`${c.id}/bias`, c.id, c.view(1), spread)]);
};

/** Output sizes are given; the product is the adjoint of the convolution that leads back from them. */
const convTranspose: GraphConversion = (c) => {
  const wanted = c.list(0, 'output shape');
  const { tensor, name } = c.weight(1);
  const shape = c.shape(2);
  const rank = shape.length;
  if (tensor.shape.length !== rank || wanted.length !== rank) c.refuse('sizes that do not fit');
  const axes = rank - 2;
  // [...k, out, in] as [in, out, ...k].
  const weight = rearranged(tensor, [axes + 1, axes, ...Array.from({ length: axes }, (_, i) => i)]);
  const kernel = weight.shape.slice(2);
  const strides = perSpace(c, 'strides', rank);
  const dilations = perSpace(c, 'dilations', rank);
  const outputs = spaceOf(c, wanted);
  const pads = padsOf(c, outputs, { kernel, strides, dilations });
  const sizes = spaceOf(c, shape);
  const outputPadding = outputs.map((n, i) => {
    const extent = (kernel[i]! - 1) * dilations[i]! + 1;
    return n - ((sizes[i]! - 1) * strides[i]! + extent - pads[i]! - pads[i + axes]!);
  });
  if (outputPadding.some((n) => n < 0)) c.refuse(`an output of ${outputs.join(' × ')}`);
  const { id: input, order } = c.g.channelsFirst(c.view(2), dataAxes(c, rank).channel);
  const draft: Draft = {
    op: 'conv-transpose',
    inputs: [input],
    attributes: { strides, dilations, pads, outputPadding, groups: 1 },
    parameters: { weight },
    weightName: name,
  };
  return c.g.add(c.id, c.id, draft, order);
};

const pool =
  (op: 'max-pool' | 'average-pool'): GraphConversion =>
  (c) => {
    const shape = c.shape(0);
    const rank = shape.length;
    const kernel = perSpace(c, 'ksize', rank, true);
    const strides = perSpace(c, 'strides', rank, true);
    const dilations = kernel.map(() => 1);
    const pads = padsOf(c, spaceOf(c, shape), { kernel, strides, dilations });
    const { id: input, order } = c.g.channelsFirst(c.view(0), dataAxes(c, rank).channel);
    const attributes = { kernel, strides, dilations, pads, ceilMode: false };
    return c.g.add(c.id, c.id, { op, inputs: [input], attributes }, order);
  };

function matrixProduct(c: GraphUse, id: string, transposeA: boolean, transposeB: boolean, bias?: Tensor): View {
  const known = c.constant(1);
  if (known && known.shape.length === 2 && !transposeA) {
    const { tensor, name } = c.weight(1);
    const weight = transposeB ? tensor : rearranged(tensor, [1, 0]);
    const draft: Draft = {
      op: 'dense',
      inputs: [c.g.stored(c.view(0))],
      parameters: { weight, bias },
      weightName: name,
    };
    return c.g.add(id, c.id, draft);
  }
  const draft: Draft = {
    op: 'mat-mul',
    inputs: [c.g.stored(c.view(0)), c.g.stored(c.view(1))],
    attributes: { transposeA, transposeB, gate: null },
  };
  if (!bias) return c.g.add(id, c.id, draft);
  const sum = c.g.constant(`${id}/bias`, bias);
  return c.g.broadcast(id, c.id, 'add', [c.g.add(`${id}/product`, c.id, draft), sum]);
}

const einsumOp: GraphConversion = (c) =>
  einsumOfViews(
    c.g,
    { id: c.id, name: c.id, refuse: (reason) => c.refuse(reason) },
    c.word('equation', ''),
    Array.from({ length: c.inputs }, (_, i) => (c.constant(i) ? c.weight(i) : c.view(i))),
  );

const matMul: GraphConversion = (c) =>
  matrixProduct(c, c.id, c.flag('transpose_a', false), c.flag('transpose_b', false));
const batchMatMul: GraphConversion = (c) => matrixProduct(c, c.id, c.flag('adj_x', false), c.flag('adj_y', false));

const unary =
  (op: string, attributes?: (c: GraphUse) => Record<string, unknown>): GraphConversion =>
  (c) =>
    c.g.elementwise(c.id, c.id, op, c.view(0), { attributes: attributes?.(c) });

const binary =
  (op: string, attributes: Record<string, unknown> = {}): GraphConversion =>
  (c) =>
    c.g.broadcast(c.id, c.id, op, [c.view(0), c.view(1)], { attributes });

const sum: GraphConversion = (c) =>
  c.inputs === 1
    ? c.view(0)
    : c.g.broadcast(
        c.id,
        c.id,
        'add',
        Array.from({ length: c.inputs }, (_, i) => c.view(i)),
      );

const squaredDifference: GraphConversion = (c) => {
  const difference = c.g.broadcast(`${c.id}/difference`, c.id, 'subtract', [c.view(0), c.view(1)]);
  return c.g.broadcast(c.id, c.id, 'multiply', [difference, difference], { attributes: product });
};

const square: GraphConversion = (c) =>
  c.g.broadcast(c.id, c.id, 'multiply', [c.view(0), c.view(0)], { attributes: product });

const power: GraphConversion = (c) => {
  const exponent = c.constant(1) ?? c.refuse('its exponent is computed');
  if (exponent.data.length !== 1) c.refuse('with several exponents');
  return c.g.elementwise(c.id, c.id, 'power', c.view(0), { attributes: { exponent: exponent.data[0]! } });
};

/** Axes of a reduction, counted from 0. */
const reduction =
  (kind: 'mean' | 'sum' | 'max' | 'min'): GraphConversion =>
  (c) => {
    const x = c.view(0);
    const shape = c.shape(0);
    const axes = normalAxes(c.list(1, 'axes'), shape.length);
    const keep = c.flag('keep_dims', c.flag('keepDims', false));
    if (axes.length === 0) return x;
    const attributes = { kind, axes: axes.map((axis) => x.order[axis]!), keepDims: true };
    if (keep) return c.g.elementwise(c.id, c.id, 'reduce', x, { attributes });
    const kept = c.g.elementwise(`${c.id}/kept`, c.id, 'reduce', x, { attributes });
    return c.g.reshaped(
      c.id,
      c.id,
      kept,
      shape.filter((_, axis) => !axes.includes(axis)),
    );
  };

/** Softmax runs over the last axis of the file's order. */
const softmax =
  (op: string): GraphConversion =>
  (c) => {
    const x = c.view(0);
    return c.g.elementwise(c.id, c.id, op, x, { attributes: { axis: x.order.at(-1)! } });
  };

/** Pairs [before, after] for each axis, as pads in the stored order. */
function storedPads(c: GraphUse, x: View): number[] {
  const rank = x.order.length;
  const pairs = c.list(1, 'paddings');
  if (pairs.length !== 2 * rank) c.refuse(`${pairs.length} paddings`);
  const pads = new Array<number>(2 * rank).fill(0);
  x.order.forEach((axis, i) => {
    pads[axis] = pairs[2 * i]!;
    pads[axis + rank] = pairs[2 * i + 1]!;
  });
  return pads;
}

const pad =
  (mode: 'constant' | 'mirror'): GraphConversion =>
  (c) => {
    const x = c.view(0);
    const pads = storedPads(c, x);
    const value = mode === 'constant' && c.inputs > 2 ? (c.list(2, 'value')[0] ?? 0) : 0;
    const named = c.word('mode', 'REFLECT').toLowerCase();
    const attributes = mode === 'constant' ? { mode, pads, value } : { mode: named, pads };
    if (mode === 'mirror' && named !== 'reflect' && named !== 'symmetric') c.refuse(`mode "${named}"`);
    return c.g.elementwise(c.id, c.id, 'pad', x, { attributes });
  };

const resize =
  (mode: 'nearest' | 'linear'): GraphConversion =>
  (c) => {
    const x = c.view(0);
    const [height, width] = c.list(1, 'size');
    const shape = c.shape(0);
    if (shape.length !== 4 || height === undefined || width === undefined) c.refuse('its size');
    const target = [shape[0]!, height, width, shape[3]!];
    const sizes = inverse(x.order).map((axis) => target[axis]!);
    const [corners, halves] = [c.flag('align_corners', false), c.flag('half_pixel_centers', false)];
    const nearest = mode === 'nearest';
    const centres = nearest ? 'tf_half_pixel_for_nn' : 'half_pixel';
    const coordinates = corners ? 'align_corners' : halves ? centres : 'asymmetric';
    const nearestMode = corners ? 'round_prefer_ceil' : 'floor';
    return c.g.elementwise(c.id, c.id, 'resize', x, { attributes: { mode, sizes, coordinates, nearestMode } });
  };

const transpose: GraphConversion = (c) => {
  const perm = c.list(1, 'permutation');
  const rank = c.shape(0).length;
  if (perm.length !== rank || new Set(normalAxes(perm, rank)).size !== rank) c.refuse(`permutation ${perm.join(', ')}`);
  return c.g.transposed(c.view(0), normalAxes(perm, rank));
};

const reshape: GraphConversion = (c) =>
  c.g.reshaped(c.id, c.id, c.view(0), reshapedTo(c.shape(0), c.list(1, 'shape'), true));

const squeeze: GraphConversion = (c) => {
  const axes = c.numbers('squeeze_dims').length > 0 ? c.numbers('squeeze_dims') : c.numbers('axis');
  return c.g.reshaped(c.id, c.id, c.view(0), squeezedShape(c.shape(0), axes.length > 0 ? axes : undefined));
};

const expandDims: GraphConversion = (c) => {
  const [axis] = c.list(1, 'axis');
  return c.g.reshaped(c.id, c.id, c.view(0), unsqueezedShape(c.shape(0), [axis!]));
};

function joined(c: GraphUse, views: readonly View[], axis: number): View {
  if (views.length === 1) return views[0]!;
  const rank = views[0]!.order.length;
  const { order } = views.find((view) => view.order.some((at, i) => at !== i)) ?? views[0]!;
  if (views.some((view) => view.order.length !== rank)) c.refuse('inputs of different numbers of axes');
  const [at] = normalAxes([axis], rank);
  const inputs = views.map((view) => c.g.stored(view, inverse(order)));
  return c.g.add(c.id, c.id, { op: 'concat', inputs, attributes: { axis: order[at!]! } }, order);
}

const concat: GraphConversion = (c) => {
  const [axis] = c.list(c.inputs - 1, 'axis');
  return joined(
    c,
    Array.from({ length: c.inputs - 1 }, (_, i) => c.view(i)),
    axis!,
  );
};

const pack: GraphConversion = (c) => {
  const rank = c.shape(0).length + 1;
  const [axis] = normalAxes([c.number('axis', 0)], rank);
  const views = Array.from({ length: c.inputs }, (_, i) =>
    c.g.reshaped(`${c.id}/${i}`, c.id, c.view(i), unsqueezedShape(c.shape(i), [axis!])),
  );
  return joined(c, views, axis!);
};

/** Parts of these sizes along an axis. */
function parts(c: GraphUse, x: View, axis: number, sizes: readonly number[]): View[] {
  let start = 0;
  return sizes.map((count, i) => {
    const attributes = { axes: [x.order[axis]!], starts: [start], ends: [start + count] };
    start += count;
    return c.g.elementwise(i === 0 ? c.id : `${c.id}/${i}`, c.id, 'slice', x, { attributes });
  });
}

const split: GraphConversion = (c) => {
  const shape = c.shape(1);
  const [axis] = normalAxes(c.list(0, 'axis'), shape.length);
  const each = shape[axis!]! / c.outputs;
  if (!Number.isInteger(each)) c.refuse(`${c.outputs} parts of ${shape[axis!]}`);
  return parts(c, c.view(1), axis!, new Array<number>(c.outputs).fill(each));
};

const splitV: GraphConversion = (c) => {
  const shape = c.shape(0);
  const [axis] = normalAxes(c.list(2, 'axis'), shape.length);
  const given = c.list(1, 'sizes');
  const rest = shape[axis!]! - given.reduce((total, n) => total + Math.max(n, 0), 0);
  return parts(
    c,
    c.view(0),
    axis!,
    given.map((n) => (n < 0 ? rest : n)),
  );
};

const unpack: GraphConversion = (c) => {
  const shape = c.shape(0);
  const [axis] = normalAxes([c.number('axis', 0)], shape.length);
  const rest = shape.filter((_, at) => at !== axis);
  return parts(c, c.view(0), axis!, new Array<number>(shape[axis!]!).fill(1)).map((view, i) =>
    c.g.reshaped(`${c.id}/part ${i}`, c.id, view, rest),
  );
};

/** Per axis of what a strided slice reads: where from, where to, and which axes appear and vanish. */
export function stridedSlice(c: GraphUse): {
  axes: number[];
  starts: number[];
  ends: number[];
  steps: number[];
  shape: (sliced: Shape) => number[];
} {
  const shape = c.shape(0);
  const [begin, end, strides] = [c.list(1, 'begin'), c.list(2, 'end'), c.list(3, 'strides')];
  const mask = (key: string, i: number): boolean => ((c.number(key, 0) >> i) & 1) === 1;
  const spec: ('new' | { axis: number; shrink: boolean })[] = [];
  const cut = { axes: [] as number[], starts: [] as number[], ends: [] as number[], steps: [] as number[] };
  const news = begin.filter((_, i) => mask('new_axis_mask', i) && !mask('ellipsis_mask', i)).length;
  const ellipses = begin.filter((_, i) => mask('ellipsis_mask', i)).length;
  let axis = 0;
  begin.forEach((from, i) => {
    if (mask('ellipsis_mask', i)) {
      const skipped = shape.length - (begin.length - news - ellipses);
      for (let k = 0; k < skipped; k++) spec.push({ axis: axis++, shrink: false });
      return;
    }
    if (mask('new_axis_mask', i)) {
      spec.push('new');
      return;
    }
    const size = shape[axis];
    if (size === undefined) c.refuse('more axes than its input has');
    const step = strides[i]!;
    const shrink = mask('shrink_axis_mask', i);
    const first = mask('begin_mask', i) ? (step > 0 ? 0 : size - 1) : from;
    const last = mask('end_mask', i) ? (step > 0 ? size : -size - 1) : end[i]!;
    cut.axes.push(axis);
    cut.starts.push(first);
    cut.ends.push(shrink ? (first === -1 ? size : first + 1) : last);
    cut.steps.push(shrink ? 1 : step);
    spec.push({ axis: axis++, shrink });
  });
  while (axis < shape.length) spec.push({ axis: axis++, shrink: false });
  return {
    ...cut,
    shape: (sliced) => spec.flatMap((entry) => (entry === 'new' ? [1] : entry.shrink ? [] : [sliced[entry.axis]!])),
  };
}

const slicedByStrides: GraphConversion = (c) => {
  const x = c.view(0);
  const { axes, starts, ends, steps, shape } = stridedSlice(c);
  const attributes = { axes: axes.map((axis) => x.order[axis]!), starts, ends, steps };
  const sliced = axes.length === 0 ? x : c.g.elementwise(`${c.id}/part`, c.id, 'slice', x, { attributes });
  return c.g.reshaped(c.id, c.id, sliced, shape(c.g.shapeOf(sliced)));
};

const slice: GraphConversion = (c) => {
  const x = c.view(0);
  const starts = c.list(1, 'begin');
  const sizes = c.list(2, 'size');
  const shape = c.shape(0);
  if (starts.length !== shape.length || sizes.length !== shape.length) c.refuse('its sizes');
  const attributes = {
    axes: [...x.order],
    starts,
    ends: shape.map((n, axis) => (sizes[axis] === -1 ? n : starts[axis]! + sizes[axis]!)),
  };
  return c.g.elementwise(c.id, c.id, 'slice', x, { attributes });
};

const gather: GraphConversion = (c) => {
  const indices = c.constant(1) ?? c.refuse('its indices are computed');
  const [axis] = normalAxes(c.inputs > 2 ? c.list(2, 'axis') : [0], c.shape(0).length);
  const attributes = { axis, indices: [...indices.data], indicesShape: indices.shape };
  return c.g.add(c.id, c.id, { op: 'gather', inputs: [c.g.stored(c.view(0))], attributes });
};

const tile: GraphConversion = (c) => {
  const x = c.view(0);
  const repeats = c.list(1, 'multiples');
  if (repeats.length !== x.order.length || repeats.some((n) => n < 1)) c.refuse('its multiples');
  return c.g.elementwise(c.id, c.id, 'tile', x, {
    attributes: { repeats: inverse(x.order).map((axis) => repeats[axis]!) },
  });
};

const broadcastTo: GraphConversion = (c) => {
  const shape = broadcastShapes(c.shape(0), c.list(1, 'shape'));
  return c.g.add(c.id, c.id, { op: 'expand', inputs: [c.g.stored(c.view(0))], attributes: { shape } });
};

/** Blocks of a picture in channels; TensorFlow counts depth, column, row as ONNX' DCR does. */
const spaceAndDepth =
  (op: 'depth-to-space' | 'space-to-depth'): GraphConversion =>
  (c) => {
    const rank = c.shape(0).length;
    const { id: input, order } = c.g.channelsFirst(c.view(0), dataAxes(c, rank).channel);
    const attributes = { blockSize: c.number('block_size', 1), mode: 'DCR' };
    return c.g.add(c.id, c.id, { op, inputs: [input], attributes }, order);
  };

const reversed: GraphConversion = (c) => {
  const x = c.view(0);
  const shape = c.shape(0);
  const axes = normalAxes(c.list(1, 'axes'), shape.length);
  const attributes = {
    axes: axes.map((axis) => x.order[axis]!),
    starts: axes.map((axis) => shape[axis]! - 1),
    ends: axes.map((axis) => -shape[axis]! - 1),
    steps: axes.map(() => -1),
  };
  return c.g.elementwise(c.id, c.id, 'slice', x, { attributes });
};

/** A choice that is fixed: both sides masked and added. */
const select: GraphConversion = (c) => {
  const condition = c.constant(0) ?? c.refuse('its condition is computed');
  const mask = (wanted: boolean): Tensor => ({
    data: Float32Array.from(condition.data, (x) => ((x !== 0) === wanted ? 1 : 0)),
    shape: condition.shape,
  });
  const part = (i: number, wanted: boolean): View => {
    const masked = c.g.constant(`${c.id}/mask ${i}`, mask(wanted));
    return c.g.broadcast(`${c.id}/part ${i}`, c.id, 'multiply', [c.view(i), masked], { attributes: product });
  };
  return c.g.broadcast(c.id, c.id, 'add', [part(1, true), part(2, false)]);
};

const clipByValue: GraphConversion = (c) => {
  const [min, max] = [c.list(1, 'lower bound'), c.list(2, 'upper bound')];
  if (min.length !== 1 || max.length !== 1) c.refuse('bounds that differ by entry');
  return c.g.elementwise(c.id, c.id, 'clip', c.view(0), { attributes: { min: min[0], max: max[0] } });
};

const localResponse: GraphConversion = (c) => {
  const { id: input, order } = c.g.channelsFirst(c.view(0), c.shape(0).length - 1);
  const size = 2 * c.number('depth_radius', 5) + 1;
  // Ours divides alpha by the size of the window, TensorFlow does not.
  const attributes = {
    size,
    alpha: c.number('alpha', 1) * size,
    beta: c.number('beta', 0.5),
    bias: c.number('bias', 1),
  };
  return c.g.add(c.id, c.id, { op: 'local-response-norm', inputs: [input], attributes }, order);
};

const cast: GraphConversion = (c) => {
  const type = c.word('DstT', 'DT_FLOAT');
  if (!['DT_FLOAT', '1', 'DT_HALF', '19', 'DT_DOUBLE', '2', 'DT_BFLOAT16', '14'].includes(type))
    c.refuse('to whole numbers or truth values');
  return c.view(0);
};

const passed: GraphConversion = (c) => c.view(0);

/** Activation functions that stand alone or fused into a product. */
const activations: Readonly<Record<string, readonly [op: string, attributes?: Record<string, unknown>]>> = {
  Elu: ['elu', { alpha: 1 }],
  LeakyRelu: ['leaky-relu', { alpha: 0.2 }],
  Relu: ['relu'],
  Relu6: ['clip', { min: 0, max: 6 }],
  Selu: ['selu', { alpha: 1.6732632423543772, gamma: 1.0507009873554805 }],
  Sigmoid: ['sigmoid'],
  Softplus: ['softplus'],
  Softsign: ['softsign'],
  Tanh: ['tanh'],
};

export const graphOps: ReadonlyMap<string, GraphConversion> = new Map(
  Object.entries({
    ...Object.fromEntries(
      Object.entries(activations).map(([name, [op, given]]) => [name, unary(op, () => given ?? {})]),
    ),
    Abs: unary('abs'),
    Add: sum,
    AddN: sum,
    AddV2: sum,
    AvgPool: pool('average-pool'),
    AvgPool3D: pool('average-pool'),
    BatchMatMul: batchMatMul,
    BatchMatMulV2: batchMatMul,
    BatchMatMulV3: batchMatMul,
    BiasAdd: biasAdd,
    BroadcastTo: broadcastTo,
    Cast: cast,
    CheckNumerics: passed,
    ClipByValue: clipByValue,
    Concat: (c) => {
      const [axis] = c.list(0, 'axis');
      return joined(
        c,
        Array.from({ length: c.inputs - 1 }, (_, i) => c.view(i + 1)),
        axis!,
      );
    },
    ConcatV2: concat,
    Conv1D: conv('full'),
    Conv2D: conv('full'),
    Conv2DBackpropInput: convTranspose,
    Conv3D: conv('full'),
    Cos: unary('cos'),
    DepthToSpace: spaceAndDepth('depth-to-space'),
    DepthwiseConv2d: conv('depthwise'),
    Einsum: einsumOp,
    DepthwiseConv2dNative: conv('depthwise'),
    Div: binary('divide'),
    Erf: unary('erf'),
    Exp: unary('exp'),
    ExpandDims: expandDims,
    FusedBatchNorm: batchNorm,
    FusedBatchNormV2: batchNorm,
    FusedBatchNormV3: batchNorm,
    FusedDepthwiseConv2dNative: (c) => fused(c, (id, bias) => convolution(c, id, 'depthwise', bias)),
    GatherV2: gather,
    Identity: passed,
    LRN: localResponse,
    LeakyRelu: unary('leaky-relu', (c) => ({ alpha: c.number('alpha', 0.2) })),
    Log: unary('log'),
    LogSoftmax: softmax('log-softmax'),
    MatMul: matMul,
    Max: reduction('max'),
    MaxPool: pool('max-pool'),
    MaxPool3D: pool('max-pool'),
    Maximum: binary('maximum', { kind: 'max' }),
    Mean: reduction('mean'),
    Min: reduction('min'),
    Minimum: binary('maximum', { kind: 'min' }),
    MirrorPad: pad('mirror'),
    Mul: binary('multiply', product),
    Neg: unary('neg'),
    Pack: pack,
    Pad: pad('constant'),
    PadV2: pad('constant'),
    PlaceholderWithDefault: passed,
    Pow: power,
    Prelu: (c) => parametricRelu(c, c.id, c.view(0), 1),
    PreventGradient: passed,
    RealDiv: binary('divide'),
    Reciprocal: unary('reciprocal'),
    Reshape: reshape,
    ResizeBilinear: resize('linear'),
    ResizeNearestNeighbor: resize('nearest'),
    ReverseV2: reversed,
    Rsqrt: unary('power', () => ({ exponent: -0.5 })),
    Select: select,
    SelectV2: select,
    Sin: unary('sin'),
    Slice: slice,
    Snapshot: passed,
    Softmax: softmax('softmax'),
    SpaceToDepth: spaceAndDepth('space-to-depth'),
    Split: split,
    SplitV: splitV,
    Sqrt: unary('sqrt'),
    Square: square,
    SquaredDifference: squaredDifference,
    Squeeze: squeeze,
    StopGradient: passed,
    StridedSlice: slicedByStrides,
    Sub: binary('subtract'),
    Sum: reduction('sum'),
    Tile: tile,
    Transpose: transpose,
    Unpack: unpack,
    _FusedConv2D: (c) => fused(c, (id, bias) => convolution(c, id, 'full', bias)),
    _FusedMatMul: (c) =>
      fused(c, (id, bias) => matrixProduct(c, id, c.flag('transpose_a', false), c.flag('transpose_b', false), bias)),
  } satisfies Record<string, GraphConversion>),
);
