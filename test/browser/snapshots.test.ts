// What the pages of the demo report look like, held against committed pictures. So that another machine with other fonts or
// another Chromium sees the same, every character is drawn as a box of one size (snapshots/boxes.ttf, a font of one glyph for
// all of Unicode), equations and form controls are left out, and pictures are compared at a quarter of their size with a tolerance.
// EIGENLENS_SNAPSHOTS=update writes the pictures anew, after a change that is meant to be seen.
import { mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath } from './browser.ts';
import { buildAndServe, type BuiltSite } from './built-site.ts';

const HERE = fileURLToPath(new URL('./snapshots/', import.meta.url));
const DEMO = fileURLToPath(new URL('../../reports/demo', import.meta.url));
const update = process.env['EIGENLENS_SNAPSHOTS'] === 'update';

const PAGES = {
  models: '',
  overview: 'models/demo/',
  decisions: 'models/demo/decisions/',
  weights: 'models/demo/weights/',
  layer: 'models/demo/layers/0/',
  features: 'models/demo/layers/1/layer-features/',
  sample: 'models/demo/samples/10/',
  search: 'search/',
};
const LOOKS = [
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 320 },
] as const;

const SCALE = 4;
/** Difference of a channel, of 255, that edges drawn by another Chromium may have at a quarter of their size. */
const TOLERANCE = 24;
/** Share of pixels that may differ by more: less than a letter of the smallest page. */
const SHARE = 0.0005;

interface Picture {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

async function decoded(file: Buffer): Promise<Picture> {
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

/** What differs, in words; null where nothing does. */
function differenceOf(before: Picture, now: Picture): string | null {
  if (before.width !== now.width || Math.abs(before.height - now.height) > 1)
    return `${before.width} × ${before.height} became ${now.width} × ${now.height} (quarter pixels)`;
  const rows = Math.min(before.height, now.height);
  let count = 0;
  let first = -1;
  for (let pixel = 0; pixel < rows * now.width; pixel++) {
    const isFar = [0, 1, 2].some((c) => Math.abs(before.data[3 * pixel + c]! - now.data[3 * pixel + c]!) > TOLERANCE);
    if (!isFar) continue;
    if (count++ === 0) first = pixel;
  }
  if (count <= SHARE * rows * now.width) return null;
  const [x, y] = [first % now.width, Math.floor(first / now.width)];
  return `${count} of ${rows * now.width} pixels differ, the first near x ${x * SCALE}, y ${y * SCALE} of the page`;
}

if (chromiumPath === null)
  console.warn('No Chromium on this machine: the pages were not compared with their pictures.');

describe.skipIf(chromiumPath === null)('pages of the demo report look as they did', () => {
  let site: BuiltSite;
  let boxes: string;

  beforeAll(async () => {
    const font = (await readFile(join(HERE, 'boxes.ttf'))).toString('base64');
    boxes = `
      @font-face { font-family: Boxes; src: url(data:font/ttf;base64,${font}); font-weight: 1 1000; }
      *, *::before, *::after { font-family: Boxes !important; font-synthesis: none !important; letter-spacing: 0 !important;
        text-rendering: geometricPrecision !important; }
      math, input, select { display: none !important; }
      * { scrollbar-width: none !important; }`;
    site = await buildAndServe(async (reports) => {
      await mkdir(reports);
      await symlink(DEMO, join(reports, 'demo'));
    });
  });
  afterAll(() => site?.close());

  const looks = Object.entries(PAGES).flatMap(([name, path]) => LOOKS.map((look) => ({ name, path, ...look })));
  test.each(looks)('$name, $colorScheme, $width px', async ({ name, path, colorScheme, width }) => {
    const { page, close } = await site.open(path, { viewport: { width, height: 800 }, colorScheme, bypassCSP: true });
    await page.addStyleTag({ content: boxes });
    const drawn = await page.evaluate(async () => {
      for (const image of document.images) image.loading = 'eager';
      await Promise.all([...document.images].map((image) => image.decode()));
      await document.fonts.ready;
      return [...document.fonts].map(({ status }) => status);
    });
    expect(drawn).toEqual(['loaded']);
    const shot = await page.screenshot({ fullPage: true, animations: 'disabled' });
    await close();
    const { width: full } = await sharp(shot).metadata();
    const small = await sharp(shot)
      .resize({ width: Math.round(full / SCALE), kernel: 'linear' })
      .removeAlpha()
      .webp({ nearLossless: true, quality: 20, effort: 6 })
      .toBuffer();
    const file = join(HERE, `${name}-${colorScheme}-${width}.webp`);
    if (update) return writeFile(file, small);
    const difference = differenceOf(await decoded(await readFile(file)), await decoded(small));
    if (difference === null) return;
    const now = join(await mkdtemp(join(tmpdir(), 'snapshot-')), `${name}-${colorScheme}-${width}.webp`);
    await writeFile(now, small);
    expect.fail(`${difference}; it looks like ${now} now. If that is meant: EIGENLENS_SNAPSHOTS=update.`);
  });
});
