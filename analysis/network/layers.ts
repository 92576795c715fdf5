// Layers as methods.md, section 0 defines them: a node with weights, plus the activation, normalisation and pooling that
// follow it up to the next node with weights. Every node belongs to one layer; the activity is the value before the activation.
import { sizeOf, type Shape } from '../kernels/kernels.ts';
import { opOf } from '../ops/index.ts';
import type { Network, Node, NodeId } from './network.ts';

export interface Layer {
  /** As users know it: `conv1`, `features/0`; a second use gets `#2`. */
  readonly name: string;
  /** Position in the network, from 0. */
  readonly index: number;
  /** The op of the node with weights. */
  readonly op: string;
  /** The node with weights. */
  readonly node: NodeId;
  /** Value before the activation function (after normalisation where one stands between). */
  readonly activity: NodeId;
  /** Value after activation and pooling: a split at this layer means this node. */
  readonly output: NodeId;
  /** All its nodes, in order; constants are their users' and not listed. */
  readonly nodes: readonly NodeId[];
  /** Of one sample, without the batch dimension. */
  readonly inputShape: Shape;
  readonly outputShape: Shape;
  readonly parameterCount: number;
}

const weighted = new Set(['conv', 'conv-transpose', 'dense']);
const normalising = new Set(['batch-norm', 'instance-norm', 'group-norm', 'layer-norm', 'local-response-norm', 'mvn']);
/** What stands behind a layer only to fit the next one. */
const fitting = new Set(['reshape', 'transpose', 'pad', 'identity']);

/**
 * The layers of a network in canonical form, in order. A node belongs to the layer of its latest ancestor with weights (behind
 * the most others, so that a sum of a path and its shortcut belongs to the path). What stands before all weights belongs to
 * the first layer, unless it brings constants: then it is a layer of its own.
 */
export function layersOf(network: Network): Layer[] {
  const nodes = new Map(network.nodes.map((node) => [node.id, node]));
  const constants = (node: Node): Node[] =>
    node.inputs.map((id) => nodes.get(id)!).filter(({ op }) => op === 'constant');
  const hasWeights = (node: Node): boolean =>
    weighted.has(node.op) || (node.op === 'mat-mul' && constants(node).length === 1);
  const bringsConstants = (node: Node): boolean =>
    Object.keys(node.parameters).length > 0 || constants(node).length > 0;

  const groups: { head: Node; members: Node[]; depth: number }[] = [];
  const groupOf = new Map<NodeId, number>();
  const waiting: Node[] = [];
  /** The deeper one in nodes with weights; of equals, the later one. */
  const later = (a: number, b: number): number => ((groups[b]?.depth ?? 0) >= (groups[a]?.depth ?? 0) ? b : a);
  for (const node of network.nodes) {
    if (node.op === 'input' || node.op === 'constant') continue;
    const before = node.inputs
      .flatMap((id) => groupOf.get(id) ?? [])
      .toSorted((a, b) => a - b)
      .reduce(later, -1);
    if (hasWeights(node) || (before < 0 && bringsConstants(node))) {
      groupOf.set(node.id, groups.length);
      groups.push({ head: node, members: [node], depth: (groups[before]?.depth ?? 0) + 1 });
    } else if (before < 0) {
      waiting.push(node);
    } else {
      groupOf.set(node.id, before);
      groups[before]!.members.push(node);
    }
  }
  if (groups.length === 0 && waiting.length > 0) groups.push({ head: waiting[0]!, members: [], depth: 1 });
  groups[0]?.members.unshift(...waiting);

  const consumers = new Map<NodeId, Node[]>();
  for (const node of network.nodes) {
    for (const id of new Set(node.inputs)) consumers.set(id, [...(consumers.get(id) ?? []), node]);
  }
  const taken = new Set<NodeId>();
  return groups.map(({ head, members }, index) => {
    const own = members
      .flatMap((node) => [...constants(node), node])
      .filter(({ id }) => !taken.has(id) && taken.add(id));
    const chain = chainOf(head, members, consumers);
    const activation = chain.findIndex(({ op }, at) => at > 0 && isActivation(op));
    const activity = activation > 0 ? chain[activation - 1]! : normalised(chain, bringsConstants);
    const last = chain.findLast((node, at) => at === 0 || !fitting.has(node.op))!;
    const output = chain.indexOf(activity) > chain.indexOf(last) ? activity : last;
    return {
      name: head.name,
      index,
      op: head.op,
      node: head.id,
      activity: activity.id,
      output: output.id,
      nodes: members.map(({ id }) => id),
      inputShape: inputOf(head, nodes).shape.slice(1),
      outputShape: output.shape.slice(1),
      parameterCount: own.reduce((sum, node) => sum + parametersOf(node), 0),
    };
  });
}

/** What the weights meet; a constant where a file computes a table from weights alone (position biases). */
function inputOf({ inputs }: Node, nodes: ReadonlyMap<NodeId, Node>): Node {
  return nodes.get(inputs.find((id) => nodes.get(id)!.op !== 'constant') ?? inputs[0]!)!;
}

const isActivation = (op: string): boolean => opOf(op).activation === true;

/** Where no activation follows: the value behind the normalisation that directly follows the weights. */
function normalised(chain: readonly Node[], bringsConstants: (node: Node) => boolean): Node {
  const end = chain.findIndex((node, at) => at > 0 && !normalising.has(node.op) && !bringsConstants(node));
  return chain[(end < 0 ? chain.length : end) - 1]!;
}

/**
 * From the weights on, the values that everything later in the layer passes through. It ends where the value leaves the
 * layer and only side branches go on inside it, such as the pooling of a squeeze-and-excitation.
 */
function chainOf(head: Node, members: readonly Node[], consumers: ReadonlyMap<NodeId, readonly Node[]>): Node[] {
  const inside = new Set(members.map(({ id }) => id));
  const chain = [head];
  for (;;) {
    const readers = consumers.get(chain.at(-1)!.id) ?? [];
    const own = readers.filter(({ id }) => inside.has(id));
    const next = own.length > 0 ? meeting(own, members, consumers) : undefined;
    const leaves = own.length < readers.length;
    if (!next || (leaves && !isActivation(next.op) && !normalising.has(next.op))) return chain;
    chain.push(next);
  }
}

/** The first value of the layer that all of these lead to. */
function meeting(
  starts: readonly Node[],
  members: readonly Node[],
  consumers: ReadonlyMap<NodeId, readonly Node[]>,
): Node | undefined {
  const inside = new Set(members.map(({ id }) => id));
  const reached = starts.map(({ id: start }) => {
    const found = new Set([start]);
    for (const at of found) for (const { id } of consumers.get(at) ?? []) if (inside.has(id)) found.add(id);
    return found;
  });
  return members.find(({ id }) => reached.every((found) => found.has(id)));
}

/** Numbers that a node was given: its weights, or a constant with more than one entry. */
export function parametersOf(node: Node): number {
  const sizes = Object.values(node.parameters).map(({ shape }) => sizeOf(shape));
  const count = sizes.reduce((sum, n) => sum + n, 0);
  return node.op === 'constant' && count === 1 ? 0 : count;
}
