// The canonical form: what changes nothing is dropped, constants are folded, what exporters spell out in arithmetic is one op
// again, a final softmax or sigmoid is taken off, and every product knows its gate. The numbers stay the same.
// Convolutions and the normalisation behind them stay apart, so that constants belong to the layer that brought them.
import { ancestorsOf } from './forward.ts';
import { fusions } from './fusions.ts';
import { withGates } from './gates.ts';
import { layerName, nameClaims } from './names.ts';
import { nodeOf, parameterCountOf, type Network, type Node, type NodeId } from './network.ts';
import type { Before, Rule } from './rewriting.ts';
import { shiftedNormalisation } from './shifted-normalisation.ts';
import { passedOn, simplifications } from './simplifications.ts';

/** The same network in canonical form; idempotent. */
export function canonical(network: Network): Network {
  const rewritten = rewrite(rewrite(network, [...simplifications, shiftedNormalisation]), fusions);
  const stripped = withoutFinalActivation(rewritten);
  const nodes = withGates(kept(stripped));
  return {
    ...stripped,
    nodes,
    otherInputs: stripped.otherInputs.filter((id) => nodes.some((node) => node.id === id)),
    parameterCount: parameterCountOf(nodes),
  };
}

/** Nodes that an output depends on, and the explained input. */
function kept({ nodes, input, output, otherOutputs }: Network): Node[] {
  return ancestorsOf(nodes, [input, output, ...otherOutputs]);
}

/** Applies rules to every node, inputs first, until none applies; nodes that pass their input on are left out. */
function rewrite(network: Network, rules: readonly Rule[]): Network {
  const byId = new Map<NodeId, Node>();
  const replaced = new Map<NodeId, NodeId>();
  const uses = new Map<NodeId, number>();
  const outputs = [network.output, ...network.otherOutputs];
  for (const id of [...network.nodes.flatMap((node) => node.inputs), ...outputs]) uses.set(id, (uses.get(id) ?? 0) + 1);
  const claim = nameClaims(network.nodes.map((node) => node.name));
  const current = (id: NodeId): NodeId => replaced.get(id) ?? id;
  const before: Before = {
    node: (id) => byId.get(id)!,
    uses: (id) => uses.get(id) ?? 0,
    nameFor(weight, otherwise) {
      const wanted = weight === undefined ? undefined : layerName(byId.get(weight)!.name);
      return wanted === undefined ? otherwise : claim(wanted);
    },
  };
  const result: Node[] = [];
  for (const original of network.nodes) {
    let node: Node = { ...original, inputs: original.inputs.map(current) };
    byId.set(node.id, node);
    for (let changed = true; changed;) {
      changed = false;
      for (const rule of rules) {
        const nodes = rule(node, before);
        if (!nodes) continue;
        for (const added of nodes) byId.set(added.id, added);
        result.push(...nodes.slice(0, -1));
        node = nodes.at(-1)!;
        changed = true;
        break;
      }
    }
    const passed = passedOn(node, before);
    if (passed === undefined) result.push(node);
    else replaced.set(node.id, passed);
  }
  const rewritten = {
    ...network,
    nodes: result,
    output: current(network.output),
    otherOutputs: network.otherOutputs.map(current),
  };
  return { ...rewritten, nodes: kept(rewritten) };
}

/**
 * The network up to its logits, of a classifier and of a network that makes pictures alike: a frozen sigmoid has the slope
 * σ(z)/z, and the few entries where z nears 0 would be all that is seen of the map.
 */
function withoutFinalActivation(network: Network): Network {
  if (network.stripped !== null) return network;
  const chain: Node[] = [];
  let node = nodeOf(network, network.output);
  while (node.op === 'reshape' || node.op === 'transpose') {
    chain.unshift(node);
    node = nodeOf(network, node.inputs[0]!);
  }
  const isSigmoid = node.op === 'sigmoid';
  const axis = node.attributes['axis'] as number | undefined;
  const overClasses = axis !== undefined && node.shape.at(axis)! > 1;
  const isSoftmax = (node.op === 'softmax' || node.op === 'log-softmax') && overClasses;
  if (!isSigmoid && !isSoftmax) return network;
  let output = node.inputs[0]!;
  const ids = new Set(network.nodes.map(({ id }) => id));
  const claim = nameClaims(network.nodes.map(({ name }) => name));
  const copies = chain.map((link) => {
    let id = `${link.id}/logits`;
    while (ids.has(id)) id += "'";
    const copy = { ...link, id, inputs: [output], name: claim(`${link.name}/logits`) };
    output = id;
    return copy;
  });
  return {
    ...network,
    nodes: [...network.nodes, ...copies],
    output,
    stripped: isSigmoid ? 'sigmoid' : 'softmax',
    notes: [...network.notes, `The final ${node.op} "${node.name}" was taken off: logits are explained.`],
  };
}
