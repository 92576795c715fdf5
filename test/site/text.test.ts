import { describe, expect, test } from 'vitest';
import { anchors, slug } from '../../src/lib/anchor.ts';
import { typeset, typesetOrSource } from '../../src/lib/equation.ts';
import { METHODS, TERMS } from '../../src/lib/glossary.ts';
import { listed, prose, sentence } from '../../src/lib/prose.ts';

describe('anchors', () => {
  test('are made of letters, digits and dashes, whatever the name', () => {
    expect(slug('features/conv1.weight <b>')).toBe('features-conv1-weight-b');
    expect(slug('Straße Ünïcode')).toBe('stra-e-unicode');
    expect(slug('日本')).toBe('x');
  });

  test('are unique in a list, the first keeping its plain name', () => {
    expect(anchors(['a b', 'a-b', 'c'], 'check')).toEqual(['check-a-b', 'check-a-b-2', 'check-c']);
  });
});

describe('equations', () => {
  test('become MathML without a style attribute', () => {
    const math = typeset(String.raw`\hat y = \sum_k \psi_k \frac{a}{b}`, { display: true });
    expect(math).toMatch(/^<math [^>]*display="block".*<\/math>$/s);
    expect(math).not.toMatch(/ style=|class=/);
  });

  test('every equation of the glossary can be typeset', () => {
    const all = [
      ...METHODS.flatMap(({ equations }) => equations.map(({ latex }) => latex)),
      ...TERMS.flatMap(({ latex }) => latex ?? []),
    ];
    expect(all.length).toBeGreaterThan(10);
    for (const latex of all) expect(typeset(latex, { display: true }), latex).not.toMatch(/ style=|mathcolor/);
  });

  test('what came with a report and cannot be read is shown as text', () => {
    expect(typesetOrSource(String.raw`\frac{<b>`)).toBe(String.raw`<code>\frac{&lt;b&gt;</code>`);
  });
});

describe('prose', () => {
  test('joins the sentences that there are', () => {
    expect(prose('One.', false, null, 'Two.')).toBe('One. Two.');
    expect(listed(['a', 'b', 'c'])).toBe('a, b and c');
  });

  test('ends a sentence once', () => {
    expect(sentence('Only 16 eigenvalues')).toBe('Only 16 eigenvalues.');
    expect(sentence('Only 16 eigenvalues. ')).toBe('Only 16 eigenvalues.');
  });
});
