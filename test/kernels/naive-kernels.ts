// The kernels once more, in float64 and plain loops: what every backend is held against. Slow on purpose.
import { sizeOf } from '../../analysis/kernels/kernels.ts';
import type { BinaryKernel, Kernels, PoolOptions, Shape, UnaryKernel, Value } from '../../analysis/kernels/kernels.ts';

export interface Naive {
  readonly shape: Shape;
  readonly data: Float64Array;
}

const naive = (x: Value): Naive => x as Naive;

const unary: Record<UnaryKernel, (x: number) => number> = {
  neg: (x) => -x,
  abs: Math.abs,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  erf,
  sign: Math.sign,
  floor: Math.floor,
  reciprocal: (x) => 1 / x,
  sin: Math.sin,
  cos: Math.cos,
};

const binary: Record<BinaryKernel, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  max: Math.max,
  min: Math.min,
  pow: (a, b) => a ** b,
  greater: (a, b) => Number(a > b),
  greaterEqual: (a, b) => Number(a >= b),
  equal: (a, b) => Number(a === b),
};

/** Its Maclaurin series, which converges everywhere; |x| stays below 4 in the tests. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** Calls `visit` with every index of a shape, in row-major order. */
function everyIndex(shape: Shape, visit: (index: readonly number[], position: number) => void): void {
  const index = shape.map(() => 0);
  const size = sizeOf(shape);
  for (let position = 0; position < size; position++) {
    visit(index, position);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
}

function offset(shape: Shape, index: readonly number[]): number {
  return index.reduce((sum, i, axis) => sum * shape[axis]! + i, 0);
}

/** A tensor of this shape, filled entry by entry. */
function filled(shape: Shape, entry: (index: readonly number[]) => number): Naive {
  const data = new Float64Array(sizeOf(shape));
  everyIndex(shape, (index, position) => {
    data[position] = entry(index);
  });
  return { shape: [...shape], data };
}

function at({ shape, data }: Naive, index: readonly number[]): number {
  return data[offset(shape, index)]!;
}

function broadcastShape(...shapes: Shape[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1).filter((n) => n !== 1);
    if (new Set(sizes).size > 1) throw new Error(`shapes ${shapes.join(' and ')} do not broadcast`);
    return sizes[0] ?? 1;
  });
}

/** An entry of x at the index of a shape that x broadcasts to. */
function broadcastAt(x: Naive, index: readonly number[]): number {
  const own = index.slice(index.length - x.shape.length);
  return at(
    x,
    own.map((i, axis) => (x.shape[axis] === 1 ? 0 : i)),
  );
}

/** Every (output position, place in the window, input position) of a sliding window, by one axis's geometry at a time. */
function everyWindow(
  space: Shape,
  { kernel, strides, dilations, pads }: PoolOptions,
  visit: (output: readonly number[], place: readonly number[], input: readonly number[], inside: boolean) => void,
): number[] {
  const outputs = kernel.map(
    (k, i) =>
      Math.floor((space[i]! + pads[i]! + pads[i + kernel.length]! - dilations[i]! * (k - 1) - 1) / strides[i]!) + 1,
  );
  everyIndex(outputs, (output) => {
    everyIndex(kernel, (place) => {
      const input = output.map((o, i) => o * strides[i]! + place[i]! * dilations[i]! - pads[i]!);
      visit(
        output,
        place,
        input,
        input.every((n, i) => n >= 0 && n < space[i]!),
      );
    });
  });
  return outputs;
}

function outputSpace(space: Shape, options: PoolOptions): number[] {
  return everyWindow(space, { ...options }, () => undefined);
}

export const naiveKernels: Kernels = {
  constant: ({ data, shape }) => ({ shape, data: Float64Array.from(data) }),
  unary: (kernel, x) => ({ shape: naive(x).shape, data: naive(x).data.map(unary[kernel]) }),
  binary(kernel, a, b) {
    const shape = broadcastShape(naive(a).shape, naive(b).shape);
    return filled(shape, (index) => binary[kernel](broadcastAt(naive(a), index), broadcastAt(naive(b), index)));
  },
  select(condition, a, b) {
    const shape = broadcastShape(naive(condition).shape, naive(a).shape, naive(b).shape);
    return filled(shape, (index) => broadcastAt(naive(broadcastAt(naive(condition), index) !== 0 ? a : b), index));
  },
  matMul(a, b, { transposeA = false, transposeB = false } = {}) {
    const [left, right] = [naive(a), naive(b)];
    const rows = left.shape.at(transposeA ? -1 : -2)!;
    const inner = left.shape.at(transposeA ? -2 : -1)!;
    const columns = right.shape.at(transposeB ? -2 : -1)!;
    const leading = broadcastShape(left.shape.slice(0, -2), right.shape.slice(0, -2));
    const entry = (x: Naive, outer: readonly number[], i: number, j: number): number => {
      const own = outer.slice(outer.length - (x.shape.length - 2)).map((n, axis) => (x.shape[axis] === 1 ? 0 : n));
      return at(x, [...own, i, j]);
    };
    return filled([...leading, rows, columns], (index) => {
      const outer = index.slice(0, -2);
      const [i, j] = index.slice(-2) as [number, number];
      let sum = 0;
      for (let n = 0; n < inner; n++) {
        const p = transposeA ? entry(left, outer, n, i) : entry(left, outer, i, n);
        const q = transposeB ? entry(right, outer, j, n) : entry(right, outer, n, j);
        sum += p * q;
      }
      return sum;
    });
  },
  conv(x, w, { groups, ...window }) {
    const [count, , ...space] = naive(x).shape as [number, number, ...number[]];
    const [outputs, inputs, ...kernel] = naive(w).shape as [number, number, ...number[]];
    const y = filled([count, outputs, ...outputSpace(space, { kernel, ...window })], () => 0);
    everyWindow(space, { kernel, ...window }, (output, place, input, inside) => {
      if (!inside) return;
      for (let n = 0; n < count; n++) {
        for (let o = 0; o < outputs; o++) {
          const group = Math.floor((o * groups) / outputs);
          for (let c = 0; c < inputs; c++) {
            y.data[offset(y.shape, [n, o, ...output])]! +=
              at(naive(x), [n, group * inputs + c, ...input]) * at(naive(w), [o, c, ...place]);
          }
        }
      }
    });
    return y;
  },
  convTranspose(y, w, { groups, size, ...window }) {
    const [count] = naive(y).shape as [number];
    const [outputs, inputs, ...kernel] = naive(w).shape as [number, number, ...number[]];
    const x = filled([count, inputs * groups, ...size], () => 0);
    everyWindow(size, { kernel, ...window }, (output, place, input, inside) => {
      if (!inside) return;
      for (let n = 0; n < count; n++) {
        for (let o = 0; o < outputs; o++) {
          const group = Math.floor((o * groups) / outputs);
          for (let c = 0; c < inputs; c++) {
            x.data[offset(x.shape, [n, group * inputs + c, ...input])]! +=
              at(naive(y), [n, o, ...output]) * at(naive(w), [o, c, ...place]);
          }
        }
      }
    });
    return x;
  },
  maxPool(x, options) {
    const [count, channels, ...space] = naive(x).shape as [number, number, ...number[]];
    const y = filled([count, channels, ...outputSpace(space, options)], () => -Infinity);
    everyWindow(space, options, (output, _, input, inside) => {
      if (!inside) return;
      for (let n = 0; n < count; n++) {
        for (let c = 0; c < channels; c++) {
          const position = offset(y.shape, [n, c, ...output]);
          y.data[position] = Math.max(y.data[position]!, at(naive(x), [n, c, ...input]));
        }
      }
    });
    return y;
  },
  sumPool(x, options) {
    const [count, channels, ...space] = naive(x).shape as [number, number, ...number[]];
    const y = filled([count, channels, ...outputSpace(space, options)], () => 0);
    everyWindow(space, options, (output, _, input, inside) => {
      if (!inside) return;
      for (let n = 0; n < count; n++) {
        for (let c = 0; c < channels; c++) {
          y.data[offset(y.shape, [n, c, ...output])]! += at(naive(x), [n, c, ...input]);
        }
      }
    });
    return y;
  },
  sumPoolTranspose(y, { size, channels, ...options }) {
    const [count] = naive(y).shape as [number];
    const x = filled([count, channels, ...size], () => 0);
    everyWindow(size, options, (output, _, input, inside) => {
      if (!inside) return;
      for (let n = 0; n < count; n++) {
        for (let c = 0; c < channels; c++) {
          x.data[offset(x.shape, [n, c, ...input])]! += at(naive(y), [n, c, ...output]);
        }
      }
    });
    return x;
  },
  reduce(kind, x, axes, keepDims = false) {
    const { shape } = naive(x);
    const kept = shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
    const result = filled(kept, () => (kind === 'sum' ? 0 : -Infinity));
    everyIndex(shape, (index, position) => {
      const to = offset(
        kept,
        index.map((i, axis) => (axes.includes(axis) ? 0 : i)),
      );
      const entry = naive(x).data[position]!;
      result.data[to] = kind === 'sum' ? result.data[to]! + entry : Math.max(result.data[to]!, entry);
    });
    return { shape: keepDims ? kept : shape.filter((_, axis) => !axes.includes(axis)), data: result.data };
  },
  reshape(x, shape) {
    const rest = shape.filter((n) => n !== -1).reduce((product, n) => product * n, 1);
    return { shape: shape.map((n) => (n === -1 ? naive(x).data.length / rest : n)), data: naive(x).data };
  },
  transpose(x, permutation) {
    const shape = permutation.map((axis) => naive(x).shape[axis]!);
    return filled(shape, (index) => {
      const from: number[] = [];
      permutation.forEach((axis, to) => {
        from[axis] = index[to]!;
      });
      return at(naive(x), from);
    });
  },
  concat(xs, axis) {
    const parts = xs.map(naive);
    const shape = parts[0]!.shape.map((n, i) =>
      i === axis ? parts.reduce((sum, part) => sum + part.shape[i]!, 0) : n,
    );
    return filled(shape, (index) => {
      let at0 = index[axis]!;
      for (const part of parts) {
        const size = part.shape[axis]!;
        if (at0 < size)
          return at(
            part,
            index.map((i, j) => (j === axis ? at0 : i)),
          );
        at0 -= size;
      }
      throw new Error('unreachable');
    });
  },
  slice(x, { axes, starts, ends, steps }) {
    const shape = [...naive(x).shape];
    axes.forEach((axis, i) => {
      shape[axis] = Math.ceil((ends[i]! - starts[i]!) / steps[i]!);
    });
    return filled(shape, (index) => {
      const from = [...index];
      axes.forEach((axis, i) => {
        from[axis] = starts[i]! + index[axis]! * steps[i]!;
      });
      return at(naive(x), from);
    });
  },
  pad(x, pads, fill = 0) {
    const { shape } = naive(x);
    const padded = shape.map((n, axis) => n + pads[axis]! + pads[axis + shape.length]!);
    return filled(padded, (index) => {
      const from = index.map((i, axis) => i - pads[axis]!);
      return from.every((i, axis) => i >= 0 && i < shape[axis]!) ? at(naive(x), from) : fill;
    });
  },
  tile(x, repeats) {
    const { shape } = naive(x);
    return filled(
      shape.map((n, axis) => n * repeats[axis]!),
      (index) =>
        at(
          naive(x),
          index.map((i, axis) => i % shape[axis]!),
        ),
    );
  },
  gather(x, indices, axis) {
    const shape = naive(x).shape.map((n, i) => (i === axis ? indices.length : n));
    return filled(shape, (index) =>
      at(
        naive(x),
        index.map((i, j) => (j === axis ? indices[i]! : i)),
      ),
    );
  },
  scatterAdd(y, indices, axis, size) {
    const result = filled(
      naive(y).shape.map((n, i) => (i === axis ? size : n)),
      () => 0,
    );
    everyIndex(naive(y).shape, (index, position) => {
      const to = index.map((i, j) => (j === axis ? indices[i]! : i));
      result.data[offset(result.shape, to)]! += naive(y).data[position]!;
    });
    return result;
  },
};
