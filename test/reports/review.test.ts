import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { junitOf } from '../../reports/junit.ts';
import { escaped, fitted, MOST_CHARACTERS, nameAsCode } from '../../reports/markdown.ts';
import { plain } from '../../reports/plain.ts';
import { commentOn, markerOf } from '../../reports/pull-request-comment.ts';
import { comparisonText, reviewText, sparkline } from '../../reports/review-text.ts';
import { reviewsSchema, verdictOf, type Review } from '../../reports/review.ts';

const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '@everyone #1 GH-1',
  '[x](https://evil.example) ![y](data:image/png;base64,AA)',
  'a|b\n# heading\n---',
  '`code` **bold** _it_ ~~gone~~ <!-- eigenlens: default -->',
  'www.evil.example https://evil.example',
  '\u202Egnp.exe\u0000\u001b[31m',
];

const side = {
  id: 'demo',
  digest: 'd'.repeat(64),
  model: 'm',
  samples: 's',
  settings: 'e'.repeat(64),
  version: '0.1.0',
  backend: 'cpu',
};

function review(more: Partial<Review> = {}): Review {
  return {
    head: side,
    base: { ...side, digest: 'b'.repeat(64) },
    found: 'the exact base commit 0123456789',
    identical: false,
    caveats: [],
    findings: [],
    unapplied: [],
    hints: [],
    differences: [],
    unchanged: 10,
    ...more,
  };
}

const finding = (subject: string, level: 'FAIL' | 'WARN' | 'PASS' = 'FAIL'): Review['findings'][number] => ({
  rule: 'rank',
  level,
  subject,
  value: 4,
  limit: 12,
  floor: 0,
  unit: null,
  message: 'Rank fell from 16 to 4.',
});
const difference = (subject: string, kind: 'LAYER' | 'SAMPLE' | 'CLASS' = 'LAYER'): Review['differences'][number] => ({
  kind,
  subject,
  metric: kind === 'CLASS' ? 'classAccuracy' : 'rank',
  change: kind === 'CLASS' ? 'WORSE' : 'CHANGED',
  base: 16,
  head: 4,
  delta: -12,
  floor: 0,
  reason: null,
});

describe('a name in Markdown', () => {
  it.each(HOSTILE)('is only text: %j', (name) => {
    const code = nameAsCode(name);
    const inside = code.slice('<code>'.length, -'</code>'.length);
    expect(inside).not.toMatch(/[<>[\]`*_|@~!\n\r\u0000-\u001f\u202a-\u202e]/);
    expect(inside.replace(/&#\d+;/g, '')).not.toMatch(/[#&]|:\/|www\./);
    expect(inside).not.toMatch(/www\.|https?:/);
  });

  it('reads as it was, where nothing in it is dangerous', () => {
    expect(nameAsCode('block 3-conv')).toBe('<code>block 3-conv</code>');
    expect(escaped('fell from 94 % to 27 %; allowed is 2.5 points.')).toBe(
      'fell from 94 % to 27 %; allowed is 2.5 points.',
    );
    expect(nameAsCode('x'.repeat(500)).length).toBeLessThan(100);
  });
});

describe('the comment', () => {
  it('begins with its marker and says the verdict in words', () => {
    const body = commentOn([review({ findings: [finding('conv2')] })], { key: 'default' });
    expect(body.startsWith(`${markerOf('default')}\n### ❌ Eigenlens: rules are broken`)).toBe(true);
    expect(body).toContain('1 finding to fix; unchanged');
    expect(body).toContain('the exact base commit 0123456789');
    expect(body).toContain('<code>conv2</code>');
  });

  it.each([
    [review({ identical: true }), '✅', 'Unchanged: the report is equal to the baseline to the byte'],
    [review(), '✅', 'Unchanged: no number moved beyond its noise floor'],
    [review({ base: null, found: 'none' }), '✅', 'No baseline; every rule that applies holds'],
    [review({ findings: [finding('a', 'WARN')] }), '⚠️', '1 finding to look at'],
    [review({ differences: [difference('a')] }), '✅', '1 of 11 compared numbers changed'],
  ])('tells the five outcomes apart', (given, mark, words) => {
    const body = commentOn([given], { key: 'k' });
    expect(body).toContain(`### ${mark}`);
    expect(body).toContain(words);
    expect(verdictOf(given)).toContain(words);
  });

  it('shows failing, then worse, twenty rows at most, then each layer', () => {
    const many = Array.from({ length: 30 }, (_, i) => difference(`class ${i}`, 'CLASS'));
    const body = commentOn([review({ findings: [finding('conv2')], differences: [...many, difference('conv2')] })], {
      key: 'k',
    });
    const rows = body.split('\n').filter((line) => line.startsWith('| ❌') || line.startsWith('| ▼'));
    expect(rows).toHaveLength(20);
    expect(rows[0]).toContain('fails');
    expect(body).toContain('and 11 more');
    expect(body).toContain('<details><summary>Layer <code>conv2</code>: 1 changed</summary>');
  });

  it('stays below 64,000 characters whatever it is about, and keeps verdict and provenance', () => {
    const differences = Array.from({ length: 3000 }, (_, i) => difference(`${'<'.repeat(70)}${i}`));
    const found = Array.from({ length: 3000 }, (_, i) => finding(`${'|'.repeat(70)}${i}`));
    const body = commentOn([review({ differences, findings: found })], { key: 'k', commit: 'c'.repeat(40) });
    expect(body.length).toBeLessThan(MOST_CHARACTERS);
    expect(body).toContain('rules are broken');
    expect(body).toContain('the exact base commit');
    expect(body).toMatch(/more parts do not fit/);
    const several = Array.from({ length: 100 }, (_, i) => review({ head: { ...side, id: `model-${i}` }, differences }));
    expect(commentOn(several, { key: 'k' }).length).toBeLessThan(MOST_CHARACTERS);
  });

  it.each(HOSTILE)('carries no data URI, no script and no second marker for %j', (name) => {
    const body = commentOn(
      [
        review({
          findings: [{ ...finding(name), message: name, rule: name }],
          differences: [difference(name), { ...difference(name, 'CLASS'), reason: name, metric: name }],
          found: name,
          unapplied: [{ rule: name, subject: name, reason: name }],
          hints: [name],
        }),
      ],
      { key: name, commit: name, run: `javascript:${name}` },
    );
    expect(body).not.toMatch(/data:|javascript:|<img|https?:\/\//);
    expect(body.match(/<!--/g)).toHaveLength(1);
    const tags = new Set([...body.matchAll(/<\/?([a-z]+)/g)].map(([, tag]) => tag));
    expect([...tags].filter((tag) => !['code', 'details', 'summary', 'sub'].includes(tag!))).toEqual([]);
    for (const line of body.split('\n').filter((one) => one.startsWith('| ') && one.includes('<code>')))
      expect(line.split('|').length).toBeLessThanOrEqual(7);
  });

  it('links to the run only where the address is plain', () => {
    const run = 'https://forge.example/o/r/actions/runs/7';
    expect(commentOn([review()], { key: 'k', run })).toContain(`[pictures and numbers](${run})`);
    expect(commentOn([review()], { key: 'k', run: `${run})[x](javascript:1` })).not.toContain('pictures and numbers');
  });
});

describe('parts of a text that must not grow', () => {
  it('are left out from where they no longer fit, and counted', () => {
    const text = fitted([{ text: 'a'.repeat(50) }, { text: 'b'.repeat(50) }, { text: 'end', needed: true }], 160);
    expect(text).toBe(`${'a'.repeat(50)}\n\nend\n\n_1 more part does not fit here; the report has everything._`);
  });
});

describe('a JUnit file', () => {
  it('has a case for each finding: failed, passed with a word, skipped', () => {
    const text = junitOf([
      review({
        findings: [finding('conv2'), finding('conv1', 'WARN'), finding('fc', 'PASS')],
        unapplied: [{ rule: 'accuracy', subject: null, reason: 'there is no baseline' }],
      }),
    ]);
    expect(text).toContain('<testsuites name="eigenlens" tests="4" failures="1" errors="0">');
    expect(text.match(/<testcase /g)).toHaveLength(4);
    expect(text.match(/<failure /g)).toHaveLength(1);
    expect(text).toContain('<system-out>warning: Rank fell');
    expect(text).toContain('<skipped message="there is no baseline"/>');
  });

  it.each(HOSTILE)('is well-formed with %j in it', (name) => {
    const text = junitOf([review({ findings: [{ ...finding(name), message: name }] })]);
    expect(text.replace(/\n/g, '')).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
    const inner = text.replace(
      /<\/?(\?xml|testsuites?|testcase|failure|system-out|skipped)(\s+[\w:-]+="[^"<]*")*\s*[/?]?>/g,
      '',
    );
    expect(inner).not.toMatch(/[<>]/);
    expect(inner).not.toMatch(/&(?!amp;|lt;|gt;|quot;|#\d+;)/);
  });
});

describe('a comment of what differs', () => {
  it('says first that the samples are others, counts what changed only, and has the numbers of what fails', () => {
    const lost = { ...difference('conv1'), metric: 'featureAngle', change: 'INCOMPARABLE', delta: null } as const;
    const comment = commentOn(
      [
        review({
          caveats: ['The samples differ'],
          findings: [finding('conv1')],
          differences: [difference('conv1'), lost],
        }),
      ],
      { key: 'default' },
    );
    expect(comment).toContain('**\n\n> ⚠️ The samples differ.\n\n');
    expect(comment).toContain('Layer <code>conv1</code>: 1 changed');
    expect(comment).toContain('| ❌ fails | <code>conv1</code> | Rank fell from 16 to 4. | 16 | 4 |');
  });
});

describe('text for a terminal', () => {
  const bare = (_: string, text: string): string => text;

  it('draws falling spectra as falling bars', () => {
    expect(sparkline([8, 4, 2, 0])).toBe('█▅▃▁');
    expect(sparkline([4, 2], 8)).toBe('▅▃');
    expect(sparkline([])).toBe('');
    expect(sparkline(Array.from({ length: 500 }, (_, i) => 500 - i))).toHaveLength(24);
  });

  it('takes what steers a terminal out of names', () => {
    expect(plain('a\u001b[31mb\u202e')).toBe('a�[31mb�');
    const text = reviewText(review({ findings: [{ ...finding('x\u001b[2J'), message: '\u0007' }] }), { paint: bare });
    expect(text).not.toMatch(/[\u0007\u001b]/);
  });

  it('says the change with a sign of its own, not by colour alone', () => {
    const worse = { ...difference('star', 'CLASS'), metric: 'classAccuracy', base: 1, head: 0.5, delta: -0.5 } as const;
    const text = comparisonText({ identical: false, caveats: [], differences: [worse], findings: [] }, { paint: bare });
    expect(text).toBe('class star\n  ▼ accuracy of a class  100 % → 50 %  (-50 points)');
  });

  it('is folded at the width of the terminal, between words, whatever colours are in it', () => {
    const message = 'Rank fell from 16 to 4 and this goes on for longer than a line of the terminal is wide.';
    const paint = (_: string, text: string): string => `\u001b[31m${text}\u001b[39m`;
    const text = reviewText(review({ findings: [{ ...finding('conv1'), message }] }), { paint, columns: 50 });
    const lines = stripVTControlCharacters(text).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(50);
    expect(lines.slice(-3)).toEqual([
      '  ✗ fail rank: conv1: Rank fell from 16 to 4 and',
      '      this goes on for longer than a line of the',
      '      terminal is wide.',
    ]);
  });

  it('says first that networks, samples or settings differ, and counts what cannot be compared', () => {
    const lost = { ...difference('a', 'LAYER'), change: 'INCOMPARABLE', reason: 'the samples differ' } as const;
    const caveats = ['The samples differ: no number that depends on them is compared'];
    const text = comparisonText({ identical: false, caveats, differences: [lost, lost], findings: [] } as never, {
      paint: bare,
    });
    expect(text.split('\n')).toEqual([
      '! The samples differ: no number that depends on them is compared.',
      'unchanged: no number moved beyond its noise floor',
      '? 2 numbers not compared: the samples differ (--all shows them)',
    ]);
  });
});

describe('reviews from another job', () => {
  it('are read back as they were, and refused in any other shape', () => {
    const reviews = [review({ findings: [finding('a')] })];
    expect(reviewsSchema.parse(JSON.parse(JSON.stringify({ reviews })))).toEqual({ reviews });
    expect(reviewsSchema.safeParse({ reviews: [] }).success).toBe(false);
    expect(reviewsSchema.safeParse({ reviews, markdown: '# mine' }).success).toBe(false);
    expect(reviewsSchema.safeParse({ reviews: [{ ...review(), found: 7 }] }).success).toBe(false);
  });
});
