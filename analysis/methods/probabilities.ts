// What a classifier's scores say as probabilities, and whether they say anything at all.
import type { Finding } from '../../reports/format.ts';
import type { Study } from '../study.ts';

/** exp(z) / Σ exp(z), in float64. */
export function softmax(scores: Float32Array): Float64Array {
  const top = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = Float64Array.from(scores, (z) => Math.exp(z - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
}

/** Probabilities of a sample's outputs: the sigmoid of each where the network ended in one, else their softmax. */
export function probabilitiesOf({ network }: Pick<Study, 'network'>, scores: Float32Array): Float64Array {
  return network.stripped === 'sigmoid' ? Float64Array.from(scores, (z) => 1 / (1 + Math.exp(-z))) : softmax(scores);
}

/** Fewer samples than this may well all fall into one class, or all be wrong. */
const ENOUGH = 8;
/** Of the way from even odds to certainty; networks that see what they were trained on go far beyond it. */
const HARDLY_SURE = 0.1;

/**
 * Signs that a classifier is not shown what it was trained on: predictions near even odds, one class for everything, or
 * labels that are met no more often than by chance. The usual reason is the preprocessing.
 */
export function inputDoubts(study: Study): Finding[] {
  const { predictions, labels, outputs, samples } = study;
  if (!predictions || !outputs || samples.count === 0) return [];
  const { count } = samples;
  const classes = outputs.length / count;
  const { scale, mean, std, channelOrder, source } = samples.preprocessing;
  const fed = `Inputs are (raw · ${Number(scale.toPrecision(4))} − ${mean.join(', ')}) / ${std.join(', ')}${channelOrder === 'bgr' ? ', blue first' : ''} (${source}); --preprocess says otherwise.`;
  const doubt = (value: number, limit: number, unit: string, message: string): Finding => ({
    rule: 'input',
    level: 'WARN',
    subject: 'model',
    value,
    limit,
    unit,
    message: `${message} ${fed}`,
  });
  const doubts: Finding[] = [];

  let confidence = 0;
  for (let i = 0; i < count; i++)
    confidence += probabilitiesOf(study, outputs.subarray(i * classes, (i + 1) * classes))[predictions[i]!]! / count;
  const even = study.network.stripped === 'sigmoid' ? 0.5 : 1 / classes;
  const limit = even + HARDLY_SURE * (1 - even);
  if (confidence < limit) {
    doubts.push(
      doubt(
        confidence,
        limit,
        'mean confidence',
        'Predictions are hardly surer than even odds: are these inputs of the kind that the network was trained on?',
      ),
    );
  }
  if (count >= ENOUGH && new Set(predictions).size === 1 && new Set(labels?.filter((label) => label >= 0)).size !== 1) {
    doubts.push(
      doubt(
        1,
        2,
        'classes predicted',
        `Every sample is predicted to be ${study.outputName(predictions[0]!)}: are these inputs of the kind that the network was trained on?`,
      ),
    );
  }
  const judged = Array.from({ length: count }, (_, i) => study.correct(i)).filter((right) => right !== null);
  const right = judged.filter(Boolean).length / judged.length;
  // Two standard deviations above what guessing gives.
  const chance = 1 / classes + 2 * Math.sqrt(((1 / classes) * (1 - 1 / classes)) / judged.length);
  if (judged.length >= ENOUGH && right < chance) {
    doubts.push(
      doubt(
        right,
        chance,
        'accuracy',
        `${judged.filter(Boolean).length} of ${judged.length} labels are met, which guessing would do as well: has the network learnt these classes, in this order?`,
      ),
    );
  }
  return doubts;
}
