import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { compileMap } from '../../analysis/network/affine-map.ts';
import { canonical } from '../../analysis/network/canonical.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import { random } from '../../analysis/random.ts';
import { backends } from '../ops/op-laws.ts';
import { floats, integers, networkFrom, normals, onnxBytes, onnxNode } from './models.ts';
import { relativeDifference } from './written.ts';

const [steps, width, heads, classes] = [4, 6, 2, 3];
const size = width / heads;

const head = (name: string) => [
  onnxNode('MatMul', ['x', `${name}.weight`], [`${name}/product`]),
  onnxNode('Add', [`${name}/product`, `${name}.bias`], [`${name}/sum`]),
  onnxNode('Reshape', [`${name}/sum`, 'apart'], [`${name}/apart`]),
  onnxNode('Transpose', [`${name}/apart`], [`${name}/heads`], { perm: name === 'k' ? [0, 2, 3, 1] : [0, 2, 1, 3] }),
];

/** One encoder block as PyTorch exports it, the mean over time, and a dense layer. */
const bytes = onnxBytes({
  inputs: { x: ['batch', steps, width] },
  outputs: ['logits'],
  initializers: [
    ...['q', 'k', 'v', 'out'].flatMap((name) => [
      normals(`${name}.weight`, [width, width]),
      normals(`${name}.bias`, [width]),
    ]),
    integers('apart', [4], [-1, steps, heads, size]),
    integers('together', [3], [-1, steps, width]),
    floats('scale', [1], [1 / Math.sqrt(size)]),
    normals('norm.weight', [width]),
    normals('norm.bias', [width]),
    normals('fc.weight', [classes, width]),
    normals('fc.bias', [classes]),
  ],
  nodes: [
    ...['q', 'k', 'v'].flatMap(head),
    onnxNode('MatMul', ['q/heads', 'k/heads'], ['scores']),
    onnxNode('Mul', ['scores', 'scale'], ['scaled']),
    onnxNode('Softmax', ['scaled'], ['shares'], { axis: -1 }),
    onnxNode('MatMul', ['shares', 'v/heads'], ['mixed']),
    onnxNode('Transpose', ['mixed'], ['by step'], { perm: [0, 2, 1, 3] }),
    onnxNode('Reshape', ['by step', 'together'], ['joined']),
    onnxNode('MatMul', ['joined', 'out.weight'], ['out/product']),
    onnxNode('Add', ['out/product', 'out.bias'], ['attention']),
    onnxNode('Add', ['x', 'attention'], ['residual']),
    onnxNode('LayerNormalization', ['residual', 'norm.weight', 'norm.bias'], ['normed'], { axis: -1 }),
    onnxNode('ReduceMean', ['normed'], ['pooled'], { axes: [1], keepdims: 0 }),
    onnxNode('Gemm', ['pooled', 'fc.weight', 'fc.bias'], ['logits'], { transB: 1 }),
  ],
});

describe('a small transformer classifier in ONNX', () => {
  const network = canonical(networkFrom(bytes));
  const x = random(4, 'sequence').normals(steps * width);
  const row = (data: Float32Array) => ({ data, count: 1, size: data.length });
  const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

  it('holds the shares of the attention fixed where maps are frozen', () => {
    const mixed = network.nodes.filter(({ op }) => op === 'mat-mul').map(({ attributes }) => attributes['gate']);
    expect(mixed).toEqual([null, 0]);
    expect(layersOf(network).map(({ name }) => name)).toEqual(['q', 'k', 'v', 'out', 'fc']);
  });
  it.each(['taylor', 'frozen'] as const)(
    '%s: exact and adjoint on every backend, at what ONNX Runtime gives',
    async (mode) => {
      const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
      const { logits } = await session.run({ x: new ort.Tensor('float32', x, [1, steps, width]) });
      await session.release();
      for (const backend of backends) {
        const map = await compileMap(
          network,
          layersOf(network),
          backend,
          { from: 'x', to: network.output, mode },
          () => 4,
        );
        const located = await map.locate({ data: x, shape: [1, 1, steps, width] }, {});
        expect(relativeDifference(located.value, logits!.data as Float32Array)).toBeLessThan(3e-6);
        const { data: applied } = await located.apply(row(x));
        expect(
          relativeDifference(
            applied.map((v, i) => v + located.offset[i]!),
            located.value,
          ),
        ).toBeLessThan(1e-5);
        const [u, v] = [random(1, 'u').normals(steps * width), random(2, 'v').normals(classes)];
        const [forth, back] = [(await located.apply(row(u))).data, (await located.transpose(row(v))).data];
        expect(Math.abs(dot(forth, v) - dot(u, back))).toBeLessThan(1e-5 * Math.hypot(...forth) * Math.hypot(...v));
        map.dispose();
      }
    },
  );
});
