// The alluvial picture, the map of samples and the filter of the table: what is drawn adds up to what is there.
import { describe, expect, test } from 'vitest';
import { flowPicture, REST, type Flow } from '../../src/lib/decision-flow.ts';
import { passes } from '../../src/lib/decision-table.ts';
import { placePoints } from '../../src/lib/sample-map.ts';

const flow = (layer: number, from: string, to: string, count: number): Flow => ({ layer, from, to, count, wrong: 0 });

describe('the picture of ways through a network', () => {
  const flows = [
    flow(0, 'a', 'a', 6),
    flow(0, 'a', 'b', 2),
    flow(0, 'b', 'b', 4),
    flow(1, 'a', 'a', 6),
    flow(1, 'b', 'b', 6),
  ];
  const picture = flowPicture(flows, 3, ['a', 'b']);

  test('has in every column as many samples as there are, classes in their order', () => {
    for (let column = 0; column < 3; column++) {
      const nodes = picture.nodes.filter((node) => node.column === column);
      expect(nodes.map(({ name }) => name)).toEqual(['a', 'b']);
      expect(nodes.reduce((sum, { count }) => sum + count, 0)).toBe(12);
      expect(nodes[0]!.y + nodes[0]!.height).toBeLessThan(nodes[1]!.y);
    }
  });

  test('draws every flow within its two classes', () => {
    expect(picture.ribbons).toHaveLength(5);
    for (const { path } of picture.ribbons) {
      const numbers = path.match(/-?[\d.]+/g)!.map(Number);
      expect(numbers.every((value) => value >= 0 && value <= Math.max(picture.width, picture.height))).toBe(true);
    }
  });

  test('draws rare classes together when there are many, and loses no sample', () => {
    const many = Array.from({ length: 40 }, (_, i) => flow(0, `c${i}`, `c${i}`, 40 - i));
    const { nodes } = flowPicture(many, 2, []);
    const first = nodes.filter(({ column }) => column === 0);
    expect(first.length).toBeLessThanOrEqual(12);
    expect(first.some(({ name }) => name === REST)).toBe(true);
    expect(first.reduce((sum, { count }) => sum + count, 0)).toBe((40 * 41) / 2);
  });
});

describe('the map of samples', () => {
  const points = Array.from({ length: 60 }, (_, i) => ({
    sample: String(i),
    x: Math.cos(i) * 7,
    y: Math.sin(i * 3) * 2,
    label: String(i % 12),
    correct: i % 10 !== 0,
    cluster: 0,
  }));
  const map = placePoints(points);

  test('draws every sample once, inside the picture, and a cross for every wrong one', () => {
    const drawn = map.groups.map(({ path }) => path).join('');
    expect(drawn.match(/M/g)).toHaveLength(60);
    for (const [, x, y] of drawn.matchAll(/M([\d.]+) ([\d.]+)/g)) {
      expect(Number(x)).toBeLessThanOrEqual(map.width);
      expect(Number(y)).toBeLessThanOrEqual(map.height);
    }
    expect(map.crosses.match(/M/g)).toHaveLength(6);
  });

  test('writes no name over another one', () => {
    const named = map.groups.filter(({ name }) => name !== '');
    for (const [i, a] of named.entries())
      for (const b of named.slice(i + 1))
        expect(Math.max(Math.abs(a.x - b.x) / 8, Math.abs(a.y - b.y) / 14)).toBeGreaterThanOrEqual(0.99);
  });

  test('gives ten classes a mark of their own and the others one together', () => {
    expect(map.groups).toHaveLength(11);
    const marks = map.groups.slice(0, 10).map(({ series, square }) => `${series} ${square}`);
    expect(new Set(marks).size).toBe(10);
  });
});

describe('the filter of the table of decisions', () => {
  const row = { outcome: 'wrong', label: '3', prediction: '5', decided: 4 };
  test.each([
    [{ outcome: '', class: '', decided: '' }, true],
    [{ outcome: 'wrong', class: '5', decided: '4' }, true],
    [{ outcome: 'right', class: '', decided: '' }, false],
    [{ outcome: '', class: '7', decided: '' }, false],
    [{ outcome: '', class: '', decided: '5' }, false],
  ])('%j lets a late wrong sample pass: %s', (wish, expected) => expect(passes(row, wish)).toBe(expected));
});
