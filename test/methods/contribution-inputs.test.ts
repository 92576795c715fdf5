// Output contributions of what is no score of a picture: clouds of points, pictures as outputs, rows of tables, shortcuts.
import { afterAll, describe, expect, it } from 'vitest';
import { dataDirections } from '../../analysis/methods/data-directions.ts';
import { outputContributions, splitsOf } from '../../analysis/methods/output-contributions.ts';
import { smallSvd } from '../../analysis/svd/small-svd.ts';
import type { PictureStore } from '../../analysis/figures/picture-store.ts';
import type { Study } from '../../analysis/study.ts';
import type { DataDirections, Image, OutputContributions } from '../../reports/format.ts';
import { backends } from '../ops/op-laws.ts';
import { cloudNetworks, POINTS, turbines } from '../support/point-cloud-networks.ts';
import { samplesOf, studyOf } from '../support/study.ts';
import { branchedNetwork, builder } from './small-networks.ts';

const backend = backends.at(-1)!;
afterAll(async () => {
  for (const one of backends) await one.dispose();
});

const clouds = turbines(24);
const networks = cloudNetworks(clouds);

/** The study with a store that remembers the numbers behind pictures. */
function remembering(study: Study): { study: Study; kept: Map<string, Float32Array> } {
  const kept = new Map<string, Float32Array>();
  const pictures: PictureStore = {
    ...study.pictures,
    async keep(values, shape) {
      const array = await study.pictures.keep(values, shape);
      kept.set(array.url, values);
      return array;
    },
  };
  return { study: { ...study, pictures }, kept };
}

async function answersOf(study: Study): Promise<OutputContributions[]> {
  const units = outputContributions.units(study);
  if (typeof units === 'string') throw new Error(units);
  const answers = await Promise.all(units.map((unit) => outputContributions.answer(study, unit)));
  return answers.flat().flatMap(({ fields }) => (fields['outputContributions'] as OutputContributions[]) ?? []);
}

const sumOf = (one: OutputContributions): number =>
  one.components.reduce((sum, { contribution }) => sum + contribution, one.remainder + one.bias);
const total = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, value) => sum + value, 0);
const within = (a: number, b: number, scale: number): void => expect(Math.abs(a - b)).toBeLessThan(1e-4 * scale);

describe('clouds of points', () => {
  it('a regressor knows the blades’ length, and the parts of the points add up to each component', async () => {
    const opened = await studyOf(networks.regressor, samplesOf(networks.regressor, clouds.clouds), backend, {
      detail: 3,
    });
    const { study, kept } = remembering(opened.study);
    const mean = total(clouds.lengths) / clouds.lengths.length;
    const unexplained = total(study.outputs!.map((value, i) => (value - clouds.lengths[i]!) ** 2));
    expect(unexplained / total(clouds.lengths.map((length) => (length - mean) ** 2))).toBeLessThan(0.1);
    for (const one of await answersOf(study)) {
      within(sumOf(one), one.value, Math.abs(one.value));
      for (const { contraction, image, contribution } of one.components) {
        if (!contraction) continue;
        const parts = kept.get(contraction.array!)!;
        expect(parts).toHaveLength(POINTS);
        within(total(parts), contribution, Math.abs(one.value));
        expect(kept.get(image!.array!)).toHaveLength(3 * POINTS);
      }
    }
    await opened.close();
  }, 20000);

  it('an autoencoder’s whole cloud is explained, and left vectors times coefficients add up to what the input adds', async () => {
    const opened = await studyOf(networks.autoencoder, samplesOf(networks.autoencoder, clouds.clouds), backend, {
      detail: 1,
      outputs: 2,
    });
    const { study, kept } = remembering(opened.study);
    const all = await answersOf(study);
    expect(new Set(all.map(({ output }) => output)).size).toBe(2);
    const value = (await study.map(study.detailed[0]!, { mode: 'taylor' })).value;
    const length = Math.sqrt(total(value.map((x) => x * x)));
    for (const one of all) {
      within(sumOf(one), one.value, length);
      if (one.output !== 'whole output') continue;
      within(one.value, length, length);
      const [linear, bias] = [one.linearImage, one.biasImage].map((image) => kept.get(image!.array!)!);
      for (const [i, x] of value.entries()) within(linear![i]! + bias![i]!, x, length);
      const drawn = one.components.filter(({ outputImage }) => outputImage);
      if (drawn.length < one.components.filter(({ contribution }) => Math.abs(contribution) > 1e-6).length) continue;
      for (let i = 0; i < value.length; i++) {
        const sum = drawn.reduce((s, c) => s + c.coefficient * kept.get((c.outputImage as Image).array!)![i]!, 0);
        expect(Math.abs(sum - linear![i]!)).toBeLessThan(1e-3 * length);
      }
    }
    await opened.close();
  });

  it('the data matrix’s spectrum is that of the samples written out, and stands beside the network’s', async () => {
    const { study, close } = await studyOf(
      networks.autoencoder,
      samplesOf(networks.autoencoder, clouds.clouds),
      backend,
      {
        detail: 2,
        count: 5,
      },
    );
    const [answer] = await dataDirections.answer(study, { key: 'all' });
    const found = answer!.fields['dataDirections'] as DataDirections;
    const { values } = smallSvd([...clouds.clouds], 24, 3 * POINTS);
    for (const [k, value] of found.singularValues.entries()) within(value, values[k]!, values[0]!);
    expect(found.rightSingularValues).toHaveLength(5);
    const n = 3 * POINTS;
    const identity = { count: n, size: n, data: Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) ? 0 : 1)) };
    const first = smallSvd([...clouds.clouds], 24, n).right.slice(0, n);
    let cosine = 0;
    for (const sample of study.detailed) {
      const columns = await (await study.map(sample, { mode: 'taylor' })).apply(identity);
      const { values: spectrum, left } = smallSvd([...columns.data], n, n);
      const kept = [0, 1, 2, 3, 4].filter((j) => spectrum[j]! > 1e-6 * spectrum[0]!);
      // Rows are the images of unit vectors, Aᵀ: its left vectors are the right ones of A.
      const along = kept.map((j) => total(first.map((value, i) => left[j * n + i]! * value)));
      cosine += Math.hypot(...along) / study.detailed.length;
    }
    expect(found.cosines![0]).toBeCloseTo(cosine, 3);
    await close();
  });

  it('data directions are for networks that give their input back', async () => {
    const { study, close } = await studyOf(networks.regressor, samplesOf(networks.regressor, clouds.clouds), backend);
    expect(dataDirections.units(study)).toMatch(/give their input back/);
    await close();
  });
});

describe('rows of a table', () => {
  it('a direction is its numbers by feature, whose parts add up to the component', async () => {
    const { add, weights, network, draw } = builder([1, 4], 3);
    add('fc1', 'dense', ['x'], {}, { weight: weights([6, 4], 0.6), bias: weights([6], 0.3) });
    add('relu', 'relu', ['fc1']);
    add('fc2', 'dense', ['relu'], {}, { weight: weights([1, 6], 0.6), bias: weights([1], 0.3) });
    const table = {
      ...network('fc2'),
      layout: { kind: 'vector' as const, channelAxis: null, heightAxis: null, widthAxis: null },
    };
    const names = ['length', 'width', 'height', 'weight'];
    const samples = { ...samplesOf(table, draw.normals(8 * 4)), featureNames: names };
    const { study, close } = await studyOf(table, samples, backend, { detail: 4 });
    const all = await answersOf(study);
    expect(all.length).toBeGreaterThan(0);
    for (const one of all) {
      within(sumOf(one), one.value, Math.abs(one.value) + Math.abs(one.bias));
      for (const { features, image, contribution } of one.components.slice(0, 3)) {
        expect(image ?? null).toBeNull();
        expect(features!.map(({ feature }) => feature)).toEqual(names);
        expect(total(features!.map((f) => f.contribution))).toBeCloseTo(contribution, 4);
        expect(total(features!.map((f) => f.direction ** 2))).toBeCloseTo(1, 4);
      }
    }
    await close();
  });
});

describe('shortcuts', () => {
  it('what the input adds past the split is told apart from constants', async () => {
    const opened = await branchedNetwork(backend);
    const study: Study = { ...opened.study, settings: { ...opened.study.settings, split: ['conv2'] } };
    const all = await answersOf(study);
    expect(all.length).toBeGreaterThan(0);
    for (const one of all) {
      const biases = total(one.biasByLayer!.map(({ value }) => value));
      // A ReLU network: the rest of the constant part is the shortcut, and only that.
      expect(one.bypass! + biases).toBeCloseTo(one.bias, 4);
      expect(one.curvature).toBeCloseTo(0, 4);
      within(sumOf(one), one.value, Math.abs(one.value) + Math.abs(one.bias));
    }
    expect(Math.max(...all.map(({ bypass }) => Math.abs(bypass!)))).toBeGreaterThan(0.01);
    await opened.close();
  });

  it('a layer that does not lead to the explained output is refused by name', async () => {
    const { add, weights, network, draw } = builder([1, 4], 3);
    const dense = (id: string, from: string) =>
      add(id, 'dense', [from], {}, { weight: weights([4, 4], 0.6), bias: weights([4], 0.3) });
    dense('trunk', 'x');
    dense('head', 'trunk');
    dense('other', 'trunk');
    const { study, close } = await studyOf(network('head'), samplesOf(network('head'), draw.normals(8)), backend);
    expect(() => splitsOf({ ...study, settings: { ...study.settings, split: ['other'] } })).toThrow(
      /"other" does not lie/,
    );
    expect(splitsOf(study).map(({ name }) => name)).toEqual(['trunk', 'head']);
    await close();
  });

  it('default splits are layers that all of the input passes, where there are three', async () => {
    const opened = await branchedNetwork(backend);
    expect(splitsOf(opened.study).map(({ name }) => name)).toEqual(['conv1', 'conv3', 'fc']);
    await opened.close();
  });
});
