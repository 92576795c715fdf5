import { describe, expect, it } from 'vitest';
import { loadNetwork } from '../../analysis/formats/index.ts';
import { canonical } from '../../analysis/network/canonical.ts';
import { layersOf, type Layer } from '../../analysis/network/layers.ts';
import { nodeOf, type Network } from '../../analysis/network/network.ts';
import { floats, hasShared, networkFrom, normals, onnxNode, sharedPath, type WrittenGraph } from '../formats/models.ts';

const n = onnxNode;
const conv = (input: string, output: string, weight: string) =>
  n('Conv', [input, weight], [output], { pads: [0, 0, 0, 0] }, output);
const weights = (...names: string[]) => names.map((name) => normals(name, [2, 2, 1, 1]));
const image = { x: [1, 2, 4, 4] };

function layersFrom(graph: WrittenGraph): { network: Network; layers: Layer[]; ops: (layer: Layer) => string[] } {
  const network = canonical(networkFrom(graph));
  const layers = layersOf(network);
  return { network, layers, ops: ({ nodes }) => nodes.map((id) => nodeOf(network, id).op) };
}

describe('layers', () => {
  it('take the normalisation, activation and pooling behind them; the activity stands before the activation', () => {
    const { layers, ops } = layersFrom({
      nodes: [
        conv('x', 'a', 'conv1.weight'),
        n('InstanceNormalization', ['a', 'norm.weight', 'norm.bias'], ['b']),
        n('Relu', ['b'], ['c']),
        n('MaxPool', ['c'], ['d'], { kernel_shape: [2, 2], strides: [2, 2] }),
        n('Flatten', ['d'], ['e']),
        n('Gemm', ['e', 'fc.weight', 'fc.bias'], ['y']),
      ],
      initializers: [
        ...weights('conv1.weight'),
        floats('norm.weight', [2], [1, 2]),
        floats('norm.bias', [2], [3, 4]),
        normals('fc.weight', [8, 3]),
        normals('fc.bias', [3]),
      ],
      inputs: image,
    });
    expect(layers.map(({ name, op, index }) => [name, op, index])).toEqual([
      ['conv1', 'conv', 0],
      ['fc', 'dense', 1],
    ]);
    expect(ops(layers[0]!)).toEqual(['conv', 'instance-norm', 'relu', 'max-pool', 'reshape']);
    expect(layers[0]).toMatchObject({
      node: 'a',
      activity: 'b',
      output: 'd',
      inputShape: [2, 4, 4],
      outputShape: [2, 2, 2],
      parameterCount: 8,
    });
    expect(layers[1]).toMatchObject({
      node: 'y',
      activity: 'y',
      output: 'y',
      inputShape: [8],
      outputShape: [3],
      parameterCount: 27,
    });
  });

  it('of a node used twice are two, the second called #2', () => {
    const { layers } = layersFrom({
      nodes: [conv('x', 'a', 'shared.weight'), n('Relu', ['a'], ['b']), conv('b', 'y', 'shared.weight')],
      initializers: weights('shared.weight'),
      inputs: image,
    });
    expect(layers.map(({ name }) => name)).toEqual(['shared', 'shared#2']);
  });

  it('give a sum to the deeper of the two paths that meet in it', () => {
    const { layers, ops } = layersFrom({
      nodes: [
        conv('x', 'a', 'c1.weight'),
        n('Relu', ['a'], ['b']),
        conv('b', 'c', 'c2.weight'),
        conv('x', 's', 'shortcut.weight'),
        n('Add', ['c', 's'], ['d']),
        n('Relu', ['d'], ['y']),
      ],
      initializers: weights('c1.weight', 'c2.weight', 'shortcut.weight'),
      inputs: image,
    });
    expect(layers.map(({ name }) => name)).toEqual(['c1', 'c2', 'shortcut']);
    expect(ops(layers[1]!)).toEqual(['conv', 'add', 'relu']);
    expect(layers[1]).toMatchObject({ activity: 'd', output: 'y' });
    expect(layers[2]).toMatchObject({ activity: 's', output: 's' });
  });

  it('end where their value leaves, before the pooling of a squeeze and excitation', () => {
    const { layers, ops } = layersFrom({
      nodes: [
        conv('x', 'a', 'c1.weight'),
        n('Relu', ['a'], ['b']),
        n('GlobalAveragePool', ['b'], ['pooled']),
        conv('pooled', 'c', 'squeeze.weight'),
        n('Sigmoid', ['c'], ['gate']),
        n('Mul', ['b', 'gate'], ['y']),
      ],
      initializers: weights('c1.weight', 'squeeze.weight'),
      inputs: image,
    });
    expect(ops(layers[0]!)).toEqual(['conv', 'relu', 'average-pool']);
    expect(layers[0]).toMatchObject({ activity: 'a', output: 'b' });
    expect(layers[1]).toMatchObject({ activity: 'c', output: 'y' });
  });

  it('give a leading normalisation a layer of its own, and what leads without constants to the first', () => {
    const leading = layersFrom({
      nodes: [n('Sub', ['x', 'mean'], ['a']), n('Div', ['a', 'deviation'], ['b']), conv('b', 'y', 'c1.weight')],
      initializers: [floats('mean', [2, 1, 1], [1, 2]), floats('deviation', [], [3]), ...weights('c1.weight')],
      inputs: image,
    });
    expect(leading.layers.map(({ name, op }) => [name, op])).toEqual([
      ['a', 'subtract'],
      ['c1', 'conv'],
    ]);
    expect(leading.ops(leading.layers[0]!)).toEqual(['subtract', 'divide']);
    expect(leading.layers[0]!.parameterCount).toBe(2);
    const shaped = layersFrom({
      nodes: [n('Tanh', ['x'], ['a']), conv('a', 'y', 'c1.weight')],
      initializers: weights('c1.weight'),
      inputs: image,
    });
    expect(shaped.layers).toHaveLength(1);
    expect(shaped.ops(shaped.layers[0]!)).toEqual(['tanh', 'conv']);
    expect(shaped.layers[0]!.node).toBe('y');
  });

  it('exist even where nothing has weights', () => {
    const { layers, ops } = layersFrom({ nodes: [n('Exp', ['x'], ['a']), n('Neg', ['a'], ['y'])] });
    expect(layers).toHaveLength(1);
    expect(ops(layers[0]!)).toEqual(['exp', 'neg']);
  });
});

describe.skipIf(!hasShared)('layers of trained networks', () => {
  it.each([
    ['resnet-cifar10/resnet20_cifar10.onnx', 22],
    ['squeezenet-v1.0-imagenet/squeezenet1.0.onnx', 26],
    ['ultraface-rfb320-onnx/version-RFB-320.onnx', 52],
    ['cifar10-2conv-tf-tutorial/cifar10_2conv_lrn.onnx', 5],
  ])('of %s hold every node once and every parameter', async (path, count) => {
    const network = await loadNetwork(sharedPath(`models/${path}`));
    const layers = layersOf(network);
    expect(layers).toHaveLength(count);
    const nodes = layers.flatMap((layer) => layer.nodes);
    const all = network.nodes.filter(({ op }) => op !== 'input' && op !== 'constant').map(({ id }) => id);
    expect(nodes.toSorted()).toEqual(all.toSorted());
    expect(layers.reduce((sum, layer) => sum + layer.parameterCount, 0)).toBe(network.parameterCount);
    for (const layer of layers) {
      expect(layer.nodes).toContain(layer.activity);
      expect(layer.nodes).toContain(layer.output);
    }
  });
});
