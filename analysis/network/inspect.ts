// What a network is, without running it: its layers and nodes with shapes, parameters and cost.
import type { Shape } from '../kernels/kernels.ts';
import { opOf } from '../ops/index.ts';
import type { OpKind } from '../ops/op.ts';
import { layersOf, parametersOf } from './layers.ts';
import { nodeOf, type Network, type Node, type NodeId, type UnsupportedNode } from './network.ts';

/** One operation. */
export interface NodeRow {
  readonly name: string;
  readonly op: string;
  /** Of one sample, with its batch of 1. */
  readonly outputShape: Shape;
  readonly parameterCount: number;
  /** Of one forward pass of one sample. */
  readonly multiplyAdds: number;
  /** How affine maps see it (methods.md, section 0). */
  readonly interpretation: OpKind;
  readonly layer: string | null;
}

/** One layer; shapes without the batch. */
export interface LayerRow {
  readonly name: string;
  readonly op: string;
  readonly inputShape: Shape;
  readonly outputShape: Shape;
  readonly parameterCount: number;
  readonly multiplyAdds: number;
  /** The ops of its nodes, in order. */
  readonly ops: readonly string[];
}

export interface Inspection extends Pick<
  Network,
  'name' | 'format' | 'sha256' | 'stripped' | 'layout' | 'preprocessing' | 'classNames' | 'parameterCount' | 'notes'
> {
  readonly inputs: readonly { readonly name: string; readonly shape: Shape; readonly explained: boolean }[];
  readonly outputs: readonly { readonly name: string; readonly shape: Shape; readonly explained: boolean }[];
  readonly layers: readonly LayerRow[];
  readonly nodes: readonly NodeRow[];
  readonly multiplyAdds: number;
  /** What the model file holds beside the network. */
  readonly unsupported: readonly UnsupportedNode[];
}

/** Multiply-adds of a node in one forward pass of one sample; 0 where it has none worth counting. */
export function multiplyAddsOf(network: Network, node: Node): number {
  if (node.op === 'input' || node.op === 'constant') return 0;
  return (
    opOf(node.op).multiplyAdds?.({ ...node, inputShapes: node.inputs.map((id) => nodeOf(network, id).shape) }) ?? 0
  );
}

/** The tables of a network in canonical form. */
export function inspectNetwork(network: Network): Inspection {
  const layers = layersOf(network);
  const layerOf = new Map(layers.flatMap((layer) => layer.nodes.map((id) => [id, layer.name] as const)));
  const operations = network.nodes.filter(({ op }) => op !== 'input' && op !== 'constant');
  const constantsOf = (node: Node): Node[] =>
    node.inputs.map((id) => nodeOf(network, id)).filter(({ op }) => op === 'constant');
  const described = (id: NodeId, explained: boolean) => ({ name: id, shape: nodeOf(network, id).shape, explained });
  const nodes = operations.map((node) => ({
    name: node.name,
    op: node.op,
    outputShape: node.shape,
    parameterCount: [node, ...constantsOf(node)].reduce((sum, part) => sum + parametersOf(part), 0),
    multiplyAdds: multiplyAddsOf(network, node),
    interpretation: opOf(node.op).kind,
    layer: layerOf.get(node.id) ?? null,
  }));
  const { name, format, sha256, stripped, layout, preprocessing, classNames, parameterCount, notes } = network;
  return {
    name,
    format,
    sha256,
    stripped,
    layout,
    preprocessing,
    classNames,
    parameterCount,
    notes,
    inputs: [described(network.input, true), ...network.otherInputs.map((id) => described(id, false))],
    outputs: [described(network.output, true), ...network.otherOutputs.map((id) => described(id, false))],
    layers: layers.map((layer) => {
      const own = layer.nodes.map((id) => nodeOf(network, id));
      return {
        name: layer.name,
        op: layer.op,
        inputShape: layer.inputShape,
        outputShape: layer.outputShape,
        parameterCount: layer.parameterCount,
        multiplyAdds: own.reduce((sum, node) => sum + multiplyAddsOf(network, node), 0),
        ops: own.map(({ op }) => op),
      };
    }),
    nodes,
    multiplyAdds: nodes.reduce((sum, row) => sum + row.multiplyAdds, 0),
    unsupported: [],
  };
}
