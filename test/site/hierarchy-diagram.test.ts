import { describe, expect, it } from 'vitest';
import { classLabel, placeHierarchy, siblingDifferences } from '../../src/lib/hierarchy-diagram.ts';

const box = { width: 100, height: 40 };

describe('a drawn hierarchy', () => {
  it('puts specific groups below general ones, and no box over another', () => {
    const edges = [
      [0, 1],
      [0, 2],
      [1, 3],
      [2, 3],
    ];
    const { boxes, paths, width, height } = placeHierarchy(6, edges, box);
    const at = new Map(boxes.map((one) => [one.group, one]));
    expect(boxes.map(({ group }) => group)).toEqual([0, 1, 2, 3, 4, 5]);
    for (const [general, specific] of edges)
      expect(at.get(specific!)!.y).toBeGreaterThanOrEqual(at.get(general!)!.y + box.height);
    for (const one of boxes) {
      expect(one.x).toBeGreaterThanOrEqual(0);
      expect(one.x + box.width).toBeLessThanOrEqual(width);
      expect(one.y + box.height).toBeLessThanOrEqual(height);
      for (const other of boxes) {
        if (one === other) continue;
        const apart = Math.abs(one.x - other.x) >= box.width || Math.abs(one.y - other.y) >= box.height;
        expect(apart, `${one.group} and ${other.group}`).toBe(true);
      }
    }
    expect(paths).toHaveLength(4);
  });

  it('stands groups that nothing links in rows', () => {
    const { boxes, width } = placeHierarchy(9, [], box);
    expect(new Set(boxes.map(({ y }) => y)).size).toBeGreaterThan(1);
    expect(width).toBeLessThan(600);
    expect(placeHierarchy(0, [], box).boxes).toEqual([]);
  });
});

describe('the words of a hierarchy', () => {
  const all = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
  it('names classes as shortly as they can be told', () => {
    expect(classLabel({ classes: all }, all)).toBe('all 10 classes');
    expect(classLabel({ classes: ['1', '7'] }, all)).toBe('1, 7');
    expect(classLabel({ classes: all.slice(2) }, all)).toBe('all but 0, 1');
    expect(
      classLabel({ classes: ['aeroplane', 'automobile', 'bird'] }, ['aeroplane', 'automobile', 'bird', 'cat']),
    ).toBe('all but cat');
    expect(classLabel({ classes: ['aeroplane', 'automobile'] }, all)).toBe('2 classes');
  });

  it('says which classes only one of two siblings has', () => {
    const groups = [{ classes: ['a', 'b', 'c'] }, { classes: ['a', 'b'] }, { classes: ['b', 'c'] }, { classes: ['b'] }];
    const edges = [
      [0, 1],
      [0, 2],
      [1, 3],
      [2, 3],
    ];
    expect(siblingDifferences(groups, edges)).toEqual([
      { parent: 0, pair: [1, 2], text: 'only the first answers to a; only the second to c; both to b' },
    ]);
  });
});
