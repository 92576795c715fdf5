// What do other methods show for the same decision, and how faithful is each? (methods.md, section 7) The comparison methods
// at every detailed sample, each with what it fails to add up to, and its deletion and insertion curves.
import type { Attribution } from '../../reports/format.ts';
import type { Tensor } from '../kernels/kernels.ts';
import { applicableTo, PICTURE_SETTINGS, pictureOf, type ComparisonMethod } from './comparison-pictures.ts';
import { explainedBy } from './explained-network.ts';
import { areaUnder, curvesOf, leadingPixels, randomAreas, scoreOf } from './faithfulness.ts';
import type { Method } from './method.ts';
import { pixelsOf } from './pixels.ts';
import { oncePerStudy } from './once-per-study.ts';

export const attributions: Method = {
  id: 'attributions',
  question: 'What do other methods show for the same decision, and how faithful are they?',
  version: 1,
  settings: ['outputs', 'faithfulnessSteps', ...PICTURE_SETTINGS],
  units(study) {
    if (study.outputView.kind !== 'vector') return 'the output is a picture, not a score that could be attributed';
    if (study.detailed.length === 0) return 'no sample was chosen to be looked at in detail (--detail)';
    return study.detailed.map((sample) => ({ key: String(sample), sample }));
  },
  remark(study) {
    const { obstacles } = applicableTo(explainedOf(study));
    return obstacles.length > 0 ? `Left out: ${obstacles.join('; ')}.` : null;
  },
  async answer(study, { sample: index }) {
    const sample = index!;
    const explained = explainedOf(study);
    const x = await study.inputs(sample, sample + 1);
    const empty: Tensor = { data: new Float32Array(x.data.length), shape: x.shape };
    const [values, baseline] = await Promise.all(
      [x, empty].map(async (at) => (await explained.valuesAt([study.network.output], at))[0]!.data),
    );
    const pixels = pixelsOf(study.inputView, x.data.length);
    const answers: Attribution[] = [];
    for (const output of leadingOutputs(values!, study.settings.outputs)) {
      const kind =
        study.task === 'classification' || (study.network.stripped !== null && values!.length === 1)
          ? 'probability'
          : 'value';
      const score = scoreOf(output, kind);
      const { faithfulnessSteps: steps } = study.settings;
      const chance = await randomAreas(explained, x, pixels, steps, score, study.random(`attributions ${sample}`));
      for (const method of applicableTo(explained).methods) {
        study.checkpoint();
        const picture = await method.draw(pictureOf(study, explained, { sample, x, output }));
        const curves = await curvesOf(explained, x, leadingPixels(picture, pixels), pixels, steps, score);
        const name = study.outputName(output);
        answers.push({
          method: method.id,
          output: name,
          image: await study.drawInput(picture, `${method.id} of ${name} in sample ${study.samples.name(sample)}`),
          completeness: completenessOf(method, picture, values![output]!, baseline![output]!),
          deletion: areaUnder(curves.deletion),
          insertion: areaUnder(curves.insertion),
          deletionRandom: chance.deletion,
          insertionRandom: chance.insertion,
          deletionCurve: curves.deletion,
          insertionCurve: curves.insertion,
        });
      }
    }
    return [{ on: { sample }, fields: { attributions: answers } }];
  },
};

/** |Σ picture − claim| / |claim|; null for a picture that claims no sum. */
export function completenessOf(
  { addsUpTo }: ComparisonMethod,
  picture: Float32Array,
  value: number,
  baseline: number,
): number | null {
  if (addsUpTo === null) return null;
  const claim = addsUpTo === 'change' ? value - baseline : value;
  const total = picture.reduce((sum, part) => sum + part, 0);
  return Math.abs(total - claim) / Math.max(Math.abs(claim), 1e-30);
}

/** The highest outputs, descending. */
export function leadingOutputs(values: Float32Array, count: number): number[] {
  return Array.from(values, (_, i) => i)
    .sort((a, b) => values[b]! - values[a]! || a - b)
    .slice(0, count);
}

/** The study's network; what is compiled for it is compiled once. */
export const explainedOf = oncePerStudy(explainedBy);
