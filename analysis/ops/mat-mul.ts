// Batched matrix product of two values, numpy's rules: Y = A B over the last two axes, leading axes broadcast.
import { UserError } from '../errors.ts';
import { sizeOf, type Kernels, type Shape, type Value } from '../kernels/kernels.ts';
import { alignShape, broadcastShape, sumToShape } from './affine-op.ts';
import { bilinearOp, type ProductAttributes } from './bilinear-op.ts';
import type { Op } from './op.ts';

/** A one-dimensional operand is a row on the left and a column on the right, and its axis is missing in the output. */
export interface MatMulAttributes extends ProductAttributes {
  /** The operand's last two axes change places first. Default false. */
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** Shapes of both operands and of the output as matrices of equal rank. */
interface Matrices {
  readonly a: number[];
  readonly b: number[];
  readonly y: number[];
}

function matricesOf({
  attributes,
  inputShapes,
}: {
  attributes: MatMulAttributes;
  inputShapes: readonly Shape[];
}): Matrices {
  const [left, right] = inputShapes as [Shape, Shape];
  const rank = Math.max(2, left.length, right.length);
  const a = alignShape(left, rank);
  const b = right.length === 1 ? [...alignShape([], rank - 2), right[0]!, 1] : alignShape(right, rank);
  const [rows, innerA] = attributes.transposeA ? [a.at(-1)!, a.at(-2)!] : [a.at(-2)!, a.at(-1)!];
  const [innerB, columns] = attributes.transposeB ? [b.at(-1)!, b.at(-2)!] : [b.at(-2)!, b.at(-1)!];
  if (innerA !== innerB) {
    throw new UserError(
      `A matrix product of [${left.join(', ')}] and [${right.join(', ')}]: inner sizes ${innerA} and ${innerB}.`,
    );
  }
  return { a, b, y: [...broadcastShape(a.slice(0, -2), b.slice(0, -2)), rows, columns] };
}

function outputShape(node: { attributes: MatMulAttributes; inputShapes: readonly Shape[] }): number[] {
  const { y } = matricesOf(node);
  const [left, right] = node.inputShapes as [Shape, Shape];
  return [...y.slice(0, -2), ...(left.length === 1 ? [] : [y.at(-2)!]), ...(right.length === 1 ? [] : [y.at(-1)!])];
}

/** A value whose matrix form may differ from its own shape. */
function reshaped(k: Kernels, value: Value, shape: Shape, to: Shape): Value {
  return shape.length === to.length ? value : k.reshape(value, [-1, ...to]);
}

export const matMul: Op<MatMulAttributes> = bilinearOp<MatMulAttributes>({
  id: 'mat-mul',
  shape: outputShape,
  product(k, a, b, node) {
    const { transposeA = false, transposeB = false } = node.attributes;
    const matrices = matricesOf(node);
    const left = reshaped(k, a, node.inputShapes[0]!, matrices.a);
    const right = reshaped(k, b, node.inputShapes[1]!, matrices.b);
    return reshaped(k, k.matMul(left, right, { transposeA, transposeB }), matrices.y, node.shape);
  },
  left(k, dy, b, node) {
    const { transposeA = false, transposeB = false } = node.attributes;
    const matrices = matricesOf(node);
    const cotangent = reshaped(k, dy, node.shape, matrices.y);
    const right = reshaped(k, b, node.inputShapes[1]!, matrices.b);
    const da = transposeA
      ? k.matMul(right, cotangent, { transposeA: transposeB, transposeB: true })
      : k.matMul(cotangent, right, { transposeB: !transposeB });
    return collapsed(k, da, matrices.y, matrices.a, node.inputShapes[0]!);
  },
  right(k, dy, a, node) {
    const { transposeA = false, transposeB = false } = node.attributes;
    const matrices = matricesOf(node);
    const cotangent = reshaped(k, dy, node.shape, matrices.y);
    const left = reshaped(k, a, node.inputShapes[0]!, matrices.a);
    const db = transposeB
      ? k.matMul(cotangent, left, { transposeA: true, transposeB: transposeA })
      : k.matMul(left, cotangent, { transposeA: !transposeA });
    return collapsed(k, db, matrices.y, matrices.b, node.inputShapes[1]!);
  },
  multiplyAdds(node) {
    const { a, y } = matricesOf(node);
    return sizeOf(y) * (node.attributes.transposeA ? a.at(-2)! : a.at(-1)!);
  },
});

/** A cotangent with the output's leading axes, summed over those that were broadcast and given its operand's shape. */
function collapsed(k: Kernels, value: Value, y: Shape, matrix: Shape, shape: Shape): Value {
  const spread = [...y.slice(0, -2), ...matrix.slice(-2)];
  const summed = sumToShape(k, value, spread, matrix);
  return reshaped(k, summed, matrix, shape);
}
