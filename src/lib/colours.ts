// The colour map of the heat maps as gradient stops, for the colour bars of the pages.
import { colourOf, hexOf } from '../../analysis/figures/colour-map.ts';

/** Offset from 0 (most negative) to 1 (most positive), and the colour there. */
export const COLOUR_STOPS: readonly (readonly [offset: number, colour: string])[] = [
  -1, -0.75, -0.5, -0.25, -0.1, 0, 0.1, 0.25, 0.5, 0.75, 1,
].map((value) => [(value + 1) / 2, hexOf(colourOf(value))]);
