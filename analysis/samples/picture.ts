// Raw samples as pictures for a person, whatever range their numbers have.
import { pointCloud } from '../figures/point-cloud.ts';
import type { Tensor } from '../kernels/kernels.ts';
import { channelsLast, imageAxes } from './pixels.ts';
import type { SampleSource } from './source.ts';

/** A picture for a person: [height, width] or [height, width, 3] in [0, 1]. */
export interface SamplePicture extends Tensor {
  /** What is drawn, in the samples' own numbers: pixel bytes over 255, other numbers as they are. */
  readonly numbers: Float32Array;
}

/** Samples whose range of values is looked at to show arrays of numbers as pictures. */
const LOOKED_AT = 64;
/** Numbers between this and 255 are taken for pixels: below half of their range hardly any set of pictures stays. */
const LIKE_PIXELS = 127;

/**
 * Pictures of raw images: bytes over 255; other numbers as they are when within [0, 1], from [−1, 1] and, where the largest
 * is above 127, [0, 255] by those ranges, else from the least to the largest of the first 64 samples.
 */
export function pictures(source: SampleSource): (i: number) => Promise<SamplePicture | null> {
  if (source.kind === 'points') {
    return async (i) => {
      const drawn = pointCloud(await source.read(i, i + 1), null);
      return { ...drawn, numbers: drawn.data };
    };
  }
  const axes = imageAxes(source.shape);
  if (source.kind !== 'image' || !axes) return () => Promise.resolve(null);
  let range: Promise<readonly [number, number]> | undefined;
  const rangeOf = async (): Promise<readonly [number, number]> => {
    if (source.pixels) return [0, 255];
    let [least, largest] = [Infinity, -Infinity];
    for (const value of await source.read(0, Math.min(LOOKED_AT, source.count)))
      [least, largest] = [Math.min(least, value), Math.max(largest, value)];
    if (least >= 0 && largest <= 1) return [0, 1];
    if (least >= -1 && largest <= 1) return [-1, 1];
    return least >= 0 && largest > LIKE_PIXELS && largest <= 255 ? [0, 255] : [least, largest];
  };
  return async (i) => {
    const [least, largest] = await (range ??= rangeOf());
    const values = channelsLast(await source.read(i, i + 1), axes);
    const { height, width, channels } = axes;
    // Of four channels the last is transparency.
    const drawn =
      channels === 4
        ? Float32Array.from({ length: height * width * 3 }, (_, j) => values[Math.floor(j / 3) * 4 + (j % 3)]!)
        : values;
    const data = drawn.map((value) => Math.min(1, Math.max(0, (value - least) / (largest - least || 1))));
    return {
      data,
      numbers: source.pixels ? data : drawn,
      shape: channels === 1 ? [height, width] : [height, width, 3],
    };
  };
}
