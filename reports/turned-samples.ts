// What stands behind a change of accuracy: how many samples turned wrong or right, how often chance alone would turn as many
// (the sign test over the samples that turned, as McNemar 1947 has it), what they are taken for, and at which layer the
// class is lost: where its preliminary classes (decision traces) changed most.
import type { StoredReport } from './reader.ts';

type SampleHead = StoredReport['samples'][number];

/** The samples of one label, or of all, that are right in one of the two reports only. */
export interface Turned {
  readonly right: number;
  readonly wrong: number;
  /** What those that turned wrong are taken for now, by how many. */
  readonly takenFor: ReadonlyMap<string, number>;
}

/** How many samples of a class a layer's preliminary classes get right in the base and in the head. */
export interface TracedClass {
  readonly samples: number;
  readonly base: number;
  readonly head: number;
}

/** Counts the pairs of samples that turned, of one label or of all. */
export function turnedSamples(pairs: readonly (readonly [SampleHead, SampleHead])[], label: string | null): Turned {
  const takenFor = new Map<string, number>();
  let [right, wrong] = [0, 0];
  for (const [before, after] of pairs) {
    if ((label !== null && before.label !== label) || before.correct === null || after.correct === null) continue;
    if (after.correct && !before.correct) right++;
    if (after.correct || !before.correct) continue;
    wrong++;
    if (after.prediction !== null) takenFor.set(after.prediction, (takenFor.get(after.prediction) ?? 0) + 1);
  }
  return { right, wrong, takenFor };
}

/** How often chance alone, wrong and right alike likely, would turn at least as many samples to the side that has more. */
export function chanceOf({ right, wrong }: Pick<Turned, 'right' | 'wrong'>): number {
  const [n, most] = [right + wrong, Math.max(right, wrong)];
  // Σ_{i ≥ most} C(n, i) / 2ⁿ from logarithms: 2ⁿ of many samples is no number.
  let [logTerm, sum] = [-n * Math.LN2, 0];
  for (let i = n; i >= most; i--) {
    sum += Math.exp(logTerm);
    logTerm += Math.log(i / (n - i + 1));
  }
  return Math.min(1, sum);
}

/** A sentence's part: `18 samples turned wrong and 0 right; 9 are taken for ring now`. */
export function turnedText({ right, wrong, takenFor }: Turned): string {
  const told = `${wrong} ${wrong === 1 ? 'sample' : 'samples'} turned wrong and ${right} right`;
  const [first] = [...takenFor].sort(([, a], [, b]) => b - a);
  return first && wrong > 1 && first[1] > 1 ? `${told}; ${first[1]} are taken for ${first[0]} now` : told;
}

/** `lost at layer classes, where 17 of 20 preliminary classes were right and 9 are`; null where no layer lost more than a sample. */
export function lostAtText(layers: ReadonlyMap<string, TracedClass>): string | null {
  const [worst] = [...layers].sort(([, a], [, b]) => b.base - b.head - (a.base - a.head));
  // One sample may stand between two centroids.
  if (!worst || worst[1].base - worst[1].head <= 1) return null;
  const [layer, { samples, base, head }] = worst;
  return `lost at layer ${layer}, where ${base} of ${samples} preliminary classes were right and ${head} ${head === 1 ? 'is' : 'are'}`;
}
