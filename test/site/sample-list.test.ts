import { describe, expect, test } from 'vitest';
import { selectRows } from '../../src/lib/sample-list.ts';
import type { SampleRow } from '../../src/lib/sample-rows.ts';

const row = (i: number, fields: Partial<SampleRow>): SampleRow => ({
  i,
  n: String(i),
  l: null,
  p: null,
  c: null,
  r: null,
  d: null,
  t: null,
  o: false,
  ...fields,
});
const rows = [
  row(0, { n: 'cat/0.png', l: 'cat', p: 'cat', c: 0.9, r: true, o: true }),
  row(1, { n: 'dog/1.png', l: 'dog', p: 'cat', c: 0.5, r: false }),
  row(2, { n: 'dog/2.png', l: 'dog', p: 'dog', r: true }),
  row(3, { n: 'x', c: 0.7 }),
];
const chosen = (...[filter, sort]: [Parameters<typeof selectRows>[1], Parameters<typeof selectRows>[2]?]) =>
  selectRows(rows, filter, sort ?? { key: 'i', down: false }).map(({ i }) => i);

describe('the table of samples', () => {
  test('keeps the rows that pass every filter', () => {
    expect(chosen({})).toEqual([0, 1, 2, 3]);
    expect(chosen({ name: ' DOG ' })).toEqual([1, 2]);
    expect(chosen({ outcome: 'wrong' })).toEqual([1]);
    expect(chosen({ outcome: 'right', class: 'dog' })).toEqual([2]);
    expect(chosen({ class: 'cat' })).toEqual([0, 1]);
    expect(chosen({ own: true })).toEqual([0]);
  });

  test('sorts either way with missing values last', () => {
    expect(chosen({}, { key: 'c', down: false })).toEqual([1, 3, 0, 2]);
    expect(chosen({}, { key: 'c', down: true })).toEqual([0, 3, 1, 2]);
    expect(chosen({}, { key: 'l', down: false })).toEqual([0, 1, 2, 3]);
    expect(chosen({}, { key: 'r', down: true })).toEqual([0, 2, 1, 3]);
  });
});
