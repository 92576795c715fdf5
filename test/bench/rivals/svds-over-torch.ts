// The rival of the SVD benches: the same network in PyTorch, from the weights that the tool read, and scipy's svds over its
// jvp and vjp, in a process of its own.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Tensor } from '../../../analysis/kernels/kernels.ts';
import { pathBetween } from '../../../analysis/network/affine-map.ts';
import type { Network, NodeId } from '../../../analysis/network/network.ts';

interface Rival {
  readonly torch: string;
  readonly seconds: number;
  readonly products: number;
  /** The largest one, relative to the first value. */
  readonly residual: number;
  readonly values: number[];
  /** Between its forward pass and ours, relative. */
  readonly distance: number;
}

interface RivalTask {
  readonly network: Network;
  readonly to: NodeId;
  /** The input, and our value of `to` there. */
  readonly at: Tensor;
  readonly value: Tensor;
  readonly count: number;
  readonly tolerance: number;
}

/** The rival's triplets from the input to `to`, ratios of smooth activations frozen; null, saying why, where Python lacks something. */
export async function svdsOverTorch({ count, tolerance, ...task }: RivalTask): Promise<Rival | null> {
  const folder = await mkdtemp(path.join(tmpdir(), 'eigenlens-bench-'));
  await writeNetwork(folder, task);
  const script = path.join(import.meta.dirname, 'svds-autograd.py');
  const run = spawnSync('python3', [script, folder, String(count), String(tolerance)], { encoding: 'utf8' });
  await rm(folder, { recursive: true });
  if (run.status === 0) return JSON.parse(run.stdout) as Rival;
  console.log(`rival skipped: ${run.stderr.trim().split('\n').at(-1)}`);
  return null;
}

/** The nodes up to `to`, weights, the input and our value there. */
async function writeNetwork(
  folder: string,
  { network, to, at, value }: Omit<RivalTask, 'count' | 'tolerance'>,
): Promise<void> {
  let files = 0;
  const put = async ({ data, shape }: Tensor): Promise<object> => {
    const file = `${files++}.f32`;
    await writeFile(path.join(folder, file), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return { file, shape };
  };
  const onPath = new Set(pathBetween(network, network.input, to));
  const nodes = [];
  for (const node of network.nodes) {
    if (!onPath.has(node) && node.op !== 'constant') continue;
    const { id, op, inputs, attributes, parameters } = node;
    const written: Record<string, object> = {};
    for (const [name, tensor] of Object.entries(parameters)) written[name] = await put(tensor);
    nodes.push({ id, op, inputs, attributes, parameters: written });
  }
  const described = { input: network.input, output: to, nodes, at: await put(at), value: await put(value) };
  await writeFile(path.join(folder, 'network.json'), JSON.stringify(described));
}
