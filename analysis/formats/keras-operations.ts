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

/** Numbers in nested lists. */
function tensorOf(given: unknown): Tensor {
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

const concatenate: Operation = (c) => {
  if (c.inputs.length === 1) return c.inputs[0]!;
  const inputs = c.inputs.map((view) => c.g.stored(view));
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
  absolute: unary('abs'),
  abs: unary('abs'),
  add: binary('add'),
  cast,
  concat: concatenate,
  concatenate,
  divide: binary('divide'),
  exp: unary('exp'),
  einsum: einsumCall,
  expand_dims: reshaped((from, c) => unsqueezedShape(from, axesOf(c) ?? refuse('it has no axis'))),
  get_item: slice,
  getitem: slice,
  identity: first,
  log: unary('log'),
  matmul: matMul,
  max: reduction('max'),
  maximum: binary('maximum', { kind: 'max' }),
  mean: reduction('mean'),
  min: reduction('min'),
  minimum: binary('maximum', { kind: 'min' }),
  multiply: binary('multiply', { gate: null }),
  negative: unary('neg'),
  pow: power,
  power,
  reduce_max: reduction('max'),
  reduce_mean: reduction('mean'),
  reduce_sum: reduction('sum'),
  reshape: reshaped((from, c) =>
    reshapedTo(from, whole(option(c, 1, 'shape', 'newshape')) ?? refuse('it has no shape'), false),
  ),
  sqrt: unary('sqrt'),
  square,
  squeeze: reshaped((from, c) => squeezedShape(from, axesOf(c))),
  subtract: binary('subtract'),
  sum: reduction('sum'),
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
