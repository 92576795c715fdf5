import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend, Shape } from '../../analysis/kernels/kernels.ts';
import { AttributeType } from '../../analysis/kernels/onnx-protobuf.ts';
import { onnxruntimeBackend } from '../../analysis/kernels/onnxruntime.ts';
import { compileMap } from '../../analysis/network/affine-map.ts';
import { canonical } from '../../analysis/network/canonical.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import { random } from '../../analysis/random.ts';
import { backends } from '../ops/op-laws.ts';
import {
  floats,
  integers,
  largestDifference,
  networkFrom,
  normals,
  onnxBytes,
  onnxNode,
  outputOf,
  type WrittenGraph,
} from './models.ts';

let backend: Backend;
beforeAll(() => {
  backend = onnxruntimeBackend();
});
afterAll(() => backend.dispose());

const [steps, inputs, size] = [5, 3, 4];
const gatesOf = { LSTM: 4, GRU: 3, RNN: 1 } as const;
type Kind = keyof typeof gatesOf;

/** One recurrent node over x [steps, 1, inputs], all its outputs the outputs of the file. */
function recurrent(
  op: Kind,
  attributes: Record<string, string | number> = {},
  { bias = true, states = false }: { bias?: boolean; states?: boolean } = {},
): WrittenGraph {
  const count = attributes['direction'] === 'bidirectional' ? 2 : 1;
  const width = gatesOf[op] * size;
  const outputs = op === 'LSTM' ? ['y', 'h', 'c'] : ['y', 'h'];
  const state = attributes['layout'] === 1 ? [1, count, size] : [count, 1, size];
  const given = ['x', 'w', 'r', bias ? 'b' : '', '', ...(states ? (op === 'LSTM' ? ['h0', 'c0'] : ['h0']) : [])];
  return {
    inputs: { x: attributes['layout'] === 1 ? ['batch', steps, inputs] : [steps, 'batch', inputs] },
    outputs,
    initializers: [
      normals('w', [count, width, inputs]),
      normals('r', [count, width, size]),
      normals('b', [count, 2 * width]),
      normals('h0', state),
      normals('c0', state),
    ].filter(({ name }) => given.includes(name!)),
    nodes: [onnxNode(op, given, outputs, { hidden_size: size, ...attributes })],
  };
}

/** Largest difference of every output from what ONNX Runtime's own op gives, raw and in canonical form. */
async function difference(graph: WrittenGraph): Promise<number> {
  const bytes = onnxBytes(graph);
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const data = random(3, 'sequence').normals(steps * inputs);
  const batchFirst = graph.inputs!['x']![0] === 'batch';
  const x = new ort.Tensor('float32', data, batchFirst ? [1, steps, inputs] : [steps, 1, inputs]);
  const expected = await session.run({ x });
  await session.release();
  let largest = 0;
  for (const output of graph.outputs!) {
    for (const network of [networkFrom(bytes, { output }), canonical(networkFrom(bytes, { output }))]) {
      const [found] = await outputOf(network, backend, { data, shape: [1, 1, steps, inputs] });
      largest = Math.max(largest, largestDifference(found!.data, expected[output]!.data as Float32Array));
      expect(found!.shape.slice(1)).toEqual(expected[output]!.dims);
    }
  }
  return largest;
}

const kinds: [string, Kind, Record<string, string | number>][] = [
  ['LSTM', 'LSTM', {}],
  ['GRU that resets before', 'GRU', {}],
  ['GRU that resets behind', 'GRU', { linear_before_reset: 1 }],
  ['RNN', 'RNN', {}],
];

describe.each(kinds)('%s, unrolled, gives what ONNX Runtime gives', (_, op, own) => {
  it.each(['forward', 'reverse', 'bidirectional'])('%s', async (direction) => {
    expect(await difference(recurrent(op, { ...own, direction }))).toBeLessThan(1e-6);
  });
  it('without biases, and with initial states', async () => {
    const direction = 'bidirectional';
    expect(await difference(recurrent(op, { ...own, direction }, { bias: false }))).toBeLessThan(1e-6);
    expect(await difference(recurrent(op, { ...own, direction }, { states: true }))).toBeLessThan(1e-6);
  });
});

/** Outputs of PyTorch's modules (float64, bidirectional, T = 4, 3 inputs, 2 units), whose parameter j has the entries 0.6 sin(1 + k + 10 j). */
const torchOutputs: Readonly<Record<Kind, readonly number[]>> = {
  LSTM: [
    0.2095555, -0.1097162, 0.1328498, 0.0485115, -0.0579929, 0.3189756, 0.3059318, 0.029411, -0.0264239, -0.0713324,
    -0.0470674, 0.2865632, 0.1707174, -0.1227871, 0.0308103, 0.0590351,
  ],
  GRU: [
    0.1250967, -0.3102866, 0.2866382, -0.0662843, -0.5516891, 0.0181607, 0.2016001, -0.2865188, -0.2606389, -0.1882808,
    -0.105535, 0.2608312, -0.0826514, -0.3499997, 0.1962133, 0.0651467,
  ],
  RNN: [
    0.8324692, -0.5349732, -0.6962892, 0.58, -0.723957, 0.816355, 0.6850774, -0.8884199, 0.3372816, 0.5466089,
    -0.5057734, 0.0295744, 0.6697761, -0.1761752, -0.5337125, 0.1851309,
  ],
};

/** Where ONNX' gates lie among PyTorch's: i, f, g, o and r, z, n. */
const fromTorch = { LSTM: [0, 3, 1, 2], GRU: [1, 0, 2], RNN: [0] } as const;

describe.each(['LSTM', 'GRU', 'RNN'] as const)('%s of PyTorch', (op) => {
  it('gives the same numbers', async () => {
    const [time, features, units] = [4, 3, 2];
    const width = gatesOf[op] * units;
    const parameter = (j: number, shape: Shape): number[] => {
      const columns = shape[1] ?? 1;
      const torch = Array.from({ length: width * columns }, (_, k) => 0.6 * Math.sin(1 + k + 10 * j));
      const block = units * columns;
      return fromTorch[op].flatMap((gate) => torch.slice(gate * block, (gate + 1) * block));
    };
    const both = (first: number, shape: Shape): number[] => [
      ...parameter(first, shape),
      ...parameter(first + 4, shape),
    ];
    const biases = [2, 3, 6, 7].flatMap((j) => parameter(j, [width]));
    const network = networkFrom({
      inputs: { x: [time, 'batch', features] },
      initializers: [
        floats('w', [2, width, features], both(0, [width, features])),
        floats('r', [2, width, units], both(1, [width, units])),
        floats('b', [2, 2 * width], biases),
      ],
      nodes: [
        onnxNode(op, ['x', 'w', 'r', 'b'], ['a'], {
          hidden_size: units,
          direction: 'bidirectional',
          ...(op === 'GRU' && { linear_before_reset: 1 }),
        }),
        onnxNode('Transpose', ['a'], ['y'], { perm: [0, 2, 1, 3] }),
      ],
    });
    const data = Float32Array.from({ length: time * features }, (_, k) => Math.cos(0.7 * k));
    const [found] = await outputOf(network, backend, { data, shape: [1, 1, time, features] });
    expect(largestDifference(found!.data, torchOutputs[op])).toBeLessThan(1e-6);
  });
});

describe('the axes of a recurrent file', () => {
  it('a sample is [1, time, inputs] where the file has its time first, with a free length to be given', () => {
    const graph = { ...recurrent('LSTM'), inputs: { x: ['time', 'batch', 'features'] } };
    expect(() => networkFrom(graph)).toThrow('has no fixed size: [time, 1, 3]');
    const network = networkFrom(graph, { inputShape: [7, 1, 3] });
    expect(network.nodes.find(({ id }) => id === 'x')!.shape).toEqual([1, 7, 3]);
  });
  it('a file with a fixed length and its time first is not taken for a batch, whatever stands before the layer', () => {
    const graph = recurrent('GRU');
    const nodes = [
      onnxNode('Tanh', ['x'], ['t']),
      ...graph.nodes.map((node) => ({ ...node, input: ['t', ...node.input.slice(1)] })),
    ];
    const network = networkFrom({ ...graph, nodes, inputs: { x: [5, 1, 3] } });
    expect(network.nodes.find(({ id }) => id === 'x')!.shape).toEqual([1, 5, 3]);
    expect(network.notes).toEqual([]);
  });
  it('asks which axis is the time where an op before the layer may move axes, and reads either right', async () => {
    const graph = recurrent('LSTM');
    const nodes = [
      onnxNode('Reshape', ['x', 'same'], ['t']),
      ...graph.nodes.map((node) => ({ ...node, input: ['t', ...node.input.slice(1)] })),
    ];
    const same = integers('same', [3], [steps, 1, inputs]);
    for (const first of [steps, 'time'])
      expect(() =>
        networkFrom({
          ...graph,
          nodes,
          inputs: { x: [first, 1, inputs] },
          initializers: [...graph.initializers!, same],
        }),
      ).toThrow(`is the time cannot be told: [${first}, 1, 3]`);
    const unclear = {
      ...graph,
      nodes,
      inputs: { x: [steps, 1, inputs] },
      initializers: [...graph.initializers!, same],
    };
    const samples = { data: random(3, 'sequence').normals(steps * inputs), shape: [1, 1, steps, inputs] };
    const network = networkFrom(unclear, { output: 'h', inputShape: [steps, 1, inputs] });
    expect(network.nodes.find(({ id }) => id === 'x')!.shape).toEqual([1, steps, inputs]);
    const [found] = await outputOf(network, backend, samples);
    const [expected] = await outputOf(networkFrom(graph, { output: 'h' }), backend, samples);
    expect(largestDifference(found!.data, expected!.data)).toBe(0);
  });
  it('has the batch first before a convolution', () => {
    const graph = recurrent('LSTM');
    const nodes = [
      onnxNode('Conv', ['x', 'k'], ['seen'], { kernel_shape: [1] }),
      onnxNode('Transpose', ['seen'], ['t'], { perm: [2, 0, 1] }),
      ...graph.nodes.map((node) => ({ ...node, input: ['t', ...node.input.slice(1)] })),
    ];
    const initializers = [...graph.initializers!, normals('k', [inputs, inputs, 1])];
    const network = networkFrom({ ...graph, nodes, initializers, inputs: { x: ['n', inputs, steps] } });
    expect(network.nodes.find(({ id }) => id === 'x')!.shape).toEqual([1, inputs, steps]);
  });
  it('layout 1 has the batch first', async () => {
    const graph = { ...recurrent('LSTM', { layout: 1, direction: 'bidirectional' }, { states: true }) };
    const timeFirst = recurrent('LSTM', { direction: 'bidirectional' }, { states: true });
    const data = random(3, 'sequence').normals(steps * inputs);
    const samples = { data, shape: [1, 1, steps, inputs] };
    const [found] = await outputOf(networkFrom(graph, { output: 'c' }), backend, samples);
    const [expected] = await outputOf(networkFrom(timeFirst, { output: 'c' }), backend, samples);
    expect(found!.shape).toEqual([1, 1, 2, size]);
    expect(largestDifference(found!.data, expected!.data)).toBe(0);
  });
  it('one projection for all steps and one dense layer a step, which share their weights', () => {
    const network = canonical(networkFrom(recurrent('LSTM'), { output: 'h' }));
    expect(layersOf(network).map(({ name, outputShape }) => [name, outputShape])).toEqual([
      ['y', [5, 16]],
      ['y/recurrent', [4]],
      ['y/recurrent#2', [4]],
      ['y/recurrent#3', [4]],
      ['y/recurrent#4', [4]],
    ]);
    expect(network.parameterCount).toBe(16 * 3 + 16 * 4 + 2 * 16);
    const weights = network.nodes
      .filter(({ name }) => name.startsWith('y/recurrent'))
      .map(({ parameters }) => parameters['weight']!.data);
    expect(new Set(weights).size).toBe(1);
  });
});

describe('what a recurrent op is refused for, by name', () => {
  const changed = (
    attributes: Record<string, string | number | readonly number[]>,
    more: Partial<WrittenGraph> = {},
  ) => {
    const graph = recurrent('LSTM');
    const nodes = [
      onnxNode('LSTM', graph.nodes[0]!.input, ['y', 'h', 'c'], { hidden_size: size, ...attributes }, 'cell'),
    ];
    return () => networkFrom({ ...graph, nodes, ...more });
  };
  it.each([
    [{ clip: 3 }, 'with clip'],
    [{ input_forget: 1 }, 'with input_forget'],
    [{ activation_alpha: [0.5] }, 'with activation_alpha'],
    [{ direction: 'sideways' }, 'direction "sideways"'],
    [{ hidden_size: 5 }, 'its input 1 is [1,16,3] and not [1,20,3]'],
  ])('%o', (attributes, reason) => {
    expect(changed(attributes)).toThrow(`Unsupported op "LSTM" (${reason}) at node "cell"`);
    expect(changed(attributes)).toThrow(/Supported: .*LSTM, .*RNN/);
  });
  it('peepholes that are not zero, and lengths that are not the whole sequence', () => {
    const graph = recurrent('LSTM');
    const given = (name: string, at: number, tensor: ReturnType<typeof floats>) => () => {
      const input = [...graph.nodes[0]!.input, '', '', ''].slice(0, 8);
      input[at] = name;
      const nodes = [onnxNode('LSTM', input, ['y', 'h', 'c'], { hidden_size: size }, 'cell')];
      return networkFrom({ ...graph, nodes, initializers: [...graph.initializers!, tensor] });
    };
    expect(given('p', 7, normals('p', [1, 12]))).toThrow('with peepholes');
    expect(given('p', 7, floats('p', [1, 12], new Float32Array(12)))).not.toThrow();
    expect(given('n', 4, integers('n', [1], [3]))).toThrow('its sequence_lens are not the 5 steps of its input');
    expect(given('n', 4, integers('n', [1], [5]))).not.toThrow();
  });
  it('a batch of several sequences', () => {
    expect(
      changed(
        { layout: 1 },
        {
          inputs: { x: [1, 5, 3] },
          nodes: [
            onnxNode('Softmax', ['x'], ['t']),
            onnxNode('LSTM', ['t', 'w', 'r', 'b'], ['y'], { hidden_size: size }, 'cell'),
          ],
        },
      ),
    ).toThrow('a batch of 5 sequences; its axes are time, batch');
  });
  it('an activation function outside the list', () => {
    const graph = recurrent('RNN');
    const [node] = graph.nodes;
    const activations = {
      name: 'activations',
      type: AttributeType.strings,
      strings: [new TextEncoder().encode('Affine')],
    };
    const nodes = [{ ...node!, attribute: [...node!.attribute, activations] }];
    expect(() => networkFrom({ ...graph, nodes })).toThrow('(its activation "Affine")');
    const relu = { ...activations, strings: [new TextEncoder().encode('Relu')] };
    const network = networkFrom({ ...graph, nodes: [{ ...node!, attribute: [...node!.attribute, relu] }] });
    expect(network.nodes.filter(({ op }) => op === 'relu')).toHaveLength(steps);
  });
});

/** An LSTM whose last hidden state meets a dense layer of 3 classes. */
const classifier = (op: Kind = 'LSTM', attributes: Record<string, string | number> = {}): WrittenGraph => {
  const graph = recurrent(op, attributes);
  const count = attributes['direction'] === 'bidirectional' ? 2 : 1;
  return {
    ...graph,
    outputs: ['logits'],
    initializers: [...graph.initializers!, normals('fc.weight', [3, count * size]), normals('fc.bias', [3])],
    nodes: [
      ...graph.nodes,
      onnxNode('Reshape', ['h', 'flat'], ['f']),
      onnxNode('Gemm', ['f', 'fc.weight', 'fc.bias'], ['logits'], { transB: 1 }),
    ].toSpliced(1, 0, onnxNode('Constant', [], ['flat'], { value_ints: [1, count * size] })),
  };
};

describe('the maps of a recurrent classifier', () => {
  const maps = async (graph: WrittenGraph, use: Backend, mode: 'taylor' | 'frozen') => {
    const network = canonical(networkFrom(graph));
    const map = await compileMap(network, layersOf(network), use, { from: 'x', to: network.output, mode }, () => 8);
    const data = random(3, 'sequence').normals(steps * inputs);
    return { map, located: await map.locate({ data, shape: [1, 1, steps, inputs] }, {}), data };
  };
  const row = (data: Float32Array) => ({ data, count: 1, size: data.length });
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
    Array.from(a).reduce((sum, x, i) => sum + x * b[i]!, 0);

  it.each(
    kinds.flatMap(([title, op, own]) => (['taylor', 'frozen'] as const).map((mode) => [title, mode, op, own] as const)),
  )('%s, %s: exact and adjoint on every backend', async (_, mode, op, own) => {
    for (const use of backends) {
      const { map, located, data } = await maps(classifier(op, { ...own, direction: 'bidirectional' }), use, mode);
      const applied = await located.apply(row(data));
      const sum = applied.data.map((x, i) => x + located.offset[i]!);
      expect(largestDifference(sum, located.value)).toBeLessThan(1e-5);
      const [u, v] = [random(1, 'u').normals(steps * inputs), random(1, 'v').normals(3)];
      const [forth, back] = [await located.apply(row(u)), await located.transpose(row(v))];
      expect(Math.abs(dot(forth.data, v) - dot(u, back.data))).toBeLessThan(
        1e-5 * Math.hypot(...forth.data) * Math.hypot(...v),
      );
      map.dispose();
    }
  });

  it('frozen LSTM: the forget gate is held fixed, other products share, every slope is σ(z)/z', async () => {
    const { map, located } = await maps(classifier(), backend, 'frozen');
    const graph = classifier();
    const weight = (name: string): number[] => [
      ...graph.initializers!.find((tensor) => tensor.name === name)!.floatData!,
    ];
    const [w, r, b] = [weight('w'), weight('r'), weight('b')];
    const x0 = random(3, 'sequence').normals(steps * inputs);
    const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
    const direction = random(9, 'direction').normals(steps * inputs);
    // States and their tangents, gate by gate in ONNX' order i, o, f, g.
    let [h, c, dh, dc] = [
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ];
    for (let t = 0; t < steps; t++) {
      const at = (gate: number, unit: number, x: ArrayLike<number>, state: number[], constant: number): number => {
        const o = gate * size + unit;
        let z = constant * (b[o]! + b[4 * size + o]!);
        for (let k = 0; k < inputs; k++) z += w[o * inputs + k]! * x[t * inputs + k]!;
        for (let k = 0; k < size; k++) z += r[o * size + k]! * state[k]!;
        return z;
      };
      const units = [0, 1, 2, 3].map((unit) => {
        const z = [0, 1, 2, 3].map((gate) => at(gate, unit, x0, h, 1)) as [number, number, number, number];
        const dz = [0, 1, 2, 3].map((gate) => at(gate, unit, direction, dh, 0)) as [number, number, number, number];
        const value = z.map((v, gate) => (gate === 3 ? Math.tanh(v) : sigmoid(v))) as [number, number, number, number];
        const [di, dout, , dg] = dz.map((d, gate) => (d * value[gate]!) / z[gate]!) as [number, number, number, number];
        const [i, o, f, g] = value;
        const cell = f * c[unit]! + i * g;
        const dcell = f * dc[unit]! + 0.5 * (di * g + i * dg);
        const shown = Math.tanh(cell);
        const dshown = (dcell * shown) / cell;
        return { h: o * shown, c: cell, dh: 0.5 * (dout * shown + o * dshown), dc: dcell };
      });
      [h, c, dh, dc] = [units.map((u) => u.h), units.map((u) => u.c), units.map((u) => u.dh), units.map((u) => u.dc)];
    }
    const fc = weight('fc.weight');
    const expected = [0, 1, 2].map((y) => dot(fc.slice(y * size, (y + 1) * size), dh));
    expect(largestDifference((await located.apply(row(direction))).data, expected)).toBeLessThan(1e-5);
    map.dispose();
  });
});
