import { describe, expect, test } from 'vitest';
import { findEntries, type Entry } from '../../src/lib/search.ts';

const entries: Entry[] = [
  { t: 'conv10', k: 'layer', u: '/a', x: 'digits conv' },
  { t: 'conv1', k: 'layer', u: '/b', x: 'digits conv' },
  { t: 'fc', k: 'layer', u: '/c', x: 'digits dense' },
  { t: 'Convolution', k: 'term', u: '/d', x: '' },
];
const found = (query: string) => findEntries(entries, query).map(({ u }) => u);

describe('search', () => {
  test('an equal title comes first, then titles that begin with the words', () => {
    expect(found('conv1')).toEqual(['/b', '/a']);
  });
  test('every word must be somewhere', () => {
    expect(found('digits dense')).toEqual(['/c']);
    expect(found('digits nothing')).toEqual([]);
  });
  test('no words find nothing', () => {
    expect(found('  ')).toEqual([]);
  });
});
