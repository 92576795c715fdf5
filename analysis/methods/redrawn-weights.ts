// A network with weights drawn anew from an initialiser: He's normal distribution where a rectifier follows (He et al. 2015),
// Glorot's elsewhere (2010). Biases start at 0, normalisation at the identity.
import { sizeOf, type Tensor } from '../kernels/kernels.ts';
import type { Random } from '../random.ts';
import { activations } from '../ops/activations.ts';
import type { Layer } from '../network/layers.ts';
import type { Network, Node, NodeId } from '../network/network.ts';

const rectifiers = new Set(activations.filter(({ kind }) => kind === 'piecewise linear').map(({ id }) => id));

/** Fresh values of parameters that are no weights. */
const beginnings: Readonly<Record<string, number>> = { bias: 0, mean: 0, variance: 1, scale: 1, slope: 0.25 };

/** The network with the weights of these layers redrawn; a tensor that several nodes share stays shared. */
export function redrawn(network: Network, layers: readonly Layer[], random: Random): Network {
  const nodes = new Map(network.nodes.map((node) => [node.id, node]));
  const changed = new Set<NodeId>();
  const rectified = new Set<NodeId>();
  for (const layer of layers) {
    const isRectified = layer.nodes.some((id) => rectifiers.has(nodes.get(id)!.op));
    for (const id of layer.nodes) {
      const node = nodes.get(id)!;
      // Weights of a plain product are a constant beside it.
      const own = node.op === 'mat-mul' ? node.inputs.filter((input) => nodes.get(input)!.op === 'constant') : [];
      for (const one of [id, ...own]) {
        changed.add(one);
        if (isRectified) rectified.add(one);
      }
    }
  }
  const drawn = new Map<Tensor['data'], Tensor>();
  for (const node of network.nodes) {
    if (!changed.has(node.id)) continue;
    for (const [name, tensor] of Object.entries(node.parameters)) {
      if (drawn.has(tensor.data)) continue;
      drawn.set(tensor.data, { data: draw(node, name, tensor, rectified.has(node.id), random), shape: tensor.shape });
    }
  }
  const fresh = (tensor: Tensor): Tensor => drawn.get(tensor.data) ?? tensor;
  return {
    ...network,
    nodes: network.nodes.map((node) => ({
      ...node,
      parameters: Object.fromEntries(Object.entries(node.parameters).map(([name, tensor]) => [name, fresh(tensor)])),
    })),
  };
}

function draw(node: Node, name: string, { data, shape }: Tensor, isRectified: boolean, random: Random): Float32Array {
  if (name !== 'weight' && name !== 'value') return name in beginnings ? data.map(() => beginnings[name]!) : data;
  // conv [out, in, …k], dense [out, in]; a transposed convolution [in, out, …k]; a product's constant […, in, out].
  const [first, second] =
    shape.length < 2 ? [1, data.length] : name === 'value' ? [shape.at(-1)!, shape.at(-2)!] : [shape[0]!, shape[1]!];
  const positions = name === 'weight' ? sizeOf(shape.slice(2)) : 1;
  const [fanOut, fanIn] =
    node.op === 'conv-transpose' ? [second * positions, first * positions] : [first * positions, second * positions];
  const deviation = Math.sqrt(isRectified ? 2 / fanIn : 2 / (fanIn + fanOut));
  return random.normals(data.length).map((x) => deviation * x);
}
