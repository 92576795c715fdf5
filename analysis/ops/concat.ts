// Inputs side by side along an axis.
import { UserError } from '../errors.ts';
import type { Kernels, Shape, Value } from '../kernels/kernels.ts';
import { axisOf } from './affine-op.ts';
import type { Op, OpNode } from './op.ts';

export interface ConcatAttributes {
  readonly axis: number;
}

export const concat: Op<ConcatAttributes> = {
  id: 'concat',
  kind: 'linear',
  captures: 'nothing',
  shape({ attributes, inputShapes }) {
    const [first] = inputShapes;
    const axis = axisOf(attributes.axis, first!.length);
    for (const shape of inputShapes) {
      if (shape.length !== first!.length || shape.some((n, i) => i !== axis && n !== first![i])) {
        throw new UserError(`Shapes that do not fit side by side along axis ${axis}: [${first}] and [${shape}]`);
      }
    }
    return first!.with(
      axis,
      inputShapes.reduce((sum, shape) => sum + shape[axis]!, 0),
    );
  },
  forward(k, inputs, node) {
    return k.concat(sameBlock(k, inputs, node.inputShapes), place(node).axis + 1);
  },
  linearise(k, inputs, _output, node, _mode, dependent) {
    const { axis, starts, sizes } = place(node);
    /** Zeros stand where an input is null; sums let a block of 1 meet a larger one. */
    const placed = (values: readonly (Value | null)[]): Value =>
      values
        .flatMap((value, i) => (value === null ? [] : [padTo(k, value, axis, starts[i]!, sizes[i]!, node.shape)]))
        .reduce((sum, value) => k.binary('add', sum, value));
    const linearisation = {
      apply: (dx: readonly (Value | null)[]) =>
        dx.every((value) => value !== null) ? k.concat(dx, axis + 1) : placed(dx),
      transpose: (dy: Value) =>
        node.inputShapes.map((_, i) =>
          dependent[i]
            ? k.slice(dy, { axes: [axis + 1], starts: [starts[i]!], ends: [starts[i]! + sizes[i]!], steps: [1] })
            : null,
        ),
    };
    return dependent.every(Boolean)
      ? linearisation
      : { ...linearisation, offset: placed(inputs.map((value, i) => (dependent[i] ? null : value))) };
  },
};

/** Where each input begins along the axis, and how long it is there. */
function place({ attributes, inputShapes, shape }: OpNode<ConcatAttributes>) {
  const axis = axisOf(attributes.axis, shape.length);
  const sizes = inputShapes.map((input) => input[axis]!);
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, n) => sum + n, 0));
  return { axis, starts, sizes };
}

function padTo(k: Kernels, value: Value, axis: number, start: number, size: number, shape: Shape): Value {
  if (size === shape[axis]) return value;
  const none = Array.from({ length: shape.length + 1 }, () => 0);
  return k.pad(value, [...none.with(axis + 1, start), ...none.with(axis + 1, shape[axis]! - start - size)]);
}

/** Constants have a block of 1 where samples pass in blocks of many: every input gets the largest block, by adding a zero of it. */
function sameBlock(k: Kernels, inputs: readonly Value[], shapes: readonly Shape[]): readonly Value[] {
  if (inputs.length < 2) return inputs;
  const zero = inputs
    .map((value, i) => {
      const axes = shapes[i]!.map((_, axis) => axis + 1);
      const [starts, ends] = [axes.map(() => 0), axes.map(() => 1)];
      const corner = k.slice(value, { axes, starts, ends, steps: ends });
      return k.binary('sub', corner, corner);
    })
    .reduce((sum, value) => k.binary('add', sum, value));
  return inputs.map((value) => k.binary('add', value, zero));
}
