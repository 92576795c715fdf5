// What the ops of ONNX (opsets 7 to 22) become: for each, which settings moved from attributes to inputs over time, and the
// nodes of ours that stand for it.
import { sizeOf, type Shape, type Tensor } from '../kernels/kernels.ts';
import {
  broadcastShapes,
  constantOf,
  normalAxes,
  reshapedTo,
  squeezedShape,
  tensorOf,
  transposeConstant,
  unsqueezedShape,
} from '../network/constant-folding.ts';
import type { NodeId } from '../network/network.ts';
import { samePads } from '../ops/conv.ts';
import { padsForOutput } from '../ops/conv-transpose.ts';
import { einsum } from './einsum.ts';
import type { Draft } from './graph.ts';
import type { Importer, OnnxOp, Weight } from './onnx-op.ts';
import { recurrentOps } from './onnx-recurrent.ts';

const scalar = (value: number): Tensor => ({ data: Float32Array.of(value), shape: [] });

const transposed = new WeakMap<Float32Array, Tensor>();

/** A matrix transposed; the same one for the same numbers, so that shared weights stay shared. */
function transposedMatrix({ data, shape }: Tensor): Tensor {
  let result = transposed.get(data);
  if (!result) {
    result = tensorOf(transposeConstant({ type: 'float', data, shape }, [1, 0]));
    transposed.set(data, result);
  }
  return result;
}

const scaledBy = ({ data, shape }: Tensor, factor: number): Tensor =>
  factor === 1 ? { data, shape } : { data: data.map((x) => x * factor), shape };

/** A setting without which the node means nothing. */
const needed = (c: Importer, key: string): readonly number[] => c.list(key) ?? c.refuse(`it has no ${key}`);

/** An op of ours that takes one value and these attributes. */
const unary = (op: string, attributes?: (c: Importer) => Record<string, unknown>): OnnxOp => ({
  convert: (c) => ({ op, inputs: [c.id(0)], attributes: attributes?.(c) }),
});

/** An op of ours that takes all inputs. */
const nary = (op: string, attributes: Record<string, unknown> = {}): OnnxOp => ({
  convert: (c) => (c.inputs === 1 ? { op: 'identity', inputs: [c.id(0)] } : { op, inputs: allInputs(c), attributes }),
});

const allInputs = (c: Importer): NodeId[] => Array.from({ length: c.inputs }, (_, i) => c.id(i));

const reshaped = (c: Importer, shape: Shape): Draft => ({ op: 'reshape', inputs: [c.id(0)], attributes: { shape } });

/** Strides, dilations and explicit pads of a convolution or a pooling over input 0. */
function windowOf(
  c: Importer,
  kernel: readonly number[],
): { strides: readonly number[]; dilations: readonly number[]; pads: readonly number[] } {
  const sizes = spatialSizes(c);
  if (kernel.length !== sizes.length) c.refuse(`a window of ${kernel.length} axes over ${sizes.length}`);
  const strides = c.list('strides') ?? sizes.map(() => 1);
  const dilations = c.list('dilations') ?? sizes.map(() => 1);
  const automatic = c.word('auto_pad', 'NOTSET');
  const pads =
    automatic === 'SAME_UPPER' || automatic === 'SAME_LOWER'
      ? samePads(sizes, kernel, strides, dilations, automatic === 'SAME_UPPER' ? 'upper' : 'lower')
      : automatic === 'VALID'
        ? undefined
        : c.list('pads');
  return { strides, dilations, pads: pads ?? [...sizes, ...sizes].map(() => 0) };
}

function spatialSizes(c: Importer): readonly number[] {
  const sizes = c.shape(0).slice(2);
  if (sizes.length < 1 || sizes.length > 3) c.refuse(`${sizes.length} spatial axes`);
  return sizes;
}

const conv: OnnxOp = {
  convert(c) {
    const weight = c.weight(1);
    return {
      op: 'conv',
      inputs: [c.id(0)],
      attributes: { ...windowOf(c, weight.tensor.shape.slice(2)), groups: c.number('group', 1) },
      parameters: { weight: weight.tensor, bias: c.has(2) ? c.weight(2).tensor : undefined },
      weightName: weight.name,
    };
  },
};

const convTranspose: OnnxOp = {
  convert(c) {
    const weight = c.weight(1);
    const kernel = weight.tensor.shape.slice(2);
    const sizes = spatialSizes(c);
    const strides = c.list('strides') ?? sizes.map(() => 1);
    const dilations = c.list('dilations') ?? sizes.map(() => 1);
    const extra = c.list('output_padding') ?? sizes.map(() => 0);
    const automatic = c.word('auto_pad', 'NOTSET');
    const same = automatic === 'SAME_UPPER' || automatic === 'SAME_LOWER';
    const wanted =
      c.list('output_shape')?.slice(-sizes.length) ?? (same ? sizes.map((n, i) => n * strides[i]!) : undefined);
    let pads = (automatic === 'NOTSET' ? c.list('pads') : undefined) ?? [...sizes, ...sizes].map(() => 0);
    let outputPadding: readonly number[] = extra;
    if (wanted) {
      const outputs = wanted.map((n, i) => n - extra[i]!);
      const rest = automatic === 'SAME_UPPER' ? 'upper' : 'lower';
      const found = padsForOutput(sizes, outputs, kernel, { strides, dilations }, rest);
      pads = found.pads;
      outputPadding = found.outputPadding.map((n, i) => n + extra[i]!);
    }
    return {
      op: 'conv-transpose',
      inputs: [c.id(0)],
      attributes: { strides, dilations, pads, outputPadding, groups: c.number('group', 1) },
      parameters: { weight: weight.tensor, bias: c.has(2) ? c.weight(2).tensor : undefined },
      weightName: weight.name,
    };
  },
};

const gemm: OnnxOp = {
  convert(c) {
    const [alpha, beta] = [c.number('alpha', 1), c.number('beta', 1)];
    const [transposeA, transposeB] = [c.number('transA', 0) !== 0, c.number('transB', 0) !== 0];
    const hasSummand = c.has(2) && beta !== 0;
    const matrix = c.constant(1);
    if (!matrix) return generalGemm(c, { alpha, beta, transposeA, transposeB, hasSummand });
    const { tensor, name } = c.weight(1);
    const weight = scaledBy(transposeB ? tensor : transposedMatrix(tensor), alpha);
    const input = transposeA
      ? c.step('transpose', { op: 'transpose', inputs: [c.id(0)], attributes: { perm: [1, 0] } })
      : c.id(0);
    const summand = hasSummand ? c.constant(2) : undefined;
    const bias = summand && rowOf(tensorOf(summand), weight.shape[0]!);
    const draft: Draft = {
      op: 'dense',
      inputs: [input],
      parameters: { weight, bias: bias && scaledBy(bias, beta) },
      weightName: name,
    };
    return hasSummand && !bias ? withSummand(c, c.step('product', draft), beta) : draft;
  },
};

function generalGemm(
  c: Importer,
  {
    alpha,
    beta,
    transposeA,
    transposeB,
    hasSummand,
  }: { alpha: number; beta: number; transposeA: boolean; transposeB: boolean; hasSummand: boolean },
): Draft {
  const product: Draft = {
    op: 'mat-mul',
    inputs: [c.id(0), c.id(1)],
    attributes: { transposeA, transposeB, gate: null },
    weightName: c.constant(0)?.name,
  };
  const scaled = (): Draft =>
    alpha === 1 ? product : times(c.step('product', product), c.constantStep('alpha', scalar(alpha)));
  return hasSummand ? withSummand(c, c.step('scaled product', scaled()), beta) : scaled();
}

const times = (a: NodeId, b: NodeId): Draft => ({ op: 'multiply', inputs: [a, b], attributes: { gate: null } });

function withSummand(c: Importer, product: NodeId, beta: number): Draft {
  const summand = beta === 1 ? c.id(2) : c.step('summand', times(c.id(2), c.constantStep('beta', scalar(beta))));
  return { op: 'add', inputs: [product, summand] };
}

/** A constant as one row of `size` numbers, where it is the same for every row. */
function rowOf({ data, shape }: Tensor, size: number): Tensor | undefined {
  if (data.length === 1) return { data: new Float32Array(size).fill(data[0]!), shape: [size] };
  return shape.at(-1) === size && sizeOf(shape) === size ? { data, shape: [size] } : undefined;
}

const einsumOp: OnnxOp = {
  convert: (c) =>
    einsum(
      c,
      c.word('equation', ''),
      Array.from({ length: c.inputs }, (_, i) => {
        const known = c.constant(i);
        return { id: c.id(i), shape: c.shape(i), constant: known && tensorOf(known), weightName: known?.name };
      }),
    ),
};

const matMul: OnnxOp = {
  convert: (c) => ({
    op: 'mat-mul',
    inputs: [c.id(0), c.id(1)],
    attributes: { transposeA: false, transposeB: false, gate: null },
    weightName: c.constant(1)?.name ?? c.constant(0)?.name,
  }),
};

const pool = (op: 'max-pool' | 'average-pool'): OnnxOp => ({
  convert(c) {
    const kernel = needed(c, 'kernel_shape');
    const average = op === 'average-pool' && { countIncludePad: c.number('count_include_pad', 0) !== 0 };
    return {
      op,
      inputs: [c.id(0)],
      attributes: { kernel, ...windowOf(c, kernel), ceilMode: c.number('ceil_mode', 0) !== 0, ...average },
    };
  },
});

const globalPool = (op: 'max-pool' | 'average-pool'): OnnxOp => ({
  convert(c) {
    const kernel = spatialSizes(c);
    const ones = kernel.map(() => 1);
    const pads = [...kernel, ...kernel].map(() => 0);
    return { op, inputs: [c.id(0)], attributes: { kernel, strides: ones, dilations: ones, pads } };
  },
});

const batchNormalization: OnnxOp = {
  convert(c) {
    if (c.number('training_mode', 0) !== 0) c.refuse('in training mode');
    if (c.number('spatial', 1) === 0) c.refuse('statistics for every position');
    const scale = c.weight(1);
    return {
      op: 'batch-norm',
      inputs: [c.id(0)],
      attributes: { axis: 1, epsilon: c.number('epsilon', 1e-5) },
      parameters: {
        scale: scale.tensor,
        bias: c.weight(2).tensor,
        mean: c.weight(3).tensor,
        variance: c.weight(4).tensor,
      },
      weightName: scale.name,
    };
  },
};

/** Instance and layer normalisation: a scale and an optional bias. */
const normalisation = (op: string, attributes: (c: Importer) => Record<string, unknown>): OnnxOp => ({
  convert(c) {
    const scale = c.weight(1);
    return {
      op,
      inputs: [c.id(0)],
      attributes: { ...attributes(c), epsilon: c.number('epsilon', 1e-5) },
      parameters: { scale: scale.tensor, bias: c.has(2) ? c.weight(2).tensor : undefined },
      weightName: scale.name,
    };
  },
});

const groupNormalization: OnnxOp = {
  convert(c) {
    const groups = c.number('num_groups', 1);
    const channels = c.shape(0)[1]!;
    const [scale, bias] = [c.weight(1), c.weight(2)];
    // Before opset 21 there was one scale for each group.
    const perChannel = ({ tensor: { data } }: Weight): Tensor => ({
      data: Float32Array.from({ length: channels }, (_, i) => data[Math.floor((i * data.length) / channels)]!),
      shape: [channels],
    });
    return {
      op: 'group-norm',
      inputs: [c.id(0)],
      attributes: { groups, epsilon: c.number('epsilon', 1e-5) },
      parameters: { scale: perChannel(scale), bias: perChannel(bias) },
      weightName: scale.name,
    };
  },
};

/** Before opset 13, softmax ran over all axes from `axis` on, taken as one. */
const softmax = (op: 'softmax' | 'log-softmax'): OnnxOp => ({
  convert(c) {
    const shape = c.shape(0);
    if (c.opset >= 13) return { op, inputs: [c.id(0)], attributes: { axis: c.number('axis', -1) } };
    const [axis] = normalAxes([c.number('axis', 1)], shape.length) as [number];
    if (shape.slice(axis + 1).every((n) => n === 1)) return { op, inputs: [c.id(0)], attributes: { axis } };
    const flat = [...shape.slice(0, axis), sizeOf(shape.slice(axis))];
    const flattened = c.step('flat', reshaped(c, flat));
    const shares = c.step('shares', { op, inputs: [flattened], attributes: { axis } });
    return { op: 'reshape', inputs: [shares], attributes: { shape } };
  },
});

const power: OnnxOp = {
  convert(c) {
    const exponent = c.constant(1) ?? c.refuse('its exponent is computed');
    if (exponent.data.length === 1 && exponent.shape.length <= c.shape(0).length) {
      return { op: 'power', inputs: [c.id(0)], attributes: { exponent: exponent.data[0]! } };
    }
    return { op: 'power', inputs: [c.id(0)], parameters: { exponent: tensorOf(exponent) } };
  },
};

const mean: OnnxOp = {
  convert(c) {
    const sum = c.step('sum', { op: 'add', inputs: allInputs(c) });
    return times(sum, c.constantStep('share', scalar(1 / c.inputs)));
  },
};

const clip: OnnxOp = {
  settings: [null, 'min', 'max'],
  convert: (c) => ({
    op: 'clip',
    inputs: [c.id(0)],
    attributes: { min: c.list('min')?.[0] ?? null, max: c.list('max')?.[0] ?? null },
  }),
};

const parametricRelu: OnnxOp = {
  convert(c) {
    const slope = c.weight(1);
    return { op: 'parametric-relu', inputs: [c.id(0)], parameters: { slope: slope.tensor }, weightName: slope.name };
  },
};

const concat: OnnxOp = {
  convert: (c) =>
    c.inputs === 1
      ? { op: 'identity', inputs: [c.id(0)] }
      : { op: 'concat', inputs: allInputs(c), attributes: { axis: c.number('axis', 1) } },
};

const split: OnnxOp = {
  settings: [null, 'split'],
  convert(c) {
    const shape = c.shape(0);
    const [axis] = normalAxes([c.number('axis', 0)], shape.length) as [number];
    const size = shape[axis]!;
    const each = Math.ceil(size / c.outputs);
    const sizes = c.list('split') ?? Array.from({ length: c.outputs }, (_, i) => Math.min(each, size - i * each));
    let start = 0;
    return sizes.map((count) => {
      const attributes = { axes: [axis], starts: [start], ends: [start + count] };
      start += count;
      return { op: 'slice', inputs: [c.id(0)], attributes };
    });
  },
};

const slice: OnnxOp = {
  settings: [null, 'starts', 'ends', 'axes', 'steps'],
  convert(c) {
    const starts = needed(c, 'starts');
    const axes = c.list('axes') ?? starts.map((_, i) => i);
    return {
      op: 'slice',
      inputs: [c.id(0)],
      attributes: { axes, starts, ends: needed(c, 'ends'), steps: c.list('steps') },
    };
  },
};

const pad: OnnxOp = {
  settings: [null, 'pads', 'value', 'axes'],
  convert(c) {
    const rank = c.shape(0).length;
    const given = needed(c, 'pads');
    const axes = normalAxes(c.list('axes') ?? c.shape(0).map((_, axis) => axis), rank);
    const pads = new Array<number>(2 * rank).fill(0);
    axes.forEach((axis, i) => {
      pads[axis] = given[i]!;
      pads[axis + rank] = given[i + axes.length]!;
    });
    return {
      op: 'pad',
      inputs: [c.id(0)],
      attributes: { mode: c.word('mode', 'constant'), pads, value: c.list('value')?.[0] ?? 0 },
    };
  },
};

const gather: OnnxOp = {
  convert(c) {
    const indices = c.constant(1);
    if (!indices) return { op: 'identity', inputs: [c.rows(0, 1)] };
    return {
      op: 'gather',
      inputs: [c.id(0)],
      attributes: { axis: c.number('axis', 0), indices: [...indices.data], indicesShape: indices.shape },
    };
  },
};

/** Places in several leading axes: in one, where these are taken together. */
const gatherNd: OnnxOp = {
  convert(c) {
    const indices = c.constant(1) ?? c.refuse('its places are computed from the input');
    if (c.number('batch_dims', 0) !== 0) c.refuse('places of their own for every batch');
    const shape = c.shape(0);
    const depth = indices.shape.at(-1) ?? 0;
    if (depth < 1 || depth > shape.length) c.refuse(`places in ${depth} axes of ${shape.length}`);
    const leading = shape.slice(0, depth);
    const places = Array.from({ length: indices.data.length / depth }, (_, place) =>
      leading.reduce((sum, size, axis) => {
        const at = indices.data[place * depth + axis]!;
        if (at < -size || at >= size) c.refuse(`place ${at} in an axis of ${size}`);
        return sum * size + (at < 0 ? at + size : at);
      }, 0),
    );
    const whole = [sizeOf(leading), ...shape.slice(depth)];
    return {
      op: 'gather',
      inputs: [c.step('leading axes', { op: 'reshape', inputs: [c.id(0)], attributes: { shape: whole } })],
      attributes: { axis: 0, indices: places, indicesShape: indices.shape.slice(0, -1) },
    };
  },
};

type ReduceKind = 'sum' | 'mean' | 'max' | 'min' | 'l1' | 'l2';

/** A reduction, of the input or of a function of it, and a function of the result. */
const reduction = (kind: ReduceKind, { before, after }: { before?: 'square' | 'exp'; after?: 'log' } = {}): OnnxOp => ({
  settings: [null, 'axes'],
  convert(c) {
    const rank = c.shape(0).length;
    const given = c.list('axes') ?? [];
    const none = given.length === 0 && c.number('noop_with_empty_axes', 0) !== 0;
    const axes = given.length > 0 ? normalAxes(given, rank) : c.shape(0).map((_, axis) => axis);
    const x =
      before === 'square'
        ? c.step('square', times(c.id(0), c.id(0)))
        : before === 'exp'
          ? c.step('exp', { op: 'exp', inputs: [c.id(0)] })
          : c.id(0);
    const attributes = { kind, axes, keepDims: c.number('keepdims', 1) !== 0 };
    const draft: Draft = none ? { op: 'identity', inputs: [x] } : { op: 'reduce', inputs: [x], attributes };
    return after === undefined ? draft : { op: after, inputs: [c.step('sum', draft)] };
  },
});

const lpNormalization: OnnxOp = {
  convert(c) {
    const p = c.number('p', 2);
    if (p !== 1 && p !== 2) c.refuse(`p = ${p}`);
    const attributes = { kind: p === 1 ? 'l1' : 'l2', axes: [c.number('axis', -1)], keepDims: true };
    return { op: 'divide', inputs: [c.id(0), c.step('norm', { op: 'reduce', inputs: [c.id(0)], attributes })] };
  },
};

const resize: OnnxOp = {
  settings: [null, 'roi', 'scales', 'sizes'],
  convert(c) {
    const from = c.shape(0);
    const axes = normalAxes(c.list('axes') ?? from.map((_, axis) => axis), from.length);
    const spread = (values: readonly number[] | undefined, rest: readonly number[]): number[] | undefined =>
      values?.length ? rest.map((n, axis) => (axes.includes(axis) ? values[axes.indexOf(axis)]! : n)) : undefined;
    const coordinates = c.word('coordinate_transformation_mode', c.opset < 11 ? 'asymmetric' : 'half_pixel');
    if (coordinates === 'tf_crop_and_resize') c.refuse('it crops');
    // Opset 10 had no region of interest before the scales.
    const stated = c.list(c.opset < 11 ? 'roi' : 'scales');
    let scales = spread(
      stated,
      from.map(() => 1),
    );
    let sizes = spread(c.list('sizes'), from);
    if (!scales && !sizes) c.refuse('it has neither scales nor sizes');
    const policy = c.word('keep_aspect_ratio_policy', 'stretch');
    if (sizes && policy !== 'stretch') {
      const ratios = axes.map((axis) => sizes![axis]! / from[axis]!);
      const ratio = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
      scales = from.map((_, axis) => (axes.includes(axis) ? ratio : 1));
      sizes = from.map((n, axis) => (axes.includes(axis) ? Math.round(ratio * n) : n));
    }
    sizes ??= from.map((n, axis) => Math.floor(n * scales![axis]!));
    const shrinks = sizes.some((n, axis) => n < from[axis]!);
    if (shrinks && c.number('antialias', 0) !== 0) c.refuse('with antialiasing');
    return {
      op: 'resize',
      inputs: [c.id(0)],
      attributes: {
        mode: c.word('mode', 'nearest'),
        sizes,
        scales,
        coordinates,
        nearestMode: c.word('nearest_mode', c.opset < 11 ? 'floor' : 'round_prefer_floor'),
        cubicCoefficient: c.number('cubic_coeff_a', -0.75),
        excludeOutside: c.number('exclude_outside', 0) !== 0,
      },
    };
  },
};

/** Resize before opset 10: positions scaled from the corner. */
const upsample: OnnxOp = {
  settings: [null, 'scales'],
  convert(c) {
    const scales = needed(c, 'scales');
    const sizes = c.shape(0).map((n, axis) => Math.floor(n * scales[axis]!));
    const mode = c.word('mode', 'nearest') === 'nearest' ? 'nearest' : 'linear';
    const attributes = { mode, sizes, scales, coordinates: 'asymmetric', nearestMode: 'floor' };
    return { op: 'resize', inputs: [c.id(0)], attributes };
  },
};

/** Why a cast is refused. */
export const toWhole = 'to whole numbers or truth values';

const cast: OnnxOp = {
  convert(c) {
    if (c.word('to', 'float') !== 'float') c.refuse(toWhole);
    return { op: 'identity', inputs: [c.id(0)] };
  },
};

/** A choice that is fixed: both sides masked and added. */
const where: OnnxOp = {
  convert(c) {
    const condition = c.constant(0) ?? c.refuse('its condition is computed');
    const mask = (wanted: boolean): Tensor =>
      tensorOf(
        constantOf(
          'float',
          condition.shape,
          condition.data.map((x) => ((x !== 0) === wanted ? 1 : 0)),
        ),
      );
    const part = (i: number, wanted: boolean): NodeId =>
      c.step(wanted ? 'chosen' : 'other', times(c.id(i), c.constantStep(wanted ? 'mask' : 'other mask', mask(wanted))));
    return { op: 'add', inputs: [part(1, true), part(2, false)] };
  },
};

const identity = unary('identity');

/** Ops of the standard domain. */
export const onnxOps: ReadonlyMap<string, OnnxOp> = new Map(
  Object.entries({
    Abs: unary('abs'),
    Add: nary('add'),
    AveragePool: pool('average-pool'),
    BatchNormalization: batchNormalization,
    Cast: cast,
    CastLike: identity,
    Celu: unary('celu', (c) => ({ alpha: c.number('alpha', 1) })),
    Clip: clip,
    Concat: concat,
    Conv: conv,
    ConvTranspose: convTranspose,
    Cos: unary('cos'),
    DepthToSpace: unary('depth-to-space', (c) => ({
      blockSize: c.number('blocksize', 1),
      mode: c.word('mode', 'DCR'),
    })),
    Div: nary('divide'),
    Dropout: { settings: [null, 'ratio', 'training_mode'], convert: (c) => ({ op: 'identity', inputs: [c.id(0)] }) },
    Einsum: einsumOp,
    Elu: unary('elu', (c) => ({ alpha: c.number('alpha', 1) })),
    Erf: unary('erf'),
    Exp: unary('exp'),
    Expand: {
      settings: [null, 'shape'],
      convert: (c) => ({
        op: 'expand',
        inputs: [c.id(0)],
        attributes: { shape: broadcastShapes(c.shape(0), needed(c, 'shape')) },
      }),
    },
    Flatten: {
      convert(c) {
        const shape = c.shape(0);
        const axis = c.number('axis', 1);
        const at = axis < 0 ? axis + shape.length : axis;
        return reshaped(c, [sizeOf(shape.slice(0, at)), sizeOf(shape.slice(at))]);
      },
    },
    Gather: gather,
    GatherND: gatherNd,
    Gelu: unary('gelu', (c) => ({ approximate: c.word('approximate', 'none') })),
    Gemm: gemm,
    ...recurrentOps,
    GlobalAveragePool: globalPool('average-pool'),
    GlobalMaxPool: globalPool('max-pool'),
    GroupNormalization: groupNormalization,
    HardSigmoid: unary('hard-sigmoid', (c) => ({ alpha: c.number('alpha', 0.2), beta: c.number('beta', 0.5) })),
    HardSwish: unary('hard-swish'),
    Identity: identity,
    InstanceNormalization: normalisation('instance-norm', () => ({})),
    LRN: unary('local-response-norm', (c) => ({
      size: c.number('size', 1),
      alpha: c.number('alpha', 1e-4),
      beta: c.number('beta', 0.75),
      bias: c.number('bias', 1),
    })),
    LayerNormalization: normalisation('layer-norm', (c) => ({ axis: c.number('axis', -1) })),
    LeakyRelu: unary('leaky-relu', (c) => ({ alpha: c.number('alpha', 0.01) })),
    Log: unary('log'),
    LogSoftmax: softmax('log-softmax'),
    LpNormalization: lpNormalization,
    MatMul: matMul,
    Max: nary('maximum', { kind: 'max' }),
    MaxPool: pool('max-pool'),
    Mean: mean,
    MeanVarianceNormalization: unary('mvn', (c) => ({ axes: c.list('axes') ?? [0, 2, 3] })),
    Min: nary('maximum', { kind: 'min' }),
    Mish: unary('mish'),
    Mul: nary('multiply', { gate: null }),
    Neg: unary('neg'),
    PRelu: parametricRelu,
    Pad: pad,
    Pow: power,
    Reciprocal: unary('reciprocal'),
    ReduceL1: reduction('l1'),
    ReduceL2: reduction('l2'),
    ReduceLogSum: reduction('sum', { after: 'log' }),
    ReduceLogSumExp: reduction('sum', { before: 'exp', after: 'log' }),
    ReduceMax: reduction('max'),
    ReduceMean: reduction('mean'),
    ReduceMin: reduction('min'),
    ReduceSum: reduction('sum'),
    ReduceSumSquare: reduction('sum', { before: 'square' }),
    Relu: unary('relu'),
    Reshape: {
      settings: [null, 'shape'],
      convert: (c) => reshaped(c, reshapedTo(c.shape(0), needed(c, 'shape'), c.number('allowzero', 0) !== 0)),
    },
    Resize: resize,
    Selu: unary('selu', (c) => ({
      alpha: c.number('alpha', 1.6732632423543772),
      gamma: c.number('gamma', 1.0507009873554805),
    })),
    Shrink: unary('shrink', (c) => ({ lambda: c.number('lambd', 0.5), bias: c.number('bias', 0) })),
    Sigmoid: unary('sigmoid'),
    Sin: unary('sin'),
    Slice: slice,
    Softmax: softmax('softmax'),
    Softplus: unary('softplus'),
    Softsign: unary('softsign'),
    SpaceToDepth: unary('space-to-depth', (c) => ({ blockSize: c.number('blocksize', 1) })),
    Split: split,
    Sqrt: unary('sqrt'),
    Squeeze: { settings: [null, 'axes'], convert: (c) => reshaped(c, squeezedShape(c.shape(0), c.list('axes'))) },
    Sub: nary('subtract'),
    Sum: nary('add'),
    Tanh: unary('tanh'),
    ThresholdedRelu: unary('thresholded-relu', (c) => ({ alpha: c.number('alpha', 1) })),
    Tile: {
      settings: [null, 'repeats'],
      convert: (c) => ({ op: 'tile', inputs: [c.id(0)], attributes: { repeats: needed(c, 'repeats') } }),
    },
    Transpose: unary('transpose', (c) => ({
      perm: c.list('perm') ?? c.shape(0).map((_, axis) => c.shape(0).length - 1 - axis),
    })),
    Unsqueeze: {
      settings: [null, 'axes'],
      convert: (c) => reshaped(c, unsqueezedShape(c.shape(0), needed(c, 'axes'))),
    },
    Upsample: upsample,
    Where: where,
  } satisfies Record<string, OnnxOp>),
);

/** Ops of other domains that optimisers put into files, as `domain.op`. */
export const contributedOps: ReadonlyMap<string, OnnxOp> = new Map(
  Object.entries({
    'com.microsoft.Gelu': unary('gelu', () => ({ approximate: 'none' })),
    'com.microsoft.QuickGelu': unary('silu', (c) => ({ beta: c.number('alpha', 1.702) })),
  } satisfies Record<string, OnnxOp>),
);

/** Settings carried by inputs of ops that are only ever folded. */
export const foldedSettings: ReadonlyMap<string, readonly (string | null)[]> = new Map([
  ['ConstantOfShape', ['shape']],
]);
