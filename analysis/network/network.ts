// A network: nodes in topological order, each with one output, and what is known of its inputs and outputs.
// Formats make it, canonical.ts brings it into its normal form, and everything else only reads it.
import { sizeOf, type Shape, type Tensor } from '../kernels/kernels.ts';

export type NodeId = string;

/**
 * One operation. `op` is a key of the op registry, or `input` or `constant` (whose one parameter is `value`). Shapes are those of one sample, with the
 * model's own batch dimension fixed to 1 and kept (an image is [1, C, H, W]); axes in attributes refer to that shape.
 * Convolutions and pooling are channels-first; a channels-last format adds transposes.
 */
export interface Node {
  readonly id: NodeId;
  readonly op: string;
  readonly inputs: readonly NodeId[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly parameters: Readonly<Record<string, Tensor>>;
  readonly shape: Shape;
  /** The name that a user knows it by: from its weights where it has any (conventions.md, Names). Unique. */
  readonly name: string;
}

/** How an input is laid out for a person. */
export interface InputLayout {
  readonly kind: 'image' | 'points' | 'signal' | 'vector';
  /** Axis numbers within the input shape (batch included): null where there is none. */
  readonly channelAxis: number | null;
  readonly heightAxis: number | null;
  readonly widthAxis: number | null;
}

/** How raw samples become inputs: x = (raw · scale − mean) / std per channel, in this channel order and size. */
export interface Preprocessing {
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly channelOrder: 'rgb' | 'bgr' | 'grey';
  readonly size: readonly [height: number, width: number] | null;
  /** Where it comes from, in words: 'given by --preprocess', 'read from the file', 'assumed'. */
  readonly source: string;
}

/**
 * Where a file's input takes whole numbers that name rows of a table (words, categories): nothing is linear in a choice, so
 * the rows are the explained input, and samples of whole numbers are looked up as they are read.
 */
export interface Lookup {
  /** The file's own input. */
  readonly input: string;
  /** Its shape with its batch of 1; the explained input has one axis more, the columns of the table. */
  readonly shape: Shape;
  /** [rows, columns]. */
  readonly table: Tensor;
}

export interface Network {
  readonly name: string;
  readonly format: 'onnx' | 'tfjs-layers' | 'tfjs-graph' | 'keras-h5' | 'keras-v3';
  readonly sha256: string;
  readonly nodes: readonly Node[];
  /** The input that is explained; the others are fed. */
  readonly input: NodeId;
  readonly otherInputs: readonly NodeId[];
  readonly lookup?: Lookup;
  /** The output that is explained (a final softmax or sigmoid already taken off: see `stripped`). */
  readonly output: NodeId;
  readonly otherOutputs: readonly NodeId[];
  /** The activation that was taken off the output, so that logits are explained; null when none was. */
  readonly stripped: 'softmax' | 'sigmoid' | null;
  readonly layout: InputLayout;
  readonly preprocessing: Preprocessing;
  readonly classNames: readonly string[] | null;
  readonly parameterCount: number;
  /** What loading changed or assumed, in sentences for the report. */
  readonly notes: readonly string[];
}

/** The node with this id; an unknown id is a bug. */
export function nodeOf(network: Network, id: NodeId): Node {
  const node = network.nodes.find((n) => n.id === id);
  if (!node) throw new Error(`No node "${id}" in ${network.name}`);
  return node;
}

/**
 * Numbers that a network was given: entries of all weights, a shared one counted once, and of constant tensors with more
 * than one entry.
 */
export function parameterCountOf(nodes: readonly Node[]): number {
  const tensors = new Set<Tensor['data']>();
  let count = 0;
  for (const node of nodes) {
    for (const { data, shape } of Object.values(node.parameters)) {
      if (tensors.has(data) || (node.op === 'constant' && sizeOf(shape) === 1)) continue;
      tensors.add(data);
      count += sizeOf(shape);
    }
  }
  return count;
}

/** A node of a model file that has no counterpart among our ops. */
export interface UnsupportedNode {
  /** As the file calls it. */
  readonly op: string;
  readonly node: string;
  /** Where the op is known and its setting is not. */
  readonly reason?: string | undefined;
}
