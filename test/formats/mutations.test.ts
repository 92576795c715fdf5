// Damaged files of every format of TensorFlow.js and Keras: each ends in a UserError or loads, in bounded time and memory, and
// nothing outside the model's folder is read. MUTATIONS=500 runs the long sweep.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../analysis/errors.ts';
import { loadNetwork } from '../../analysis/formats/index.ts';
import { sizeOf, type Backend } from '../../analysis/kernels/kernels.ts';
import { onnxruntimeBackend } from '../../analysis/kernels/onnxruntime.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import { compileForward } from '../../analysis/network/forward.ts';
import { nodeOf } from '../../analysis/network/network.ts';
import { random, type Random } from '../../analysis/random.ts';
import { writeGraph, whole } from './graph-json.ts';
import {
  h5Of,
  keras3Of,
  kerasConfig,
  kerasConfig3,
  layers,
  randomised,
  samples,
  tf,
  writeTfjs,
} from './keras-files.ts';
import { readFileSync } from 'node:fs';

const count = Number(process.env['MUTATIONS'] ?? 40);
const seed = Number(process.env['MUTATION_SEED'] ?? 1);
/** Milliseconds and bytes that no damaged file may take. */
const longest = 10_000;
const mostMemory = 2 * 2 ** 30;

let backend: Backend;
let folder: string;
let model: layers.LayersModel;
beforeAll(async () => {
  await tf.setBackend('cpu');
  backend = onnxruntimeBackend();
  folder = mkdtempSync(join(tmpdir(), 'mutations-'));
  const l = layers.layers;
  const input = layers.input({ shape: [6, 6, 2], name: 'picture' });
  const conv = l.conv2d({ filters: 3, kernelSize: 3, padding: 'same', activation: 'relu', name: 'conv' }).apply(input);
  const norm = l.batchNormalization({ name: 'norm' }).apply(conv) as layers.SymbolicTensor;
  const sum = l.add({ name: 'sum' }).apply([norm, conv as layers.SymbolicTensor]);
  const pool = l.maxPooling2d({ poolSize: 2, name: 'pool' }).apply(sum);
  const pads = l
    .zeroPadding2d({
      padding: [
        [1, 0],
        [0, 1],
      ],
      name: 'pads',
    })
    .apply(pool);
  const flat = l.flatten({ name: 'flat' }).apply(pads);
  model = randomised(
    layers.model({
      inputs: input,
      outputs: l.dense({ units: 4, activation: 'softmax', name: 'head' }).apply(flat) as layers.SymbolicTensor,
    }),
  );
});
afterAll(async () => {
  await backend.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const pick = <T>(source: Random, list: readonly T[]): T => list[Math.floor(source.uniform() * list.length)]!;
const below = (source: Random, n: number): number => Math.floor(source.uniform() * n);

/** Damage to bytes: cut off, bits flipped, fields overwritten, parts doubled, removed or moved. */
function damagedBytes(bytes: Uint8Array, source: Random): Uint8Array {
  const result = Uint8Array.from(bytes);
  // Headers are small: half of the damage is done there.
  const place = (): number => below(source, source.uniform() < 0.5 ? Math.min(result.length, 2048) : result.length);
  switch (below(source, 6)) {
    case 0:
      return result.subarray(0, below(source, result.length));
    case 1:
      for (let i = 0; i <= below(source, 8); i++) result[place()]! ^= 1 << below(source, 8);
      return result;
    case 2: {
      const at = place();
      const filling = pick(source, [0, 0xff, 0x7f, 0x80, 1]);
      result.fill(filling, at, at + pick(source, [1, 2, 4, 8]));
      return result;
    }
    case 3: {
      const at = place();
      const length = 1 + below(source, 64);
      return Uint8Array.from([...result.subarray(0, at), ...result.subarray(at + length)]);
    }
    case 4: {
      const at = place();
      const part = result.subarray(at, at + 1 + below(source, 64));
      return Uint8Array.from([...result.subarray(0, at), ...part, ...result.subarray(at)]);
    }
    default: {
      const [from, to] = [place(), place()];
      result.copyWithin(to, from, from + 1 + below(source, 256));
      return result;
    }
  }
}

/** Damage to a configuration: one to three of its values replaced, removed or exchanged. */
function damagedJson(json: unknown, source: Random, names: readonly string[]): unknown {
  const copy = structuredClone(json);
  const places: { holder: any; key: string | number }[] = [];
  const walk = (value: any): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      places.push({ holder: value, key });
      walk(value[key]);
    }
  };
  walk(copy);
  for (let i = 0; i <= below(source, 3); i++) {
    const { holder, key } = pick(source, places);
    const value = holder[key];
    const numbers = [-1, 0, 1, 3, -(2 ** 31), 2 ** 31, 2 ** 40, 1e9, 1e308, 0.5];
    const words = [
      ...names,
      '../../secret',
      '/etc/hostname',
      '',
      'Lambda',
      'same',
      'channels_first',
      '__proto__',
      'constructor',
    ];
    const others: unknown[] = [
      null,
      true,
      [],
      {},
      'word',
      7,
      [[]],
      pick(source, numbers),
      pick(source, words),
      structuredClone(pick(source, places).holder),
    ];
    if (source.uniform() < 0.15) Reflect.deleteProperty(holder as object, key);
    else if (source.uniform() < 0.3) holder[key] = pick(source, others);
    else if (typeof value === 'number') holder[key] = pick(source, numbers);
    else if (typeof value === 'string') holder[key] = pick(source, words);
    else if (Array.isArray(value) && value.length > 0)
      holder[key] = pick(source, [
        value.slice(1),
        [...value, ...value],
        value.toReversed(),
        new Array(100).fill(value[0]),
      ]);
    else holder[key] = pick(source, others);
  }
  return copy;
}

interface Outcome {
  loaded: number;
  refused: number;
  slowest: number;
}

/** Loads every damaged file; anything but a UserError or a network that runs fails the test and says which file it was. */
async function sweep(what: string, make: (source: Random, i: number) => string | Promise<string>): Promise<Outcome> {
  const outcome = { loaded: 0, refused: 0, slowest: 0 };
  for (let i = 0; i < count; i++) {
    const path = await make(random(seed, `${what} ${i}`), i);
    const start = performance.now();
    try {
      const network = await loadNetwork(path);
      const numbers = network.nodes.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
      layersOf(network);
      if (numbers < 1e6 && network.otherInputs.length === 0) {
        const forward = await compileForward(network, backend, [network.output]);
        const { shape } = nodeOf(network, network.input);
        await forward.run(samples([1, ...shape]));
        forward.dispose();
      }
      outcome.loaded++;
    } catch (error) {
      if (!(error instanceof UserError))
        throw new Error(`${what} ${i}, seed ${seed}: ${String((error as Error).stack)}`, { cause: error });
      expect(error.message, `${what} ${i}`).not.toMatch(/undefined|\[object/);
      outcome.refused++;
    }
    const took = performance.now() - start;
    outcome.slowest = Math.max(outcome.slowest, took);
    if (took > longest) throw new Error(`${what} ${i}, seed ${seed}: ${took} ms`);
    if (process.memoryUsage().rss > mostMemory)
      throw new Error(`${what} ${i}, seed ${seed}: ${process.memoryUsage().rss} bytes`);
  }
  if (process.env['MUTATIONS'])
    console.log(`${what}: ${JSON.stringify(outcome)}, ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`);
  expect(outcome.loaded + outcome.refused).toBe(count);
  expect(outcome.refused).toBeGreaterThan(count / 8);
  return outcome;
}

const names = ['picture', 'conv', 'norm', 'sum', 'pool', 'flat', 'head'];
const limit = 20_000 + count * 2500;

describe(`${count} damaged files of each format`, () => {
  const folderFor = (what: string, i: number): string => {
    const path = join(folder, `${what}${i}`);
    mkdirSync(path, { recursive: true });
    return path;
  };
  /** A damaged copy of a TensorFlow.js folder. */
  const damagedFolder = (original: string, weights: string, what: string, source: Random, i: number): string => {
    const path = folderFor(what, i);
    const json = readFileSync(join(original, 'model.json'));
    const bytes = readFileSync(join(original, weights));
    const kind = source.uniform();
    const written =
      kind < 0.6
        ? JSON.stringify(damagedJson(JSON.parse(json.toString()), source, names))
        : kind < 0.8
          ? damagedBytes(json, source)
          : json;
    writeFileSync(join(path, 'model.json'), written);
    writeFileSync(join(path, weights), kind < 0.8 ? bytes : damagedBytes(bytes, source));
    return path;
  };

  it('TensorFlow.js layers models', { timeout: limit }, async () => {
    const original = await writeTfjs(model, join(folder, 'layers'));
    await sweep('layers', (source, i) => damagedFolder(original, 'group1-shard1of1.bin', 'layers', source, i));
  });

  it('TensorFlow.js graph models', { timeout: limit }, async () => {
    const original = writeGraph(join(folder, 'graph'), {
      inputs: { picture: [1, 6, 6, 2] },
      constants: {
        kernel: samples([3, 3, 2, 3]),
        bias: samples([3]),
        fc: samples([27, 4]),
        shape: whole(-1, 27),
        paddings: { ...whole(0, 0, 1, 0, 0, 1, 0, 0), shape: [4, 2] },
        perm: whole(0, 2, 1, 3),
      },
      nodes: [
        [
          '_FusedConv2D',
          'conv',
          ['picture', 'kernel', 'bias'],
          { fused_ops: ['BiasAdd', 'Relu'], strides: [1, 2, 2, 1], padding: 'SAME', data_format: 'NHWC' },
        ],
        [
          'MaxPool',
          'pool',
          ['conv'],
          { ksize: [1, 2, 2, 1], strides: [1, 1, 1, 1], padding: 'VALID', data_format: 'NHWC' },
        ],
        ['Pad', 'pads', ['pool', 'paddings']],
        ['Transpose', 'sum', ['pads', 'perm']],
        ['Reshape', 'flat', ['sum', 'shape']],
        ['MatMul', 'norm', ['flat', 'fc'], { transpose_a: false, transpose_b: false }],
        ['Softmax', 'head', ['norm']],
      ],
    });
    await sweep('graph', (source, i) => damagedFolder(original, 'weights.bin', 'graph', source, i));
  });

  it('Keras HDF5 files', { timeout: limit }, async () => {
    const bytes = await h5Of(model);
    const config = kerasConfig(model);
    await sweep('h5', async (source, i) => {
      const path = join(folder, `h5-${i}`);
      const inside = source.uniform() < 0.35;
      writeFileSync(
        path,
        inside ? await h5Of(model, damagedJson(config, source, names) as object) : damagedBytes(bytes, source),
      );
      return path;
    });
  });

  it('Keras 3 archives', { timeout: limit }, async () => {
    const bytes = await keras3Of(model);
    const config = kerasConfig3(kerasConfig(model));
    const parts = unzipSync(bytes);
    await sweep('keras', (source, i) => {
      const path = join(folder, `keras-${i}`);
      const kind = source.uniform();
      const changed: Record<string, Uint8Array> = { ...parts };
      if (kind < 0.35)
        changed['config.json'] = new TextEncoder().encode(JSON.stringify(damagedJson(config, source, names)));
      else if (kind < 0.6) changed['model.weights.h5'] = damagedBytes(parts['model.weights.h5']!, source);
      writeFileSync(path, kind < 0.6 ? zipSync(changed) : damagedBytes(bytes, source));
      return path;
    });
  });
});

describe('made to harm', () => {
  const refusal = async (path: string): Promise<string> => {
    try {
      await loadNetwork(path);
    } catch (error) {
      if (error instanceof UserError) return error.message;
      throw error;
    }
    return 'it loaded';
  };
  it('an archive that unpacks to a hundred times its size and more is not unpacked', async () => {
    const path = join(folder, 'bomb.keras');
    writeFileSync(
      path,
      zipSync({ 'config.json': new Uint8Array(2 ** 26), 'model.weights.h5': new Uint8Array(10) }, { level: 9 }),
    );
    expect(await refusal(path)).toMatch(/was not unpacked: its config.json claims 67108864 bytes/);
  });
  it('an archive that understates what it unpacks to', async () => {
    const bytes = zipSync(
      { 'config.json': new TextEncoder().encode('{}'), 'model.weights.h5': new Uint8Array(2 ** 24) },
      { level: 9 },
    );
    const view = new DataView(bytes.buffer);
    for (let at = 0; at + 4 < bytes.length; at++) {
      const local = view.getUint32(at, true) === 0x04034b50;
      const central = view.getUint32(at, true) === 0x02014b50;
      if (local && view.getUint32(at + 22, true) === 2 ** 24) view.setUint32(at + 22, 100, true);
      if (central && view.getUint32(at + 24, true) === 2 ** 24) view.setUint32(at + 24, 100, true);
    }
    const path = join(folder, 'understated.keras');
    writeFileSync(path, bytes);
    expect(await refusal(path)).toMatch(/is not a readable/);
  });
  it('an archive whose parts lead out of it', async () => {
    const path = join(folder, 'traversal.keras');
    writeFileSync(path, zipSync({ '../config.json': new Uint8Array(2), 'model.weights.h5': new Uint8Array(10) }));
    expect(await refusal(path)).toMatch(/zip archive without config.json/);
  });
  it('a graph that goes round in circles, of any length', async () => {
    const nodes = Array.from({ length: 2000 }, (_, i) => ['Relu', `n${i}`, [`n${(i + 1) % 2000}`]] as const);
    const path = writeGraph(join(folder, 'circle'), { inputs: { x: [1, 4] }, nodes });
    expect(await refusal(path)).toMatch(/is circular/);
  });
  it('a chain of twenty thousand nodes loads without running out of stack', { timeout: 60_000 }, async () => {
    const length = 20_000;
    const nodes = Array.from({ length }, (_, i) => ['Neg', `n${i}`, [i === length - 1 ? 'x' : `n${i + 1}`]] as const);
    const path = writeGraph(join(folder, 'chain'), { inputs: { x: [1, 4] }, nodes });
    expect(await refusal(path)).toBe('it loaded');
  });
  it('models nested in one another without end', async () => {
    const depth = 2000;
    const open = Array.from(
      { length: depth },
      (_, i) => `{"class_name":"Sequential","config":{"name":"m${i}","layers":[`,
    );
    const inner = '{"class_name":"Dense","config":{"name":"fc","units":1,"batch_input_shape":[null,3]}}';
    const topology = `${open.join('')}${inner}${']}}'.repeat(depth)}`;
    mkdirSync(join(folder, 'nested'), { recursive: true });
    writeFileSync(join(folder, 'nested', 'model.json'), `{"modelTopology":${topology},"weightsManifest":[]}`);
    expect(await refusal(join(folder, 'nested'))).toMatch(/nests models more than/);
  });
});
