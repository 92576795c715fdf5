// A part of an input along some axes, numpy's rules: negative bounds count from the end, bounds outside are cut, steps may
// be negative. A split is several slices.
import { UserError } from '../errors.ts';
import type { Kernels, Shape, Value } from '../kernels/kernels.ts';
import { affineOp, axisOf } from './affine-op.ts';
import { pick, putBack } from './along-axis.ts';
import type { Op, OpNode } from './op.ts';
import { remembered } from './remembered.ts';

/** One entry per axis in each; `axes` are all of them by default, `steps` 1. */
export interface SliceAttributes {
  readonly axes?: readonly number[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly steps?: readonly number[];
}

interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

export const slice: Op<SliceAttributes> = affineOp<SliceAttributes>({
  id: 'slice',
  shape(node) {
    const [from] = node.inputShapes;
    const shape = cuts(node).reduce<Shape>((partial, { axis, count }) => partial.with(axis, count), from!);
    if (shape.includes(0)) throw new UserError(`A slice of [${from}] that leaves nothing: [${shape}]`);
    return shape;
  },
  linear(k, [x], node) {
    const [from] = node.inputShapes;
    const forwards = cuts(node).filter(({ step }) => step > 0);
    const sliced =
      forwards.length === 0
        ? x!
        : k.slice(x!, {
            axes: forwards.map(({ axis }) => axis + 1),
            starts: forwards.map(({ start }) => start),
            ends: forwards.map(({ start, step, count }) => start + step * (count - 1) + 1),
            steps: forwards.map(({ step }) => step),
          });
    let shape = forwards.reduce<Shape>((partial, { axis, count }) => partial.with(axis, count), from!);
    return cuts(node)
      .filter(({ step }) => step < 0)
      .reduce((value, cut) => {
        const picked = pick(k, value, shape, cut.axis, indicesOf(node, cut));
        shape = shape.with(cut.axis, cut.count);
        return picked;
      }, sliced);
  },
  transpose(k, dy, node) {
    const [from] = node.inputShapes;
    let shape = node.shape;
    const strided = cuts(node).filter(({ step }) => step !== 1);
    const spread = strided.reduce((value, cut) => {
      const size = from![cut.axis]!;
      const put = putBack(k, value, shape, cut.axis, indicesOf(node, cut), size);
      shape = shape.with(cut.axis, size);
      return put;
    }, dy);
    return [
      padBack(
        k,
        spread,
        cuts(node).filter(({ step }) => step === 1),
        from!,
      ),
    ];
  },
});

function cuts({ attributes, inputShapes: [from] }: Omit<OpNode<SliceAttributes>, 'shape'>): Cut[] {
  const { starts, ends, axes = starts.map((_, i) => i), steps = starts.map(() => 1) } = attributes;
  return axes.map((named, i) => {
    const axis = axisOf(named, from!.length);
    const size = from![axis]!;
    const step = steps[i]!;
    if (step === 0) throw new UserError('A slice with a step of 0');
    const [lowest, highest] = step > 0 ? [0, size] : [-1, size - 1];
    const bounded = (bound: number): number => Math.min(Math.max(bound < 0 ? bound + size : bound, lowest), highest);
    const start = bounded(starts[i]!);
    const count = Math.max(0, Math.ceil((bounded(ends[i]!) - start) / step));
    return { axis, start, step, count };
  });
}

function indicesOf({ attributes }: OpNode<SliceAttributes>, { start, step, count }: Cut): Int32Array {
  return remembered(attributes, `indices ${start} ${step} ${count}`, () =>
    Int32Array.from({ length: count }, (_, i) => start + i * step),
  );
}

/** Zeros around [B, …] along the cut axes, up to the sizes of `to`. */
function padBack(k: Kernels, value: Value, cut: readonly Cut[], to: Shape): Value {
  const before = Array.from({ length: to.length + 1 }, () => 0);
  const behind = [...before];
  for (const { axis, start, count } of cut) {
    before[axis + 1] = start;
    behind[axis + 1] = to[axis]! - start - count;
  }
  return [...before, ...behind].every((n) => n === 0) ? value : k.pad(value, [...before, ...behind]);
}
