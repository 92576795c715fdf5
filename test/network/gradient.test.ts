// Gradients against the maps of the study, and values against the forward pass.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseBackend } from '../../analysis/kernels/choose.ts';
import type { Backend } from '../../analysis/kernels/kernels.ts';
import { sizeOf } from '../../analysis/kernels/kernels.ts';
import { compileGradient, multiplyAddsTo } from '../../analysis/network/gradient.ts';
import { nodeOf } from '../../analysis/network/network.ts';
import { branchedNetwork, chainNetwork } from '../methods/small-networks.ts';
import type { TestStudy } from '../support/study.ts';

describe('the gradient of a weighted sum of values', () => {
  let backend: Backend;
  const opened: TestStudy[] = [];
  beforeAll(async () => {
    backend = await chooseBackend('auto');
    opened.push(await chainNetwork(backend, {}), await branchedNetwork(backend));
  });
  afterAll(async () => {
    for (const one of opened) await one.close();
    await backend?.dispose();
  });

  it.each([
    [0, 'conv2'],
    [0, 'fc'],
    [1, 'fc'],
  ])('is one row of the Taylor map: network %i to %s', async (which, to) => {
    const { study } = opened[which]!;
    const shape = nodeOf(study.network, to).shape;
    const inputs = await study.inputs(0, 3);
    const data = study.random('weights').normals(3 * sizeOf(shape));
    const gradient = await compileGradient(study.network, backend, to);
    const { values, gradients } = await gradient.run(inputs, { data, shape: [3, ...shape] });
    gradient.dispose();
    const map = await study.mapAt(inputs, { to, mode: 'taylor' });
    const expected = await map.transpose({ count: 3, size: sizeOf(shape), data });
    expected.data.forEach((entry, i) => expect(gradients[i]).toBeCloseTo(entry, 5));
    for (let row = 0; row < 3; row++) {
      const size = sizeOf(shape);
      const products = map.value.subarray(row * size, (row + 1) * size).map((y, i) => y * data[row * size + i]!);
      expect(values[row]).toBeCloseTo(
        products.reduce((a, b) => a + b, 0),
        4,
      );
    }
  });

  it('counts the multiply-adds of no more of the network than the node needs', () => {
    const { network } = opened[0]!.study;
    expect(multiplyAddsTo(network, 'conv1')).toBe(36 * 3 * 9);
    expect(multiplyAddsTo(network, 'conv2')).toBe(36 * 3 * 9 + 9 * 4 * 27);
  });
});
