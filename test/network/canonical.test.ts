import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../analysis/kernels/kernels.ts';
import { onnxruntimeBackend } from '../../analysis/kernels/onnxruntime.ts';
import { canonical } from '../../analysis/network/canonical.ts';
import { nodeOf, type Network } from '../../analysis/network/network.ts';
import {
  floats,
  integers,
  largestDifference,
  networkFrom,
  normals,
  onnxNode,
  outputOf,
  samplesFor,
  type WrittenGraph,
} from '../formats/models.ts';

let backend: Backend;
beforeAll(() => {
  backend = onnxruntimeBackend();
});
afterAll(() => backend.dispose());

const n = onnxNode;
const scalars = (values: Readonly<Record<string, number>>) =>
  Object.entries(values).map(([name, value]) => floats(name, [], [value]));

const opsOf = (network: Network): string[] =>
  network.nodes.map(({ op }) => op).filter((op) => op !== 'input' && op !== 'constant');
const last = (network: Network) => nodeOf(network, network.output);

/** The canonical form, after checking that its numbers are those of the graph as written. */
async function checked(graph: WrittenGraph): Promise<Network> {
  const raw = networkFrom(graph);
  const network = canonical(raw);
  const samples = samplesFor(raw, 3);
  const [before] = await outputOf(raw, backend, samples);
  const [after] = await outputOf(network, backend, samples);
  expect(after!.shape).toEqual(before!.shape);
  const largest = before!.data.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
  expect(largestDifference(after!.data, before!.data)).toBeLessThan(4e-7 * largest);
  expect(canonical(network)).toEqual(network);
  return network;
}

describe('what changes nothing is dropped', () => {
  it('identities, dropout, casts between float types, and reshapes to the same shape', async () => {
    const network = await checked({
      nodes: [
        n('Identity', ['x'], ['a']),
        n('Dropout', ['a'], ['b']),
        n('Cast', ['b'], ['c'], { to: 10 }),
        n('Tanh', ['c'], ['d']),
        n('Reshape', ['d', 'same'], ['e']),
        n('Transpose', ['e'], ['f'], { perm: [0, 1] }),
        n('Concat', ['f'], ['y'], { axis: 1 }),
      ],
      initializers: [integers('same', [2], [1, 4])],
    });
    expect(opsOf(network)).toEqual(['tanh']);
    expect(network.output).toBe('d');
  });

  it('shapes that change twice', async () => {
    const network = await checked({
      nodes: [
        n('Transpose', ['x'], ['a'], { perm: [0, 2, 3, 1] }),
        n('Transpose', ['a'], ['b'], { perm: [0, 3, 1, 2] }),
        n('Flatten', ['b'], ['c']),
        n('Unsqueeze', ['c', 'two'], ['d']),
        n('Exp', ['d'], ['y']),
      ],
      initializers: [integers('two', [1], [2])],
      inputs: { x: [1, 2, 3, 4] },
    });
    expect(opsOf(network)).toEqual(['reshape', 'exp']);
  });

  it('arithmetic on constants, and parts that no output needs', async () => {
    const network = await checked({
      nodes: [n('Mul', ['k', 'k'], ['kk']), n('Mul', ['x', 'kk'], ['y']), n('Tanh', ['x'], ['unused'])],
      initializers: scalars({ k: 3 }),
    });
    expect(network.nodes.map(({ op }) => op)).toEqual(['input', 'constant', 'multiply']);
    expect(nodeOf(network, 'kk').parameters['value']!.data[0]).toBe(9);
  });
});

describe('matrix products with weights are dense layers', () => {
  it('takes the constant added behind as the bias', async () => {
    const network = await checked({
      nodes: [n('MatMul', ['x', 'fc.weight'], ['a']), n('Add', ['fc.bias', 'a'], ['y'])],
      initializers: [normals('fc.weight', [4, 3]), normals('fc.bias', [3])],
    });
    expect(opsOf(network)).toEqual(['dense']);
    expect(last(network)).toMatchObject({ id: 'y', name: 'fc' });
    expect(last(network).parameters['bias']!.shape).toEqual([3]);
    expect(network.parameterCount).toBe(15);
  });

  it('keeps the product where something else reads it too', async () => {
    const network = await checked({
      nodes: [n('MatMul', ['x', 'w'], ['a']), n('Add', ['a', 'b'], ['c']), n('Mul', ['a', 'c'], ['y'])],
      initializers: [normals('w', [4, 3]), normals('b', [3])],
    });
    expect(opsOf(network)).toEqual(['dense', 'add', 'multiply']);
  });

  it('keeps a constant that differs between positions apart', async () => {
    const network = await checked({
      nodes: [n('MatMul', ['x', 'w'], ['a']), n('Add', ['a', 'positions'], ['y'])],
      initializers: [normals('w', [4, 3]), normals('positions', [5, 3])],
      inputs: { x: [1, 5, 4] },
    });
    expect(opsOf(network)).toEqual(['dense', 'add']);
  });

  it('reads weights on the left as a dense layer between transposes', async () => {
    const network = await checked({
      nodes: [n('MatMul', ['mix.weight', 'x'], ['y'])],
      initializers: [normals('mix.weight', [6, 5])],
      inputs: { x: [1, 5, 4] },
    });
    expect(opsOf(network)).toEqual(['transpose', 'dense', 'transpose']);
    expect(network.nodes.find(({ op }) => op === 'dense')!.name).toBe('mix');
  });

  it('adds the channel constant behind a convolution to its bias', async () => {
    const network = await checked({
      nodes: [n('Conv', ['x', 'c.weight', 'c.bias'], ['a']), n('Add', ['a', 'more'], ['y'])],
      initializers: [normals('c.weight', [3, 2, 2, 2]), normals('c.bias', [3]), normals('more', [1, 3, 1, 1])],
      inputs: { x: [1, 2, 4, 4] },
    });
    expect(opsOf(network)).toEqual(['conv']);
  });

  it('keeps convolution and batch normalisation apart', async () => {
    const channel = (name: string) => floats(name, [3], [0.5, 1, 2]);
    const network = await checked({
      nodes: [n('Conv', ['x', 'w'], ['a']), n('BatchNormalization', ['a', 's', 'b', 'm', 'v'], ['y'])],
      initializers: [normals('w', [3, 2, 2, 2]), ...['s', 'b', 'm', 'v'].map(channel)],
      inputs: { x: [1, 2, 4, 4] },
    });
    expect(opsOf(network)).toEqual(['conv', 'batch-norm']);
  });
});

describe('activation functions spelled out are recognised', () => {
  const gelu = Math.sqrt(2 / Math.PI);
  const constants = scalars({
    half: 0.5,
    one: 1,
    two: 2,
    three: 3,
    six: 6,
    minus: -1,
    beta: 1.702,
    root2: Math.SQRT2,
    inverse: Math.SQRT1_2,
    cubic: 0.044715,
    scale: gelu,
    alpha: 0.25,
  });
  const clip = (name: string, low: string, high: string) => n('Clip', [name, low, high], [`${name} clipped`]);
  const zero = floats('zero', [], [0]);
  const slope = normals('act.slope', [3, 1, 1]);

  it.each([
    ['x·sigmoid(x)', 'silu', [n('Sigmoid', ['x'], ['g']), n('Mul', ['x', 'g'], ['y'])]],
    [
      'sigmoid(1.702x)·x',
      'silu',
      [n('Mul', ['x', 'beta'], ['a']), n('Sigmoid', ['a'], ['g']), n('Mul', ['g', 'x'], ['y'])],
    ],
    [
      'x·clip(x+3, 0, 6)/6',
      'hard-swish',
      [
        n('Add', ['x', 'three'], ['a']),
        clip('a', 'zero', 'six'),
        n('Mul', ['x', 'a clipped'], ['b']),
        n('Div', ['b', 'six'], ['y']),
      ],
    ],
    [
      'x·(clip(x+3, 0, 6)/6)',
      'hard-swish',
      [
        n('Add', ['three', 'x'], ['a']),
        clip('a', 'zero', 'six'),
        n('Div', ['a clipped', 'six'], ['b']),
        n('Mul', ['b', 'x'], ['y']),
      ],
    ],
    [
      'x·min(relu(x+3), 6)/6',
      'hard-swish',
      [
        n('Add', ['x', 'three'], ['a']),
        n('Relu', ['a'], ['r']),
        n('Min', ['r', 'six'], ['c']),
        n('Mul', ['x', 'c'], ['b']),
        n('Div', ['b', 'six'], ['y']),
      ],
    ],
    [
      'x·hardsigmoid(x)',
      'hard-swish',
      [n('HardSigmoid', ['x'], ['g'], { alpha: 1 / 6, beta: 0.5 }), n('Mul', ['x', 'g'], ['y'])],
    ],
    [
      'x·(1+erf(x/√2))·½',
      'gelu',
      [
        n('Div', ['x', 'root2'], ['a']),
        n('Erf', ['a'], ['b']),
        n('Add', ['b', 'one'], ['c']),
        n('Mul', ['x', 'c'], ['d']),
        n('Mul', ['d', 'half'], ['y']),
      ],
    ],
    [
      '½x·(1+erf(x·√½))',
      'gelu',
      [
        n('Mul', ['x', 'inverse'], ['a']),
        n('Erf', ['a'], ['b']),
        n('Add', ['one', 'b'], ['c']),
        n('Mul', ['half', 'x'], ['d']),
        n('Mul', ['d', 'c'], ['y']),
      ],
    ],
    [
      '½x·(1+tanh(√(2/π)(x+0.044715x³)))',
      'gelu',
      [
        n('Pow', ['x', 'three'], ['p']),
        n('Mul', ['p', 'cubic'], ['q']),
        n('Add', ['x', 'q'], ['r']),
        n('Mul', ['r', 'scale'], ['s']),
        n('Tanh', ['s'], ['t']),
        n('Add', ['t', 'one'], ['u']),
        n('Mul', ['x', 'half'], ['v']),
        n('Mul', ['v', 'u'], ['y']),
      ],
    ],
    [
      '½x·(1+tanh(√(2/π)x(1+0.044715x·x)))',
      'gelu',
      [
        n('Mul', ['x', 'x'], ['p']),
        n('Mul', ['p', 'cubic'], ['q']),
        n('Add', ['one', 'q'], ['r']),
        n('Mul', ['x', 'scale'], ['z']),
        n('Mul', ['z', 'r'], ['s']),
        n('Tanh', ['s'], ['t']),
        n('Add', ['t', 'one'], ['u']),
        n('Mul', ['u', 'x'], ['v']),
        n('Mul', ['half', 'v'], ['y']),
      ],
    ],
    [
      'x·tanh(softplus(x))',
      'mish',
      [n('Softplus', ['x'], ['s']), n('Tanh', ['s'], ['t']), n('Mul', ['x', 't'], ['y'])],
    ],
    [
      'x·tanh(log(1+exp(x)))',
      'mish',
      [
        n('Exp', ['x'], ['e']),
        n('Add', ['e', 'one'], ['f']),
        n('Log', ['f'], ['s']),
        n('Tanh', ['s'], ['t']),
        n('Mul', ['x', 't'], ['y']),
      ],
    ],
    ['max(x, 0)', 'relu', [n('Max', ['x', 'zero'], ['y'])]],
    ['min(max(x, 0), 6)', 'clip', [n('Max', ['x', 'zero'], ['a']), n('Min', ['six', 'a'], ['y'])]],
    ['max(x, ¼x)', 'leaky-relu', [n('Mul', ['alpha', 'x'], ['a']), n('Max', ['x', 'a'], ['y'])]],
    [
      'relu(x) − ¼relu(−x)',
      'leaky-relu',
      [
        n('Relu', ['x'], ['p']),
        n('Neg', ['x'], ['m']),
        n('Relu', ['m'], ['r']),
        n('Mul', ['r', 'alpha'], ['s']),
        n('Sub', ['p', 's'], ['y']),
      ],
    ],
    [
      'relu(x) + slope·(x−|x|)·½',
      'parametric-relu',
      [
        n('Relu', ['x'], ['p']),
        n('Abs', ['x'], ['a']),
        n('Sub', ['x', 'a'], ['d']),
        n('Mul', ['act.slope', 'd'], ['e']),
        n('Mul', ['e', 'half'], ['f']),
        n('Add', ['p', 'f'], ['y']),
      ],
    ],
    ['½(x+|x|)', 'relu', [n('Abs', ['x'], ['a']), n('Add', ['x', 'a'], ['s']), n('Mul', ['s', 'half'], ['y'])]],
    ['x^½', 'sqrt', [n('Abs', ['x'], ['a']), n('Pow', ['a', 'half'], ['y'])]],
  ] as const)('%s is %s', async (_formula, op, nodes) => {
    const network = await checked({ nodes, initializers: [...constants, zero, slope], inputs: { x: [1, 3, 2, 2] } });
    expect(opsOf(network).at(-1)).toBe(op);
    expect(opsOf(network).filter((other) => other !== 'abs')).toHaveLength(1);
  });

  it('names a parametric ReLU after its slopes', async () => {
    const { nodes, initializers } = {
      nodes: [
        n('Relu', ['x'], ['p']),
        n('Neg', ['x'], ['m']),
        n('Relu', ['m'], ['r']),
        n('Mul', ['r', 'act.slope'], ['s']),
        n('Add', ['p', 's'], ['y']),
      ],
      initializers: [slope],
    };
    const network = await checked({ nodes, initializers, inputs: { x: [1, 3, 2, 2] } });
    expect(last(network)).toMatchObject({ op: 'parametric-relu', name: 'act' });
    expect([...last(network).parameters['slope']!.data]).toEqual(
      [
        ...nodeOf(networkFrom({ nodes, initializers, inputs: { x: [1, 3, 2, 2] } }), 'act.slope').parameters['value']!
          .data,
      ].map((a) => -a),
    );
  });

  it.each([
    ['x·sigmoid(y) with another y', [n('Neg', ['x'], ['m']), n('Sigmoid', ['m'], ['g']), n('Mul', ['x', 'g'], ['y'])]],
    [
      '2x·sigmoid(x) + 1 beyond the product',
      [n('Add', ['x', 'one'], ['a']), n('Sigmoid', ['x'], ['g']), n('Mul', ['a', 'g'], ['y'])],
    ],
    [
      'x·clip(x+3, 0, 6) without the sixth',
      [n('Add', ['x', 'three'], ['a']), clip('a', 'zero', 'six'), n('Mul', ['x', 'a clipped'], ['y'])],
    ],
    [
      'x·(1+erf(x))·½ with another width',
      [
        n('Erf', ['x'], ['b']),
        n('Add', ['b', 'one'], ['c']),
        n('Mul', ['x', 'c'], ['d']),
        n('Mul', ['d', 'half'], ['y']),
      ],
    ],
    ['x + relu(x), whose slope above 0 is 2', [n('Relu', ['x'], ['r']), n('Add', ['x', 'r'], ['y'])]],
    ['max(x, 2x)', [n('Mul', ['two', 'x'], ['a']), n('Max', ['x', 'a'], ['y'])]],
  ] as const)('leaves %s as it is', async (_formula, nodes) => {
    const network = await checked({ nodes, initializers: [...constants, zero], inputs: { x: [1, 3, 2, 2] } });
    expect(opsOf(network)).toEqual(
      opsOf(networkFrom({ nodes, initializers: [...constants, zero], inputs: { x: [1, 3, 2, 2] } })),
    );
  });
});

describe('normalisation spelled out is recognised', () => {
  const normalisation = (axes: readonly number[], square: 'Pow' | 'Mul', form: 'divide' | 'reciprocal') => [
    n('ReduceMean', ['x'], ['mean'], { axes, keepdims: 1 }),
    n('Sub', ['x', 'mean'], ['d']),
    square === 'Pow' ? n('Pow', ['d', 'two'], ['dd']) : n('Mul', ['d', 'd'], ['dd']),
    n('ReduceMean', ['dd'], ['variance'], { axes, keepdims: 1 }),
    n('Add', ['variance', 'epsilon'], ['v']),
    n('Sqrt', ['v'], ['s']),
    ...(form === 'divide'
      ? [n('Div', ['d', 's'], ['z'])]
      : [n('Reciprocal', ['s'], ['r']), n('Mul', ['d', 'r'], ['z'])]),
    n('Mul', ['z', 'norm.weight'], ['scaled']),
    n('Add', ['scaled', 'norm.bias'], ['y']),
  ];
  const settings = scalars({ two: 2, epsilon: 1e-5 });

  it.each([
    ['Pow', 'divide'],
    ['Mul', 'reciprocal'],
  ] as const)('layer normalisation, with its scale and bias (%s, %s)', async (square, form) => {
    const network = await checked({
      nodes: normalisation([-1], square, form),
      initializers: [...settings, normals('norm.weight', [6]), normals('norm.bias', [6])],
      inputs: { x: [1, 5, 6] },
      opset: 13,
    });
    expect(opsOf(network)).toEqual(['layer-norm']);
    expect(last(network)).toMatchObject({ name: 'norm', attributes: { axis: 2, epsilon: Math.fround(1e-5) } });
    expect(Object.keys(last(network).parameters)).toEqual(['scale', 'bias']);
  });

  it('instance normalisation over the spatial axes', async () => {
    const network = await checked({
      nodes: normalisation([2, 3], 'Pow', 'divide'),
      initializers: [...settings, normals('norm.weight', [3, 1, 1]), normals('norm.bias', [1, 3, 1, 1])],
      inputs: { x: [1, 3, 4, 5] },
      opset: 13,
    });
    expect(opsOf(network)).toEqual(['instance-norm']);
    expect(last(network).parameters['scale']!.shape).toEqual([3]);
  });

  it('normalisation over the channel axis, whose scale stays apart', async () => {
    const network = await checked({
      nodes: normalisation([1], 'Pow', 'divide'),
      initializers: [...settings, normals('norm.weight', [3, 1, 1]), normals('norm.bias', [3, 1, 1])],
      inputs: { x: [1, 3, 4, 5] },
      opset: 13,
    });
    expect(opsOf(network)).toEqual(['mvn', 'multiply', 'add']);
  });
});

describe('the final activation is taken off', () => {
  it('softmax, also behind a reshape, with a note', () => {
    const network = canonical(
      networkFrom({
        nodes: [n('Softmax', ['x'], ['p'], { axis: 1 }), n('Flatten', ['p'], ['y'])],
        inputs: { x: [1, 4, 1, 1] },
        outputs: ['y'],
      }),
    );
    expect([network.stripped, opsOf(network), last(network).shape]).toEqual(['softmax', ['reshape'], [1, 4]]);
    expect(network.notes).toHaveLength(1);
    expect(canonical(network)).toEqual(network);
  });

  it('but not where another output needs it: it stays there', () => {
    const graph = {
      nodes: [n('Neg', ['x'], ['z']), n('Softmax', ['z'], ['p']), n('Exp', ['p'], ['q'])],
      outputs: ['p', 'q'],
    };
    const network = canonical(networkFrom(graph));
    expect([network.output, network.stripped, network.otherOutputs]).toEqual(['z', 'softmax', ['q']]);
    expect(opsOf(network)).toEqual(['neg', 'softmax', 'exp']);
  });

  it('sigmoid of a classifier, and of a network that makes as many numbers as it takes', () => {
    const nodes = (w: string) => [n('MatMul', ['x', w], ['z']), n('Sigmoid', ['z'], ['y'])];
    const classifier = canonical(networkFrom({ nodes: nodes('w'), initializers: [normals('w', [4, 1])] }));
    expect([classifier.stripped, classifier.output]).toEqual(['sigmoid', 'z']);
    const autoencoder = canonical(networkFrom({ nodes: nodes('w'), initializers: [normals('w', [4, 4])] }));
    expect([autoencoder.stripped, autoencoder.output]).toEqual(['sigmoid', 'z']);
  });

  it('logarithm of softmax', () => {
    const network = canonical(networkFrom({ nodes: [n('Softmax', ['x'], ['p']), n('Log', ['p'], ['y'])] }));
    expect(network.stripped).toBe('softmax');
  });
});

describe('products know their gate', () => {
  const gates = (network: Network): unknown[] =>
    network.nodes.filter(({ op }) => op === 'multiply' || op === 'mat-mul').map(({ attributes }) => attributes['gate']);

  it('squeeze and excitation: the side that ends in a sigmoid, through shapes and constant factors', async () => {
    const network = await checked({
      nodes: [
        n('GlobalAveragePool', ['x'], ['pooled']),
        n('Conv', ['pooled', 'w'], ['c']),
        n('Sigmoid', ['c'], ['s']),
        n('Mul', ['two', 's'], ['t']),
        n('Expand', ['t', 'full'], ['e']),
        n('Mul', ['x', 'e'], ['y']),
      ],
      initializers: [normals('w', [3, 3, 1, 1]), integers('full', [4], [1, 3, 4, 4]), ...scalars({ two: 2 })],
      inputs: { x: [1, 3, 4, 4] },
    });
    expect(gates(network)).toEqual([null, 1]);
  });

  it('attention: the softmax side of its second product, and neither of its first', async () => {
    const network = await checked({
      nodes: [
        n('MatMul', ['x', 'q'], ['queries']),
        n('MatMul', ['x', 'k'], ['keys']),
        n('Transpose', ['keys'], ['turned'], { perm: [0, 2, 1] }),
        n('MatMul', ['queries', 'turned'], ['scores']),
        n('Softmax', ['scores'], ['weights'], { axis: -1 }),
        n('MatMul', ['weights', 'x'], ['y']),
      ],
      initializers: [normals('q', [4, 4]), normals('k', [4, 4])],
      inputs: { x: [1, 5, 4] },
    });
    expect(gates(network)).toEqual([null, 0]);
  });

  it('a gated unit whose sides both end in one has none', async () => {
    const network = await checked({
      nodes: [n('Tanh', ['x'], ['a']), n('Neg', ['x'], ['m']), n('Sigmoid', ['m'], ['b']), n('Mul', ['a', 'b'], ['y'])],
    });
    expect(gates(network)).toEqual([null]);
  });
});
