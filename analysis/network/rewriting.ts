// What the rules of the canonical form are written against: a graph under rewriting, seen from one node upwards.
import { sizeOf, type Shape, type Tensor } from '../kernels/kernels.ts';
import { constantOf, type Constant } from './constant-folding.ts';
import type { Node, NodeId } from './network.ts';

/** The nodes before the one at hand, already rewritten. */
export interface Before {
  node(id: NodeId): Node;
  /** How many nodes and outputs read the value. */
  uses(id: NodeId): number;
  /** A name for a node that is called after this weight, if it has such a name. */
  nameFor(weight: NodeId | undefined, otherwise: string): string;
}

/** New nodes for one node, the last of which takes its place and keeps its id and shape; null where the rule does not apply. */
export type Rule = (node: Node, before: Before) => readonly Node[] | null;

/** The tensor of a constant node. */
export function tensorAt(before: Before, id: NodeId): Tensor | undefined {
  const { op, parameters } = before.node(id);
  return op === 'constant' ? parameters['value'] : undefined;
}

/** The number of a constant node that holds one. */
export function scalarAt(before: Before, id: NodeId): number | undefined {
  const tensor = tensorAt(before, id);
  return tensor && sizeOf(tensor.shape) === 1 ? tensor.data[0] : undefined;
}

/** The inputs of a node as [constant, other], where it has two and just one of them is constant. */
export function constantAndOther(before: Before, { inputs }: Node): [NodeId, NodeId] | undefined {
  const [a, b] = inputs;
  if (a === undefined || b === undefined || inputs.length !== 2) return undefined;
  const [isA, isB] = [tensorAt(before, a) !== undefined, tensorAt(before, b) !== undefined];
  return isA === isB ? undefined : isA ? [a, b] : [b, a];
}

/** A node in place of another. */
export function instead(
  node: Node,
  change: Partial<Pick<Node, 'op' | 'inputs' | 'attributes' | 'parameters' | 'name'>>,
): Node {
  return { ...node, attributes: {}, parameters: {}, ...change };
}

/** The bounds of a clip that are there. */
export function clipBounds({ attributes }: Node): { min: number | undefined; max: number | undefined } {
  const bound = (key: string): number | undefined =>
    typeof attributes[key] === 'number' && Number.isFinite(attributes[key]) ? attributes[key] : undefined;
  return { min: bound('min'), max: bound('max') };
}

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, axis) => n === b[axis]);

/** Equal up to the rounding of a float32 constant. */
export const close = (a: number, b: number): boolean =>
  Math.abs(a - b) <= 1e-5 * Math.max(Math.abs(a), Math.abs(b), 1e-3);

export const asConstant = ({ data, shape }: Tensor): Constant => constantOf('float', shape, data);

/** A constant as float32. */
export const asTensor = ({ type, data, shape }: Constant): Tensor => ({
  data: type === 'float' ? (data as Float32Array) : Float32Array.from(data),
  shape,
});
