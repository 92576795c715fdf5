// Numbers -> PNG files, one pixel a number (pages enlarge them without smoothing). Heat maps diverge about zero; photos are
// grey or colour in [0, 1]. The same numbers give the same bytes.
import sharp from 'sharp';
import { colourOf, NO_VALUE } from './colour-map.ts';

export interface Png {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Largest magnitude, the value that gets the full colour; 0 for a map that is zero throughout. */
export function limitOf(values: ArrayLike<number>): number {
  let limit = 0;
  for (let i = 0; i < values.length; i++) limit = Math.max(limit, Math.abs(values[i]!));
  return limit;
}

/**
 * A heat map of row-major values [height, width]; `limit` (the largest magnitude unless given) gets the full colour, so
 * that zero is always the middle. Missing values at the end are drawn grey. `enlarge` repeats every pixel.
 */
export async function heatmapPng(
  values: ArrayLike<number>,
  height: number,
  width: number,
  { limit = limitOf(values), enlarge = 1 }: { limit?: number; enlarge?: number } = {},
): Promise<Png> {
  const pixels = new Uint8Array(height * width * 3);
  for (let p = 0; p < height * width; p++)
    pixels.set(p < values.length ? colourOf(limit > 0 ? values[p]! / limit : 0) : NO_VALUE, 3 * p);
  return encode(pixels, height, width, 3, enlarge);
}

/** A photo of values in [0, 1] (clipped), [height, width] grey or [height, width, 3] red, green, blue. */
export async function photoPng(
  values: ArrayLike<number>,
  shape: readonly number[],
  { enlarge = 1 }: { enlarge?: number } = {},
): Promise<Png> {
  const [height, width, channels = 1] = shape as [number, number, number?];
  if ((channels !== 1 && channels !== 3) || values.length !== height * width * channels) {
    throw new Error(`photoPng: ${values.length} values of shape ${shape.join(' × ')}`);
  }
  const pixels = Uint8Array.from({ length: values.length }, (_, i) =>
    Math.round(255 * Math.min(1, Math.max(0, values[i]!))),
  );
  return encode(pixels, height, width, channels, enlarge);
}

async function encode(
  pixels: Uint8Array,
  height: number,
  width: number,
  channels: 1 | 3,
  enlarge: number,
): Promise<Png> {
  let image = sharp(pixels, { raw: { height, width, channels } });
  if (enlarge > 1) image = image.resize(width * enlarge, height * enlarge, { kernel: 'nearest' });
  if (channels === 1) image = image.toColourspace('b-w');
  const png = await image
    .png({ compressionLevel: 9, adaptiveFiltering: false, palette: false, progressive: false })
    .toBuffer();
  return { png: new Uint8Array(png), height: height * enlarge, width: width * enlarge };
}

/** Longest vector that is drawn as one row. */
const LONGEST_STRIP = 64;
/** How far from square a grid without empty places may be. */
const MOST_OBLONG = 4;

/**
 * How a vector without a layout is drawn: one row up to 64 numbers; else the most square grid that it fills, or, where
 * that would be a long band, a square whose last places stay empty.
 */
export function gridOf(size: number): { height: number; width: number } {
  if (size <= LONGEST_STRIP) return { height: 1, width: size };
  let height = Math.floor(Math.sqrt(size));
  while (size % height !== 0) height--;
  if (size / height <= MOST_OBLONG * height) return { height, width: size / height };
  const width = Math.ceil(Math.sqrt(size));
  return { height: Math.ceil(size / width), width };
}
