// Rules of the canonical form that remove: what changes nothing, shapes changed twice, and arithmetic on constants.
import { broadcastShapes, constantOf, fold } from './constant-folding.ts';
import type { Node, NodeId } from './network.ts';
import { asConstant, asTensor, clipBounds, instead, sameShape, tensorAt, type Before, type Rule } from './rewriting.ts';

/** The input that a node passes on unchanged, if it does. */
export function passedOn(node: Node, before: Before): NodeId | undefined {
  const { op, inputs, attributes, shape } = node;
  const [x] = inputs;
  if (x === undefined) return undefined;
  const same = sameShape(before.node(x).shape, shape);
  const list = (key: string): readonly number[] => attributes[key] as readonly number[];
  switch (op) {
    case 'identity':
      return x;
    case 'reshape':
    case 'expand':
    case 'tile':
      return same ? x : undefined;
    case 'transpose':
      return list('perm').every((axis, i) => axis === i) ? x : undefined;
    case 'pad':
      return list('pads').every((n) => n === 0) ? x : undefined;
    case 'concat':
    case 'add':
    case 'maximum':
      return inputs.length === 1 && same && attributes['constant'] === undefined ? x : undefined;
    case 'power':
      return attributes['exponent'] === 1 && same ? x : undefined;
    case 'clip':
      return Object.values(clipBounds(node)).every((bound) => bound === undefined) ? x : undefined;
    default:
      return undefined;
  }
}

/** A reshape of a reshape, and a transpose of a transpose. */
const shapeChangedTwice: Rule = (node, before) => {
  if (node.op !== 'reshape' && node.op !== 'transpose') return null;
  const inner = before.node(node.inputs[0]!);
  if (inner.op !== node.op) return null;
  if (node.op === 'reshape') return [{ ...node, inputs: inner.inputs }];
  const first = inner.attributes['perm'] as readonly number[];
  const second = node.attributes['perm'] as readonly number[];
  return [{ ...node, inputs: inner.inputs, attributes: { perm: second.map((axis) => first[axis]!) } }];
};

/** Our elementwise ops and shape changes as those of the folding vocabulary. */
const foldingNames: Readonly<Record<string, string>> = {
  add: 'Add',
  subtract: 'Sub',
  multiply: 'Mul',
  divide: 'Div',
  power: 'Pow',
  neg: 'Neg',
  abs: 'Abs',
  sqrt: 'Sqrt',
  exp: 'Exp',
  log: 'Log',
  reciprocal: 'Reciprocal',
  reshape: 'Reshape',
  expand: 'Expand',
  transpose: 'Transpose',
  concat: 'Concat',
  slice: 'Slice',
};

/** Arithmetic on constants alone. */
const constantArithmetic: Rule = (node, before) => {
  const name = Object.hasOwn(foldingNames, node.op) ? foldingNames[node.op]! : undefined;
  const tensors = node.inputs.map((id) => tensorAt(before, id));
  if (name === undefined || tensors.length === 0 || tensors.includes(undefined)) return null;
  const inputs = tensors.map((tensor) => asConstant(tensor!));
  const { attributes, parameters } = node;
  if (node.op === 'power') {
    if (parameters['exponent']) inputs.push(asConstant(parameters['exponent']));
    else if (inputs.length === 1) inputs.push(constantOf('float', [], [attributes['exponent'] as number]));
  }
  const settings =
    node.op === 'expand'
      ? { shape: broadcastShapes(inputs[0]!.shape, attributes['shape'] as readonly number[]) }
      : attributes;
  const [result] = fold(name, inputs, settings);
  return [
    instead(node, { op: 'constant', inputs: [], parameters: { value: { ...asTensor(result!), shape: node.shape } } }),
  ];
};

export const simplifications: readonly Rule[] = [shapeChangedTwice, constantArithmetic];
