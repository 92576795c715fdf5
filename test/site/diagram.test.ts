import { describe, expect, test } from 'vitest';
import { placeDiagram, type PlacedBox } from '../../src/lib/diagram.ts';

const layers = ['a', 'b', 'c'].map((name, index) => ({ name, index }));
const at = (boxes: readonly PlacedBox[], of: PlacedBox['of']) => boxes.find((box) => box.of === of)!;

describe('the architecture diagram', () => {
  test('without edges the layers are a chain between input and output', () => {
    const { boxes, paths } = placeDiagram(layers, []);
    const heights = (['input', 0, 1, 2, 'output'] as const).map((of) => at(boxes, of).y);
    expect(heights).toEqual(heights.toSorted((a, b) => a - b));
    expect(new Set(heights).size).toBe(5);
    expect(paths).toHaveLength(4);
  });

  test('a skip connection passes its branch without touching it', () => {
    const { boxes, paths, width } = placeDiagram(layers, [
      { from: null, to: 'a' },
      { from: 'a', to: 'b' },
      { from: 'a', to: 'c' },
      { from: 'b', to: 'c' },
      { from: 'c', to: null },
    ]);
    expect(paths).toHaveLength(5);
    expect(at(boxes, 1).y).toBeGreaterThan(at(boxes, 0).y + at(boxes, 0).height);
    expect(width).toBeGreaterThan(at(boxes, 0).width);
  });

  test('edges of layers that are not there are left out', () => {
    const { paths } = placeDiagram(layers, [
      { from: null, to: 'a' },
      { from: 'a', to: 'ghost' },
    ]);
    expect(paths).toHaveLength(1);
  });
});
