// What tests of trained networks in files share: a network's outputs with the final activation that loading took off put back.
import { sizeOf, type Backend, type Shape, type Tensor } from '../../analysis/kernels/kernels.ts';
import { compileForward } from '../../analysis/network/forward.ts';
import { nodeOf, type Network } from '../../analysis/network/network.ts';

/** A batch [n, …shape] as the samples of a network, whose shapes keep a batch of 1. */
export const asSamples = ({ data, shape }: Tensor): Tensor => ({ data, shape: [shape[0]!, 1, ...shape.slice(1)] });

/** The explained output of n samples, one row a sample, as the file means it. `inputs` are batches by name. */
export async function fileOutputs(
  network: Network,
  backend: Backend,
  inputs: Readonly<Record<string, Tensor>>,
): Promise<{ data: Float32Array; shape: Shape }> {
  const forward = await compileForward(network, backend, [network.output]);
  const fed = Object.fromEntries(network.otherInputs.map((id) => [id, asSamples(inputs[id]!)]));
  const [block] = await forward.run(asSamples(inputs[network.input]!), fed);
  forward.dispose();
  const data = Float32Array.from(block!.data);
  const { shape } = nodeOf(network, network.output);
  if (network.stripped === 'sigmoid') return { data: data.map((x) => 1 / (1 + Math.exp(-x))), shape };
  if (network.stripped === 'softmax') {
    const size = sizeOf(shape);
    for (let row = 0; row < data.length; row += size) {
      const part = data.subarray(row, row + size);
      const most = Math.max(...part);
      const total = part.reduce((sum, x) => sum + Math.exp(x - most), 0);
      part.forEach((x, i) => (part[i] = Math.exp(x - most) / total));
    }
  }
  return { data, shape };
}

/** Largest difference, relative to the size of what is expected. */
export function relativeDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Infinity;
  let [difference, size] = [0, 1e-3];
  for (let i = 0; i < found.length; i++) {
    difference = Math.max(difference, Math.abs(found[i]! - expected[i]!));
    size = Math.max(size, Math.abs(expected[i]!));
  }
  return difference / size;
}
