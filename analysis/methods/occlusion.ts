// Occlusion (Zeiler and Fergus 2014): how much the output falls when a window of the input is taken away.
import type { Tensor } from '../kernels/kernels.ts';
import { outputsAt, type ExplainedNetwork } from './explained-network.ts';
import type { Pixels } from './pixels.ts';

/** y(x) − y(x without the window), at every pixel of each window; windows tile the input, `windows` along each side, and hold 0. */
export async function occlusion(
  explained: ExplainedNetwork,
  x: Tensor,
  output: number,
  pixels: Pixels,
  windows: number,
): Promise<Float32Array> {
  const across = (size: number): number =>
    Math.ceil(size / Math.min(size, size === pixels.count ? windows * windows : windows));
  const [tall, wide] = [across(pixels.height), across(pixels.width)];
  const columns = Math.ceil(pixels.width / wide);
  const count = Math.ceil(pixels.height / tall) * columns;
  const windowOf = Int32Array.from({ length: pixels.count }, (_, pixel) => {
    const [row, column] = [Math.floor(pixel / pixels.width), pixel % pixels.width];
    return Math.floor(row / tall) * columns + Math.floor(column / wide);
  });
  // One more input than windows: the last one is whole.
  const values = await outputsAt(explained, count + 1, x.shape.slice(1), (window, target) => {
    for (let i = 0; i < target.length; i++) target[i] = windowOf[pixels.of[i]!] === window ? 0 : x.data[i]!;
  });
  const outputs = values.length / (count + 1);
  const whole = values[count * outputs + output]!;
  return pixels.spread(Float64Array.from(windowOf, (window) => whole - values[window * outputs + output]!));
}
