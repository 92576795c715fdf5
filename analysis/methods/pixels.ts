// Which numbers of an input belong together for a person: the channels of a pixel, the coordinates of a point, or each number
// alone. Pictures that remove or show parts of an input do so pixel by pixel.
import type { View } from '../figures/view.ts';

export interface Pixels {
  readonly height: number;
  readonly width: number;
  readonly count: number;
  /** Per entry of the input vector: its pixel. */
  readonly of: Int32Array;
  /** A number a pixel, spread over its entries. */
  spread(perPixel: ArrayLike<number>): Float32Array;
  /** The sum of a picture's entries in each pixel. */
  gather(picture: ArrayLike<number>): Float64Array;
}

/** The pixels of an input of `size` numbers laid out as `view`. */
export function pixelsOf(view: View, size: number): Pixels {
  const [height, width, entries] =
    view.kind === 'points' ? [view.height, 1, view.width] : [view.height, view.width, view.channels];
  const order = view.arrange(Float32Array.from({ length: size }, (_, i) => i));
  const of = new Int32Array(size);
  for (let i = 0; i < size; i++) of[order[i]!] = Math.floor(i / entries);
  const count = height * width;
  return {
    height,
    width,
    count,
    of,
    spread: (perPixel) => Float32Array.from(of, (pixel) => perPixel[pixel]!),
    gather(picture) {
      const sums = new Float64Array(count);
      for (let i = 0; i < size; i++) sums[of[i]!]! += picture[i]!;
      return sums;
    },
  };
}
