// What a method is given: the network, the samples, the settings, and the work that several methods share, done once.
import type { Backend, Tensor } from './kernels/kernels.ts';
import type { Layer } from './network/layers.ts';
import type { Network, NodeId } from './network/network.ts';
import type { AffineMap } from './operators/operator.ts';
import type { Mode } from './ops/op.ts';
import type { Random } from './random.ts';
import type { Samples } from './samples.ts';
import type { Settings } from './settings.ts';
import type { Image } from '../reports/format.ts';

export interface Scope {
  /** Defaults to the explained input. */
  from?: NodeId;
  /** Defaults to the explained output. */
  to?: NodeId;
  mode: Mode;
}

/** An affine map of part of the network at a sample, with what the methods need beyond products. */
export interface SampleMap extends AffineMap {
  /** The value at `from` (x0) and at `to` (b(x0)). */
  readonly at: Float32Array;
  readonly value: Float32Array;
  /** |A x0 + r − b(x0)| / max(|b(x0)|, tiny). */
  completeness(): Promise<number>;
  /** |⟨A u, v⟩ − ⟨u, Aᵀ v⟩| relative, for random u, v. */
  adjointness(): Promise<number>;
  /**
   * Splits the offset by layer: for every row y of the block, ⟨y, Q_l b̂_l⟩ for every layer l, in the order of `layers`.
   * count × layers, row-major; a row sums to ⟨y, r⟩.
   */
  offsetByLayer(block: import('./operators/operator.ts').Block): Promise<Float64Array>;
}

export interface Picture {
  /** Row-major numbers, [height, width] or [height, width, channels]. */
  readonly values: Float32Array;
  readonly shape: readonly number[];
  /** 'map': diverging about zero (one number a pixel); 'photo': grey or colour in [0, 1]. */
  readonly kind: 'map' | 'photo';
  readonly alt: string;
}

export interface Study {
  readonly network: Network;
  readonly layers: readonly Layer[];
  readonly samples: Samples;
  readonly settings: Settings;
  readonly backend: Backend;
  /** Indices of the samples that get their own pictures and pages. */
  readonly detailed: readonly number[];
  /** Explained output (logits) of every sample, samples × outputs; null when there are too many outputs to keep. */
  readonly outputs: Tensor | null;
  /** Predicted class per sample, or null for networks that are not classifiers. */
  readonly predictions: Int32Array | null;
  random(stream: string): Random;
  /** The network's input of samples start … end−1, preprocessed: [end − start, …input shape]. */
  inputs(start: number, end: number): Promise<Tensor>;
  /** Values of nodes for samples start … end−1, each [end − start, …shape]; other inputs are fed. */
  values(nodes: readonly NodeId[], start: number, end: number): Promise<Tensor[]>;
  map(sample: number, scope: Scope): Promise<SampleMap>;
  /** Writes a picture and its numbers, named by content. */
  picture(picture: Picture): Promise<Image>;
  /** How many probes fit one pass through the network within the memory budget, at most `wanted`. */
  blockSize(wanted: number): number;
  /** A line for a person; shown above the progress bar. */
  note(line: string): void;
  /** Throws when the run was interrupted; long loops call it between blocks. */
  checkpoint(): void;
}
