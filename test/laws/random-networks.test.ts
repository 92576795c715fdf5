import { describe, expect, it } from 'vitest';
import { chooseBackend } from '../../analysis/kernels/choose.ts';
import { sizeOf, type Backend, type BackendId } from '../../analysis/kernels/kernels.ts';
import { compileMap, pathBetween, type LocatedMap } from '../../analysis/network/affine-map.ts';
import { compileForward } from '../../analysis/network/forward.ts';
import type { Layer } from '../../analysis/network/layers.ts';
import { nodeOf, type Network, type NodeId } from '../../analysis/network/network.ts';
import type { Block } from '../../analysis/operators/operator.ts';
import { opOf, supportedOps } from '../../analysis/ops/index.ts';
import type { Mode } from '../../analysis/ops/op.ts';
import { random } from '../../analysis/random.ts';
import { blocks, deckOf, randomNetwork, type Grown } from './random-network.ts';

const modes: readonly Mode[] = ['taylor', 'frozen'];

const drawAny = deckOf(blocks, 1);
const drawSmooth = deckOf(
  blocks.filter(({ kinked }) => !kinked),
  2,
);
const any = Array.from({ length: 70 }, (_, i) => randomNetwork(i, drawAny));
const smooth = Array.from({ length: 30 }, (_, i) => randomNetwork(1000 + i, drawSmooth));
const all = [...any, ...smooth];

/** Two layers that share the nodes, so that offsets are told apart. */
function layersOf({ nodes }: Network): Layer[] {
  return [0, 1].map((index) => ({
    name: String(index),
    index,
    op: '',
    node: '',
    activity: '',
    output: '',
    nodes: nodes.flatMap(({ id }, i) => (i % 2 === index ? [id] : [])),
    inputShape: [],
    outputShape: [],
    parameterCount: 0,
  }));
}

interface Scene {
  readonly backend: Backend;
  readonly network: Network;
  readonly from: NodeId;
  readonly mode: Mode;
}

/** The map at a few samples, each alone and all together, for `check`. */
async function withMaps(
  { backend, network, from, mode }: Scene,
  samples: number,
  check: (maps: { alone: LocatedMap; together: LocatedMap | null }) => Promise<void>,
): Promise<void> {
  const { shape } = nodeOf(network, network.input);
  const data = random(5, network.name).normals(samples * sizeOf(shape));
  const compiled = await compileMap(network, layersOf(network), backend, { from, to: network.output, mode }, () => 2);
  try {
    const first = { data: data.subarray(0, sizeOf(shape)), shape: [1, ...shape] };
    const alone = await compiled.locate(first, {});
    const together = samples > 1 ? await compiled.locate({ data, shape: [samples, ...shape] }, {}) : null;
    await check({ alone, together });
  } finally {
    compiled.dispose();
  }
}

function probes(count: number, size: number, stream: string): Block {
  return { count, size, data: random(9, stream).normals(count * size) };
}

const rowOf = ({ data, size }: Block, i: number): Float32Array => data.subarray(i * size, (i + 1) * size);

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const norm = (a: ArrayLike<number>): number => Math.sqrt(dot(a, a));
const largest = (a: ArrayLike<number>): number => Array.from(a).reduce((max, x) => Math.max(max, Math.abs(x)), 0);

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return largest(Array.from(a, (x, i) => x - b[i]!)) / Math.max(largest(a), largest(b), 1e-6);
}

/** Completeness and adjointness; and that offsets by layer add up, where asked. */
async function checkLaws(map: LocatedMap, label: string, { byLayer = false } = {}): Promise<void> {
  const [n, m] = [sizeOf(map.domain), sizeOf(map.codomain)];
  const { data: product } = await map.apply({ count: 1, size: n, data: map.at });
  const completed = product.map((x, i) => x + map.offset[i]!);
  expect(distance(completed, map.value), `completeness of ${label}`).toBeLessThan(1e-4);

  const [u, v] = [probes(3, n, `${label} u`), probes(3, m, `${label} v`)];
  const [au, atv] = [await map.apply(u), await map.transpose(v)];
  for (let i = 0; i < 3; i++) {
    const [left, right] = [dot(rowOf(au, i), rowOf(v, i)), dot(rowOf(u, i), rowOf(atv, i))];
    const scale = norm(rowOf(au, i)) * norm(rowOf(v, i)) + norm(rowOf(u, i)) * norm(rowOf(atv, i)) + 1e-30;
    expect(Math.abs(left - right) / scale, `adjointness of ${label}`).toBeLessThan(1e-4);
  }

  if (!byLayer) return;
  const shares = await map.offsetByLayer(v);
  for (let i = 0; i < 3; i++) {
    const [share, other] = shares.subarray(2 * i, 2 * i + 2);
    const total = dot(rowOf(v, i), map.offset);
    const scale = Math.abs(share!) + Math.abs(other!) + norm(rowOf(v, i)) * norm(map.offset) + 1e-6;
    expect(Math.abs(share! + other! - total) / scale, `offsets by layer of ${label}`).toBeLessThan(1e-4);
  }
}

const label = ({ network, blocks: names }: Grown, mode: Mode): string =>
  `${network.name}, ${mode}: ${names.join(' → ')}`;

describe('a hundred random networks', { timeout: 300_000 }, () => {
  it('hold every op', () => {
    const used = new Set(all.flatMap(({ network }) => network.nodes.map(({ op }) => op)));
    expect(supportedOps.filter((op) => !used.has(op))).toEqual([]);
    expect(all).toHaveLength(100);
  });

  for (const mode of modes) {
    it(`${mode}: are complete, adjoint, and the sum of their layers' offsets`, async () => {
      const backend = await chooseBackend('onnxruntime');
      for (const [i, grown] of all.entries()) {
        const { network } = grown;
        await withMaps({ backend, network, from: network.input, mode }, 1, ({ alone }) =>
          checkLaws(alone, label(grown, mode), { byLayer: i % 5 === 0 }),
        );
      }
    });
  }

  it('obey the same laws from a node in the middle, past which branches run', async () => {
    const backend = await chooseBackend('onnxruntime');
    for (const [i, grown] of any.slice(0, 16).entries()) {
      const { network, joints } = grown;
      const inner = network.nodes.filter(({ op, id }) => op === 'conv' && !joints.includes(id)).at(0)?.id;
      const from = inner ?? joints[0]!;
      const mode = modes[i % 2]!;
      await withMaps({ backend, network, from, mode }, 1, ({ alone }) =>
        checkLaws(alone, `${label(grown, mode)} from ${from}`),
      );
    }
  });

  it('give row i of samples taken together what sample i gives alone', async () => {
    const backend = await chooseBackend('onnxruntime');
    for (const [i, grown] of all.filter((_, n) => n % 8 === 0).entries()) {
      const { network } = grown;
      const mode = modes[i % 2]!;
      await withMaps({ backend, network, from: network.input, mode }, 3, async ({ alone, together }) => {
        const [n, m] = [sizeOf(alone.domain), sizeOf(alone.codomain)];
        const [u, v] = [probes(3, n, 'u'), probes(3, m, 'v')];
        const name = label(grown, mode);
        const [au, atv] = [await together!.apply(u), await together!.transpose(v)];
        const first = (block: Block): Block => ({ ...block, count: 1, data: rowOf(block, 0) });
        expect(distance(rowOf(au, 0), (await alone.apply(first(u))).data), name).toBeLessThan(1e-4);
        expect(distance(rowOf(atv, 0), (await alone.transpose(first(v))).data), name).toBeLessThan(1e-4);
        expect(together!.offset).toHaveLength(3 * m);
        expect(distance(together!.offset.subarray(0, m), alone.offset), name).toBeLessThan(1e-4);
        const completed = (await together!.apply({ count: 3, size: n, data: together!.at })).data.map(
          (x, at) => x + together!.offset[at]!,
        );
        expect(distance(completed, together!.value), name).toBeLessThan(1e-4);
      });
    }
  });

  // The offset of a linear branch is one for all samples, that of an active branch one a sample; concat wants equal blocks.
  it('let a linear branch meet an active one side by side, over samples taken together', async () => {
    const backend = await chooseBackend('onnxruntime');
    const side = blocks.find(({ name }) => name === 'concat, one branch linear')!;
    const { network } = randomNetwork(3, () => side);
    await withMaps({ backend, network, from: network.input, mode: 'taylor' }, 3, async ({ together }) => {
      const { data } = await together!.apply({ count: 3, size: sizeOf(together!.domain), data: together!.at });
      const completed = data.map((x, at) => x + together!.offset[at]!);
      expect(distance(completed, together!.value)).toBeLessThan(1e-4);
    });
  });

  it('have one map in both modes where they are piecewise linear', async () => {
    const backend = await chooseBackend('onnxruntime');
    let compared = 0;
    for (const grown of any) {
      const { network } = grown;
      const to = piecewiseLinearPart(grown);
      if (!to || compared === 12) continue;
      compared += 1;
      const part = { ...network, output: to };
      const products: Float32Array[] = [];
      for (const mode of modes) {
        await withMaps({ backend, network: part, from: part.input, mode }, 1, async ({ alone }) => {
          products.push((await alone.apply(probes(2, sizeOf(alone.domain), 'u'))).data, alone.offset);
        });
      }
      expect(distance(products[0]!, products[2]!), label(grown, 'frozen')).toBeLessThan(1e-6);
      expect(distance(products[1]!, products[3]!), label(grown, 'frozen')).toBeLessThan(1e-6);
    }
    expect(compared).toBe(12);
  });

  it('agree with finite differences where they are smooth', async () => {
    const backend = await chooseBackend('onnxruntime');
    for (const grown of smooth) {
      const { network } = grown;
      await withMaps({ backend, network, from: network.input, mode: 'taylor' }, 1, async ({ alone }) => {
        const direction = probes(1, sizeOf(alone.domain), `${network.name} direction`);
        const expected = (await alone.apply(direction)).data;
        const measured = await difference(backend, network, alone.at, direction.data);
        expect(distance(measured, expected), label(grown, 'taylor')).toBeLessThan(5e-3);
      });
    }
  });

  for (const id of ['wasm', 'cpu'] satisfies BackendId[]) {
    it(`obey the laws on ${id}, whose products agree with those of onnxruntime`, async () => {
      const backend = await chooseBackend(id);
      const reference = await chooseBackend('onnxruntime');
      const before = backend.liveTensors();
      for (const [i, grown] of all.filter((_, n) => n % 10 === (id === 'wasm' ? 0 : 5)).entries()) {
        const { network } = grown;
        const mode = modes[i % 2]!;
        const results: Float32Array[][] = [];
        for (const each of [backend, reference]) {
          await withMaps({ backend: each, network, from: network.input, mode }, 1, async ({ alone }) => {
            await checkLaws(alone, label(grown, mode));
            const [u, v] = [probes(3, sizeOf(alone.domain), 'u'), probes(3, sizeOf(alone.codomain), 'v')];
            results.push([(await alone.apply(u)).data, (await alone.transpose(v)).data, alone.offset, alone.value]);
          });
        }
        results[0]!.forEach((data, at) => {
          expect(distance(data, results[1]![at]!), label(grown, mode)).toBeLessThan(1e-3);
        });
      }
      // programs are disposed of in the next turn
      await new Promise((resolve) => setTimeout(resolve));
      expect(backend.liveTensors()).toBe(before);
    });
  }
});

/** The last joint that only linear and piecewise linear ops lead to, if there is one behind an op with a kink. */
function piecewiseLinearPart({ network, joints }: Grown): NodeId | undefined {
  return joints.findLast((to) => {
    const kinds = pathBetween(network, network.input, to).map(({ op }) => opOf(op).kind);
    return kinds.every((kind) => kind.endsWith('linear')) && kinds.includes('piecewise linear');
  });
}

/** Central differences of the network along a direction, extrapolated from two steps. */
async function difference(
  backend: Backend,
  network: Network,
  at: Float32Array,
  direction: Float32Array,
): Promise<Float32Array> {
  const forward = await compileForward(network, backend, [network.output]);
  const { shape } = nodeOf(network, network.input);
  const steps = [0.02, -0.02, 0.01, -0.01];
  const data = Float32Array.from(steps.flatMap((step) => Array.from(at, (x, i) => x + step * direction[i]!)));
  const [values] = await forward.run({ data, shape: [4, ...shape] });
  forward.dispose();
  const [far, back, near, nearBack] = [0, 1, 2, 3].map((i) => values!.data.subarray(3 * i, 3 * i + 3)) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  return far.map((_, i) => (4 * ((near[i]! - nearBack[i]!) / 0.02) - (far[i]! - back[i]!) / 0.04) / 3);
}
