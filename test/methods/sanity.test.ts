// Rank correlation by hand, weights drawn anew, and the sanity checks of a small network against itself and others.
import { afterAll, describe, expect, it } from 'vitest';
import { sanity } from '../../analysis/methods/sanity.ts';
import { meanRanks, spearman } from '../../analysis/methods/spearman.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import type { Network } from '../../analysis/network/network.ts';
import { redrawn } from '../../analysis/methods/redrawn-weights.ts';
import { random } from '../../analysis/random.ts';
import type { Study } from '../../analysis/study.ts';
import type { SanityScore } from '../../reports/format.ts';
import { backends } from '../ops/op-laws.ts';
import { samplesOf, studyOf } from '../support/study.ts';
import { builder } from './small-networks.ts';

afterAll(async () => {
  for (const backend of backends) await backend.dispose();
});

describe("Spearman's rank correlation", () => {
  it('shares the mean rank among equal values', () => {
    expect([...meanRanks([3, 1, 3, 2, 3])]).toEqual([4, 1, 4, 2, 4]);
  });

  it('is that of a worked example, ±1 for monotone pairs, and nothing for a constant', () => {
    // Ranks 1 2.5 2.5 4 against 1 2 3 4: 4.5 / √(4.5 · 5).
    expect(spearman([10, 20, 20, 30], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 12);
    expect(spearman([1, 2, 3], [1, 8, 27])).toBeCloseTo(1, 12);
    expect(spearman([1, 2, 3], [-1, -8, -27])).toBeCloseTo(-1, 12);
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeNull();
    expect(() => spearman([1], [1, 2])).toThrow();
  });
});

function smallNetwork(seed = 4): Network {
  const { add, weights, network } = builder([1, 1, 8, 8], seed);
  const around = { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1 };
  add('conv', 'conv', ['x'], around, { weight: weights([64, 1, 3, 3], 0.5), bias: weights([64], 0.3) });
  add('relu', 'relu', ['conv']);
  const pool = { kernel: [2, 2], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0] };
  add('pool', 'max-pool', ['relu'], pool);
  add('flat', 'reshape', ['pool'], { shape: [1, 1024] });
  add('fc1', 'dense', ['flat'], {}, { weight: weights([40, 1024], 0.1), bias: weights([40], 0.3) });
  add('tanh', 'tanh', ['fc1']);
  add('fc2', 'dense', ['tanh'], {}, { weight: weights([3, 40], 0.4), bias: weights([3], 0.3) });
  return network('fc2');
}

describe('weights drawn anew', () => {
  const network = smallNetwork();
  const layers = layersOf(network);
  const parametersOf = (one: Network, id: string) => one.nodes.find((node) => node.id === id)!.parameters;

  it('have the spread of their initialiser, and biases start at 0', () => {
    const made = redrawn(network, layers, random(0, 'w'));
    const spread = (id: string): number => {
      const { data } = parametersOf(made, id)['weight']!;
      return Math.sqrt(data.reduce((sum, w) => sum + w * w, 0) / data.length);
    };
    // He before a rectifier: √(2/9). Glorot elsewhere: √(2/(1024 + 40)). 576 and 40,960 draws.
    expect(Math.abs(spread('conv') / Math.sqrt(2 / 9) - 1)).toBeLessThan(0.1);
    expect(Math.abs(spread('fc1') / Math.sqrt(2 / 1064) - 1)).toBeLessThan(0.02);
    expect([...parametersOf(made, 'conv')['bias']!.data].every((b) => b === 0)).toBe(true);
  });

  it('change only the layers that were asked for, and are the same for the same seed', () => {
    const made = redrawn(network, layers.slice(2), random(0, 'w'));
    expect(parametersOf(made, 'fc1')['weight']!.data).toEqual(parametersOf(network, 'fc1')['weight']!.data);
    expect(parametersOf(made, 'fc2')['weight']!.data).not.toEqual(parametersOf(network, 'fc2')['weight']!.data);
    expect(redrawn(network, layers.slice(2), random(0, 'w')).nodes).toEqual(made.nodes);
  });

  it('keep a shared tensor shared', () => {
    const [first, ...rest] = network.nodes.filter(({ op }) => op === 'conv');
    expect(rest).toEqual([]);
    const twin = { ...first!, id: 'twin', name: 'twin' };
    const shared = { ...network, nodes: [...network.nodes, twin] };
    const made = redrawn(shared, layers.slice(0, 1), random(0, 'w'));
    expect(parametersOf(made, 'twin')['weight']!.data).toBe(parametersOf(made, 'conv')['weight']!.data);
  });
});

const quick = {
  detail: 'all',
  limeSamples: 40,
  limeSegments: 8,
  integratedSteps: 8,
  smoothSamples: 4,
  occlusionWindow: 4,
};

async function scoresOf(network: Network, against: Network | null): Promise<{ scores: SanityScore[]; study: Study }> {
  const { draw } = builder([1, 1, 8, 8], 11);
  const { study, close } = await studyOf(
    network,
    samplesOf(network, draw.normals(4 * 64), [0, 1, 2, 0]),
    backends[0]!,
    quick,
  );
  const own = { ...study, against };
  const scores: SanityScore[] = [];
  for (const unit of sanity.units(own) as { key: string }[])
    for (const { fields } of await sanity.answer(own, unit)) scores.push(...(fields['sanity'] as SanityScore[]));
  await close();
  return { scores, study: own };
}

describe('the sanity checks', () => {
  it('find a model to be like itself in every picture', async () => {
    const network = smallNetwork();
    const { scores } = await scoresOf(network, network);
    const same = scores.filter(({ against }) => against.startsWith('the second model'));
    expect(same.map(({ picture }) => picture)).toEqual(
      expect.arrayContaining([
        'input-component',
        'input-pattern',
        'gradient',
        'lrp-epsilon',
        'grad-cam',
        'lime',
        'smoothgrad',
      ]),
    );
    for (const { spearmanMean, samples } of same) {
      expect(spearmanMean).toBeGreaterThan(0.9999);
      expect(samples).toBe(4);
    }
  });

  it('redraw from the top layer down, then everything; the gradient of another network is another one', async () => {
    const { scores } = await scoresOf(smallNetwork(), smallNetwork(5));
    const stops = [
      ...new Set(scores.filter(({ against }) => against === 'weights drawn anew').map(({ layer }) => layer)),
    ];
    expect(stops).toEqual(['fc2', 'fc1', null]);
    for (const { picture, layer, spearmanMean } of scores) {
      if (picture === 'gradient' && layer === null) expect(Math.abs(spearmanMean)).toBeLessThan(0.5);
    }
  });

  it('give the same numbers again', async () => {
    const [first, second] = [await scoresOf(smallNetwork(), null), await scoresOf(smallNetwork(), null)];
    expect(second.scores).toEqual(first.scores);
  });
});
