import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { inspectSite, PAGE_BUDGET, SCRIPT_BUDGET, type Inspection } from '../../src/lib/site-inspection.ts';

const POLICY = `<meta http-equiv="content-security-policy" content="default-src 'none'; img-src 'self'">`;
let folder = '';

async function inspectionOf(files: Record<string, string>, base = '/'): Promise<Inspection> {
  folder = await mkdtemp(join(tmpdir(), 'inspection-'));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), path.endsWith('.html') && !text.includes('<meta') ? POLICY + text : text);
  }
  return inspectSite(folder, base);
}

async function problemsOf(files: Record<string, string>, base = '/'): Promise<readonly string[]> {
  return (await inspectionOf(files, base)).problems;
}

describe('the inspection of a built site', () => {
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('a sound site has no problems', async () => {
    const index =
      '<h1 id="top">x</h1><a href="/a/#b">a</a><a href="#top">t</a><a href="https://example.org/">paper</a><img src="/p.png">';
    expect(await problemsOf({ 'index.html': index, 'a/index.html': '<p id="b">', 'p.png': '' })).toEqual([]);
  });

  test.each([
    ['a link to a page that is not there', '<a href="/ghost/">', 'href /ghost/ leads nowhere'],
    ['an anchor that is not there', '<a href="/#ghost">', 'href /#ghost: no such anchor'],
    ['an anchor on the page itself', '<a href="#ghost">', 'href #ghost: no such anchor'],
    ['a picture that is not there', '<img src="/files/0.png" alt="">', 'src /files/0.png leads nowhere'],
    [
      'a picture from elsewhere',
      '<img src="https://example.org/p.png">',
      'img fetches https://example.org/p.png from elsewhere',
    ],
    [
      'a script from elsewhere',
      '<script src="//example.org/x.js"></script>',
      'script fetches //example.org/x.js from elsewhere',
    ],
    ['an inline script', '<script>x()</script>', 'an inline script, which the policy forbids'],
    ['an inline style', '<style>p{}</style>', 'an inline style, which the policy forbids'],
    ['a style attribute', '<p style="color:red">', 'a style attribute on p, which the policy forbids'],
    ['an inline handler', '<p onclick="x()">', 'an inline handler onclick on p'],
    ['a script address', '<a href="javascript:x()">', 'a fetches javascript:x() from elsewhere'],
    ['an id that is there twice', '<p id="a"><p id="a">', 'the id a is there twice'],
    ['a page without a policy', '<meta charset="utf-8">', 'no content security policy'],
  ])('%s is a problem', async (_, html, problem) => {
    expect(await problemsOf({ 'index.html': html })).toEqual([`index.html: ${problem}`]);
  });

  test('a link outside the base is a problem even when its file exists', async () => {
    expect(await problemsOf({ 'index.html': '<a href="/a/">', 'a/index.html': '' }, '/some/where')).toEqual([
      'index.html: href /a/ is not under the base /some/where/',
    ]);
    expect(await problemsOf({ 'index.html': '<a href="/some/where/a/">', 'a/index.html': '' }, '/some/where')).toEqual(
      [],
    );
  });

  test('a page and its scripts have budgets, imported modules counted', async () => {
    const half = '/'.repeat(SCRIPT_BUDGET / 2);
    const { problems, heavy } = await inspectionOf({
      'index.html': `<script type="module" src="/assets/a.js"></script>${'x'.repeat(PAGE_BUDGET)}`,
      'assets/a.js': `import{b}from"./b.js";${half}`,
      'assets/b.js': half,
    });
    expect(heavy).toEqual([expect.stringMatching(/^index\.html: 15\d KB of HTML, the budget is 150 KB$/)]);
    expect(problems).toEqual([expect.stringMatching(/^index\.html: 30 KB of script, the budget is 30 KB$/)]);
  });
});
