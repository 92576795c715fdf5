// The comparison methods against closed forms on networks small enough to work out by hand, and against Captum where it is
// installed; their curves.
import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import type { Tensor } from '../../analysis/kernels/kernels.ts';
import { attributions, completenessOf } from '../../analysis/methods/attributions.ts';
import { applicableTo, COMPARISON_METHODS } from '../../analysis/methods/comparison-pictures.ts';
import { explained, type ExplainedNetwork } from '../../analysis/methods/explained-network.ts';
import { areaUnder, curvesOf, leadingPixels, scoreOf } from '../../analysis/methods/faithfulness.ts';
import { superpixels, weightedRidge } from '../../analysis/methods/lime.ts';
import { relevance, type LrpRule } from '../../analysis/methods/lrp.ts';
import { pixelsOf } from '../../analysis/methods/pixels.ts';
import { inputView } from '../../analysis/figures/view.ts';
import type { Network } from '../../analysis/network/network.ts';
import { random } from '../../analysis/random.ts';
import { parseSettings } from '../../analysis/settings.ts';
import type { Attribution } from '../../reports/format.ts';
import { backends, tensor } from '../ops/op-laws.ts';
import { samplesOf, studyOf } from '../support/study.ts';
import { builder } from './small-networks.ts';

afterAll(async () => {
  for (const backend of backends) await backend.dispose();
});

type TestBackend = (typeof backends)[number];
const under = (network: Network, backend: TestBackend): ExplainedNetwork =>
  explained(network, { backend, blockSize: (wanted) => Math.min(wanted, 5), fed: {} });
const close = (a: ArrayLike<number>, b: ArrayLike<number>, tolerance: number): void => {
  expect(a.length).toBe(b.length);
  for (let i = 0; i < a.length; i++) expect(Math.abs(a[i]! - b[i]!)).toBeLessThanOrEqual(tolerance);
};
const viewOf = (network: Network) =>
  inputView(network.nodes[0]!.shape, network.layout, network.nodes[0]!.shape.slice(1));

/** y = v·relu(W x + b) + c with two inputs; at x = (2, 1): W x + b = (5, −1, 3). */
function byHand(biased = true): Network {
  const { add, network } = builder([1, 2], 0);
  const bias: Record<string, Tensor> = biased ? { bias: tensor([1, -1, 0]) } : {};
  add('hidden', 'dense', ['x'], {}, { weight: tensor([1, 2, 1, -2, 2, -1], [3, 2]), ...bias });
  add('relu', 'relu', ['hidden']);
  add('y', 'dense', ['relu'], {}, { weight: tensor([1, 7, -1], [1, 3]), ...(biased ? { bias: tensor([0.5]) } : {}) });
  return { ...network('y'), layout: { kind: 'vector', channelAxis: null, heightAxis: null, widthAxis: null } };
}
const X: Tensor = { data: Float32Array.of(2, 1), shape: [1, 1, 2] };

const picture = (
  id: string,
  network: Network,
  backend: TestBackend,
  x: Tensor,
  given: Record<string, unknown> = {},
) => {
  const method = COMPARISON_METHODS.find((one) => one.id === id)!;
  return method.draw({
    explained: under(network, backend),
    x,
    output: 0,
    pixels: pixelsOf(viewOf(network), x.data.length),
    settings: parseSettings(given),
    random: (stream) => random(0, stream),
    sample: '0',
  });
};

describe.each(backends.map((backend) => [backend.id, backend] as const))('on %s', (_, backend) => {
  it('gradients of a hand-made network', async () => {
    // Open: the first and the third neuron. ∂y/∂x = (1, 2) − (2, −1) = (−1, 3).
    close(await picture('gradient', byHand(), backend, X), [-1, 3], 1e-6);
    close(await picture('gradient-x-input', byHand(), backend, X), [-2, 3], 1e-6);
  });

  it('integrated gradients: gradient × input without biases, and complete with them', async () => {
    close(await picture('integrated-gradients', byHand(false), backend, X), [-2, 3], 1e-5);
    const method = COMPARISON_METHODS.find(({ id }) => id === 'integrated-gradients')!;
    const found = await picture('integrated-gradients', byHand(), backend, X, { integratedSteps: 400 });
    // y(x) = 5 − 3 + 0.5, y(0) = 1 + 0.5.
    expect(completenessOf(method, found, 2.5, 1.5)!).toBeLessThan(1e-4);
  });

  it('SmoothGrad of a linear network is its gradient', async () => {
    const { add, weights, network } = builder([1, 1, 4, 4], 2);
    add('flat', 'reshape', ['x'], { shape: [1, 16] });
    add('y', 'dense', ['flat'], {}, { weight: weights([3, 16], 1) });
    const x = tensor(
      Array.from({ length: 16 }, (_, i) => Math.sin(i)),
      [1, 1, 1, 4, 4],
    );
    const plain = await picture('gradient', network('y'), backend, x);
    close(await picture('smoothgrad', network('y'), backend, x), plain, 1e-5);
  });

  it('occlusion and LIME of a linear network: the sum of w ∘ x in a window and in a superpixel', async () => {
    const { add, weights, network } = builder([1, 2, 4, 4], 2);
    add('flat', 'reshape', ['x'], { shape: [1, 32] });
    const weight = weights([3, 32], 1);
    add('y', 'dense', ['flat'], {}, { weight });
    const built = network('y');
    const x = tensor(
      Array.from({ length: 32 }, (_, i) => Math.sin(i)),
      [1, 1, 2, 4, 4],
    );
    const windows = await picture('occlusion', built, backend, x, { occlusionWindow: 2 });
    const sums = new Map<number, number>();
    const at = (i: number): number => Math.floor((i % 16) / 8) * 2 + Math.floor((i % 4) / 2);
    for (let i = 0; i < 32; i++) sums.set(at(i), (sums.get(at(i)) ?? 0) + weight.data[i]! * x.data[i]!);
    close(
      windows,
      Array.from({ length: 32 }, (_, i) => sums.get(at(i))!),
      1e-5,
    );

    const pixels = pixelsOf(viewOf(built), 32);
    const { of, count } = superpixels(x.data, pixels, 4);
    expect(count).toBeGreaterThan(1);
    const inSegment = Array.from({ length: count }, () => 0);
    for (let i = 0; i < 32; i++) inSegment[of[pixels.of[i]!]!]! += weight.data[i]! * x.data[i]!;
    const found = await picture('lime', built, backend, x, { limeSegments: 4 });
    // The ridge pulls coefficients towards 0 by less than a hundredth.
    const largest = Math.max(...inSegment.map(Math.abs));
    close(
      found,
      Array.from(pixels.of, (pixel) => inSegment[of[pixel]!]!),
      0.02 * largest,
    );
  });

  it('relevance by the ε, αβ and z⁺ rules, worked out by hand', async () => {
    const network = byHand();
    const on = (rule: LrpRule) => relevance(under(network, backend), X, 0, rule);
    // Output 2.5 = 5·1 + 0·7 + 3·(−1) + 0.5; hidden relevances by ε: 5, 0, −3.
    // Input by ε: 5·(2, 2)/5 + (−3)·(4, −1)/3 = (2, 2) + (−4, 1).
    close(await on({ kind: 'epsilon', epsilon: 1e-9 }), [-2, 3], 1e-5);
    // z⁺: only the first hidden neuron adds to the output: 2.5 · (2, 2)/4.
    close(await on({ kind: 'z-plus' }), [1.25, 1.25], 1e-5);
    // αβ, α = 2: output: z⁺ = 5.5 of which 5 is the first neuron's, z⁻ = −3 is the third's.
    // R_0 = 2·2.5·5/5.5, R_2 = −1·2.5·(−3)/(−3) = −2.5.
    // First neuron: z⁺ = 2 + 2 + 1, no z⁻. Third: z⁺ = 4, z⁻ = −1.
    const r0 = (2 * 2.5 * 5) / 5.5;
    const expected = [(2 * r0 * 2) / 5 + 2 * -2.5, (2 * r0 * 2) / 5 - -2.5];
    close(await on({ kind: 'alpha-beta', alpha: 2 }), expected, 1e-5);
  });

  it('relevance by ε without biases is gradient × input, through convolutions, pooling and a shortcut', async () => {
    const { add, weights, network } = builder([1, 2, 6, 6], 9);
    const around = { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1 };
    add('a', 'conv', ['x'], around, { weight: weights([3, 2, 3, 3], 0.4) });
    add('ra', 'relu', ['a']);
    add('b', 'conv', ['ra'], around, { weight: weights([3, 3, 3, 3], 0.4) });
    add('sum', 'add', ['b', 'ra']);
    add('rb', 'relu', ['sum']);
    const pool = { kernel: [2, 2], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0] };
    add('max', 'max-pool', ['rb'], pool);
    add('mean', 'average-pool', ['max'], { ...pool, strides: [1, 1] });
    add('flat', 'reshape', ['mean'], { shape: [1, 12] });
    add('y', 'dense', ['flat'], {}, { weight: weights([2, 12], 0.5) });
    const built = network('y');
    const x = tensor(
      Array.from({ length: 72 }, (_, i) => Math.cos(i)),
      [1, 1, 2, 6, 6],
    );
    const expected = await picture('gradient-x-input', built, backend, x);
    close(await relevance(under(built, backend), x, 0, { kind: 'epsilon', epsilon: 1e-12 }), expected, 1e-4);
    // z⁺ keeps the sum where something positive reaches every neuron that relevance reaches: here within a few percent at most.
    const kept = await relevance(under(built, backend), x, 0, { kind: 'z-plus' });
    const [value] = await under(built, backend).valuesAt(['y'], x);
    const total = kept.reduce((sum, part) => sum + part, 0);
    expect(Math.abs(total)).toBeGreaterThan(0.5 * Math.abs(value!.data[0]!));
    expect(Math.abs(total)).toBeLessThan(Math.abs(value!.data[0]!) * (1 + 1e-4));
  });

  it('Grad-CAM of two maps: the rectified mix by mean gradients, enlarged between centres', async () => {
    const { add, network } = builder([1, 1, 4, 4], 1);
    const stride2 = { strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0], groups: 1 };
    // Map 0: the sum of each 2 × 2 block; map 1: its top left pixel.
    add('maps', 'conv', ['x'], stride2, { weight: tensor([1, 1, 1, 1, 1, 0, 0, 0], [2, 1, 2, 2]) });
    add('relu', 'relu', ['maps']);
    add('flat', 'reshape', ['relu'], { shape: [1, 8] });
    add('y', 'dense', ['flat'], {}, { weight: tensor([1, 1, 1, 1, -2, -2, -2, -2], [1, 8]) });
    const x = tensor([1, 1, 5, 0, 1, 1, 0, 0, 0, 3, 1, 1, 0, 0, 1, 1], [1, 1, 1, 4, 4]);
    // Mixes 4 − 2·1, 5 − 2·5, 3 − 0, 4 − 2·1 give 2, 0, 3, 2.
    const found = await picture('grad-cam', network('y'), backend, x);
    expect(found[0]).toBeCloseTo(2, 5);
    expect(found[3]).toBeCloseTo(0, 5);
    expect(found[12]).toBeCloseTo(3, 5);
    // A quarter of the way from 2 to 0, three quarters …
    expect(found[1]).toBeCloseTo(1.5, 5);
    expect(found[2]).toBeCloseTo(0.5, 5);
  });

  it('answers with every method that applies, and says which does not', async () => {
    const { study, close: end } = await studyOf(byHand(), samplesOf(byHand(), X.data.slice()), backend, {
      detail: 'all',
    });
    const [answer] = await attributions.answer(study, { key: '0', sample: 0 });
    const found = answer!.fields['attributions'] as Attribution[];
    expect(found.map(({ method }) => method)).not.toContain('grad-cam');
    expect(found).toHaveLength(COMPARISON_METHODS.length - 1);
    expect(attributions.remark!(study)).toContain('grad-cam: no layer has an activity with spatial axes');
    for (const one of found) {
      expect(one.deletionCurve).toHaveLength(21);
      expect(one.deletionCurve![0]).toBeCloseTo(2.5, 5);
      expect(one.deletionCurve!.at(-1)).toBeCloseTo(1.5, 5);
      expect(one.insertionCurve![0]).toBeCloseTo(1.5, 5);
      expect(one.insertionCurve!.at(-1)).toBeCloseTo(2.5, 5);
    }
    await end();
  });
});

describe('networks that relevance cannot pass', () => {
  it('are named with the node in the way', () => {
    const { add, network } = builder([1, 1, 4, 4], 1);
    add('gate', 'sigmoid', ['x']);
    add('gated', 'multiply', ['x', 'gate']);
    add('flat', 'reshape', ['gated'], { shape: [1, 16] });
    const { methods, obstacles } = applicableTo(under(network('flat'), backends[0]!));
    expect(methods.map(({ id }) => id).filter((id) => id.startsWith('lrp'))).toEqual([]);
    expect(obstacles).toContain('lrp-epsilon: relevance propagation has no rule for multiply (node "gated")');
  });
});

describe('curves', () => {
  it('of a linear output fall by the contributions in the order of the picture', async () => {
    const { add, network } = builder([1, 4], 0);
    add('y', 'dense', ['x'], {}, { weight: tensor([1, 2, 3, 4], [1, 4]) });
    const built: Network = {
      ...network('y'),
      layout: { kind: 'vector', channelAxis: null, heightAxis: null, widthAxis: null },
    };
    const x = tensor([1, 1, 1, -1], [1, 1, 4]);
    const pixels = pixelsOf(viewOf(built), 4);
    // Contributions 1, 2, 3, −4: in order 3, 2, 1, −4.
    const order = leadingPixels([1, 2, 3, -4], pixels);
    expect(order).toEqual([2, 1, 0, 3]);
    const curves = await curvesOf(under(built, backends[0]!), x, order, pixels, 4, scoreOf(0, 'value'));
    expect(curves.deletion).toEqual([2, -1, -3, -4, 0]);
    expect(curves.insertion).toEqual([0, 3, 5, 6, 2]);
    expect(areaUnder(curves.deletion)).toBeCloseTo((0.5 * 2 - 1 - 3 - 4) / 4, 9);
  });

  it('show probabilities of classes', () => {
    expect(scoreOf(1, 'probability')(Float32Array.of(0, Math.log(3)))).toBeCloseTo(0.75, 6);
    expect(scoreOf(0, 'probability')(Float32Array.of(Math.log(3)))).toBeCloseTo(0.75, 6);
    expect(scoreOf(1, 'value')(Float32Array.of(1, -2))).toBe(-2);
  });
});

describe('the z⁺ rule', () => {
  /** A plain network of rectified layers; the cosine of the pictures of its two outputs. */
  const cosine = async (depth: number, rule: LrpRule): Promise<number> => {
    const { add, weights, network } = builder([1, 40], 5);
    let last = 'x';
    for (let i = 0; i < depth; i++) {
      add(`hidden${i}`, 'dense', [last], {}, { weight: weights([40, 40], Math.sqrt(2 / 40)) });
      add(`relu${i}`, 'relu', [`hidden${i}`]);
      last = `relu${i}`;
    }
    add('y', 'dense', [last], {}, { weight: weights([2, 40], 0.2) });
    const built = under(network('y'), backends[0]!);
    const x = { data: random(6, 'x').normals(40).map(Math.abs), shape: [1, 1, 40] };
    const [a, b] = [await relevance(built, x, 0, rule), await relevance(built, x, 1, rule)];
    const inner = (p: Float32Array, q: Float32Array): number => p.reduce((sum, v, i) => sum + v * q[i]!, 0);
    return Math.abs(inner(a, b)) / Math.sqrt(inner(a, a) * inner(b, b));
  };

  it('shows the same picture of every output as layers grow many, the ε rule does not (Sixt, Granz and Landgraf 2020)', async () => {
    const [shallow, deep] = [await cosine(1, { kind: 'z-plus' }), await cosine(6, { kind: 'z-plus' })];
    expect(shallow).toBeLessThan(0.97);
    expect(deep).toBeGreaterThan(0.999);
    expect(await cosine(6, { kind: 'epsilon', epsilon: 1e-6 })).toBeLessThan(0.9);
  });
});

describe('weighted least squares', () => {
  it('finds the coefficients of an exact line, whatever the weights', () => {
    const rows = [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
      [1, 0],
    ];
    const found = weightedRidge(
      rows,
      rows.map(([a, b]) => 3 + 2 * a! - 5 * b!),
      [1, 2, 3, 4, 5],
    );
    close(found, [2, -5], 0.05);
  });
});

const PYTHON = `
import json, sys, warnings
warnings.filterwarnings('ignore')
import torch
from captum.attr import Saliency, InputXGradient, IntegratedGradients, LRP, LayerAttribution, LayerGradCam, Occlusion
from captum.attr._utils.lrp_rules import EpsilonRule
g = json.load(sys.stdin)
t = lambda v: torch.tensor(v['data'], dtype=torch.float64).reshape(v['shape'])
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.r1, self.pool = torch.nn.Conv2d(2, 3, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)
        self.conv2, self.r2, self.fc = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Linear(64, 3)
        self.double()
        with torch.no_grad():
            for name in ('conv1', 'conv2', 'fc'):
                getattr(self, name).weight.copy_(t(g[name + '.weight'])); getattr(self, name).bias.copy_(t(g[name + '.bias']))
    def forward(self, x): return self.fc(self.r2(self.conv2(self.pool(self.r1(self.conv1(x))))).flatten(1))
net = Net
x = t(g['x']); m = net(); o = 0
out = {}
flat = lambda v: v.detach().flatten().tolist()
out['gradient'] = flat(Saliency(m).attribute(x, target=o, abs=False))
out['gradient-x-input'] = flat(InputXGradient(m).attribute(x, target=o))
out['integrated-gradients'] = flat(IntegratedGradients(m).attribute(x, target=o, n_steps=32, method='riemann_middle'))
out['occlusion'] = flat(Occlusion(m).attribute(x, target=o, sliding_window_shapes=(2, 2, 2), strides=(2, 2, 2), baselines=0))
def lrp(rule):
    m = net()
    for layer in (m.conv1, m.conv2, m.fc): layer.rule = rule()
    return flat(LRP(m).attribute(x, target=o))
noisy = x + t(g['noise'])
out['smoothgrad'] = flat(Saliency(m).attribute(noisy, target=o, abs=False).mean(0))
cam = LayerGradCam(m, m.r2).attribute(x, target=o, relu_attributions=True)
out['grad-cam'] = flat(LayerAttribution.interpolate(cam, (8, 8), interpolate_mode='bilinear').expand(1, 2, 8, 8))
out['lrp-epsilon'] = lrp(lambda: EpsilonRule(1e-12))
print(json.dumps(out))
`;

const captum = spawnSync('python3', ['-c', 'import captum.attr, torch'], { timeout: 60_000 }).status === 0;

describe('Captum', () => {
  it.skipIf(!captum)('gives the same pictures (skipped where it is not installed)', async () => {
    const { add, weights, network } = builder([1, 2, 8, 8], 21);
    const around = { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1 };
    const parameters = {
      conv1: { weight: weights([3, 2, 3, 3], 0.4), bias: weights([3], 0.3) },
      conv2: { weight: weights([4, 3, 3, 3], 0.4), bias: weights([4], 0.3) },
      fc: { weight: weights([3, 64], 0.3), bias: weights([3], 0.3) },
    };
    add('conv1', 'conv', ['x'], around, parameters.conv1);
    add('r1', 'relu', ['conv1']);
    add('pool', 'max-pool', ['r1'], { kernel: [2, 2], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0] });
    add('conv2', 'conv', ['pool'], around, parameters.conv2);
    add('r2', 'relu', ['conv2']);
    add('flat', 'reshape', ['r2'], { shape: [1, 64] });
    add('fc', 'dense', ['flat'], {}, parameters.fc);
    const built = network('fc');
    const x = { data: random(3, 'x').normals(128), shape: [1, 1, 2, 8, 8] };
    const asJson = ({ data, shape }: Tensor) => ({ data: [...data], shape });
    const given: Record<string, unknown> = { x: { data: [...x.data], shape: [1, 2, 8, 8] } };
    // Captum draws noise of its own: both are given the same copies.
    const deviation = 0.15 * (Math.max(...x.data) - Math.min(...x.data));
    const draw = random(0, 'smoothgrad 0');
    const noise = Array.from({ length: 16 }, () => [...draw.normals(128)].map((z) => deviation * z)).flat();
    given['noise'] = { data: noise, shape: [16, 2, 8, 8] };
    for (const [name, { weight, bias }] of Object.entries(parameters)) {
      given[`${name}.weight`] = asJson(weight);
      given[`${name}.bias`] = asJson(bias);
    }
    const run = spawnSync('python3', ['-c', PYTHON], {
      input: JSON.stringify(given),
      encoding: 'utf8',
      timeout: 120_000,
    });
    expect(run.status, run.stderr).toBe(0);
    const expected = JSON.parse(run.stdout) as Record<string, number[]>;
    expect(Object.keys(expected)).toHaveLength(7);
    for (const id of Object.keys(expected)) {
      const found = await picture(id, built, backends[0]!, x, { occlusionWindow: 4, lrpEpsilon: 1e-12 });
      const largest = Math.max(...expected[id]!.map(Math.abs));
      close(
        Array.from(found, (v) => v / largest),
        expected[id]!.map((v) => v / largest),
        2e-5,
      );
    }
  });
});
