// Gradients of weighted sums of a node's values with respect to the input: forward pass and transposed derivative in one
// program, through no more of the network than the node needs. What gradient ascent takes hundreds of steps with.
import type { Backend, Kernels, Tensor, Value } from '../kernels/kernels.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { opOf } from '../ops/index.ts';
import { ancestorsOf } from './forward.ts';
import { multiplyAddsOf } from './inspect.ts';
import { nodeOf, type Network, type NodeId } from './network.ts';

export interface Gradient {
  /**
   * For inputs x_i [n, …input shape] and weights w_i [n, …shape of the node]: ⟨w_i, node(x_i)⟩ and its gradient in x_i.
   * Other inputs of the network are what they are fed, else zero.
   */
  run(inputs: Tensor, weights: Tensor): Promise<{ values: Float32Array; gradients: Float32Array }>;
  dispose(): void;
}

/** Multiply-adds of the forward pass of one input as far as a node. */
export function multiplyAddsTo(network: Network, to: NodeId): number {
  return ancestorsOf(network.nodes, [to]).reduce((sum, node) => sum + multiplyAddsOf(network, node), 0);
}

/** Compiles the gradient of a node (Taylor interpretation). `fed` holds other inputs, each [1, …shape]. */
export async function compileGradient(
  network: Network,
  backend: Backend,
  to: NodeId,
  fed: Readonly<Record<NodeId, Tensor>> = {},
): Promise<Gradient> {
  const nodes = ancestorsOf(network.nodes, [to]);
  const others = network.otherInputs.filter((id) => nodes.some((node) => node.id === id));
  const shapes = new Map(network.nodes.map((node) => [node.id, node.shape]));
  const reached = new Set([network.input]);
  const path = nodes.filter((node) => node.inputs.some((id) => reached.has(id)) && reached.add(node.id));

  const build = (k: Kernels, [x, weights, ...rest]: Value[]): Value[] => {
    const values = new Map<NodeId, Value>([[network.input, x!], ...others.map((id, i) => [id, rest[i]!] as const)]);
    const opNode = (node: (typeof nodes)[number]) => ({
      ...node,
      inputShapes: node.inputs.map((id) => shapes.get(id)!),
    });
    for (const node of nodes) {
      if (values.has(node.id)) continue;
      const value =
        node.op === 'constant'
          ? k.constant({ data: node.parameters['value']!.data, shape: [1, ...node.shape] })
          : opOf(node.op).forward(
              k,
              node.inputs.map((id) => values.get(id)!),
              opNode(node),
            );
      values.set(node.id, value);
    }
    const cotangents = new Map<NodeId, Value>([[to, weights!]]);
    for (const node of path.toReversed()) {
      const cotangent = cotangents.get(node.id);
      if (cotangent === undefined) continue;
      const dependent = node.inputs.map((id) => reached.has(id));
      const inputs = node.inputs.map((id) => values.get(id)!);
      const linear = opOf(node.op).linearise(k, inputs, values.get(node.id)!, opNode(node), 'taylor', dependent);
      for (const [i, part] of linear.transpose(cotangent).entries()) {
        const id = node.inputs[i]!;
        if (part === null || !reached.has(id)) continue;
        const before = cotangents.get(id);
        cotangents.set(id, before === undefined ? part : k.binary('add', before, part));
      }
    }
    const shape = shapes.get(to)!;
    const products = k.binary('mul', values.get(to)!, weights!);
    return [
      k.reduce(
        'sum',
        products,
        shape.map((_, axis) => axis + 1),
      ),
      cotangents.get(network.input)!,
    ];
  };
  const given = [network.input, to, ...others].map((id) => shapes.get(id)!);
  const program = await backend.compile(given, build);
  const otherValues = others.map((id) => {
    const { shape } = nodeOf(network, id);
    return fed[id] ?? { data: new Float32Array(sizeOf(shape)), shape: [1, ...shape] };
  });
  return {
    async run(inputs, weights) {
      const [values, gradients] = await program.run([inputs, weights, ...otherValues]);
      return { values: values!.data, gradients: gradients!.data };
    },
    dispose: () => program.dispose(),
  };
}
