import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../analysis/errors.ts';
import type { Backend, Tensor } from '../../analysis/kernels/kernels.ts';
import { onnxruntimeBackend } from '../../analysis/kernels/onnxruntime.ts';
import { ancestorsOf, compileForward } from '../../analysis/network/forward.ts';
import { networkFrom, onnxNode, floats } from '../formats/models.ts';

let backend: Backend;
beforeAll(() => {
  backend = onnxruntimeBackend();
});
afterAll(() => backend.dispose());

const n = onnxNode;
const network = () =>
  networkFrom({
    nodes: [
      n('Mul', ['x', 'two'], ['a']),
      n('Add', ['a', 'other'], ['b']),
      n('Mul', ['other', 'two'], ['c']),
      n('Exp', ['b'], ['y']),
    ],
    initializers: [floats('two', [], [2])],
    inputs: { x: [1, 2], other: [1, 2] },
    outputs: ['y', 'c'],
  });
const samples: Tensor = { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 1, 2] };

describe('the forward pass', () => {
  it('gives the chosen nodes in their order, doubled ones and the input itself included', async () => {
    const forward = await compileForward(network(), backend, ['a', 'x', 'a', 'two']);
    const values = await forward.run(samples);
    expect(values.map(({ shape }) => shape)).toEqual([[3, 1, 2], [3, 1, 2], [3, 1, 2], [3]]);
    expect(values.map(({ data }) => [...data])).toEqual([
      [2, 4, 6, 8, 10, 12],
      [1, 2, 3, 4, 5, 6],
      [2, 4, 6, 8, 10, 12],
      [2, 2, 2],
    ]);
    forward.dispose();
  });

  it('feeds other inputs, once for all samples or for each', async () => {
    const forward = await compileForward(network(), backend, ['b', 'c']);
    const [once, constant] = await forward.run(samples, { other: { data: Float32Array.of(10, 20), shape: [1, 1, 2] } });
    expect([...once!.data]).toEqual([12, 24, 16, 28, 20, 32]);
    expect([...constant!.data]).toEqual([20, 40, 20, 40, 20, 40]);
    const [each] = await forward.run(samples, { other: { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 1, 2] } });
    expect([...each!.data]).toEqual([3, 6, 9, 12, 15, 18]);
    forward.dispose();
  });

  it('asks for an input that it needs, and for no other', async () => {
    const forward = await compileForward(network(), backend, ['b']);
    const error = await forward.run(samples).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toContain('"other"');
    expect((error as UserError).hint).toContain('[1, 2]');
    forward.dispose();
    expect(ancestorsOf(network().nodes, ['a']).map(({ id }) => id)).toEqual(['x', 'two', 'a']);
  });
});
