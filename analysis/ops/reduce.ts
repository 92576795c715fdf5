// Sum, mean, largest, smallest, and norms over axes. Sum and mean are linear; the largest and the smallest pass from their
// first winner; a norm passes along its own gradient, which by homogeneity leaves no constant: ‖x‖ = ∇‖x‖ · x.
import { UserError } from '../errors.ts';
import { sizeOf, type Kernels, type Shape, type Value } from '../kernels/kernels.ts';
import { axisOf, number } from './affine-op.ts';
import { formula } from './formula.ts';
import type { Op, OpNode } from './op.ts';
import { remembered } from './remembered.ts';

export type ReduceKind = 'sum' | 'mean' | 'max' | 'min' | 'l1' | 'l2';

/** `axes` of one sample (all by default; negative ones count from the end), `keepDims` false by default. */
export interface ReduceAttributes {
  readonly kind: ReduceKind;
  readonly axes?: readonly number[];
  readonly keepDims?: boolean;
}

export const reduce: Op<ReduceAttributes> = {
  id: 'reduce',
  kind: 'piecewise linear',
  captures: 'inputs',
  shape({ attributes, inputShapes: [from] }) {
    const kinds: readonly string[] = ['sum', 'mean', 'max', 'min', 'l1', 'l2'];
    if (!kinds.includes(attributes.kind)) {
      throw new UserError(`Reduction "${attributes.kind}" is not supported. Supported: ${kinds.join(', ')}`);
    }
    const reduced = axesOf(attributes, from!);
    return from!.flatMap((n, axis) => (reduced.includes(axis) ? (attributes.keepDims ? [1] : []) : [n]));
  },
  forward: (k, [x], node) => k.reshape(reduced(k, x!, node), [-1, ...node.shape]),
  linearise(k, [x], _output, node) {
    const { kept, repeats, axes } = geometry(node);
    const weight = weights(k, x!, node);
    const scaled = (value: Value): Value =>
      node.attributes.kind === 'mean' ? k.binary('mul', value, number(k, 1 / sizeOf(repeats))) : value;
    return {
      apply([dx]) {
        const summed = k.reduce('sum', weight ? k.binary('mul', dx!, weight) : dx!, axes, true);
        return k.reshape(scaled(summed), [-1, ...node.shape]);
      },
      transpose(dy) {
        const aligned = scaled(k.reshape(dy, [-1, ...kept]));
        return [weight ? k.binary('mul', aligned, weight) : k.tile(aligned, [1, ...repeats])];
      },
    };
  },
};

function axesOf({ axes }: ReduceAttributes, from: Shape): number[] {
  return axes ? axes.map((axis) => axisOf(axis, from.length)) : from.map((_, axis) => axis);
}

function geometry({ attributes, inputShapes: [from] }: OpNode<ReduceAttributes>) {
  const reducedAxes = axesOf(attributes, from!);
  return {
    axes: reducedAxes.map((axis) => axis + 1),
    /** The output's shape with the reduced axes kept as 1. */
    kept: from!.map((n, axis) => (reducedAxes.includes(axis) ? 1 : n)),
    repeats: from!.map((n, axis) => (reducedAxes.includes(axis) ? n : 1)),
  };
}

/** The reduction with its axes kept as 1. */
function reduced(k: Kernels, x: Value, node: OpNode<ReduceAttributes>): Value {
  const f = formula(k);
  const { axes, repeats } = geometry(node);
  switch (node.attributes.kind) {
    case 'sum':
      return k.reduce('sum', x, axes, true);
    case 'mean':
      return f.mul(k.reduce('sum', x, axes, true), 1 / sizeOf(repeats));
    case 'max':
      return k.reduce('max', x, axes, true);
    case 'min':
      return f.neg(k.reduce('max', f.neg(x), axes, true));
    case 'l1':
      return k.reduce('sum', f.abs(x), axes, true);
    case 'l2':
      return f.sqrt(k.reduce('sum', f.mul(x, x), axes, true));
  }
}

/** How much of each entry enters the sum; undefined for all of it. */
function weights(k: Kernels, x: Value, node: OpNode<ReduceAttributes>): Value | undefined {
  const f = formula(k);
  const { axes, repeats } = geometry(node);
  switch (node.attributes.kind) {
    case 'sum':
    case 'mean':
      return undefined;
    case 'l1':
      return f.sign(x);
    case 'l2': {
      const norm = reduced(k, x, node);
      return f.div(x, f.select(f.greater(norm, 0), norm, 1));
    }
    case 'max':
    case 'min': {
      // the first winner has the highest rank among the winners
      const winners = f.equal(x, reduced(k, x, node));
      const count = sizeOf(repeats);
      const data = remembered(node.attributes, `ranks ${count}`, () =>
        Float32Array.from({ length: count }, (_, i) => count - i),
      );
      const ranked = f.mul(winners, k.constant({ data, shape: [1, ...repeats] }));
      return f.mul(winners, f.equal(ranked, k.reduce('max', ranked, axes, true)));
    }
  }
}
