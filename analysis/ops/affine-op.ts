// Ops that are jointly linear in their inputs plus a constant: one linear forward and its transpose give the whole op, in
// both modes (methods.md, section 0, first row). Below it, the broadcasting that such ops and products share.
import { UserError } from '../errors.ts';
import type { Kernels, Shape, Tensor, Value } from '../kernels/kernels.ts';
import type { Op, OpNode } from './op.ts';

/** A value that broadcasts to a node's output: `value` is [1, …shape], `shape` has the output's rank. */
export interface Broadcastable {
  readonly value: Value;
  readonly shape: Shape;
}

export interface AffineParts<Attributes> {
  readonly id: string;
  shape(node: Omit<OpNode<Attributes>, 'shape'>): Shape;
  /** The linear part; null stands for an input that is zero, and at least one is not null. Gives the full [B, …S]. */
  linear(k: Kernels, inputs: readonly (Value | null)[], node: OpNode<Attributes>): Value;
  /** Its exact adjoint: one cotangent per input. */
  transpose(k: Kernels, dy: Value, node: OpNode<Attributes>): (Value | null)[];
  /** What the node adds by itself, such as a bias. */
  constant?(k: Kernels, node: OpNode<Attributes>): Broadcastable | undefined;
  multiplyAdds?(node: OpNode<Attributes>): number;
}

/** An op from its linear part; offset = constant + linear part of the inputs that do not depend on the domain. */
export function affineOp<Attributes>({
  linear,
  transpose,
  constant,
  ...parts
}: AffineParts<Attributes>): Op<Attributes> {
  return {
    ...parts,
    kind: 'linear',
    captures: 'nothing',
    forward(k, inputs, node) {
      const passed = linear(k, inputs, node);
      const added = constant?.(k, node);
      return added ? k.binary('add', passed, added.value) : passed;
    },
    linearise(k, inputs, _output, node, _mode, dependent) {
      const added = constant?.(k, node);
      const fixed = dependent.includes(false)
        ? linear(
            k,
            inputs.map((input, i) => (dependent[i] ? null : input)),
            node,
          )
        : undefined;
      const offset =
        fixed && added
          ? k.binary('add', fixed, added.value)
          : (fixed ?? (added && expandTo(k, added.value, added.shape, node.shape)));
      return {
        apply: (dx) => linear(k, dx, node),
        transpose: (dy) => transpose(k, dy, node).map((part, i) => (dependent[i] ? part : null)),
        ...(offset && { offset }),
      };
    },
  };
}

/** The value [B, …shape] as [B, 1, …, 1, …shape] with `rank` dimensions after the block, so that numpy broadcasting aligns it. */
export function alignRank(k: Kernels, value: Value, shape: Shape, rank: number): Value {
  return shape.length === rank ? value : k.reshape(value, [-1, ...alignShape(shape, rank)]);
}

/** The shape that `alignRank` gives, without the block. */
export function alignShape(shape: Shape, rank: number): number[] {
  return [...Array.from({ length: rank - shape.length }, () => 1), ...shape];
}

/** The adjoint of broadcasting [B, …to] to [B, …from]: sums over every axis that was spread, and gives [B, …to]. */
export function sumToShape(k: Kernels, value: Value, from: Shape, to: Shape): Value {
  const aligned = alignShape(to, from.length);
  const axes = from.flatMap((n, i) => (aligned[i] === 1 && n !== 1 ? [i + 1] : []));
  const summed = axes.length > 0 ? k.reduce('sum', value, axes, true) : value;
  return to.length === from.length ? summed : k.reshape(summed, [-1, ...to]);
}

/** Broadcasting [B, …from] to the full [B, …to], numpy's rule. */
export function expandTo(k: Kernels, value: Value, from: Shape, to: Shape): Value {
  const aligned = alignShape(from, to.length);
  const repeats = to.map((n, i) => (aligned[i] === n ? 1 : n));
  const full = alignRank(k, value, from, to.length);
  return repeats.every((n) => n === 1) ? full : k.tile(full, [1, ...repeats]);
}

/** The shape that shapes broadcast to (numpy's rule); throws UserError when they do not. */
export function broadcastShape(...shapes: readonly Shape[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const aligned = shapes.map((shape) => alignShape(shape, rank));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = new Set(aligned.map((shape) => shape[axis]!).filter((n) => n !== 1));
    if (sizes.size > 1) {
      throw new UserError(
        `Shapes that do not broadcast: ${shapes.map((shape) => `[${shape.join(', ')}]`).join(' and ')}.`,
      );
    }
    return [...sizes][0] ?? 1;
  });
}

/** Zeros [B, …shape] with the block size of `like`, a value [B, …likeShape]. */
export function zerosFor(k: Kernels, like: Value, likeShape: Shape, shape: Shape): Value {
  const axes = likeShape.map((_, i) => i + 1);
  const first = k.slice(like, { axes, starts: axes.map(() => 0), ends: axes.map(() => 1), steps: axes.map(() => 1) });
  const zero = k.binary('mul', k.reshape(first, [-1, ...shape.map(() => 1)]), number(k, 0));
  return k.tile(zero, [1, ...shape]);
}

const numbers = new Map<number, Tensor>();

/** A single number as a value that broadcasts with everything. */
export function number(k: Kernels, value: number): Value {
  let tensor = numbers.get(value);
  if (!tensor) numbers.set(value, (tensor = { data: Float32Array.of(value), shape: [1] }));
  return k.constant(tensor);
}

/** A parameter of one entry per position of `axis` (or of several axes from there on), laid out for an output of this rank. */
export function parameterAt(k: Kernels, parameter: Tensor, axis: number, rank: number): Broadcastable {
  const after = rank - axis - parameter.shape.length;
  const shape = [
    ...Array.from({ length: axis }, () => 1),
    ...parameter.shape,
    ...Array.from({ length: after }, () => 1),
  ];
  return { value: k.reshape(k.constant(parameter), [1, ...shape]), shape };
}

/** An axis counted from the start; negative ones count from the end. */
export function axisOf(axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis;
  if (resolved < 0 || resolved >= rank) throw new UserError(`Axis ${axis} of a tensor with ${rank} dimensions.`);
  return resolved;
}
