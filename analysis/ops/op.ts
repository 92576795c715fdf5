// What an op is: how it runs, and which affine map it becomes at an input (methods.md, section 0). Each op is written
// once, against kernels only; its file name is its id.
import type { Kernels, Shape, Tensor, Value } from '../kernels/kernels.ts';

/** Taylor: derivatives (SLP, SpecXAI). Frozen: gates, statistics and slopes σ(z)/z held fixed (ALLT, LI). */
export type Mode = 'taylor' | 'frozen';

/** A node as its op sees it. Shapes are those of one sample, so the Value of a node of shape S is [B or 1, …S]. */
export interface OpNode<Attributes = Record<string, unknown>> {
  readonly attributes: Attributes;
  /** Constant tensors that belong to the node: weight, bias, scale, … */
  readonly parameters: Readonly<Record<string, Tensor>>;
  readonly inputShapes: readonly Shape[];
  readonly shape: Shape;
}

/** node(x) = apply(x) + offset near the captured inputs, exact at them. */
export interface Linearisation {
  /** dx[i] is null where input i does not depend on the map's domain. At least one is not null. */
  apply(dx: readonly (Value | null)[]): Value;
  /** One cotangent per input; null where nothing flows. Entries of inputs that do not depend on the domain are ignored. */
  transpose(dy: Value): (Value | null)[];
  /** The node's own constant, [1, …S]; absent means zero. Includes what inputs that do not depend on the domain add. */
  offset?: Value;
}

export type OpKind = 'linear' | 'piecewise linear' | 'smooth' | 'normalisation' | 'product';

export interface Op<Attributes = any> {
  readonly id: string;
  /** How it is interpreted, shown by `inspect`. */
  readonly kind: OpKind;
  /** True for what belongs behind a layer's activity: activation functions. */
  readonly activation?: boolean;
  /** Shape of the output for one sample; throws UserError when the inputs do not fit. */
  shape(node: Omit<OpNode<Attributes>, 'shape'>): Shape;
  forward(k: Kernels, inputs: readonly Value[], node: OpNode<Attributes>): Value;
  /**
   * The affine map at captured inputs (leading dimension 1). `dependent[i]` says whether input i depends on the domain.
   */
  linearise(
    k: Kernels,
    inputs: readonly Value[],
    output: Value,
    node: OpNode<Attributes>,
    mode: Mode,
    dependent: readonly boolean[],
  ): Linearisation;
  /** What `linearise` reads of the captured values: 'nothing' for constant linear maps, so that nothing is kept for them. */
  readonly captures: 'nothing' | 'inputs' | 'inputs and output';
  /** Multiply-adds of one forward pass of one sample. */
  multiplyAdds?(node: OpNode<Attributes>): number;
}
