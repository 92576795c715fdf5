import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cursor, globalId, readCursor, readGlobalId } from '../../graphql/global-id.ts';

describe('a global id', () => {
  it('is base64url of the type and the natural key', () => {
    const id = globalId({ type: 'Layer', report: 'resnet', name: 'block/1?>~' });
    expect(id).toBe(Buffer.from('Layer:resnet/block/1?>~').toString('base64url'));
  });

  it('leads back to what it was made of, whatever the name', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('Layer' as const, 'Sample' as const),
        fc.string({ unit: 'grapheme' }),
        (type, name) => {
          const key = { type, report: 'a.b-c_1', name };
          expect(readGlobalId(globalId(key))).toEqual(key);
        },
      ),
      { seed: 3 },
    );
    expect(readGlobalId(globalId({ type: 'Model', report: 'x' }))).toEqual({ type: 'Model', report: 'x' });
  });

  it('is null for what is none of ours', () => {
    for (const text of ['Model:', 'Model:a/b', 'Layer:a', 'Other:a', '']) {
      expect(readGlobalId(Buffer.from(text).toString('base64url'))).toBeNull();
    }
    for (const id of ['', '%', 'a', '____', 'resnet', Buffer.from([0xff, 0xfe, 0xfd]).toString('base64url')]) {
      expect(readGlobalId(id)).toBeNull();
    }
  });
});

describe('a cursor', () => {
  it('leads back to its key, and nothing else is one', () => {
    expect(readCursor(cursor(41))).toBe('41');
    expect(readCursor(cursor('resnet'))).toBe('resnet');
    expect(() => readCursor(globalId({ type: 'Model', report: 'x' }))).toThrow('is not a cursor');
    expect(() => readCursor('')).toThrow('is not a cursor');
  });
});
