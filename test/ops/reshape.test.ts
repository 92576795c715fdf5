import { describe, expect, it } from 'vitest';
import { reshape } from '../../analysis/ops/reshape.ts';
import { nodeOf, normalTensor, opLaws } from './op-laws.ts';

const inputs = [normalTensor([1, 2, 3, 4], 'x')];

opLaws(reshape, [
  { name: 'flattened', attributes: { shape: [1, 24] }, inputs },
  { name: 'more axes', attributes: { shape: [2, 3, 1, 2, 2] }, inputs },
  { name: 'one axis, the batch gone', attributes: { shape: [24] }, inputs },
]);

describe('reshape', () => {
  it('refuses another number of entries', () => {
    expect(() => nodeOf(reshape, { name: '', attributes: { shape: [5, 5] }, inputs })).toThrow(
      /\[1,2,3,4\] to \[5,5\]/,
    );
  });
});
