// Einstein sums of ONNX files against the sum over all labels written out, and the affine map through one.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completenessOf } from '../../analysis/certificate.ts';
import { einsumAxes } from '../../analysis/formats/einsum.ts';
import type { Backend, Tensor } from '../../analysis/kernels/kernels.ts';
import { sizeOf, type Shape } from '../../analysis/kernels/kernels.ts';
import { onnxruntimeBackend } from '../../analysis/kernels/onnxruntime.ts';
import { random } from '../../analysis/random.ts';
import { studyOf, samplesOf } from '../support/study.ts';
import { largestDifference, networkFrom, normals, onnxNode, outputOf } from './models.ts';

let backend: Backend;
beforeAll(() => {
  backend = onnxruntimeBackend();
});
afterAll(() => backend.dispose());

/** Σ over every label that the output has not, entry by entry; axes of length 1 meet any length. */
function literal(equation: string, operands: readonly Tensor[]): number[] {
  const axes = einsumAxes(
    equation,
    operands.map(({ shape }) => shape.length),
  );
  if (typeof axes === 'string') throw new Error(axes);
  const sizes = new Map<string, number>();
  axes.operands.forEach((labels, i) =>
    labels.forEach((label, axis) => sizes.set(label, Math.max(sizes.get(label) ?? 1, operands[i]!.shape[axis]!))),
  );
  const all = [...axes.output, ...[...sizes.keys()].filter((label) => !axes.output.includes(label))];
  const result = new Array<number>(axes.output.reduce((size, label) => size * sizes.get(label)!, 1)).fill(0);
  const total = all.reduce((size, label) => size * sizes.get(label)!, 1);
  for (let place = 0; place < total; place++) {
    const at = new Map<string, number>();
    let rest = place;
    for (const label of all.toReversed()) {
      at.set(label, rest % sizes.get(label)!);
      rest = Math.floor(rest / sizes.get(label)!);
    }
    const factor = operands.reduce((value, { data, shape }, i) => {
      const index = axes.operands[i]!.reduce(
        (sum, label, axis) => sum * shape[axis]! + (shape[axis] === 1 ? 0 : at.get(label)!),
        0,
      );
      return value * data[index]!;
    }, 1);
    result[axes.output.reduce((sum, label) => sum * sizes.get(label)! + at.get(label)!, 0)]! += factor;
  }
  return result;
}

/** x is the network's input, the others are weights, or values computed from x. */
async function given(equation: string, shapes: readonly Shape[], computed: boolean): Promise<void> {
  const [first, ...others] = shapes;
  const names = others.map((_, i) => `w${i}`);
  const weights = others.map((shape, i) => normals(`w${i}`, shape, i + 3));
  // Tanh(x) · 0 + w is the weight as a value that moves with the input.
  const moving = names.flatMap((name) => [
    onnxNode('ReduceSum', ['x'], [`${name} sum`], { keepdims: 0 }),
    onnxNode('Mul', [`${name} sum`, 'zero'], [`${name} nothing`]),
    onnxNode('Add', [name, `${name} nothing`], [`${name} value`]),
  ]);
  const operands = names.map((name) => (computed ? `${name} value` : name));
  const network = networkFrom({
    inputs: { x: first! },
    nodes: [...(computed ? moving : []), onnxNode('Einsum', ['x', ...operands], ['y'], { equation })],
    initializers: [...weights, { ...normals('zero', []), floatData: [0] }],
  });
  const x: Tensor = { data: random(1, 'x').normals(2 * sizeOf(first!)), shape: [2, ...first!] };
  const [y] = await outputOf(network, backend, x);
  const size = sizeOf(first!);
  const width = y!.data.length / 2;
  for (let i = 0; i < 2; i++) {
    const expected = literal(equation, [
      { data: x.data.slice(i * size, (i + 1) * size), shape: first! },
      ...weights.map(({ floatData }, w) => ({ data: Float32Array.from(floatData!), shape: others[w]! })),
    ]);
    const largest = Math.max(1, ...expected.map(Math.abs));
    const found = y!.data.subarray(i * width, (i + 1) * width);
    expect(largestDifference(found, expected)).toBeLessThan(2e-6 * largest);
  }
}

const cases: [string, Shape[]][] = [
  [
    'ij,jk->ik',
    [
      [1, 3],
      [3, 4],
    ],
  ],
  [
    'ij,kj->ik',
    [
      [1, 3],
      [4, 3],
    ],
  ],
  [
    'ij,jk',
    [
      [1, 3],
      [3, 4],
    ],
  ],
  [
    'bqhd,bkhd->bhqk',
    [
      [1, 3, 2, 4],
      [1, 5, 2, 4],
    ],
  ],
  [
    'bhqk,bkhd->bqhd',
    [
      [1, 2, 3, 5],
      [1, 5, 2, 4],
    ],
  ],
  [
    'bsd,dhe->bshe',
    [
      [1, 3, 4],
      [4, 2, 3],
    ],
  ],
  [
    'bshe,hed->bsd',
    [
      [1, 3, 2, 3],
      [2, 3, 4],
    ],
  ],
  [
    '...d,de->...e',
    [
      [1, 2, 3],
      [3, 5],
    ],
  ],
  [
    'b...d,b...d->b...',
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  ],
  [
    '...ij,...jk->...ik',
    [
      [1, 2, 3, 4],
      [2, 4, 5],
    ],
  ],
  [
    'bi,bi->bi',
    [
      [1, 4],
      [1, 4],
    ],
  ],
  ['bi,j->bij', [[1, 4], [3]]],
  ['bij->bji', [[1, 2, 3]]],
  ['bij->bj', [[1, 2, 3]]],
  ['bij,k->bk', [[1, 2, 3], [4]]],
  [
    'bchw,pqrs->bcp',
    [
      [1, 2, 2, 3],
      [2, 3, 2, 1],
    ],
  ],
  [
    'bi,ij,jk->bk',
    [
      [1, 3],
      [3, 4],
      [4, 2],
    ],
  ],
  [
    ' b i , i j -> b j ',
    [
      [1, 3],
      [3, 4],
    ],
  ],
  ['...', [[1, 2]]],
];

describe('an Einstein sum', () => {
  test.each(cases)('%s of weights %j', (equation, shapes) => given(equation, shapes, false));
  test.each(cases.filter(([, { length }]) => length > 1))('%s of values %j', (equation, shapes) =>
    given(equation, shapes, true),
  );

  test('is a layer with weights, and the map through it is exact', async () => {
    const network = networkFrom({
      inputs: { x: [1, 3, 4] },
      nodes: [
        onnxNode('Einsum', ['x', 'query.weight'], ['q'], { equation: 'bsd,dhe->bshe' }),
        onnxNode('Einsum', ['x', 'key.weight'], ['k'], { equation: 'bsd,dhe->bshe' }),
        onnxNode('Einsum', ['q', 'k'], ['scores'], { equation: 'bqhe,bkhe->bhqk' }),
        onnxNode('Softmax', ['scores'], ['attention'], { axis: -1 }),
        onnxNode('Einsum', ['attention', 'x'], ['y'], { equation: 'bhqk,bkd->bhqd' }),
      ],
      initializers: [normals('query.weight', [4, 2, 3]), normals('key.weight', [4, 2, 3])],
    });
    const samples = samplesOf(network, random(2, 'tokens').normals(12));
    const { study, close } = await studyOf(network, samples, backend);
    try {
      expect(study.layers.filter(({ parameterCount }) => parameterCount > 0).map(({ name }) => name)).toEqual([
        'query',
        'key',
      ]);
      for (const mode of ['frozen', 'taylor'] as const)
        expect(await completenessOf(await study.map(0, { mode }))).toBeLessThan(1e-5);
    } finally {
      await close();
    }
  });

  test.each([
    ['bii->bi', [[1, 3, 3]], 'takes a diagonal'],
    [
      'bi,ij->bj->k',
      [
        [1, 3],
        [3, 3],
      ],
      'cannot be read',
    ],
    ['b1->b', [[1, 3]], 'cannot be read'],
    ['bi,ij->bj', [[1, 3]], 'for 2 operands, not 1'],
    ['bijk->b', [[1, 3]], 'does not fit operand 0'],
    ['b...ijk->b', [[1, 3]], 'does not fit operand 0'],
    ['bi->bk', [[1, 3]], 'from nowhere'],
    ['bi->bb', [[1, 3]], 'twice'],
    [
      'bi,ij->bj',
      [
        [1, 3],
        [4, 3],
      ],
      'axes of 3 meet axes of 4',
    ],
    ['', [[1, 3]], 'does not fit operand 0'],
  ] as [string, Shape[], string][])('"%s" of %j is refused', (equation, shapes, reason) => {
    const names = shapes.slice(1).map((_, i) => `w${i}`);
    const graph = {
      inputs: { x: shapes[0]! },
      nodes: [onnxNode('Einsum', ['x', ...names], ['y'], { equation }, 'attention')],
      initializers: names.map((name, i) => normals(name, shapes[i + 1]!)),
    };
    expect(() => networkFrom(graph)).toThrow(reason);
  });
});
