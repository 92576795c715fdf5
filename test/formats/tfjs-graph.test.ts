import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadNetwork } from '../../analysis/formats/index.ts';
import type { Backend, Tensor } from '../../analysis/kernels/kernels.ts';
import { onnxruntimeBackend } from '../../analysis/kernels/onnxruntime.ts';
import { writeGraph, whole, type GraphJson } from './graph-json.ts';
import { samples, tf } from './keras-files.ts';
import { fileOutputs, relativeDifference } from './written.ts';

let backend: Backend;
let folder: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  backend = onnxruntimeBackend();
  folder = mkdtempSync(join(tmpdir(), 'tfjs-graph-'));
});
afterAll(async () => {
  await backend.dispose();
  rmSync(folder, { recursive: true, force: true });
});

type T4 = tf.Tensor4D;
type Case = Pick<GraphJson, 'nodes' | 'constants'> & {
  readonly expected: (x: T4, c: Record<string, tf.Tensor>) => tf.Tensor;
};

const pairs = (...numbers: number[]): Tensor & { integer: true } => ({
  ...whole(...numbers),
  shape: [numbers.length / 2, 2],
});
const none = { ...whole(0) };
const nhwc = { data_format: 'NHWC' };
const ones = [1, 1, 1, 1];
const kernel = samples([3, 3, 4, 5], 2);
const scalar = (value: number): Tensor => ({ data: Float32Array.of(value), shape: [] });

/** One op (or a few) on a picture [n, 6, 8, 4], behind a convolution that leaves it channels-first inside. */
const cases: Record<string, Case> = {
  'convolution with explicit pads and dilations': {
    constants: { w: kernel },
    nodes: [
      [
        'Conv2D',
        'y',
        ['x', 'w'],
        {
          strides: ones,
          dilations: [1, 2, 1, 1],
          padding: 'EXPLICIT',
          explicit_paddings: [0, 0, 1, 2, 0, 1, 0, 0],
          ...nhwc,
        },
      ],
    ],
    expected: (x, { w }) =>
      tf.conv2d(
        tf.pad(x, [
          [0, 0],
          [1, 2],
          [0, 1],
          [0, 0],
        ]),
        w as T4,
        1,
        'valid',
        'NHWC',
        [2, 1],
      ),
  },
  'transposed convolution': {
    constants: { w: samples([3, 3, 2, 4], 3), size: whole(1, 12, 16, 2) },
    nodes: [['Conv2DBackpropInput', 'y', ['size', 'w', 'x'], { strides: [1, 2, 2, 1], padding: 'SAME', ...nhwc }]],
    expected: (x, { w }) => tf.conv2dTranspose(x, w as T4, [x.shape[0], 12, 16, 2], 2, 'same'),
  },
  'fused depthwise convolution with ReLU6': {
    constants: { w: samples([3, 3, 4, 2], 4), b: samples([8], 5) },
    nodes: [
      [
        'FusedDepthwiseConv2dNative',
        'y',
        ['x', 'w', 'b'],
        { strides: [1, 2, 2, 1], padding: 'SAME', fused_ops: ['BiasAdd', 'Relu6'], ...nhwc },
      ],
    ],
    expected: (x, { w, b }) => tf.relu6(tf.add(tf.depthwiseConv2d(x, w as T4, 2, 'same'), b!)),
  },
  'average pooling': {
    nodes: [['AvgPool', 'y', ['x'], { ksize: [1, 3, 3, 1], strides: [1, 2, 2, 1], padding: 'SAME', ...nhwc }]],
    expected: (x) => tf.avgPool(x, 3, 2, 'same'),
  },
  'mirrored pads': {
    constants: { p: pairs(0, 0, 2, 1, 0, 3, 0, 0) },
    nodes: [
      ['MirrorPad', 'a', ['x', 'p'], { mode: 'REFLECT' }],
      ['MirrorPad', 'y', ['a', 'p'], { mode: 'SYMMETRIC' }],
    ],
    expected: (x) =>
      tf.mirrorPad(
        tf.mirrorPad(
          x,
          [
            [0, 0],
            [2, 1],
            [0, 3],
            [0, 0],
          ],
          'reflect',
        ),
        [
          [0, 0],
          [2, 1],
          [0, 3],
          [0, 0],
        ],
        'symmetric',
      ),
  },
  'pads of a number': {
    constants: { p: pairs(0, 0, 2, 1, 0, 3, 1, 0), v: scalar(0.5) },
    nodes: [['PadV2', 'y', ['x', 'p', 'v']]],
    expected: (x) =>
      tf.pad(
        x,
        [
          [0, 0],
          [2, 1],
          [0, 3],
          [1, 0],
        ],
        0.5,
      ),
  },
  ...Object.fromEntries(
    [
      [false, false],
      [true, false],
      [false, true],
    ].flatMap(([align, half]) => [
      [
        `bilinear resizing, corners ${align}, centres ${half}`,
        {
          constants: { s: whole(9, 5) },
          nodes: [['ResizeBilinear', 'y', ['x', 's'], { align_corners: align!, half_pixel_centers: half! }]],
          expected: (x) => tf.image.resizeBilinear(x, [9, 5], align, half),
        } satisfies Case,
      ],
      [
        `nearest resizing, corners ${align}, centres ${half}`,
        {
          constants: { s: whole(9, 5) },
          nodes: [['ResizeNearestNeighbor', 'y', ['x', 's'], { align_corners: align!, half_pixel_centers: half! }]],
          expected: (x) => tf.image.resizeNearestNeighbor(x, [9, 5], align, half),
        } satisfies Case,
      ],
    ]),
  ),
  'means without and with their axes': {
    constants: { a: whole(1, 2), b: whole(-1) },
    nodes: [
      ['Mean', 'm', ['x', 'a'], { keep_dims: true }],
      ['Sub', 's', ['x', 'm']],
      ['Mean', 'n', ['s', 'b'], { keep_dims: false }],
      ['Abs', 'y', ['n']],
    ],
    expected: (x) => tf.abs(tf.mean(tf.sub(x, tf.mean(x, [1, 2], true)), -1)),
  },
  'sum, largest, smallest': {
    constants: { a: whole(3), b: whole(1) },
    nodes: [
      ['Sum', 's', ['x', 'a'], { keep_dims: true }],
      ['Max', 'm', ['s', 'b'], { keep_dims: false }],
      ['Min', 'y', ['m', 'b'], { keep_dims: false }],
    ],
    expected: (x) => tf.min(tf.max(tf.sum(x, 3, true), 1), 1),
  },
  'strided slices with masks': {
    constants: { b: whole(0, 1, -2, 0), e: whole(0, 6, -1, 3), s: whole(1, 2, 1, 1) },
    nodes: [['StridedSlice', 'y', ['x', 'b', 'e', 's'], { begin_mask: 1, end_mask: 1, shrink_axis_mask: 4 }]],
    expected: (x) => tf.squeeze(tf.stridedSlice(x, [0, 1, 6, 0], [x.shape[0], 6, 7, 3], [1, 2, 1, 1]), [2]),
  },
  slices: {
    constants: { b: whole(0, 1, 2, 1), z: whole(-1, 3, -1, 2) },
    nodes: [['Slice', 'y', ['x', 'b', 'z']]],
    expected: (x) => tf.slice(x, [0, 1, 2, 1], [-1, 3, -1, 2]),
  },
  'splits joined in another order': {
    constants: { a: { ...whole(3), shape: [] }, b: { ...whole(1), shape: [] } },
    nodes: [
      ['Split', 's', ['a', 'x'], { num_split: 2 }],
      ['ConcatV2', 'y', ['s:1', 's', 'b'], { N: 2 }],
    ],
    expected: (x) => tf.concat(tf.split(x, 2, 3).toReversed(), 1),
  },
  'parts unpacked and packed': {
    nodes: [
      ['Unpack', 'u', ['x'], { axis: 3, num: 4 }],
      ['Pack', 'y', ['u:2', 'u', 'u:1'], { axis: 1, N: 3 }],
    ],
    expected: (x) => {
      const u = tf.unstack(x, 3);
      return tf.stack([u[2]!, u[0]!, u[1]!], 1);
    },
  },
  'depth to space': {
    nodes: [['DepthToSpace', 'y', ['x'], { block_size: 2, ...nhwc }]],
    expected: (x) => tf.depthToSpace(x, 2, 'NHWC'),
  },
  'local response normalisation': {
    nodes: [['LRN', 'y', ['x'], { depth_radius: 1, bias: 1.5, alpha: 0.3, beta: 0.75 }]],
    expected: (x) => tf.localResponseNormalization(x, 1, 1.5, 0.3, 0.75),
  },
  'transposes, matrix products and softmax, as attention has them': {
    constants: { p: whole(0, 3, 1, 2), s: whole(-1, 4, 48), q: whole(0, 2, 1) },
    nodes: [
      ['Transpose', 't', ['x', 'p']],
      ['Reshape', 'r', ['t', 's']],
      ['BatchMatMulV2', 'm', ['r', 'r'], { adj_x: false, adj_y: true }],
      ['Softmax', 'w', ['m']],
      ['BatchMatMulV2', 'v', ['w', 'r'], { adj_x: false, adj_y: false }],
      ['Transpose', 'y', ['v', 'q']],
    ],
    expected: (x) => {
      const r = tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [-1, 4, 48]);
      return tf.transpose(tf.matMul(tf.softmax(tf.matMul(r, r, false, true)), r), [0, 2, 1]);
    },
  },
  'Einstein sums of values and of weights': {
    constants: { k: samples([4, 2, 3], 11), n: samples([2, 3, 5], 12) },
    nodes: [
      ['Einsum', 'q', ['x', 'k'], { equation: 'bhwc,cde->bhwde' }],
      ['Einsum', 's', ['q', 'q'], { equation: 'bhwde,bhvde->bdhwv' }],
      ['Einsum', 'm', ['s', 'q'], { equation: 'bdhwv,bhvde->bhwde' }],
      ['Einsum', 'y', ['m', 'n'], { equation: 'bhwde,def->bhwf' }],
    ],
    expected: (x, { k, n }) => {
      const q = tf.einsum('bhwc,cde->bhwde', x, k!);
      const s = tf.matMul(tf.transpose(q, [0, 3, 1, 2, 4]), tf.transpose(q, [0, 3, 1, 4, 2]));
      const m = tf.transpose(tf.matMul(s, tf.transpose(q, [0, 3, 1, 2, 4])), [0, 2, 3, 1, 4]);
      return tf.einsum('bhwde,def->bhwf', m, n!);
    },
  },
  'normalisation with its statistics in two terms': {
    constants: { a: whole(1, 2), e: scalar(1e-3), g: samples([4], 8), b: samples([4], 9) },
    nodes: [
      ['Mean', 'm', ['x', 'a'], { keep_dims: true }],
      ['SquaredDifference', 'd', ['x', 'm']],
      ['Mean', 'v', ['d', 'a'], { keep_dims: true }],
      ['AddV2', 'w', ['v', 'e']],
      ['Rsqrt', 'r', ['w']],
      ['Mul', 'f', ['r', 'g']],
      ['Mul', 'p', ['x', 'f']],
      ['Mul', 'q', ['m', 'f']],
      ['Sub', 's', ['b', 'q']],
      ['AddV2', 'y', ['p', 's']],
    ],
    expected: (x, { g, b }) => {
      const { mean, variance } = tf.moments(x, [1, 2], true);
      return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-3))), g!), b!);
    },
  },
  'arithmetic with numbers and channels': {
    constants: { c: samples([4], 6), h: scalar(0.5), z: scalar(0) },
    nodes: [
      ['Mul', 'a', ['x', 'c']],
      ['RealDiv', 'b', ['a', 'h']],
      ['Maximum', 'd', ['b', 'z']],
      ['Minimum', 'e', ['d', 'h']],
      ['Neg', 'f', ['e']],
      ['Square', 'y', ['f']],
    ],
    expected: (x, { c }) => tf.square(tf.neg(tf.minimum(tf.maximum(tf.div(tf.mul(x, c!), 0.5), 0), 0.5))),
  },
  'gathering, tiling, reversing': {
    constants: { i: whole(2, 0, 0), a: { ...whole(3), shape: [] }, m: whole(1, 2, 1, 1), r: whole(2) },
    nodes: [
      ['GatherV2', 'g', ['x', 'i', 'a']],
      ['Tile', 't', ['g', 'm']],
      ['ReverseV2', 'y', ['t', 'r']],
    ],
    expected: (x) => tf.reverse(tf.tile(tf.gather(x, tf.tensor1d([2, 0, 0], 'int32'), 3), [1, 2, 1, 1]), 2),
  },
  'parametric ReLU': {
    constants: { s: { ...samples([4], 3), shape: [1, 1, 4] } },
    nodes: [['Prelu', 'y', ['x', 's']]],
    expected: (x, { s }) => tf.prelu(x, s!),
  },
};

describe('ops as TensorFlow.js computes them', () => {
  it.each(Object.keys(cases))('%s', async (name) => {
    const { nodes, constants = {}, expected } = cases[name]!;
    // A 1×1 convolution in front leaves the value channels-first; the other run reads the input itself.
    for (const behind of [false, true]) {
      const point = samples([1, 1, 4, 4], 11);
      const front = [['Conv2D', 'x', ['in', 'point'], { strides: ones, padding: 'SAME', ...nhwc }]] as const;
      const path = writeGraph(join(folder, `${name}${behind}`), {
        inputs: { [behind ? 'in' : 'x']: [1, 6, 8, 4] },
        constants: behind ? { ...constants, point } : constants,
        nodes: behind ? [...front, ...nodes] : nodes,
      });
      const given = samples([1, 6, 8, 4], 1);
      const network = await loadNetwork(path);
      const found = await fileOutputs(network, backend, { [network.input]: given });
      const known = Object.fromEntries(
        Object.entries(constants).map(([key, { data, shape }]) => [key, tf.tensor(data, shape as number[])]),
      );
      const input = tf.tensor4d(given.data, [1, 6, 8, 4]);
      const x = behind ? tf.conv2d(input, tf.tensor4d(point.data, [1, 1, 4, 4]), 1, 'same') : input;
      expect(relativeDifference(found.data, expected(x, known).dataSync())).toBeLessThan(5e-6);
    }
  });
});

describe('what a graph says', () => {
  it('a placeholder with a default is that default, and both ends are outputs', async () => {
    const path = writeGraph(join(folder, 'default'), {
      inputs: { x: [1, 4] },
      constants: { w: samples([4, 3]), v: samples([3, 2]) },
      nodes: [
        ['MatMul', 'features', ['x', 'w']],
        ['PlaceholderWithDefault', 'given', ['features']],
        ['MatMul', 'y', ['given', 'v']],
      ],
    });
    const network = await loadNetwork(path);
    expect([network.output, network.otherOutputs]).toEqual(['y', ['features']]);
    expect((await loadNetwork(path, { output: 'features' })).output).toBe('features');
  });
  it('an op that is not supported is refused by name, and what does not depend on it can be explained', async () => {
    const path = writeGraph(join(folder, 'refused'), {
      inputs: { x: [1, 4] },
      constants: { k: none },
      nodes: [
        ['TopKV2', 'best', ['x', 'k']],
        ['Relu', 'y', ['x']],
        ['Neg', 'z', ['best']],
      ],
    });
    await expect(loadNetwork(path, { output: 'z' })).rejects.toThrow(
      /Unsupported op "TopKV2" at node "best" in model.json. Supported: .*Conv2D/,
    );
    expect((await loadNetwork(path, { output: 'y' })).output).toBe('y');
  });
});
