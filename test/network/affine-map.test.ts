// A compiled map and what does not compile. That maps are exact and adjoint is for the laws in test/laws.
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { chooseBackend } from '../../analysis/kernels/choose.ts';
import { compileMap } from '../../analysis/network/affine-map.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import { networkFrom, normals, onnxNode } from '../formats/models.ts';

test('what did not compile was told when it was asked for, and can be disposed of', async () => {
  const network = networkFrom({
    nodes: [onnxNode('MatMul', ['x', 'fc.weight'], ['y'])],
    initializers: [normals('fc.weight', [4, 3])],
  });
  const backend = { ...(await chooseBackend('cpu')), compile: () => Promise.reject(new Error('no session')) };
  const scope = { from: network.input, to: network.output, mode: 'frozen' as const };
  const map = await compileMap(network, layersOf(network), backend, scope, () => 4);
  const at = { data: new Float32Array(4), shape: [1, 1, 4] };
  await expect(map.locate(at, {})).rejects.toThrow('no session');
  // A rejection that nobody handles would end the process, and fails this test.
  map.dispose();
  await setTimeout(20);
});
