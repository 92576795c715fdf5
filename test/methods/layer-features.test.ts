// Layer features against the reference numbers of a small network, and against the paper's own way on a small random one:
// the stack written out and decomposed, left vectors sample by sample, features by the recursion over pictures.
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chooseBackend, probeBackends } from '../../analysis/kernels/choose.ts';
import type { Backend, BackendId } from '../../analysis/kernels/kernels.ts';
import { featureRecursion } from '../../analysis/methods/feature-recursion.ts';
import { layerFeatures, layerScores } from '../../analysis/methods/layer-features.ts';
import { transformationsOf } from '../../analysis/methods/layer-transformations.ts';
import { elbow, givenCount, stackedLayers } from '../../analysis/methods/stacked-svd.ts';
import type { LayerFeatures } from '../../reports/format.ts';
import { studyOfFile, type TestStudy } from '../support/study.ts';
import { literalFeatures } from './literal-layer-features.ts';
import { branchedNetwork, inputBesideNetwork, chainNetwork } from './small-networks.ts';

const ORACLES = '../shared/oracles';
const hasOracles = existsSync(`${ORACLES}/mlp.json`);

describe.skipIf(!hasOracles)('the reference network (skipped where ../shared/oracles is absent)', () => {
  const oracle = hasOracles ? JSON.parse(readFileSync(`${ORACLES}/mlp.json`, 'utf8')) : { layers: [] };
  let backend: Backend;
  let opened: TestStudy;
  beforeAll(async () => {
    backend = await chooseBackend('auto');
    opened = await studyOfFile(`${ORACLES}/mlp.onnx`, backend, {
      samples: `${ORACLES}/mlp.inputs.npy`,
      labels: `${ORACLES}/mlp.labels.npy`,
      k: '6,6,5',
    });
  });
  afterAll(async () => {
    await opened?.close();
    await backend?.dispose();
  });

  test('has these singular values and right vectors', async () => {
    const { stacks } = await stackedLayers(opened.study);
    for (const [l, { singularValues, vectors, k }] of stacks.entries()) {
      const { singular_values: expected, right_vectors: rows } = oracle.layers[l];
      // s = p/z of the last layer grows without bound near z = 0, where float32 knows z to a few digits.
      const digits = l === 2 ? 2e-4 : 1e-6;
      expected.forEach((value: number, i: number) => {
        if (i < singularValues.length) expect(Math.abs(singularValues[i]! - value)).toBeLessThan(digits * expected[0]);
      });
      for (let j = 0; j < k; j++) {
        const inner = rows[j].reduce(
          (sum: number, v: number, i: number) => sum + v * vectors[j * rows[j].length + i]!,
          0,
        );
        expect(inner, `layer ${l + 1}, vector ${j + 1}`).toBeGreaterThan(1 - digits);
      }
    }
  });

  test('has these left vectors at its first sample', async () => {
    const { stacks, reader } = await stackedLayers(opened.study);
    const blocks = await reader.read(0, 1);
    for (const [l, { left, k }] of stacks.entries()) {
      oracle.layers[l].left_vectors_sample0.forEach((row: number[], o: number) =>
        row.forEach((u, j) => expect(blocks[l]!.s[o]! * left[o * k + j]!).toBeCloseTo(u, l === 2 ? 3 : 5)),
      );
    }
  });

  test('is reconstructed this well, and its features read the input this well', async () => {
    const { scores } = await layerScores(opened.study);
    for (const [l, score] of scores.entries()) {
      const expected = oracle.layers[l];
      const digits = l === 2 ? 4 : 6;
      expect(score!.reconstruction.pearson).toBeCloseTo(expected.reconstruction_pearson, digits);
      expect(score!.reconstruction.meanAbsoluteError).toBeCloseTo(expected.reconstruction_mae, digits);
      for (const way of ['cosine', 'pullback'] as const) {
        expect(score![way].pearson).toBeCloseTo(expected[`feature_${way}`].pearson, digits);
        expect(score![way].meanAbsoluteError).toBeCloseTo(expected[`feature_${way}`].mae, l === 2 ? 3 : 6);
      }
    }
  });

  test('has these features at its first sample', async () => {
    const { stacks, reader } = await stackedLayers(opened.study);
    const recursion = await featureRecursion(opened.study, stacks);
    const coefficients = await recursion.of(0, 1, await reader.read(0, 1));
    const size = recursion.basis.length / recursion.width;
    for (const [l, { k }] of stacks.entries()) {
      for (const way of ['cosine', 'pullback'] as const) {
        for (let j = 0; j < k; j++) {
          for (let i = 0; i < size; i++) {
            let value = 0;
            for (let b = 0; b < recursion.width; b++)
              value += coefficients[l]![way][j * recursion.width + b]! * recursion.basis[b * size + i]!;
            expect(value).toBeCloseTo(oracle.layers[l][`feature_${way}`].sample0[j][i], l === 2 ? 3 : 5);
          }
        }
      }
    }
    recursion.dispose();
  });

  test('gives an answer for each of its layers and a reconstruction for each sample', async () => {
    const answers = await layerFeatures.answer(opened.study, { key: 'all' });
    const layers = answers.flatMap(({ on, fields }) =>
      on !== 'model' && 'layer' in on ? [fields['layerFeatures'] as LayerFeatures] : [],
    );
    expect(layers.map(({ k }) => k)).toEqual([6, 6, 5]);
    for (const layer of layers) {
      expect(layer.certificate.reconstruction).toBeLessThan(1e-5);
      expect(layer.certificate.completeness).toBeLessThan(1e-5);
      expect(layer.embedding).toHaveLength(40);
      expect(layer.clusters!.reduce((sum, { size }) => sum + size, 0)).toBe(40);
      expect(layer.features![0]!.byClass).toHaveLength(5);
    }
    expect(answers.filter(({ on }) => on !== 'model' && 'sample' in on)).toHaveLength(40);
  });
});

const BACKENDS: readonly BackendId[] = (await probeBackends()).filter(({ loads }) => loads).map(({ id }) => id);

describe.each(BACKENDS)('on %s, small random networks', (id) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await chooseBackend(id);
  });
  afterAll(() => backend?.dispose());

  // A chain with a convolution, normalisation, every kind of activation and both poolings; the paper's stack in float64.
  test('have the spectra, scores and traces of the stack written out', async () => {
    const { study, close } = await chainNetwork(backend, { k: '5,4,3' });
    try {
      const literal = await literalFeatures(study);
      const { stacks } = await stackedLayers(study);
      const { scores } = await layerScores(study);
      expect(stacks.map(({ transformation }) => transformation.layer.name)).toEqual(literal.map(({ name }) => name));
      for (const [l, expected] of literal.entries()) {
        const { singularValues, outputSide, rowNorms } = stacks[l]!;
        const close = (values: ArrayLike<number>, wanted: ArrayLike<number>, digits: number): void => {
          for (let i = 0; i < Math.min(values.length, wanted.length); i++)
            expect(Math.abs(values[i]! - wanted[i]!), `${expected.name}, value ${i}`).toBeLessThan(digits * wanted[0]!);
        };
        close(singularValues, expected.singularValues, 1e-5);
        close(outputSide.values, expected.outputSingularValues, 1e-3);
        expected.rowNorms.forEach((norm, o) => expect(rowNorms[o]!).toBeCloseTo(norm, 4));
        for (const way of ['reconstruction', 'cosine', 'pullback'] as const) {
          expect(scores[l]![way].pearson, `${expected.name}, ${way}`).toBeCloseTo(expected[way].pearson, 3);
          const difference = Math.abs(scores[l]![way].meanAbsoluteError - expected[way].meanAbsoluteError);
          expect(difference, `${expected.name}, ${way}`).toBeLessThan(1e-6 + 1e-3 * expected[way].meanAbsoluteError);
        }
      }
    } finally {
      await close();
    }
  });

  test('with a shortcut skip the layer that adds it, and say so', async () => {
    const { study, close } = await branchedNetwork(backend);
    try {
      const { skipped } = transformationsOf(study);
      expect(skipped.map(({ reason }) => reason.includes('shortcut'))).toEqual([true]);
      expect(layerFeatures.skipped!(study).map(({ layer }) => layer)).toEqual(skipped.map(({ layer }) => layer));
    } finally {
      await close();
    }
  });

  test.each([
    ['a shortcut between layers', branchedNetwork],
    ['the input beside a layer', inputBesideNetwork],
  ])('count no path twice: %s', async (_, open) => {
    const { study, close, expectedPullback } = await open(backend);
    try {
      const { stacks, reader } = await stackedLayers(study);
      const recursion = await featureRecursion(study, stacks);
      // Samples on their own, and several at once.
      for (const count of [1, 2]) {
        const last = (await recursion.of(0, count, await reader.read(0, count))).at(-1)!.pullback;
        const expected = await expectedPullback(study, stacks, count);
        const size = expected.length / (last.length / recursion.width);
        const drawn = expected.map((__, i) => {
          const row = Math.floor(i / size) * recursion.width;
          let value = 0;
          for (let b = 0; b < recursion.width; b++) value += last[row + b]! * recursion.basis[b * size + (i % size)]!;
          return value;
        });
        const largest = Math.max(...expected.map(Math.abs));
        expected.forEach((value, i) => expect(Math.abs(drawn[i]! - value)).toBeLessThan(1e-4 * largest));
      }
      recursion.dispose();
    } finally {
      await close();
    }
  });
});

describe('how many features a layer gets', () => {
  test('is no more than memory has room for, and said so', async () => {
    const backend = await chooseBackend('auto');
    const { study, close } = await chainNetwork(backend, { k: '5,4,3' });
    try {
      const widths = (await stackedLayers(study)).stacks.map(({ transformation }) => transformation);
      const perDirection = Math.max(...widths.map(({ size, inputSize }) => 4 * size + 16 * (inputSize + 1)));
      // An eighth holds two directions of the widest layer for each layer.
      const { stacks } = await stackedLayers({ ...study, memory: 8 * widths.length * 2 * perDirection });
      const widest = stacks.find(
        ({ transformation: { size, inputSize } }) => 4 * size + 16 * (inputSize + 1) === perDirection,
      )!;
      expect([widest.k, widest.kSource]).toEqual([2, 'memory']);
    } finally {
      await close();
    }
  });
  test('is the position of the value farthest from the chord', () => {
    expect(elbow([10, 9, 1, 0.9, 0.8, 0.7, 0.6])).toBe(3);
    expect(elbow([5, 5, 5])).toBe(3);
    expect(elbow([7])).toBe(1);
  });
  test('is what --k says: for all, in order, or by name', () => {
    expect(givenCount(20, 'fc', 3)).toBe(20);
    expect(givenCount([20, 10], 'fc', 1)).toBe(10);
    expect(givenCount([20, 10], 'fc', 2)).toBeNull();
    expect(givenCount({ fc: 4 }, 'fc', 2)).toBe(4);
    expect(givenCount('elbow', 'fc', 0)).toBeNull();
  });
});
