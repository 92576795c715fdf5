// Which number of an output is which pixel: graphs with channels last keep them last, whatever the canonical form does inside.
import { describe, expect, test } from 'vitest';
import { inputView, outputView } from '../../analysis/figures/view.ts';

const numbered = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => i);
const image = (shape: readonly number[], [channelAxis, heightAxis, widthAxis]: readonly [number, number, number]) =>
  inputView(shape, { kind: 'image', channelAxis, heightAxis, widthAxis }, shape.slice(1));

describe('the view of an output', () => {
  test.each([
    ['channels last, as large as the input', [1, 6, 8, 3], [6, 8, 3], [0, 1, 2, 3]],
    ['channels first, as large as the input', [1, 3, 6, 8], [6, 8, 3], [0, 48, 96, 1]],
    ['channels last, twice the input', [1, 12, 16, 3], [12, 16, 3], [0, 1, 2, 3]],
    ['one channel last', [1, 6, 8, 1], [6, 8, 1], [0, 1, 2, 3]],
    ['many channels first', [1, 9, 3, 4], [3, 4, 9], [0, 12, 24, 36]],
  ] as const)('%s', (_, shape, [height, width, channels], start) => {
    const view = outputView(shape, image([1, 3, 6, 8], [1, 2, 3]));
    expect([view.kind, view.height, view.width, view.channels]).toEqual(['image', height, width, channels]);
    expect([...view.arrange(numbered(height * width * channels)).slice(0, 4)]).toEqual(start);
  });

  test('a list of scores is no image', () => {
    expect(outputView([1, 1000, 1, 1], image([1, 3, 6, 8], [1, 2, 3])).kind).toBe('vector');
    expect(outputView([1, 1000], image([1, 3, 6, 8], [1, 2, 3])).kind).toBe('vector');
  });
});
