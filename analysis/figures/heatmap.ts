// Numbers -> PNG files, one pixel a number (pages enlarge them without smoothing). Heat maps diverge about zero; photos are
// grey or colour. The same numbers give the same bytes.
import sharp from 'sharp';
import { colourOf, NO_VALUE } from './colour-map.ts';

export interface Png {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Sizes of row-major numbers: height × width × channels. */
export interface Extent {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Largest magnitude, the value that gets the full colour; 0 for a map that is zero throughout. */
export function limitOf(values: ArrayLike<number>): number {
  let limit = 0;
  for (let i = 0; i < values.length; i++) limit = Math.max(limit, Math.abs(values[i]!));
  return limit;
}

/**
 * A heat map of numbers with one channel; `limit` (the largest magnitude unless given) gets the full colour, so that
 * zero is always the middle. One long row is folded into a grid (see `gridOf`). `enlarge` repeats every pixel.
 */
export async function heatMapPng(
  values: ArrayLike<number>,
  extent: Extent,
  { limit = limitOf(values), enlarge = 1 }: { limit?: number; enlarge?: number } = {},
): Promise<Png> {
  check('heatMapPng', values, extent, [1]);
  const { height, width } = folded(extent);
  const pixels = new Uint8Array(height * width * 3);
  for (let p = 0; p < height * width; p++) {
    pixels.set(p < values.length ? colourOf(limit > 0 ? values[p]! / limit : 0) : NO_VALUE, 3 * p);
  }
  return encode(pixels, { height, width, channels: 3 }, enlarge);
}

/**
 * A photo of grey (1 channel) or red, green and blue (3 channels). Numbers in [0, 1] are shown as they are; where some
 * lie outside, all are stretched from the least to the largest.
 */
export async function photoPng(
  values: ArrayLike<number>,
  extent: Extent,
  { enlarge = 1 }: { enlarge?: number } = {},
): Promise<Png> {
  check('photoPng', values, extent, [1, 3]);
  let [least, largest] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    least = Math.min(least, values[i]!);
    largest = Math.max(largest, values[i]!);
  }
  if (least >= 0 && largest <= 1) [least, largest] = [0, 1];
  const { height, width, channels } = folded(extent);
  const pixels = new Uint8Array(height * width * channels).fill(NO_VALUE[0]);
  const range = largest - least || 1;
  for (let i = 0; i < values.length; i++) pixels[i] = Math.round((255 * (values[i]! - least)) / range);
  return encode(pixels, { height, width, channels }, enlarge);
}

function check(name: string, values: ArrayLike<number>, extent: Extent, allowed: readonly number[]): void {
  const { height, width, channels } = extent;
  if (values.length !== height * width * channels || !allowed.includes(channels)) {
    throw new Error(`${name}: ${values.length} values for ${height} × ${width} × ${channels}`);
  }
}

async function encode(pixels: Uint8Array, { height, width, channels }: Extent, enlarge: number): Promise<Png> {
  let image = sharp(pixels, { raw: { height, width, channels: channels as 1 | 3 } });
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
 * that would be a long band, a square whose last places stay empty (grey).
 */
export function gridOf(size: number): { height: number; width: number } {
  if (size <= LONGEST_STRIP) return { height: 1, width: size };
  let height = Math.floor(Math.sqrt(size));
  while (size % height !== 0) height--;
  if (size / height <= MOST_OBLONG * height) return { height, width: size / height };
  const width = Math.ceil(Math.sqrt(size));
  return { height: Math.ceil(size / width), width };
}

const folded = (extent: Extent): Extent =>
  extent.height === 1 && extent.channels === 1 ? { ...gridOf(extent.width), channels: 1 } : extent;
