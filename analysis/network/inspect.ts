// What a model is, without running it: its layers and nodes with shapes, parameters and cost, and what is not supported.
import { networkOf, type Graph, type LoadOptions, type UnsupportedNode } from '../formats/graph.ts';
import { readGraph } from '../formats/index.ts';
import type { Shape } from '../kernels/kernels.ts';
import { opOf } from '../ops/index.ts';
import type { OpKind } from '../ops/op.ts';
import { canonical } from './canonical.ts';
import { ancestorsOf } from './forward.ts';
import { layersOf, parametersOf } from './layers.ts';
import { nodeOf, type Network, type Node, type NodeId } from './network.ts';

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

/**
 * The tables of a model file. Unsupported nodes are listed, and what comes before them is shown; throws UserError only
 * where the file cannot be read at all.
 */
export async function inspectModel(path: string, options: LoadOptions = {}): Promise<Inspection> {
  const graph = await readGraph(path, options);
  const output = options.output ?? graph.outputs[0];
  const complete = output !== undefined && !graph.unknown.has(output);
  const network = complete ? networkOf(graph, options) : networkUpToUnsupported(graph);
  return { ...inspectNetwork(canonical(network)), unsupported: graph.unsupported };
}

/** The part of a graph that can be computed; every value that nothing known reads counts as an output. */
function networkUpToUnsupported(graph: Graph): Network {
  const read = new Set(graph.nodes.flatMap((node) => node.inputs));
  const ends = graph.nodes.filter(({ id, op }) => !read.has(id) && op !== 'constant').map(({ id }) => id);
  const dependent = ends.filter((id) => ancestorsOf(graph.nodes, [id]).some((node) => node.id === graph.input));
  const outputs = dependent.length > 0 ? dependent : [graph.input];
  return networkOf({ ...graph, unknown: new Set(), outputs: outputs.toReversed() });
}
