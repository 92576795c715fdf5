import { afterAll, beforeAll, expect, it } from 'vitest';
import { onnxruntimeBackend } from '../../analysis/kernels/onnxruntime.ts';
import type { Backend } from '../../analysis/kernels/kernels.ts';
import { explained } from '../../analysis/methods/explained-network.ts';
import { networkFrom, onnxNode } from '../formats/models.ts';

let backend: Backend;
beforeAll(() => void (backend = onnxruntimeBackend()));
afterAll(() => backend.dispose());

it('a network in the place of the study’s own is fed what that one is, where an input has its name', async () => {
  const network = networkFrom({ nodes: [onnxNode('Add', ['x', 'b'], ['y'])], inputs: { x: ['N', 4], b: ['N', 4] } });
  const x = { data: Float32Array.of(1, 2, 3, 4), shape: [1, 1, 4] };
  const outputs = async (fed: Record<string, { data: Float32Array; shape: number[] }>): Promise<number[]> => {
    const other = explained(network, { backend, blockSize: () => 4, fed });
    const [y] = await other.valuesAt([network.output], x);
    const map = await other.mapAt(x, { mode: 'taylor' });
    expect([...map.value]).toEqual([...y!.data]);
    other.dispose();
    return [...y!.data];
  };
  expect(await outputs({ b: { data: Float32Array.of(10, 20, 30, 40), shape: [1, 1, 4] } })).toEqual([11, 22, 33, 44]);
  expect(await outputs({})).toEqual([1, 2, 3, 4]);
  expect(await outputs({ b: { data: Float32Array.of(10), shape: [1, 1, 1] } })).toEqual([1, 2, 3, 4]);
});
