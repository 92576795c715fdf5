// The law of formats: the same network in every format gives the same outputs, the same layers and the same maps.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadNetwork } from '../../analysis/formats/index.ts';
import { sizeOf, type Backend, type Tensor } from '../../analysis/kernels/kernels.ts';
import { onnxruntimeBackend } from '../../analysis/kernels/onnxruntime.ts';
import { compileMap } from '../../analysis/network/affine-map.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import { nodeOf, type Network } from '../../analysis/network/network.ts';
import { writeGraph, whole, type GraphJson } from './graph-json.ts';
import { h5Of, keras3Of, layers, predicted, randomised, samples, tf, writeTfjs } from './keras-files.ts';
import { floats, onnxBytes, onnxNode, type WrittenGraph } from './models.ts';
import { asSamples, fileOutputs, relativeDifference } from './written.ts';

let backend: Backend;
let folder: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  backend = onnxruntimeBackend();
  folder = mkdtempSync(join(tmpdir(), 'format-laws-'));
});
afterAll(async () => {
  await backend.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const l = layers.layers;

/** A network made with TensorFlow.js and, from its weights, the same written for the other two formats. */
interface Law {
  readonly model: () => layers.LayersModel;
  readonly onnx: (weight: (name: string) => Tensor) => WrittenGraph;
  readonly graph: (weight: (name: string) => Tensor) => GraphJson;
  /** The ONNX file takes channels first. */
  readonly image?: boolean;
}

const moved = ({ data, shape }: Tensor, axes: number[]): Tensor => {
  const result = tf.transpose(tf.tensor(data, shape as number[]), axes);
  return { data: result.dataSync() as Float32Array, shape: result.shape };
};
const initial = (name: string, { data, shape }: Tensor) => floats(name, shape, data);

const laws: Record<string, Law> = {
  'a dense network': {
    model: () =>
      layers.sequential({
        layers: [
          l.dense({ units: 7, inputShape: [6], activation: 'relu', name: 'fc1' }),
          l.dense({ units: 5, activation: 'tanh', name: 'fc2' }),
          l.dense({ units: 4, activation: 'softmax', name: 'fc3' }),
        ],
      }),
    onnx: (weight) => ({
      inputs: { x: ['N', 6] },
      initializers: ['fc1', 'fc2', 'fc3'].flatMap((name) => [
        initial(`${name}.weight`, moved(weight(`${name}/kernel`), [1, 0])),
        initial(`${name}.bias`, weight(`${name}/bias`)),
      ]),
      nodes: [
        onnxNode('Gemm', ['x', 'fc1.weight', 'fc1.bias'], ['a'], { transB: 1 }),
        onnxNode('Relu', ['a'], ['b']),
        onnxNode('Gemm', ['b', 'fc2.weight', 'fc2.bias'], ['c'], { transB: 1 }),
        onnxNode('Tanh', ['c'], ['d']),
        onnxNode('Gemm', ['d', 'fc3.weight', 'fc3.bias'], ['e'], { transB: 1 }),
        onnxNode('Softmax', ['e'], ['y'], { axis: 1 }),
      ],
    }),
    graph: (weight) => ({
      inputs: { x: [1, 6] },
      constants: Object.fromEntries(
        ['fc1', 'fc2', 'fc3'].flatMap((name) => [
          [`${name}/kernel`, weight(`${name}/kernel`)],
          [`${name}/bias`, weight(`${name}/bias`)],
        ]),
      ),
      nodes: [
        ['_FusedMatMul', 'a', ['x', 'fc1/kernel', 'fc1/bias'], { fused_ops: ['BiasAdd', 'Relu'] }],
        ['MatMul', 'b', ['a', 'fc2/kernel'], { transpose_a: false, transpose_b: false }],
        ['BiasAdd', 'c', ['b', 'fc2/bias'], { data_format: 'NHWC' }],
        ['Tanh', 'd', ['c']],
        ['MatMul', 'e', ['d', 'fc3/kernel']],
        ['AddV2', 'f', ['e', 'fc3/bias']],
        ['Softmax', 'y', ['f']],
      ],
    }),
  },
  'a residual convolutional network with batch normalisation': {
    image: true,
    model: () => {
      const input = layers.input({ shape: [8, 6, 3] });
      const stem = l
        .conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: 'same', useBias: false, name: 'stem' })
        .apply(input);
      const norm = l.batchNormalization({ epsilon: 0.01, name: 'norm' }).apply(stem);
      const active = l.activation({ activation: 'relu' }).apply(norm) as layers.SymbolicTensor;
      const deep = l
        .depthwiseConv2d({ kernelSize: 3, padding: 'same', name: 'deep' })
        .apply(active) as layers.SymbolicTensor;
      const sum = l.add().apply([active, deep]);
      const pooled = l.maxPooling2d({ poolSize: 2, padding: 'same' }).apply(sum) as layers.SymbolicTensor;
      const flat = l.flatten().apply(pooled);
      return layers.model({
        inputs: input,
        outputs: l.dense({ units: 3, name: 'head' }).apply(flat) as layers.SymbolicTensor,
      });
    },
    onnx: (weight) => {
      // The dense layer reads channels first here: its rows in another order.
      const head = weight('head/kernel');
      const rows = moved({ data: head.data, shape: [2, 2, 4, 3] }, [3, 2, 0, 1]);
      return {
        inputs: { x: ['N', 3, 8, 6] },
        initializers: [
          initial('stem.weight', moved(weight('stem/kernel'), [3, 2, 0, 1])),
          ...['gamma', 'beta', 'moving_mean', 'moving_variance'].map((name) =>
            initial(`norm.${name}`, weight(`norm/${name}`)),
          ),
          initial('deep.weight', moved(weight('deep/depthwise_kernel'), [2, 3, 0, 1])),
          initial('deep.bias', weight('deep/bias')),
          initial('head.weight', { data: rows.data, shape: [3, 16] }),
          initial('head.bias', weight('head/bias')),
        ],
        nodes: [
          onnxNode('Conv', ['x', 'stem.weight'], ['a'], {
            strides: [2, 2],
            auto_pad: 'SAME_UPPER',
            kernel_shape: [3, 3],
          }),
          onnxNode(
            'BatchNormalization',
            ['a', 'norm.gamma', 'norm.beta', 'norm.moving_mean', 'norm.moving_variance'],
            ['b'],
            { epsilon: 0.01 },
          ),
          onnxNode('Relu', ['b'], ['c']),
          onnxNode('Conv', ['c', 'deep.weight', 'deep.bias'], ['d'], {
            group: 4,
            pads: [1, 1, 1, 1],
            kernel_shape: [3, 3],
          }),
          onnxNode('Add', ['c', 'd'], ['e']),
          onnxNode('MaxPool', ['e'], ['f'], { kernel_shape: [2, 2], strides: [2, 2], auto_pad: 'SAME_UPPER' }),
          onnxNode('Flatten', ['f'], ['g'], { axis: 1 }),
          onnxNode('Gemm', ['g', 'head.weight', 'head.bias'], ['y'], { transB: 1 }),
        ],
      };
    },
    graph: (weight) => ({
      inputs: { x: [1, 8, 6, 3] },
      constants: {
        ...Object.fromEntries(
          [
            'stem/kernel',
            'norm/gamma',
            'norm/beta',
            'norm/moving_mean',
            'norm/moving_variance',
            'deep/depthwise_kernel',
            'deep/bias',
            'head/kernel',
            'head/bias',
          ].map((name) => [name, weight(name)]),
        ),
        last: { ...whole(16) },
        zero: { ...whole(0) },
        one: { ...whole(1) },
      },
      nodes: [
        ['Conv2D', 'a', ['x', 'stem/kernel'], { strides: [1, 2, 2, 1], padding: 'SAME', data_format: 'NHWC' }],
        [
          'FusedBatchNormV3',
          'b',
          ['a', 'norm/gamma', 'norm/beta', 'norm/moving_mean', 'norm/moving_variance'],
          { epsilon: 0.01, is_training: false, data_format: 'NHWC' },
        ],
        ['Relu', 'c', ['b']],
        [
          'DepthwiseConv2dNative',
          'd',
          ['c', 'deep/depthwise_kernel'],
          { strides: [1, 1, 1, 1], padding: 'SAME', data_format: 'NHWC' },
        ],
        ['BiasAdd', 'd2', ['d', 'deep/bias'], { data_format: 'NHWC' }],
        ['AddV2', 'e', ['c', 'd2']],
        ['MaxPool', 'f', ['e'], { ksize: [1, 2, 2, 1], strides: [1, 2, 2, 1], padding: 'SAME', data_format: 'NHWC' }],
        ['Shape', 'shape', ['f']],
        ['StridedSlice', 'batch', ['shape', 'zero', 'one', 'one'], { shrink_axis_mask: 1 }],
        ['Pack', 'flat shape', ['batch', 'sixteen'], { axis: 0 }],
        ['Squeeze', 'sixteen', ['last'], { squeeze_dims: [0] }],
        ['Reshape', 'g', ['f', 'flat shape']],
        ['MatMul', 'h', ['g', 'head/kernel']],
        ['BiasAdd', 'y', ['h', 'head/bias']],
      ],
    }),
  },
};

describe.each(Object.keys(laws))('%s', (name) => {
  const networks: Record<string, Network> = {};
  let given: Tensor;
  let expected: Float32Array;
  beforeAll(async () => {
    const law = laws[name]!;
    const model = randomised(law.model());
    const weights = new Map(model.weights.map((variable) => [variable.originalName, variable.read()]));
    const weight = (key: string): Tensor => ({
      data: weights.get(key)!.dataSync() as Float32Array,
      shape: weights.get(key)!.shape,
    });
    const at = (file: string): string => join(folder, `${name} ${file}`);
    given = samples([3, ...(model.inputs[0]!.shape.slice(1) as number[])]);
    expected = predicted(model, [given])[0]!.data;
    writeFileSync(at('a'), await h5Of(model));
    writeFileSync(at('b'), await keras3Of(model));
    writeFileSync(at('c'), onnxBytes(law.onnx(weight)));
    networks['tfjs-layers'] = await loadNetwork(await writeTfjs(model, at('layers')));
    networks['keras-h5'] = await loadNetwork(at('a'));
    networks['keras-v3'] = await loadNetwork(at('b'));
    networks['onnx'] = await loadNetwork(at('c'));
    networks['tfjs-graph'] = await loadNetwork(writeGraph(at('graph'), law.graph(weight)));
    networks['tfjs-graph, words as codes'] = await loadNetwork(
      writeGraph(at('codes'), law.graph(weight), { codes: true }),
    );
  });
  const inputOf = (format: string): Tensor =>
    laws[name]!.image && format === 'onnx' ? moved(given, [0, 3, 1, 2]) : given;

  it('is recognised by content, whatever the file is called', () => {
    for (const [format, network] of Object.entries(networks)) expect(network.format).toBe(format.split(',')[0]);
  });
  it('gives the same outputs in every format', async () => {
    for (const [format, network] of Object.entries(networks)) {
      const found = await fileOutputs(network, backend, { [network.input]: inputOf(format) });
      expect(relativeDifference(found.data, expected), format).toBeLessThan(2e-6);
    }
  });
  it('has the same layers, ops, shapes and parameters in every format', () => {
    const described = (network: Network) =>
      layersOf(network).map(({ name: layer, op, inputShape, outputShape, parameterCount }) => ({
        layer,
        op,
        inputShape,
        outputShape,
        parameterCount,
      }));
    for (const [format, network] of Object.entries(networks)) {
      expect(described(network), format).toEqual(described(networks['onnx']!));
      expect(network.parameterCount, format).toBe(networks['onnx']!.parameterCount);
      expect(network.stripped, format).toBe(networks['onnx']!.stripped);
    }
  });
  it.each(['taylor', 'frozen'] as const)('is the same %s map in every format', async (mode) => {
    for (const [format, network] of Object.entries(networks)) {
      const map = await compileMap(
        network,
        layersOf(network),
        backend,
        { from: network.input, to: network.output, mode },
        () => 8,
      );
      const { data } = inputOf(format);
      const { shape } = nodeOf(network, network.input);
      const x0 = data.slice(0, sizeOf(shape));
      const located = await map.locate(asSamples({ data: x0, shape }), {});
      const block = await located.apply({ data: x0, count: 1, size: x0.length });
      const sum = block.data.map((x, i) => x + located.offset[i]!);
      expect(relativeDifference(sum, located.value), format).toBeLessThan(1e-5);
      map.dispose();
    }
  });
});
