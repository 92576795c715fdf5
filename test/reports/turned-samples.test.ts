import { describe, expect, it } from 'vitest';
import { chanceOf, lostAtText, turnedSamples, turnedText } from '../../reports/turned-samples.ts';

type Head = Parameters<typeof turnedSamples>[0][number][0];
const sample = (label: string, prediction: string): Head =>
  ({ label, prediction, correct: label === prediction }) as Partial<Head> as Head;
const turned = (right: number, wrong: number) => ({ right, wrong, takenFor: new Map<string, number>() });

describe('samples that turned', () => {
  it('are counted by label, with what they are taken for', () => {
    const pairs = [
      [sample('a', 'a'), sample('a', 'b')],
      [sample('a', 'a'), sample('a', 'b')],
      [sample('a', 'a'), sample('a', 'c')],
      [sample('a', 'b'), sample('a', 'c')],
      [sample('b', 'c'), sample('b', 'b')],
    ] as const;
    expect(turnedSamples(pairs, 'a')).toEqual({
      right: 0,
      wrong: 3,
      takenFor: new Map([
        ['b', 2],
        ['c', 1],
      ]),
    });
    expect(turnedSamples(pairs, null)).toMatchObject({ right: 1, wrong: 3 });
    expect(turnedText(turnedSamples(pairs, 'a'))).toBe('3 samples turned wrong and 0 right; 2 are taken for b now');
    expect(turnedText(turnedSamples(pairs, 'b'))).toBe('0 samples turned wrong and 1 right');
  });

  it('are as likely by chance as coins fall', () => {
    // Binomial tails at one half; those of many coins from SciPy's binom.sf.
    expect(chanceOf(turned(0, 4))).toBeCloseTo(1 / 16, 12);
    expect(chanceOf(turned(4, 0))).toBeCloseTo(1 / 16, 12);
    expect(chanceOf(turned(8, 18))).toBeCloseTo(0.03775934875011444, 12);
    expect(chanceOf(turned(24_600, 25_400))).toBeCloseTo(0.00017625072940074431, 9);
    expect(chanceOf(turned(3, 3))).toBeCloseTo(42 / 64, 12);
    expect(chanceOf(turned(0, 0))).toBe(1);
  });

  it('are lost at the layer where most preliminary classes changed, one sample being noise', () => {
    const layers = new Map([
      ['conv1', { samples: 20, base: 18, head: 17 }],
      ['classes', { samples: 20, base: 17, head: 9 }],
      ['hidden', { samples: 20, base: 14, head: 16 }],
    ]);
    expect(lostAtText(layers)).toBe('lost at layer classes, where 17 of 20 preliminary classes were right and 9 are');
    layers.delete('classes');
    expect(lostAtText(layers)).toBeNull();
    expect(lostAtText(new Map())).toBeNull();
  });
});
