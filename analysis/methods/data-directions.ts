// Which directions do the samples themselves have, beside those of the network? (SpecXAI, figures 8 and 9) For networks that
// give their input back: the SVD of the data matrix (samples × input), next to the right vectors of the whole network's map.
import type { DataDirections } from '../../reports/format.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { nodeOf } from '../network/network.ts';
import { fromMatrix } from '../operators/matrix.ts';
import type { Block } from '../operators/operator.ts';
import { inner, rowOf } from '../operators/rows.ts';
import { truncatedSvd } from '../svd/truncated-svd.ts';
import type { Study } from '../study.ts';
import { drawOnInput } from './component-pictures.ts';
import type { Method } from './method.ts';

/** Bytes of samples held at once. */
const MOST_BYTES = 2 ** 28;
/** Directions with pictures. */
const PICTURED = 6;

export const dataDirections: Method = {
  id: 'data-directions',
  question: 'Which directions do the samples have, and are they those of the network?',
  version: 3,
  settings: ['count', 'tolerance', 'seed'],
  units(study) {
    const { network, samples } = study;
    if (samples.count < 2) return 'directions of the samples take two samples at least';
    const [input, output] = [network.input, network.output].map((id) => sizeOf(nodeOf(network, id).shape));
    if (input !== output) return 'only for networks that give their input back';
    return [{ key: 'all' }];
  },
  remark: ({ samples, network }) => {
    const used = usedSamples(samples.count, sizeOf(nodeOf(network, network.input).shape));
    return used < samples.count ? `from the first ${used} of ${samples.count} samples` : null;
  },
  async answer(study) {
    const { network, settings } = study;
    const shape = nodeOf(network, network.input).shape;
    const rows = usedSamples(study.samples.count, sizeOf(shape));
    const data = await study.samples.read(0, rows);
    const matrix = fromMatrix(data, rows, sizeOf(shape));
    const svd = await truncatedSvd(matrix, {
      count: settings.count,
      tolerance: settings.tolerance,
      random: study.random('data-directions'),
    });
    const cloud = data.subarray(0, sizeOf(shape));
    const directions = Array.from(svd.singularValues.slice(0, PICTURED), async (singularValue, index) => ({
      index,
      singularValue,
      group: svd.groups[index]!,
      inputImage: await drawOnInput(
        study,
        rowOf(svd.inputDirections, index),
        cloud,
        `Direction ${index} of the samples`,
      ),
    }));
    const answer: DataDirections = {
      samples: rows,
      singularValues: [...svd.singularValues],
      ...(await networkBeside(study, svd.inputDirections)),
      directions: await Promise.all(directions),
      certificate: { residuals: [...svd.residuals], converged: svd.converged, applications: svd.applications },
    };
    return [{ on: 'model', fields: { dataDirections: answer } }];
  },
};

function usedSamples(count: number, size: number): number {
  return Math.min(count, Math.max(2, Math.floor(MOST_BYTES / (4 * size))));
}

/**
 * The spectrum of the whole network's map, and the cosine of the angle between data direction k and the span of the right
 * vectors computed, √Σ_j (d_k·φ_j)². Means over the samples looked at in detail.
 */
async function networkBeside(
  study: Study,
  data: Block,
): Promise<Pick<DataDirections, 'rightSingularValues' | 'cosines'>> {
  const { detailed, settings } = study;
  if (detailed.length === 0) return {};
  const values: number[] = [];
  const cosines = Array.from({ length: data.count }, () => 0);
  for (const sample of detailed) {
    study.checkpoint();
    const svd = await truncatedSvd(await study.map(sample, { mode: 'taylor' }), {
      count: settings.count,
      tolerance: settings.tolerance,
      random: study.random(`data-directions ${sample}`),
    });
    for (const [k, value] of svd.singularValues.entries()) values[k] = (values[k] ?? 0) + value / detailed.length;
    const counted = [...svd.singularValues.keys()].filter((k) => svd.singularValues[k]! > 0);
    for (let k = 0; k < data.count; k++) {
      const energy = counted.reduce((sum, j) => sum + inner(rowOf(data, k), rowOf(svd.inputDirections, j)) ** 2, 0);
      cosines[k]! += Math.sqrt(energy) / detailed.length;
    }
  }
  return { rightSingularValues: values, cosines };
}
