// Pixels of raw samples: how a shape is a picture, luma, colour from grey, order of channels, resizing by the rule of the
// picture folder.
import sharp from 'sharp';
import type { Shape } from '../kernels/kernels.ts';

/** Luma of ITU-R BT.601 of [pixels, 3] values. */
export function toGrey(rgb: ArrayLike<number>): Float32Array {
  const grey = new Float32Array(rgb.length / 3);
  for (let p = 0; p < grey.length; p++) {
    grey[p] = 0.299 * rgb[3 * p]! + 0.587 * rgb[3 * p + 1]! + 0.114 * rgb[3 * p + 2]!;
  }
  return grey;
}

/** Grey as three equal channels. */
export function toColour(grey: ArrayLike<number>): Float32Array {
  return Float32Array.from({ length: grey.length * 3 }, (_, i) => grey[Math.floor(i / 3)]!);
}

/** Bytes [height, width, channels] scaled to cover the size and cropped at its centre, bilinear with antialiasing. */
export async function resizeBytes(
  values: ArrayLike<number>,
  from: readonly [height: number, width: number],
  to: readonly [height: number, width: number],
  channels: number,
): Promise<Float32Array> {
  const { data, info } = await sharp(Uint8Array.from(values), {
    raw: { height: from[0], width: from[1], channels: channels as 1 | 3 },
  })
    .resize(to[1], to[0], { fit: 'cover', position: 'centre', kernel: 'linear' })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  // A grey picture may come back with three equal channels.
  return Float32Array.from(
    { length: to[0] * to[1] * channels },
    (_, i) => data[channels === 1 ? i * info.channels : i]!,
  );
}

export interface ImageAxes {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly channelsFirst: boolean;
}

/** How a raw shape is a picture: [h, w], [h, w, c] or [c, h, w]. */
export function imageAxes(shape: Shape): ImageAxes | null {
  if (shape.length === 2) return { height: shape[0]!, width: shape[1]!, channels: 1, channelsFirst: false };
  if (shape.length !== 3) return null;
  const [a, b, c] = shape as [number, number, number];
  if ([1, 3, 4].includes(c)) return { height: a, width: b, channels: c, channelsFirst: false };
  return [1, 3].includes(a) ? { height: b, width: c, channels: a, channelsFirst: true } : null;
}

/** Pixels of one picture with channels last. */
export function channelsLast(
  values: Float32Array,
  { height, width, channels, channelsFirst }: ImageAxes,
): Float32Array {
  if (!channelsFirst || channels === 1) return values;
  const area = height * width;
  const result = new Float32Array(values.length);
  for (let p = 0; p < area; p++) {
    for (let c = 0; c < channels; c++) result[p * channels + c] = values[c * area + p]!;
  }
  return result;
}
