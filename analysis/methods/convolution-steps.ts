// A convolution's way through its directions (SVDW, figure 5 and equation W ⋆ X = U ⋆ (S ⋆ (Vᵀ ⋆ X))): as a check, run by the
// layer's own op with the right vectors as its kernels; and as pictures, one output as a sum over directions.
import type { ConvolutionSteps } from '../../reports/format.ts';
import type { Tensor } from '../kernels/kernels.ts';
import { sizeOf } from '../kernels/kernels.ts';
import type { Layer } from '../network/layers.ts';
import { nodeOf, type Node } from '../network/network.ts';
import { opOf } from '../ops/index.ts';
import type { Study } from '../study.ts';
import { activationOf, channelMeans, mapExtent } from './direction-signals.ts';
import type { WeightSpectrum } from './weight-spectrum.ts';

/** Directions that are drawn by themselves. */
const MOST_PARTS = 4;

/** |W ⋆ X − U ⋆ (S ⋆ (Vᵀ ⋆ X))| / |W ⋆ X| at the first sample; null without samples, or where not every direction has its vectors. */
export async function reconstructionError(
  study: Study,
  layer: Layer,
  spectrum: WeightSpectrum,
): Promise<number | null> {
  if (study.samples.count === 0 || spectrum.triplets.length < spectrum.count) return null;
  const node = nodeOf(study.network, layer.node);
  const [input, output] = await study.values([node.inputs[0]!, layer.node], 0, 1);
  const answers = await answersOf(study, node, spectrum, input!);
  const { rows, blocks, bias, outputAxis, triplets } = spectrum;
  const { shape } = node;
  const inner = sizeOf(shape.slice(outputAxis + 1));
  const outer = sizeOf(shape.slice(0, outputAxis));
  const outputs = rows * blocks.length;
  const ordered = byBlock(spectrum);
  let [difference, norm] = [0, 0];
  for (let before = 0; before < outer; before++) {
    const sums = new Float64Array(outputs * inner);
    for (const [place, index] of ordered.entries()) {
      const { block, value, output: left } = triplets[index]!;
      const start = (before * ordered.length + place) * inner;
      for (let r = 0; r < rows; r++) {
        const weight = value * left[r]!;
        for (let i = 0; i < inner; i++) sums[(block * rows + r) * inner + i]! += weight * answers[start + i]!;
      }
    }
    for (let i = 0; i < sums.length; i++) {
      const expected = output!.data[before * sums.length + i]! - (bias ? bias[Math.floor(i / inner)]! : 0);
      difference += (sums[i]! - expected) ** 2;
      norm += expected ** 2;
    }
  }
  return norm > 0 ? Math.sqrt(difference / norm) : Math.sqrt(difference);
}

/** Triplets grouped by the block that they belong to, as a grouped convolution puts out its channels. */
function byBlock({ triplets }: WeightSpectrum): number[] {
  return triplets.map((_, index) => index).sort((a, b) => triplets[a]!.block - triplets[b]!.block || a - b);
}

/** Vᵀ ⋆ X: the layer's own op with right vectors in place of its weights and without bias; triplets in the order of byBlock. */
async function answersOf(study: Study, node: Node, spectrum: WeightSpectrum, input: Tensor): Promise<Float32Array> {
  const { triplets, columns, blocks, outputAxis } = spectrum;
  const ordered = byBlock(spectrum);
  const perBlock = ordered.length / blocks.length;
  const shape = node.shape.map((n, axis) => (axis === outputAxis ? ordered.length : n));
  let kernels: Tensor;
  const data = new Float32Array(ordered.length * columns);
  if (node.op === 'conv-transpose') {
    // [C, R/g, …k]: input channels first, taps last.
    const [channels, , ...kernel] = node.parameters['weight']!.shape as [number, number, ...number[]];
    const [taps, perGroup] = [sizeOf(kernel), channels / blocks.length];
    for (const [place, index] of ordered.entries()) {
      const { block, input: right } = triplets[index]!;
      for (let c = 0; c < perGroup; c++) {
        for (let t = 0; t < taps; t++)
          data[((block * perGroup + c) * perBlock + (place - block * perBlock)) * taps + t] = right[c * taps + t]!;
      }
    }
    kernels = { data, shape: [channels, perBlock, ...kernel] };
  } else {
    for (const [place, index] of ordered.entries()) data.set(triplets[index]!.input, place * columns);
    kernels = { data, shape: [ordered.length, ...spectrum.filter] };
  }
  const inputShape = input.shape.slice(1);
  const { op, attributes } = node.op === 'mat-mul' ? { op: 'dense', attributes: {} } : node;
  const program = await study.backend.compile([inputShape], (k, [x]) => [
    opOf(op).forward(k, [x!], { attributes, parameters: { weight: kernels }, inputShapes: [inputShape], shape }),
  ]);
  try {
    const [answers] = await program.run([input]);
    return answers!.data;
  } finally {
    program.dispose();
  }
}

/** One output of a convolution over pictures at the first sample looked at in detail, taken apart; null for other layers and without samples. */
export async function stepsOf(study: Study, layer: Layer, spectrum: WeightSpectrum): Promise<ConvolutionSteps | null> {
  const node = nodeOf(study.network, layer.node);
  const extent = mapExtent(node.shape, spectrum.outputAxis);
  if (study.samples.count === 0 || !node.op.startsWith('conv') || !extent || node.shape.length !== 4) return null;
  const sample = study.detailed[0] ?? 0;
  const activation = activationOf(study, layer);
  const wanted = activation ? [node.inputs[0]!, layer.node, activation] : [node.inputs[0]!, layer.node];
  const [input, value, activated] = await study.values(wanted, sample, sample + 1);
  const { rows, bias, triplets } = spectrum;
  const means = channelMeans(value!.data, node.shape, 1).map((mean, o) => Math.abs(mean - (bias?.[o] ?? 0)));
  const output = means.indexOf(means.reduce((a, b) => Math.max(a, b)));
  const positions = extent.height * extent.width;
  const whole = value!.data.subarray(output * positions, (output + 1) * positions);
  const sum = whole.map((y) => y - (bias?.[output] ?? 0));

  const answers = await answersOf(study, node, spectrum, input!);
  const found = byBlock(spectrum).flatMap((index, place) => {
    const { block, value: singular, output: left } = triplets[index]!;
    const row = output - block * rows;
    if (row < 0 || row >= rows) return [];
    const answer = answers.subarray(place * positions, (place + 1) * positions);
    const weight = singular * left[row]!;
    let squares = 0;
    for (let i = 0; i < positions; i++) squares += answer[i]! ** 2;
    return [{ index, answer, weight, size: Math.abs(weight) * Math.sqrt(squares) }];
  });
  const parts = found.sort((a, b) => b.size - a.size).slice(0, MOST_PARTS);
  const rest = sum.slice();
  for (const { answer, weight } of parts) for (let i = 0; i < positions; i++) rest[i]! -= weight * answer[i]!;

  const name = study.samples.name(sample);
  const contributions = parts.map(({ answer, weight }) => answer.map((x) => weight * x));
  const limit = [sum, rest, ...contributions].reduce(
    (most, map) => map.reduce((m, x) => Math.max(m, Math.abs(x)), most),
    0,
  );
  const draw = (values: Float32Array, alt: string, scale?: number) =>
    study.pictures.draw({
      ...extent,
      channels: 1,
      kind: 'map',
      values,
      keepNumbers: false,
      alt: `${alt} in sample ${name}`,
      ...(scale !== undefined && { limit: scale }),
    });
  const drawn: ConvolutionSteps['parts'][number][] = [];
  for (const [i, { index, answer, weight }] of parts.entries()) {
    drawn.push({
      direction: index,
      weight,
      answer: await draw(answer, `The answer of filter ${index} of ${layer.name}`),
      contribution: await draw(contributions[i]!, `What direction ${index} adds to output ${output}`, limit),
    });
  }
  return {
    sample: { index: sample, name },
    output,
    parts: drawn,
    rest:
      found.length > parts.length ? await draw(rest, `What all other directions add to output ${output}`, limit) : null,
    sum: await draw(sum, `Output ${output} of ${layer.name} less its bias`, limit),
    activated: activated
      ? await draw(
          activated.data.subarray(output * positions, (output + 1) * positions),
          `Output ${output} of ${layer.name} after the activation function`,
        )
      : null,
  };
}
