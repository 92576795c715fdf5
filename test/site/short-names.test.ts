import { describe, expect, test } from 'vitest';
import type { ModelFacts } from '../../src/lib/data.ts';
import { describeModel, explainedOutput, outputLabel, scoreLabel } from '../../src/lib/facts.ts';
import { typesetOrSource } from '../../src/lib/equation.ts';
import { legibleName, shortNames } from '../../src/lib/short-names.ts';

describe('names as pages draw them', () => {
  test('long ones lose their middle, texts later than names, and what a program reads is whole', () => {
    const long = `a${'b'.repeat(500)}c`;
    const answer = { name: long, message: long, url: long, classes: ['cat', long], values: [1, 2], none: null };
    const { name, message, url, classes, values, none } = shortNames(answer);
    expect([name.length, message.length]).toEqual([80, 320]);
    expect(name).toMatch(/^ab+…b+c$/);
    expect([url, classes[0], values, none]).toEqual([long, 'cat', [1, 2], null]);
  });

  test('characters that turn text around or control a screen are seen, half characters as well', () => {
    expect(legibleName('a\u202Eb\u0000c\uD800')).toBe('a\uFFFDb\uFFFDc\uFFFD');
    expect(legibleName('שלום – naïve 日本 😀')).toBe('שלום – naïve 日本 😀');
  });
});

describe('words about an output', () => {
  const model = (more: Partial<ModelFacts>) =>
    ({ layers: [{}], parameterCount: 9, accuracy: null, classNames: null, inputShape: [1, 8], ...more }) as ModelFacts;
  const classifier = model({ classNames: ['cat', '1'], outputShape: [1, 2] });
  const regression = model({ outputShape: [1, 1] });
  const several = model({ outputShape: [1, 8] });

  test('a classifier has scores, a regression one output, others outputs by number', () => {
    expect([scoreLabel(classifier, 'cat'), scoreLabel(classifier, '1')]).toEqual([
      'score for cat',
      'score for class 1',
    ]);
    expect([scoreLabel(regression, '0'), outputLabel(regression, '0')]).toEqual(['output', 'the output']);
    expect(scoreLabel(several, '7')).toBe('value of output 7');
    expect([classifier, regression, several].map(explainedOutput)).toEqual([
      'predicted score',
      'output',
      'largest output',
    ]);
  });

  test('a network that gives back what it takes is said to', () => {
    const image = { kind: 'image', shape: [1, 1, 4, 6], channelAxis: 1, heightAxis: 2, widthAxis: 3 };
    const input = image as unknown as ModelFacts['input'];
    const inputShape = image.shape;
    expect(describeModel(model({ input, inputShape, outputShape: inputShape }))).toContain(
      'turns grey images of 6 × 4 pixels into images of the same size.',
    );
    expect(describeModel(model({ input, inputShape, outputShape: [1, 1, 8, 12] }))).toContain(
      'into grey images of 12 × 8 pixels.',
    );
    expect(describeModel(model({ input, inputShape, outputShape: [1, 100, 4] }))).toContain('into 100 × 4 numbers.');
    expect(describeModel(regression)).toContain('turns 8 numbers into one number.');
  });

  test('numbers in an equation are powers of ten', () => {
    expect(typesetOrSource('y = 8.96e-09')).toBe(typesetOrSource('y = 8.96\\cdot 10^{-9}'));
  });
});
