import { describe, expect, test } from 'vitest';
import {
  formatCount,
  formatError,
  formatNumber,
  formatPlural,
  formatShape,
  formatShare,
  formatShortCount,
  formatSigned,
  median,
} from '../../src/lib/numbers.ts';

/** Units are held to their numbers by spaces that do not break; here they are written as plain ones. */
const plain = (text: string) => text.replaceAll('\u00a0', ' ');

describe('numbers for people', () => {
  test.each([
    [0, '0'],
    [3, '3'],
    [0.40249, '0.402'],
    [-12.345, '−12.3'],
    [0.9996, '1.00'],
    [1234.5, '1,235'],
    [0.00012345, '1.23 × 10⁻⁴'],
    [-2.5e12, '−2.50 × 10¹²'],
    [null, '–'],
    [Number.NaN, '–'],
  ])('%s is written %s', (value, expected) => {
    expect(plain(formatNumber(value))).toBe(expected);
  });

  test('a share is never rounded to all or nothing', () => {
    expect(plain(formatShare(0.97))).toBe('97 %');
    expect(plain(formatShare(0.9701))).toBe('97.0 %');
    expect(plain(formatShare(1))).toBe('100 %');
    expect(plain(formatShare(0))).toBe('0 %');
    expect(plain(formatShare(0.99999))).toBe('> 99.9 %');
    expect(plain(formatShare(0.00001))).toBe('< 0.1 %');
  });

  test('an error has one significant digit', () => {
    expect(plain(formatError(3.4e-7))).toBe('3 × 10⁻⁷');
    expect(plain(formatError(0))).toBe('0');
    expect(plain(formatError(0.25))).toBe('0.25');
  });

  test('large counts are shortened without ever reading 1000 k', () => {
    expect(plain(formatShortCount(999))).toBe('999');
    expect(plain(formatShortCount(16_300))).toBe('16.3 k');
    expect(plain(formatShortCount(999_999))).toBe('1.00 M');
    expect(formatCount(1_111_946)).toBe('1,111,946');
  });

  test('a shape is written without its batch of one', () => {
    expect(plain(formatShape([1, 28, 28]))).toBe('28 × 28');
    expect(plain(formatShape([784]))).toBe('784');
    expect(plain(formatShape([]))).toBe('one number');
  });

  test('terms of a sum carry their sign, plurals their number', () => {
    expect(formatSigned(1.2)).toBe('+1.20');
    expect(formatSigned(-0.4)).toBe('−0.400');
    expect(formatPlural(1, 'layer')).toBe('1 layer');
    expect(formatPlural(10, 'class', 'classes')).toBe('10 classes');
  });

  test('the median of an even list is the mean of its middle', () => {
    expect(median([])).toBeNull();
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });
});
