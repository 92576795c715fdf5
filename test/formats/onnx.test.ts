import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../analysis/errors.ts';
import { loadNetwork, readGraph } from '../../analysis/formats/index.ts';
import { networkOf } from '../../analysis/formats/graph.ts';
import { modelName } from '../../analysis/formats/model-file.ts';
import { readOnnx } from '../../analysis/formats/onnx.ts';
import type { Backend, Tensor } from '../../analysis/kernels/kernels.ts';
import {
  DataLocation,
  DataType,
  encodeModel,
  type TensorProto,
  type Written,
} from '../../analysis/kernels/onnx-protobuf.ts';
import { onnxruntimeBackend } from '../../analysis/kernels/onnxruntime.ts';
import { canonical } from '../../analysis/network/canonical.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import { nodeOf, type Network, type Node } from '../../analysis/network/network.ts';
import { random } from '../../analysis/random.ts';
import {
  floats,
  hasShared,
  inMemory,
  integers,
  largestDifference,
  networkFrom,
  normals,
  onnxBytes,
  onnxNode,
  outputOf,
  samplesFor,
  sharedPath,
  type WrittenGraph,
} from './models.ts';

let backend: Backend;
let folder: string;
beforeAll(() => {
  backend = onnxruntimeBackend();
  folder = mkdtempSync(join(tmpdir(), 'onnx-'));
});
afterAll(async () => {
  await backend.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const write = (name: string, bytes: Uint8Array | string): string => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

const opsOf = (network: Network): string[] =>
  network.nodes.map(({ op }) => op).filter((op) => op !== 'input' && op !== 'constant');
const named = (network: Network, name: string): Node => network.nodes.find((node) => node.name === name)!;
const lastOf = (network: Network): Node => nodeOf(network, network.output);

async function refusal(attempt: Promise<unknown> | (() => Network)): Promise<UserError> {
  try {
    if (typeof attempt === 'function') attempt();
    else await attempt;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('Nothing was refused');
}

/** The same outputs as ONNX Runtime gives for the file, for two samples. */
async function agreesWithRuntime(
  bytes: Uint8Array,
  network: Network,
  samples: Tensor,
  outputs: readonly string[],
): Promise<void> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const size = samples.data.length / samples.shape[0]!;
  const results = await outputOf(network, backend, samples, { ids: outputs });
  for (let i = 0; i < samples.shape[0]!; i++) {
    const data = samples.data.slice(i * size, (i + 1) * size);
    const expected = await session.run({ [network.input]: new ort.Tensor('float32', data, samples.shape.slice(1)) });
    outputs.forEach((id, at) => {
      const reference = expected[id]!.data as Float32Array;
      const found = results[at]!.data.subarray(i * reference.length, (i + 1) * reference.length);
      const largest = reference.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
      expect(largestDifference(found, reference)).toBeLessThan(3e-6 * largest);
    });
  }
  await session.release();
}

/** Little-endian float32 .npy, C order. */
function readNpy(path: string): Tensor {
  const bytes = readFileSync(path);
  const header = bytes.subarray(10, 10 + bytes.readUInt16LE(8)).toString('latin1');
  const shape = /'shape': \(([^)]*)\)/
    .exec(header)![1]!
    .split(',')
    .filter((n) => n.trim())
    .map(Number);
  const start = 10 + bytes.readUInt16LE(8);
  const isDouble = header.includes("'<f8'");
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: count }, (_, i) =>
    isDouble ? bytes.readDoubleLE(start + 8 * i) : bytes.readFloatLE(start + 4 * i),
  );
  return { data, shape };
}

describe.skipIf(!hasShared)('the networks with reference numbers', () => {
  const oracle = (name: string): { logits: number[][]; output: number[]; probabilities: number[][] } =>
    JSON.parse(readFileSync(sharedPath(`oracles/${name}.json`), 'utf8')) as never;
  const run = async (name: string) => {
    const network = await loadNetwork(sharedPath(`oracles/${name}.onnx`));
    const { data, shape } = readNpy(sharedPath(`oracles/${name}.inputs.npy`));
    const [result] = await outputOf(network, backend, { data, shape: [shape[0]!, 1, ...shape.slice(1)] });
    return { network, result: result! };
  };

  it('the convolutional network gives its float64 logits', async () => {
    const { result } = await run('cnn');
    expect(largestDifference(result.data, oracle('cnn').logits.flat())).toBeLessThan(2e-7);
  });

  it('the smooth network gives its float64 output', async () => {
    const { network, result } = await run('smooth');
    expect(largestDifference(result.data, oracle('smooth').output)).toBeLessThan(5e-7);
    expect(opsOf(network)).toContain('silu');
  });

  it('the perceptron is read up to its logits, whose softmax gives the float64 probabilities', async () => {
    const { network, result } = await run('mlp');
    expect(network.stripped).toBe('softmax');
    expect(network.notes.join()).toContain('logits are explained');
    const expected = oracle('mlp').probabilities;
    expected.forEach((row, i) => {
      const powers = [...result.data.subarray(i * 5, (i + 1) * 5)].map(Math.exp);
      const sum = powers.reduce((a, b) => a + b);
      expect(
        largestDifference(
          powers.map((p) => p / sum),
          row,
        ),
      ).toBeLessThan(2e-7);
    });
  });
});

const models: readonly (readonly [path: string, layers: number, parameters: number])[] = [
  ['mobilenet-v1-0.25-imagenet/mobilenet_v1_0.25_224.onnx', 28, 475544],
  ['squares-autoencoder-nobias/model.onnx', 6, 2130944],
  ['cifar10-2conv-tf-tutorial/cifar10_2conv_lrn.onnx', 5, 1068298],
  ['ultraface-rfb320-onnx/version-RFB-320.onnx', 52, 300408],
  ['cifar10-2conv-pytorch/captum_cifar_2conv.onnx', 5, 62006],
  ['2conv-mnist/model.onnx', 4, 857738],
  ['2conv-mnist-untrained/model.onnx', 4, 857738],
  ['2conv-mnist-random-labels/model.onnx', 4, 857738],
  ['ddp-cnn-mnist/model.onnx', 4, 1199882],
  ['cars-drag/model.onnx', 5, 214317],
  ['cars-autoencoder/model.onnx', 6, 428940],
  ['allt-mlp-mnist/model.onnx', 4, 2383370],
  ['resnet-cifar10/resnet20_cifar10.onnx', 22, 273658],
  ['resnet-cifar10/resnet32_cifar10.onnx', 34, 468986],
  ['resnet-cifar10/resnet56_cifar10.onnx', 58, 859642],
  ['sr-subpixel-onnx/super-resolution-10.onnx', 4, 59657],
  ['mnist-mlp/mnist_mlp.onnx', 3, 104938],
  ['squares-autoencoder/model.onnx', 6, 2135688],
  ['squeezenet-v1.0-imagenet/squeezenet1.0.onnx', 26, 1248424],
];

describe.skipIf(!hasShared)('trained networks in files of the wild', () => {
  it.each(models)('%s gives what ONNX Runtime gives', async (path, _layers, parameters) => {
    const file = sharedPath(`models/${path}`);
    const raw = networkOf(await readGraph(file));
    const canonical = await loadNetwork(file);
    expect(canonical.parameterCount).toBe(parameters);
    expect(new Set(canonical.nodes.map(({ name }) => name)).size).toBe(canonical.nodes.length);
    const bytes = readFileSync(file);
    expect(canonical.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    const samples = samplesFor(raw, 1);
    await agreesWithRuntime(bytes, raw, samples, [raw.output, ...raw.otherOutputs]);
    if (canonical.stripped === null) await agreesWithRuntime(bytes, canonical, samples, [canonical.output]);
  });
});

describe('what an ONNX file says', () => {
  const affine = (change: Partial<WrittenGraph> = {}): WrittenGraph => ({
    nodes: [onnxNode('Gemm', ['x', 'fc.weight', 'fc.bias'], ['y'], { transB: 1 }, 'gemm')],
    initializers: [floats('fc.weight', [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]), floats('fc.bias', [2], [10, 20])],
    ...change,
  });
  const one: Tensor = { data: Float32Array.of(1, 0, 0, 1), shape: [1, 1, 4] };
  const first = async (graph: WrittenGraph | Uint8Array): Promise<number[]> => {
    const [result] = await outputOf(networkFrom(graph), backend, one);
    return [...result!.data];
  };

  it('takes a free batch as 1, and initialisers that are repeated as inputs as weights', async () => {
    const network = networkFrom(affine({ inputs: { x: ['N', 4], 'fc.weight': [2, 4], 'fc.bias': [2] } }));
    expect(nodeOf(network, network.input).shape).toEqual([1, 4]);
    expect(network.otherInputs).toEqual([]);
    expect(await first(affine())).toEqual([1 + 4 + 10, 5 + 8 + 20]);
  });

  it.each([
    ['float16', DataType.float16, [0x3c00, 0xc000, 0x0001, 0x7bff], [1, -2, 2 ** -24, 65504]],
    ['bfloat16', DataType.bfloat16, [0x3f80, 0xc000, 0x3eaa, 0x0000], [1, -2, 0.33203125, 0]],
    ['int8', DataType.int8, [1, -2, 3, 127], [1, -2, 3, 127]],
    ['uint8', DataType.uint8, [1, 2, 3, 255], [1, 2, 3, 255]],
    ['int32', DataType.int32, [1, -2, 3, 70000], [1, -2, 3, 70000]],
    ['bool', DataType.bool, [1, 0, 0, 1], [1, 0, 0, 1]],
  ] as const)('reads weights of type %s from typed fields', (_title, dataType, int32Data, expected) => {
    const tensor: Written<TensorProto> = { name: 'k', dims: [4], dataType, int32Data };
    const network = networkFrom({ nodes: [onnxNode('Mul', ['x', 'k'], ['y'])], initializers: [tensor] });
    expect([...nodeOf(network, 'k').parameters['value']!.data]).toEqual(expected);
  });

  it.each([
    [
      'double',
      DataType.double,
      new Uint8Array(Float64Array.of(1, -2.5, 0.1, 3).buffer),
      [1, -2.5, Math.fround(0.1), 3],
    ],
    ['float', DataType.float, new Uint8Array(Float32Array.of(1, -2.5, 0.1, 3).buffer), [1, -2.5, Math.fround(0.1), 3]],
    [
      'float16',
      DataType.float16,
      new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0, 0x3555).buffer),
      [1, -2, 0, 0.333251953125],
    ],
    ['int64', DataType.int64, new Uint8Array(BigInt64Array.of(1n, -2n, 0n, 5n).buffer), [1, -2, 0, 5]],
    ['uint16', DataType.uint16, new Uint8Array(Uint16Array.of(1, 2, 0, 65535).buffer), [1, 2, 0, 65535]],
  ] as const)('reads weights of type %s from raw bytes', (_title, dataType, rawData, expected) => {
    const tensor: Written<TensorProto> = { name: 'k', dims: [4], dataType, rawData };
    const network = networkFrom({ nodes: [onnxNode('Mul', ['x', 'k'], ['y'])], initializers: [tensor] });
    expect([...nodeOf(network, 'k').parameters['value']!.data]).toEqual(expected);
  });

  it('folds the shape arithmetic of a dynamic flatten', () => {
    const network = networkFrom({
      nodes: [
        onnxNode('Shape', ['x'], ['shape']),
        onnxNode('Gather', ['shape', 'zero'], ['batch'], { axis: 0 }),
        onnxNode('Unsqueeze', ['batch', 'axes'], ['batches']),
        onnxNode('Concat', ['batches', 'rest'], ['target'], { axis: 0 }),
        onnxNode('Reshape', ['x', 'target'], ['y']),
      ],
      initializers: [integers('zero', [], [0]), integers('axes', [1], [0]), integers('rest', [1], [-1])],
      inputs: { x: ['N', 3, 2, 2] },
    });
    expect(opsOf(network)).toEqual(['reshape']);
    expect(lastOf(network).shape).toEqual([1, 12]);
  });

  it.each([
    ['Squeeze', 11, onnxNode('Squeeze', ['x'], ['y'], { axes: [2] }), [1, 2]],
    ['Unsqueeze', 11, onnxNode('Unsqueeze', ['x'], ['y'], { axes: [0, 4] }), [1, 1, 2, 1, 1]],
    ['ReduceMean', 11, onnxNode('ReduceMean', ['x'], ['y'], { axes: [1], keepdims: 0 }), [1, 1]],
    ['Slice', 9, onnxNode('Slice', ['x'], ['y'], { axes: [1], starts: [0], ends: [1] }), [1, 1, 1]],
    ['Pad', 10, onnxNode('Pad', ['x'], ['y'], { pads: [0, 1, 0, 0, 2, 0] }), [1, 5, 1]],
    ['Split', 11, onnxNode('Split', ['x'], ['y', 'z'], { axis: 1 }), [1, 1, 1]],
    ['Clip', 10, onnxNode('Clip', ['x'], ['y'], { min: -0.5, max: 0.5 }), [1, 2, 1]],
    ['Dropout', 10, onnxNode('Dropout', ['x'], ['y'], { ratio: 0.5 }), [1, 2, 1]],
  ] as const)('reads %s of opset %i, whose settings are attributes', (_op, opset, node, shape) => {
    const network = networkFrom({ nodes: [node], inputs: { x: ['N', 2, 1] }, opset });
    expect(lastOf(network).shape).toEqual(shape);
  });

  it.each([
    ['nearest', 9, 'Upsample'],
    ['linear', 9, 'Upsample'],
    ['nearest', 10, 'Resize'],
  ] as const)('enlarges by %s as opset %i did with %s', async (mode, opset, op) => {
    const graph: WrittenGraph = {
      nodes: [onnxNode(op, ['x', 'scales'], ['y'], { mode })],
      initializers: [floats('scales', [4], [1, 1, 2, 2])],
      inputs: { x: [1, 1, 3, 2] },
      opset,
    };
    const network = networkFrom(graph);
    await agreesWithRuntime(onnxBytes(graph), network, samplesFor(network, 2), ['y']);
  });

  it.each([[1], [2], [-1]])('softmax before opset 13 runs over all axes from axis %i on', async (axis) => {
    const graph: WrittenGraph = {
      nodes: [onnxNode('Softmax', ['x'], ['y'], { axis })],
      inputs: { x: [1, 2, 3] },
      opset: 11,
    };
    const network = networkFrom(graph);
    await agreesWithRuntime(onnxBytes(graph), network, samplesFor(network, 2), ['y']);
  });

  it('takes places in several axes at once', async () => {
    const graph: WrittenGraph = {
      inputs: { x: [1, 3, 4] },
      nodes: [onnxNode('GatherND', ['x', 'places'], ['y'])],
      initializers: [integers('places', [2, 2, 2], [0, 2, 0, -1, -1, 0, 0, 1])],
    };
    const network = networkFrom(graph);
    expect(nodeOf(network, 'y').shape).toEqual([2, 2, 4]);
    await agreesWithRuntime(onnxBytes(graph), network, samplesFor(network, 2), ['y']);
  });

  it('takes the branch of an If that a constant condition chooses', () => {
    const branch = (op: string) => ({
      node: [onnxNode(op, ['x'], [`${op} y`])],
      name: op,
      output: [{ name: `${op} y` }],
    });
    const bytes = encodeModel({
      irVersion: 8,
      opsetImport: [{ domain: '', version: 17 }],
      graph: {
        node: [
          {
            opType: 'If',
            input: ['yes'],
            output: ['y'],
            attribute: [
              { name: 'then_branch', type: 5, g: branch('Tanh') },
              { name: 'else_branch', type: 5, g: branch('Exp') },
            ],
          },
        ],
        initializer: [{ name: 'yes', dims: [], dataType: DataType.bool, int32Data: [1] }],
        input: [
          { name: 'x', type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 1 }, { dimValue: 4 }] } } } },
        ],
        output: [{ name: 'y' }],
      },
    });
    expect(opsOf(networkFrom(bytes))).toEqual(['tanh']);
  });

  it('puts the bodies of functions of the file in place of their calls', async () => {
    const bytes = encodeModel({
      irVersion: 8,
      opsetImport: [
        { domain: '', version: 17 },
        { domain: 'local', version: 1 },
      ],
      functions: [
        {
          name: 'Leaky',
          domain: 'local',
          input: ['a'],
          output: ['b'],
          attribute: ['slope'],
          node: [
            {
              opType: 'LeakyRelu',
              input: ['a'],
              output: ['inner'],
              attribute: [{ name: 'alpha', refAttrName: 'slope', type: 1 }],
            },
            { opType: 'Neg', input: ['inner'], output: ['b'] },
          ],
        },
      ],
      graph: {
        node: [
          {
            opType: 'Leaky',
            domain: 'local',
            name: 'first',
            input: ['x'],
            output: ['h'],
            attribute: [{ name: 'slope', type: 1, f: 0.5 }],
          },
          {
            opType: 'Leaky',
            domain: 'local',
            name: 'second',
            input: ['h'],
            output: ['y'],
            attribute: [{ name: 'slope', type: 1, f: 0.25 }],
          },
        ],
        input: [
          { name: 'x', type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 1 }, { dimValue: 2 }] } } } },
        ],
        output: [{ name: 'y' }],
      },
    });
    const [result] = await outputOf(networkFrom(bytes), backend, { data: Float32Array.of(-8, 4), shape: [1, 1, 2] });
    // −8 → −4 → 4 → 4 → −4, and 4 → 4 → −4 → −1 → 1.
    expect([...result!.data]).toEqual([-4, 1]);
  });

  it.each([
    ['scalar', [], [3], 'dense'],
    ['row', [1, 2], [3, 4], 'dense'],
    ['column of one', [1], [3], 'dense'],
  ] as const)('takes a %s as the bias of Gemm', (_title, dims, data, op) => {
    const network = networkFrom({
      nodes: [onnxNode('Gemm', ['x', 'w', 'c'], ['y'], { alpha: 0.5, beta: 2 })],
      initializers: [floats('w', [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]), floats('c', dims, data)],
    });
    expect(lastOf(network).op).toBe(op);
    expect([...lastOf(network).parameters['weight']!.data]).toEqual([0.5, 1.5, 2.5, 3.5, 1, 2, 3, 4]);
    expect([...lastOf(network).parameters['bias']!.data]).toEqual(data.length === 1 ? [6, 6] : [6, 8]);
  });

  it('guesses free sizes from the weights that meet the input', () => {
    const dense = networkFrom(affine({ inputs: { x: ['N', 'features'] } }));
    expect(nodeOf(dense, 'x').shape).toEqual([1, 4]);
    const conv = networkFrom({
      nodes: [onnxNode('Conv', ['x', 'w'], ['y'], { group: 2 })],
      initializers: [normals('w', [4, 3, 1, 1])],
      inputs: { x: ['N', 'C', 5, 5] },
    });
    expect(nodeOf(conv, 'x').shape).toEqual([1, 6, 5, 5]);
  });

  it('says which sizes are free and takes them from the caller', async () => {
    const graph: WrittenGraph = { nodes: [onnxNode('Relu', ['x'], ['y'])], inputs: { x: ['N', 3, 'height', 'width'] } };
    const error = await refusal(() => networkFrom(graph));
    expect(error.message).toBe('The input "x" of test.onnx has no fixed size: [1, 3, height, width].');
    expect(error.hint).toContain('--input-shape 1,3,224,224');
    expect(error.exitCode).toBe(2);
    const network = networkFrom(graph, { inputShape: [1, 3, 8, 6] });
    expect(nodeOf(network, 'x').shape).toEqual([1, 3, 8, 6]);
    expect((await refusal(() => networkFrom(graph, { inputShape: [3, 8] }))).exitCode).toBe(2);
  });

  it('takes a batch that the file fixes as 1, unless the file has sizes that depend on it', async () => {
    const network = networkFrom(affine({ inputs: { x: [16, 4] } }));
    expect(nodeOf(network, 'x').shape).toEqual([1, 4]);
    expect(network.notes.join()).toContain('16');
    const baked = networkFrom.bind(null, {
      nodes: [onnxNode('Reshape', ['x', 'to'], ['y'])],
      initializers: [integers('to', [2], [16, 4])],
      inputs: { x: [16, 4] },
    });
    expect((await refusal(baked)).message).toContain('cannot be reshaped');
  });

  it('chooses input and output by name, and knows near misses', async () => {
    const graph: WrittenGraph = {
      nodes: [
        onnxNode('Add', ['image', 'noise'], ['sum']),
        onnxNode('Tanh', ['sum'], ['score']),
        onnxNode('Neg', ['sum'], ['box']),
      ],
      inputs: { image: ['N', 4], noise: ['N', 4] },
      outputs: ['score', 'box'],
    };
    const network = networkFrom(graph, { input: 'noise', output: 'box' });
    expect([network.input, network.otherInputs, network.output, network.otherOutputs]).toEqual([
      'noise',
      ['image'],
      'box',
      ['score'],
    ]);
    expect(networkFrom(graph, { output: 'sum' }).output).toBe('sum');
    const error = await refusal(() => networkFrom(graph, { output: 'scores' }));
    expect([error.message, error.hint]).toEqual(['test.onnx has no output "scores".', 'Did you mean "score"?']);
  });

  it('reads image metadata and class names', () => {
    const bytes = onnxBytes({ nodes: [onnxNode('GlobalAveragePool', ['x'], ['y'])], inputs: { x: [1, 3, 8, 8] } });
    const entry = (key: string, value: string) => encodeModel({ metadataProps: [{ key, value }] });
    const all = Buffer.concat([
      bytes,
      entry('Image.BitmapPixelFormat', 'Bgr8'),
      entry('Image.NominalPixelRange', 'Normalized_1_1'),
      entry('names', "{0: 'cat', 1: 'dog', 2: \"bird's nest\"}"),
    ]);
    const { preprocessing, classNames } = networkFrom(all);
    expect(preprocessing).toMatchObject({ channelOrder: 'bgr', mean: [0.5, 0.5, 0.5], source: 'read from the file' });
    expect(classNames).toEqual(['cat', 'dog', "bird's nest"]);
  });

  it.each([
    [['N', 3, 8, 6], { kind: 'image', channelAxis: 1, heightAxis: 2, widthAxis: 3 }],
    [['N', 8, 6, 3], { kind: 'image', channelAxis: 3, heightAxis: 1, widthAxis: 2 }],
    [['N', 28, 28], { kind: 'image', channelAxis: null, heightAxis: 1, widthAxis: 2 }],
    [['N', 256, 3], { kind: 'points', channelAxis: 2, heightAxis: null, widthAxis: null }],
    [['N', 2, 100], { kind: 'signal', channelAxis: 1, heightAxis: null, widthAxis: 2 }],
    [['N', 784], { kind: 'vector', channelAxis: null, heightAxis: null, widthAxis: null }],
  ] as const)('sees in an input of %s its layout', (sizes, layout) => {
    expect(networkFrom({ nodes: [onnxNode('Relu', ['x'], ['y'])], inputs: { x: sizes } }).layout).toEqual(layout);
  });

  it.each([
    ['/a/b/vit-tiny.onnx', 'vit-tiny'],
    ['/a/2conv-mnist/model.onnx', '2conv-mnist'],
    ['/a/2conv-mnist/tfjs-layers/model.json', '2conv-mnist'],
    ['/model.onnx', 'model'],
  ])('calls the network of %s %s', (path, name) => {
    expect(modelName({ path, name: '', bytes: new Uint8Array() })).toBe(name);
  });

  it('reads a transformer block as exporters write it, with heads cut by computed shapes', async () => {
    const n = onnxNode;
    const heads = (name: string, last: readonly number[]) => [
      n('MatMul', ['normed', `${name}.weight`], [`${name} product`]),
      n('Add', [`${name}.bias`, `${name} product`], [`${name} all`]),
      n('Reshape', [`${name} all`, 'cut'], [`${name} cut`]),
      n('Transpose', [`${name} cut`], [name], { perm: last }),
    ];
    const matrix = (name: string, rows: number, columns: number) => [
      normals(`${name}.weight`, [rows, columns]),
      normals(`${name}.bias`, [columns]),
    ];
    const graph: WrittenGraph = {
      nodes: [
        n('Shape', ['x'], ['shape']),
        n('Gather', ['shape', 'i0'], ['batch']),
        n('Gather', ['shape', 'i1'], ['length']),
        n('Unsqueeze', ['batch', 'at0'], ['batches']),
        n('Unsqueeze', ['length', 'at0'], ['lengths']),
        n('Concat', ['batches', 'lengths', 'heads', 'size'], ['cut'], { axis: 0 }),
        n('Concat', ['batches', 'lengths', 'rest'], ['joined'], { axis: 0 }),
        n('LayerNormalization', ['x', 'ln.weight', 'ln.bias'], ['normed'], { axis: -1 }),
        ...heads('q', [0, 2, 1, 3]),
        ...heads('k', [0, 2, 3, 1]),
        ...heads('v', [0, 2, 1, 3]),
        n('MatMul', ['q', 'k'], ['raw scores']),
        n('Cast', ['size'], ['size as float'], { to: 1 }),
        n('Sqrt', ['size as float'], ['root']),
        n('Div', ['raw scores', 'root'], ['scores']),
        n('Softmax', ['scores'], ['weights'], { axis: -1 }),
        n('MatMul', ['weights', 'v'], ['mixed']),
        n('Transpose', ['mixed'], ['turned'], { perm: [0, 2, 1, 3] }),
        n('Reshape', ['turned', 'joined'], ['together']),
        n('MatMul', ['together', 'out.weight'], ['out product']),
        n('Add', ['out product', 'out.bias'], ['out']),
        n('Add', ['x', 'out'], ['sum']),
        n('ReduceMean', ['sum'], ['pooled'], { axes: [1], keepdims: 0 }),
        n('Gemm', ['pooled', 'head.weight', 'head.bias'], ['y']),
      ],
      initializers: [
        integers('i0', [], [0]),
        integers('i1', [], [1]),
        integers('at0', [1], [0]),
        integers('heads', [1], [2]),
        integers('size', [1], [4]),
        integers('rest', [1], [-1]),
        normals('ln.weight', [8]),
        normals('ln.bias', [8]),
        ...['q', 'k', 'v', 'out'].flatMap((name) => matrix(name, 8, 8)),
        ...matrix('head', 8, 3),
      ],
      inputs: { x: ['N', 5, 8] },
    };
    const raw = networkFrom(graph);
    const network = canonical(raw);
    const samples = samplesFor(raw, 2);
    await agreesWithRuntime(onnxBytes(graph), raw, samples, ['y']);
    await agreesWithRuntime(onnxBytes(graph), network, samples, ['y']);
    expect(layersOf(network).map(({ name }) => name)).toEqual(['ln', 'q', 'k', 'v', 'out', 'head']);
    const products = network.nodes.filter(({ op }) => op === 'mat-mul');
    expect(products.map(({ attributes }) => attributes['gate'])).toEqual([null, 0]);
  });

  it('names layers after their weights, a second use with #2, and keeps hostile names as data', () => {
    const network = networkFrom({
      nodes: [
        onnxNode('MatMul', ['x', 'features/0/kernel:0'], ['a'], {}, 'first'),
        onnxNode('Relu', ['a'], ['__proto__'], {}, 'constructor'),
        onnxNode('MatMul', ['__proto__', 'features/0/kernel:0'], ['b'], {}, 'second'),
        onnxNode('MatMul', ['b', 'plain'], ['c'], {}, '<img src=x>'),
        onnxNode('MatMul', ['c', 'plain'], ['y']),
      ],
      initializers: [normals('features/0/kernel:0', [4, 4]), normals('plain', [4, 4])],
    });
    expect(network.nodes.filter(({ op }) => op === 'mat-mul').map(({ name }) => name)).toEqual([
      'features/0',
      'features/0#2',
      '<img src=x>',
      'y',
    ]);
    expect(named(network, 'constructor').op).toBe('relu');
    expect(network.parameterCount).toBe(32);
  });
});

describe('what is refused', () => {
  const unique = onnxNode('Unique', ['x'], ['e'], {}, 'block3/attention');

  it('an unsupported op, with its node, its file, and what is supported', async () => {
    const path = write('vit.onnx', onnxBytes({ nodes: [unique, onnxNode('Relu', ['e'], ['y'])] }));
    const error = await refusal(loadNetwork(path));
    expect(error.message).toMatch(
      /^Unsupported op "Unique" at node "block3\/attention" in vit\.onnx\. Supported: Abs, Add, /,
    );
    expect(error.exitCode).toBe(3);
  });

  it('all unsupported ops at once, but not those that only another output needs', async () => {
    const nodes = [unique, onnxNode('TopK', ['e'], ['l'], {}, 'memory'), onnxNode('Unique', ['x'], ['y'], {}, 'again')];
    const both = await refusal(loadNetwork(write('two.onnx', onnxBytes({ nodes, outputs: ['l', 'y'] }))));
    expect(both.message).toMatch(
      /^Unsupported ops "Unique" at nodes "block3\/attention", "again"; "TopK" at node "memory" in two\.onnx\./,
    );
    const aside = onnxBytes({ nodes: [unique, onnxNode('Relu', ['x'], ['y'])], outputs: ['y', 'e'] });
    const network = await loadNetwork(write('aside.onnx', aside));
    expect(network.otherOutputs).toEqual([]);
    expect(network.notes.join()).toContain('"e" is left out');
  });

  it.each([
    ['weights that are computed', onnxNode('Conv', ['x', 'x'], ['y']), { x: [1, 4, 1, 1] }, 'its weights are computed'],
    ['places that lie outside', onnxNode('GatherND', ['x', 'seven'], ['y']), { x: [1, 4] }, 'place 7 in an axis of 1'],
    ['a shape that is computed', onnxNode('Reshape', ['x', 'x'], ['y']), { x: [1, 4] }, 'its shape is computed'],
    ['whole numbers made on the way', onnxNode('Cast', ['x'], ['y'], { to: 7 }), { x: [1, 4] }, 'to whole numbers'],
    [
      'training mode',
      onnxNode('BatchNormalization', ['x', 'k', 'k', 'k', 'k'], ['y'], { training_mode: 1 }),
      { x: [1, 4] },
      'in training mode',
    ],
  ] as const)('%s', async (_title, node, inputs, reason) => {
    const initializers = [floats('k', [4], [1, 1, 1, 1]), integers('seven', [1, 1], [7])];
    const graph = { nodes: [node], inputs, initializers };
    expect((await refusal(() => networkFrom(graph))).message).toContain(reason);
  });

  it.each([
    ['empty', '', /empty/],
    ['text', 'hello, I am a model\n', /text/],
    ['JSON', '{"a": 1}', /text/],
    ['random bytes', new Uint8Array([0x08, 0x07, 0x3a, 0xff, 0x01, 0x02]), /cut off or damaged/],
    ['truncated', onnxBytes({ nodes: [onnxNode('Relu', ['x'], ['y'])] }).slice(0, -20), /cut off or damaged/],
    ['without a graph', encodeModel({ irVersion: 8 }), /no graph/],
  ])('a file that is %s, by name, with exit code 3', async (title, bytes, why) => {
    const error = await refusal(loadNetwork(write(`${title}.onnx`, bytes)));
    expect(error.message).toContain(`${title}.onnx`);
    expect(error.message).toMatch(why);
    expect(error.exitCode).toBe(3);
  });

  it('a file that is not there', async () => {
    const error = await refusal(loadNetwork(join(folder, 'nowhere.onnx')));
    expect([error.message.includes('nowhere.onnx'), error.exitCode]).toEqual([true, 3]);
  });

  it.each([[NaN], [Infinity]])('a weight that is %s, by the name of its tensor', async (bad) => {
    const graph = {
      nodes: [onnxNode('MatMul', ['x', 'fc.weight'], ['y'])],
      initializers: [floats('fc.weight', [4, 1], [1, 2, bad, 4])],
    };
    const error = await refusal(() => networkFrom(graph));
    expect(error.message).toBe(`Tensor "fc.weight" in test.onnx is not finite: entry 2 is ${bad}.`);
    expect(error.exitCode).toBe(3);
  });

  it('tensors with too few numbers, impossible shapes, or words', async () => {
    const refused = async (tensor: Written<TensorProto>) =>
      (await refusal(() => networkFrom({ nodes: [onnxNode('Add', ['x', 'k'], ['y'])], initializers: [tensor] })))
        .message;
    expect(await refused(floats('k', [4], [1, 2]))).toContain('holds 2 numbers; its shape [4] wants 4');
    expect(await refused(floats('k', [-4], [1]))).toContain('impossible shape');
    expect(await refused({ name: 'k', dims: [4], dataType: DataType.string })).toContain('data type string');
  });

  it('a graph that uses what nothing makes, or makes a value twice', async () => {
    expect((await refusal(() => networkFrom({ nodes: [onnxNode('Relu', ['ghost'], ['y'])] }))).message).toContain(
      '"ghost"',
    );
    const twice = [onnxNode('Relu', ['x'], ['y']), onnxNode('Neg', ['x'], ['y'])];
    expect((await refusal(() => networkFrom({ nodes: twice }))).message).toContain('twice');
  });

  it('weights that do not fit their input, with the node', async () => {
    const graph = { nodes: [onnxNode('MatMul', ['x', 'w'], ['y'], {}, 'head')], initializers: [normals('w', [5, 2])] };
    expect((await refusal(() => networkFrom(graph))).message).toMatch(/^Node "head" in test\.onnx: .*5/);
  });

  it('a bias of another size than its layer, and values without numbers', async () => {
    const bias = {
      nodes: [onnxNode('Conv', ['x', 'w', 'b'], ['y'], {}, 'head')],
      initializers: [normals('w', [3, 2, 1, 1]), normals('b', [1])],
      inputs: { x: [1, 2, 4, 4] },
    };
    expect((await refusal(() => networkFrom(bias))).message).toBe(
      'Node "head" in test.onnx: its bias has 1 entries for 3 channels.',
    );
    const nothing = { nodes: [onnxNode('Slice', ['x', 'k', 'k'], ['y'])], initializers: [integers('k', [2], [0, 0])] };
    await refusal(() => networkFrom(nothing));
  });

  it('whatever a few wrong bytes make of a file, and never in another way than by a UserError', () => {
    const bytes = onnxBytes({
      nodes: [
        onnxNode('Shape', ['x'], ['s']),
        onnxNode('Slice', ['s', 'zero', 'two'], ['head']),
        onnxNode('Concat', ['head', 'rest'], ['to'], { axis: 0 }),
        onnxNode('Conv', ['x', 'c.weight'], ['a'], { pads: [1, 1, 1, 1] }),
        onnxNode('Reshape', ['a', 'to'], ['b']),
        onnxNode('Softmax', ['b'], ['y'], { axis: -1 }),
      ],
      initializers: [
        normals('c.weight', [2, 1, 3, 3]),
        ...[
          ['zero', 0],
          ['two', 2],
          ['rest', -1],
        ].map(([name, value]) => integers(name as string, [1], [value as number])),
      ],
      inputs: { x: ['N', 1, 4, 4] },
    });
    const { integer } = random(0, 'damage');
    let survived = 0;
    let refused = 0;
    for (let attempt = 0; attempt < 1500; attempt++) {
      const damaged = Uint8Array.from(bytes);
      for (let i = integer(4); i >= 0; i--) damaged[integer(bytes.length)] = integer(256);
      try {
        canonical(networkFrom(damaged));
        survived++;
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
        refused++;
      }
    }
    expect([survived > 100, refused > 100]).toEqual([true, true]);
  });

  it('an output that does not depend on the input', async () => {
    const graph = { nodes: [onnxNode('Relu', ['a'], ['y'])], inputs: { x: [1, 4], a: [1, 4] } };
    expect((await refusal(() => networkFrom(graph))).message).toContain('does not depend on its input "x"');
  });
});

describe('weights in other files', () => {
  const external = (location: string, more: Readonly<Record<string, string>> = {}): Uint8Array =>
    onnxBytes({
      nodes: [onnxNode('MatMul', ['x', 'fc.weight'], ['y'])],
      initializers: [
        {
          name: 'fc.weight',
          dims: [4, 1],
          dataType: DataType.float,
          dataLocation: DataLocation.external,
          externalData: Object.entries({ location, ...more }).map(([key, value]) => ({ key, value })),
        },
      ],
    });

  it('are read from beside the model and count in its hash', async () => {
    write('weights.bin', new Uint8Array(Float32Array.of(9, 1, 2, 3, 4).buffer));
    const path = write('external.onnx', external('weights.bin', { offset: '4', length: '16' }));
    const network = await loadNetwork(path);
    expect([...lastOf(network).parameters['weight']!.data]).toEqual([1, 2, 3, 4]);
    write('weights.bin', new Uint8Array(Float32Array.of(9, 1, 2, 3, 5).buffer));
    expect((await loadNetwork(path)).sha256).not.toBe(network.sha256);
  });

  it.each([['../secret.bin'], ['/etc/hostname'], ['sub/../../secret.bin'], [''], ['link.bin']])(
    'are not read from %j, outside the folder of the model',
    async (location) => {
      mkdirSync(join(folder, 'inside'), { recursive: true });
      write('secret.bin', new Uint8Array(16));
      const path = write('inside/escaping.onnx', external(location));
      if (location === 'link.bin') symlinkSync('../secret.bin', join(folder, 'inside/link.bin'));
      const error = await refusal(loadNetwork(path));
      expect(error.message).toContain('outside its folder');
      expect(error.exitCode).toBe(3);
    },
  );

  it('are missed by name where they are missing or too short', async () => {
    expect((await refusal(loadNetwork(write('missing.onnx', external('gone.bin'))))).message).toContain('"gone.bin"');
    write('short.bin', new Uint8Array(8));
    expect((await refusal(loadNetwork(write('tooshort.onnx', external('short.bin'))))).message).toContain('too short');
  });
});

it('a graph is the same when it is read twice', () => {
  const bytes = onnxBytes({ nodes: [onnxNode('Sigmoid', ['x'], ['y'])] });
  expect(JSON.stringify(readOnnx(inMemory(bytes)))).toBe(JSON.stringify(readOnnx(inMemory(bytes))));
});
