// For which class does each pixel speak? (LI; methods.md, section 4) The discussion of score c puts the input's part and
// every layer's constants back onto the pixels; a pixel votes for the class of its largest discussion.
import type { ClassImage, PixelVotes } from '../../reports/format.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { multiplyAddsOf } from '../network/inspect.ts';
import { nodeOf } from '../network/network.ts';
import { rowOf, unitRows } from '../operators/rows.ts';
import type { Study } from '../study.ts';
import { frozenMode } from './bias-shares.ts';
import type { Method } from './method.ts';

/** Classes whose voters and discussions are drawn. */
const SHOWN = 4;
/** Multiply-adds that votes may cost where samples were not chosen by name: two passes back for every class and sample. */
const BUDGET = 4e12;

export const pixelVotes: Method = {
  id: 'pixel-votes',
  question: 'For which class does each pixel speak?',
  version: 2,
  settings: ['mode'],
  units(study) {
    if (study.task !== 'classification') return 'only the scores of a classifier are voted for';
    if (study.inputView.kind !== 'image') return 'the input is no picture';
    if (study.detailed.length === 0) return 'no sample was chosen to be looked at in detail (--detail)';
    return affordable(study).map((sample) => ({ key: String(sample), sample }));
  },
  remark(study) {
    const [voted, all] = [affordable(study).length, study.detailed.length];
    return voted < all
      ? `votes at ${voted} of ${all} samples looked at in detail, because every class takes two passes back; --detail with names, or all, asks for more`
      : null;
  },
  async answer(study, { sample }) {
    return [{ on: { sample: sample! }, fields: { pixelVotes: await votesOf(study, sample!) } }];
  },
};

/** The detailed samples whose votes are counted: all that were asked for by name, else as many as the budget has, evenly spread. */
function affordable({ network, settings, detailed }: Study): readonly number[] {
  if (typeof settings.detail !== 'number') return detailed;
  const pass = network.nodes.reduce((sum, node) => sum + multiplyAddsOf(network, node), 0);
  const cost = 2 * pass * sizeOf(nodeOf(network, network.output).shape);
  const count = Math.min(detailed.length, Math.max(1, Math.floor(BUDGET / cost)));
  return Array.from({ length: count }, (_, i) => detailed[Math.floor((i * detailed.length) / count)]!);
}

/**
 * One discussion per class, in blocks; only each pixel's best class so far is kept, so that a thousand classes need no
 * more memory than a block.
 */
async function votesOf(study: Study, sample: number): Promise<PixelVotes> {
  const map = await study.map(sample, { mode: frozenMode(study) });
  const classes = sizeOf(map.codomain);
  const { channels } = study.inputView;
  const pixels = sizeOf(map.domain) / channels;
  const best = new Float32Array(pixels).fill(-Infinity);
  const votes = new Int32Array(pixels);
  const step = study.blockSize(16);
  for (let first = 0; first < classes; first += step) {
    study.checkpoint();
    const indices = Array.from({ length: Math.min(step, classes - first) }, (_, i) => first + i);
    for (const [i, discussion] of (await discuss(study, map, indices)).entries()) {
      for (let p = 0; p < pixels; p++) {
        if (discussion[p]! > best[p]!) [best[p], votes[p]] = [discussion[p]!, first + i];
      }
    }
  }
  const counts = new Int32Array(classes);
  for (const vote of votes) counts[vote]!++;
  const ranking = [...counts.keys()].filter((c) => counts[c]! > 0).sort((a, b) => counts[b]! - counts[a]! || a - b);
  const shown = ranking.slice(0, SHOWN);
  const name = study.samples.name(sample);
  const voters: ClassImage[] = [];
  const discussions: ClassImage[] = [];
  const photo = await study.samples.image(sample);
  const pictures = await discuss(study, map, shown);
  for (const [i, c] of shown.entries()) {
    const { height, width } = study.inputView;
    discussions.push({
      class: study.outputName(c),
      image: await study.pictures.draw({
        values: pictures[i]!,
        height,
        width,
        channels: 1,
        kind: 'map',
        alt: `What each pixel of sample ${name} says for ${study.outputName(c)}`,
      }),
    });
    if (!photo) continue;
    const [, , colours = 1] = photo.shape as [number, number, number?];
    voters.push({
      class: study.outputName(c),
      image: await study.pictures.draw({
        values: photo.data.map((value, j) => (votes[Math.floor(j / colours)] === c ? value : 0.5)),
        height,
        width,
        channels: colours,
        kind: 'photo',
        keepNumbers: false,
        alt: `Pixels of sample ${name} that vote for ${study.outputName(c)}; the others are grey`,
      }),
    });
  }
  return {
    shares: ranking.map((c) => ({ class: study.outputName(c), share: counts[c]! / pixels })),
    winner: study.outputName(ranking[0]!),
    voters,
    discussions,
  };
}

/** Discussions of some classes, channels summed: height × width each. */
async function discuss(
  study: Study,
  map: Awaited<ReturnType<Study['map']>>,
  classes: readonly number[],
): Promise<Float32Array[]> {
  const block = await map.discuss(unitRows(classes, sizeOf(map.codomain)));
  const { channels } = study.inputView;
  return classes.map((_, i) => {
    const numbers = study.inputView.arrange(rowOf(block, i));
    const sums = new Float32Array(numbers.length / channels);
    for (let j = 0; j < numbers.length; j++) sums[Math.floor(j / channels)]! += numbers[j]!;
    return sums;
  });
}
