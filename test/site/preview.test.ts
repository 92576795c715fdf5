import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { drawPreview, plainLine } from '../../src/lib/preview.ts';
import { CLASSES, sampleReport } from '../support/sample-report.ts';

describe('the preview of a report', () => {
  test('shows names as text, on one line and not too long', () => {
    expect(plainLine('<image href="file:///etc/passwd"/> &amp;', 60)).toBe(
      '&#60;image href=&#34;file:///etc/passwd&#34;/&#62; &#38;amp;',
    );
    expect(plainLine('a\u0000b\n\u202ec\ud800', 60)).toBe('a b c\ufffd');
    expect(plainLine('x'.repeat(100), 10)).toBe(`${'x'.repeat(9)}…`);
  });

  test('is drawn whatever the report is called', async () => {
    const { model } = sampleReport({ samples: 4, detailed: 0 }).report;
    const draw = (report: string) =>
      drawPreview({ ...model, report, layers: [] } as unknown as Parameters<typeof drawPreview>[0]);
    const drawn = await draw(`</text><script>${CLASSES[2]}\u0000\ud800]]>`);
    const { width, height, format } = await sharp(drawn).metadata();
    expect([width, height, format]).toEqual([1200, 630, 'png']);
    expect(Buffer.compare(drawn, await draw('x'))).not.toBe(0);
  });
});
