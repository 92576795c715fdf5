// Weight directions against the reference numbers of a small network, and against the paper's own way on a small random one:
// the weights unfolded, every window of the input as a column, one product per image.
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseBackend, probeBackends } from '../../analysis/kernels/choose.ts';
import { sizeOf, type Backend } from '../../analysis/kernels/kernels.ts';
import { classHierarchy, hierarchyAt } from '../../analysis/methods/class-hierarchy.ts';
import { directionSignals, quantileOf } from '../../analysis/methods/direction-signals.ts';
import { fitPowerLaw } from '../../analysis/methods/power-law.ts';
import { unfold } from '../../analysis/methods/unfolded-weights.ts';
import { weightDirections } from '../../analysis/methods/weight-directions.ts';
import { decompose } from '../../analysis/methods/weight-spectrum.ts';
import { multiplyAddsTo } from '../../analysis/network/gradient.ts';
import { nodeOf } from '../../analysis/network/network.ts';
import { random } from '../../analysis/random.ts';
import type { ClassHierarchy, WeightDirections } from '../../reports/format.ts';
import { fieldProblems } from '../../reports/format.ts';
import { studyOfFile, type TestStudy } from '../support/study.ts';
import { chainNetwork } from './small-networks.ts';

const ORACLES = '../shared/oracles';
const hasOracles = existsSync(`${ORACLES}/cnn.json`);
const backends = (await probeBackends()).filter(({ loads }) => loads).map(({ id }) => id);
const DIGITS = '../shared/data/mnist-idx/t10k';
const hasDigits = existsSync(`${DIGITS}-images-idx3-ubyte.gz`);
const light = { synthesisSteps: 60, exemplars: 2, count: 3 };

/** Groups as {classes: directions}, at majority 0.75 over the first 500 test digits, from im2col and a NumPy SVD in float64. */
const DIGIT_GROUPS = {
  conv2: { quantile: 0.85, groups: { '0123456789': [0, 1, 2, 3, 4, 8, 9, 10, 14], 0: [23], 8: [11] } },
  fc1: {
    quantile: 0.95,
    groups: {
      '0123456789': [9],
      12345789: [6],
      3579: [1],
      1348: [5],
      56: [3],
      0: [7],
      1: [8, 13],
      2: [0],
      7: [2],
      8: [17],
    },
  },
};

describe.skipIf(!hasDigits)('a network of digits (skipped where ../shared is absent)', () => {
  it('has the groups of the paper’s thresholds that NumPy finds', async () => {
    const backend = await chooseBackend('auto');
    const { study, close } = await studyOfFile('../shared/models/ddp-cnn-mnist/model.onnx', backend, {
      samples: `${DIGITS}-images-idx3-ubyte.gz`,
      labels: `${DIGITS}-labels-idx1-ubyte.gz`,
      limit: 500,
    });
    try {
      const signals = await directionSignals(study);
      for (const [place, { quantile, groups }] of Object.values(DIGIT_GROUPS).entries()) {
        const [, found] = hierarchyAt(signals.get(study.layers[place + 1]!.name)!, study.labels!, quantile, 0.75);
        expect(Object.fromEntries(found.groups.map((group) => [group.classes.join(''), group.directions]))).toEqual(
          groups,
        );
      }
    } finally {
      await close();
      await backend.dispose();
    }
  });
});

describe.skipIf(!hasOracles)('the reference network (skipped where ../shared/oracles is absent)', () => {
  const oracle = hasOracles ? JSON.parse(readFileSync(`${ORACLES}/cnn.json`, 'utf8')).weight_directions : {};

  it.each(backends)('has these directions, signals, quantiles and hyperedges on %s', async (id) => {
    const backend = await chooseBackend(id);
    const { study, close } = await studyOfFile(`${ORACLES}/cnn.onnx`, backend, {
      samples: `${ORACLES}/cnn.inputs.npy`,
      labels: `${ORACLES}/cnn.labels.npy`,
    });
    try {
      const signals = await directionSignals(study);
      for (const [layer, expected] of Object.entries<any>(oracle)) {
        const { spectrum, values, directions } = signals.get(layer)!;
        const largest = expected.singular_values[0];
        expected.singular_values.forEach((value: number, i: number) =>
          expect(Math.abs(spectrum.values[i]! - value)).toBeLessThan(1e-8 * largest),
        );
        expected.right_vectors.forEach((vector: number[], i: number) =>
          vector.forEach((entry, c) => expect(Math.abs(spectrum.triplets[i]!.input[c]! - entry)).toBeLessThan(1e-7)),
        );
        expect(values).toHaveLength(24 * directions);
        expected.signals
          .flat()
          .forEach((signal: number, i: number) =>
            expect(Math.abs(values[i]! - signal), `${layer}, signal ${i}`).toBeLessThan(2e-6),
          );
        expect(Math.abs(quantileOf(values, 0.85) - expected['quantile_0.85'])).toBeLessThan(2e-6);
        const [, { groups }] = hierarchyAt({ values, directions }, study.labels!, 0.85, 0.5);
        const hyperedges = Object.entries<number[]>(expected['hyperedges_majority_0.5']);
        for (const [c, edge] of hyperedges) {
          const found = groups
            .filter(({ classes }) => classes.includes(Number(c)))
            .flatMap((group) => group.directions);
          expect(
            found.sort((a, b) => a - b),
            `${layer}, class ${c}`,
          ).toEqual(edge);
        }
        expect(hyperedges.length).toBeGreaterThan(1);
        const fit = fitPowerLaw(spectrum.values.map((value) => value ** 2));
        if (expected.power_law === null) expect(fit).toHaveProperty('reason');
        else expect(fit).toMatchObject({ alpha: expect.closeTo(expected.power_law.alpha, 7) });
      }
    } finally {
      await close();
      await backend.dispose();
    }
  });
});

describe.each(backends)('a small network on %s', (id) => {
  let backend: Backend;
  let opened: TestStudy;
  beforeAll(async () => {
    backend = await chooseBackend(id);
    opened = await chainNetwork(backend, light);
  });
  afterAll(async () => {
    await opened?.close();
    await backend?.dispose();
  });

  it('has the signals that one product with every window of each image gives', async () => {
    const { study } = opened;
    const signals = await directionSignals(study);
    for (const name of ['conv1', 'conv2']) {
      const { layer, spectrum, values, directions } = signals.get(name)!;
      const node = nodeOf(study.network, layer.node);
      const [, channels, height, width] = nodeOf(study.network, node.inputs[0]!).shape as number[];
      const [inputs] = await study.values([node.inputs[0]!], 0, study.samples.count);
      for (let sample = 0; sample < study.samples.count; sample++) {
        for (let i = 0; i < directions; i++) {
          const { value, input } = spectrum.triplets[i]!;
          // S_i v_iᵀ Ψ(X), window by window, zeros around the image.
          let sum = 0;
          for (let y = 0; y < height!; y++) {
            for (let x = 0; x < width!; x++) {
              for (let c = 0; c < channels!; c++) {
                for (let t = 0; t < 9; t++) {
                  const [row, column] = [y + Math.floor(t / 3) - 1, x + (t % 3) - 1];
                  if (row < 0 || column < 0 || row >= height! || column >= width!) continue;
                  const at = ((sample * channels! + c) * height! + row) * width! + column;
                  sum += value * input[c * 9 + t]! * inputs!.data[at]!;
                }
              }
            }
          }
          expect(values[sample * directions + i]).toBeCloseTo(sum / (height! * width!), 5);
        }
      }
    }
  });

  it('answers with filters, exemplars, synthesised inputs that beat samples, and its certificate', async () => {
    const { study } = opened;
    const units = weightDirections.units(study);
    expect(units).toHaveLength(3);
    const signals = await directionSignals(study);
    for (const unit of units as readonly { key: string; layer: string }[]) {
      const [answer] = await weightDirections.answer(study, unit);
      expect(fieldProblems('layer', answer!.fields)).toEqual([]);
      const found = answer!.fields['weightDirections'] as WeightDirections;
      expect(found.certificate.reconstruction).toBeLessThan(1e-5);
      for (const residual of found.certificate.residuals!) expect(residual).toBeLessThan(1e-10);
      const { values, directions } = signals.get(unit.layer)!;
      for (const { index, exemplars, synthesised, synthesisedSignal, filter, signals: spread } of found.directions!) {
        const own = values.filter((_, i) => i % directions === index);
        expect(exemplars!.map(({ signal }) => signal)).toEqual([...own.toSorted().toReversed().slice(0, 2)]);
        expect(exemplars!.every(({ heatMap }) => (heatMap !== null) === unit.layer.startsWith('conv'))).toBe(true);
        expect(spread!.map(({ samples }) => samples)).toEqual([4, 4, 4]);
        expect(Math.max(...spread!.map(({ quantiles }) => quantiles[4]!))).toBe(own.toSorted().at(-1));
        expect(filter).not.toBeNull();
        expect(synthesised).not.toBeNull();
        // The first layer is linear, so that its ascent has no local optimum; behind others it must beat the usual sample.
        const beaten = unit.layer === 'conv1' ? exemplars![0]!.signal : quantileOf(own, 0.5);
        expect(synthesisedSignal).toBeGreaterThan(beaten);
      }
      expect(found.steps?.parts.length ?? 0).toBe(
        unit.layer.startsWith('conv') ? 3 + Number(unit.layer === 'conv2') : 0,
      );
    }
  });

  it('gives the same synthesised inputs for the same seed', async () => {
    const unit = { key: 'conv1', layer: 'conv1' };
    const pictures = async () => {
      const [answer] = await weightDirections.answer(opened.study, unit);
      return (answer!.fields['weightDirections'] as WeightDirections).directions!.map((one) => one.synthesised?.url);
    };
    const first = await pictures();
    expect(await pictures()).toEqual(first);
    expect(new Set(first).size).toBe(3);
  });

  it('makes inputs in fewer, longer steps where work is limited, and says so', async () => {
    const { network, layers } = opened.study;
    const perStep = 3 * multiplyAddsTo(network, layers[0]!.node) + 5000 * sizeOf(nodeOf(network, network.input).shape);
    const madeIn = async (steps: number) => {
      const settings = { ...light, synthesisSteps: 128, synthesisWork: (steps * perStep * 1.001) / 1e9 };
      const { study, close } = await chainNetwork(backend, settings);
      const [answer] = await weightDirections.answer(study, { key: 'conv1', layer: 'conv1' });
      await close();
      return answer!.fields['weightDirections'] as WeightDirections;
    };
    const [many, few, none] = [await madeIn(3 * 128), await madeIn(20), await madeIn(15)];
    expect(many.synthesisReason).toBeNull();
    expect(few.synthesisReason).toContain('for 1 of 3, in 20 steps in place of 128');
    expect(few.directions![0]!.synthesisedSignal).toBeGreaterThan(0.8 * many.directions![0]!.synthesisedSignal!);
    expect(none.synthesisReason).toContain('16 steps take');
    expect(none.directions!.every(({ synthesised }) => synthesised === null)).toBe(true);
  });

  it('answers hierarchies whose groups are those of their thresholds, the chosen ones and others', async () => {
    for (const unit of classHierarchy.units(opened.study) as readonly { key: string; layer: string }[]) {
      const [answer] = await classHierarchy.answer(opened.study, unit);
      expect(fieldProblems('layer', answer!.fields)).toEqual([]);
      const found = answer!.fields['classHierarchy'] as ClassHierarchy;
      const signals = (await directionSignals(opened.study)).get(unit.layer)!;
      for (const { quantile, majority, threshold, groups, edges } of [found, ...found.alternatives!]) {
        const [expected, graph] = hierarchyAt(signals, opened.study.labels!, quantile, majority);
        expect(threshold).toBe(expected);
        expect(groups.map(({ directions }) => directions)).toEqual(graph.groups.map(({ directions }) => directions));
        expect(edges).toEqual(graph.edges);
      }
      expect(found.alternatives).toHaveLength(11);
      for (const { classes, exemplars } of found.groups) {
        for (const { sample } of exemplars!)
          expect(classes).toContain(opened.study.outputName(opened.study.labels![sample.index]!));
      }
    }
  });
});

describe('the decomposition of unfolded weights', () => {
  it('computes only leading values of what is too large, and states exactly what they leave out', async () => {
    const matrix = random(7, 'large').normals(150 * 200);
    const weights = {
      weightShape: [150, 200],
      rows: 150,
      columns: 200,
      blocks: [matrix],
      filter: [200],
      bias: null,
      outputAxis: 1,
    };
    const study = { random: (stream: string) => random(0, stream), checkpoint: () => {} };
    const [whole, leading] = [await decompose(weights, study), await decompose(weights, study, 1e6)];
    expect([whole.isComplete, leading.isComplete]).toEqual([true, false]);
    expect(leading.values).toHaveLength(64);
    for (const [i, value] of leading.values.entries())
      expect(Math.abs(value / whole.values[i]! - 1)).toBeLessThan(1e-5);
    expect(leading.energy).toBeCloseTo(
      whole.values.reduce((sum, value) => sum + value ** 2, 0),
      6,
    );
    expect(leading.count).toBe(150);
  });

  it('reads a product with a constant matrix as a layer, and says why it reads no other', () => {
    const constant = (shape: number[]) => ({
      id: 'w',
      op: 'constant',
      inputs: [],
      attributes: {},
      parameters: { value: { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape } },
      shape,
      name: 'w',
    });
    const network = (shape: number[], attributes = {}) =>
      ({
        nodes: [
          constant(shape),
          { id: 'y', op: 'mat-mul', inputs: ['x', 'w'], attributes, parameters: {}, shape: [1, 3], name: 'y' },
        ],
      }) as never;
    const layer = { node: 'y', op: 'mat-mul' } as never;
    expect(unfold({ network: network([2, 3]) }, layer)).toMatchObject({
      rows: 3,
      columns: 2,
      blocks: [Float32Array.of(1, 4, 2, 5, 3, 6)],
    });
    expect(unfold({ network: network([3, 2], { transposeB: true }) }, layer)).toMatchObject({ rows: 3, columns: 2 });
    expect(unfold({ network: network([2, 3], { transposeA: true }) }, layer)).toContain('transposed input');
    expect(unfold({ network: network([2, 1, 3]) }, layer)).toContain('no single weight matrix');
  });
});
