import { describe, expect, test } from 'vitest';
import { nearestPlace } from '../../src/lib/field-picker.ts';

describe('a click on a picture', () => {
  const places = [
    { row: 2, column: 2 },
    { row: 2, column: 10 },
    { row: 10, column: 2 },
  ];

  test('chooses the nearest pixel, measured from its middle', () => {
    expect(nearestPlace(places, { row: 0, column: 0 })).toBe(0);
    expect(nearestPlace(places, { row: 3, column: 6.6 })).toBe(1);
    expect(nearestPlace(places, { row: 3, column: 6.4 })).toBe(0);
    expect(nearestPlace(places, { row: 11.9, column: 5 })).toBe(2);
  });

  test('chooses the first of two that are as near, and nothing where nothing is', () => {
    expect(nearestPlace(places, { row: 2.5, column: 6.5 })).toBe(0);
    expect(nearestPlace([], { row: 2.5, column: 6.5 })).toBe(-1);
  });
});
