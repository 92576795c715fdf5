// What the conversion of a Keras layer is given: one use of the layer in its model.
import type { View, ViewBuilder } from './axis-order.ts';
import type { Dialect } from './keras-activations.ts';
import type { Settings } from './keras-settings.ts';
import type { FoundWeight } from './keras-weights.ts';

/** One use of a layer, as its conversion sees it. */
export interface LayerUse {
  readonly g: ViewBuilder;
  readonly dialect: Dialect;
  /** The layer's class. */
  readonly kind: string;
  /** The id of the result; steps before it get longer ones. */
  readonly id: string;
  readonly name: string;
  readonly settings: Settings;
  readonly inputs: readonly View[];
  /** An argument of the call, by position or by name: a value (one of the inputs), or what the file says; undefined where it is absent. */
  argument(position: number, name: string): unknown;
  /** A weight that must be there, by one of its names. `index` counts the weights of the layer (or of its part) in Keras' order. */
  weight(names: string | readonly string[], index: number, part?: string | readonly string[]): FoundWeight;
  /** The rows of a table that the layer's input names; refuses the layer where that is not the explained input itself. */
  rows(table: FoundWeight): View;
  /** What surrounds another layer (a wrapper) gives its use. */
  inner(config: unknown, inputs: readonly View[], id: string, part: string): View;
}

export type LayerConversion = (c: LayerUse) => View;
