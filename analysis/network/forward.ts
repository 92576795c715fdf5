// The forward pass: values of chosen nodes for a block of samples, computed by one compiled program that holds only what
// those nodes depend on.
import { UserError } from '../errors.ts';
import type { Backend, Kernels, Tensor, Value } from '../kernels/kernels.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { opOf } from '../ops/index.ts';
import { nodeOf, type Network, type Node, type NodeId } from './network.ts';

/** A compiled forward pass. */
export interface Forward {
  /**
   * The values of the chosen nodes, each [n, …shape of the node], for n samples [n, …input shape]. `fed` holds the other
   * inputs, each [n or 1, …shape]. Throws UserError where one that is needed is missing.
   */
  run(inputs: Tensor, fed?: Readonly<Record<NodeId, Tensor>>): Promise<Tensor[]>;
  dispose(): void;
}

/** The nodes that these depend on, themselves included, in order. */
export function ancestorsOf<AnyNode extends Pick<Node, 'id' | 'inputs'>>(
  nodes: readonly AnyNode[],
  ids: Iterable<NodeId>,
): AnyNode[] {
  const wanted = new Set(ids);
  for (const node of nodes.toReversed()) if (wanted.has(node.id)) for (const id of node.inputs) wanted.add(id);
  return nodes.filter((node) => wanted.has(node.id));
}

/** Compiles the forward pass to `outputs` (in this order; one may be named twice, or be an input). */
export async function compileForward(network: Network, backend: Backend, outputs: readonly NodeId[]): Promise<Forward> {
  const inputs = [network.input, ...network.otherInputs];
  const computed = [...new Set(outputs)].filter((id) => !inputs.includes(id));
  const nodes = ancestorsOf(network.nodes, computed);
  const shapes = new Map(nodes.map((node) => [node.id, node.shape]));
  const needed = inputs.filter((id) => id === network.input || shapes.has(id));

  const build = (k: Kernels, given: Value[]): Value[] => {
    const values = new Map<NodeId, Value>(needed.map((id, i) => [id, given[i]!]));
    for (const node of nodes) {
      if (values.has(node.id)) continue;
      values.set(node.id, node.op === 'constant' ? constantValue(k, node) : forwardOf(k, node, values, shapes));
    }
    return computed.map((id) => values.get(id)!);
  };
  const program =
    computed.length > 0
      ? await backend.compile(
          needed.map((id) => nodeOf(network, id).shape),
          build,
        )
      : null;

  return {
    async run(samples, fed = {}) {
      const count = samples.shape[0]!;
      const given = new Map<NodeId, Tensor>([[network.input, samples]]);
      for (const id of network.otherInputs) if (Object.hasOwn(fed, id)) given.set(id, fed[id]!);
      const valueOf = (id: NodeId): Tensor => {
        const value = given.get(id);
        if (value) return value;
        throw new UserError(`The network "${network.name}" also needs a value for its input "${id}".`, {
          hint: `Its shape is [${nodeOf(network, id).shape.join(', ')}].`,
        });
      };
      const results = program ? await program.run(needed.map(valueOf)) : [];
      return outputs.map((id) => {
        const at = computed.indexOf(id);
        return spread(at < 0 ? valueOf(id) : results[at]!, count);
      });
    },
    dispose: () => program?.dispose(),
  };
}

function forwardOf(
  k: Kernels,
  node: Node,
  values: ReadonlyMap<NodeId, Value>,
  shapes: ReadonlyMap<NodeId, Node['shape']>,
): Value {
  return opOf(node.op).forward(
    k,
    node.inputs.map((id) => values.get(id)!),
    { ...node, inputShapes: node.inputs.map((id) => shapes.get(id)!) },
  );
}

function constantValue(k: Kernels, node: Node): Value {
  return k.constant({ data: node.parameters['value']!.data, shape: [1, ...node.shape] });
}

/** What does not depend on the samples comes out once; it is repeated for each of them. */
function spread(value: Tensor, count: number): Tensor {
  if (value.shape[0] === count) return value;
  const size = sizeOf(value.shape);
  const data = new Float32Array(count * size);
  for (let i = 0; i < count; i++) data.set(value.data, i * size);
  return { data, shape: [count, ...value.shape.slice(1)] };
}
