import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadNetwork } from '../../analysis/formats/index.ts';
import type { LoadOptions } from '../../analysis/formats/graph.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import {
  layers,
  nestedModel,
  predicted,
  randomised,
  samples,
  tf,
  writeTfjs,
  type Quantization,
} from './keras-files.ts';
import { kerasSetUp } from './keras-set-up.ts';
import { relativeDifference } from './written.ts';

const { place, outputsOf } = kerasSetUp('tfjs-layers');
/** Where `difference` wrote the last model. */
let last: string;
/** Largest difference of our outputs from those of TensorFlow.js, relative to their size. */
async function difference(model: layers.LayersModel, options: LoadOptions = {}, output = 0): Promise<number> {
  last = await writeTfjs(randomised(model), place());
  const network = await loadNetwork(last, options);
  const given = model.inputs.map((input, i) => samples([2, ...(input.shape.slice(1) as number[])], i + 1));
  const expected = predicted(model, given)[output]!.data;
  const names = model.inputNames;
  const found = await outputsOf(network, Object.fromEntries(names.map((name, i) => [name, given[i]!])));
  return relativeDifference(found, expected);
}

const image = [9, 8, 4];
const l = layers.layers;
const inARow = (shape: number[], ...list: layers.layers.Layer[]): layers.LayersModel => {
  const input = layers.input({ shape });
  return layers.model({
    inputs: input,
    outputs: list.reduce((x, layer) => layer.apply(x) as layers.SymbolicTensor, input),
  });
};

it('calls the network by its folder, since every file is a model.json', async () => {
  const model = inARow([3], l.dense({ units: 2 }));
  const path = await writeTfjs(randomised(model), place('prices'));
  expect((await loadNetwork(path)).name).toBe('prices');
});

const single: Record<string, () => layers.LayersModel> = {
  'dense with ReLU': () => inARow([5], l.dense({ units: 4, activation: 'relu' })),
  'dense without bias over a sequence': () => inARow([3, 5], l.dense({ units: 4, useBias: false, activation: 'tanh' })),
  'dense with softmax over a sequence': () =>
    inARow([3, 5], l.dense({ units: 4, activation: 'softmax' }), l.dense({ units: 2 })),
  'conv1d, dilated': () => inARow([9, 4], l.conv1d({ filters: 3, kernelSize: 3, dilationRate: 2 })),
  'conv1d, same, strided': () => inARow([10, 4], l.conv1d({ filters: 3, kernelSize: 4, padding: 'same', strides: 2 })),
  'conv2d, valid, uneven strides': () =>
    inARow(image, l.conv2d({ filters: 3, kernelSize: [3, 2], strides: [2, 1], activation: 'relu' })),
  'conv2d, same, strided': () => inARow(image, l.conv2d({ filters: 3, kernelSize: 4, strides: 2, padding: 'same' })),
  'conv2d, dilated': () => inARow(image, l.conv2d({ filters: 3, kernelSize: 3, dilationRate: 2, padding: 'same' })),
  conv3d: () => inARow([5, 4, 6, 2], l.conv3d({ filters: 3, kernelSize: 2, strides: 2, padding: 'same' })),
  'depthwise conv2d with a multiplier': () =>
    inARow(image, l.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, padding: 'same', activation: 'relu6' })),
  'separable conv2d': () =>
    inARow(
      image,
      l.separableConv2d({
        filters: 5,
        kernelSize: 3,
        depthMultiplier: 2,
        padding: 'same',
        strides: 2,
        activation: 'elu',
      }),
    ),
  'transposed conv2d, same': () =>
    inARow([4, 5, 3], l.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, padding: 'same' })),
  'transposed conv2d, valid': () =>
    inARow([4, 5, 3], l.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, padding: 'valid' })),
  'transposed conv2d, strides above the kernel': () =>
    inARow([4, 5, 3], l.conv2dTranspose({ filters: 2, kernelSize: 2, strides: 3, padding: 'same' })),
  'zero padding, uneven': () =>
    inARow(
      image,
      l.zeroPadding2d({
        padding: [
          [1, 2],
          [0, 3],
        ],
      }),
      l.conv2d({ filters: 2, kernelSize: 3 }),
    ),
  cropping: () =>
    inARow(
      image,
      l.cropping2D({
        cropping: [
          [1, 2],
          [0, 3],
        ],
      }),
      l.conv2d({ filters: 2, kernelSize: 3 }),
    ),
  'max pooling, same': () =>
    inARow(
      image,
      l.conv2d({ filters: 2, kernelSize: 1 }),
      l.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
    ),
  'average pooling, same': () => inARow(image, l.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' })),
  'pooling of sequences': () =>
    inARow([9, 4], l.maxPooling1d({ poolSize: 2 }), l.averagePooling1d({ poolSize: 2, strides: 1 })),
  'global average pooling': () =>
    inARow(image, l.conv2d({ filters: 5, kernelSize: 2 }), l.globalAveragePooling2d({}), l.dense({ units: 3 })),
  'global max pooling': () => inARow(image, l.globalMaxPooling2d({}), l.dense({ units: 3 })),
  'global average pooling of a sequence': () => inARow([9, 4], l.globalAveragePooling1d({})),
  'batch normalisation behind a convolution': () =>
    inARow(image, l.conv2d({ filters: 5, kernelSize: 2 }), l.batchNormalization({ epsilon: 0.01 })),
  'batch normalisation of vectors without scale': () => inARow([6], l.batchNormalization({ scale: false })),
  'layer normalisation': () => inARow([6, 5], l.layerNormalization({ epsilon: 0.01 })),
  'layer normalisation of pictures': () =>
    inARow(image, l.conv2d({ filters: 5, kernelSize: 2 }), l.layerNormalization({})),
  'layer normalisation over two axes': () => inARow([6, 5], l.layerNormalization({ axis: [1, 2] })),
  'ReLU with a maximum': () => inARow([20], l.reLU({ maxValue: 0.7 })),
  'leaky ReLU': () => inARow([20], l.leakyReLU({ alpha: 0.2 })),
  'parametric ReLU behind a convolution': () =>
    inARow(image, l.conv2d({ filters: 5, kernelSize: 2 }), l.prelu({ sharedAxes: [1, 2] })),
  'parametric ReLU with slopes everywhere': () => inARow(image, l.conv2d({ filters: 2, kernelSize: 2 }), l.prelu({})),
  'ELU layer': () => inARow([20], l.elu({})),
  'thresholded ReLU': () => inARow([20], l.thresholdedReLU({ theta: 0.4 })),
  'softmax layer on the channels of a picture': () =>
    inARow(
      image,
      l.conv2d({ filters: 3, kernelSize: 2 }),
      l.softmax({ axis: -1 }),
      l.conv2d({ filters: 2, kernelSize: 2 }),
    ),
  'flatten behind a convolution': () =>
    inARow(image, l.conv2d({ filters: 3, kernelSize: 2 }), l.flatten(), l.dense({ units: 4 })),
  'reshape behind a convolution': () =>
    inARow(image, l.conv2d({ filters: 3, kernelSize: 2 }), l.reshape({ targetShape: [8, 21] }), l.dense({ units: 2 })),
  'permute behind a convolution': () =>
    inARow(image, l.conv2d({ filters: 3, kernelSize: 2 }), l.permute({ dims: [3, 1, 2] }), l.dense({ units: 2 })),
  'repeat vector': () => inARow([4], l.repeatVector({ n: 3 }), l.dense({ units: 2 })),
  'up-sampling, nearest': () =>
    inARow(image, l.conv2d({ filters: 3, kernelSize: 2 }), l.upSampling2d({ size: [2, 3] })),
  'up-sampling, bilinear': () =>
    inARow(image, l.conv2d({ filters: 3, kernelSize: 2 }), l.upSampling2d({ size: [2, 3], interpolation: 'bilinear' })),
  rescaling: () =>
    inARow(image, l.rescaling({ scale: 1 / 127.5, offset: -1 }), l.conv2d({ filters: 2, kernelSize: 2 })),
  'dropout and noise': () =>
    inARow([5], l.dropout({ rate: 0.5 }), l.gaussianNoise({ stddev: 1 }), l.dense({ units: 2 })),
  'time-distributed dense': () =>
    inARow([4, 5], l.timeDistributed({ layer: l.dense({ units: 3, activation: 'relu' }) })),
  'time-distributed convolution': () =>
    inARow([3, 6, 5, 2], l.timeDistributed({ layer: l.conv2d({ filters: 3, kernelSize: 2 }) })),
};
const functions = [
  'elu',
  'hardSigmoid',
  'linear',
  'relu',
  'relu6',
  'selu',
  'sigmoid',
  'softmax',
  'softplus',
  'softsign',
  'tanh',
  'swish',
  'mish',
  'gelu',
];

describe('layers as TensorFlow.js computes them', () => {
  it.each(Object.keys(single))('%s', async (name) => {
    expect(await difference(single[name]!())).toBeLessThan(3e-6);
  });
  it.each(functions)('the activation function %s, and more arithmetic behind it', async (name) => {
    const model = inARow([12], l.activation({ activation: name as 'relu' }), l.dense({ units: 3 }));
    expect(await difference(model)).toBeLessThan(5e-6);
  });
  it('channels first', async () => {
    const model = inARow(
      [9, 8, 4],
      l.conv2d({ filters: 3, kernelSize: 3, padding: 'same', activation: 'relu' }),
      l.flatten(),
      l.dense({ units: 3 }),
    );
    const path = await writeTfjs(randomised(model), place('channels-first'));
    const json = JSON.parse(readFileSync(join(path, 'model.json'), 'utf8'));
    const list = json.modelTopology.model_config?.config.layers ?? json.modelTopology.config.layers;
    list[0].config.batch_input_shape = [null, 4, 9, 8];
    for (const { config } of list) if (config.data_format) config.data_format = 'channels_first';
    list.find((layer: any) => layer.class_name === 'Flatten').config.data_format = 'channels_first';
    writeFileSync(join(path, 'model.json'), JSON.stringify(json));
    const network = await loadNetwork(path);
    expect(network.layout).toMatchObject({ channelAxis: 1, heightAxis: 2 });
    const given = samples([2, 9, 8, 4]);
    const moved = tf.transpose(tf.tensor(given.data, [2, 9, 8, 4]), [0, 3, 1, 2]);
    const found = await outputsOf(network, {
      [network.input]: { data: moved.dataSync() as Float32Array, shape: [2, 4, 9, 8] },
    });
    const expected = predicted(model, [given])[0]!.data;
    found.forEach((x, i) => expect(x).toBeCloseTo(expected[i]!, 4));
  });
});

describe('how layers are connected', () => {
  const branched = () => {
    const input = layers.input({ shape: image, name: 'picture' });
    const stem = l
      .conv2d({ filters: 4, kernelSize: 3, padding: 'same', name: 'stem' })
      .apply(input) as layers.SymbolicTensor;
    const left = l.conv2d({ filters: 4, kernelSize: 1, name: 'left' }).apply(stem) as layers.SymbolicTensor;
    const right = l
      .conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu', name: 'right' })
      .apply(stem) as layers.SymbolicTensor;
    const parts = [
      l.add().apply([left, right, stem]),
      l.average().apply([left, right]),
      l.maximum().apply([left, stem]),
      l.multiply().apply([left, right, stem]),
      l.minimum().apply([left, right]),
    ];
    const joined = l.concatenate().apply(parts as layers.SymbolicTensor[]) as layers.SymbolicTensor;
    const pooled = l.globalAveragePooling2d({ name: 'pooled' }).apply(joined) as layers.SymbolicTensor;
    return layers.model({
      inputs: input,
      outputs: l.dense({ units: 3, name: 'head' }).apply(pooled) as layers.SymbolicTensor,
    });
  };
  it('branches that are added, averaged, multiplied, compared and joined stay channels-first inside', async () => {
    expect(await difference(branched())).toBeLessThan(3e-6);
    const network = await loadNetwork(last);
    expect(network.nodes.filter(({ op }) => op === 'transpose').length).toBe(1);
  });
  it('concatenates along other axes', async () => {
    const input = layers.input({ shape: image });
    const conv = l.conv2d({ filters: 4, kernelSize: 1 }).apply(input) as layers.SymbolicTensor;
    const output = l.concatenate({ axis: 2 }).apply([conv, input]) as layers.SymbolicTensor;
    expect(await difference(layers.model({ inputs: input, outputs: output }))).toBeLessThan(3e-6);
  });
  it('dot products of vectors and of sequences', async () => {
    const [a, b] = [layers.input({ shape: [5], name: 'a' }), layers.input({ shape: [5], name: 'b' })];
    const vectors = layers.model({
      inputs: [a, b],
      outputs: l.dot({ axes: 1 }).apply([a, b]) as layers.SymbolicTensor,
    });
    expect(await difference(vectors)).toBeLessThan(3e-6);
    const [c, d] = [layers.input({ shape: [4, 5], name: 'c' }), layers.input({ shape: [3, 5], name: 'd' })];
    const sequences = layers.model({
      inputs: [c, d],
      outputs: l.dot({ axes: 2 }).apply([c, d]) as layers.SymbolicTensor,
    });
    expect(await difference(sequences)).toBeLessThan(3e-6);
  });
  it('a shared layer is one entry per use', async () => {
    const [a, b] = [layers.input({ shape: [5], name: 'a' }), layers.input({ shape: [5], name: 'b' })];
    const shared = l.dense({ units: 3, activation: 'tanh', name: 'shared' });
    const outputs = l
      .add()
      .apply([shared.apply(a), shared.apply(b)] as layers.SymbolicTensor[]) as layers.SymbolicTensor;
    expect(await difference(layers.model({ inputs: [a, b], outputs }))).toBeLessThan(3e-6);
    const network = await loadNetwork(last);
    expect(layersOf(network).map(({ name }) => name)).toEqual(['shared', 'shared#2']);
    expect(network.parameterCount).toBe(18);
    expect(network.input).toBe('a');
    expect(network.otherInputs).toEqual(['b']);
    expect((await loadNetwork(last, { input: 'b' })).otherInputs).toEqual(['a']);
  });
  it('models within models, used twice', async () => {
    expect(await difference(nestedModel())).toBeLessThan(3e-6);
    const network = await loadNetwork(last);
    expect(layersOf(network).map(({ name }) => name)).toEqual([
      'inner/first',
      'inner/second',
      'inner/first#2',
      'inner/second#2',
    ]);
  });
  it('the user picks one of several outputs, or the value of any layer', async () => {
    const input = layers.input({ shape: image });
    const conv = l.conv2d({ filters: 2, kernelSize: 2, name: 'features' }).apply(input) as layers.SymbolicTensor;
    const flat = l.flatten().apply(conv) as layers.SymbolicTensor;
    const [one, two] = [
      l.dense({ units: 2, name: 'one' }).apply(flat),
      l.dense({ units: 3, name: 'two' }).apply(flat),
    ] as layers.SymbolicTensor[];
    const model = layers.model({ inputs: input, outputs: [one!, two!] });
    expect(await difference(model)).toBeLessThan(3e-6);
    expect(await difference(model, { output: 'two' }, 1)).toBeLessThan(3e-6);
    const middle = layers.model({ inputs: input, outputs: conv });
    const path = await writeTfjs(model, place('middle'));
    const found = await outputsOf(await loadNetwork(path, { output: 'features' }), {
      [model.inputNames[0]!]: samples([2, ...image]),
    });
    const expected = predicted(middle, [samples([2, ...image])])[0]!.data;
    found.forEach((x, i) => expect(x).toBeCloseTo(expected[i]!, 4));
    await expect(loadNetwork(path, { output: 'featurs' })).rejects.toMatchObject({
      exitCode: 2,
      hint: 'Did you mean "features"?',
    });
  });
});

describe('weights beside the model', () => {
  const model = () => inARow([6], l.dense({ units: 50, activation: 'relu' }), l.dense({ units: 3 }));
  it('in several shards of any name', async () => {
    const made = randomised(model());
    const path = await writeTfjs(made, place('shards'), { shardBytes: 100, shardName: (i) => `./part ${i}` });
    const found = await outputsOf(await loadNetwork(path), { [made.inputNames[0]!]: samples([2, 6]) });
    const expected = predicted(made, [samples([2, 6])])[0]!.data;
    found.forEach((x, i) => expect(x).toBeCloseTo(expected[i]!, 4));
  });
  it.each([
    ['uint8', 0.03],
    ['uint16', 2e-4],
    ['float16', 3e-3],
  ] as [Quantization, number][])('stored as %s', async (quantization, tolerance) => {
    const made = randomised(model());
    const path = await writeTfjs(made, place(quantization), { quantization });
    const found = await outputsOf(await loadNetwork(path), { [made.inputNames[0]!]: samples([2, 6]) });
    const expected = predicted(made, [samples([2, 6])])[0]!.data;
    const scale = Math.max(...expected.map(Math.abs));
    const error = Math.max(...found.map((x, i) => Math.abs(x - expected[i]!))) / scale;
    expect(error).toBeLessThan(tolerance);
    expect(error).toBeGreaterThan(tolerance / 1e4);
  });
  it('names what is missing', async () => {
    const path = await writeTfjs(randomised(model()), place('missing'));
    rmSync(join(path, 'group1-shard1of1.bin'));
    await expect(loadNetwork(path)).rejects.toThrow(/needs "group1-shard1of1.bin" beside it: there is no such file/);
  });
});

describe('what is refused', () => {
  const changed = async (
    change: (list: any[], json: any) => void,
    model = inARow([6], l.dense({ units: 3, name: 'fc' })),
  ) => {
    const path = await writeTfjs(randomised(model), place());
    const json = JSON.parse(readFileSync(join(path, 'model.json'), 'utf8'));
    change((json.modelTopology.model_config ?? json.modelTopology).config.layers, json);
    writeFileSync(join(path, 'model.json'), JSON.stringify(json));
    return loadNetwork(path);
  };
  it('code in layers, by name', async () => {
    await expect(changed((list) => (list[1].class_name = 'Lambda'))).rejects.toThrow(
      /Unsupported op "Lambda" \(it holds program code\) at node "fc".*Supported: .*Dense/,
    );
  });
  it('unknown layers and activation functions', async () => {
    await expect(changed((list) => (list[1].class_name = 'Capsule'))).rejects.toThrow(/"Capsule" at node "fc"/);
    await expect(changed((list) => (list[1].config.activation = 'rellu'))).rejects.toThrow(
      /its activation "rellu"; the nearest that is supported is "relu"/,
    );
  });
  it('circular connections', async () => {
    await expect(changed((list) => (list[1].inbound_nodes = [[['fc', 0, 0, {}]]]))).rejects.toThrow(
      /circular: the layer "fc" depends on itself/,
    );
  });
  it('weights that lead out of the folder', async () => {
    await expect(changed((_, json) => (json.weightsManifest[0].paths = ['../secret.bin']))).rejects.toThrow(
      /outside its folder; it was not read/,
    );
  });
  it('missing weights, and weights of another shape', async () => {
    await expect(changed((_, json) => (json.weightsManifest[0].weights[0].name = 'fc/other'))).rejects.toThrow(
      /lacks the weight "kernel" of the layer "fc"/,
    );
    await expect(changed((_, json) => (json.weightsManifest[0].weights[0].shape = [3, 6]))).rejects.toThrow(
      /dense layer of 3 inputs met/,
    );
  });
  it('free sizes, with how to give them', async () => {
    await expect(changed((list) => (list[0].config.batch_input_shape = [null, null]))).rejects.toMatchObject({
      exitCode: 2,
      hint: 'Give its shape, for example --input-shape 1,16.',
    });
  });
});
