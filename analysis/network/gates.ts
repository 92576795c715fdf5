// Which side of a product is its gate (methods.md, section 0): the one that ends in sigmoid, hard sigmoid, softmax or tanh.
// Frozen maps hold it fixed; where neither side is a gate, or both are, the product is shared between them.
import type { Node, NodeId } from './network.ts';

const gating = new Set(['sigmoid', 'hard-sigmoid', 'softmax', 'tanh']);
/** Ops that only move or repeat numbers. */
const moving = new Set(['reshape', 'transpose', 'expand', 'tile', 'identity', 'slice', 'gather', 'resize']);

/** The nodes with `attributes.gate` set on every product. */
export function withGates(nodes: readonly Node[]): Node[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const isConstant = (id: NodeId): boolean => byId.get(id)!.op === 'constant';
  const endsInGate = (id: NodeId): boolean => {
    const node = byId.get(id)!;
    if (gating.has(node.op)) return true;
    if (moving.has(node.op)) return endsInGate(node.inputs[0]!);
    const varying = node.inputs.filter((input) => !isConstant(input));
    const scaled = node.op === 'multiply' || (node.op === 'divide' && varying[0] === node.inputs[0]);
    return scaled && varying.length === 1 && endsInGate(varying[0]!);
  };
  return nodes.map((node) => {
    if (node.op !== 'multiply' && node.op !== 'mat-mul') return node;
    const [first, second] = node.inputs.map((id) => !isConstant(id) && endsInGate(id));
    const gate = first === second || node.inputs.some(isConstant) ? null : first ? 0 : 1;
    return { ...node, attributes: { ...node.attributes, gate } };
  });
}
