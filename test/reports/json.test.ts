import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entriesOf, roundNumber, toJson } from '../../reports/json.ts';

describe('JSON of a report', () => {
  it('sorts keys, keeps short values on one line and leaves out what is undefined', () => {
    expect(toJson({ b: [1, { z: 1, y: undefined, x: 'ä' }], a: {}, c: [] })).toBe(
      '{ "a": {}, "b": [1, { "x": "ä", "z": 1 }], "c": [] }\n',
    );
  });

  it('keeps a long list of numbers on one line, and a long list of objects on many', () => {
    const numbers = Array.from({ length: 200 }, (_, i) => i);
    expect(toJson(numbers).split('\n')).toHaveLength(2);
    expect(toJson(numbers.map((n) => ({ n }))).split('\n')).toHaveLength(203);
  });

  it('gives numbers nine significant digits, whole numbers all of theirs, and zero no sign', () => {
    expect(toJson([Math.PI, 1 / 3e-7, -0, 1234567890123, 1e21, -2.5])).toBe(
      '[3.14159265, 3333333.33, 0, 1234567890123, 1e+21, -2.5]\n',
    );
    expect(roundNumber(0.1 + 0.2)).toBe(0.3);
  });

  it('refuses a number that is not finite, naming its path', () => {
    expect(() => toJson({ layers: [{ rank: 1 }, { rank: NaN }] })).toThrow('layers[1].rank: NaN is not finite');
  });

  it('does not depend on the order in which keys were set, and reads back as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = toJson(value);
        expect(toJson(reversed(value))).toBe(text);
        expect(toJson(JSON.parse(text))).toBe(text);
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it('is cut into its entries as it would be parsed, whatever they hold and however it is laid out', () => {
    const entry = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 2 }));
    const long = {
      name: 'a",\n    {"ü',
      list: Array.from({ length: 30 }, (_, i) => ({ layer: `block ${i}`, value: i })),
    };
    fc.assert(
      fc.property(fc.array(fc.oneof(entry, fc.constant(long)), { maxLength: 6 }), (samples) => {
        const text = toJson({ samples });
        const expected = (JSON.parse(text) as { samples: unknown[] }).samples;
        for (const laidOut of [
          text,
          JSON.stringify({ samples: expected }),
          JSON.stringify({ samples: expected }, null, 2),
        ]) {
          const entries = entriesOf('samples', new TextEncoder().encode(laidOut));
          expect(entries.map((bytes) => JSON.parse(new TextDecoder().decode(bytes)))).toEqual(expected);
        }
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, entry]) => [key, reversed(entry)]),
  );
}
