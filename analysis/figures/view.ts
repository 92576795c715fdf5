// How a vector of a network's input or output space is laid out for a person: which of its numbers is which pixel.
import type { Shape } from '../kernels/kernels.ts';
import { sizeOf } from '../kernels/kernels.ts';
import type { InputLayout } from '../network/network.ts';

export interface View {
  readonly kind: InputLayout['kind'];
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** A vector in the network's order as height × width × channels. */
  arrange(vector: Float32Array): Float32Array;
}

/** The view of an image tensor whose shape has one channel, one height and one width axis (others of size 1). */
function imageView(shape: Shape, channelAxis: number | null, heightAxis: number, widthAxis: number): View {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const [height, width] = [shape[heightAxis]!, shape[widthAxis]!];
  const channels = channelAxis === null ? 1 : shape[channelAxis]!;
  const channelStride = channelAxis === null ? 0 : strides[channelAxis]!;
  return {
    kind: 'image',
    height,
    width,
    channels,
    arrange(vector) {
      const pixels = new Float32Array(height * width * channels);
      let i = 0;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          for (let c = 0; c < channels; c++)
            pixels[i++] = vector[y * strides[heightAxis]! + x * strides[widthAxis]! + c * channelStride]!;
        }
      }
      return pixels;
    },
  };
}

/** The view of a network's input. Flat inputs take the layout of the raw samples where the sizes agree (784 = 28 × 28). */
export function inputView(shape: Shape, layout: InputLayout, rawShape: Shape): View {
  if (layout.kind === 'image' && layout.heightAxis !== null && layout.widthAxis !== null) {
    return imageView(shape, layout.channelAxis, layout.heightAxis, layout.widthAxis);
  }
  const size = sizeOf(shape);
  if (
    layout.kind === 'vector' &&
    rawShape.length >= 2 &&
    sizeOf(rawShape) === size &&
    rawShape[0]! > 3 &&
    rawShape[1]! > 3
  ) {
    const [height, width, channels = 1] = rawShape as [number, number, number?];
    return { kind: 'image', height, width, channels, arrange: (vector) => Float32Array.from(vector) };
  }
  if (layout.kind === 'points') {
    return { kind: 'points', height: size / 3, width: 3, channels: 1, arrange: (vector) => Float32Array.from(vector) };
  }
  if (layout.kind === 'signal' && shape.length === 3) {
    const [, height, width] = shape as [number, number, number];
    return { kind: 'signal', height, width, channels: 1, arrange: (vector) => Float32Array.from(vector) };
  }
  return { kind: layout.kind, height: 1, width: size, channels: 1, arrange: (vector) => Float32Array.from(vector) };
}

/** The view of a network's output: an image where it has height and width, the input's view where it is as large, else a list. */
export function outputView(shape: Shape, input: View): View {
  const size = sizeOf(shape);
  if (shape.length === 4) {
    const [, first, second, last] = shape as [number, number, number, number];
    if (isChannelsLast(first, second, last, input)) return imageView(shape, 3, 1, 2);
    if (second > 1 && last > 1) return imageView(shape, 1, 2, 3);
  }
  if (shape.length === 3 && shape[1]! > 1 && shape[2]! > 1 && input.kind === 'image')
    return imageView(shape, null, 1, 2);
  if (size > 1 && size === input.height * input.width * input.channels && input.kind !== 'vector') return input;
  return { kind: 'vector', height: 1, width: size, channels: 1, arrange: (vector) => Float32Array.from(vector) };
}

/** Whether [1, a, b, c] is height × width × channels: by the input's proportions where one reading has them, else by size. */
function isChannelsLast(a: number, b: number, c: number, { kind, height, width }: View): boolean {
  if (a === 1 || b === 1) return false;
  const proportional = (h: number, w: number): boolean => kind === 'image' && h * width === w * height;
  const [asLast, asFirst] = [proportional(a, b), proportional(b, c)];
  return asLast === asFirst ? c === 1 || (c <= 4 && a > 4) : asLast;
}
