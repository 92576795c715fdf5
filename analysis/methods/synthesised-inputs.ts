// Inputs that make a projection on weight directions large (SVDW, section 4, after Olah, Mordvintsev and Schubert 2017):
// gradient ascent on its mean over the positions, through our own transposed products and no more of the network than the
// layer needs, under random motions; pictures of 32 pixels and more as decorrelated spectra. Seeded; all inputs at once.
import type { Image } from '../../reports/format.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { ancestorsOf } from '../network/forward.ts';
import { compileGradient, multiplyAddsTo } from '../network/gradient.ts';
import type { Layer } from '../network/layers.ts';
import { nodeOf } from '../network/network.ts';
import { smallSvd } from '../svd/small-svd.ts';
import type { Study } from '../study.ts';
import { decorrelated, plain, type Parametrisation } from './fourier.ts';
import { randomMotion, resampling, still, type Extent, type Motion } from './resampling.ts';
import type { UnfoldedWeights } from './unfolded-weights.ts';
import { oncePerStudy } from './once-per-study.ts';

/** Of Adam (Kingma and Ba 2015). */
const RATE = 0.05;
/** As far as this many steps at that rate an ascent gets in fewer steps, too: they are longer then. */
const FULL_STEPS = 128;
const DECAY = [0.9, 0.999] as const;
/** From this many pixels a side pictures are spectra. */
const LARGE = 32;
/** Longest side of a spectrum; the picture is stretched to the network's input. */
const LARGEST_CANVAS = 128;
/** Samples that tell in what range and colours inputs are. */
const SAMPLES_READ = 64;

interface SynthesisTarget {
  /** Weight of every output of the layer's node. */
  readonly vector: Float64Array;
  /** What the picture is of, for its alternative text. */
  readonly name: string;
}

interface Synthesised {
  readonly image: Image;
  /** Mean over the positions of the weighted sum of outputs, without their constants: comparable with samples' signals. */
  readonly signal: number;
  /** The input itself, in the network's order. */
  readonly input: Float32Array;
}

/** What a number of the input costs beside the network in a step, as multiply-adds of the network that take as long. */
const WORK_PER_NUMBER = 5e3;
/** In fewer steps than this signals stay short of what they reach in many. */
const FEWEST_STEPS = 16;

/** How many targets of a layer can be afforded and in how many steps, or in words why none. */
function affordable(
  { network, settings: { synthesised, synthesisSteps, synthesisWork } }: Study,
  layer: Layer,
  wanted: number,
): { count: number; steps: number } | string {
  if (synthesised === 0) return 'switched off (--synthesised 0)';
  // Forward, and twice as much back; and moving and painting the picture, in the time of so many.
  const perStep =
    3 * multiplyAddsTo(network, layer.node) + WORK_PER_NUMBER * sizeOf(nodeOf(network, network.input).shape);
  const allowed = Math.floor((synthesisWork * 1e9) / perStep);
  const fewest = Math.min(synthesisSteps, FEWEST_STEPS);
  if (allowed < fewest)
    return `${fewest} steps take ${((perStep * fewest) / 1e9).toPrecision(3)}·10⁹ multiply-adds, and --synthesis-work allows ${synthesisWork}·10⁹ a layer`;
  const count = Math.min(wanted, synthesised, Math.floor(allowed / fewest));
  return { count, steps: Math.min(synthesisSteps, Math.floor(allowed / Math.max(1, count))) };
}

/** Synthesised inputs of the first targets, as many as settings allow; the reason says why there are not more. */
export async function synthesise(
  study: Study,
  layer: Layer,
  { outputAxis, bias }: Pick<UnfoldedWeights, 'outputAxis' | 'bias'>,
  targets: readonly SynthesisTarget[],
  stream: string,
): Promise<{ inputs: Synthesised[]; reason: string | null }> {
  if (study.samples.count === 0) return { inputs: [], reason: 'no samples show what range inputs have' };
  if (!ancestorsOf(study.network.nodes, [layer.node]).some(({ id }) => id === study.network.input))
    return { inputs: [], reason: `${layer.name} does not depend on the explained input` };
  const plan = affordable(study, layer, targets.length);
  if (typeof plan === 'string') return { inputs: [], reason: plan };
  const { count, steps } = plan;
  if (count === 0) return { inputs: [], reason: null };
  const canvas = await canvasOf(study);
  const { network, settings } = study;
  const { shape } = nodeOf(network, layer.node);
  const inputShape = nodeOf(network, network.input).shape;
  const [size, values] = [sizeOf(inputShape), sizeOf(shape)];
  const gradient = await compileGradient(network, study.backend, layer.node, study.fed);
  const inputs: Synthesised[] = [];
  try {
    const step = study.blockSize(count);
    for (let start = 0; start < count; start += step) {
      const chosen = targets.slice(start, Math.min(start + step, count));
      const weights = new Float32Array(chosen.length * values);
      for (const [row, { vector }] of chosen.entries())
        spreadOver(vector, shape, outputAxis, weights.subarray(row * values, (row + 1) * values));
      const run = (rows: readonly Float32Array[]) => {
        const data = new Float32Array(rows.length * size);
        for (const [row, values] of rows.entries()) data.set(values, row * size);
        return gradient.run(
          { data, shape: [rows.length, ...inputShape] },
          { data: weights, shape: [rows.length, ...shape] },
        );
      };
      const ascents = chosen.map((_, i) => {
        const draw = study.random(`synthesis ${stream} ${layer.name} ${start + i}`);
        return adam(draw.normals(canvas.parameters), RATE * Math.max(1, FULL_STEPS / steps));
      });
      const motions = study.random(`motions ${stream} ${layer.name}`);
      const painted = (motion: Motion): Painted =>
        canvas.paint(
          ascents.map(({ parameters }) => parameters),
          motion,
        );
      for (let i = 0; i < steps; i++) {
        study.checkpoint();
        const { inputs, pullBack } = painted(canvas.extent ? randomMotion(motions, canvas.extent) : still);
        const { gradients } = await run(inputs);
        const slopes = pullBack(inputs.map((_, row) => gradients.subarray(row * size, (row + 1) * size)));
        for (const [row, ascent] of ascents.entries()) ascent.step(slopes[row]!);
      }
      const { inputs: found } = painted(still);
      const { values: signals } = await run(found);
      for (const [row, { name, vector }] of chosen.entries()) {
        const constant = bias ? vector.reduce((sum, weight, o) => sum + weight * bias[o]!, 0) : 0;
        inputs.push({
          signal: signals[row]! - constant,
          input: found[row]!,
          image: await canvas.draw(found[row]!, `Synthesised input that maximises ${name}`),
        });
      }
    }
  } finally {
    gradient.dispose();
  }
  const reasons = [
    ...(count < targets.length ? [`for ${count} of ${targets.length}`] : []),
    ...(steps < settings.synthesisSteps ? [`in ${steps} steps in place of ${settings.synthesisSteps}`] : []),
  ];
  const reason = reasons.length > 0 ? `${reasons.join(', ')}, as --synthesised and --synthesis-work allow` : null;
  return { inputs, reason };
}

/** A weight for every output as one for every value: divided by the number of positions. */
function spreadOver(vector: Float64Array, shape: readonly number[], outputAxis: number, weights: Float32Array): void {
  const inner = sizeOf(shape.slice(outputAxis + 1));
  const positions = sizeOf(shape) / vector.length;
  for (let i = 0; i < weights.length; i++) weights[i] = vector[Math.floor(i / inner) % vector.length]! / positions;
}

/** Gradient ascent with a step of its own for every parameter, no longer than about `rate`. */
function adam(start: Float32Array, rate: number) {
  const parameters = Float64Array.from(start, (x) => 0.01 * x);
  const [mean, square] = [new Float64Array(start.length), new Float64Array(start.length)];
  let steps = 0;
  return {
    parameters,
    step(gradient: Float64Array): void {
      steps++;
      const [first, second] = [1 - DECAY[0] ** steps, 1 - DECAY[1] ** steps];
      // Signals of different layers differ by orders of magnitude; what counts as no gradient must too.
      for (let i = 0; i < parameters.length; i++) {
        mean[i] = DECAY[0] * mean[i]! + (1 - DECAY[0]) * gradient[i]!;
        square[i] = DECAY[1] * square[i]! + (1 - DECAY[1]) * gradient[i]! ** 2;
        parameters[i]! += (rate * (mean[i]! / first)) / (Math.sqrt(square[i]! / second) + 1e-12);
      }
    },
  };
}

/** Inputs of the network, and the way back from gradients there to gradients in what they were painted from. */
interface Painted {
  readonly inputs: Float32Array[];
  pullBack(gradients: readonly Float32Array[]): Float64Array[];
}

/** The space that ascents move in. */
interface Canvas {
  readonly parameters: number;
  /** Size of the picture that can be moved; null for inputs that are no pictures. */
  readonly extent: Extent | null;
  /** One input for the parameters of each ascent, all under the same motion. */
  paint(parameters: readonly Float64Array[], motion: Motion): Painted;
  draw(input: Float32Array, alt: string): Promise<Image>;
}

const canvasOf = oncePerStudy(makeCanvas);

async function makeCanvas(study: Study): Promise<Canvas> {
  const view = study.inputView;
  const read = Math.min(SAMPLES_READ, study.samples.count);
  const { data } = await study.inputs(0, read);
  return view.kind === 'image' ? pictureCanvas(study, data, read) : vectorCanvas(study, data, read);
}

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

/** Inputs that are no pictures: every entry by itself, within the range that it has over the samples. */
function vectorCanvas(study: Study, samples: Float32Array, read: number): Canvas {
  const size = samples.length / read;
  const [least, range] = [new Float64Array(size).fill(Infinity), new Float64Array(size)];
  for (let i = 0; i < samples.length; i++) least[i % size] = Math.min(least[i % size]!, samples[i]!);
  for (let i = 0; i < samples.length; i++) range[i % size] = Math.max(range[i % size]!, samples[i]! - least[i % size]!);
  return {
    parameters: size,
    extent: null,
    paint: (all) => ({
      inputs: all.map((parameters) => Float32Array.from(parameters, (z, i) => least[i]! + range[i]! * sigmoid(z))),
      pullBack: (gradients) =>
        all.map((parameters, row) =>
          parameters.map((z, i) => gradients[row]![i]! * range[i]! * sigmoid(z) * sigmoid(-z)),
        ),
    }),
    draw: (input, alt) => study.drawInput(input, alt),
  };
}

/** Pictures: each channel within its range over the samples, colours as they vary there, grey where the padding shows. */
function pictureCanvas(study: Study, samples: Float32Array, read: number): Canvas {
  const { height, width, channels, arrange } = study.inputView;
  const pixels = height * width;
  const size = samples.length / read;
  /** Index in the network's order of channel c of pixel p, at p · channels + c. */
  const order = Int32Array.from(arrange(Float32Array.from({ length: size }, (_, i) => i)));
  const statistics = colourStatistics(samples, order, channels);
  const { least, range, grey, mix } = statistics;
  const isSpectrum = Math.min(height, width) >= LARGE;
  const side = (n: number): number => Math.min(LARGEST_CANVAS, 2 ** Math.floor(Math.log2(n)));
  const source: Extent = isSpectrum ? { height: side(height), width: side(width) } : { height, width };
  const area = source.height * source.width;
  const parametrisation: Parametrisation = isSpectrum ? decorrelated(source.height, source.width) : plain(area);
  const each = parametrisation.parameters;
  /** Channels as a mixture of others, or (`back`) the adjoint of that. */
  const mixed = (planes: readonly Float64Array[], back: boolean): Float64Array[] =>
    planes.map((_, to) => {
      const result = new Float64Array(area);
      for (const [from, plane] of planes.entries()) {
        const weight = mix[back ? from * channels + to : to * channels + from]!;
        if (weight !== 0) for (let p = 0; p < area; p++) result[p]! += weight * plane[p]!;
      }
      return result;
    });
  /** Pixels of every channel of every picture in (0, 1). */
  const planesOf = (all: readonly Float64Array[]): Float64Array[][] => {
    const parts = parametrisation.toPixels(
      all.flatMap((parameters) =>
        Array.from({ length: channels }, (_, c) => parameters.subarray(c * each, (c + 1) * each)),
      ),
    );
    return all.map((_, row) => {
      const planes = mixed(parts.slice(row * channels, (row + 1) * channels), false);
      for (const plane of planes) for (let p = 0; p < area; p++) plane[p] = sigmoid(plane[p]!);
      return planes;
    });
  };

  return {
    parameters: channels * each,
    extent: { height, width },
    paint(all, motion) {
      const moved = resampling(source, { height, width }, motion);
      const painted = planesOf(all);
      return {
        inputs: painted.map((planes) => {
          const input = new Float32Array(size);
          for (const [c, plane] of planes.entries()) {
            const seen = moved.apply(plane);
            const [low, width, background] = [least[c]!, range[c]!, grey[c]!];
            for (let p = 0, i = c; p < pixels; p++, i += channels)
              input[order[i]!] = low + width * (seen[p]! + (1 - moved.coverage[p]!) * background);
          }
          return input;
        }),
        pullBack(gradients) {
          const slopes = painted.flatMap((planes, row) =>
            mixed(
              planes.map((plane, c) => {
                const [seen, width] = [new Float64Array(pixels), range[c]!];
                for (let p = 0, i = c; p < pixels; p++, i += channels) seen[p] = width * gradients[row]![order[i]!]!;
                const slope = moved.transpose(seen);
                for (let p = 0; p < area; p++) slope[p]! *= plane[p]! * (1 - plane[p]!);
                return slope;
              }),
              true,
            ),
          );
          const parts = parametrisation.toParameters(slopes);
          return painted.map((_, row) => {
            const result = new Float64Array(channels * each);
            for (let c = 0; c < channels; c++) result.set(parts[row * channels + c]!, c * each);
            return result;
          });
        },
      };
    },
    draw(input, alt) {
      const values = new Float32Array(pixels * channels);
      const isReversed = channels === 3 && study.network.preprocessing.channelOrder === 'bgr';
      for (let p = 0; p < pixels; p++) {
        for (let c = 0; c < channels; c++)
          values[p * channels + (isReversed ? 2 - c : c)] =
            (input[order[p * channels + c]!]! - least[c]!) / (range[c]! || 1);
      }
      return study.pictures.draw({ values, height, width, channels, kind: 'photo', alt });
    },
  };
}

/** Range and mean of every channel over samples, and how channels vary together: a square root of their covariance. */
function colourStatistics(samples: Float32Array, order: Int32Array, channels: number) {
  const [size, count] = [order.length, samples.length / order.length];
  const [least, most] = [new Float64Array(channels).fill(Infinity), new Float64Array(channels).fill(-Infinity)];
  const [sum, products] = [new Float64Array(channels), new Float64Array(channels * channels)];
  for (let s = 0; s < count; s++) {
    for (let i = 0; i < size; i += channels) {
      for (let c = 0; c < channels; c++) {
        const value = samples[s * size + order[i + c]!]!;
        least[c] = Math.min(least[c]!, value);
        most[c] = Math.max(most[c]!, value);
        sum[c]! += value;
        for (let e = 0; e <= c; e++) products[c * channels + e]! += value * samples[s * size + order[i + e]!]!;
      }
    }
  }
  const pixels = samples.length / channels;
  const range = most.map((value, c) => value - least[c]!);
  const grey = sum.map((total, c) => (range[c]! > 0 ? (total / pixels - least[c]!) / range[c]! : 0));
  const covariance = new Float64Array(channels * channels);
  for (let c = 0; c < channels; c++) {
    for (let e = 0; e <= c; e++) {
      const scale = range[c]! * range[e]!;
      const value = scale > 0 ? (products[c * channels + e]! / pixels - (sum[c]! * sum[e]!) / pixels ** 2) / scale : 0;
      covariance[c * channels + e] = covariance[e * channels + c] = value;
    }
  }
  return { least, range, grey, mix: rootOf(covariance, channels) };
}

/** M with M Mᵀ proportional to a covariance, its longest row of length 1; the identity for one channel or no variation. */
function rootOf(covariance: Float64Array, channels: number): Float64Array {
  const identity = Float64Array.from({ length: channels ** 2 }, (_, i) => (i % (channels + 1) === 0 ? 1 : 0));
  if (channels !== 3) return identity;
  const { values, right } = smallSvd(covariance, channels, channels);
  if (!(values.at(-1)! > 1e-9 * values[0]!)) return identity;
  const root = identity.map((_, i) => {
    const [c, e] = [Math.floor(i / channels), i % channels];
    return right[e * channels + c]! * Math.sqrt(values[e]!);
  });
  let longest = 0;
  for (let c = 0; c < channels; c++)
    longest = Math.max(longest, Math.hypot(...root.subarray(c * channels, (c + 1) * channels)));
  return root.map((x) => x / longest);
}
