// Kernels as nodes of an ONNX graph. Shapes are followed while recording, so that each kernel takes the exact form that
// ONNX Runtime is fastest at.
import { sizeOf } from './kernels.ts';
import type { BinaryKernel, ConvOptions, Kernels, PoolOptions, Shape, Tensor, UnaryKernel, Value } from './kernels.ts';
import { graphWriter, microsoftDomain, type GraphWriter } from './onnx-graph.ts';
import { DataType } from './onnx-protobuf.ts';
import { broadcastShape, dimOf, knownShape, reshaped, sameShape, textOf, windowed } from './shapes.ts';
import type { Dim, FreeShape } from './shapes.ts';

/** A value of the graph. Its name is asked for when something uses it, so what nobody uses is never written. */
interface Recorded {
  readonly shape: FreeShape;
  readonly name: () => string;
  /** Numbers of a constant. */
  readonly constant?: Float32Array;
  /** The same value as booleans, where a comparison made it. */
  readonly condition?: string;
  /**
   * The same value without its second dimension of length 1, [B, 1, C, …] -> [B, C, …]. Elementwise kernels work there:
   * next to the convolutions, where ONNX Runtime merges scale, bias and rectifier into them.
   */
  readonly unlifted?: Recorded;
  /** The operands of the product that this is. */
  readonly factors?: readonly [Recorded, Recorded];
  /** What this is with zeros around its spatial axes: a convolution pads by itself. */
  readonly unpadded?: { readonly source: Recorded; readonly pads: readonly number[] };
}

const unaryOps: Record<UnaryKernel, string> = {
  neg: 'Neg',
  abs: 'Abs',
  exp: 'Exp',
  log: 'Log',
  sqrt: 'Sqrt',
  tanh: 'Tanh',
  sigmoid: 'Sigmoid',
  erf: 'Erf',
  sign: 'Sign',
  floor: 'Floor',
  reciprocal: 'Reciprocal',
  sin: 'Sin',
  cos: 'Cos',
};

const binaryOps: Record<BinaryKernel, string> = {
  add: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  div: 'Div',
  max: 'Max',
  min: 'Min',
  pow: 'Pow',
  greater: 'Greater',
  greaterEqual: 'GreaterOrEqual',
  equal: 'Equal',
};

const comparisons: ReadonlySet<BinaryKernel> = new Set<BinaryKernel>(['greater', 'greaterEqual', 'equal']);

/** How many columns of a product ONNX Runtime computes at once, and how many numbers of padding are too many. */
const [COLUMN_BLOCK, MOST_PADDING] = [16, 2 ** 18];

/** Runs `build` on a recorder; returns the ONNX model of what it did, with inputs input0, … and outputs output0, … */
export function record(
  inputShapes: readonly Shape[],
  build: (k: Kernels, inputs: Value[]) => Value[],
): ReturnType<GraphWriter['model']> & { outputCount: number; constantCount: number } {
  const graph = graphWriter();
  const { emit, integers: int64, scalar } = graph;
  const constants = new Map<Float32Array, Map<string, Recorded>>();
  const flips = new Map<Float32Array, Map<string, Float32Array>>();

  const value = (name: string, shape: FreeShape): Recorded => ({ name: () => name, shape });

  function constant({ data, shape }: Tensor): Recorded {
    const byShape = constants.get(data) ?? new Map<string, Recorded>();
    constants.set(data, byShape);
    const key = shape.join();
    const known = byShape.get(key) ?? { shape, name: lazily(() => graph.floats(data, shape)), constant: data };
    byShape.set(key, known);
    return known;
  }
  const filled = (x: number, shape: Shape): Recorded =>
    constant({ data: new Float32Array(sizeOf(shape)).fill(x), shape });

  /** x with a dimension of length 1 before its second one. */
  function lift(x: Recorded): Recorded {
    const name = lazily(() => emit('Unsqueeze', [x.name(), int64([1])]));
    return { shape: [dimOf(x.shape, 0), 1, ...x.shape.slice(1)], name, unlifted: x };
  }

  /** An operand of a kernel over lifted values of this rank, without its second dimension; undefined where it has one. */
  function lower(x: Recorded, rank: number): Recorded | undefined {
    if (x.shape.length <= rank - 2) return x;
    if (x.shape.length < rank || x.shape[1] !== 1) return undefined;
    if (x.unlifted !== undefined) return x.unlifted;
    const shape = [dimOf(x.shape, 0), ...x.shape.slice(2)];
    const known = knownShape(shape);
    if (known !== undefined) return reshape(x, known);
    return value(emit('Squeeze', [x.name(), int64([1])]), shape);
  }

  /** Applies `compute` below the second dimension if an operand has been lifted and all others can do without it. */
  function below(operands: readonly Recorded[], compute: (operands: readonly Recorded[]) => Recorded): Recorded {
    const rank = Math.max(...operands.map(({ shape }) => shape.length));
    if (!operands.some(({ unlifted }) => unlifted !== undefined)) return compute(operands);
    const fits = operands.every(
      ({ shape: { length }, shape }) => length <= rank - 2 || (length === rank && shape[1] === 1),
    );
    return fits ? lift(compute(operands.map((x) => lower(x, rank)!))) : compute(operands);
  }

  function reshape(x: Recorded, shape: readonly number[]): Recorded {
    const known = reshaped(x.shape, shape);
    if (x.constant === undefined && shape.length > 1 && (shape[0] === -1 || shape[0] === x.shape[0])) {
      const [given, wanted] = [x.shape.slice(1), shape.slice(1)];
      if (wanted[0] === 1 && sameShape(wanted.slice(1), given)) return lift(x);
      if (x.unlifted !== undefined && sameShape(wanted, given.slice(1))) return x.unlifted;
    }
    const all = knownShape(known);
    if (x.constant !== undefined && all !== undefined) return constant({ data: x.constant, shape: all });
    if (sameShape(x.shape, known)) return x;
    return value(emit('Reshape', [x.name(), int64(shape)]), known);
  }

  function transpose(x: Recorded, permutation: readonly number[]): Recorded {
    if (permutation.every((from, to) => from === to)) return x;
    return value(
      emit('Transpose', [x.name()], { perm: permutation }),
      permutation.map((axis) => dimOf(x.shape, axis)),
    );
  }

  function slice(
    x: Recorded,
    axes: readonly number[],
    starts: readonly number[],
    ends: readonly number[],
    steps: readonly number[],
  ): Recorded {
    const shape = [...x.shape];
    axes.forEach((axis, i) => {
      shape[axis] = Math.max(0, Math.ceil((ends[i]! - starts[i]!) / steps[i]!));
    });
    if (sameShape(shape, x.shape)) return x;
    return value(emit('Slice', [x.name(), int64(starts), int64(ends), int64(axes), int64(steps)]), shape);
  }

  function pad(x: Recorded, pads: readonly number[], fill = 0): Recorded {
    if (pads.every((n) => n === 0)) return x;
    const rank = x.shape.length;
    const shape = x.shape.map((n, axis) => (n === null ? null : n + pads[axis]! + pads[axis + rank]!));
    const name = lazily(() => emit('Pad', [x.name(), int64(pads), scalar(fill)], { mode: 'constant' }));
    const outer = [pads[0], pads[1], pads[rank], pads[rank + 1]];
    if (fill !== 0 || rank < 3 || outer.some((n) => n !== 0)) return { shape, name };
    const space = [...pads.slice(2, rank), ...pads.slice(rank + 2)];
    return { shape, name, unpadded: { source: x, pads: space } };
  }

  /** Pads the spatial axes of [N, C, …space]; negative pads crop. */
  function padSpace(x: Recorded, before: readonly number[], after: readonly number[], fill = 0): Recorded {
    const positive = (ns: readonly number[]): number[] => [0, 0, ...ns.map((n) => Math.max(0, n))];
    let y = pad(x, [...positive(before), ...positive(after)], fill);
    const cropped = before.flatMap((n, i) => (n < 0 || after[i]! < 0 ? [i] : []));
    if (cropped.length > 0) {
      y = slice(
        y,
        cropped.map((i) => i + 2),
        cropped.map((i) => Math.max(0, -before[i]!)),
        cropped.map((i) => (dimOf(y.shape, i + 2) ?? 0) + Math.min(0, after[i]!)),
        cropped.map(() => 1),
      );
    }
    return y;
  }

  /** [O, C/groups, …k] -> [C, O/groups, …k], every spatial axis reversed: the kernel of the adjoint. */
  function flipped(w: Recorded, groups: number): Recorded {
    const [outputs, inputs, ...kernel] = kernelShape(w);
    const shape = [inputs * groups, outputs / groups, ...kernel];
    if (w.constant !== undefined) {
      const byKey = flips.get(w.constant) ?? new Map<string, Float32Array>();
      flips.set(w.constant, byKey);
      const key = `${w.shape.join()};${groups}`;
      const data = byKey.get(key) ?? flippedKernel(w.constant, outputs, inputs, kernel, groups);
      byKey.set(key, data);
      return constant({ data, shape });
    }
    const size = sizeOf(kernel);
    const grouped = reshape(w, [groups, outputs / groups, inputs, size]);
    const swapped = transpose(grouped, [0, 2, 1, 3]);
    const reversed = Array.from({ length: size }, (_, i) => size - 1 - i);
    return reshape(gather(swapped, reversed, 3), shape);
  }

  function gather(x: Recorded, indices: readonly number[], axis: number): Recorded {
    return value(
      emit('Gather', [x.name(), int64(indices)], { axis }),
      x.shape.map((n, i) => (i === axis ? indices.length : n)),
    );
  }

  function conv(x: Recorded, w: Recorded, options: ConvOptions): Recorded {
    if (x.unpadded !== undefined) {
      const { source, pads: outer } = x.unpadded;
      return conv(source, w, { ...options, pads: options.pads.map((n, i) => n + outer[i]!) });
    }
    const [outputs, inputs, ...kernel] = kernelShape(w);
    const { strides, dilations, pads, groups } = options;
    const space = windowed(x.shape, kernel, options);
    const shape = [dimOf(x.shape, 0), outputs, ...space];
    const outer = pads.map((n, i) => dilations[i % kernel.length]! * (kernel[i % kernel.length]! - 1) - n);
    if (strides.every((n) => n === 1) && groups === 1 && outer.every((n) => n >= 0) && isScattering(inputs, outputs)) {
      return value(
        emit('ConvTranspose', [x.name(), flipped(w, 1).name()], {
          strides,
          dilations,
          pads: outer,
          kernel_shape: kernel,
        }),
        shape,
      );
    }
    return value(
      emit('Conv', [x.name(), w.name()], { strides, dilations, pads, group: groups, kernel_shape: kernel }),
      shape,
    );
  }

  function convTranspose(y: Recorded, w: Recorded, options: ConvOptions & { size: readonly number[] }): Recorded {
    const [outputs, inputs, ...kernel] = kernelShape(w);
    const { strides, dilations, pads, groups, size } = options;
    const axes = kernel.length;
    const channels = inputs * groups;
    const before = pads.slice(0, axes);
    const after = pads.slice(axes);
    const extents = kernel.map((n, i) => dilations[i]! * (n - 1));
    // What the strided windows of the forward pass did not reach at the far end.
    const remainders = size.map((n, i) => (n + before[i]! + after[i]! - extents[i]! - 1) % strides[i]!);
    const scattering = groups === 1 && isScattering(outputs, inputs);
    if (strides.every((n) => n === 1) && !scattering) {
      const outerBefore = extents.map((n, i) => n - before[i]!);
      const outerAfter = extents.map((n, i) => n - after[i]!);
      const crops = [...outerBefore, ...outerAfter].map((n) => Math.min(0, n));
      const cropped = padSpace(y, crops.slice(0, axes), crops.slice(axes));
      return conv(cropped, flipped(w, groups), {
        strides,
        dilations,
        groups,
        pads: [...outerBefore, ...outerAfter].map((n) => Math.max(0, n)),
      });
    }
    const name = emit('ConvTranspose', [y.name(), w.name()], {
      strides,
      dilations,
      pads,
      group: groups,
      kernel_shape: kernel,
      output_padding: remainders,
    });
    return value(name, [dimOf(y.shape, 0), channels, ...size]);
  }

  function maxPool(x: Recorded, options: PoolOptions): Recorded {
    const { kernel, strides, dilations, pads } = options;
    const axes = kernel.length;
    // ONNX Runtime wants pads below the kernel size.
    if (pads.some((n, i) => n >= kernel[i % axes]!)) {
      const padded = padSpace(x, pads.slice(0, axes), pads.slice(axes), -Infinity);
      return maxPool(padded, { ...options, pads: pads.map(() => 0) });
    }
    return value(emit('MaxPool', [x.name()], { kernel_shape: kernel, strides, dilations, pads }), [
      ...x.shape.slice(0, 2),
      ...windowed(x.shape, kernel, options),
    ]);
  }

  function sumPool(x: Recorded, options: PoolOptions): Recorded {
    const { kernel, strides, dilations, pads } = options;
    const axes = kernel.length;
    const space = windowed(x.shape, kernel, options);
    const shape = [...x.shape.slice(0, 2), ...space];
    // ONNX Runtime wants pads below the kernel size.
    if (pads.some((n, i) => n >= kernel[i % axes]!)) {
      const padded = padSpace(x, pads.slice(0, axes), pads.slice(axes));
      return sumPool(padded, { ...options, pads: pads.map(() => 0) });
    }
    const attributes = { kernel_shape: kernel, strides, dilations, pads, count_include_pad: 1 };
    const mean = value(emit('AveragePool', [x.name()], attributes), shape);
    return binary('mul', mean, filled(sizeOf(kernel), [1]));
  }

  function sumPoolTranspose(
    y: Recorded,
    options: PoolOptions & { size: readonly number[]; channels: number },
  ): Recorded {
    const { kernel, strides, dilations, pads, size, channels } = options;
    const axes = kernel.length;
    const before = pads.slice(0, axes);
    const space = windowed([null, null, ...size], kernel, options) as number[];
    const dense = dilations.every((n) => n === 1);
    // Windows that do not touch repeat each number; one window repeats the only one.
    const apart = kernel.every((n, i) => n === strides[i] || space[i] === 1);
    if (dense && apart) {
      const repeated = repeat(y, space, kernel);
      const after = kernel.map((n, i) => size[i]! + before[i]! - n * space[i]!);
      return padSpace(
        repeated,
        before.map((n) => -n),
        after,
      );
    }
    const extents = kernel.map((n, i) => dilations[i]! * (n - 1));
    const outer = pads.map((n, i) => extents[i % axes]! - n);
    if (strides.every((n) => n === 1) && outer.every((n) => n >= 0)) {
      return sumPool(y, { kernel, strides, dilations, pads: outer });
    }
    return convTranspose(y, filled(1, [channels, 1, ...kernel]), { strides, dilations, pads, groups: channels, size });
  }

  /** Every entry of the spatial axes repeated in place. */
  function repeat(y: Recorded, space: readonly number[], times: readonly number[]): Recorded {
    if (space.every((n) => n === 1)) {
      return binary('mul', y, filled(1, [1, 1, ...times]));
    }
    const scales = constant({ data: Float32Array.of(1, 1, ...times), shape: [times.length + 2] });
    const name = emit('Resize', [y.name(), '', scales.name()], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
    return value(name, [...y.shape.slice(0, 2), ...times.map((n, i) => space[i]! * n)]);
  }

  function matMul(a: Recorded, b: Recorded, transposeA: boolean, transposeB: boolean): Recorded {
    const rank = Math.max(a.shape.length, b.shape.length);
    const columns = dimOf(b.shape, transposeB ? -2 : -1);
    const rows = dimOf(a.shape, transposeA ? -1 : -2);
    const leading = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const shape = [...leading, rows, columns];
    // A left side without a batch of its own and right sides that are columns make one large product.
    if (columns === 1 && !transposeB && a.shape.slice(0, -2).every((n) => n === 1) && b.shape.length === rank) {
      const inner = dimOf(b.shape, -2);
      if (inner !== null && rows !== null && b.shape.filter((n) => n === null).length <= 1) {
        const row = reshape(b, [...b.shape.slice(0, -2).map((n) => n ?? -1), 1, inner]);
        const product = matMul(row, a, false, !transposeA);
        return { ...reshape(product, [...leading.map((n) => n ?? -1), rows, 1]), shape };
      }
    }
    // So does a right side without one, with all rows of the left side.
    let right = b;
    if (b.shape.length > 2 && rank === a.shape.length && b.shape.slice(0, -2).every((n) => n === 1)) {
      const matrix = knownShape(b.shape.slice(-2));
      if (matrix !== undefined) right = reshape(b, matrix);
    }
    if (a.constant === undefined && isPadded(right, transposeB)) {
      const turned = matMul(right, a, !transposeB, !transposeA);
      const last = turned.shape.length - 1;
      return transpose(turned, [...turned.shape.keys()].with(last - 1, last).with(last, last - 1));
    }
    if (!transposeA && !transposeB) return value(emit('MatMul', [a.name(), right.name()]), shape);
    const attributes = { transA: Number(transposeA), transB: Number(transposeB) };
    if (a.shape.length === 2 && right.shape.length === 2) {
      return value(emit('Gemm', [a.name(), right.name()], attributes), shape);
    }
    return value(emit('FusedMatMul', [a.name(), right.name()], attributes, microsoftDomain), shape);
  }

  function scatterAdd(y: Recorded, indices: Int32Array, axis: number, size: number): Recorded {
    const rank = y.shape.length;
    const rounds = scatterRounds(indices, size);
    if (rounds.length <= 4) {
      // Few rows meet at one place: as many gathers as meet there at most, the free places reading a row of zeros.
      const pads = new Array<number>(2 * rank).fill(0);
      pads[rank + axis] = 1;
      const padded = rounds.some((sources) => sources.includes(indices.length)) ? pad(y, pads) : y;
      const parts = rounds.map((sources) => gather(padded, sources, axis));
      const shape = y.shape.map((n, i) => (i === axis ? size : n));
      if (parts.length === 0)
        return binary('mul', gather(padded, new Array<number>(size).fill(0), axis), filled(0, [1]));
      return parts.reduce((sum, part) => value(emit('Add', [sum.name(), part.name()]), shape));
    }
    const order = [axis, ...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis)];
    const first = transpose(y, order);
    const rest = emit('Slice', [emit('Shape', [first.name()]), int64([1]), int64([rank])]);
    const zeros = emit('Expand', [scalar(0), emit('Concat', [int64([size]), rest], { axis: 0 })]);
    const column = emit('Reshape', [int64(Array.from(indices)), int64([-1, 1])]);
    const sum = value(emit('ScatterND', [zeros, column, first.name()], { reduction: 'add' }), [
      size,
      ...first.shape.slice(1),
    ]);
    return transpose(sum, inversePermutation(order));
  }

  function concat(parts: readonly Recorded[], axis: number): Recorded {
    const shape = parts[0]!.shape.map((_, i) => {
      const sizes = parts.map((part) => dimOf(part.shape, i));
      if (i !== axis) return sizes.find((n) => n !== null) ?? null;
      return sizes.reduce<Dim>((sum, n) => (sum === null || n === null ? null : sum + n), 0);
    });
    const names = parts.map((part) => part.name());
    return value(emit('Concat', names, { axis }), shape);
  }

  /** Forms that ONNX Runtime fuses with a convolution (Relu) or computes without a logarithm (powers). */
  function shortForm(kernel: BinaryKernel, a: Recorded, b: Recorded, swapped = false): string | undefined {
    if (b.constant?.length !== 1 || b.shape.length > a.shape.length) return undefined;
    const x = b.constant[0]!;
    if (kernel === 'max' && x === 0) return emit('Relu', [a.name()]);
    if (kernel !== 'pow' || swapped) return undefined;
    if (x === 2) return emit('Mul', [a.name(), a.name()]);
    if (x === 0.5) return emit('Sqrt', [a.name()]);
    if (x === -1) return emit('Reciprocal', [a.name()]);
    return undefined;
  }

  function binary(kernel: BinaryKernel, a: Recorded, b: Recorded): Recorded {
    const shape = broadcastShape(a.shape, b.shape);
    const short = shortForm(kernel, a, b) ?? shortForm(kernel, b, a, true);
    if (short !== undefined) return value(short, shape);
    // (block · mask) · constant: the two small ones first, which spares a pass over the block.
    if (kernel === 'mul' && b.constant !== undefined && a.factors !== undefined) {
      const [block, mask] = a.factors;
      return binary('mul', block, binary('mul', mask, b));
    }
    const name = lazily(() => emit(binaryOps[kernel], [a.name(), b.name()]));
    if (kernel === 'mul') return { shape, name, factors: [a, b] };
    if (!comparisons.has(kernel)) return { shape, name };
    return { shape, condition: name(), name: lazily(() => emit('Cast', [name()], { to: DataType.float })) };
  }

  const kernels: Kernels = {
    constant,
    unary: (kernel, x) => below([recorded(x)], ([t]) => value(emit(unaryOps[kernel], [t!.name()]), t!.shape)),
    binary: (kernel, a, b) => below([recorded(a), recorded(b)], ([p, q]) => binary(kernel, p!, q!)),
    select: (condition, a, b) =>
      below([recorded(condition), recorded(a), recorded(b)], ([c, p, q]) => {
        const shape = broadcastShape(c!.shape, broadcastShape(p!.shape, q!.shape));
        const test = c!.condition ?? emit('Cast', [c!.name()], { to: DataType.bool });
        return value(emit('Where', [test, p!.name(), q!.name()]), shape);
      }),
    matMul: (a, b, { transposeA = false, transposeB = false } = {}) =>
      matMul(recorded(a), recorded(b), transposeA, transposeB),
    conv: (x, w, options) => conv(recorded(x), recorded(w), options),
    convTranspose: (y, w, options) => convTranspose(recorded(y), recorded(w), options),
    maxPool: (x, options) => maxPool(recorded(x), options),
    sumPool: (x, options) => sumPool(recorded(x), options),
    sumPoolTranspose: (y, options) => sumPoolTranspose(recorded(y), options),
    reduce(kind, x, axes, keepDims = false) {
      const { shape, name } = recorded(x);
      const reduced = axes.map((axis) => (axis < 0 ? axis + shape.length : axis));
      if (reduced.length === 0) return x;
      return value(
        emit(kind === 'sum' ? 'ReduceSum' : 'ReduceMax', [name(), int64(reduced)], { keepdims: Number(keepDims) }),
        shape.flatMap((n, axis) => (reduced.includes(axis) ? (keepDims ? [1] : []) : [n])),
      );
    },
    reshape: (x, shape) => reshape(recorded(x), shape),
    transpose: (x, permutation) => transpose(recorded(x), permutation),
    concat(xs, axis) {
      const parts = xs.map(recorded);
      if (parts.length === 1) return parts[0]!;
      const at = axis < 0 ? axis + parts[0]!.shape.length : axis;
      if (at < 2) return concat(parts, at);
      return below(parts, (lowered) => concat(lowered, at - parts[0]!.shape.length + lowered[0]!.shape.length));
    },
    slice: (x, { axes, starts, ends, steps }) => slice(recorded(x), axes, starts, ends, steps),
    pad: (x, pads, fill) => pad(recorded(x), pads, fill),
    tile(x, repeats) {
      if (repeats.every((n) => n === 1)) return x;
      const { shape, name } = recorded(x);
      return value(
        emit('Tile', [name(), int64(repeats)]),
        shape.map((n, axis) => (n === null ? null : n * repeats[axis]!)),
      );
    },
    gather: (x, indices, axis) => gather(recorded(x), Array.from(indices), axis),
    scatterAdd: (y, indices, axis, size) => scatterAdd(recorded(y), indices, axis, size),
  };

  const inputs = inputShapes.map((shape, i) => value(`input${i}`, [null, ...shape]));
  const outputs = build(kernels, [...inputs]).map((output) => recorded(output));
  const written = outputs.map(({ name, shape }) => ({ name: name(), shape }));
  const { model, weights } = graph.model(
    inputs.map(({ shape }) => shape),
    written,
  );
  return { model, weights, outputCount: outputs.length, constantCount: graph.constantCount() };
}

/** A name that is made when it is first asked for. */
function lazily(make: () => string): () => string {
  let name: string | undefined;
  return () => (name ??= make());
}

function recorded(x: Value): Recorded {
  return x as Recorded;
}

function kernelShape(w: Recorded): [number, number, ...number[]] {
  const shape = knownShape(w.shape);
  if (shape === undefined) throw new Error(`The shape of a convolution kernel is free: ${textOf(w.shape)}.`);
  return [...shape] as [number, number, ...number[]];
}

function flippedKernel(
  data: Float32Array,
  outputs: number,
  inputs: number,
  kernel: readonly number[],
  groups: number,
): Float32Array {
  const size = sizeOf(kernel);
  const perGroup = outputs / groups;
  const result = new Float32Array(data.length);
  for (let g = 0; g < groups; g++) {
    for (let o = 0; o < perGroup; o++) {
      for (let c = 0; c < inputs; c++) {
        const from = ((g * perGroup + o) * inputs + c) * size;
        const to = ((g * inputs + c) * perGroup + o) * size;
        for (let i = 0; i < size; i++) result[to + i] = data[from + size - 1 - i]!;
      }
    }
  }
  return result;
}

/**
 * Few outputs from many inputs, in no whole blocks of 8: there ONNX Runtime's ConvTranspose (one product, then a
 * scatter) is 1.3 to 12 times as fast as its Conv (gather, then a thin product); elsewhere it is slower.
 */
function isScattering(inputs: number, outputs: number): boolean {
  return outputs % 8 !== 0 && inputs >= 2 * outputs;
}

/**
 * A constant that ONNX Runtime would keep a second time with its few columns padded to whole blocks, much larger than it
 * is. On the left side of a product it is taken as it is.
 */
function isPadded({ constant, shape }: Recorded, transposed: boolean): boolean {
  if (constant === undefined || shape.length !== 2) return false;
  const [rows, columns] = transposed ? [shape[1]!, shape[0]!] : [shape[0]!, shape[1]!];
  return rows * (Math.ceil(columns / COLUMN_BLOCK) * COLUMN_BLOCK - columns) > MOST_PADDING;
}

/** scatterAdd as gathers: round r lists, for every target row, its r-th source, or indices.length where it has none. */
function scatterRounds(indices: Int32Array, size: number): number[][] {
  const rounds: number[][] = [];
  const filled = new Int32Array(size);
  indices.forEach((target, source) => {
    const round = filled[target]!++;
    rounds[round] ??= new Array<number>(size).fill(indices.length);
    rounds[round][target] = source;
  });
  return rounds;
}

function inversePermutation(permutation: readonly number[]): number[] {
  const inverse: number[] = [];
  permutation.forEach((from, to) => {
    inverse[from] = to;
  });
  return inverse;
}
