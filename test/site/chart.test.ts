import { describe, expect, test } from 'vitest';
import { CHART_WIDTH, drawChart, slimSvg, thin } from '../../src/lib/chart.ts';

const text = { id: 'spectrum', title: 'A <b> & more', description: 'Falls from 3 to 1.' };
const spec = {
  data: {
    values: Array.from({ length: 12 }, (_, i) => ({ rank: i + 1, value: 3 / (i + 1), name: `<i>layer</i> ${i}` })),
  },
  mark: 'bar',
  encoding: {
    x: { field: 'value', type: 'quantitative', axis: { format: '.2f', values: [0.05, 1.25] } },
    y: { field: 'name', type: 'nominal', sort: null },
  },
};

describe('charts', () => {
  test('the same spec gives the same bytes', async () => {
    expect(await drawChart(spec, text)).toBe(await drawChart(spec, text));
  });

  test('the drawing has one accessible name and nothing that a strict policy forbids', async () => {
    const svg = await drawChart(spec, text);
    expect(svg).toContain('role="img" aria-labelledby="spectrum-title spectrum-description"');
    expect(svg).toContain('<title id="spectrum-title">A &lt;b&gt; &amp; more</title>');
    expect(svg.match(/role=/g)).toHaveLength(1);
    expect(svg).not.toMatch(/style=|<style|<script|font-family|#[0-9a-f]{3,6}"/i);
  });

  test('labels are text, and a label of two decimals keeps them', async () => {
    const svg = await drawChart(spec, text);
    expect(svg).toContain('&lt;i&gt;layer&lt;/i&gt; 3');
    expect(svg).not.toContain('<i>');
    expect(svg).toContain('>0.05<');
    expect(svg).toContain('>1.25<');
  });

  test('every chart is as wide as the others, so all have one scale', async () => {
    for (const length of [1, 20]) {
      const values = [{ value: 1, name: 'n'.repeat(length) }];
      const svg = await drawChart({ ...spec, data: { values } }, text);
      expect(svg).toContain(`width="${CHART_WIDTH}"`);
    }
  });

  test('taking out what is not seen keeps tags balanced', async () => {
    const svg = await drawChart(spec, text);
    for (const tag of ['g', 'text', 'title', 'desc', 'svg']) {
      expect(svg.match(new RegExp(`<${tag}[ >]`, 'g'))?.length ?? 0, tag).toBe(
        svg.match(new RegExp(`</${tag}>`, 'g'))?.length ?? 0,
      );
    }
  });

  test('groups that say nothing go, their content stays', () => {
    expect(slimSvg('<g><g transform="translate(0,0)"><g fill="red"><line x2="1.2345"/></g></g><g></g></g>')).toBe(
      '<g fill="red"><line x2="1.2"/></g>',
    );
  });

  test('a long list is thinned to its first, its last and ones between', () => {
    const kept = thin(
      Array.from({ length: 5000 }, (_, i) => i),
      64,
    );
    expect(kept.length).toBeLessThanOrEqual(64);
    expect(kept[0]).toEqual({ index: 0, value: 0 });
    expect(kept.at(-1)).toEqual({ index: 4999, value: 4999 });
    expect(thin([5, 4], 64)).toHaveLength(2);
  });
});
