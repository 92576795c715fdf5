// Elementwise largest or smallest of several inputs (or of an input and a constant), broadcast as numpy does. The winner
// passes; on a tie a fixed input wins over one that varies, so that max(x, 0) is ReLU with slope 0 at 0, and the first otherwise.
import { UserError } from '../errors.ts';
import { sizeOf, type Kernels, type Value } from '../kernels/kernels.ts';
import { broadcastShape, expandTo, sumToShape } from './affine-op.ts';
import type { Op, OpNode } from './op.ts';
import { remembered } from './remembered.ts';

/** `constant` takes part as one more input. */
export interface MaximumAttributes {
  readonly kind?: 'max' | 'min';
  readonly constant?: number;
}

export const maximum: Op<MaximumAttributes> = {
  id: 'maximum',
  kind: 'piecewise linear',
  captures: 'inputs',
  shape({ attributes: { kind = 'max' }, inputShapes }) {
    if (kind !== 'max' && kind !== 'min') throw new UserError(`"${kind}" is neither "max" nor "min"`);
    return broadcastShape(...inputShapes);
  },
  forward(k, inputs, node) {
    const all = operands(k, inputs, node);
    return all.reduce((best, value) => k.binary(node.attributes.kind ?? 'max', best, value));
  },
  linearise(k, inputs, _output, node, _mode, dependent) {
    const all = operands(k, inputs, node);
    const varies = (i: number): boolean => dependent[i] ?? false;
    const precedes = (i: number, j: number): boolean => (varies(i) === varies(j) ? i < j : !varies(i));
    const [larger, reaches] = ['greater', 'greaterEqual'] as const;
    /** 1 where operand i beats every operand that precedes it and is beaten by none of the rest. */
    const wins = all.map((value, i) =>
      all
        .flatMap((other, j) => (i === j ? [] : [{ other, comparison: precedes(j, i) ? larger : reaches }]))
        .map(({ other, comparison }) =>
          node.attributes.kind === 'min' ? k.binary(comparison, other, value) : k.binary(comparison, value, other),
        )
        .reduce<Value | null>((both, one) => (both === null ? one : k.binary('mul', both, one)), null),
    );
    const won = (value: Value, i: number): Value => (wins[i] ? k.binary('mul', value, wins[i]) : value);
    const fixed = all.flatMap((value, i) => (varies(i) ? [] : [won(value, i)]));
    return {
      apply: (dx) =>
        sum(
          k,
          dx.flatMap((value, i) => (value === null ? [] : [won(spread(k, value, node, i), i)])),
        ),
      transpose: (dy) =>
        node.inputShapes.map((to, i) => (varies(i) ? sumToShape(k, won(dy, i), node.shape, to) : null)),
      ...(fixed.length > 0 && { offset: sum(k, fixed) }),
    };
  },
};

/** Every operand in the output's full shape, the constant last. */
function operands(k: Kernels, inputs: readonly Value[], node: OpNode<MaximumAttributes>): Value[] {
  const { constant } = node.attributes;
  const values = inputs.map((value, i) => spread(k, value, node, i));
  if (constant === undefined) return values;
  const data = remembered(node.attributes, `constant ${node.shape}`, () =>
    new Float32Array(sizeOf(node.shape)).fill(constant),
  );
  return [...values, k.constant({ data, shape: [1, ...node.shape] })];
}

function spread(k: Kernels, value: Value, { inputShapes, shape }: OpNode<MaximumAttributes>, i: number): Value {
  return expandTo(k, value, inputShapes[i]!, shape);
}

function sum(k: Kernels, values: readonly Value[]): Value {
  return values.reduce((total, value) => k.binary('add', total, value));
}
