import { describe, expect, test } from 'vitest';
import { joinUrl } from '../../src/lib/url.ts';

describe('addresses', () => {
  test.each([
    ['/', '', '/'],
    ['/', 'glossary/', '/glossary/'],
    ['/audits', '', '/audits/'],
    ['/audits', 'models/a/', '/audits/models/a/'],
    ['/audits/', 'files/ab.png', '/audits/files/ab.png'],
    ['/a/b/', 'glossary/#alpha', '/a/b/glossary/#alpha'],
  ])('below %s, %s is %s', (base, path, expected) => {
    expect(joinUrl(base, path)).toBe(expected);
  });

  test('no segment can lead out of the site or start a query', () => {
    expect(joinUrl('/x/', 'models/a?b=<c>/')).toBe('/x/models/a%3Fb%3D%3Cc%3E/');
    expect(joinUrl('/x/', '//elsewhere.example/')).toBe('/x/elsewhere.example/');
  });
});
