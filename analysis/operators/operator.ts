// A linear map as a value: what the SVD sees, whatever stands behind it.
import type { Backend, Shape } from '../kernels/kernels.ts';

/** `count` vectors, one a row, row-major. */
export interface Block {
  readonly count: number;
  readonly size: number;
  readonly data: Float32Array;
}

export interface LinearOperator {
  readonly domain: Shape;
  readonly codomain: Shape;
  /** What computes the products, where that is a backend: an SVD lets it multiply the vectors it keeps, too. */
  readonly backend?: Backend;
  /** A x for every row x of the block. */
  apply(block: Block): Promise<Block>;
  /** Aᵀ y for every row y of the block. */
  transpose(block: Block): Promise<Block>;
}

/** network(x0) = apply(x0) + offset, exact at x0. */
export interface AffineMap extends LinearOperator {
  readonly offset: Float32Array;
}
