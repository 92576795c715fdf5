// Which numbers of the output a sample's decomposition explains: the largest scores and the label; where the output is a
// picture, the picture as a whole, which is its length |y| = ⟨y/|y|, y⟩, and then its largest places.
import { sizeOf } from '../kernels/kernels.ts';
import { nodeOf } from '../network/network.ts';
import type { Study } from '../study.ts';

export interface ExplainedOutput {
  readonly name: string;
  /** The output's numbers are weighed with these: a unit vector for one of them. */
  readonly row: Float32Array;
}

/** Whether the output is made of many numbers that mean something together: a picture, a cloud, or the input again. */
export function isPictureOutput({ network, outputView }: Study): boolean {
  const [input, output] = [network.input, network.output].map((id) => sizeOf(nodeOf(network, id).shape));
  return output! > 1 && (outputView.kind !== 'vector' || output === input);
}

/** As many as --outputs says, and the label where it is not among them; `value` is the output at the sample. */
export function explainedOutputs(study: Study, sample: number, value: Float32Array): ExplainedOutput[] {
  const wanted = study.settings.outputs;
  const unit = (index: number): Float32Array => {
    const row = new Float32Array(value.length);
    row[index] = 1;
    return row;
  };
  const size = value.length;
  if (isPictureOutput(study)) {
    const length = Math.sqrt(value.reduce((sum, x) => sum + x * x, 0));
    const whole = { name: 'whole output', row: value.map((x) => (length > 0 ? x / length : 1 / Math.sqrt(size))) };
    const largest = descending(value.map(Math.abs)).slice(0, wanted - 1);
    return [whole, ...largest.map((index) => ({ name: placeName(study, index), row: unit(index) }))];
  }
  const chosen = descending(value).slice(0, wanted);
  const label = study.labels?.[sample];
  if (label !== undefined && label >= 0 && label < size && !chosen.includes(label)) chosen.push(label);
  return chosen.map((index) => ({ name: study.outputName(index), row: unit(index) }));
}

function descending(values: Float32Array): number[] {
  return [...values.keys()].sort((a, b) => values[b]! - values[a]!);
}

/** Where entry `index` of the output is: row and column of a picture, number and coordinate of a point. */
function placeName({ outputView: { kind, width, channels, arrange }, network }: Study, index: number): string {
  if (kind === 'points') return `${'xyz'[index % 3]} of point ${Math.floor(index / 3)}`;
  if (kind !== 'image') return `number ${index}`;
  const size = sizeOf(nodeOf(network, network.output).shape);
  const at = arrange(Float32Array.from({ length: size }, (_, i) => (i === index ? 1 : 0))).indexOf(1);
  const pixel = Math.floor(at / channels);
  const channel = channels > 1 ? `, channel ${at % channels}` : '';
  return `pixel ${Math.floor(pixel / width)}, ${pixel % width}${channel}`;
}
