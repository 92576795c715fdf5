import { describe, expect, it } from 'vitest';
import {
  broadcastShapes,
  constantOf,
  fold,
  foldable,
  Misfit,
  reshapedTo,
  sliceRange,
  type Constant,
} from '../../analysis/network/constant-folding.ts';

const int = (shape: readonly number[], ...data: number[]): Constant => constantOf('integer', shape, data);
const float = (shape: readonly number[], ...data: number[]): Constant => constantOf('float', shape, data);
const result = (op: string, inputs: readonly (Constant | null)[], attributes = {}) => {
  const [first] = fold(op, inputs, attributes);
  return [first!.type, [...first!.shape], [...first!.data]];
};
const m = int([2, 3], 1, 2, 3, 4, 5, 6);

describe('constant folding', () => {
  it.each([
    ['Shape', [m], {}, ['integer', [2], [2, 3]]],
    ['Shape', [m], { start: -1 }, ['integer', [1], [3]]],
    ['Size', [m], {}, ['integer', [], [6]]],
    ['Reshape', [m], { shape: [0, -1, 1] }, ['integer', [2, 3, 1], [1, 2, 3, 4, 5, 6]]],
    ['Flatten', [int([2, 1, 3], 1, 2, 3, 4, 5, 6)], { axis: -1 }, ['integer', [2, 3], [1, 2, 3, 4, 5, 6]]],
    ['Squeeze', [int([1, 2, 1], 7, 8)], {}, ['integer', [2], [7, 8]]],
    ['Squeeze', [int([1, 2, 1], 7, 8)], { axes: [-1] }, ['integer', [1, 2], [7, 8]]],
    ['Unsqueeze', [int([2], 7, 8)], { axes: [0, -1] }, ['integer', [1, 2, 1], [7, 8]]],
    ['Transpose', [m], {}, ['integer', [3, 2], [1, 4, 2, 5, 3, 6]]],
    ['Expand', [int([2, 1], 1, 2)], { shape: [2, 2, 3] }, ['integer', [2, 2, 3], [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2]]],
    ['Tile', [int([1, 2], 1, 2)], { repeats: [2, 2] }, ['integer', [2, 4], [1, 2, 1, 2, 1, 2, 1, 2]]],
    ['Concat', [m, int([2, 1], 7, 8)], { axis: -1 }, ['integer', [2, 4], [1, 2, 3, 7, 4, 5, 6, 8]]],
    ['Slice', [m], { starts: [1], ends: [2 ** 63], axes: [1] }, ['integer', [2, 2], [2, 3, 5, 6]]],
    ['Slice', [m], { starts: [-1], ends: [-(2 ** 63)], axes: [-1], steps: [-2] }, ['integer', [2, 2], [3, 1, 6, 4]]],
    ['Gather', [m, int([2], -1, 0)], { axis: 1 }, ['integer', [2, 2], [3, 1, 6, 4]]],
    ['Gather', [m, int([], 1)], {}, ['integer', [3], [4, 5, 6]]],
    ['GatherND', [m, int([2, 2], 0, 1, 1, -1)], {}, ['integer', [2], [2, 6]]],
    ['GatherND', [m, int([1, 1], 1)], {}, ['integer', [1, 3], [4, 5, 6]]],
    ['GatherND', [m, int([2, 1, 1], 2, 0)], { batch_dims: 1 }, ['integer', [2, 1], [3, 4]]],
    ['ScatterND', [m, int([2, 1], 1, -2), int([2, 3], 7, 8, 9, 4, 4, 4)], {}, ['integer', [2, 3], [4, 4, 4, 7, 8, 9]]],
    [
      'ScatterND',
      [m, int([2, 2], 0, 2, 0, 2), int([2], 10, 20)],
      { reduction: 'add' },
      ['integer', [2, 3], [1, 2, 33, 4, 5, 6]],
    ],
    ['Pad', [int([2], 1, 2)], { pads: [1, 2], value: [9] }, ['integer', [5], [9, 1, 2, 9, 9]]],
    ['ConstantOfShape', [], { shape: [2], value: int([1], 5) }, ['integer', [2], [5, 5]]],
    ['ConstantOfShape', [], { shape: [] }, ['float', [], [0]]],
    ['Range', [int([], 5), int([], 0), int([], -2)], {}, ['integer', [3], [5, 3, 1]]],
    ['NonZero', [int([2, 2], 0, 1, 1, 0)], {}, ['integer', [2, 2], [0, 1, 1, 0]]],
    ['Where', [constantOf('boolean', [2], [1, 0]), int([], 3), int([2], 4, 5)], {}, ['integer', [2], [3, 5]]],
    ['Equal', [m, int([], 2)], {}, ['boolean', [2, 3], [0, 1, 0, 0, 0, 0]]],
    ['Not', [constantOf('boolean', [2], [1, 0])], {}, ['boolean', [2], [0, 1]]],
    ['Div', [int([3], 7, -7, 9), int([], 2)], {}, ['integer', [3], [3, -3, 4]]],
    ['Div', [float([1], 7), float([], 2)], {}, ['float', [1], [3.5]]],
    ['Mod', [int([2], 7, -7), int([], 3)], {}, ['integer', [2], [1, 2]]],
    ['Mul', [int([], 94906267), int([], 94906265)], {}, ['integer', [], [94906267 * 94906265]]],
    ['Add', [float([], 0.1), float([], 0.2)], {}, ['float', [], [Math.fround(Math.fround(0.1) + Math.fround(0.2))]]],
    ['Cast', [float([2], 2.9, -2.9)], { to: 'integer' }, ['integer', [2], [2, -2]]],
    ['Cast', [int([2], 0, 3)], { to: 'boolean' }, ['boolean', [2], [0, 1]]],
    ['Round', [float([4], 0.5, 1.5, 2.5, -1.2)], {}, ['float', [4], [0, 2, 2, -1]]],
    ['Floor', [float([2], 1.7, -1.2)], {}, ['float', [2], [1, -2]]],
    ['ReduceProd', [m], { axes: [1], keepdims: 0 }, ['integer', [2], [6, 120]]],
    ['ReduceSum', [m], {}, ['integer', [1, 1], [21]]],
    ['ReduceSum', [m], { axes: [], noop_with_empty_axes: 1 }, ['integer', [2, 3], [1, 2, 3, 4, 5, 6]]],
    ['ReduceMean', [float([2, 2], 1, 2, 3, 5)], { axes: [0] }, ['float', [1, 2], [2, 3.5]]],
    ['ReduceL2', [float([2], 3, 4)], { keepdims: 0 }, ['float', [], [5]]],
    [
      'DequantizeLinear',
      [int([2, 2], 1, 2, 3, 4), float([2], 0.5, 2), int([2], 1, 0)],
      { axis: 0 },
      ['float', [2, 2], [0, 0.5, 6, 8]],
    ],
  ] as const)('%s', (op, inputs, attributes, expected) => {
    expect(result(op, inputs, attributes)).toEqual(expected);
  });

  it('splits into parts', () => {
    const parts = fold('Split', [m], { axis: 1, split: [1, 2] });
    expect(parts.map(({ shape, data }) => [shape, [...data]])).toEqual([
      [
        [2, 1],
        [1, 4],
      ],
      [
        [2, 2],
        [2, 3, 5, 6],
      ],
    ]);
  });

  it('keeps the name of the one weight that a constant was made from', () => {
    const weight = constantOf('float', [1, 2], [1, 2], 'fc.weight');
    expect(fold('Transpose', [weight])[0]!.name).toBe('fc.weight');
    expect(fold('Mul', [weight, float([], 2)])[0]!.name).toBe('fc.weight');
    expect(fold('Add', [weight, constantOf('float', [], [1], 'other')])[0]!.name).toBeUndefined();
  });

  it.each([
    ['Reshape', [m], { shape: [4, -1] }],
    ['Squeeze', [m], { axes: [0] }],
    ['Gather', [m, int([1], 2)], { axis: 0 }],
    ['GatherND', [m, int([1, 3], 0, 0, 0)], {}],
    ['GatherND', [m, int([3, 1, 1], 0, 0, 0)], { batch_dims: 1 }],
    ['ScatterND', [m, int([1, 1], 2), int([1, 3], 1, 1, 1)], {}],
    ['ScatterND', [m, int([1, 1], 1), int([2], 1, 1)], {}],
    ['ScatterND', [m, int([1, 1], 1), int([1, 3], 1, 1, 1)], { reduction: 'constructor' }],
    ['Add', [m, int([2], 1, 2)], {}],
    ['Div', [m, int([], 0)], {}],
    ['Expand', [int([1], 1)], { shape: [2 ** 20, 2 ** 20] }],
    ['Range', [int([], 0), int([], 2 ** 40), int([], 1)], {}],
  ] as const)('%s refuses what does not fit or is too large', (op, inputs, attributes) => {
    expect(() => fold(op, inputs, attributes)).toThrow(Misfit);
  });

  it('knows what it can fold', () => {
    expect([foldable('Gather'), foldable('Conv'), foldable('constructor')]).toEqual([true, false, false]);
  });

  it('finds shapes as numpy and ONNX do', () => {
    expect(broadcastShapes([3, 1], [1, 4], [])).toEqual([3, 4]);
    expect(() => broadcastShapes([3], [4])).toThrow('do not fit');
    expect(reshapedTo([2, 4, 3], [0, -1, 6])).toEqual([2, 2, 6]);
    expect(() => reshapedTo([2, 4, 3], [-1, 7])).toThrow('cannot be reshaped');
    expect(sliceRange(10, -3, 100, 2)).toEqual({ start: 7, step: 2, count: 2 });
    expect(sliceRange(10, 100, -100, -3)).toEqual({ start: 9, step: -3, count: 4 });
    expect(sliceRange(10, 5, 5, 1).count).toBe(0);
  });
});
