// Pictures made of gradients: one row of the Taylor map, at one input or at many side by side. Integrated gradients
// (Sundararajan, Taly and Yan 2017, eq. 1), SmoothGrad (Smilkov et al. 2017), Grad-CAM (Selvaraju et al. 2017).
import type { Tensor } from '../kernels/kernels.ts';
import { sizeOf } from '../kernels/kernels.ts';
import type { Layer } from '../network/layers.ts';
import { nodeOf, type NodeId } from '../network/network.ts';
import { opOf } from '../ops/index.ts';
import type { Random } from '../random.ts';
import type { ExplainedNetwork } from './explained-network.ts';

/** Mean of the gradients of an output at `count` inputs, written one at a time; sums in float64. */
async function meanGradient(
  explained: ExplainedNetwork,
  inputShape: readonly number[],
  output: number,
  count: number,
  write: (index: number, target: Float32Array) => void,
): Promise<Float64Array> {
  const size = sizeOf(inputShape);
  const sum = new Float64Array(size);
  // Blocks of one size only: a map over n inputs takes blocks of n rows.
  const step = explained.blockSize(32);
  for (let start = 0; start < count; start += step) {
    const rows = Math.min(step, count - start);
    const data = new Float32Array(rows * size);
    for (let i = 0; i < rows; i++) write(start + i, data.subarray(i * size, (i + 1) * size));
    const map = await explained.mapAt({ data, shape: [rows, ...inputShape] }, { mode: 'taylor' });
    const outputs = sizeOf(map.codomain);
    const units = new Float32Array(rows * outputs);
    for (let i = 0; i < rows; i++) units[i * outputs + output] = 1;
    const gradients = (await map.transpose({ count: rows, size: outputs, data: units })).data;
    for (let i = 0; i < gradients.length; i++) sum[i % size]! += gradients[i]!;
  }
  return sum.map((x) => x / count);
}

/** ∂y_output/∂x at x [1, …shape]. */
export async function gradient(explained: ExplainedNetwork, x: Tensor, output: number): Promise<Float32Array> {
  return Float32Array.from(
    await meanGradient(explained, x.shape.slice(1), output, 1, (_, target) => target.set(x.data)),
  );
}

/**
 * (x − x′) ∘ mean of the gradients on the way from the baseline x′ = 0 to x, at the midpoints of `steps` equal parts. Adds up to
 * y(x) − y(x′) as the parts grow many.
 */
export async function integratedGradients(
  explained: ExplainedNetwork,
  x: Tensor,
  output: number,
  steps: number,
): Promise<Float32Array> {
  const mean = await meanGradient(explained, x.shape.slice(1), output, steps, (step, target) => {
    for (let i = 0; i < target.length; i++) target[i] = ((step + 0.5) / steps) * x.data[i]!;
  });
  return Float32Array.from(mean, (g, i) => g * x.data[i]!);
}

/** Mean gradient at `copies` of x with normal noise, its standard deviation a share of the input's range. */
export async function smoothGrad(
  explained: ExplainedNetwork,
  x: Tensor,
  output: number,
  { copies, noise, random }: { copies: number; noise: number; random: Random },
): Promise<Float32Array> {
  let [low, high] = [Infinity, -Infinity];
  for (const value of x.data) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const deviation = noise * (high - low);
  const mean = await meanGradient(explained, x.shape.slice(1), output, copies, (_, target) => {
    const draws = random.normals(target.length);
    for (let i = 0; i < target.length; i++) target[i] = x.data[i]! + deviation * draws[i]!;
  });
  return Float32Array.from(mean);
}

/** The value that Grad-CAM reads: behind the activation function of the last layer whose activity has spatial axes; null where none has. */
export function gradCamNode({ network, layers }: Pick<ExplainedNetwork, 'network' | 'layers'>): NodeId | null {
  const isSpatial = ({ activity }: Layer): boolean =>
    nodeOf(network, activity).shape.length === 4 && sizeOf(nodeOf(network, activity).shape.slice(2)) > 1;
  const layer = layers.findLast((one) => isSpatial(one) && one.activity !== network.output);
  if (!layer) return null;
  const after = network.nodes.find(({ op, inputs }) => inputs.includes(layer.activity) && opOf(op).activation === true);
  return after?.id ?? layer.activity;
}

/**
 * max(0, Σ_k w_k A_k) with w_k = mean over positions of ∂y/∂A_k, spread over the input's height and width by linear interpolation
 * between the centres of the positions; one number a pixel, row-major.
 */
export async function gradCam(
  explained: ExplainedNetwork,
  x: Tensor,
  output: number,
  node: NodeId,
  { height, width }: { height: number; width: number },
): Promise<Float32Array> {
  const map = await explained.mapAt(x, { from: node, mode: 'taylor' });
  const outputs = sizeOf(map.codomain);
  const unit = new Float32Array(outputs);
  unit[output] = 1;
  const slopes = (await map.transpose({ count: 1, size: outputs, data: unit })).data;
  const [, channels, rows, columns] = nodeOf(explained.network, node).shape as [number, number, number, number];
  const positions = rows * columns;
  const small = new Float64Array(positions);
  for (let c = 0; c < channels; c++) {
    let weight = 0;
    for (let p = 0; p < positions; p++) weight += slopes[c * positions + p]!;
    for (let p = 0; p < positions; p++) small[p]! += (weight / positions) * map.at[c * positions + p]!;
  }
  return enlarge(
    small.map((value) => Math.max(0, value)),
    rows,
    columns,
    height,
    width,
  );
}

/** Linear interpolation between pixel centres, edges held. */
function enlarge(small: Float64Array, rows: number, columns: number, height: number, width: number): Float32Array {
  const large = new Float32Array(height * width);
  const place = (i: number, from: number, to: number): [number, number, number] => {
    const at = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    const low = Math.floor(at);
    return [low, Math.min(low + 1, from - 1), at - low];
  };
  for (let y = 0; y < height; y++) {
    const [top, bottom, dy] = place(y, rows, height);
    for (let x = 0; x < width; x++) {
      const [left, right, dx] = place(x, columns, width);
      const above = small[top * columns + left]! * (1 - dx) + small[top * columns + right]! * dx;
      const below = small[bottom * columns + left]! * (1 - dx) + small[bottom * columns + right]! * dx;
      large[y * width + x] = above * (1 - dy) + below * dy;
    }
  }
  return large;
}
