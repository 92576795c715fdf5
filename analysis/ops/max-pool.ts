// Max pooling. The winner of each window passes, the first in row-major order on a tie; padding never wins. A window over
// several axes is a window along the last, then along the one before, and so on: this keeps winners and their order, and
// costs Σ kernel instead of Π kernel terms. Where windows do not overlap, winners are one mask: A = window sums ∘ mask.
import { sizeOf, type Kernels, type Shape, type Value } from '../kernels/kernels.ts';
import { zerosFor } from './affine-op.ts';
import type { Op } from './op.ts';
import { extentOf, padsOf, poolGeometry, windowSums, windowSumsTransposed, type PoolAttributes } from './window.ts';

/** One entry per spatial axis; a kernel of full size is global pooling. Input [N, C, …s], output [N, C, …t]. */
export type MaxPoolAttributes = PoolAttributes;

/** Pooling along the middle axis of [B, outer, size, inner]. */
interface AxisPool {
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
  readonly count: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}

/** The winners along one axis at captured values: the pooled values, and the selection both ways. */
interface Selection {
  readonly output: Value;
  apply(dx: Value): Value;
  transpose(dy: Value): Value;
}

const lowest = -3.4028234663852886e38;

export const maxPool: Op<MaxPoolAttributes> = {
  id: 'max-pool',
  kind: 'piecewise linear',
  captures: 'inputs',
  shape({ attributes, inputShapes }) {
    const [batch, channels, ...sizes] = inputShapes[0]!;
    return [batch!, channels!, ...poolGeometry(sizes, attributes).sizes];
  },
  forward(k, [x], { attributes, inputShapes, shape }) {
    const [, , ...sizes] = inputShapes[0]!;
    if (sizes.every((size, i) => shape[i + 2] === 1 && attributes.kernel[i] === size)) {
      return k.reshape(
        k.reduce(
          'max',
          x!,
          sizes.map((_, i) => i + 3),
        ),
        [-1, ...shape],
      );
    }
    const merged = k.reshape(x!, [-1, ...inputShapes[0]!.slice(1)]);
    return k.reshape(k.maxPool(merged, poolGeometry(sizes, attributes).options), [-1, ...shape]);
  },
  linearise(k, [x0], _output, { attributes, inputShapes, shape }) {
    const input = inputShapes[0]!;
    const selections: Selection[] = [];
    let x = x0!;
    for (const pool of axisPools(input, shape, attributes)) {
      const selection = select(k, x, pool);
      selections.push(selection);
      x = selection.output;
    }
    const apply = (dx: Value): Value =>
      k.reshape(
        selections.reduce((value, selection) => selection.apply(value), dx),
        [-1, ...shape],
      );
    const transpose = (dy: Value): Value =>
      k.reshape(
        selections.reduceRight((value, selection) => selection.transpose(value), dy),
        [-1, ...input],
      );
    const { kernel, strides, dilations } = attributes;
    if (kernel.some((size, i) => extentOf(size, dilations[i]!) > strides[i]! && shape[i + 2]! > 1)) {
      return { apply: ([dx]) => apply(dx!), transpose: (dy) => [transpose(dy)] };
    }
    const ones = k.binary('equal', x, x);
    const winners = transpose(ones);
    return {
      apply: ([dx]) => windowSums(k, k.binary('mul', dx!, winners), input, shape, attributes),
      transpose: (dy) => [k.binary('mul', windowSumsTransposed(k, dy, input, shape, attributes), winners)],
    };
  },
};

/** The windows of each axis, the last axis first; an axis that pooling leaves alone has none. */
function axisPools(input: Shape, output: Shape, attributes: PoolAttributes): AxisPool[] {
  const sizes = input.slice(2);
  const { options } = poolGeometry(sizes, attributes);
  return sizes
    .map((size, i) => ({
      outer: sizeOf(input.slice(0, i + 2)),
      size,
      inner: sizeOf(output.slice(i + 3)),
      count: output[i + 2]!,
      kernel: options.kernel[i]!,
      stride: options.strides[i]!,
      dilation: options.dilations[i]!,
      ...padsOf(options.pads, i),
    }))
    .filter(({ kernel, stride, before, after }) => kernel > 1 || stride > 1 || before > 0 || after > 0)
    .reverse();
}

function select(k: Kernels, x0: Value, pool: AxisPool): Selection {
  return pool.count === 1 && pool.dilation === 1 ? selectWhole(k, x0, pool) : selectPlaces(k, x0, pool);
}

/** One window: a maximum over the axis, and one mask. */
function selectWhole(k: Kernels, x0: Value, { outer, size, inner, kernel, before }: AxisPool): Selection {
  const covered = Math.min(size, kernel - before);
  const entries = (x: Value): Value => along(k, k.reshape(x, [-1, outer, size, inner]), 0, covered);
  const output = k.reduce('max', entries(x0), [2], true);
  // Of the entries that equal the maximum, the first has the highest rank.
  const ranks = k.constant({
    data: Float32Array.from({ length: covered }, (_, i) => covered - i),
    shape: [1, 1, covered, 1],
  });
  const ranked = k.binary('mul', k.binary('equal', entries(x0), output), ranks);
  const winners = k.binary('equal', ranked, k.reduce('max', ranked, [2], true));
  return {
    output,
    apply: (dx) => k.reduce('sum', k.binary('mul', entries(dx), winners), [2], true),
    transpose: (dy) =>
      padAlong(k, k.binary('mul', k.reshape(dy, [-1, outer, 1, inner]), winners), 0, size - covered, 0),
  };
}

/**
 * Any windows: one term per place in the window. The transpose adds up the terms of equal remainder by the stride and
 * interleaves the sums once.
 */
function selectPlaces(k: Kernels, x0: Value, pool: AxisPool): Selection {
  const { outer, size, inner, count, kernel, stride, dilation, before, after } = pool;
  const padded = size + before + after;
  const reach = (count - 1) * stride + 1;
  const positions = Array.from({ length: kernel }, (_, i) => i * dilation);
  const terms = (x: Value, fill: number): Value[] => {
    const whole = padAlong(k, k.reshape(x, [-1, outer, size, inner]), before, after, fill);
    return positions.map((position) => along(k, whole, position, position + reach, stride));
  };
  const entries = terms(x0, lowest);
  const output = entries.reduce((highest, entry) => k.binary('max', highest, entry));
  const winners: Value[] = [];
  let taken: Value | undefined;
  for (const entry of entries) {
    const equal = k.binary('equal', entry, output);
    winners.push(taken ? k.binary('greater', equal, taken) : equal);
    taken = taken ? k.binary('max', taken, equal) : equal;
  }
  const lattice = Math.ceil(padded / stride);
  return {
    output,
    apply: (dx) =>
      terms(dx, 0)
        .map((term, i) => k.binary('mul', term, winners[i]!))
        .reduce((sum, term) => k.binary('add', sum, term)),
    transpose(dy) {
      const cotangent = k.reshape(dy, [-1, outer, count, inner]);
      const sums = Array.from({ length: stride }, (): Value | undefined => undefined);
      for (const [i, position] of positions.entries()) {
        const remainder = position % stride;
        const shift = (position - remainder) / stride;
        const term = padAlong(k, k.binary('mul', cotangent, winners[i]!), shift, lattice - shift - count, 0);
        sums[remainder] = sums[remainder] ? k.binary('add', sums[remainder], term) : term;
      }
      const gap = (): Value => zerosFor(k, cotangent, [outer, count, inner], [outer, lattice, 1, inner]);
      const phases = sums.map((sum) => (sum ? k.reshape(sum, [-1, outer, lattice, 1, inner]) : gap()));
      const interleaved = stride === 1 ? phases[0]! : k.concat(phases, 3);
      return along(k, k.reshape(interleaved, [-1, outer, lattice * stride, inner]), before, before + size);
    },
  };
}

/** Entries start … end of the axis of [B, outer, size, inner]. */
function along(k: Kernels, x: Value, start: number, end: number, step = 1): Value {
  return k.slice(x, { axes: [2], starts: [start], ends: [end], steps: [step] });
}

function padAlong(k: Kernels, x: Value, before: number, after: number, fill: number): Value {
  return before === 0 && after === 0 ? x : k.pad(x, [0, 0, before, 0, 0, 0, after, 0], fill);
}
