import { describe, expect, test } from 'vitest';
import { chartByLayer, type LayerPoint } from '../../src/lib/chart-by-layer.ts';
import { drawChart } from '../../src/lib/chart.ts';

const text = { id: 'x', title: 'x', description: 'x' };
const points = (count: number): LayerPoint[] =>
  Array.from({ length: count }, (_, i) => ({ layer: `block${i}/conv`, value: Math.sin(i), sd: 0.1 }));

describe('charts by layer', () => {
  test('a few layers are named', async () => {
    const svg = await drawChart(chartByLayer(points(5), { title: 'share' }), text);
    for (let i = 0; i < 5; i++) expect(svg).toContain(`>block${i}/conv<`);
  });

  test('many layers are drawn by position, so that the drawing stays as small as that of a few', async () => {
    const [few, many] = await Promise.all(
      [20, 300].map((count) => drawChart(chartByLayer(points(count), { title: 'share' }), text)),
    );
    expect(many).not.toContain('block7/conv');
    expect(many).toContain('layer, by position in the network');
    expect(many!.length).toBeLessThan(2 * few!.length);
  });

  test('several series differ by more than their colour', () => {
    const both = ['right', 'wrong'].flatMap((kind) => points(30).map((point) => ({ ...point, kind })));
    const spec = chartByLayer(both, { title: 'share', kinds: ['right', 'wrong'] });
    expect(JSON.stringify(spec)).toContain('"strokeDash"');
    const named = chartByLayer(
      both.filter((_, i) => i % 30 < 5),
      { title: 'share', kinds: ['right', 'wrong'], mark: 'point' },
    );
    expect(JSON.stringify(named)).toContain('"shape"');
  });
});
