// Layers as methods.md, section 0 defines them: a node with weights, plus the activation, normalisation and pooling that
// follow it up to the next node with weights. Every node belongs to one layer; the activity is the value before the activation.
import type { NodeId } from './network.ts';
import type { Shape } from '../kernels/kernels.ts';

export interface Layer {
  /** As users know it: `conv1`, `features/0`; a second use gets `#2`. */
  readonly name: string;
  /** Position in the network, from 0. */
  readonly index: number;
  /** The op of the node with weights. */
  readonly op: string;
  /** The node with weights. */
  readonly node: NodeId;
  /** Value before the activation function (after normalisation where one stands between). */
  readonly activity: NodeId;
  /** Value after activation and pooling: a split at this layer means this node. */
  readonly output: NodeId;
  /** All its nodes, in order. */
  readonly nodes: readonly NodeId[];
  /** Of one sample, without the batch dimension. */
  readonly inputShape: Shape;
  readonly outputShape: Shape;
  readonly parameterCount: number;
}
