// A model file looked at without running it: what is unsupported is listed, and what comes before it is shown.
import { canonical } from '../network/canonical.ts';
import { ancestorsOf } from '../network/forward.ts';
import { inspectNetwork, type Inspection } from '../network/inspect.ts';
import type { Network } from '../network/network.ts';
import { networkOf, type Graph, type LoadOptions } from './graph.ts';
import { readGraph } from './index.ts';

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
