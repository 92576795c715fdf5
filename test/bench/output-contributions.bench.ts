// Fifty leading components at the last convolution of SqueezeNet (the largest classifier with convolutions in ../shared/models):
// our block Krylov over compiled products against scipy's svds over PyTorch's jvp and vjp, at equal residual.
// Aim: three times faster. Skipped without ../shared; the rival is skipped where PyTorch or scipy is missing.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { loadNetwork } from '../../analysis/formats/index.ts';
import { chooseBackend } from '../../analysis/kernels/choose.ts';
import { sizeOf, type Tensor } from '../../analysis/kernels/kernels.ts';
import { compileMap, pathBetween } from '../../analysis/network/affine-map.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import type { Network, NodeId } from '../../analysis/network/network.ts';
import { random } from '../../analysis/random.ts';
import { truncatedSvd } from '../../analysis/svd/truncated-svd.ts';

const MODEL = path.resolve(import.meta.dirname, '../../../shared/models/squeezenet-v1.0-imagenet/squeezenet1.0.onnx');
const COUNT = 50;
const TOLERANCE = 1e-4;

interface Rival {
  readonly torch: string;
  readonly seconds: number;
  readonly products: number;
  readonly residual: number;
  readonly values: number[];
  readonly distance: number;
}

/** What the rival needs: the nodes up to `to`, weights, the input and our value there. */
async function writeNetwork(folder: string, network: Network, to: NodeId, at: Tensor, value: Tensor): Promise<void> {
  let files = 0;
  const put = async ({ data, shape }: Tensor): Promise<object> => {
    const file = `${files++}.f32`;
    await writeFile(path.join(folder, file), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return { file, shape };
  };
  const nodes = [];
  for (const { id, op, inputs, attributes, parameters } of pathBetween(network, network.input, to)) {
    const written: Record<string, object> = {};
    for (const [name, tensor] of Object.entries(parameters)) written[name] = await put(tensor);
    nodes.push({ id, op, inputs, attributes, parameters: written });
  }
  const described = { input: network.input, output: to, nodes, at: await put(at), value: await put(value) };
  await writeFile(path.join(folder, 'network.json'), JSON.stringify(described));
}

test.skipIf(!existsSync(MODEL))('fifty components at the last convolution, at equal residual', async () => {
  const network = await loadNetwork(MODEL, {});
  const layers = layersOf(network);
  const to = layers.findLast(({ op }) => op === 'conv')!.output;
  const backend = await chooseBackend('onnxruntime');
  const scope = { from: network.input, to, mode: 'taylor' } as const;
  const compiled = await compileMap(network, layers, backend, scope, () => 16);
  const shape = [1, ...compiled.domain];
  const at = {
    data: random(1, 'picture')
      .normals(sizeOf(shape))
      .map((x) => 60 * x),
    shape,
  };
  const map = await compiled.locate(at, {});
  // Compiles the programs, as any run of more than one sample has done.
  await truncatedSvd(map, { count: 1, tolerance: 1, maxApplications: 8 });
  const start = performance.now();
  const located = await compiled.locate(at, {});
  const svd = await truncatedSvd(located, { count: COUNT, tolerance: TOLERANCE, random: random(0, 'bench') });
  const seconds = (performance.now() - start) / 1000;
  const residual = Math.max(...svd.residuals);
  console.log(
    `ours: ${seconds.toFixed(1)} s, ${svd.applications} products, largest residual ${residual.toExponential(1)}, peak memory ${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GiB`,
  );
  expect(svd.converged).toBe(COUNT);

  const folder = await mkdtemp(path.join(tmpdir(), 'eigenlens-bench-'));
  await writeNetwork(
    folder,
    network,
    to,
    { data: at.data, shape: compiled.domain },
    { data: located.value, shape: compiled.codomain },
  );
  compiled.dispose();
  await backend.dispose();
  const script = path.join(import.meta.dirname, 'rivals', 'svds-autograd.py');
  const run = spawnSync('python3', [script, folder, String(COUNT), String(TOLERANCE)], { encoding: 'utf8' });
  await rm(folder, { recursive: true });
  if (run.status !== 0) {
    console.log(`rival skipped: ${run.stderr.trim().split('\n').at(-1)}`);
    return;
  }
  const rival = JSON.parse(run.stdout) as Rival;
  console.log(
    `svds over PyTorch ${rival.torch}: ${rival.seconds.toFixed(1)} s, ${rival.products} products, largest residual ${rival.residual.toExponential(1)}; ratio ${(rival.seconds / seconds).toFixed(2)}`,
  );
  expect(rival.distance).toBeLessThan(1e-4);
  for (const [k, value] of rival.values.entries())
    expect(Math.abs(value - svd.singularValues[k]!)).toBeLessThan(1e-3 * rival.values[0]!);
  expect(rival.seconds / seconds).toBeGreaterThan(1);
});
