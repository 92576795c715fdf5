import { zipSync } from 'fflate';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadNetwork } from '../../analysis/formats/index.ts';
import { sizeOf, type Shape, type Tensor } from '../../analysis/kernels/kernels.ts';
import { compileMap } from '../../analysis/network/affine-map.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import { random } from '../../analysis/random.ts';
import { backends } from '../ops/op-laws.ts';
import { hdf5Bytes, samples } from './keras-files.ts';
import { fileOutputs, relativeDifference } from './written.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keras-operations-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const backend = backends[0]!;

type Json = Record<string, any>;
const tensorOf = (name: string): Json => ({
  class_name: '__keras_tensor__',
  config: { shape: [null], dtype: 'float32', keras_history: [name, 0, 0] },
});
const input = (name: string, shape: Shape): Json => ({
  module: 'keras.layers',
  class_name: 'InputLayer',
  name,
  config: { name, batch_shape: [null, ...shape] },
  inbound_nodes: [],
});
const node = (
  module: string,
  kind: string,
  name: string,
  args: unknown[],
  { config = {}, kwargs = {} }: Json = {},
): Json => ({
  module,
  class_name: kind,
  name,
  config: { name, ...config },
  inbound_nodes: [{ args, kwargs }],
});
const operation = (kind: string, args: unknown[], more: Json = {}): Json =>
  node('keras.src.ops.numpy', kind, 'out', args, more);

/** A Keras 3 file of these layers, from `x` to the last one; weights by their paths in it. */
async function keras3(list: Json[], weights: Record<string, Tensor> = {}): Promise<string> {
  const bytes = await hdf5Bytes((file) => {
    for (const [path, { data, shape }] of Object.entries({
      'layers/none/vars/0': { data: new Float32Array(1), shape: [1] },
      ...weights,
    })) {
      let group: any = file;
      const tokens = path.split('/');
      for (const token of tokens.slice(0, -1)) group = group.get(token) ?? group.create_group(token);
      group.create_dataset({ name: tokens.at(-1)!, data, shape: [...shape], dtype: '<f' });
    }
  });
  const config = {
    module: 'keras',
    class_name: 'Functional',
    config: { name: 'net', layers: list, input_layers: [['x', 0, 0]], output_layers: [[list.at(-1)!['name'], 0, 0]] },
  };
  const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const path = join(folder, `net${count++}.keras`);
  writeFileSync(
    path,
    zipSync({
      'metadata.json': text({ keras_version: '3.5.0' }),
      'config.json': text(config),
      'model.weights.h5': bytes,
    }),
  );
  return path;
}

const x: Tensor = { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [1, 2, 3] };
const outputOf = async (path: string): Promise<{ data: number[]; shape: Shape }> => {
  const network = await loadNetwork(path);
  const { data, shape } = await fileOutputs(network, backend, { x });
  return { data: [...data], shape };
};
const X = tensorOf('x');
const slice = (start: number | null, stop: number | null): Json => ({
  class_name: '__slice__',
  config: { start, stop, step: null },
});
const tuple = (...items: unknown[]): Json => ({ class_name: '__tuple__', items });

describe('operations of Keras 3', () => {
  it.each<[string, Json, number[], number[]]>([
    ['a number added', operation('Add', [X, 2]), [3, 4, 5, 6, 7, 8], [1, 2, 3]],
    ['a value added to itself', operation('Add', [X, X]), [2, 4, 6, 8, 10, 12], [1, 2, 3]],
    ['a number before the value', operation('Subtract', [1, X]), [0, -1, -2, -3, -4, -5], [1, 2, 3]],
    ['numbers by position', operation('Multiply', [X, [1, 10, 100]]), [1, 20, 300, 4, 50, 600], [1, 2, 3]],
    ['a quotient', operation('TrueDivide', [X, 2]), [0.5, 1, 1.5, 2, 2.5, 3], [1, 2, 3]],
    ['a mean', operation('Mean', [X], { config: { axis: 1, keepdims: false } }), [2.5, 3.5, 4.5], [1, 3]],
    ['a sum over the last axis', operation('Sum', [X], { config: { axis: -1, keepdims: true } }), [6, 15], [1, 2, 1]],
    ['another shape', operation('Reshape', [X], { config: { newshape: [-1, 6] } }), [1, 2, 3, 4, 5, 6], [1, 6]],
    [
      'axes in another order',
      operation('Transpose', [X], { config: { axes: [0, 2, 1] } }),
      [1, 4, 2, 5, 3, 6],
      [1, 3, 2],
    ],
    ['the last step', operation('GetItem', [X, tuple(slice(null, null), -1)]), [4, 5, 6], [1, 3]],
    [
      'the first two features',
      operation('GetItem', [X, tuple({ class_name: '__ellipsis__', config: {} }, slice(null, 2))]),
      [1, 2, 4, 5],
      [1, 2, 2],
    ],
    [
      'joined',
      operation('Concatenate', [[X, X]], { config: { axis: 1 } }),
      [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6],
      [1, 4, 3],
    ],
    ['a product of matrices', operation('Matmul', [X, [[1], [0], [2]]]), [7, 16], [1, 2, 1]],
    [
      'values stacked',
      operation('Stack', [[X, X]], { config: { axis: 1 } }),
      [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6],
      [1, 2, 2, 3],
    ],
    ['an axis backwards', operation('Flip', [X], { config: { axis: -1 } }), [3, 2, 1, 6, 5, 4], [1, 2, 3]],
    ['an axis moved on', operation('Roll', [X], { config: { shift: 1, axis: 2 } }), [3, 1, 2, 6, 4, 5], [1, 2, 3]],
    [
      'entries repeated',
      operation('Repeat', [X], { config: { repeats: 2, axis: 2 } }),
      [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6],
      [1, 2, 6],
    ],
    ['entries taken', operation('Take', [X, [2, -3]], { config: { axis: 2 } }), [3, 1, 6, 4], [1, 2, 2]],
    [
      'a border',
      operation('Pad', [X], {
        config: {
          pad_width: [
            [0, 0],
            [1, 0],
            [0, 1],
          ],
          mode: 'constant',
        },
        kwargs: { constant_values: 9 },
      }),
      [9, 9, 9, 9, 1, 2, 3, 9, 4, 5, 6, 9],
      [1, 3, 4],
    ],
    [
      'numbers kept between two',
      operation('Clip', [X], { config: { x_min: 2, x_max: 5 } }),
      [2, 2, 3, 4, 5, 5],
      [1, 2, 3],
    ],
    ['two axes swapped', operation('Swapaxes', [X], { config: { axis1: 1, axis2: 2 } }), [1, 4, 2, 5, 3, 6], [1, 3, 2]],
    [
      'an axis moved',
      operation('Moveaxis', [X], { config: { source: -1, destination: 1 } }),
      [1, 4, 2, 5, 3, 6],
      [1, 3, 2],
    ],
    ['a norm', operation('Norm', [X], { config: { ord: 1, axis: 1, keepdims: true } }), [5, 7, 9], [1, 1, 3]],
    [
      'copies',
      operation('Tile', [X], { config: { repeats: [1, 1, 2] } }),
      [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6],
      [1, 2, 6],
    ],
    [
      'an array in the call',
      operation('Add', [X, { class_name: '__numpy__', config: { value: [1, 0, 2] } }]),
      [2, 2, 5, 5, 5, 8],
      [1, 2, 3],
    ],
    [
      'a slope of its own',
      operation('LeakyRelu', [tensorOf('shifted')], { config: { negative_slope: 0.5 } }),
      [-1, -0.5, 0, 1, 2, 3],
      [1, 2, 3],
    ],
    [
      'a threshold of its own',
      operation('HardShrink', [tensorOf('shifted')], { config: { threshold: 1.5 } }),
      [-2, 0, 0, 0, 2, 3],
      [1, 2, 3],
    ],
    [
      'an Einstein sum',
      operation('Einsum', [X, [[1], [0], [2]], X], { config: { subscripts: 'bij,jk,bij->bik' } }),
      [19, 88],
      [1, 2, 1],
    ],
    ['an activation function', operation('Relu', [tensorOf('shifted')]), [0, 0, 0, 1, 2, 3], [1, 2, 3]],
  ])('%s', async (_, last, data, shape) => {
    const shifted = node('keras.src.ops.numpy', 'Add', 'shifted', [X, -3]);
    const found = await outputOf(await keras3([input('x', [2, 3]), shifted, last]));
    expect(found.data).toEqual(data);
    expect(found.shape).toEqual(shape);
  });
  it.each([
    ['abc,cd->abd', 'd', [3, 2], [2], [29, 53, 33, 60]],
    ['abc,cde->adbe', 'de', [3, 2, 1], [2, 1, 1], [29, 33, 53, 60]],
    ['abc,bcd->abd', 'bd', [2, 3, 1], [2, 1], [24, 67]],
    ['abc,cd->abd', null, [3, 2], null, [19, 33, 23, 40]],
  ] as const)('a dense layer by the sum %s with a bias along %s', async (equation, axes, kernel, bias, expected) => {
    const layer = node('keras.layers', 'EinsumDense', 'mixed', [X], {
      config: { equation, bias_axes: axes, activation: 'linear', output_shape: [] },
    });
    const weights: Record<string, Tensor> = {
      'layers/einsum_dense/vars/0': {
        data: Float32Array.of(1, 2, 3, 5, 4, 7).subarray(0, sizeOf(kernel)),
        shape: kernel,
      },
    };
    if (bias) weights['layers/einsum_dense/vars/1'] = { data: Float32Array.of(10, 20), shape: bias };
    const network = await loadNetwork(await keras3([input('x', [2, 3]), layer], weights));
    const { data } = await fileOutputs(network, backend, {
      x: { data: Float32Array.of(1, 2, 3, 4, 5, 1), shape: [1, 2, 3] },
    });
    expect([...data]).toEqual(expected);
    expect(layersOf(network).map(({ name, parameterCount }) => [name, parameterCount])).toEqual([
      ['mixed', sizeOf(kernel) + (bias ? 2 : 0)],
    ]);
  });
  it('a function whose module the file does not name is not taken for the layer of that name', async () => {
    const { module: _, ...add } = node('', 'Add', 'out', [X, 3]);
    const path = await keras3([input('x', [2, 3]), add]);
    expect((await outputOf(path)).data).toEqual([4, 5, 6, 7, 8, 9]);
    const layer = node('keras.layers', 'Add', 'out', [X, 3], { config: { trainable: true } });
    await expect(loadNetwork(await keras3([input('x', [2, 3]), layer]))).rejects.toThrow('a number in its call');
  });
  it('a scale for every channel, and depth that is dropped in training only', async () => {
    const scale = node('keras.layers', 'LayerScale', 'scale', [X], { config: { projection_dim: 3 } });
    const drop = node('keras.layers', 'StochasticDepth', 'drop', [tensorOf('scale')], {
      config: { drop_path_rate: 0.5 },
    });
    const gamma = { 'layers/layer_scale/vars/0': { data: Float32Array.of(1, 10, 100), shape: [3] } };
    const found = await outputOf(await keras3([input('x', [2, 3]), scale, drop], gamma));
    expect(found.data).toEqual([1, 20, 300, 4, 50, 600]);
  });
  it('others are refused with the list of what is supported', async () => {
    const path = await keras3([input('x', [2, 3]), operation('Cumsum', [X])]);
    await expect(loadNetwork(path)).rejects.toThrow(
      /"Cumsum" \(the function "cumsum"; supported are .*matmul.*\) at node "out"/,
    );
  });
  it('a number among values to be put together is not left out in silence', async () => {
    const path = await keras3([
      input('x', [2, 3]),
      operation('Concatenate', [[X, [[[0, 0, 0]]]]], { config: { axis: 1 } }),
    ]);
    await expect(loadNetwork(path)).rejects.toThrow('numbers among its values');
  });
  it('gelu by its approximation, where the call says so', async () => {
    const gelu = async (approximate: boolean): Promise<number[]> => [
      ...(await outputOf(await keras3([input('x', [2, 3]), operation('Gelu', [X], { config: { approximate } })]))).data,
    ];
    const exact = [0.8413447, 1.9544997, 2.9959502, 3.9998733, 4.9999986, 6];
    const tanh = [1, 2, 3, 4, 5, 6].map(
      (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
    );
    (await gelu(false)).forEach((y, i) => expect(y).toBeCloseTo(exact[i]!, 5));
    (await gelu(true)).forEach((y, i) => expect(y).toBeCloseTo(tanh[i]!, 5));
    expect(Math.abs(exact[0]! - tanh[0]!)).toBeGreaterThan(1e-4);
  });
  it('attention without weights of its own', async () => {
    const attention = node('keras.layers', 'Attention', 'mixed', [[X, X]], { config: { use_scale: true } });
    const scale = { 'layers/attention/vars/0': { data: Float32Array.of(0.5), shape: [] } };
    const { data } = await outputOf(await keras3([input('x', [2, 3]), attention], scale));
    // Scores of [1 2 3] and [4 5 6] with themselves and each other: 14, 32 and 77.
    const share = (a: number, b: number): number => 1 / (1 + Math.exp((b - a) / 2));
    const mixed = [share(14, 32), share(32, 77)].flatMap((s) => [1, 2, 3].map((x) => s * x + (1 - s) * (x + 3)));
    data.forEach((y, i) => expect(y).toBeCloseTo(mixed[i]!, 5));
  });
  it('a layer that is given a value by a name that it does not know is refused', async () => {
    const path = await keras3([
      input('x', [2, 3]),
      node('keras.layers', 'Dropout', 'out', [X], { kwargs: { mask: X } }),
    ]);
    await expect(loadNetwork(path)).rejects.toThrow('"Dropout" (the input "mask" by name) at node "out"');
  });
});

describe('functions of TensorFlow as layers of Keras 2', () => {
  it.each<[string, string, string, unknown[], number[]]>([
    ['a number', 'TFOpLambda', '__operators__.add', ['x', 0, 0, { y: 2, name: null }], [3, 4, 5, 6, 7, 8]],
    ['a value by name', 'TFOpLambda', 'math.multiply', ['x', 0, 0, { y: ['x', 0, 0] }], [1, 4, 9, 16, 25, 36]],
    ['a mean', 'TFOpLambda', 'math.reduce_mean', ['x', 0, 0, { axis: 1, keepdims: false }], [2.5, 3.5, 4.5]],
    [
      'a part',
      'SlicingOpLambda',
      '__operators__.getitem',
      ['x', 0, 0, { slice_spec: [{ start: null, stop: null, step: null }, 1] }],
      [4, 5, 6],
    ],
  ])('%s', async (_, kind, name, inbound, data) => {
    const layer = {
      class_name: kind,
      name: 'out',
      config: { name: 'out', function: name },
      inbound_nodes: [[inbound]],
    };
    expect((await outputOf(await keras3([input('x', [2, 3]), layer]))).data).toEqual(data);
  });
});

describe('a small transformer classifier of Keras', () => {
  const [steps, width, heads, size, classes] = [4, 6, 2, 3, 3];
  const draw = random(5, 'transformer');
  const normal = (...shape: number[]): Tensor => ({ data: draw.normals(sizeOf(shape)).map((v) => 0.6 * v), shape });
  const mha = 'layers/multi_head_attention';
  const weights: Record<string, Tensor> = {
    ...Object.fromEntries(
      ['query', 'key', 'value'].flatMap((part) => [
        [`${mha}/_${part}_dense/vars/0`, normal(width, heads, size)],
        [`${mha}/_${part}_dense/vars/1`, normal(heads, size)],
      ]),
    ),
    [`${mha}/_output_dense/vars/0`]: normal(heads, size, width),
    [`${mha}/_output_dense/vars/1`]: normal(width),
    'layers/layer_normalization/vars/0': normal(width),
    'layers/layer_normalization/vars/1': normal(width),
    'layers/dense/vars/0': normal(width, classes),
    'layers/dense/vars/1': normal(classes),
  };
  const attention = (kwargs: Json = {}): Json =>
    node('keras.layers', 'MultiHeadAttention', 'attention', [X, X], {
      config: { num_heads: heads, key_dim: size, use_bias: true },
      kwargs,
    });
  const list = (kwargs?: Json): Json[] => [
    input('x', [steps, width]),
    attention(kwargs),
    node('keras.src.ops.numpy', 'Add', 'residual', [X, tensorOf('attention')]),
    node('keras.layers', 'LayerNormalization', 'norm', [tensorOf('residual')], { config: { axis: -1, epsilon: 1e-3 } }),
    node('keras.layers', 'GlobalAveragePooling1D', 'pooled', [tensorOf('norm')]),
    node('keras.layers', 'Dense', 'head', [tensorOf('pooled')], { config: { units: classes, activation: 'softmax' } }),
  ];
  const given = samples([1, steps, width]);

  /** The same by the book, in float64. */
  const expected = (): number[] => {
    const at = (path: string) => weights[path]!.data;
    const row = (t: number): number[] => [...given.data.subarray(t * width, (t + 1) * width)];
    const projected = (part: string, t: number, h: number): number[] =>
      Array.from({ length: size }, (_, k) =>
        row(t).reduce(
          (sum, v, d) => sum + v * at(`${mha}/_${part}_dense/vars/0`)[(d * heads + h) * size + k]!,
          at(`${mha}/_${part}_dense/vars/1`)[h * size + k]!,
        ),
      );
    const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);
    const soft = (z: readonly number[]): number[] => {
      const powers = z.map((v) => Math.exp(v));
      return powers.map((v) => v / powers.reduce((a, b) => a + b));
    };
    const times = Array.from({ length: steps }, (_, t) => t);
    const normed = times.map((t) => {
      const mixed = Array.from({ length: heads }, (_, h) => {
        const shares = soft(times.map((s) => dot(projected('query', t, h), projected('key', s, h)) / Math.sqrt(size)));
        return Array.from({ length: size }, (_u, k) =>
          dot(
            shares,
            times.map((s) => projected('value', s, h)[k]!),
          ),
        );
      }).flat();
      const sum = row(t).map(
        (v, d) =>
          v +
          dot(
            mixed,
            mixed.map((_u, i) => at(`${mha}/_output_dense/vars/0`)[i * width + d]!),
          ) +
          at(`${mha}/_output_dense/vars/1`)[d]!,
      );
      const mean = sum.reduce((a, b) => a + b) / width;
      const variance = sum.reduce((a, b) => a + (b - mean) ** 2, 0) / width;
      return sum.map(
        (v, d) =>
          ((v - mean) / Math.sqrt(variance + 1e-3)) * at('layers/layer_normalization/vars/0')[d]! +
          at('layers/layer_normalization/vars/1')[d]!,
      );
    });
    const pooled = Array.from({ length: width }, (_, d) => times.reduce((sum, t) => sum + normed[t]![d]!, 0) / steps);
    return soft(
      Array.from(
        { length: classes },
        (_, y) =>
          dot(
            pooled,
            pooled.map((_u, d) => at('layers/dense/vars/0')[d * classes + y]!),
          ) + at('layers/dense/vars/1')[y]!,
      ),
    );
  };

  it('gives what attention is by the book', async () => {
    const network = await loadNetwork(await keras3(list(), weights));
    const { data } = await fileOutputs(network, backend, { x: given });
    expect(relativeDifference(data, expected())).toBeLessThan(3e-6);
    expect(layersOf(network).map(({ name }) => name)).toEqual([
      'attention/query',
      'attention/key',
      'attention/value',
      'attention/attention_output',
      'head',
    ]);
  });
  it.each(['taylor', 'frozen'] as const)('its %s map is exact and adjoint on every backend', async (mode) => {
    const network = await loadNetwork(await keras3(list(), weights));
    for (const use of backends) {
      const map = await compileMap(network, layersOf(network), use, { from: 'x', to: network.output, mode }, () => 4);
      const located = await map.locate({ data: given.data, shape: [1, ...given.shape] }, {});
      const row = (data: Float32Array) => ({ data, count: 1, size: data.length });
      const { data: applied } = await located.apply(row(given.data));
      expect(
        relativeDifference(
          applied.map((v, i) => v + located.offset[i]!),
          located.value,
        ),
      ).toBeLessThan(1e-5);
      const [u, v] = [random(1, 'u').normals(steps * width), random(2, 'v').normals(classes)];
      const [forth, back] = [(await located.apply(row(u))).data, (await located.transpose(row(v))).data];
      const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
      expect(Math.abs(dot(forth, v) - dot(u, back))).toBeLessThan(1e-5 * Math.hypot(...forth) * Math.hypot(...v));
      map.dispose();
    }
  });
  it('masks are refused', async () => {
    await expect(loadNetwork(await keras3(list({ use_causal_mask: true }), weights))).rejects.toThrow(
      '"MultiHeadAttention" (with use_causal_mask) at node "attention"',
    );
    await expect(loadNetwork(await keras3(list({ attention_mask: X }), weights))).rejects.toThrow(
      '(with attention_mask)',
    );
  });
});
