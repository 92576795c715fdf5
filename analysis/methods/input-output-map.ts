// What does the network as one linear map do to this input, and what does each pixel get or give? (LI; methods.md, section 4)
// The frozen map of the whole network at each detailed sample: singular pairs, residual, rows and columns.
import type { FieldPicture, InputOutputMap } from '../../reports/format.ts';
import { cancellationOf, certificateOf } from '../certificate.ts';
import type { View } from '../figures/view.ts';
import { sizeOf } from '../kernels/kernels.ts';
import type { LocatedMap } from '../network/affine-map.ts';
import { rowOf, unitRows } from '../operators/rows.ts';
import { truncatedSvd } from '../svd/truncated-svd.ts';
import type { Study } from '../study.ts';
import { frozenMode } from './bias-shares.ts';
import type { Method } from './method.ts';

/** Most outputs of a network without a picture as output (a classifier) whose rows are drawn. */
const MOST_ROWS = 10;

export const inputOutputMap: Method = {
  id: 'input-output-map',
  question: 'What does the whole network, as one linear map, amplify in this input?',
  version: 5,
  settings: ['count', 'tolerance', 'farRadius', 'mode', 'seed'],
  units: (study) =>
    study.detailed.length === 0
      ? 'no sample was chosen to be looked at in detail (--detail)'
      : study.detailed.map((sample) => ({ key: String(sample), sample })),
  async answer(study, { sample: index }) {
    const sample = index!;
    const map = await study.map(sample, { mode: frozenMode(study) });
    const { count, tolerance } = study.settings;
    const svd = await truncatedSvd(map, { count, tolerance, random: study.random(`input-output-map ${sample}`) });
    const name = study.samples.name(sample);
    const { inputView, outputView } = study;
    const directions = await Promise.all(
      Array.from(svd.singularValues, async (singularValue, i) => ({
        index: i,
        singularValue,
        group: svd.groups[i]!,
        inputImage: await study.drawInput(rowOf(svd.inputDirections, i), `Eigen-input ${i + 1} of sample ${name}`),
        outputImage:
          outputView.kind === 'vector'
            ? null
            : await study.drawOutput(rowOf(svd.outputDirections, i), `Eigen-output ${i + 1} of sample ${name}`),
      })),
    );
    const fields = await fieldPictures(study, map, sample);
    const answer: InputOutputMap = {
      shape: [sizeOf(map.codomain), sizeOf(map.domain)],
      singularValues: [...svd.singularValues],
      directions,
      residual:
        outputView.kind === 'vector'
          ? null
          : await study.drawOutput(map.offset, `Residual of sample ${name}: what the network adds on its own`),
      ...fields,
      ...(await farEnergy(study, map, inputView, outputView)),
      certificate: {
        ...(await certificateOf(map, study.random(`certificate ${sample}`), svd)),
        cancellation: await cancellationOf(map),
      },
    };
    return [{ on: { sample }, fields: { inputOutputMap: answer } }];
  },
};

/** Rows (what an output takes from the input) and columns (what an input does to the output) at chosen places. */
async function fieldPictures(
  study: Study,
  map: LocatedMap,
  sample: number,
): Promise<{ rows: FieldPicture[]; columns: FieldPicture[]; transposed?: InputOutputMap['transposed'] }> {
  const { inputView, outputView } = study;
  const name = study.samples.name(sample);
  if (outputView.kind === 'vector') {
    const outputs = leading(map.value, MOST_ROWS);
    const block = await map.transpose(unitRows(outputs, sizeOf(map.codomain)));
    const rows = outputs.map(async (output, i) => ({
      at: [output],
      reason: study.outputName(output),
      image: await study.drawInput(
        rowOf(block, i),
        `What output ${study.outputName(output)} takes from sample ${name}`,
      ),
    }));
    return { rows: await Promise.all(rows), columns: [] };
  }
  const draw = async (side: 'rows' | 'columns'): Promise<FieldPicture[]> => {
    const [from, view] = side === 'rows' ? [map.value, outputView] : [map.at, inputView];
    const size = side === 'rows' ? sizeOf(map.codomain) : sizeOf(map.domain);
    const places =
      view.kind === 'image'
        ? chosenPixels(view, from)
        : leading(from, MOST_ROWS).map((i) => ({ at: [i], index: i, reason: 'largest' }));
    const units = unitRows(
      places.map((place) => place.index),
      size,
    );
    const block = side === 'rows' ? await map.transpose(units) : await map.apply(units);
    return Promise.all(
      places.map(async ({ at, reason }, i) => {
        const vector = rowOf(block, i);
        const alt =
          side === 'rows'
            ? `What output pixel ${at.join(', ')} takes from sample ${name}`
            : `What input pixel ${at.join(', ')} of sample ${name} does to the output`;
        return {
          at,
          reason,
          image: await (side === 'rows' ? study.drawInput(vector, alt) : study.drawOutput(vector, alt)),
        };
      }),
    );
  };
  const { data } = await map.transpose({ count: 1, size: map.value.length, data: map.value });
  return {
    rows: await draw('rows'),
    columns: await draw('columns'),
    transposed: await study.drawInput(data, `The transposed system applied to the output of sample ${name}`),
  };
}

interface Place {
  readonly at: number[];
  /** Index of its largest-magnitude channel within the vector. */
  readonly index: number;
  readonly reason: string;
}

/** The centre, the pixel of largest response and a 3 × 3 grid, without repeats. */
function chosenPixels(view: View, vector: Float32Array): Place[] {
  const indices = view.arrange(Float32Array.from(vector, (_, i) => i));
  const place = (y: number, x: number, reason: string): Place => {
    let best = indices[(y * view.width + x) * view.channels]!;
    for (let c = 1; c < view.channels; c++) {
      const candidate = indices[(y * view.width + x) * view.channels + c]!;
      if (Math.abs(vector[candidate]!) > Math.abs(vector[best]!)) best = candidate;
    }
    return { at: [y, x], index: best, reason };
  };
  let [peak, largest] = [0, -1];
  for (let i = 0; i < indices.length; i++) {
    const size = Math.abs(vector[indices[i]!]!);
    if (size > largest) [peak, largest] = [Math.floor(i / view.channels), size];
  }
  const third = (n: number, i: number): number => Math.floor(((i + 0.5) * n) / 3);
  const places = [
    place(Math.floor(view.height / 2), Math.floor(view.width / 2), 'centre'),
    place(Math.floor(peak / view.width), peak % view.width, 'largest'),
  ];
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 3; column++)
      places.push(place(third(view.height, row), third(view.width, column), 'grid'));
  }
  return places.filter((p, i) => places.findIndex((q) => q.at[0] === p.at[0] && q.at[1] === p.at[1]) === i);
}

/**
 * Share of |F|² farther than `farRadius` input pixels from where an output pixel lies: the mark of a network that copies
 * and moves. Over all rows where they are few, else over 256 rows spread evenly; said in the reason.
 */
async function farEnergy(
  study: Study,
  map: LocatedMap,
  input: View,
  output: View,
): Promise<Pick<InputOutputMap, 'farEnergy' | 'farRadius' | 'farEnergyReason'>> {
  const radius = study.settings.farRadius;
  if (input.kind !== 'image' || output.kind !== 'image')
    return { farEnergy: null, farEnergyReason: 'only from images to images' };
  const rows = output.height * output.width * output.channels;
  const chosen = Array.from({ length: Math.min(rows, 256) }, (_, i) =>
    Math.floor(((i + 0.5) * rows) / Math.min(rows, 256)),
  );
  const indices = output.arrange(Float32Array.from({ length: rows }, (_, i) => i));
  const size = sizeOf(map.codomain);
  const blockSize = study.blockSize(32);
  let [far, all] = [0, 0];
  for (let start = 0; start < chosen.length; start += blockSize) {
    study.checkpoint();
    const part = chosen.slice(start, start + blockSize);
    const block = await map.transpose(
      unitRows(
        part.map((i) => indices[i]!),
        size,
      ),
    );
    for (const [i, place] of part.entries()) {
      const pixel = Math.floor(place / output.channels);
      const y = ((Math.floor(pixel / output.width) + 0.5) * input.height) / output.height - 0.5;
      const x = (((pixel % output.width) + 0.5) * input.width) / output.width - 0.5;
      const energies = input.arrange(rowOf(block, i));
      for (let j = 0; j < energies.length; j++) {
        const at = Math.floor(j / input.channels);
        const energy = energies[j]! ** 2;
        all += energy;
        if (Math.hypot(Math.floor(at / input.width) - y, (at % input.width) - x) > radius) far += energy;
      }
    }
  }
  return {
    farEnergy: all === 0 ? 0 : far / all,
    farRadius: radius,
    farEnergyReason: chosen.length < rows ? `estimated from ${chosen.length} of ${rows} rows` : null,
  };
}

/** Indices of the largest entries, descending. */
function leading(vector: Float32Array, count: number): number[] {
  return [...vector.keys()].sort((a, b) => vector[b]! - vector[a]!).slice(0, count);
}
