// What is read of an HDF5 file, and how: plain values, so that they can pass between threads.
import type { Shape } from '../kernels/kernels.ts';

export interface Hdf5Contents {
  /** Text attributes of the file itself. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly datasets: readonly { readonly path: string; readonly shape: Shape; readonly data: Float32Array }[];
  /** The attribute `name` of groups that have one, by path. */
  readonly names: Readonly<Record<string, string>>;
}

/** What the reading thread is given and what it answers. */
export interface Hdf5Order {
  readonly bytes: Uint8Array;
  /** Top-level groups that are left out. */
  readonly skip: readonly string[];
}
export type Hdf5Answer = { readonly contents: Hdf5Contents } | { readonly problem: string };
