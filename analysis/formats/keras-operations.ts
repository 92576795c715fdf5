// Functions called on the values of a Keras model outside its layers: operations of Keras 3 (`x + 1`, `ops.mean`), and the
// TFOpLambda and SlicingOpLambda layers of Keras 2 that stand for functions of TensorFlow.
import { sizeOf, type Shape, type Tensor } from '../kernels/kernels.ts';
import { normalAxes, reshapedTo, squeezedShape, unsqueezedShape } from '../network/constant-folding.ts';
import type { View } from './axis-order.ts';
import { einsumOfViews } from './einsum.ts';
import { activationNames, activated, snakeCase } from './keras-activations.ts';
import type { LayerConversion, LayerUse } from './keras-layer-use.ts';
import { isRecord, refuse } from './keras-settings.ts';

type Operation = (c: LayerUse) => View;

const viewOf = (c: LayerUse, given: unknown): View | undefined => c.inputs.find((view) => view === given);

/** An operand: a value of the model, or numbers written into the call. */
function operand(c: LayerUse, position: number, names: readonly string[]): View {
  const given = names.map((name) => c.argument(position, name)).find((value) => value !== undefined);
  return viewOf(c, given) ?? c.g.constant(`${c.id}/${names[0]}`, tensorOf(given), `${c.name}/${names[0]}`);
}

/** Numbers in nested lists, which Keras 3 writes of an array with its class. */
function tensorOf(argument: unknown): Tensor {
  const isArray = isRecord(argument) && argument['class_name'] === '__numpy__' && isRecord(argument['config']);
  const given: unknown = isArray ? (argument['config'] as { value?: unknown }).value : argument;
  const shape: number[] = [];
  for (let at = given; Array.isArray(at); at = (at as unknown[])[0]) shape.push(at.length);
  const flat: unknown[] = [given].flat(8);
  if (flat.length !== sizeOf(shape) || !flat.every((x): x is number => typeof x === 'number' && Number.isFinite(x))) {
    refuse('an argument that is neither a value nor numbers');
  }
  return { data: Float32Array.from(flat), shape };
}

const first = (c: LayerUse): View => viewOf(c, c.argument(0, 'x')) ?? c.inputs[0] ?? refuse('no inputs');

/** A setting of the call or, in Keras 3, of the operation. */
function option(c: LayerUse, position: number, ...names: readonly string[]): unknown {
  for (const name of names) {
    const given = c.argument(position, name) ?? c.settings.config[name];
    if (given !== undefined && given !== null) return given;
  }
  return undefined;
}

/** Whole numbers, one or several; undefined where there are none. */
function whole(given: unknown): number[] | undefined {
  if (given === undefined) return undefined;
  const list: unknown = isRecord(given) ? given['items'] : given;
  const numbers: unknown[] = Array.isArray(list) ? list : [list];
  return numbers.every((n): n is number => Number.isSafeInteger(n))
    ? numbers
    : refuse('an argument that is no whole number');
}

const binary =
  (op: string, attributes: Record<string, unknown> = {}): Operation =>
  (c) => {
    const views = [operand(c, 0, ['x', 'x1', 'a']), operand(c, 1, ['y', 'x2', 'b'])];
    return c.g.broadcast(c.id, c.name, op, views, { attributes });
  };

const unary =
  (op: string): Operation =>
  (c) =>
    c.g.elementwise(c.id, c.name, op, first(c));

const reduction =
  (kind: 'mean' | 'sum' | 'max' | 'min'): Operation =>
  (c) => {
    const x = c.g.stored(first(c));
    const rank = c.g.shapeOf(first(c)).length;
    const axes = whole(option(c, 1, 'axis')) ?? Array.from({ length: rank }, (_, axis) => axis);
    const keepDims = option(c, 2, 'keepdims') === true;
    return c.g.add(c.id, c.name, {
      op: 'reduce',
      inputs: [x],
      attributes: { kind, axes: normalAxes(axes, rank), keepDims },
    });
  };

const reshaped =
  (shapeOf: (from: Shape, c: LayerUse) => Shape): Operation =>
  (c) =>
    c.g.reshaped(c.id, c.name, first(c), shapeOf(c.g.shapeOf(first(c)), c));

/** The values in a list, which must be all that stands in it. */
function listed(c: LayerUse): readonly View[] {
  const list = c.argument(0, 'xs') ?? c.argument(0, 'x') ?? c.argument(0, 'values') ?? c.argument(0, 'arrays');
  if (Array.isArray(list) && list.length !== c.inputs.length) refuse('numbers among its values');
  return c.inputs;
}

const concatenate: Operation = (c) => {
  const views = listed(c);
  if (views.length === 1) return views[0]!;
  const inputs = views.map((view) => c.g.stored(view));
  const [axis] = whole(option(c, 1, 'axis')) ?? [-1];
  return c.g.add(c.id, c.name, { op: 'concat', inputs, attributes: { axis } });
};

const matMul: Operation = (c) => {
  const inputs = [operand(c, 0, ['a', 'x1', 'x']), operand(c, 1, ['b', 'x2', 'y'])].map((view) => c.g.stored(view));
  const [transposeA, transposeB] = [option(c, 2, 'transpose_a') === true, option(c, 3, 'transpose_b') === true];
  return c.g.add(c.id, c.name, { op: 'mat-mul', inputs, attributes: { transposeA, transposeB, gate: null } });
};

/** The equation is an argument (TensorFlow) or a setting (Keras 3); what follows are the operands. */
const einsumCall: Operation = (c) => {
  const leading = c.argument(0, 'equation');
  const equation = typeof leading === 'string' ? leading : c.settings.word('subscripts', '');
  const operands: View[] = [];
  for (let i = leading === equation ? 1 : 0; c.argument(i, 'operands') !== undefined; i++)
    operands.push(operand(c, i, [`operand ${i}`]));
  return einsumOfViews(c.g, { id: c.id, name: c.name, refuse }, equation, operands);
};

/** x[1:, ..., -1]: whole numbers take an axis away, slices keep it; new axes are refused. */
const slice: Operation = (c) => {
  const shape = c.g.shapeOf(first(c));
  const given = option(c, 1, 'slice_spec', 'key');
  const list: unknown = isRecord(given) && Array.isArray(given['items']) ? given['items'] : given;
  const parts: unknown[] = Array.isArray(list) ? list : [list];
  const isRest = (part: unknown): boolean =>
    part === '...' || (isRecord(part) && (part['class_name'] === '__ellipsis__' || part['value'] === '...'));
  const at = parts.findIndex(isRest);
  const rest = new Array<unknown>(Math.max(0, shape.length - parts.length + 1)).fill({});
  const all = at < 0 ? parts : parts.toSpliced(at, 1, ...rest);
  if (all.length > shape.length) refuse(`${all.length} indices for ${shape.length} axes`);
  const cuts = all.map((part, axis) => {
    if (Number.isSafeInteger(part)) {
      const from = (part as number) < 0 ? (part as number) + shape[axis]! : (part as number);
      return { axis, start: from, end: from + 1, step: 1, gone: true };
    }
    const bounds = isRecord(part)
      ? isRecord(part['config'])
        ? part['config']
        : part
      : refuse('an index that is computed');
    const bound = (key: string): number | undefined => {
      const value = bounds[key] ?? undefined;
      return value === undefined || Number.isSafeInteger(value)
        ? (value as number | undefined)
        : refuse('an index that is computed');
    };
    const step = bound('step') ?? 1;
    const [start, end] = step > 0 ? [0, shape[axis]!] : [shape[axis]! - 1, -(2 ** 31)];
    return { axis, start: bound('start') ?? start, end: bound('stop') ?? end, step, gone: false };
  });
  const cut = c.g.add(`${c.id}/slice`, `${c.name}/slice`, {
    op: 'slice',
    inputs: [c.g.stored(first(c))],
    attributes: {
      axes: cuts.map(({ axis }) => axis),
      starts: cuts.map(({ start }) => start),
      ends: cuts.map(({ end }) => end),
      steps: cuts.map(({ step }) => step),
    },
  });
  const left = c.g.shapeOf(cut).filter((_, axis) => !cuts.some((one) => one.axis === axis && one.gone));
  return c.g.reshaped(c.id, c.name, cut, left);
};

const stack: Operation = (c) => {
  const [axis] = whole(option(c, 1, 'axis')) ?? [0];
  const inputs = listed(c).map((view, i) => {
    const shape = unsqueezedShape(c.g.shapeOf(view), [axis!]);
    return c.g.stored(c.g.reshaped(`${c.id}/${i}`, `${c.name}/${i}`, view, shape));
  });
  return c.g.add(c.id, c.name, {
    op: 'concat',
    inputs,
    attributes: { axis: normalAxes([axis!], first(c).order.length + 1)[0] },
  });
};

/** Which entries of an axis come where; `placesOf` is given how many there are. */
const picked =
  (placesOf: (size: number, c: LayerUse) => readonly number[]): Operation =>
  (c) => {
    const x = first(c);
    const given = whole(c.settings.config['axis'] ?? c.argument(2, 'axis') ?? c.argument(1, 'axis'));
    if (given?.length !== 1) refuse('it has not one axis');
    const [axis] = normalAxes(given, x.order.length);
    const indices = placesOf(c.g.shapeOf(x)[axis!]!, c);
    return c.g.add(c.id, c.name, { op: 'gather', inputs: [c.g.stored(x)], attributes: { axis, indices } });
  };

const one = (c: LayerUse, name: string): number => {
  const given = whole(option(c, 1, name));
  return given?.length === 1 ? given[0]! : refuse(`its ${name} is no whole number`);
};
const flip = picked((size) => Array.from({ length: size }, (_, i) => size - 1 - i));
const roll = picked((size, c) => {
  const shift = one(c, 'shift');
  return Array.from({ length: size }, (_, i) => (((i - shift) % size) + size) % size);
});
const repeat = picked((size, c) => {
  const repeats = one(c, 'repeats');
  return Array.from({ length: size * repeats }, (_, i) => Math.floor(i / repeats));
});
const take = picked((size, c) => {
  const { data, shape } = tensorOf(c.argument(1, 'indices'));
  const places = shape.length === 1 ? [...data] : refuse('places that are no list');
  return places.every((i) => Number.isInteger(i) && i >= -size && i < size)
    ? places
    : refuse('places that lie outside');
});

const pad: Operation = (c) => {
  const widths: unknown = option(c, 1, 'pad_width', 'paddings');
  const pairs = Array.isArray(widths) ? widths.map(whole) : refuse('its widths are computed');
  if (pairs.length !== first(c).order.length || pairs.some((pair) => pair?.length !== 2))
    refuse('widths that do not fit');
  if (!['constant', 'CONSTANT', undefined].includes(option(c, 2, 'mode') as string | undefined))
    refuse('a border that is no number');
  const value = option(c, 3, 'constant_values') ?? 0;
  if (typeof value !== 'number') refuse('a border that is no number');
  const pads = [...pairs.map((pair) => pair![0]!), ...pairs.map((pair) => pair![1]!)];
  return c.g.add(c.id, c.name, {
    op: 'pad',
    inputs: [c.g.stored(first(c))],
    attributes: { mode: 'constant', pads, value },
  });
};

/** A number that a function is given beside its value, or this one. */
function number(c: LayerUse, fallback: number, ...names: readonly string[]): number {
  const given = option(c, 1, ...names) ?? fallback;
  return typeof given === 'number' ? given : refuse(`its ${names[0]} is no number`);
}

const entrywise =
  (op: string, attributesOf: (c: LayerUse) => Record<string, unknown>): Operation =>
  (c) =>
    c.g.elementwise(c.id, c.name, op, first(c), { attributes: attributesOf(c) });

const clip = entrywise('clip', (c) => {
  const max = option(c, 2, 'x_max', 'clip_value_max');
  const min = number(c, -Infinity, 'x_min', 'clip_value_min');
  return { min, max: typeof max === 'number' ? max : refuse('its x_max is no number') };
});

const norm: Operation = (c) => {
  const order = option(c, 1, 'ord') ?? 2;
  const kind =
    order === 2 || order === 'euclidean' ? 'l2' : order === 1 ? 'l1' : refuse('an order that is neither 1 nor 2');
  const axes = whole(option(c, 2, 'axis')) ?? refuse('it has no axis');
  if (axes.length !== 1) refuse('a norm of matrices');
  const attributes = {
    kind,
    axes: normalAxes(axes, first(c).order.length),
    keepDims: option(c, 3, 'keepdims') === true,
  };
  return c.g.add(c.id, c.name, { op: 'reduce', inputs: [c.g.stored(first(c))], attributes });
};

const movedAxis: Operation = (c) => {
  const { order } = first(c);
  const [from, to] = [whole(option(c, 1, 'source')), whole(option(c, 2, 'destination'))].map((axes) =>
    normalAxes(axes ?? refuse('its axes are computed'), order.length),
  ) as [number[], number[]];
  if (from.length !== to.length) refuse('axes that do not fit');
  const axes = order.map((_, axis) => axis).filter((axis) => !from.includes(axis));
  for (const place of to.toSorted((a, b) => a - b)) axes.splice(place, 0, from[to.indexOf(place)]!);
  return c.g.transposed(first(c), axes);
};

const swappedAxes: Operation = (c) => {
  const { order } = first(c);
  const [a, b] = normalAxes(
    [one(c, 'axis1'), whole(option(c, 2, 'axis2'))?.[0] ?? refuse('it has no axis2')],
    order.length,
  );
  return c.g.transposed(
    first(c),
    order.map((_, axis) => (axis === a ? b! : axis === b ? a! : axis)),
  );
};

const power: Operation = (c) => {
  const exponent = c.argument(1, 'y') ?? c.argument(1, 'x2');
  if (typeof exponent !== 'number') refuse('an exponent that is computed');
  return c.g.elementwise(c.id, c.name, 'power', first(c), { attributes: { exponent } });
};

const square: Operation = (c) => c.g.elementwise(c.id, c.name, 'power', first(c), { attributes: { exponent: 2 } });

const cast: Operation = (c) => {
  const type = option(c, 1, 'dtype');
  return typeof type === 'string' && type.startsWith('float') ? first(c) : refuse('to whole numbers or truth values');
};

const axesOf = (c: LayerUse): number[] | undefined => whole(option(c, 1, 'axis', 'axes'));

/** By the last part of the function's name, in snake case; activation functions of Keras besides. */
const operations: Readonly<Record<string, Operation>> = {
  abs: unary('abs'),
  absolute: unary('abs'),
  add: binary('add'),
  amax: reduction('max'),
  amin: reduction('min'),
  cast,
  celu: entrywise('celu', (c) => ({ alpha: number(c, 1, 'alpha') })),
  clip,
  clip_by_value: clip,
  concat: concatenate,
  concatenate,
  cos: unary('cos'),
  divide: binary('divide'),
  einsum: einsumCall,
  elu: entrywise('elu', (c) => ({ alpha: number(c, 1, 'alpha') })),
  exp: unary('exp'),
  expand_dims: reshaped((from, c) => unsqueezedShape(from, axesOf(c) ?? refuse('it has no axis'))),
  flip,
  gelu: entrywise('gelu', (c) => ({ approximate: option(c, 1, 'approximate') === true ? 'tanh' : 'none' })),
  get_item: slice,
  getitem: slice,
  hard_shrink: entrywise('shrink', (c) => ({ lambda: number(c, 0.5, 'threshold'), bias: 0 })),
  identity: first,
  leaky_relu: entrywise('leaky-relu', (c) => ({ alpha: number(c, 0.2, 'negative_slope', 'alpha') })),
  log: unary('log'),
  matmul: matMul,
  max: reduction('max'),
  maximum: binary('maximum', { kind: 'max' }),
  mean: reduction('mean'),
  min: reduction('min'),
  minimum: binary('maximum', { kind: 'min' }),
  moveaxis: movedAxis,
  multiply: binary('multiply', { gate: null }),
  negative: unary('neg'),
  norm,
  pad,
  pow: power,
  power,
  reciprocal: unary('reciprocal'),
  reduce_max: reduction('max'),
  reduce_mean: reduction('mean'),
  reduce_min: reduction('min'),
  reduce_sum: reduction('sum'),
  repeat,
  reshape: reshaped((from, c) =>
    reshapedTo(from, whole(option(c, 1, 'shape', 'newshape')) ?? refuse('it has no shape'), false),
  ),
  roll,
  rsqrt: entrywise('power', () => ({ exponent: -0.5 })),
  sin: unary('sin'),
  soft_shrink: entrywise('shrink', (c) => {
    const lambda = number(c, 0.5, 'threshold');
    return { lambda, bias: lambda };
  }),
  sqrt: unary('sqrt'),
  square,
  squeeze: reshaped((from, c) => squeezedShape(from, axesOf(c))),
  stack,
  subtract: binary('subtract'),
  sum: reduction('sum'),
  swapaxes: swappedAxes,
  take,
  tile: (c) => {
    const repeats = whole(option(c, 1, 'repeats', 'multiples')) ?? refuse('its repeats are computed');
    return c.g.add(c.id, c.name, { op: 'tile', inputs: [c.g.stored(first(c))], attributes: { repeats } });
  },
  transpose: (c) => {
    const { order } = first(c);
    const axes = whole(option(c, 1, 'perm', 'axes')) ?? order.map((_, axis) => order.length - 1 - axis);
    return c.g.transposed(first(c), axes);
  },
  true_divide: binary('divide'),
  truediv: binary('divide'),
};

/** A function by the last part of its name. */
function operation(c: LayerUse, name: string): View {
  if (Object.hasOwn(operations, name)) return operations[name]!(c);
  const known = [...Object.keys(operations), ...activationNames].join(', ');
  if (!activationNames.includes(name)) refuse(`the function "${name}"; supported are ${known}`);
  const axis = whole(option(c, 1, 'axis'))?.[0] ?? -1;
  if (axis !== -1 && axis !== first(c).order.length - 1) refuse(`axis ${axis}`);
  return activated(c.g, c.id, c.name, name, first(c), c.dialect);
}

/** Whether a class of Keras 3 is a function that is supported. */
export const isKerasOperation = (kind: string): boolean =>
  Object.hasOwn(operations, snakeCase(kind)) || activationNames.includes(snakeCase(kind));

/** An operation of Keras 3, whose class is the function. */
export const kerasOperation: LayerConversion = (c) => operation(c, snakeCase(c.kind));

/** A function of TensorFlow as a layer of Keras 2. */
export const functionLayer: LayerConversion = (c) => operation(c, c.settings.word('function', '').split('.').at(-1)!);
