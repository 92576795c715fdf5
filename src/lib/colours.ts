// The diverging colour map of the heat maps (figures/colour-map.ts) as gradient stops; a test holds the two together.

/** Offset from 0 (most negative) to 1 (most positive), and the colour there. */
export const COLOUR_STOPS: readonly (readonly [offset: number, colour: string])[] = [
  [0, '#235898'],
  [0.125, '#4a7fc2'],
  [0.25, '#78a8e5'],
  [0.375, '#b5d1f6'],
  [0.45, '#ddeafa'],
  [0.5, '#fafafa'],
  [0.55, '#f7e4d9'],
  [0.625, '#f0c5ab'],
  [0.75, '#d99267'],
  [0.875, '#b46734'],
  [1, '#894101'],
];
