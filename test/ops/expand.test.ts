import { describe, expect, it } from 'vitest';
import { expand } from '../../analysis/ops/expand.ts';
import { nodeOf, normalTensor, opLaws } from './op-laws.ts';

opLaws(expand, [
  { name: 'two axes', attributes: { shape: [1, 3, 2, 4] }, inputs: [normalTensor([1, 3, 1, 1], 'x')] },
  { name: 'new axes', attributes: { shape: [2, 3, 4] }, inputs: [normalTensor([3, 1], 'x')] },
  { name: 'nothing to do', attributes: { shape: [1, 1] }, inputs: [normalTensor([2, 3], 'x')] },
]);

describe('expand', () => {
  it('refuses shapes that do not fit', () => {
    const inputs = [normalTensor([2, 3], 'x')];
    expect(() => nodeOf(expand, { name: '', attributes: { shape: [2, 4] }, inputs })).toThrow(/do not broadcast/);
    expect(() => nodeOf(expand, { name: '', attributes: { shape: [3] }, inputs })).toThrow(/fewer axes/);
  });
});
