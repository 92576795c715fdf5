// Constant folding: what a model file computes from constants alone (shapes above all) is computed here, on the host,
// once. The vocabulary and the semantics are those of ONNX, with every setting (axes, starts, shape, …) given as an
// attribute. Integers are doubles, exact to 2^53; beyond that a file only ever means "to the end".
import { sizeOf, type Shape, type Tensor } from '../kernels/kernels.ts';

export type ConstantType = 'float' | 'integer' | 'boolean';

/** A tensor known before the network runs: float32 numbers, or whole numbers (booleans are 0 and 1) as doubles. */
export interface Constant {
  readonly type: ConstantType;
  readonly shape: Shape;
  readonly data: Float32Array | Float64Array;
  /** The name that the file gives it or, after folding, the one named tensor that it was made from. */
  readonly name?: string | undefined;
}

/** Constants, shapes or settings that contradict each other: the file's fault. */
export class Misfit extends Error {}

/** More numbers than any shape arithmetic needs; a damaged file may ask for more than memory holds. */
const mostNumbers = 2 ** 28;

function sizeWithinReason(shape: Shape): number {
  const size = sizeOf(shape);
  if (size > mostNumbers) throw new Misfit(`a constant of shape [${shape.join(', ')}] is too large`);
  return size;
}

/** Settings of a node: numbers, words, lists of numbers. */
export type FoldAttributes = Readonly<Record<string, unknown>>;

type Fold = (inputs: readonly (Constant | null)[], attributes: FoldAttributes) => Constant[];

/** A constant as float32. */
export function tensorOf({ type, data, shape }: Constant): Tensor {
  return { data: type === 'float' ? (data as Float32Array) : Float32Array.from(data), shape };
}

/** A constant of a type, its numbers rounded to that type. */
export function constantOf(type: ConstantType, shape: Shape, numbers: ArrayLike<number>, name?: string): Constant {
  const size = sizeOf(shape);
  if (numbers.length !== size) throw new Misfit(`${numbers.length} numbers for the shape [${shape.join(', ')}]`);
  if (type === 'float') {
    const data = numbers instanceof Float32Array ? numbers : Float32Array.from(numbers);
    return { type, shape, data, name };
  }
  const data = Float64Array.from(numbers, type === 'integer' ? Math.trunc : (x) => (x === 0 ? 0 : 1));
  return { type, shape, data, name };
}

/** Strides of a row-major tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

/** The shape that numpy broadcasts these to; throws a Misfit where they do not fit. */
export function broadcastShapes(...shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, axis) => {
    let size = 1;
    for (const shape of shapes) {
      const n = shape[axis - rank + shape.length] ?? 1;
      if (n === 1 || n === size) continue;
      if (size !== 1) throw new Misfit(`shapes ${shapes.map((s) => `[${s.join(', ')}]`).join(' and ')} do not fit`);
      size = n;
    }
    return size;
  });
}

/** Calls `visit(output position, source position)` for every entry of `shape`, the source read with these strides. */
function walk(
  shape: Shape,
  strides: readonly number[],
  offset: number,
  visit: (to: number, from: number) => void,
): void {
  const size = sizeOf(shape);
  const index = new Array<number>(shape.length).fill(0);
  let from = offset;
  for (let to = 0; to < size; to++) {
    visit(to, from);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}

/** Reads `source` with strides into a new constant. */
function strided(source: Constant, shape: Shape, strides: readonly number[], offset = 0): Constant {
  const size = sizeWithinReason(shape);
  const data = source.type === 'float' ? new Float32Array(size) : new Float64Array(size);
  walk(shape, strides, offset, (to, from) => (data[to] = source.data[from]!));
  return { type: source.type, shape, data, name: source.name };
}

/** The constant stretched to a shape that it broadcasts to. */
export function broadcastTo(source: Constant, shape: Shape): Constant {
  const own = stridesOf(source.shape);
  const skip = shape.length - source.shape.length;
  const strides = shape.map((_, axis) => (axis < skip || source.shape[axis - skip] === 1 ? 0 : own[axis - skip]!));
  return strided(source, shape, strides);
}

/** The constant with its axes in this order. */
export function transposeConstant(source: Constant, permutation: readonly number[]): Constant {
  const strides = stridesOf(source.shape);
  return strided(
    source,
    permutation.map((axis) => source.shape[axis]!),
    permutation.map((axis) => strides[axis]!),
  );
}

const normalAxis = (axis: number, rank: number): number => {
  if (!Number.isInteger(axis) || axis < -rank || axis >= Math.max(rank, 1)) {
    throw new Misfit(`axis ${axis} of a tensor with ${rank} axes`);
  }
  return axis < 0 ? axis + rank : axis;
};
/** Axes counted from 0; negative ones count from the end. */
export const normalAxes = (axes: readonly number[], rank: number): number[] =>
  axes.map((axis) => normalAxis(axis, rank));

/** The shape that ONNX's Reshape means: 0 copies (unless `allowZero`), one −1 takes the rest. */
export function reshapedTo(from: Shape, wanted: readonly number[], allowZero = false): number[] {
  const shape = wanted.map((n, axis) => (n === 0 && !allowZero ? (from[axis] ?? 0) : n));
  const rest = shape.indexOf(-1);
  if (rest >= 0) shape[rest] = sizeOf(from) / shape.reduce((product, n) => (n === -1 ? product : product * n), 1);
  if (sizeOf(shape) !== sizeOf(from) || shape.some((n) => !Number.isInteger(n) || n < 0)) {
    throw new Misfit(`[${from.join(', ')}] cannot be reshaped to [${wanted.join(', ')}]`);
  }
  return shape;
}

/** Removes axes of size 1: those named, or all of them. */
export function squeezedShape(shape: Shape, axes: readonly number[] | undefined): number[] {
  const gone = new Set(axes ? normalAxes(axes, shape.length) : shape.flatMap((n, axis) => (n === 1 ? [axis] : [])));
  for (const axis of gone) if (shape[axis] !== 1) throw new Misfit(`axis ${axis} of [${shape.join(', ')}] is not 1`);
  return shape.filter((_, axis) => !gone.has(axis));
}

/** Inserts axes of size 1; positions count in the result. */
export function unsqueezedShape(shape: Shape, axes: readonly number[]): number[] {
  const rank = shape.length + axes.length;
  const added = new Set(normalAxes(axes, rank));
  let next = 0;
  return Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : shape[next++]!));
}

/** numpy slicing as ONNX spells it (ends beyond the range, negative positions and steps) in plain positions. */
export function sliceRange(
  size: number,
  start: number,
  end: number,
  step: number,
): { start: number; step: number; count: number } {
  const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x < 0 ? x + size : x, low), high);
  const from = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1);
  const to = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
  return { start: from, step, count: Math.max(0, Math.ceil((to - from) / step)) };
}

const join = (...inputs: readonly (Constant | null)[]): string | undefined => {
  const names = new Set(inputs.flatMap((c) => (c?.name === undefined ? [] : [c.name])));
  return names.size === 1 ? [...names][0] : undefined;
};

const unary =
  (compute: (x: number) => number, type?: ConstantType): Fold =>
  ([x]) => [constantOf(type ?? x!.type, x!.shape, x!.data.map(compute), x!.name)];

function elementwise(type: ConstantType, inputs: readonly Constant[], compute: (...xs: number[]) => number): Constant {
  const shape = broadcastShapes(...inputs.map((c) => c.shape));
  const sources = inputs.map((c) => broadcastTo(c, shape).data);
  const data = type === 'float' ? new Float32Array(sizeOf(shape)) : new Float64Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = compute(...sources.map((s) => s[i]!));
  return constantOf(type, shape, data, join(...inputs));
}

const typeOf = (inputs: readonly Constant[]): ConstantType =>
  inputs.some((c) => c.type === 'float') ? 'float' : inputs.some((c) => c.type === 'integer') ? 'integer' : 'boolean';

const arithmetic =
  (compute: (a: number, b: number) => number): Fold =>
  (inputs) => {
    const [first, ...rest] = inputs as Constant[];
    return [rest.reduce((a, b) => elementwise(typeOf([a, b]), [a, b], compute), first!)];
  };

const comparison =
  (compute: (a: number, b: number) => boolean): Fold =>
  (inputs) => [elementwise('boolean', inputs as Constant[], (a, b) => (compute(a, b) ? 1 : 0))];

const list = (attributes: FoldAttributes, key: string): readonly number[] | undefined => {
  const value = attributes[key];
  return value === undefined ? undefined : typeof value === 'number' ? [value] : (value as readonly number[]);
};

const needed = (attributes: FoldAttributes, key: string): readonly number[] => {
  const value = list(attributes, key);
  if (value === undefined) throw new Misfit(`it has no ${key}`);
  return value;
};

const reduction =
  (
    start: number,
    step: (sum: number, x: number) => number,
    finish: (sum: number, count: number) => number = (s) => s,
  ): Fold =>
  ([x], attributes) => {
    const rank = x!.shape.length;
    const given = list(attributes, 'axes');
    if ((given === undefined || given.length === 0) && attributes['noop_with_empty_axes'] === 1) return [x!];
    const axes = new Set(given?.length ? normalAxes(given, rank) : x!.shape.map((_, axis) => axis));
    const kept = x!.shape.map((n, axis) => (axes.has(axis) ? 1 : n));
    const strides = stridesOf(kept).map((stride, axis) => (axes.has(axis) ? 0 : stride));
    const sums = new Float64Array(sizeOf(kept)).fill(start);
    walk(x!.shape, strides, 0, (from, to) => (sums[to] = step(sums[to]!, x!.data[from]!)));
    const count = sizeOf(x!.shape) / sums.length;
    const shape = attributes['keepdims'] === 0 ? kept.filter((_, axis) => !axes.has(axis)) : kept;
    return [
      constantOf(
        x!.type,
        shape,
        sums.map((s) => finish(s, count)),
      ),
    ];
  };

const reshape = (x: Constant, shape: Shape): Constant[] => [{ ...x, shape }];

/** What ScatterND does with a number that finds another in its place. */
const reductions: Readonly<Record<string, (old: number, update: number) => number>> = {
  none: (_old, update) => update,
  add: (old, update) => old + update,
  mul: (old, update) => old * update,
  max: Math.max,
  min: Math.min,
};

const folds = new Map<string, Fold>(
  Object.entries({
    Identity: ([x]) => [x!],
    Dropout: ([x]) => [x!],
    Cast: ([x], { to }) => [constantOf(to as ConstantType, x!.shape, x!.data, x!.name)],
    CastLike: ([x, like]) => [constantOf(like!.type, x!.shape, x!.data, x!.name)],
    Shape: ([x], { start, end }) => {
      const sizes = x!.shape.slice((start as number | undefined) ?? 0, (end as number | undefined) ?? x!.shape.length);
      return [constantOf('integer', [sizes.length], sizes)];
    },
    Size: ([x]) => [constantOf('integer', [], [sizeOf(x!.shape)])],
    Reshape: ([x], attributes) =>
      reshape(x!, reshapedTo(x!.shape, needed(attributes, 'shape'), attributes['allowzero'] === 1)),
    Flatten: ([x], { axis = 1 }) => {
      const at = (axis as number) < 0 ? (axis as number) + x!.shape.length : (axis as number);
      return reshape(x!, [sizeOf(x!.shape.slice(0, at)), sizeOf(x!.shape.slice(at))]);
    },
    Squeeze: ([x], attributes) => reshape(x!, squeezedShape(x!.shape, list(attributes, 'axes'))),
    Unsqueeze: ([x], attributes) => reshape(x!, unsqueezedShape(x!.shape, needed(attributes, 'axes'))),
    Transpose: ([x], attributes) => [
      transposeConstant(x!, list(attributes, 'perm') ?? x!.shape.map((_, axis) => x!.shape.length - 1 - axis)),
    ],
    Expand: ([x], attributes) => [broadcastTo(x!, broadcastShapes(x!.shape, needed(attributes, 'shape')))],
    Tile: ([x], attributes) => {
      const repeats = needed(attributes, 'repeats');
      const shape = x!.shape.flatMap((n, axis) => [repeats[axis]!, n]);
      const strides = stridesOf(x!.shape).flatMap((stride) => [0, stride]);
      return reshape(
        strided(x!, shape, strides),
        x!.shape.map((n, axis) => n * repeats[axis]!),
      );
    },
    Concat: (inputs, { axis }) => {
      const parts = inputs as Constant[];
      const at = normalAxis(axis as number, parts[0]!.shape.length);
      const outer = sizeOf(parts[0]!.shape.slice(0, at));
      const rows = parts.map((p) => p.data.length / outer);
      const width = rows.reduce((sum, n) => sum + n, 0);
      const data = new Float64Array(outer * width);
      for (let o = 0; o < outer; o++) {
        let column = o * width;
        parts.forEach((p, i) => {
          data.set(p.data.subarray(o * rows[i]!, (o + 1) * rows[i]!), column);
          column += rows[i]!;
        });
      }
      const shape = parts[0]!.shape.map((n, i) => (i === at ? parts.reduce((sum, p) => sum + p.shape[at]!, 0) : n));
      return [constantOf(typeOf(parts), shape, data, join(...parts))];
    },
    Split: ([x], attributes) => {
      const axis = normalAxis((attributes['axis'] as number | undefined) ?? 0, x!.shape.length);
      const strides = stridesOf(x!.shape);
      let start = 0;
      return needed(attributes, 'split').map((count) => {
        const part = strided(
          x!,
          x!.shape.map((n, i) => (i === axis ? count : n)),
          strides,
          start * strides[axis]!,
        );
        start += count;
        return part;
      });
    },
    Slice: ([x], attributes) => {
      const starts = needed(attributes, 'starts');
      const ends = needed(attributes, 'ends');
      const axes = normalAxes(list(attributes, 'axes') ?? starts.map((_, i) => i), x!.shape.length);
      const shape = [...x!.shape];
      const strides = stridesOf(x!.shape);
      let offset = 0;
      axes.forEach((axis, i) => {
        const range = sliceRange(x!.shape[axis]!, starts[i]!, ends[i]!, list(attributes, 'steps')?.[i] ?? 1);
        offset += range.start * strides[axis]!;
        shape[axis] = range.count;
        strides[axis]! *= range.step;
      });
      return [strided(x!, shape, strides, offset)];
    },
    Gather: ([x, indices], attributes) => {
      const axis = normalAxis((attributes['axis'] as number | undefined) ?? 0, x!.shape.length);
      const size = x!.shape[axis]!;
      const outer = sizeOf(x!.shape.slice(0, axis));
      const inner = sizeOf(x!.shape.slice(axis + 1));
      const count = indices!.data.length;
      const data =
        x!.type === 'float' ? new Float32Array(outer * count * inner) : new Float64Array(outer * count * inner);
      for (let o = 0; o < outer; o++) {
        for (let i = 0; i < count; i++) {
          const from = (o * size + normalAxis(indices!.data[i]!, size)) * inner;
          data.set(x!.data.subarray(from, from + inner), (o * count + i) * inner);
        }
      }
      const shape = [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)];
      return [{ type: x!.type, shape, data, name: x!.name }];
    },
    // The last axis of the indices holds places in the axes behind the first `batch_dims`, which both share.
    GatherND: (inputs, attributes) => {
      const [x, indices] = inputs as [Constant, Constant];
      const batch = (attributes['batch_dims'] as number | undefined) ?? 0;
      const depth = indices.shape.at(-1) ?? 0;
      const [places, inner] = [indices.shape.slice(batch, -1), x.shape.slice(batch + depth)];
      const shared = x.shape.slice(0, batch);
      if (batch + depth > x.shape.length || shared.some((n, axis) => n !== indices.shape[axis]))
        throw new Misfit(`places of shape [${indices.shape.join(', ')}] in [${x.shape.join(', ')}]`);
      const shape = [...shared, ...places, ...inner];
      const strides = stridesOf(x.shape);
      const [count, size] = [sizeOf(places), sizeOf(inner)];
      const data = new Float64Array(sizeWithinReason(shape));
      for (let at = 0; at < sizeOf(shared) * count; at++) {
        let from = Math.floor(at / count) * sizeOf(x.shape.slice(batch));
        for (let axis = 0; axis < depth; axis++)
          from += strides[batch + axis]! * normalAxis(indices.data[at * depth + axis]!, x.shape[batch + axis]!);
        for (let i = 0; i < size; i++) data[at * size + i] = x.data[from + i]!;
      }
      return [constantOf(x.type, shape, x.type === 'float' ? Float32Array.from(data) : data, x.name)];
    },
    // The last axis of the indices holds places in the leading axes; each takes a block of the updates.
    ScatterND: (inputs, { reduction = 'none' }) => {
      const [x, indices, updates] = inputs as [Constant, Constant, Constant];
      const combine = Object.hasOwn(reductions, String(reduction)) ? reductions[String(reduction)]! : null;
      if (!combine) throw new Misfit(`the reduction ${String(reduction)}`);
      const depth = indices.shape.at(-1) ?? 0;
      const [leading, inner] = [x.shape.slice(0, depth), sizeOf(x.shape.slice(depth))];
      const places = depth === 0 ? 0 : indices.data.length / depth;
      if (depth > x.shape.length || updates.data.length !== places * inner)
        throw new Misfit(`updates of shape [${updates.shape.join(', ')}] at ${places} places`);
      const strides = stridesOf(leading);
      const data = x.data.slice();
      for (let place = 0; place < places; place++) {
        let to = 0;
        for (let axis = 0; axis < depth; axis++)
          to += strides[axis]! * inner * normalAxis(indices.data[place * depth + axis]!, leading[axis]!);
        for (let i = 0; i < inner; i++) data[to + i] = combine(data[to + i]!, updates.data[place * inner + i]!);
      }
      return [{ ...x, data }];
    },
    Pad: ([x], attributes) => {
      if ((attributes['mode'] ?? 'constant') !== 'constant') throw new Misfit('a constant padded by reflection');
      const rank = x!.shape.length;
      const pads = needed(attributes, 'pads');
      const shape = x!.shape.map((n, axis) => n + pads[axis]! + pads[axis + rank]!);
      const strides = stridesOf(shape);
      const data = new Float64Array(sizeWithinReason(shape)).fill(list(attributes, 'value')?.[0] ?? 0);
      const offset = strides.reduce((sum, stride, axis) => sum + stride * pads[axis]!, 0);
      walk(x!.shape, strides, offset, (from, to) => (data[to] = x!.data[from]!));
      return [constantOf(x!.type, shape, data, x!.name)];
    },
    ConstantOfShape: (_inputs, attributes) => {
      const value = (attributes['value'] as Constant | undefined) ?? constantOf('float', [1], [0]);
      const shape = needed(attributes, 'shape');
      return [broadcastTo({ ...value, shape: [], name: undefined }, shape)];
    },
    Range: ([start, limit, delta]) => {
      const [from, to, by] = [start!.data[0]!, limit!.data[0]!, delta!.data[0]!];
      const count = sizeWithinReason([Math.max(0, Math.ceil((to - from) / by))]);
      return [
        constantOf(
          start!.type,
          [count],
          Array.from({ length: count }, (_, i) => from + i * by),
        ),
      ];
    },
    NonZero: ([x]) => {
      const found = [...x!.data.keys()].filter((i) => x!.data[i] !== 0);
      const strides = stridesOf(x!.shape);
      const data = x!.shape.flatMap((n, axis) => found.map((i) => Math.floor(i / strides[axis]!) % n));
      return [constantOf('integer', [x!.shape.length, found.length], data)];
    },
    Where: (inputs) => {
      const [condition, a, b] = inputs as [Constant, Constant, Constant];
      return [elementwise(typeOf([a, b]), [condition, a, b], (c, x, y) => (c !== 0 ? x : y))];
    },
    Add: arithmetic((a, b) => a + b),
    Sum: arithmetic((a, b) => a + b),
    Sub: arithmetic((a, b) => a - b),
    Mul: arithmetic((a, b) => a * b),
    // Whole numbers divide towards zero, because constantOf truncates them.
    Div: (inputs, attributes) => {
      const [, divisor] = inputs as Constant[];
      if (typeOf(inputs as Constant[]) === 'integer' && divisor!.data.includes(0))
        throw new Misfit('a division by zero');
      return arithmetic((a, b) => a / b)(inputs, attributes);
    },
    Mod: (inputs, { fmod }) => arithmetic((a, b) => (fmod === 1 ? a % b : a - b * Math.floor(a / b)))(inputs, {}),
    Pow: ([x, y]) => [elementwise(x!.type, [x!, y!], (a, b) => a ** b)],
    Min: arithmetic(Math.min),
    Max: arithmetic(Math.max),
    Equal: comparison((a, b) => a === b),
    Less: comparison((a, b) => a < b),
    LessOrEqual: comparison((a, b) => a <= b),
    Greater: comparison((a, b) => a > b),
    GreaterOrEqual: comparison((a, b) => a >= b),
    And: comparison((a, b) => a !== 0 && b !== 0),
    Or: comparison((a, b) => a !== 0 || b !== 0),
    Not: unary((x) => (x === 0 ? 1 : 0), 'boolean'),
    Neg: unary((x) => -x),
    Abs: unary(Math.abs),
    Floor: unary(Math.floor),
    Ceil: unary(Math.ceil),
    // Halves go to the even neighbour.
    Round: unary((x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x))),
    Sqrt: unary(Math.sqrt),
    Exp: unary(Math.exp),
    Log: unary(Math.log),
    Reciprocal: unary((x) => 1 / x),
    Sign: unary(Math.sign),
    ReduceProd: reduction(1, (product, x) => product * x),
    ReduceSum: reduction(0, (sum, x) => sum + x),
    ReduceMax: reduction(-Infinity, Math.max),
    ReduceMin: reduction(Infinity, Math.min),
    ReduceMean: reduction(
      0,
      (sum, x) => sum + x,
      (sum, count) => sum / count,
    ),
    ReduceL2: reduction(0, (sum, x) => sum + x * x, Math.sqrt),
    DequantizeLinear: ([x, scale, zero], { axis }) => {
      // One scale for all, or one for each position of an axis.
      const at = normalAxis((axis as number | undefined) ?? 1, Math.max(x!.shape.length, 1));
      const along = (c: Constant): Constant =>
        c.data.length === 1 ? { ...c, shape: [] } : { ...c, shape: x!.shape.map((n, i) => (i === at ? n : 1)) };
      const origin = zero ? along(zero) : constantOf('integer', [], [0]);
      const result = elementwise('float', [x!, along(scale!), origin], (value, s, z) => (value - z) * s);
      return [{ ...result, name: x!.name }];
    },
  } satisfies Record<string, Fold>),
);

/** How many inputs an op cannot do without, where it is not one. */
const leastInputs: ReadonlyMap<string, number> = new Map([
  ['ConstantOfShape', 0],
  ...['CastLike', 'DequantizeLinear', 'Gather', 'GatherND', 'Pow', 'Sub', 'Div', 'Mod'].map((op) => [op, 2] as const),
  ...['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual', 'And', 'Or'].map((op) => [op, 2] as const),
  ['Range', 3],
  ['ScatterND', 3],
  ['Where', 3],
]);

/** True where `fold` knows the op. */
export const foldable = (op: string): boolean => folds.has(op);

/**
 * The outputs of an op whose inputs are all constants (null: left out). Throws a Misfit where they do not fit;
 * the op must be `foldable`.
 */
export function fold(op: string, inputs: readonly (Constant | null)[], attributes: FoldAttributes = {}): Constant[] {
  const compute = folds.get(op);
  if (!compute) throw new Error(`No constant folding for "${op}"`);
  for (let i = 0; i < (leastInputs.get(op) ?? 1); i++) if (!inputs[i]) throw new Misfit(`its input ${i} is missing`);
  return compute(inputs, attributes);
}
