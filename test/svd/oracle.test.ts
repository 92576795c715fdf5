// The weights of the small convolutional network against float64 reference numbers: spectra, right vectors, power law.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadNetwork } from '../../analysis/formats/index.ts';
import { fitPowerLaw } from '../../analysis/methods/power-law.ts';
import { fromMatrix } from '../../analysis/operators/matrix.ts';
import { random } from '../../analysis/random.ts';
import { singularValues } from '../../analysis/svd/singular-values.ts';
import { smallSvd } from '../../analysis/svd/small-svd.ts';
import { truncatedSvd } from '../../analysis/svd/truncated-svd.ts';

const folder = new URL('../../../shared/oracles/', import.meta.url);
const present = existsSync(new URL('cnn.json', folder));

interface Expected {
  singular_values: number[];
  right_vectors: number[][];
  power_law: { alpha: number; xmin: number; distance: number; standard_error: number; tail_count: number } | null;
}

async function weightOf(layer: string): Promise<{ data: Float32Array; rows: number; cols: number }> {
  const { nodes } = await loadNetwork(new URL('cnn.onnx', folder).pathname);
  const weight = nodes.find(({ id }) => id.includes(layer))!.parameters['weight']!;
  return { data: weight.data, rows: weight.shape[0]!, cols: weight.data.length / weight.shape[0]! };
}

// Skipped where the folder of reference numbers does not lie beside the repository.
describe.skipIf(!present)('the weights of the reference network', () => {
  const read = (layer: string): Expected =>
    (JSON.parse(readFileSync(new URL('cnn.json', folder), 'utf8')) as { weight_directions: Record<string, Expected> })
      .weight_directions[layer]!;

  it.each(['conv1', 'conv2', 'fc1'])('have the reference spectrum and right vectors in %s', async (layer) => {
    const expected = read(layer);
    const { data, rows, cols } = await weightOf(layer);
    const { values, right } = smallSvd(data, rows, cols);
    const alone = singularValues(data, rows, cols);
    const iterated = await truncatedSvd(fromMatrix(data, rows, cols), { count: 4, denseLimit: 0, random: random(1) });
    for (const [i, value] of expected.singular_values.entries()) {
      expect(Math.abs(values[i]! / value - 1)).toBeLessThan(1e-8);
      expect(Math.abs(alone[i]! / value - 1)).toBeLessThan(1e-8);
      if (i < 4) expect(Math.abs(iterated.singularValues[i]! / value - 1)).toBeLessThan(1e-6);
    }
    expect(expected.right_vectors.length).toBeGreaterThan(2);
    for (const [i, vector] of expected.right_vectors.entries()) {
      for (const [c, entry] of vector.entries()) {
        expect(Math.abs(right[i * cols + c]! - entry)).toBeLessThan(1e-8);
        if (i < 4) expect(Math.abs(iterated.inputDirections.data[i * cols + c]! - entry)).toBeLessThan(1e-4);
      }
    }
  });

  it('have the reference power law in fc1, and too few values for one in the convolutions', async () => {
    const { power_law: expected } = read('fc1');
    const { data, rows, cols } = await weightOf('fc1');
    const found = fitPowerLaw(singularValues(data, rows, cols).map((x) => x * x));
    if ('reason' in found) throw new Error(found.reason);
    expect(Math.abs(found.alpha / expected!.alpha - 1)).toBeLessThan(1e-8);
    expect(Math.abs(found.xmin / expected!.xmin - 1)).toBeLessThan(1e-8);
    expect(Math.abs(found.distance / expected!.distance - 1)).toBeLessThan(1e-8);
    expect(Math.abs(found.standardError / expected!.standard_error - 1)).toBeLessThan(1e-8);
    expect(found.tailCount).toBe(expected!.tail_count);
    for (const layer of ['conv1', 'conv2']) {
      const { data: weight, rows: outputs, cols: inputs } = await weightOf(layer);
      expect(fitPowerLaw(singularValues(weight, outputs, inputs).map((x) => x * x))).toHaveProperty('reason');
      expect(read(layer).power_law).toBeNull();
    }
  });
});
