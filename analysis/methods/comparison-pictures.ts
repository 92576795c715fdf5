// The comparison methods in one table (methods.md, section 7): each makes one picture of one output at one input, of the
// study's network or of another in its place. What is absent from an input is 0 everywhere.
import type { Tensor } from '../kernels/kernels.ts';
import type { Network } from '../network/network.ts';
import type { Settings } from '../settings.ts';
import type { Study } from '../study.ts';
import type { ExplainedNetwork } from './explained-network.ts';
import { gradCam, gradCamNode, gradient, integratedGradients, smoothGrad } from './input-gradients.ts';
import { lime } from './lime.ts';
import { lrpObstacle, relevance, type LrpRule } from './lrp.ts';
import { occlusion } from './occlusion.ts';
import { pixelsOf, type Pixels } from './pixels.ts';

export interface PictureOf {
  readonly explained: ExplainedNetwork;
  /** [1, …input shape]. */
  readonly x: Tensor;
  readonly output: number;
  readonly pixels: Pixels;
  readonly settings: Settings;
  /** A generator for a stream; the same stream gives the same numbers in every network, so that only weights differ. */
  readonly random: Study['random'];
  /** Names the streams of this sample. */
  readonly sample: string;
}

/** What methods are told of one output at one sample of a study, in its own network or in another one. */
export function pictureOf(
  { inputView, settings, random }: Study,
  explained: ExplainedNetwork,
  { sample, x, output }: { readonly sample: number; readonly x: Tensor; readonly output: number },
): PictureOf {
  const pixels = pixelsOf(inputView, x.data.length);
  return { explained, x, output, pixels, settings, random, sample: String(sample) };
}

export interface ComparisonMethod {
  readonly id: string;
  /** What its picture claims to add up to: the change of the output from an empty input, the output itself, or nothing. */
  readonly addsUpTo: 'change' | 'output' | null;
  /** True where the picture is the output's value, shared out by weights that are not negative: a negative output turns its sign. */
  readonly turnsWithOutput?: boolean;
  /** Passes through the network that one picture costs. */
  passes(settings: Settings): number;
  /** Why it does not apply to a network; undefined where it does. */
  obstacle?(network: Network, explained: Pick<ExplainedNetwork, 'network' | 'layers'>): string | undefined;
  draw(of: PictureOf): Promise<Float32Array>;
}

const lrp = (id: string, rule: (settings: Settings) => LrpRule): ComparisonMethod => ({
  id,
  turnsWithOutput: id !== 'lrp-epsilon',
  addsUpTo: 'output',
  passes: () => 4,
  obstacle: lrpObstacle,
  draw: ({ explained, x, output, settings }) => relevance(explained, x, output, rule(settings)),
});

export const COMPARISON_METHODS: readonly ComparisonMethod[] = [
  {
    id: 'gradient',
    addsUpTo: null,
    passes: () => 2,
    draw: ({ explained, x, output }) => gradient(explained, x, output),
  },
  {
    id: 'gradient-x-input',
    addsUpTo: null,
    passes: () => 2,
    draw: async ({ explained, x, output }) => (await gradient(explained, x, output)).map((g, i) => g * x.data[i]!),
  },
  {
    id: 'integrated-gradients',
    addsUpTo: 'change',
    passes: ({ integratedSteps }) => 2 * integratedSteps,
    draw: ({ explained, x, output, settings }) => integratedGradients(explained, x, output, settings.integratedSteps),
  },
  {
    id: 'smoothgrad',
    addsUpTo: null,
    passes: ({ smoothSamples }) => 2 * smoothSamples,
    draw: ({ explained, x, output, settings, random, sample }) =>
      smoothGrad(explained, x, output, {
        copies: settings.smoothSamples,
        noise: settings.smoothNoise,
        random: random(`smoothgrad ${sample}`),
      }),
  },
  lrp('lrp-epsilon', ({ lrpEpsilon }) => ({ kind: 'epsilon', epsilon: lrpEpsilon })),
  lrp('lrp-alpha-beta', ({ lrpAlpha }) => ({ kind: 'alpha-beta', alpha: lrpAlpha })),
  lrp('lrp-z-plus', () => ({ kind: 'z-plus' })),
  {
    id: 'grad-cam',
    addsUpTo: null,
    passes: () => 2,
    obstacle: (_, explained) => (gradCamNode(explained) ? undefined : 'no layer has an activity with spatial axes'),
    draw: async ({ explained, x, output, pixels }) =>
      pixels.spread(await gradCam(explained, x, output, gradCamNode(explained)!, pixels)),
  },
  {
    id: 'occlusion',
    addsUpTo: null,
    passes: ({ occlusionWindow }) => occlusionWindow ** 2 + 1,
    draw: ({ explained, x, output, pixels, settings }) =>
      occlusion(explained, x, output, pixels, settings.occlusionWindow),
  },
  {
    id: 'lime',
    addsUpTo: null,
    passes: ({ limeSamples }) => limeSamples,
    draw: ({ explained, x, output, pixels, settings, random, sample }) =>
      lime(explained, x, output, pixels, {
        samples: settings.limeSamples,
        segments: settings.limeSegments,
        random: random(`lime ${sample}`),
      }),
  },
];

/** The methods that apply to a network, and why the others do not. */
export function applicableTo(explained: ExplainedNetwork): { methods: ComparisonMethod[]; obstacles: string[] } {
  const obstacles: string[] = [];
  const methods = COMPARISON_METHODS.filter(({ id, obstacle }) => {
    const reason = obstacle?.(explained.network, explained);
    if (reason) obstacles.push(`${id}: ${reason}`);
    return !reason;
  });
  return { methods, obstacles };
}

/** Settings that the pictures depend on. */
export const PICTURE_SETTINGS = [
  'integratedSteps',
  'smoothSamples',
  'smoothNoise',
  'lrpEpsilon',
  'lrpAlpha',
  'occlusionWindow',
  'limeSamples',
  'limeSegments',
] as const;
