// Rules of the canonical form for normalisation spelled out in arithmetic: (x − mean)/√(variance + ε), and the scale and the
// bias that follow it.
import type { Tensor } from '../kernels/kernels.ts';
import { normalAxes } from './constant-folding.ts';
import type { Node, NodeId } from './network.ts';
import { constantAndOther, instead, sameShape, scalarAt, tensorAt, type Before, type Rule } from './rewriting.ts';

/** The axes of a mean that keeps them, counted from 0. */
function meanAxes({ op, attributes, inputs }: Node, before: Before): readonly number[] | undefined {
  const { kind, axes, keepDims } = attributes as { kind?: string; axes?: readonly number[]; keepDims?: boolean };
  if (op !== 'reduce' || kind !== 'mean' || !keepDims) return undefined;
  const { length } = before.node(inputs[0]!).shape;
  return axes ? normalAxes(axes, length).toSorted((a, b) => a - b) : Array.from({ length }, (_, axis) => axis);
}

interface Centred {
  readonly x: NodeId;
  readonly axes: readonly number[];
}

/** x − mean(x). */
function centred(node: Node, before: Before): Centred | undefined {
  if (node.op !== 'subtract') return undefined;
  const [x, mean] = node.inputs as [NodeId, NodeId];
  const axes = meanAxes(before.node(mean), before);
  return axes && before.node(mean).inputs[0] === x ? { x, axes } : undefined;
}

/** mean((x − mean x)²) + ε. */
function varianceAndEpsilon(node: Node, before: Before): (Centred & { epsilon: number }) | undefined {
  const pair = node.op === 'add' ? constantAndOther(before, node) : undefined;
  const epsilon = pair && scalarAt(before, pair[0]);
  if (!pair || epsilon === undefined) return undefined;
  const variance = before.node(pair[1]);
  const axes = meanAxes(variance, before);
  const square = axes && before.node(variance.inputs[0]!);
  const twice = square?.op === 'multiply' && square.inputs[0] === square.inputs[1];
  const squared = square?.op === 'power' && square.attributes['exponent'] === 2 && square.inputs.length === 1;
  if (!square || (!twice && !squared)) return undefined;
  const inner = centred(before.node(square.inputs[0]!), before);
  return inner && sameShape(inner.axes, axes) ? { ...inner, epsilon } : undefined;
}

/** √(variance + ε), or its inverse. */
function deviation(node: Node, before: Before): (Centred & { epsilon: number; inverse: boolean }) | undefined {
  const input = (): Node => before.node(node.inputs[0]!);
  if (node.op === 'sqrt') {
    const found = varianceAndEpsilon(input(), before);
    return found && { ...found, inverse: false };
  }
  if (node.op === 'power' && node.attributes['exponent'] === -0.5 && node.inputs.length === 1) {
    const found = varianceAndEpsilon(input(), before);
    return found && { ...found, inverse: true };
  }
  if (node.op === 'reciprocal') {
    const found = deviation(input(), before);
    return found && { ...found, inverse: !found.inverse };
  }
  if (node.op === 'divide' && scalarAt(before, node.inputs[0]!) === 1) {
    const found = deviation(before.node(node.inputs[1]!), before);
    return found && { ...found, inverse: !found.inverse };
  }
  return undefined;
}

/** Layer normalisation over the last axes, instance normalisation over all spatial ones, and the same over any others. */
const core: Rule = (node, before) => {
  if (node.op !== 'divide' && node.op !== 'multiply') return null;
  const [a, b] = node.inputs as [NodeId, NodeId];
  const orders =
    node.op === 'divide'
      ? [[a, b]]
      : [
          [a, b],
          [b, a],
        ];
  for (const [top, bottom] of orders as [NodeId, NodeId][]) {
    const difference = centred(before.node(top), before);
    const spread = difference && deviation(before.node(bottom), before);
    if (!spread || spread.x !== difference.x || !sameShape(spread.axes, difference.axes)) continue;
    if (spread.inverse !== (node.op === 'multiply')) continue;
    const { axes, epsilon, x } = spread;
    const rank = node.shape.length;
    const [first] = axes as [number];
    const trailing = axes.every((axis, i) => axis === first + i) && axes.at(-1) === rank - 1;
    const [op, attributes] =
      trailing && first === 2 && rank >= 4
        ? ['instance-norm', { epsilon }]
        : trailing
          ? ['layer-norm', { axis: first, epsilon }]
          : ['mvn', { axes, epsilon }];
    return [instead(node, { op: op, inputs: [x], attributes: attributes })];
  }
  return null;
};

/** A constant as the scale or bias of a normalisation, in the shape that the op wants; undefined where it does not fit. */
function fitted({ op, attributes, shape }: Node, { data, shape: from }: Tensor): Tensor | undefined {
  const aligned = shape.map((_, axis) => from[axis - shape.length + from.length] ?? 1);
  if (from.length > shape.length) return undefined;
  if (op === 'instance-norm') {
    const channels = aligned.every((n, axis) => (axis === 1 ? n === shape[1] : n === 1));
    return channels ? { data, shape: [shape[1]!] } : undefined;
  }
  const first = attributes['axis'] as number;
  const inside = aligned.every((n, axis) => (axis < first ? n === 1 : n === shape[axis]));
  return inside ? { data, shape: aligned.slice(first) } : undefined;
}

/** A constant that multiplies, or is added to, what a normalisation gives. */
const scaleAndBias: Rule = (node, before) => {
  if (node.op !== 'multiply' && node.op !== 'add') return null;
  const pair = constantAndOther(before, node);
  if (!pair) return null;
  const norm = before.node(pair[1]);
  if ((norm.op !== 'layer-norm' && norm.op !== 'instance-norm') || before.uses(norm.id) > 1) return null;
  const key = node.op === 'multiply' ? 'scale' : 'bias';
  if (norm.parameters['bias'] || (key === 'scale' && norm.parameters['scale']) || !sameShape(norm.shape, node.shape))
    return null;
  const parameter = fitted(norm, tensorAt(before, pair[0])!);
  if (!parameter) return null;
  const name = Object.keys(norm.parameters).length > 0 ? norm.name : before.nameFor(pair[0], norm.name);
  return [{ ...norm, id: node.id, name, parameters: { ...norm.parameters, [key]: parameter } }];
};

export const normalisations: readonly Rule[] = [core, scaleAndBias];
