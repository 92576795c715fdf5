// The methods of LI: input-output map, bias shares, pixel votes, adversarial step.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { adversarialStep } from '../../analysis/methods/adversarial-step.ts';
import { biasSharesMethod } from '../../analysis/methods/bias-shares.ts';
import { inputOutputMap } from '../../analysis/methods/input-output-map.ts';
import type { Answer, Method } from '../../analysis/methods/method.ts';
import { pixelVotes } from '../../analysis/methods/pixel-votes.ts';
import type { Study } from '../../analysis/study.ts';
import type { BiasSummary, SampleRecord } from '../../reports/format.ts';
import { backends } from '../ops/op-laws.ts';
import { studyOfFile } from '../support/study.ts';
import { at, biases, fromActivity, mlpStudy, run, SAMPLES, toActivityTransposed } from './literal-mlp.ts';

const oracles = path.resolve(import.meta.dirname, '../../../shared/oracles');
const oracleThere = existsSync(path.join(oracles, 'cnn.json'));

async function answersOf(study: Study, method: Method): Promise<Answer[]> {
  const units = method.units(study);
  if (typeof units === 'string') throw new Error(units);
  const answers: Answer[] = [];
  for (const unit of units) answers.push(...(await method.answer(study, unit)));
  return [...answers, ...(method.summarise?.(study, answers) ?? [])];
}

/** The field of one sample. */
function fieldOf<Field extends keyof SampleRecord>(
  answers: readonly Answer[],
  sample: number,
  field: Field,
): NonNullable<SampleRecord[Field]> {
  const answer = answers.find(({ on }) => typeof on === 'object' && 'sample' in on && on.sample === sample)!;
  return answer.fields[field] as NonNullable<SampleRecord[Field]>;
}

afterAll(async () => {
  for (const backend of backends) await backend.dispose();
});

describe.each(backends.map((backend) => [backend.id, backend] as const))('on %s', (_, backend) => {
  it('bias shares are the masked products of the paper', async () => {
    const { study, close } = await mlpStudy(backend, { outputs: 3 });
    const answers = await answersOf(study, biasSharesMethod);
    for (let sample = 0; sample < SAMPLES; sample++) {
      const { x, masks, scores } = at(sample);
      for (const share of fieldOf(answers, sample, 'biasShares')) {
        const c = Number(share.output);
        const filter = toActivityTransposed(
          2,
          [0, 1, 2].map((i) => (i === c ? 1 : 0)),
          masks,
        );
        const input = filter.reduce((sum, w, i) => sum + w * x[i]!, 0);
        expect(share.input).toBeCloseTo(input, 4);
        const layers = [0, 1, 2].map((l) =>
          fromActivity(l, c, masks).reduce((sum, q, i) => sum + q * biases[l]![i]!, 0),
        );
        for (const [l, value] of layers.entries()) expect(share.byLayer[l]!.value).toBeCloseTo(value, 4);
        expect(share.residual).toBeCloseTo(layers[0]! + layers[1]! + layers[2]!, 4);
        expect(share.value).toBeCloseTo(scores[c]!, 4);
      }
    }
    const { biasSummary } = answers.at(-1)!.fields as { biasSummary: BiasSummary };
    expect(biasSummary.samples).toBe(SAMPLES);
    const counts = Array.from({ length: 20 }, () => 0);
    for (let sample = 0; sample < SAMPLES; sample++)
      counts[Math.floor(20 * fieldOf(answers, sample, 'biasShares')[0]!.residualShare)]!++;
    expect(biasSummary.residualShareCounts).toEqual(counts);
    expect(biasSummary.correct!.residualShareCounts!.reduce((a, b) => a + b, 0)).toBe(biasSummary.correct!.samples);
    expect(biasSummary.certificate!.completeness).toBeLessThan(1e-5);
    await close();
  });

  it('every pixel votes for the class of its largest discussion', async () => {
    const { study, close } = await mlpStudy(backend);
    const answers = await answersOf(study, pixelVotes);
    for (let sample = 0; sample < SAMPLES; sample++) {
      const { x, masks } = at(sample);
      const discussions = [0, 1, 2].map((c) => {
        const total = toActivityTransposed(
          2,
          [0, 1, 2].map((i) => (i === c ? 1 : 0)),
          masks,
        ).map((w, i) => w * x[i]!);
        for (let l = 0; l < 3; l++) {
          const spread = fromActivity(l, c, masks).map((q, i) => q * biases[l]![i]!);
          for (const [i, value] of toActivityTransposed(l, spread, masks).entries()) total[i]! += value;
        }
        return total;
      });
      const counts = [0, 0, 0];
      for (let p = 0; p < 16; p++) {
        const values = discussions.map((d) => d[p]!);
        counts[values.indexOf(Math.max(...values))]!++;
      }
      const votes = fieldOf(answers, sample, 'pixelVotes');
      expect(votes.shares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6);
      for (const { class: name, share } of votes.shares) expect(share).toBeCloseTo(counts[Number(name)]! / 16, 6);
      expect(counts[Number(votes.winner)]).toBe(Math.max(...counts));
    }
    await close();
  });

  it('votes of a costly network are counted at fewer samples, unless samples are asked for by name', async () => {
    const { study, close } = await mlpStudy(backend, { detail: SAMPLES });
    const nodes = study.network.nodes.map((node) => (node.op === 'dense' ? { ...node, shape: [1, 150_000] } : node));
    const costly = { ...study, network: { ...study.network, nodes } };
    const votedAt = (one: Study): (number | undefined)[] => {
      const units = pixelVotes.units(one);
      return typeof units === 'string' ? [] : units.map(({ sample }) => sample);
    };
    expect(votedAt(study)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(pixelVotes.remark!(study)).toBeNull();
    // 2 · 36 · 150,000 multiply-adds for each of 150,000 classes: twice within 4·10¹².
    expect(votedAt(costly)).toEqual([0, 3]);
    expect(pixelVotes.remark!(costly)).toContain('votes at 2 of 6 samples');
    const named = { ...costly, settings: { ...study.settings, detail: 'all' as const } };
    expect(votedAt(named)).toEqual([0, 1, 2, 3, 4, 5]);
    await close();
  });

  it('a step against the decision follows the sign of the loss’s gradient', async () => {
    const { study, close } = await mlpStudy(backend, { adversarialStep: 0.05 });
    const answers = await answersOf(study, adversarialStep);
    for (let sample = 0; sample < SAMPLES; sample++) {
      const { x, masks, scores } = at(sample);
      const top = Math.max(...scores);
      const predicted = scores.indexOf(top);
      const powers = scores.map((z) => Math.exp(z - top));
      const sum = powers.reduce((a, b) => a + b, 0);
      const slope = powers.map((p, i) => p / sum - (i === predicted ? 1 : 0));
      const gradient = toActivityTransposed(2, slope, masks);
      const step = fieldOf(answers, sample, 'adversarialStep');
      const moved = await study.pictures.draw({
        values: Float32Array.from(x, (v, i) => v + 0.05 * Math.sign(gradient[i]!)),
        height: 4,
        width: 4,
        channels: 1,
        kind: 'photo',
        alt: '',
      });
      expect(step.image!.array).toBe(moved.array);
      expect(step.clean.value).toBeCloseTo(top, 4);
      const there = run(x.map((v, i) => v + 0.05 * Math.sign(gradient[i]!)));
      expect(step.perturbed.value).toBeCloseTo(there.scores[predicted]!, 4);
      expect(Number(step.prediction)).toBe(there.scores.indexOf(Math.max(...there.scores)));
    }
    await close();
  });

  it.skipIf(!oracleThere)(
    'the convolutional reference network (skipped without ../shared): map, residual by layer, discussion, votes',
    async () => {
      const { linear_interpreter: oracle } = JSON.parse(readFileSync(path.join(oracles, 'cnn.json'), 'utf8')) as {
        linear_interpreter: {
          singular_values: number[];
          residual_by_layer: Record<string, number[]>;
          residual_share_top1: number;
          votes: number[][];
          pixel_discussion_top1: number[];
        };
      };
      const { study, close } = await studyOfFile(path.join(oracles, 'cnn.onnx'), backend, {
        samples: path.join(oracles, 'cnn.inputs.npy'),
        labels: path.join(oracles, 'cnn.labels.npy'),
        detail: ['0'],
      });
      const map = fieldOf(await answersOf(study, inputOutputMap), 0, 'inputOutputMap');
      const values = oracle.singular_values;
      for (const [i, value] of values.entries())
        expect(Math.abs(map.singularValues![i]! - value)).toBeLessThan(1e-6 * values[0]!);
      expect(map.certificate.completeness).toBeLessThan(1e-5);
      const located = await study.map(0, { mode: 'frozen' });
      const through = located.value.map((value, i) => value - located.offset[i]!);
      const parts = Math.hypot(...through) + Math.hypot(...located.offset);
      expect(map.certificate.cancellation).toBeCloseTo(parts / Math.hypot(...located.value), 4);
      expect(map.certificate.adjointness).toBeLessThan(1e-5);
      expect(Math.max(...map.certificate.residuals!)).toBeLessThan(1e-4);

      const [share] = fieldOf(await answersOf(study, biasSharesMethod), 0, 'biasShares');
      const byLayer = oracle.residual_by_layer;
      for (const { layer, value } of share!.byLayer)
        expect(value).toBeCloseTo(byLayer[layer]![Number(share!.output)]!, 6);
      expect(share!.residualShare).toBeCloseTo(oracle.residual_share_top1, 5);

      const votes = fieldOf(await answersOf(study, pixelVotes), 0, 'pixelVotes');
      const flat = oracle.votes.flat();
      for (const { class: name, share: part } of votes.shares)
        expect(part).toBeCloseTo(flat.filter((v) => v === Number(name)).length / flat.length, 6);
      const scores = located.value.length;
      const unit = new Float32Array(scores);
      unit[Number(share!.output)] = 1;
      const { data } = await located.discuss({ count: 1, size: scores, data: unit });
      for (const [i, value] of oracle.pixel_discussion_top1.entries()) expect(data[i]).toBeCloseTo(value, 6);
      await close();
    },
  );

  it.skipIf(!oracleThere)(
    'the smooth reference network (skipped without ../shared): spectra, offsets, rows and columns in both interpretations',
    async () => {
      const oracle = JSON.parse(readFileSync(path.join(oracles, 'smooth.json'), 'utf8')) as Record<
        'taylor' | 'frozen',
        { output: Record<string, number[]>; skip: Record<string, number[]> }
      >;
      const { study, close } = await studyOfFile(path.join(oracles, 'smooth.onnx'), backend, {
        samples: path.join(oracles, 'smooth.inputs.npy'),
      });
      for (const mode of ['taylor', 'frozen'] as const) {
        const { offset, row0, column0 } = oracle[mode].output as Record<'offset' | 'row0' | 'column0', number[]>;
        const map = await study.map(0, { mode });
        const agree = (ours: Float32Array, theirs: number[]): void => {
          const largest = Math.max(...theirs.map(Math.abs));
          for (const [i, value] of theirs.entries()) expect(Math.abs(ours[i]! - value)).toBeLessThan(1e-4 * largest);
        };
        agree(map.offset, offset);
        const unit = new Float32Array(128);
        unit[0] = 1;
        agree((await map.transpose({ count: 1, size: 128, data: unit })).data, row0);
        agree((await map.apply({ count: 1, size: 128, data: unit })).data, column0);
      }
      await close();
    },
  );
});
