// What every format makes of a file: a graph of our nodes, built one node at a time, with shapes inferred by the ops. From it
// `networkOf` makes a network: it chooses input and output, names the nodes, and guesses layout and preprocessing.
import { EXIT, nearest, UserError } from '../errors.ts';
import { sizeOf, type Shape, type Tensor } from '../kernels/kernels.ts';
import { ancestorsOf } from '../network/forward.ts';
import {
  parameterCountOf,
  type InputLayout,
  type Lookup,
  type Network,
  type Node,
  type NodeId,
  type Preprocessing,
  type UnsupportedNode,
} from '../network/network.ts';
import { layerName, nameClaims } from '../network/names.ts';
import { opOf } from '../ops/index.ts';

/** What the user may say about a model before it is read. */
export interface LoadOptions {
  /** The input to explain, by name; the first one by default. */
  readonly input?: string | undefined;
  /** The output to explain, by name (any value of the graph will do); the first one by default. */
  readonly output?: string | undefined;
  /** The explained input's shape with its batch of 1, or the shapes of several inputs by name. */
  readonly inputShape?: Shape | Readonly<Record<string, Shape>> | undefined;
}

/** A node before its final name is known. */
export interface GraphNode extends Omit<Node, 'name'> {
  /** As the file calls the node. */
  readonly nodeName: string;
  /** The name of its weight tensor, where it has one. */
  readonly weightName?: string | undefined;
}

/** A file as a graph of our nodes. */
export interface Graph {
  readonly file: string;
  readonly name: string;
  readonly format: Network['format'];
  readonly sha256: string;
  /** In an order in which each follows its inputs. */
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly NodeId[];
  /** The input to explain: one of the inputs, or the rows that it looks up. */
  readonly input: NodeId;
  readonly lookup?: Lookup | undefined;
  readonly outputs: readonly NodeId[];
  readonly unsupported: readonly UnsupportedNode[];
  /** Values that cannot be computed, because they depend on an unsupported node. */
  readonly unknown: ReadonlySet<NodeId>;
  /** The format's names of what is supported, for errors. */
  readonly supported: readonly string[];
  readonly layout?: InputLayout | undefined;
  readonly preprocessing?: Preprocessing | undefined;
  readonly classNames?: readonly string[] | undefined;
  readonly notes: readonly string[];
}

/** A node to add; its shape follows from its op. */
export interface Draft {
  readonly op: string;
  readonly inputs: readonly NodeId[];
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
  readonly parameters?: Readonly<Record<string, Tensor | undefined>> | undefined;
  readonly weightName?: string | undefined;
}

export interface GraphBuilder {
  readonly nodes: readonly GraphNode[];
  has(id: NodeId): boolean;
  shapeOf(id: NodeId): Shape;
  addInput(id: NodeId, shape: Shape): NodeId;
  addConstant(id: NodeId, value: Tensor, name?: string): NodeId;
  /** Adds a node under this id and the file's name for it. Throws UserError where inputs or weights do not fit. */
  add(id: NodeId, nodeName: string, draft: Draft): NodeId;
  /** An id that is still free. */
  freeId(wanted: string): NodeId;
}

/** Collects the nodes of the model file called `file`. */
export function graphBuilder(file: string): GraphBuilder {
  const nodes: GraphNode[] = [];
  const shapes = new Map<NodeId, Shape>();
  const push = (node: GraphNode): NodeId => {
    if (shapes.has(node.id)) throw new UserError(`${file} makes the value "${node.id}" twice.`);
    checkShape(node, file);
    nodes.push(node);
    shapes.set(node.id, node.shape);
    return node.id;
  };
  const shapeOf = (id: NodeId): Shape => {
    const shape = shapes.get(id);
    if (!shape) throw new UserError(`${file} uses the value "${id}" before anything makes it.`);
    return shape;
  };
  return {
    nodes,
    has: (id) => shapes.has(id),
    shapeOf,
    addInput: (id, shape) => push({ id, op: 'input', inputs: [], attributes: {}, parameters: {}, shape, nodeName: id }),
    addConstant(id, value, name) {
      checkFinite(value, name ?? id, file);
      const parameters = { value };
      return push({
        id,
        op: 'constant',
        inputs: [],
        attributes: {},
        parameters,
        shape: value.shape,
        nodeName: name ?? id,
      });
    },
    add(id, nodeName, { op, inputs, attributes = {}, parameters: given = {}, weightName }) {
      const parameters = Object.fromEntries(
        Object.entries(given).filter((entry): entry is [string, Tensor] => entry[1] !== undefined),
      );
      for (const [key, value] of Object.entries(parameters))
        checkFinite(value, weightName ?? `${nodeName}: ${key}`, file);
      let shape: Shape;
      try {
        shape = opOf(op).shape({ attributes, parameters, inputShapes: inputs.map(shapeOf) });
      } catch (cause) {
        if (!(cause instanceof UserError)) throw cause;
        throw new UserError(`Node "${nodeName}" in ${file}: ${withoutStop(cause.message)}.`, {
          hint:
            cause.hint ??
            'The file contradicts itself, or it was made for another input shape: give one with --input-shape.',
          cause,
        });
      }
      const node = { id, op, inputs, attributes, parameters, shape, nodeName, weightName };
      checkSizes(node, file);
      return push(node);
    },
    freeId(wanted) {
      let id = wanted;
      for (let i = 2; shapes.has(id); i++) id = `${wanted} ${i}`;
      return id;
    },
  };
}

const withoutStop = (sentence: string): string => sentence.replace(/\.$/, '');

/** More numbers than a value of one sample can have here. */
const mostNumbers = 2 ** 31;

function checkShape({ nodeName, shape }: GraphNode, file: string): void {
  const possible = shape.every((n) => Number.isSafeInteger(n) && n > 0) && sizeOf(shape) < mostNumbers;
  if (possible) return;
  const what = shape.includes(0) ? 'an empty value' : 'an impossible value';
  throw new UserError(`Node "${nodeName}" in ${file} has ${what}: its shape is [${shape.join(', ')}].`);
}

/** How many entries each parameter of these ops has. */
const entriesOf: Readonly<Record<string, (shape: Shape) => number | undefined>> = {
  conv: (shape) => shape[1],
  'conv-transpose': (shape) => shape[1],
  dense: (shape) => shape.at(-1),
  'batch-norm': (shape) => shape[1],
  'instance-norm': (shape) => shape[1],
  'group-norm': (shape) => shape[1],
};

/** Where a bias or a scale has another size than its layer, arithmetic would spread or cut it silently. */
function checkSizes({ op, parameters, shape, nodeName, attributes }: GraphNode, file: string): void {
  const onOtherAxis = (attributes['axis'] ?? 1) !== 1;
  if (!Object.hasOwn(entriesOf, op) || onOtherAxis) return;
  const wanted = entriesOf[op]!(shape);
  for (const [key, value] of Object.entries(parameters)) {
    if (key === 'weight' || value.data.length === wanted) continue;
    throw new UserError(
      `Node "${nodeName}" in ${file}: its ${key} has ${value.data.length} entries for ${wanted} channels.`,
    );
  }
}

function checkFinite({ data }: Tensor, name: string, file: string): void {
  for (let i = 0; i < data.length; i++) {
    // The difference of a number with itself is 0 unless it is NaN or infinite.
    if (data[i]! - data[i]! !== 0) {
      throw new UserError(`Tensor "${name}" in ${file} is not finite: entry ${i} is ${data[i]}.`, {
        hint: 'Training diverged, or the file is damaged: export the model again.',
      });
    }
  }
}

/** The chosen of several names; throws UserError with the nearest one where there is no such name. */
export function chooseName(what: string, wanted: string | undefined, names: readonly string[], file: string): string {
  if (wanted === undefined || names.includes(wanted)) return wanted ?? names[0]!;
  const near = nearest(wanted, names);
  const listed = names
    .slice(0, 20)
    .map((name) => `"${name}"`)
    .join(', ');
  throw new UserError(`${file} has no ${what} "${wanted}".`, {
    exitCode: EXIT.usage,
    hint: near === undefined ? `It has ${listed}.` : `Did you mean "${near}"?`,
  });
}

/** The shape that the user gives for an input, if any. */
export function givenShape({ inputShape }: LoadOptions, input: string, explained: boolean): Shape | undefined {
  if (inputShape === undefined) return undefined;
  if (Array.isArray(inputShape)) return explained ? inputShape : undefined;
  return Object.hasOwn(inputShape, input) ? (inputShape as Readonly<Record<string, Shape>>)[input] : undefined;
}

/** One line naming every unsupported node, and what is supported. */
export function unsupportedError({ unsupported, supported, file }: Graph): UserError {
  const groups = new Map<string, string[]>();
  for (const { op, node, reason } of unsupported) {
    const key = `"${op}"${reason === undefined ? '' : ` (${reason})`}`;
    groups.set(key, [...(groups.get(key) ?? []), `"${node}"`]);
  }
  const parts = [...groups].map(([op, nodes]) => {
    const rest = nodes.length - 5;
    const named = `${nodes.slice(0, 5).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
    return `${op} at ${nodes.length === 1 ? 'node' : 'nodes'} ${named}`;
  });
  const list = [...supported].sort().join(', ');
  return new UserError(
    `Unsupported ${groups.size === 1 ? 'op' : 'ops'} ${parts.join('; ')} in ${file}. Supported: ${list}.`,
    {
      hint: 'Choose an output that does not depend on it with --output, or export the model without it.',
    },
  );
}

/**
 * The network of a graph, not yet in its normal form. Throws UserError where the explained output is unknown, depends on
 * what is unsupported, or does not depend on the explained input.
 */
export function networkOf(graph: Graph, { output: wanted }: LoadOptions = {}): Network {
  const { file, input, unknown } = graph;
  const known = graph.nodes.map((node) => node.id);
  if (graph.outputs.length === 0 && wanted === undefined) throw new UserError(`${file} has no outputs.`);
  const everything = [...graph.outputs, ...known, ...unknown];
  const output = chooseName('output', wanted, everything, file);
  if (unknown.has(output)) throw unsupportedError(graph);
  const otherOutputs = graph.outputs.filter((id) => id !== output && !unknown.has(id));
  const lost = graph.outputs.filter((id) => id !== output && unknown.has(id));
  const reached = ancestorsOf(graph.nodes, [output, ...otherOutputs]);
  if (!ancestorsOf(reached, [output]).some((node) => node.id === input)) {
    throw new UserError(`The output "${output}" of ${file} does not depend on its input "${input}".`, {
      exitCode: EXIT.usage,
      hint: `Choose with --input and --output. Inputs: ${graph.inputs.join(', ')}. Outputs: ${graph.outputs.join(', ')}.`,
    });
  }
  const kept = new Set(reached.map((node) => node.id));
  const { lookup } = graph;
  if (lookup && kept.has(lookup.input)) {
    throw new UserError(
      `The input "${lookup.input}" of ${file} names rows of a table and is used otherwise too: nothing is linear in a choice.`,
      { hint: 'Export the model from the rows on.' },
    );
  }
  const nodes = named(graph.nodes.filter((node) => kept.has(node.id)));
  const outputShape = nodes.find((node) => node.id === output)!.shape;
  const inputShape = nodes.find((node) => node.id === input)!.shape;
  const layout = graph.layout ?? layoutOf(inputShape);
  const classes = graph.classNames;
  return {
    name: graph.name,
    format: graph.format,
    sha256: graph.sha256,
    nodes,
    input,
    ...(lookup && { lookup }),
    otherInputs: graph.inputs.filter((id) => id !== input && kept.has(id)),
    output,
    otherOutputs,
    stripped: null,
    layout,
    preprocessing: graph.preprocessing ?? assumedPreprocessing(layout, inputShape),
    classNames: classes && classes.length === sizeOf(outputShape) ? classes : null,
    parameterCount: parameterCountOf(nodes),
    notes: [
      ...graph.notes,
      ...(lookup ? [lookupNote(lookup)] : []),
      ...lost.map((id) => `The output "${id}" is left out: it depends on an op that is not supported.`),
    ],
  };
}

const lookupNote = ({ input, table }: Lookup): string =>
  `The input "${input}" names rows of a table of ${table.shape.join(' × ')} numbers; nothing is linear in a choice, so the rows are the explained input.`;

/** Nodes under their final names: those with weights choose first (conventions.md, Names). */
function named(nodes: readonly GraphNode[]): Node[] {
  const claim = nameClaims();
  const names = new Map<NodeId, string>();
  for (const { id, weightName, nodeName } of nodes) {
    if (weightName !== undefined) names.set(id, claim(layerName(weightName) ?? nodeName));
  }
  for (const { id, weightName, nodeName } of nodes) if (weightName === undefined) names.set(id, claim(nodeName));
  return nodes.map(({ nodeName: _nodeName, weightName: _weightName, ...node }) => ({
    ...node,
    name: names.get(node.id)!,
  }));
}

/** How an input of this shape is laid out, as far as its sizes tell. */
export function layoutOf(shape: Shape): InputLayout {
  const none = { channelAxis: null, heightAxis: null, widthAxis: null };
  const [, a = 0, b = 0, c = 0] = shape;
  const few = (n: number): boolean => n === 1 || n === 3 || n === 4;
  if (shape.length === 4 && few(c) && !few(a)) return { kind: 'image', channelAxis: 3, heightAxis: 1, widthAxis: 2 };
  if (shape.length === 4) return { kind: 'image', channelAxis: 1, heightAxis: 2, widthAxis: 3 };
  if (shape.length === 3 && b === 3) return { ...none, kind: 'points', channelAxis: 2 };
  if (shape.length === 3 && a === b && a > 4) return { kind: 'image', channelAxis: null, heightAxis: 1, widthAxis: 2 };
  if (shape.length === 3) return { ...none, kind: 'signal', channelAxis: 1, widthAxis: 2 };
  return { ...none, kind: 'vector' };
}

/** Sequences [1, time, features]; square ones stay pictures. */
export function sequenceLayout(shape: Shape): InputLayout {
  const layout = layoutOf(shape);
  if (shape.length !== 3 || layout.kind === 'image') return layout;
  return { kind: 'signal', channelAxis: 2, heightAxis: null, widthAxis: 1 };
}

/** Pixels of 0 to 255 scaled to [0, 1]; other numbers as they are. */
export function assumedPreprocessing(layout: InputLayout, shape: Shape): Preprocessing {
  const channels = layout.kind === 'image' && layout.channelAxis !== null ? shape[layout.channelAxis]! : 1;
  const isImage = layout.kind === 'image';
  return {
    scale: isImage ? 1 / 255 : 1,
    mean: Array.from({ length: channels }, () => 0),
    std: Array.from({ length: channels }, () => 1),
    channelOrder: isImage && channels >= 3 ? 'rgb' : 'grey',
    size: isImage ? [shape[layout.heightAxis!]!, shape[layout.widthAxis!]!] : null,
    source: 'assumed',
  };
}
