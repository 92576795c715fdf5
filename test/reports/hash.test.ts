import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { portableSha256, sha256 } from '../../reports/hash.ts';

describe('the hash of a file of a report', () => {
  it.each([0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 70_000])(
    'is SHA-256, as the platform computes it, for %i bytes',
    (length) => {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 131 + length) % 256);
      expect(portableSha256(bytes)).toBe(createHash('sha256').update(bytes).digest('hex'));
    },
  );

  it('takes a string as its UTF-8', () => {
    expect(portableSha256('Straße 🦊')).toBe(createHash('sha256').update('Straße 🦊', 'utf8').digest('hex'));
  });

  it('is the same from the platform and from plain arithmetic', () => {
    expect(sha256('a report')).toBe(portableSha256('a report'));
  });
});
