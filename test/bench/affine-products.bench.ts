// A block of 16 products Aᵀ·Y and A·X through a network at one input: our compiled graph (ONNX Runtime) against wasm and,
// where PyTorch is installed, against its autograd (backward only, and forward mode). Claimed: not slower than PyTorch's
// backward pass, five times wasm.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { chooseBackend } from '../../analysis/kernels/choose.ts';
import { sizeOf, type BackendId, type Shape, type Tensor } from '../../analysis/kernels/kernels.ts';
import { compileMap } from '../../analysis/network/affine-map.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import type { Network, Node } from '../../analysis/network/network.ts';
import { opOf } from '../../analysis/ops/index.ts';
import { random } from '../../analysis/random.ts';

const PROBES = 16;
const RUNS = 8;
const draw = random(0, 'affine products');

function build(
  input: Shape,
  add: (put: (op: string, attributes?: object, parameters?: Record<string, Shape>) => void, shape: () => Shape) => void,
): Network {
  const nodes: Node[] = [{ id: 'x', op: 'input', inputs: [], attributes: {}, parameters: {}, shape: input, name: 'x' }];
  const last = (): Node => nodes.at(-1)!;
  add(
    (op, attributes = {}, shapes = {}) => {
      const parameters: Record<string, Tensor> = Object.fromEntries(
        Object.entries(shapes).map(([name, shape]) => [
          name,
          { shape, data: draw.normals(sizeOf(shape)).map((w) => w / Math.sqrt(sizeOf(shape.slice(1)) || 1)) },
        ]),
      );
      const node = { attributes: attributes as Record<string, unknown>, parameters, inputShapes: [last().shape] };
      const id = `${op}${nodes.length}`;
      nodes.push({
        id,
        op,
        inputs: [last().id],
        attributes: node.attributes,
        parameters,
        shape: opOf(op).shape(node),
        name: id,
      });
    },
    () => last().shape,
  );
  return {
    name: 'bench',
    format: 'onnx',
    sha256: '',
    nodes,
    input: 'x',
    otherInputs: [],
    output: last().id,
    otherOutputs: [],
    stripped: null,
    layout: { kind: 'image', channelAxis: 1, heightAxis: 2, widthAxis: 3 },
    preprocessing: { scale: 1, mean: [0], std: [1], channelOrder: 'rgb', size: null, source: 'assumed' },
    classNames: null,
    parameterCount: 0,
    notes: [],
  };
}

const same = (pad: number): object => ({ strides: [1, 1], dilations: [1, 1], pads: [pad, pad, pad, pad], groups: 1 });
const pool = { kernel: [2, 2], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0], ceilMode: false };

const networks: Record<string, () => Network> = {
  two: () =>
    build([1, 1, 28, 28], (put, shape) => {
      for (const [from, to] of [
        [1, 32],
        [32, 64],
      ] as const) {
        put('conv', same(2), { weight: [to, from, 5, 5], bias: [to] });
        put('relu');
        put('max-pool', pool);
      }
      put('reshape', { shape: [1, sizeOf(shape())] });
      put('dense', {}, { weight: [256, 64 * 49], bias: [256] });
      put('relu');
      put('dense', {}, { weight: [10, 256], bias: [10] });
    }),
  eight: () =>
    build([1, 3, 64, 64], (put, shape) => {
      let channels = 3;
      for (const width of [32, 64, 128, 128]) {
        for (let i = 0; i < 2; i++) {
          put('conv', same(1), { weight: [width, channels, 3, 3], bias: [width] });
          put('relu');
          channels = width;
        }
        put('max-pool', pool);
      }
      put('reshape', { shape: [1, sizeOf(shape())] });
      put('dense', {}, { weight: [10, 128 * 16], bias: [10] });
    }),
};

async function shortest(run: () => Promise<unknown>, runs = RUNS): Promise<number> {
  await run();
  let best = Infinity;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

async function products(id: BackendId, network: Network, runs: number): Promise<{ apply: number; transpose: number }> {
  const backend = await chooseBackend(id);
  const compiled = await compileMap(
    network,
    layersOf(network),
    backend,
    { from: network.input, to: network.output, mode: 'taylor' },
    () => 64,
  );
  const [n, m] = [sizeOf(compiled.domain), sizeOf(compiled.codomain)];
  const map = await compiled.locate({ data: draw.normals(n), shape: [1, ...compiled.domain] }, {});
  const x = { count: PROBES, size: n, data: draw.normals(PROBES * n) };
  const y = { count: PROBES, size: m, data: draw.normals(PROBES * m) };
  const times = {
    apply: await shortest(() => map.apply(x), runs),
    transpose: await shortest(() => map.transpose(y), runs),
  };
  compiled.dispose();
  await backend.dispose();
  return times;
}

test.each(Object.keys(networks))('%s convolutions: 16 products each way', async (name) => {
  const network = networks[name]!();
  const ours = await products('onnxruntime', network, RUNS);
  const wasm = await products('wasm', network, 3);
  const script = path.join(import.meta.dirname, 'rivals', 'autograd-products.py');
  const rival = spawnSync('python3', [script, name], { encoding: 'utf8' });
  const torch =
    rival.status === 0 ? (JSON.parse(rival.stdout) as { torch: string; apply: number; transpose: number }) : null;
  if (!torch) console.log('PyTorch is not installed: skipped as a rival');
  for (const side of ['transpose', 'apply'] as const) {
    const line = [
      `${name}, ${side === 'apply' ? 'A·X' : 'Aᵀ·Y'}: onnxruntime ${ours[side].toFixed(1)} ms`,
      `wasm ${wasm[side].toFixed(1)} ms (ratio ${(wasm[side] / ours[side]).toFixed(2)})`,
    ];
    if (torch)
      line.push(`PyTorch ${torch.torch} ${torch[side].toFixed(1)} ms (ratio ${(torch[side] / ours[side]).toFixed(2)})`);
    console.log(line.join(', '));
  }
  expect(wasm.transpose / ours.transpose).toBeGreaterThan(2);
});
