// What is said when a classifier seems not to be shown what it was trained on.
import { afterAll, expect, it } from 'vitest';
import { chooseBackend } from '../../analysis/kernels/choose.ts';
import { inputDoubts, softmax } from '../../analysis/methods/probabilities.ts';
import { builder } from './small-networks.ts';
import { samplesOf, studyOf } from '../support/study.ts';

const backend = await chooseBackend('cpu');
afterAll(() => backend.dispose());

/** Doubts about the classifier softmax(gain · x) of three classes at given inputs. */
async function doubtsOf(gain: number, rows: readonly number[][], labels: readonly number[] | null): Promise<string[]> {
  const { add, network } = builder([1, 4], 1);
  const weight = { data: Float32Array.of(gain, 0, 0, 0, 0, gain, 0, 0, 0, 0, gain, 0), shape: [3, 4] };
  add('fc', 'dense', ['x'], {}, { weight });
  const classifier = { ...network('fc'), stripped: 'softmax' as const };
  const samples = samplesOf(classifier, Float32Array.from(rows.flat()), labels);
  const { study, close } = await studyOf(classifier, samples, backend);
  const doubts = inputDoubts(study);
  await close();
  return doubts.map(({ unit, level, message }) => {
    expect(level).toBe('WARN');
    expect(message).toContain('--preprocess');
    return unit!;
  });
}

const unit = (c: number): number[] => [0, 1, 2, 3].map((i) => (i === c ? 1 : 0));
const classes = Array.from({ length: 12 }, (_, i) => i % 3);

it('is nothing for a network that is sure and right', async () => {
  expect(await doubtsOf(5, classes.map(unit), classes)).toEqual([]);
});

it('names predictions near even odds', async () => {
  expect(await doubtsOf(0.1, classes.map(unit), classes)).toEqual(['mean confidence']);
});

it('names one class for everything, unless the labels agree', async () => {
  const same = classes.map(() => unit(2));
  expect(await doubtsOf(5, same, null)).toEqual(['classes predicted']);
  expect(
    await doubtsOf(
      5,
      same,
      classes.map(() => 2),
    ),
  ).toEqual([]);
});

it('names labels that are met no more often than by guessing', async () => {
  expect(
    await doubtsOf(
      5,
      classes.map((c) => unit((c + 1) % 3)),
      classes,
    ),
  ).toEqual(['accuracy']);
});

it('says nothing of a handful of samples that are wrong', async () => {
  expect(await doubtsOf(5, [unit(0), unit(0)], [1, 2])).toEqual([]);
});

it('takes the softmax of large scores without overflow', () => {
  expect([...softmax(Float32Array.of(1000, 1000))]).toEqual([0.5, 0.5]);
});
