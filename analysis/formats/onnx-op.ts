// What the conversion of an ONNX op is given, and what it gives back.
import type { Shape, Tensor } from '../kernels/kernels.ts';
import type { Constant } from '../network/constant-folding.ts';
import type { NodeId } from '../network/network.ts';
import type { Draft } from './graph.ts';

/** A weight and the name that the file gives it. */
export interface Weight {
  readonly tensor: Tensor;
  readonly name: string | undefined;
}

/** A node of the file, as a conversion sees it. */
export interface Importer {
  readonly opset: number;
  /** As the file calls the node. */
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  /** True where the node has input i. */
  has(i: number): boolean;
  /** Input i as a node of ours; a constant becomes one. */
  id(i: number): NodeId;
  shape(i: number): Shape;
  /** Input i where it is known before the network runs. */
  constant(i: number): Constant | undefined;
  /** Input i as a weight; refuses the node where it is computed from the network's input. */
  weight(i: number): Weight;
  /** A setting that is one number. */
  number(key: string, fallback: number): number;
  /** A setting that is a list of numbers; undefined where it is absent. */
  list(key: string): readonly number[] | undefined;
  word(key: string, fallback: string): string;
  /** A setting that is a list of words; undefined where it is absent. */
  words(key: string): readonly string[] | undefined;
  /** The rows of a table (input i) that the explained input (input j) names; refuses the node where that is not what they are. */
  rows(i: number, j: number): NodeId;
  /** Adds a node on the way to the result. */
  step(what: string, draft: Draft): NodeId;
  constantStep(what: string, value: Tensor): NodeId;
  /** Says that this use of the op is not supported. */
  refuse(reason: string): never;
}

/** One draft per output; a single draft stands for the first output. */
type Conversion = (c: Importer) => Draft | readonly Draft[];

export interface OnnxOp {
  /** Names of the settings that inputs carry, by position; null for values. */
  readonly settings?: readonly (string | null)[];
  readonly convert: Conversion;
}
