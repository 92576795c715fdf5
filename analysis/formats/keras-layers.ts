// What the layers of Keras become: one entry per class, for files of Keras 2, Keras 3 and TensorFlow.js alike.
import { sizeOf, type Shape, type Tensor } from '../kernels/kernels.ts';
import { samePads } from '../ops/conv.ts';
import { rearranged, type View } from './axis-order.ts';
import { einsumOfViews } from './einsum.ts';
import type { Draft } from './graph.ts';
import { activated } from './keras-activations.ts';
import { dotAttention, multiHeadAttention } from './keras-attention.ts';
import type { LayerConversion, LayerUse } from './keras-layer-use.ts';
import { functionLayer } from './keras-operations.ts';
import { recurrentLayers } from './keras-recurrent.ts';
import { refuse } from './keras-settings.ts';
import type { FoundWeight } from './keras-weights.ts';

const only = (c: LayerUse): View => (c.inputs.length === 1 ? c.inputs[0]! : refuse(`${c.inputs.length} inputs`));
const shapeOf = (c: LayerUse, view: View = only(c)): Shape => c.g.shapeOf(view);

/** The result with the layer's activation function. */
const withActivation = (c: LayerUse, x: View): View =>
  activated(c.g, c.id, c.name, c.settings.config['activation'], x, c.dialect);
const hasActivation = ({ settings }: LayerUse): boolean =>
  settings.has('activation') && settings.config['activation'] !== 'linear';
/** The id of a layer's node with weights: the layer's own unless an activation follows. */
const headId = (c: LayerUse): string => (hasActivation(c) ? `${c.id}/linear` : c.id);

function channelsLast({ settings }: LayerUse): boolean {
  const format = settings.word('data_format', 'channels_last');
  return format === 'channels_last' || (format === 'channels_first' ? false : refuse(`data_format "${format}"`));
}
const channelAxis = (c: LayerUse, rank: number): number => (channelsLast(c) ? rank - 1 : 1);

function spatialAxes(c: LayerUse, axes: number): Shape {
  const shape = shapeOf(c);
  if (shape.length !== axes + 2) refuse(`an input of ${shape.length} axes`);
  return channelsLast(c) ? shape.slice(1, -1) : shape.slice(2);
}

interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
}

function padsOf(c: LayerUse, sizes: Shape, { kernel, strides, dilations }: Window): number[] {
  const padding = c.settings.word('padding', 'valid');
  if (padding === 'same') return samePads(sizes, kernel, strides, dilations);
  if (padding === 'causal') return [...kernel.map((k, i) => (k - 1) * dilations[i]!), ...kernel.map(() => 0)];
  return padding === 'valid' ? [...kernel, ...kernel].map(() => 0) : refuse(`padding "${padding}"`);
}

const bias = (c: LayerUse, index: number): Tensor | undefined =>
  c.settings.flag('use_bias', true) ? c.weight('bias', index).tensor : undefined;

/** A weight that must have this many axes. */
function weightOf(c: LayerUse, name: string, index: number, rank: number): FoundWeight {
  const found = c.weight(name, index);
  if (found.tensor.shape.length !== rank) refuse(`a ${name} of ${found.tensor.shape.length} axes`);
  return found;
}

const dense: LayerConversion = (c) => {
  const { tensor, name } = weightOf(c, 'kernel', 0, 2);
  const weight = rearranged(tensor, [1, 0]);
  const draft: Draft = {
    op: 'dense',
    inputs: [c.g.stored(only(c))],
    parameters: { weight, bias: bias(c, 1) },
    weightName: name,
  };
  return withActivation(c, c.g.add(headId(c), c.name, draft));
};

/** Its bias has the output's axes that are named, and those behind the first of them, of length 1 where they are not. */
const einsumDense: LayerConversion = (c) => {
  const kernel = c.weight('kernel', 0);
  const named = c.settings.word('bias_axes', '') !== '';
  const equation = c.settings.word('equation', '');
  const target = { id: named ? `${c.id}/product` : headId(c), name: c.name, refuse };
  const product = einsumOfViews(c.g, target, equation, [only(c), kernel]);
  if (!named) return withActivation(c, product);
  const summand = c.g.constant(`${c.id}/bias`, c.weight('bias', 1).tensor);
  return withActivation(c, c.g.broadcast(headId(c), c.name, 'add', [product, summand]));
};

/** Axes of a Keras kernel [...k, in, out] as [out, in, ...k]. */
const kernelAxes = (axes: number): number[] => [axes + 1, axes, ...Array.from({ length: axes }, (_, i) => i)];

function convolution(
  c: LayerUse,
  x: View,
  axes: number,
  id: string,
  {
    weight,
    weightName,
    bias: summand,
    groups,
    strides,
    padding,
  }: {
    weight: Tensor;
    weightName: string;
    bias: Tensor | undefined;
    groups: number;
    strides: readonly number[];
    padding: boolean;
  },
): View {
  const kernel = weight.shape.slice(2);
  const dilations = padding ? c.settings.sizes('dilation_rate', axes, 1) : kernel.map(() => 1);
  const rank = axes + 2;
  if (x.order.length !== rank) refuse(`an input of ${x.order.length} axes`);
  const { id: input, order } = c.g.channelsFirst(x, channelAxis(c, rank));
  const shape = c.g.shapeOf(x);
  const sizes = channelsLast(c) ? shape.slice(1, -1) : shape.slice(2);
  const pads = padding ? padsOf(c, sizes, { kernel, strides, dilations }) : [...kernel, ...kernel].map(() => 0);
  const draft: Draft = {
    op: 'conv',
    inputs: [input],
    attributes: { strides, dilations, pads, groups },
    parameters: { weight, bias: summand },
    weightName,
  };
  return c.g.add(id, c.name, draft, order);
}

const conv =
  (axes: number): LayerConversion =>
  (c) => {
    const { tensor, name } = weightOf(c, 'kernel', 0, axes + 2);
    const view = convolution(c, only(c), axes, headId(c), {
      weight: rearranged(tensor, kernelAxes(axes)),
      weightName: name,
      bias: bias(c, 1),
      groups: c.settings.number('groups', 1),
      strides: c.settings.sizes('strides', axes, 1),
      padding: true,
    });
    return withActivation(c, view);
  };

/** A depthwise kernel [...k, channels, multiplier] as [channels · multiplier, 1, ...k]. */
function depthwiseKernel({ shape, ...tensor }: Tensor, axes: number): Tensor {
  const space = Array.from({ length: axes }, (_, i) => i);
  return rearranged(
    { ...tensor, shape },
    [axes, axes + 1, ...space],
    [shape[axes]! * shape[axes + 1]!, 1, ...shape.slice(0, axes)],
  );
}

const depthwise =
  (axes: number): LayerConversion =>
  (c) => {
    const { tensor, name } = c.weight(['depthwise_kernel', 'kernel'], 0);
    if (tensor.shape.length !== axes + 2) refuse(`a kernel of ${tensor.shape.length} axes`);
    const view = convolution(c, only(c), axes, headId(c), {
      weight: depthwiseKernel(tensor, axes),
      weightName: name,
      bias: bias(c, 1),
      groups: tensor.shape[axes]!,
      strides: c.settings.sizes('strides', axes, 1),
      padding: true,
    });
    return withActivation(c, view);
  };

const separable =
  (axes: number): LayerConversion =>
  (c) => {
    const first = weightOf(c, 'depthwise_kernel', 0, axes + 2);
    const second = weightOf(c, 'pointwise_kernel', 1, axes + 2);
    const middle = convolution(c, only(c), axes, `${c.id}/depthwise`, {
      weight: depthwiseKernel(first.tensor, axes),
      weightName: `${c.name}/depthwise/kernel`,
      bias: undefined,
      groups: first.tensor.shape[axes]!,
      strides: c.settings.sizes('strides', axes, 1),
      padding: true,
    });
    const view = convolution(c, middle, axes, headId(c), {
      weight: rearranged(second.tensor, kernelAxes(axes)),
      weightName: `${c.name}/pointwise/kernel`,
      bias: bias(c, 2),
      groups: 1,
      strides: new Array<number>(axes).fill(1),
      padding: false,
    });
    return withActivation(c, view);
  };

/** Sizes, pads and the rest behind of a transposed convolution, as TensorFlow has them. */
const convTranspose =
  (axes: number): LayerConversion =>
  (c) => {
    const { tensor, name } = weightOf(c, 'kernel', 0, axes + 2);
    const kernel = tensor.shape.slice(0, axes);
    const strides = c.settings.sizes('strides', axes, 1);
    const dilations = c.settings.sizes('dilation_rate', axes, 1);
    const sizes = spatialAxes(c, axes);
    const same = c.settings.word('padding', 'valid') === 'same';
    const extents = kernel.map((k, i) => (k - 1) * dilations[i]! + 1);
    const extra = c.settings.has('output_padding') ? c.settings.sizes('output_padding', axes, 0, 0) : undefined;
    const outputs = sizes.map((n, i) => {
      const [stride, extent] = [strides[i]!, extents[i]!];
      if (extra) return (n - 1) * stride + extent - (same ? 2 * Math.floor(extent / 2) : 0) + extra[i]!;
      return same ? n * stride : n * stride + Math.max(extent - stride, 0);
    });
    const pads = same ? samePads(outputs, kernel, strides, dilations) : [...kernel, ...kernel].map(() => 0);
    const outputPadding = outputs.map(
      (n, i) => n - ((sizes[i]! - 1) * strides[i]! + extents[i]! - pads[i]! - pads[i + axes]!),
    );
    if (outputPadding.some((n) => n < 0)) refuse('its output padding');
    const { id: input, order } = c.g.channelsFirst(only(c), channelAxis(c, axes + 2));
    const draft: Draft = {
      op: 'conv-transpose',
      inputs: [input],
      attributes: { strides, dilations, pads, outputPadding, groups: c.settings.number('groups', 1) },
      parameters: { weight: rearranged(tensor, kernelAxes(axes)), bias: bias(c, 1) },
      weightName: name,
    };
    return withActivation(c, c.g.add(headId(c), c.name, draft, order));
  };

const pool =
  (op: 'max-pool' | 'average-pool', axes: number): LayerConversion =>
  (c) => {
    const sizes = spatialAxes(c, axes);
    const kernel = c.settings.sizes('pool_size', axes, 2);
    const strides = c.settings.has('strides') ? c.settings.sizes('strides', axes, 1) : kernel;
    const dilations = kernel.map(() => 1);
    const pads = padsOf(c, sizes, { kernel, strides, dilations });
    const { id: input, order } = c.g.channelsFirst(only(c), channelAxis(c, axes + 2));
    return c.g.add(
      c.id,
      c.name,
      { op, inputs: [input], attributes: { kernel, strides, dilations, pads, ceilMode: false } },
      order,
    );
  };

const globalPool =
  (op: 'max-pool' | 'average-pool', axes: number): LayerConversion =>
  (c) => {
    const kernel = spatialAxes(c, axes);
    const rank = axes + 2;
    const { id: input, order } = c.g.channelsFirst(only(c), channelAxis(c, rank));
    const ones = kernel.map(() => 1);
    const pads = [...kernel, ...kernel].map(() => 0);
    const draft: Draft = { op, inputs: [input], attributes: { kernel, strides: ones, dilations: ones, pads } };
    if (c.settings.flag('keepdims', false)) return c.g.add(c.id, c.name, draft, order);
    const shape = shapeOf(c);
    const pooled = c.g.add(`${c.id}/pool`, c.name, draft, order);
    return c.g.reshaped(c.id, `${c.name}/flatten`, pooled, [shape[0]!, shape[channelAxis(c, rank)]!]);
  };

/** An axis counted from 0. */
function axisIn(axis: number, rank: number): number {
  const at = axis < 0 ? axis + rank : axis;
  return at >= 0 && at < rank ? at : refuse(`axis ${axis} of ${rank}`);
}

/** Weights that a normalisation may lack, numbered in Keras' order. */
function optionalWeights(
  c: LayerUse,
  wanted: readonly [name: string, present: boolean][],
): (FoundWeight | undefined)[] {
  let index = 0;
  return wanted.map(([name, present]) => (present ? c.weight(name, index++) : undefined));
}

const scaleAndShift = ({ settings }: LayerUse): [[string, boolean], [string, boolean]] => [
  ['gamma', settings.flag('scale', true)],
  ['beta', settings.flag('center', true)],
];

const batchNormalization: LayerConversion = (c) => {
  const x = only(c);
  const axis = axisIn(c.settings.whole('axis')?.[0] ?? -1, x.order.length);
  const [scale, shift, mean, variance] = optionalWeights(c, [
    ...scaleAndShift(c),
    ['moving_mean', true],
    ['moving_variance', true],
  ]);
  return c.g.add(
    c.id,
    c.name,
    {
      op: 'batch-norm',
      inputs: [x.id],
      attributes: { axis: x.order[axis]!, epsilon: c.settings.number('epsilon', 1e-3) },
      parameters: { scale: scale?.tensor, bias: shift?.tensor, mean: mean!.tensor, variance: variance!.tensor },
      weightName: (scale ?? mean)!.name,
    },
    x.order,
  );
};

const layerNormalization: LayerConversion = (c) => {
  const x = only(c);
  const rank = x.order.length;
  if (c.settings.flag('rms_scaling', false)) refuse('rms_scaling');
  const axes = (c.settings.whole('axis') ?? [-1]).map((axis) => axisIn(axis, rank)).toSorted((a, b) => a - b);
  if (axes.some((axis, i) => axis !== rank - axes.length + i)) refuse(`axes ${axes.join(', ')} of ${rank}`);
  const [scale, shift] = optionalWeights(c, scaleAndShift(c));
  return c.g.add(c.id, c.name, {
    op: 'layer-norm',
    inputs: [c.g.stored(x)],
    attributes: { axis: axes[0]!, epsilon: c.settings.number('epsilon', 1e-3) },
    parameters: { scale: scale?.tensor, bias: shift?.tensor },
    weightName: (scale ?? shift)?.name,
  });
};

const groupNormalization: LayerConversion = (c) => {
  const x = only(c);
  const axis = axisIn(c.settings.whole('axis')?.[0] ?? -1, x.order.length);
  const channels = shapeOf(c)[axis]!;
  const wanted = c.settings.number('groups', 32);
  const [scale, shift] = optionalWeights(c, scaleAndShift(c));
  const { id: input, order } = c.g.channelsFirst(x, axis);
  const draft: Draft = {
    op: 'group-norm',
    inputs: [input],
    attributes: { groups: wanted === -1 ? channels : wanted, epsilon: c.settings.number('epsilon', 1e-3) },
    parameters: { scale: scale?.tensor, bias: shift?.tensor },
    weightName: (scale ?? shift)?.name,
  };
  return c.g.add(c.id, c.name, draft, order);
};

const unary =
  (op: string, attributes?: (c: LayerUse) => Record<string, unknown>): LayerConversion =>
  (c) =>
    c.g.elementwise(c.id, c.name, op, only(c), { attributes: attributes?.(c) });

/** What does nothing once training is over. */
const passed: LayerConversion = (c) => only(c);

const relu: LayerConversion = (c) => {
  const [slope, threshold] = [c.settings.number('negative_slope', 0), c.settings.number('threshold', 0)];
  const max = c.settings.optional('max_value');
  const g = c.g;
  const capped = (x: View): View =>
    max === null ? x : g.elementwise(c.id, c.name, 'clip', x, { attributes: { min: null, max } });
  const stepId = max === null ? c.id : `${c.id}/uncapped`;
  if (threshold !== 0) {
    if (slope !== 0 || threshold < 0) refuse(`threshold ${threshold} with slope ${slope}`);
    return capped(g.elementwise(stepId, c.name, 'thresholded-relu', only(c), { attributes: { alpha: threshold } }));
  }
  if (slope !== 0)
    return capped(g.elementwise(stepId, c.name, 'leaky-relu', only(c), { attributes: { alpha: slope } }));
  if (max === null) return g.elementwise(c.id, c.name, 'relu', only(c));
  return g.elementwise(c.id, c.name, 'clip', only(c), { attributes: { min: 0, max } });
};

const parametricRelu: LayerConversion = (c) => {
  const x = only(c);
  const { tensor, name } = c.weight('alpha', 0);
  const rank = x.order.length;
  if (tensor.shape.length !== rank - 1) refuse(`slopes of ${tensor.shape.length} axes`);
  const stored = new Array<number>(rank);
  x.order.forEach((axis, i) => (stored[axis] = i));
  const slope = rearranged({ data: tensor.data, shape: [1, ...tensor.shape] }, stored);
  return c.g.elementwise(c.id, c.name, 'parametric-relu', x, { parameters: { slope }, weightName: name });
};

const softmax: LayerConversion = (c) => {
  const x = only(c);
  const axes = c.settings.whole('axis') ?? [-1];
  if (axes.length !== 1) refuse('over several axes');
  return c.g.elementwise(c.id, c.name, 'softmax', x, {
    attributes: { axis: x.order[axisIn(axes[0]!, x.order.length)]! },
  });
};

const flatten: LayerConversion = (c) => {
  const x = only(c);
  const rank = x.order.length;
  const axes = x.order.map((_, axis) => axis);
  // What has its channels first is flattened as if it had them last.
  const view = channelsLast(c) || rank < 3 ? x : c.g.transposed(x, [0, ...axes.slice(2), 1]);
  const shape = c.g.shapeOf(view);
  return c.g.reshaped(c.id, c.name, view, [shape[0]!, sizeOf(shape.slice(1))]);
};

const reshape: LayerConversion = (c) => {
  const from = shapeOf(c);
  const target = c.settings.whole('target_shape') ?? refuse('it has no target_shape');
  const known = target.reduce((product, n) => (n === -1 ? product : product * n), 1);
  const rest = sizeOf(from.slice(1)) / known;
  const shape = target.map((n) => (n === -1 ? rest : n));
  if (sizeOf(shape) !== sizeOf(from.slice(1)) || !shape.every((n) => Number.isInteger(n) && n > 0)) {
    refuse(`[${from.slice(1).join(', ')}] has no shape [${target.join(', ')}]`);
  }
  return c.g.reshaped(c.id, c.name, only(c), [from[0]!, ...shape]);
};

const permute: LayerConversion = (c) => {
  const axes = c.settings.whole('dims') ?? refuse('it has no dims');
  const rank = shapeOf(c).length;
  if (axes.length !== rank - 1 || new Set(axes).size !== axes.length || axes.some((n) => n < 1 || n >= rank)) {
    refuse(`dims ${axes.join(', ')} of ${rank - 1} axes`);
  }
  return c.g.transposed(only(c), [0, ...axes]);
};

const repeatVector: LayerConversion = (c) => {
  const [batch, size] = shapeOf(c);
  if (shapeOf(c).length !== 2) refuse(`an input of ${shapeOf(c).length} axes`);
  const [n] = c.settings.sizes('n', 1, 1);
  const one = c.g.reshaped(`${c.id}/axis`, `${c.name}/axis`, only(c), [batch!, 1, size!]);
  return c.g.add(c.id, c.name, { op: 'tile', inputs: [c.g.stored(one)], attributes: { repeats: [1, n!, 1] } });
};

const upSampling =
  (axes: number): LayerConversion =>
  (c) => {
    const x = only(c);
    spatialAxes(c, axes);
    const times = c.settings.sizes('size', axes, 2);
    const interpolation = c.settings.word('interpolation', 'nearest');
    if (interpolation !== 'nearest' && interpolation !== 'bilinear') refuse(`interpolation "${interpolation}"`);
    const first = channelsLast(c) ? 1 : 2;
    const sizes = shapeOf(c).map((n, axis) => (axis >= first && axis < first + axes ? n * times[axis - first]! : n));
    return resized(c, x, sizes, interpolation);
  };

/** TensorFlow.js samples at corners, Keras at centres. */
function resized(c: LayerUse, x: View, sizes: Shape, interpolation: 'nearest' | 'bilinear'): View {
  const stored = new Array<number>(sizes.length);
  x.order.forEach((axis, i) => (stored[axis] = sizes[i]!));
  const nearest = interpolation === 'nearest';
  const coordinates = nearest
    ? c.dialect === 'tfjs'
      ? 'asymmetric'
      : 'tf_half_pixel_for_nn'
    : c.dialect === 'tfjs'
      ? 'asymmetric'
      : 'half_pixel';
  return c.g.elementwise(c.id, c.name, 'resize', x, {
    attributes: { mode: nearest ? 'nearest' : 'linear', sizes: stored, coordinates, nearestMode: 'floor' },
  });
}

const resizing: LayerConversion = (c) => {
  const interpolation = c.settings.word('interpolation', 'bilinear');
  if (interpolation !== 'nearest' && interpolation !== 'bilinear') refuse(`interpolation "${interpolation}"`);
  for (const key of ['crop_to_aspect_ratio', 'pad_to_aspect_ratio', 'antialias'])
    if (c.settings.flag(key, false)) refuse(key);
  spatialAxes(c, 2);
  const first = channelsLast(c) ? 1 : 2;
  const target = [...c.settings.sizes('height', 1, 1), ...c.settings.sizes('width', 1, 1)];
  const sizes = shapeOf(c).map((n, axis) => target[axis - first] ?? n);
  return resized(c, only(c), sizes, interpolation);
};

/** Pairs [before, after] of padding or cropping for each spatial axis. */
function borders(c: LayerUse, key: string, axes: number): [number, number][] {
  const given = c.settings.config[key] ?? 1;
  const list: unknown[] = Array.isArray(given) ? given : new Array<unknown>(axes).fill(given);
  const flat = axes === 1 && list.length === 2 ? [list] : list;
  const pairs = flat.map((entry) => (Array.isArray(entry) ? entry : [entry, entry]) as [number, number]);
  const good =
    pairs.length === axes &&
    pairs.every((pair) => pair.length === 2 && pair.every((n) => Number.isSafeInteger(n) && n >= 0));
  return good ? pairs : refuse(`its ${key}`);
}

const zeroPadding =
  (axes: number): LayerConversion =>
  (c) => {
    const x = only(c);
    spatialAxes(c, axes);
    const rank = axes + 2;
    const first = channelsLast(c) ? 1 : 2;
    const pads = new Array<number>(2 * rank).fill(0);
    borders(c, 'padding', axes).forEach(([before, after], i) => {
      pads[x.order[first + i]!] = before;
      pads[x.order[first + i]! + rank] = after;
    });
    return c.g.elementwise(c.id, c.name, 'pad', x, { attributes: { mode: 'constant', pads, value: 0 } });
  };

const cropping =
  (axes: number): LayerConversion =>
  (c) => {
    const x = only(c);
    const sizes = spatialAxes(c, axes);
    const first = channelsLast(c) ? 1 : 2;
    const cuts = borders(c, 'cropping', axes);
    return c.g.elementwise(c.id, c.name, 'slice', x, {
      attributes: {
        axes: cuts.map((_, i) => x.order[first + i]!),
        starts: cuts.map(([before]) => before),
        ends: cuts.map(([, after], i) => sizes[i]! - after),
      },
    });
  };

const several = (c: LayerUse): readonly View[] => {
  if (c.inputs.length < 1) refuse('no inputs');
  const ranks = new Set(c.inputs.map(({ order }) => order.length));
  return ranks.size === 1 ? c.inputs : refuse('inputs of different numbers of axes');
};

const merged =
  (op: string, attributes: Record<string, unknown> = {}): LayerConversion =>
  (c) => {
    const views = several(c);
    return views.length === 1 ? views[0]! : c.g.broadcast(c.id, c.name, op, views, { attributes });
  };

/** Two at a time, as products are. */
const multiplied: LayerConversion = (c) =>
  several(c).reduce((product, view, i) =>
    c.g.broadcast(i === c.inputs.length - 1 ? c.id : `${c.id}/${i}`, c.name, 'multiply', [product, view], {
      attributes: { gate: null },
    }),
  );

const averaged: LayerConversion = (c) => {
  const views = several(c);
  if (views.length === 1) return views[0]!;
  const sum = c.g.broadcast(`${c.id}/sum`, `${c.name}/sum`, 'add', views);
  return scaledBy(c, c.id, sum, 1 / views.length);
};

/** A factor for every channel, as ConvNeXt has it behind its blocks. */
const layerScale: LayerConversion = (c) => {
  const { tensor, name } = c.weight(['gamma', 'variable'], 0);
  const factors = c.g.constant(`${c.id}/gamma`, tensor, name);
  return c.g.broadcast(c.id, c.name, 'multiply', [only(c), factors], { attributes: { gate: null } });
};

/** A value times a number. */
function scaledBy(c: LayerUse, id: string, x: View, factor: number): View {
  const constant = c.g.constant(`${id}/factor`, { data: Float32Array.of(factor), shape: [] });
  return c.g.broadcast(id, c.name, 'multiply', [x, constant], { attributes: { gate: null } });
}

const concatenated: LayerConversion = (c) => {
  const views = several(c);
  if (views.length === 1) return views[0]!;
  const rank = views[0]!.order.length;
  const axis = axisIn(c.settings.whole('axis')?.[0] ?? -1, rank);
  const order = (views.find(({ order: o }) => o.some((at, i) => at !== i)) ?? views[0]!).order;
  const axes = new Array<number>(rank);
  order.forEach((at, i) => (axes[at] = i));
  const inputs = views.map((view) => c.g.stored(view, axes));
  return c.g.add(c.id, c.name, { op: 'concat', inputs, attributes: { axis: order[axis]! } }, order);
};

const dot: LayerConversion = (c) => {
  const views = several(c);
  const shapes = views.map((view) => c.g.shapeOf(view));
  if (views.length !== 2 || c.settings.flag('normalize', false)) refuse('with normalize, or of other than two inputs');
  const given = c.settings.whole('axes') ?? refuse('it has no axes');
  const rank = shapes[0]!.length;
  const [a, b] = (given.length === 1 ? [given[0]!, given[0]!] : given).map((axis) => axisIn(axis, rank));
  if (rank === 2) {
    const product = c.g.broadcast(`${c.id}/product`, `${c.name}/product`, 'multiply', views, {
      attributes: { gate: null },
    });
    return c.g.add(c.id, c.name, {
      op: 'reduce',
      inputs: [product.id],
      attributes: { kind: 'sum', axes: [1], keepDims: true },
    });
  }
  if (rank !== 3 || a === 0 || b === 0) refuse(`${rank} axes`);
  const inputs = views.map((view) => c.g.stored(view));
  return c.g.add(c.id, c.name, {
    op: 'mat-mul',
    inputs,
    attributes: { transposeA: a === 1, transposeB: b === 2, gate: null },
  });
};

const rescaling: LayerConversion = (c) => {
  const x = only(c);
  const numbers = (key: string, fallback: number): Tensor => {
    const value = c.settings.config[key] ?? fallback;
    const list: unknown[] = Array.isArray(value) ? value : [value];
    if (!list.every((n): n is number => typeof n === 'number' && Number.isFinite(n))) refuse(`its ${key}`);
    return { data: Float32Array.from(list), shape: Array.isArray(value) ? [list.length] : [] };
  };
  const scale = c.g.constant(`${c.id}/scale`, numbers('scale', 1), `${c.name}/scale`);
  const offset = numbers('offset', 0);
  if (offset.data.every((n) => n === 0))
    return c.g.broadcast(c.id, c.name, 'multiply', [x, scale], { attributes: { gate: null } });
  const product = c.g.broadcast(`${c.id}/scaled`, `${c.name}/scaled`, 'multiply', [x, scale], {
    attributes: { gate: null },
  });
  return c.g.broadcast(c.id, c.name, 'add', [product, c.g.constant(`${c.id}/offset`, offset, `${c.name}/offset`)]);
};

/** (x − mean) / max(√variance, 1e-7) along the kept axes. */
const normalization: LayerConversion = (c) => {
  const x = only(c);
  const shape = shapeOf(c);
  if (c.settings.flag('invert', false)) refuse('inverted');
  const given = c.settings.config['axis'] === null ? [] : (c.settings.whole('axis') ?? [-1]);
  const axes = given.map((axis) => axisIn(axis, shape.length));
  const own = (key: string, index: number): Tensor => {
    const value = c.settings.config[key];
    const flat: unknown[] | undefined = value === undefined || value === null ? undefined : [value].flat(8);
    if (flat && !flat.every((n): n is number => typeof n === 'number' && Number.isFinite(n))) refuse(`its ${key}`);
    const data = flat ? Float32Array.from(flat) : c.weight(key, index).tensor.data;
    const wanted = shape.map((n, axis) => (axes.includes(axis) ? n : 1));
    if (data.length !== 1 && data.length !== sizeOf(wanted)) refuse(`a ${key} of ${data.length} numbers`);
    return data.length === 1 ? { data, shape: [] } : { data, shape: wanted };
  };
  const mean = own('mean', 0);
  const variance = own('variance', 1);
  const deviation = { ...variance, data: variance.data.map((v) => Math.max(Math.sqrt(v), 1e-7)) };
  const centred = c.g.broadcast(`${c.id}/centred`, `${c.name}/centred`, 'subtract', [
    x,
    c.g.constant(`${c.id}/mean`, mean, `${c.name}/mean`),
  ]);
  return c.g.broadcast(c.id, c.name, 'divide', [
    centred,
    c.g.constant(`${c.id}/deviation`, deviation, `${c.name}/deviation`),
  ]);
};

/** A layer applied at every position of axis 1, which takes the batch's place meanwhile. */
const timeDistributed: LayerConversion = (c) => {
  const x = only(c);
  const [batch, steps, ...rest] = shapeOf(c);
  if (batch !== 1 || rest.length === 0) refuse(`an input of shape [${shapeOf(c).join(', ')}]`);
  const inside = c.g.reshaped(`${c.id}/steps`, `${c.name}/steps`, x, [steps!, ...rest]);
  const result = c.inner(c.settings.config['layer'], [inside], `${c.id}/inner`, 'layer');
  return c.g.reshaped(c.id, `${c.name}/joined`, result, [1, ...c.g.shapeOf(result)]);
};

/** Layer classes that are refused, each with the reason. */
export const refusals: Readonly<Record<string, string>> = {
  Lambda: 'it holds program code',
  Masking: 'masks change the arithmetic of the layers behind',
};

export const kerasLayers: ReadonlyMap<string, LayerConversion> = new Map(
  Object.entries({
    Activation: (c) => withActivation(c, only(c)),
    ActivityRegularization: passed,
    Add: merged('add'),
    AlphaDropout: passed,
    Attention: dotAttention,
    Average: averaged,
    AveragePooling1D: pool('average-pool', 1),
    AveragePooling2D: pool('average-pool', 2),
    AveragePooling3D: pool('average-pool', 3),
    BatchNormalization: batchNormalization,
    BatchNormalizationV2: batchNormalization,
    Concatenate: concatenated,
    Conv1D: conv(1),
    Conv1DTranspose: convTranspose(1),
    Conv2D: conv(2),
    Conv2DTranspose: convTranspose(2),
    Conv3D: conv(3),
    Conv3DTranspose: convTranspose(3),
    Cropping1D: cropping(1),
    Cropping2D: cropping(2),
    Cropping3D: cropping(3),
    Dense: dense,
    DepthwiseConv1D: depthwise(1),
    DepthwiseConv2D: depthwise(2),
    Dot: dot,
    Dropout: passed,
    EinsumDense: einsumDense,
    ELU: unary('elu', (c) => ({ alpha: c.settings.number('alpha', 1) })),
    Flatten: flatten,
    GaussianDropout: passed,
    GaussianNoise: passed,
    GlobalAveragePooling1D: globalPool('average-pool', 1),
    GlobalAveragePooling2D: globalPool('average-pool', 2),
    GlobalAveragePooling3D: globalPool('average-pool', 3),
    GlobalMaxPooling1D: globalPool('max-pool', 1),
    GlobalMaxPooling2D: globalPool('max-pool', 2),
    GlobalMaxPooling3D: globalPool('max-pool', 3),
    GroupNormalization: groupNormalization,
    Identity: passed,
    LayerNormalization: layerNormalization,
    LayerScale: layerScale,
    LeakyReLU: unary('leaky-relu', (c) => ({
      alpha: c.settings.optional('negative_slope') ?? c.settings.number('alpha', 0.3),
    })),
    MaxPooling1D: pool('max-pool', 1),
    MaxPooling2D: pool('max-pool', 2),
    MaxPooling3D: pool('max-pool', 3),
    Maximum: merged('maximum', { kind: 'max' }),
    Minimum: merged('maximum', { kind: 'min' }),
    MultiHeadAttention: multiHeadAttention,
    Multiply: multiplied,
    Normalization: normalization,
    PReLU: parametricRelu,
    Permute: permute,
    RandomBrightness: passed,
    RandomContrast: passed,
    RandomFlip: passed,
    RandomRotation: passed,
    RandomTranslation: passed,
    RandomZoom: passed,
    ReLU: relu,
    RepeatVector: repeatVector,
    Rescaling: rescaling,
    Reshape: reshape,
    Resizing: resizing,
    SeparableConv1D: separable(1),
    SeparableConv2D: separable(2),
    SlicingOpLambda: functionLayer,
    Softmax: softmax,
    SpatialDropout1D: passed,
    SpatialDropout2D: passed,
    SpatialDropout3D: passed,
    Subtract: (c) => (c.inputs.length === 2 ? merged('subtract')(c) : refuse(`${c.inputs.length} inputs`)),
    TFOpLambda: functionLayer,
    StochasticDepth: passed,
    ThresholdedReLU: unary('thresholded-relu', (c) => ({ alpha: c.settings.number('theta', 1) })),
    TimeDistributed: timeDistributed,
    UpSampling1D: upSampling(1),
    UpSampling2D: upSampling(2),
    UpSampling3D: upSampling(3),
    ZeroPadding1D: zeroPadding(1),
    ZeroPadding2D: zeroPadding(2),
    ZeroPadding3D: zeroPadding(3),
    ...recurrentLayers,
  } satisfies Record<string, LayerConversion>),
);
