// SLP: input components and singular patterns against matrices written out, the reference network, and a wide layer in blocks.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sizeOf } from '../../analysis/kernels/kernels.ts';
import { inputPatterns, narrowOrderOf, plansOf } from '../../analysis/methods/input-patterns.ts';
import { planAllRows, planRows, type Rows } from '../../analysis/methods/jacobian-rows.ts';
import type { Answer } from '../../analysis/methods/method.ts';
import { fitsGlob } from '../../analysis/methods/layer-glob.ts';
import { componentGram, representationalPower, singularPatterns } from '../../analysis/methods/singular-patterns.ts';
import { nodeOf, type Network } from '../../analysis/network/network.ts';
import { receptiveField } from '../../analysis/network/receptive-field.ts';
import { toMatrix } from '../../analysis/operators/matrix.ts';
import { smallSvd } from '../../analysis/svd/small-svd.ts';
import type { Study } from '../../analysis/study.ts';
import type { InputPatterns, RepresentationalPower } from '../../reports/format.ts';
import { backends } from '../ops/op-laws.ts';
import { samplesOf, studyOf, studyOfFile } from '../support/study.ts';
import { builder } from './small-networks.ts';

const oracles = path.resolve(import.meta.dirname, '../../../shared/oracles');
const oracleThere = existsSync(path.join(oracles, 'cnn.json'));

afterAll(async () => {
  for (const backend of backends) await backend.dispose();
});

const around = (stride = 1, dilation = 1) => ({
  strides: [stride, stride],
  dilations: [dilation, dilation],
  pads: [1, 1, 1, 1],
  groups: 1,
});

/** Two channels of 9 × 7 pixels; a strided convolution, overlapping pooling, a shortcut, and a dense layer: wide and narrow layers. */
function smallNetwork(): Network {
  const { add, weights, network } = builder([1, 2, 9, 7], 3);
  add('conv1', 'conv', ['x'], around(), { weight: weights([5, 2, 3, 3], 0.4), bias: weights([5], 0.3) });
  add('relu1', 'relu', ['conv1']);
  const pool = { kernel: [3, 2], strides: [2, 1], dilations: [1, 1], pads: [1, 0, 0, 1] };
  add('pool', 'max-pool', ['relu1'], pool);
  add('conv2', 'conv', ['pool'], around(), { weight: weights([5, 5, 3, 3], 0.3), bias: weights([5], 0.3) });
  add('sum', 'add', ['conv2', 'pool']);
  add('tanh', 'tanh', ['sum']);
  add('flat', 'reshape', ['tanh'], { shape: [1, 5 * 4 * 7] });
  add('fc', 'dense', ['flat'], {}, { weight: weights([4, 140], 0.1), bias: weights([4], 0.1) });
  return network('fc');
}

async function smallStudy(backend: (typeof backends)[number], settings: Record<string, unknown> = {}) {
  const network = smallNetwork();
  const { draw } = builder([1, 2, 9, 7], 8);
  return studyOf(network, samplesOf(network, draw.normals(3 * 126), [0, 1, 2]), backend, {
    detail: 'all',
    ...settings,
  });
}

/** The pages' definitions, literally: A, then V = [ν_1 … ν_M], d × M. */
async function literalComponents(study: Study, sample: number, layer: string) {
  const { activity } = study.layers.find(({ name }) => name === layer)!;
  const map = await study.map(sample, { to: activity, mode: 'taylor' });
  const [inputs, neurons] = [sizeOf(map.domain), sizeOf(map.codomain)];
  const matrix = await toMatrix(map);
  const columns = Array.from({ length: neurons }, (_, m) => {
    const row = matrix.subarray(m * inputs, (m + 1) * inputs);
    const square = row.reduce((sum, w) => sum + w * w, 0);
    return Array.from(row, (w) => (square === 0 ? 0 : (map.value[m]! * w * w) / square));
  });
  return { matrix, activity: map.value, inputs, neurons, columns };
}

function literalSvd(columns: readonly number[][], inputs: number) {
  const matrix = new Float64Array(inputs * columns.length);
  for (const [m, column] of columns.entries())
    for (const [j, v] of column.entries()) matrix[j * columns.length + m] = v;
  return smallSvd(matrix, inputs, columns.length);
}

async function answersFor(study: Study, sample: number): Promise<InputPatterns[]> {
  const [answer] = await inputPatterns.answer(study, { key: String(sample), sample });
  return answer!.fields['inputPatterns'] as InputPatterns[];
}

describe('representational power', () => {
  it('is the smallest count of values whose share of the sum reaches γ', () => {
    expect(representationalPower([5, 3, 2], 0.5)).toBe(1);
    expect(representationalPower([5, 3, 2], 0.51)).toBe(2);
    expect(representationalPower([5, 3, 2], 0.8)).toBe(2);
    expect(representationalPower([5, 3, 2], 1)).toBe(3);
    expect(representationalPower([0, 0], 0.9)).toBe(0);
    expect(representationalPower([], 0.9)).toBe(0);
  });
});

describe('a glob of layers', () => {
  it('knows * and alternatives, and takes all else as it stands', () => {
    expect(fitsGlob('features/0', '*')).toBe(true);
    expect(fitsGlob('conv1', 'conv*')).toBe(true);
    expect(fitsGlob('fc.conv1', 'conv*')).toBe(false);
    expect(fitsGlob('conv2', '{conv1,fc*}')).toBe(false);
    expect(fitsGlob('fc2', '{conv1,fc*}')).toBe(true);
    expect(fitsGlob('a+b', 'a+b')).toBe(true);
    expect(fitsGlob('axb', 'a.b')).toBe(false);
  });
});

describe('input components', () => {
  it('of a hand-made layer: two neurons share an input, one is disconnected', () => {
    // ŵ_0 = (1, 2, 0), v_0 = 5: ν_0 = (1, 4, 0). ŵ_1 = (0, 1, 1), v_1 = −2: ν_1 = (0, −1, −1). ŵ_2 = 0.
    const sum = componentGram(3, [0, 1, 2], Float32Array.of(5, -2, 7));
    sum.add({ neurons: [0, 1, 2], columns: null, values: Float32Array.of(1, 2, 0, 0, 1, 1, 0, 0, 0) });
    expect([...sum.disconnected]).toEqual([2]);
    const all = singularPatterns(sum, 'ALL', 3, 0.9);
    // VᵀV = [[17, −4], [−4, 2]]: s² = (19 ± √289)/2 = 18, 1.
    expect(all.singularValues[0]).toBeCloseTo(Math.sqrt(18), 12);
    expect(all.singularValues[1]).toBeCloseTo(1, 12);
    expect(all.singularValues[2]).toBe(0);
    expect(all.count).toBe(2);
    const active = singularPatterns(sum, 'ACTIVE', 3, 0.9);
    expect(active.disconnected).toBe(1);
    expect([...active.patterns].map((x) => x * Math.sqrt(17))).toEqual([1, 4, 0].map((x) => expect.closeTo(x, 6)));
    const inactive = singularPatterns(sum, 'INACTIVE', 3, 0.9);
    // The largest entry is positive whatever the activity's sign is; the first of two equal ones decides.
    expect([...inactive.patterns]).toEqual([0, Math.SQRT1_2, Math.SQRT1_2].map((x) => expect.closeTo(x, 6)));
    expect(inactive.mixing([0, -1, -1])[0]).toBeCloseTo(-1, 6);
  });

  it('narrow order is by size, whatever the sign, ties in their order', () => {
    expect(narrowOrderOf([0.1, -3, 2, -0.1])).toEqual([1, 2, 0, 3]);
  });
});

describe.each(backends.map((backend) => [backend.id, backend] as const))('on %s', (_, backend) => {
  it('shared probes give the very rows of the map, with fewer products', async () => {
    const { study, close } = await smallStudy(backend);
    for (const layer of ['conv1', 'conv2', 'fc']) {
      const { activity } = study.layers.find(({ name }) => name === layer)!;
      const map = await study.map(1, { to: activity, mode: 'taylor' });
      const matrix = await toMatrix(map);
      const field = receptiveField(study.network, study.network.input, activity);
      const plan = planAllRows(map.domain, map.codomain, field);
      const seen = new Set<number>();
      await plan.visit(map, 7, ({ neurons, columns, values }: Rows) => {
        const width = columns?.length ?? 126;
        for (const [i, neuron] of neurons.entries()) {
          expect(seen.has(neuron)).toBe(false);
          seen.add(neuron);
          const row = new Float32Array(126);
          for (let c = 0; c < width; c++) row[columns?.[c] ?? c] = values[i * width + c]!;
          const whole = matrix.subarray(neuron * 126, (neuron + 1) * 126);
          for (let j = 0; j < 126; j++) expect(Math.abs(row[j]! - whole[j]!)).toBeLessThan(1e-6);
        }
      });
      expect(seen.size).toBe(sizeOf(map.codomain));
      // conv1 sees 3 × 3 pixels: 9 classes of 5 channels instead of 315 neurons.
      if (layer === 'conv1') expect(plan.probes).toBe(45);
      if (layer === 'conv2') expect(plan.probes).toBeLessThan(140);
      if (layer === 'fc') expect(plan.probes).toBe(4);
    }
    await close();
  });

  it('patterns are the SVD of the written-out components, for wide and narrow layers and every part', async () => {
    const { study, close } = await smallStudy(backend, { count: 4 });
    const found = await answersFor(study, 2);
    for (const layer of ['conv1', 'conv2', 'fc']) {
      const { columns, activity, inputs } = await literalComponents(study, 2, layer);
      for (const part of ['ALL', 'ACTIVE', 'INACTIVE'] as const) {
        const members = columns.filter((_, m) => part === 'ALL' || activity[m]! > 0 === (part === 'ACTIVE'));
        const given = found.find((one) => one.layer === layer && one.part === part);
        if (members.length === 0) {
          expect(given).toBeUndefined();
          continue;
        }
        const { values } = literalSvd(members, inputs);
        expect(given!.neurons).toBe(members.length);
        expect(given!.singularValues).toHaveLength(Math.min(inputs, members.length));
        for (const [i, value] of given!.singularValues.entries()) {
          expect(Math.abs(value - values[i]!)).toBeLessThan(2e-5 * values[0]!);
        }
        expect(given!.representationalPower).toBe(representationalPower(values, 0.9));
        expect(Math.max(...given!.certificate.residuals!)).toBeLessThan(1e-10);
      }
    }
    const all = found.find((one) => one.layer === 'fc' && one.part === 'ALL')!;
    expect(all.contributions!.map(({ neuron }) => neuron)).toEqual(['0', '1', '2', '3']);
    expect(all.certificate.reconstruction!).toBeLessThan(1e-4);
    await close();
  });

  it('the narrow order of an output is that of |s h| of the written-out SVD', async () => {
    const { study, close } = await smallStudy(backend, { count: 4 });
    const all = (await answersFor(study, 0)).find((one) => one.layer === 'fc' && one.part === 'ALL')!;
    const { columns, inputs } = await literalComponents(study, 0, 'fc');
    const { values, left, right } = literalSvd(columns, inputs);
    for (let neuron = 0; neuron < 4; neuron++) {
      const weights = Array.from({ length: 4 }, (_, i) => {
        const u = left.subarray(i * inputs, (i + 1) * inputs);
        const peak = u.reduce((best, x) => (Math.abs(x) > Math.abs(best) ? x : best), 0);
        return Math.sign(peak) * values[i]! * right[i * 4 + neuron]!;
      });
      const order = narrowOrderOf(weights);
      const own = all.narrow!.filter((one) => one.neuron === String(neuron));
      expect(own.map(({ index }) => index)).toEqual(order);
      for (const { index, weight } of own) expect(Math.abs(weight - weights[index]!)).toBeLessThan(2e-5 * values[0]!);
    }
    await close();
  });

  it('sums up representational power over samples, and the share of inactive neurons over all of them', async () => {
    const { study, close } = await smallStudy(backend, { detail: ['0', '2'] });
    const answers: Answer[] = [];
    for (const unit of inputPatterns.units(study) as { key: string; sample?: number }[]) {
      answers.push(...(await inputPatterns.answer(study, unit)));
    }
    const summary = inputPatterns.summarise!(study, answers);
    const layer = (name: string, field: string) =>
      [...answers, ...summary].flatMap(({ on, fields }) =>
        typeof on === 'object' && 'layer' in on && on.layer === name && field in fields ? [fields[field]] : [],
      );
    const [power] = layer('conv1', 'representationalPower') as RepresentationalPower[][];
    const counts = [0, 2].map(async (sample) => {
      const { columns, inputs } = await literalComponents(study, sample, 'conv1');
      return representationalPower(literalSvd(columns, inputs).values, 0.9);
    });
    const [a, b] = await Promise.all(counts);
    const all = power!.find(({ part }) => part === 'ALL')!;
    expect(all).toMatchObject({ count: (a! + b!) / 2, samples: 2, neurons: 315 });
    expect(all.share).toBeCloseTo((a! + b!) / 2 / 315, 12);
    let inactive = 0;
    for (let i = 0; i < 3; i++) {
      const { activity } = await literalComponents(study, i, 'conv1');
      inactive += activity.filter((v) => v <= 0).length / activity.length / 3;
    }
    expect(layer('conv1', 'inactiveShare')[0]).toBeCloseTo(inactive, 9);
    await close();
  });

  it.skipIf(!oracleThere)('agrees with the reference network (skipped where the oracles are absent)', async () => {
    const { study, close } = await studyOfFile(path.join(oracles, 'cnn.onnx'), backend, {
      samples: path.join(oracles, 'cnn.inputs.npy'),
      detail: 'all',
    });
    const oracle = JSON.parse(readFileSync(path.join(oracles, 'cnn.json'), 'utf8'));
    const projections = oracle.switched_linear_projections;
    const found = await answersFor(study, oracle.sample);
    for (const [name, expected] of Object.entries<any>(projections)) {
      const layer = name === 'logits' ? 'fc2' : name;
      const { activity, columns, neurons } = await literalComponents(study, oracle.sample, layer);
      for (let m = 0; m < neurons; m++) {
        expect(Math.abs(activity[m]! - expected.activity[m])).toBeLessThan(2e-6);
        const total = columns[m]!.reduce((sum, x) => sum + x, 0);
        expect(Math.abs(total - expected.icd_column_sums[m])).toBeLessThan(2e-6);
      }
      for (const part of ['ALL', 'ACTIVE', 'INACTIVE'] as const) {
        const given = found.find((one) => one.layer === layer && one.part === part)!;
        const { singular_values: values, ...rest } = expected.spa[part.toLowerCase()];
        expect(given.representationalPower).toBe(rest['representational_power_0.9']);
        expect(given.singularValues).toHaveLength(values.length);
        for (const [i, value] of given.singularValues.entries()) {
          expect(Math.abs(value - values[i])).toBeLessThan(2e-6 * values[0]);
        }
      }
      const inactive = found.find((one) => one.layer === layer && one.part === 'INACTIVE')!;
      expect(inactive.neurons / neurons).toBeCloseTo(expected.inactive_share, 9);
    }
    const { mixing, patterns, narrow_order: order } = projections.logits;
    const all = found.find((one) => one.layer === 'fc2' && one.part === 'ALL')!;
    const own = all.narrow!.filter(({ neuron }) => neuron === '0');
    expect(own.map(({ index }) => index)).toEqual(order);
    for (const { index, weight } of own) {
      expect(Math.abs(weight - mixing[index][0] * all.singularValues[index]!)).toBeLessThan(1e-6);
    }
    // Patterns themselves: columns of U, by the sign rule.
    const { layer, rows, neurons } = plansOf(study).find((plan) => plan.layer.name === 'fc2')!;
    const map = await study.map(oracle.sample, { to: layer.activity, mode: 'taylor' });
    const sum = componentGram(144, neurons, map.value);
    await rows.visit(map, 16, (block) => sum.add(block));
    const { patterns: u } = singularPatterns(sum, 'ALL', 4, 0.9);
    for (const [i, pattern] of (patterns as number[][]).entries()) {
      for (const [j, value] of pattern.entries()) expect(Math.abs(u[i * 144 + j]! - value)).toBeLessThan(5e-6);
    }
    await close();
  });
});

describe('a layer with 25,088 neurons', () => {
  it('is read in blocks of at most 64 probes, and its Gram matrix has the energy of all components', async () => {
    const { add, weights, network, draw } = builder([1, 1, 28, 28], 6);
    const pads = { strides: [1, 1], dilations: [1, 1], pads: [2, 2, 2, 2], groups: 1 };
    add('wide', 'conv', ['x'], pads, { weight: weights([32, 1, 5, 5], 0.2), bias: weights([32], 0.1) });
    add('relu', 'relu', ['wide']);
    const built = network('relu');
    const { study, close } = await studyOf(built, samplesOf(built, draw.normals(784)), backends[0]!, { detail: 'all' });
    const map = await study.map(0, { to: 'wide', mode: 'taylor' });
    const plan = planAllRows(map.domain, map.codomain, receptiveField(built, 'x', 'wide'));
    expect(plan.probes).toBe(25 * 32);
    const neurons = Array.from({ length: 25088 }, (_, i) => i);
    const sum = componentGram(784, neurons, map.value);
    expect(sum.side).toBe('inputs');
    let [widest, largest, energy, rows] = [0, 0, 0, 0];
    const watched = {
      ...map,
      transpose: (block: Parameters<typeof map.transpose>[0]) => {
        widest = Math.max(widest, block.count);
        return map.transpose(block);
      },
    };
    await plan.visit(watched, 64, (block) => {
      sum.add(block);
      largest = Math.max(largest, block.values.length);
      const width = block.values.length / block.neurons.length;
      for (const [i, neuron] of block.neurons.entries()) {
        const row = block.values.subarray(i * width, (i + 1) * width);
        const [square, fourth] = [2, 4].map((power) => row.reduce((total, w) => total + w ** power, 0));
        energy += (map.value[neuron]! ** 2 * fourth!) / square! ** 2;
        rows++;
      }
    });
    expect(rows).toBe(25088);
    expect(widest).toBe(64);
    // No more than 64 rows of 25 inputs at once.
    expect(largest).toBeLessThanOrEqual(64 * 25);
    const matrix = new Float64Array(784 * 784);
    sum.gram('ALL', matrix);
    let trace = 0;
    for (let i = 0; i < 784; i++) trace += matrix[i * 784 + i]!;
    expect(Math.abs(trace - energy)).toBeLessThan(1e-6 * energy);
    // The rows of a few neurons, each with a probe of its own, are the same.
    const { shape } = nodeOf(built, 'wide');
    const chosen = [0, 783, 12_345, 25_087];
    const alone = new Map<number, number>();
    await planRows(map.domain, shape, chosen).visit(map, 4, ({ neurons: some, values }) => {
      const width = values.length / some.length;
      for (const [i, neuron] of some.entries()) {
        alone.set(
          neuron,
          values.subarray(i * width, (i + 1) * width).reduce((total, w) => total + w, 0),
        );
      }
    });
    await plan.visit(map, 64, ({ neurons: some, values }) => {
      const width = values.length / some.length;
      for (const neuron of chosen) {
        const i = some.indexOf(neuron);
        if (i < 0) continue;
        const total = values.subarray(i * width, (i + 1) * width).reduce((sum, w) => sum + w, 0);
        expect(total).toBeCloseTo(alone.get(neuron)!, 5);
      }
    });
    await close();
  });
});
