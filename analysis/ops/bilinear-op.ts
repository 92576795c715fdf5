// Products of two values that may both depend on the input (gates, squeeze-excite, attention). Taylor: the product rule,
// a0·db + da·b0 with offset −a0·b0. Frozen: the gate is held fixed; without a gate ½(b0·a + a0·b), which needs no offset.
import type { Kernels, Shape, Value } from '../kernels/kernels.ts';
import { number, zerosFor } from './affine-op.ts';
import type { Op, OpNode } from './op.ts';

/** Which operand frozen maps hold fixed where both depend on the input; canonical form sets it. */
export interface ProductAttributes {
  /** 0 or 1: nothing flows through that operand. null: neither is a gate, or both are. */
  readonly gate: 0 | 1 | null;
}

export interface BilinearParts<Attributes extends ProductAttributes> {
  readonly id: string;
  shape(node: Omit<OpNode<Attributes>, 'shape'>): Shape;
  product(k: Kernels, a: Value, b: Value, node: OpNode<Attributes>): Value;
  /** The adjoint of `product` in a, at b: [B, …shape of a]. */
  left(k: Kernels, dy: Value, b: Value, node: OpNode<Attributes>): Value;
  /** The adjoint of `product` in b, at a: [B, …shape of b]. */
  right(k: Kernels, dy: Value, a: Value, node: OpNode<Attributes>): Value;
  multiplyAdds?(node: OpNode<Attributes>): number;
}

/** An op from a bilinear product and its two adjoints; linear in the one operand that depends where the other does not. */
export function bilinearOp<Attributes extends ProductAttributes>({
  product,
  left,
  right,
  ...parts
}: BilinearParts<Attributes>): Op<Attributes> {
  return {
    ...parts,
    kind: 'product',
    captures: 'inputs',
    forward: (k, [a, b], node) => product(k, a!, b!, node),
    linearise(k, [a0, b0], _output, node, mode, dependent) {
      const both = dependent[0]! && dependent[1]!;
      const gate = both && mode === 'frozen' ? node.attributes.gate : null;
      const halves = both && mode === 'frozen' && gate === null;
      const passes = [0, 1].map((i) => dependent[i]! && gate !== i);
      const half = (value: Value): Value => (halves ? k.binary('mul', value, number(k, 0.5)) : value);
      return {
        apply([da, db]) {
          const fromA = da && passes[0] ? product(k, da, b0!, node) : null;
          const fromB = db && passes[1] ? product(k, a0!, db, node) : null;
          if (fromA && fromB) return half(k.binary('add', fromA, fromB));
          if (fromA || fromB) return half((fromA ?? fromB)!);
          return zerosFor(k, (da ?? db)!, node.inputShapes[da ? 0 : 1]!, node.shape);
        },
        transpose: (dy) => {
          const scaled = half(dy);
          return [passes[0] ? left(k, scaled, b0!, node) : null, passes[1] ? right(k, scaled, a0!, node) : null];
        },
        ...(both && mode === 'taylor' && { offset: k.unary('neg', product(k, a0!, b0!, node)) }),
      };
    },
  };
}
