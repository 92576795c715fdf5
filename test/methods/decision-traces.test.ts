// Decision traces against the reference numbers, entry by entry, and against centroids of U and T written out.
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chooseBackend, probeBackends } from '../../analysis/kernels/choose.ts';
import type { Backend, BackendId } from '../../analysis/kernels/kernels.ts';
import { decisionLayer, decisionTraces, findTraces, roundsOf, traces } from '../../analysis/methods/decision-traces.ts';
import { bestClustering, kMeans, silhouette, squaredDistances } from '../../analysis/methods/k-means.ts';
import type { Answer } from '../../analysis/methods/method.ts';
import { random } from '../../analysis/random.ts';
import type { DecisionTrace, TraceSummary } from '../../reports/format.ts';
import { studyOfFile, type TestStudy } from '../support/study.ts';
import { literalFeatures } from './literal-layer-features.ts';
import { chainNetwork } from './small-networks.ts';

const ORACLES = '../shared/oracles';
const hasOracles = existsSync(`${ORACLES}/mlp.json`);
const BACKENDS: readonly BackendId[] = (await probeBackends()).filter(({ loads }) => loads).map(({ id }) => id);

async function answersOf(opened: TestStudy): Promise<Answer[]> {
  const units = decisionTraces.units(opened.study);
  if (typeof units === 'string') throw new Error(units);
  const answers: Answer[] = [];
  for (const unit of units) answers.push(...(await decisionTraces.answer(opened.study, unit)));
  return answers;
}

describe.skipIf(!hasOracles)('the reference network (skipped where ../shared/oracles is absent)', () => {
  const oracle = hasOracles ? JSON.parse(readFileSync(`${ORACLES}/mlp.json`, 'utf8')) : { layers: [] };

  test.each(BACKENDS)('has exactly these traces, profiles, variations and decision layers on %s', async (id) => {
    const backend = await chooseBackend(id);
    const opened = await studyOfFile(`${ORACLES}/mlp.onnx`, backend, {
      samples: `${ORACLES}/mlp.inputs.npy`,
      labels: `${ORACLES}/mlp.labels.npy`,
      k: '6,6,5',
      detail: 'all',
    });
    try {
      const given = (await answersOf(opened)).map(({ fields }) => fields['decisionTrace'] as DecisionTrace);
      for (const [l, layer] of oracle.layers.entries()) {
        expect(given.map(({ classes }) => Number(classes[l]))).toEqual(layer.trace);
        expect(given.map(({ fullClasses }) => Number(fullClasses[l]))).toEqual(layer.trace_full_transformations);
        expect(given.map(({ profiles }) => profiles![l]!.map(Number))).toEqual(layer.profile);
        expect(given.map(({ variation }) => variation[l])).toEqual(layer.variation);
      }
      expect(given.map((trace) => trace.decisionLayer)).toEqual(oracle.decision_layer);
    } finally {
      await opened.close();
      await backend.dispose();
    }
  });
});

describe.each(BACKENDS)('on %s, a small random network', (id) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await chooseBackend(id);
  });
  afterAll(() => backend?.dispose());

  test('has the traces of matrices written out', async () => {
    const opened = await chainNetwork(backend, { k: '5,4,2' });
    try {
      const literal = await literalFeatures(opened.study);
      const nearest = await traces(opened.study);
      for (const [l, expected] of literal.entries()) {
        const { projections, full, profiles, variation } = nearest[l]!;
        expect([...projections]).toEqual(expected.projections);
        expect([...full]).toEqual(expected.full);
        expect([...variation]).toEqual(expected.profiles.map((profile) => new Set(profile).size - 1));
        expect([...profiles.keys()]).toEqual(opened.study.detailed);
        for (const [i, profile] of profiles) expect([...profile]).toEqual(expected.profiles[i]);
      }
    } finally {
      await opened.close();
    }
  });

  test('has the same traces where the centroids do not fit in memory together', async () => {
    const opened = await chainNetwork(backend, { k: '5,4,2' });
    try {
      expect(await findTraces(opened.study, 100)).toEqual(await traces(opened.study));
    } finally {
      await opened.close();
    }
  });

  test('is summed up for right and wrong samples apart, and no sample is lost between layers', async () => {
    const opened = await chainNetwork(backend, { k: '5,4,2' });
    try {
      const answers = await answersOf(opened);
      const [{ fields }] = decisionTraces.summarise!(opened.study, answers) as [Answer];
      const { layers, correct, wrong, flows } = fields['traceSummary'] as TraceSummary;
      expect(layers).toEqual(['conv1', 'conv2', 'fc']);
      expect(correct.count + wrong.count).toBe(12);
      for (const group of [correct, wrong]) {
        const decided = group.decidedByLayer.reduce((a, b) => a + b, 0);
        expect(decided).toBeCloseTo(group.count > 0 ? 1 : 0, 12);
      }
      for (let layer = 0; layer < 3; layer++) {
        const leaving = flows!.filter((flow) => flow.layer === layer);
        expect(leaving.reduce((sum, { count }) => sum + count, 0)).toBe(12);
        expect(leaving.reduce((sum, { wrong: missed }) => sum + missed, 0)).toBe(wrong.count);
      }
    } finally {
      await opened.close();
    }
  });

  test('without labels takes its own predictions for classes, and says so', async () => {
    const opened = await chainNetwork(backend, { k: '5,4,2' });
    try {
      const { labels: _, ...rest } = opened.study;
      const study = { ...rest, labels: null, correct: () => null };
      const answers = await answersOf({ ...opened, study });
      const sources = answers.map(({ fields }) => (fields['decisionTrace'] as DecisionTrace).centroidsFrom);
      expect(new Set(sources)).toEqual(new Set(['predictions']));
      expect(decisionTraces.summarise!(study, answers)).toEqual([]);
    } finally {
      await opened.close();
    }
  });
});

describe('rounds of centroids', () => {
  const inOrder = (sizes: number[], classes: number) =>
    sizes.flatMap((_, layer) => Array.from({ length: classes }, (__, c) => [layer, c]));

  test.each([
    [[5, 3], 0, 4, 100, 1],
    [[5, 3], 0, 4, 20, 2],
    [[5, 3], 0, 4, 11, 4],
    [[50, 3], 0, 4, 10, 6],
    [[5, 3], 4, 4, 40, 1],
    [[5, 3], 4, 4, 39, 2],
    [[5, 3], 7, 4, 10, 8],
  ])(
    'layers of sizes %j and %d more with %d classes, %d numbers at once, take %d',
    (sizes, own, classes, most, count) => {
      const layers = sizes.map((size) => ({ size, own }));
      const rounds = roundsOf(layers, classes, most);
      expect(rounds).toHaveLength(count);
      for (const round of rounds) {
        const numbers = round.reduce((sum, { layer, from, to }) => sum + own + (to - from) * sizes[layer]!, 0);
        expect(numbers).toBeLessThanOrEqual(Math.max(most, own + sizes[round[0]!.layer]!));
      }
      const seen = rounds
        .flat()
        .flatMap(({ layer, from, to }) => Array.from({ length: to - from }, (_, i) => [layer, from + i]));
      expect(seen).toEqual(inOrder(sizes, classes));
    },
  );
});

describe('the decision layer', () => {
  test.each([
    [[0, 0, 3], 3],
    [[1, 1, 1], 1],
    [[2, 1, 1, 1], 2],
    [[1, 2, 1], 3],
    [[4], 1],
  ])('of the trace %j is %d', (trace, expected) => expect(decisionLayer(trace)).toBe(expected));
});

describe('clusters without labels', () => {
  const draw = random(2, 'clusters');
  const centres = [
    [0, 0, 0],
    [9, 0, 0],
    [0, 9, 0],
  ];
  const points = Array.from({ length: 60 }, (_, i) => centres[i % 3]!.map((c) => c + draw.normal()));
  const gram = points.flatMap((a) => points.map((b) => a.reduce((sum, x, i) => sum + x * b[i]!, 0)));

  test('are as many as stand apart, each of its own points', () => {
    const found = bestClustering(gram, 60, 8, random(1, 'k-means'))!;
    expect(found.count).toBe(3);
    points.forEach((_, i) => expect(found.assignment[i]).toBe(found.assignment[i % 3]));
    expect(found.silhouette).toBeGreaterThan(0.7);
  });
  test('minimise the squares: no single move helps', () => {
    const distances = squaredDistances(gram, 60);
    const assignment = kMeans(distances, 60, 4, random(3, 'k-means'));
    const cost = (given: Int32Array): number => {
      let sum = 0;
      for (let c = 0; c < 4; c++) {
        const own = points.filter((_, i) => given[i] === c);
        const mean = [0, 1, 2].map((d) => own.reduce((total, p) => total + p[d]!, 0) / Math.max(1, own.length));
        for (const p of own) sum += p.reduce((total, x, d) => total + (x - mean[d]!) ** 2, 0);
      }
      return sum;
    };
    // Lloyd's fixed point: every point is with its nearest mean, so that the means kept, moving one costs more.
    const own = cost(assignment);
    expect(own).toBeLessThan(cost(Int32Array.from({ length: 60 }, (_, i) => i % 4)));
    expect(own).toBeLessThan(cost(Int32Array.from({ length: 60 }, (_, i) => i % 3)));
  });
  test('have the silhouette of its definition', () => {
    const line = [0, 1, 10, 11];
    const lengths = Float64Array.from(line.flatMap((a) => line.map((b) => Math.abs(a - b))));
    // a = 1; b = 10.5 for the outer two, 9.5 for the inner two.
    expect(silhouette(lengths, 4, Int32Array.of(0, 0, 1, 1))).toBeCloseTo((2 * (9.5 / 10.5) + 2 * (8.5 / 9.5)) / 4, 12);
  });
  test('are none where all vectors are equal', () => {
    expect(bestClustering(new Float64Array(25).fill(1), 5, 4, random(0, 'equal'))).toBeNull();
  });
});
