// Groups and their order, by hand and against a search over all paths.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantileOf } from '../../analysis/methods/direction-signals.ts';
import { hyperedgesOf, hypergraphOf, significantShares } from '../../analysis/methods/direction-hypergraph.ts';

describe('a hypergraph of classes over directions', () => {
  it('puts directions of the same classes into one group, the general above the specific', () => {
    // Class 0: directions 0, 1, 2; class 1: 0, 1, 3; class 2: 0, 1, 3, 4.
    const { groups, edges } = hypergraphOf([
      [0, 1, 2],
      [0, 1, 3],
      [0, 1, 3, 4],
    ]);
    expect(groups).toEqual([
      { classes: [0, 1, 2], directions: [0, 1] },
      { classes: [1, 2], directions: [3] },
      { classes: [0], directions: [2] },
      { classes: [2], directions: [4] },
    ]);
    // 0 → 3 is not drawn: it goes by way of 1.
    expect(edges).toEqual([
      [0, 1],
      [0, 2],
      [1, 3],
    ]);
  });

  it('leaves out directions of no class, and is empty without any', () => {
    expect(hypergraphOf([[], []])).toEqual({ groups: [], edges: [] });
    expect(hypergraphOf([[5], []]).groups).toEqual([{ classes: [0], directions: [5] }]);
  });

  it('has a path between two groups exactly where one strictly includes the other, and no edge that a path replaces', () => {
    const hyperedges = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 11 })), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(hyperedges, (given) => {
        const { groups, edges } = hypergraphOf(given);
        const reachable = (from: number, without?: readonly [number, number]): Set<number> => {
          const found = new Set<number>();
          const visit = (at: number): void => {
            for (const edge of edges) {
              if (edge[0] !== at || edge === without || found.has(edge[1])) continue;
              found.add(edge[1]);
              visit(edge[1]);
            }
          };
          visit(from);
          return found;
        };
        for (const [i, general] of groups.entries()) {
          for (const [j, specific] of groups.entries()) {
            const includes =
              i !== j &&
              general.classes.length > specific.classes.length &&
              specific.classes.every((c) => general.classes.includes(c));
            expect(reachable(i).has(j)).toBe(includes);
          }
        }
        for (const edge of edges) expect(reachable(edge[0], edge).has(edge[1])).toBe(false);
        const placed = groups.flatMap(({ directions }) => directions).sort((a, b) => a - b);
        expect(placed).toEqual([...new Set(given.flat())].sort((a, b) => a - b));
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('takes a direction for a class when its signal is above the threshold in enough of its samples', () => {
    // Four samples of two classes, two directions; the third sample has no class.
    const signals = Float64Array.of(2, 0, 2, 1, 9, 9, 0, 1);
    const shares = significantShares(signals, 2, 0.5, Int32Array.of(0, 0, -1, 1), 2);
    expect([...shares]).toEqual([1, 0.5, 0, 1]);
    expect(hyperedgesOf(shares, 2, 0.75)).toEqual([[0], [1]]);
    expect(hyperedgesOf(shares, 2, 0.5)).toEqual([[0, 1], [1]]);
    // A signal at the threshold is not above it, and a class without samples shares nothing.
    expect([...significantShares(signals, 2, 1, Int32Array.of(0, 0, -1, 2), 3)]).toEqual([1, 0, NaN, NaN, 0, 0]);
    expect(hyperedgesOf(Float64Array.of(NaN, NaN), 2, 0.01)).toEqual([[]]);
  });
});

describe('a quantile', () => {
  it('is linear between order statistics, for ties and any order', () => {
    expect(quantileOf(Float64Array.of(4, 1, 3, 2), 0.5)).toBe(2.5);
    expect(quantileOf(Float64Array.of(7), 0.85)).toBe(7);
    expect(quantileOf(Float64Array.of(), 0.5)).toBeNaN();
    const numbers = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true, min: -9, max: 9 })), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(numbers, fc.double({ min: 0, max: 1, noNaN: true }), (given, q) => {
        const values = Float64Array.from(given);
        const sorted = values.toSorted();
        const place = q * (sorted.length - 1);
        const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
        expect(quantileOf(values, q)).toBeCloseTo(below + (place - Math.floor(place)) * (above - below), 12);
        expect([...values]).toEqual(given);
      }),
    );
  });
});
