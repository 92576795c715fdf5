import sharp, { type Sharp } from 'sharp';
import { expect, test } from 'vitest';
import { openSamples } from '../../analysis/samples.ts';
import { temporaryFolder } from './folder.ts';

const folder = await temporaryFolder();
const SIDE = 8;

/** A picture whose left half has one colour and whose right half has another. */
function halves(left: number[], right: number[], { width = SIDE, height = SIDE } = {}): Sharp {
  const channels = left.length as 3 | 4;
  const pixels = Buffer.alloc(width * height * channels);
  for (let p = 0; p < width * height; p++) pixels.set(p % width < width / 2 ? left : right, p * channels);
  return sharp(pixels, { raw: { width, height, channels } });
}
const RED = [255, 0, 0];
const BLUE = [0, 0, 255];
const put = async (name: string, image: Promise<Buffer>): Promise<string> => folder.write(name, await image);

/** First pixel of the top row and last pixel of the bottom row. */
async function corners(path: string): Promise<number[][]> {
  const samples = await openSamples(path);
  const channels = samples.shape[2] ?? 1;
  const values = await samples.source.read(0, 1);
  return [[...values.subarray(0, channels)], [...values.subarray(-channels)]];
}
const near = (value: number): unknown => expect.closeTo(value, -1.2);

test('pictures of every kind become sRGB bytes', async () => {
  const png = halves(RED, BLUE);
  expect(await corners(await put('rgb.png', png.clone().png().toBuffer()))).toEqual([RED, BLUE]);
  expect(await corners(await put('palette.png', png.clone().png({ palette: true }).toBuffer()))).toEqual([RED, BLUE]);
  expect(await corners(await put('sixteen.png', png.clone().toColourspace('rgb16').png().toBuffer()))).toEqual([
    RED,
    BLUE,
  ]);
  expect(await corners(await put('a.webp', png.clone().webp({ lossless: true }).toBuffer()))).toEqual([RED, BLUE]);
  expect(
    await corners(await put('a.jpg', png.clone().jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer())),
  ).toEqual([RED.map(near), BLUE.map(near)]);
});

test('a CMYK picture has three channels of plausible colour', async () => {
  const [left, right] = await corners(
    await put('cmyk.jpg', halves(RED, BLUE).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer()),
  );
  expect(left![0]).toBeGreaterThan(150);
  expect(left![2]).toBeLessThan(100);
  expect(right![2]).toBeGreaterThan(right![0]!);
});

test('transparency becomes white', async () => {
  const image = halves([255, 0, 0, 255], [0, 0, 255, 0]);
  expect(await corners(await put('alpha.png', image.png().toBuffer()))).toEqual([RED, [255, 255, 255]]);
});

test('a grey picture has one channel, of its own values', async () => {
  const grey = halves([51, 51, 51], [204, 204, 204]).toColourspace('b-w');
  const path = await put('grey.png', grey.png().toBuffer());
  expect((await openSamples(path)).shape).toEqual([SIDE, SIDE]);
  expect(await corners(path)).toEqual([[51], [204]]);
});

test('EXIF orientation is applied', async () => {
  // Orientation 3: turned by 180 degrees.
  const path = await put('turned.png', halves(RED, BLUE).withMetadata({ orientation: 3 }).png().toBuffer());
  expect(await corners(path)).toEqual([BLUE, RED]);
});

test('of an animation the first frame is taken', async () => {
  const frames = await Promise.all([halves(RED, RED), halves(BLUE, BLUE)].map((frame) => frame.png().toBuffer()));
  const animated = await sharp(frames, { join: { animated: true } })
    .gif()
    .toBuffer();
  expect((await sharp(animated).metadata()).pages).toBe(2);
  const path = await put('moving.gif', Promise.resolve(animated));
  expect((await openSamples(path)).shape.slice(0, 2)).toEqual([SIDE, SIDE]);
  expect(await corners(path)).toEqual([RED, RED]);
});

test('a wide picture is scaled to cover and cropped at the centre', async () => {
  // Left half red, right half blue, 32 × 8: the middle 16 × 8 of it, halved, still has its border in the middle.
  const samples = await openSamples(
    await put('wide.png', halves(RED, BLUE, { width: 32, height: 16 }).png().toBuffer()),
  );
  const values = await samples.source.resized!(8, 8, 3).read(0, 1);
  expect([...values.subarray(0, 3)]).toEqual(RED);
  expect([...values.subarray(3 * 7, 3 * 8)]).toEqual(BLUE);
  const grey = await samples.source.resized!(8, 8, 1).read(0, 1);
  expect(grey[0]).toBeCloseTo(0.299 * 255);
  expect(grey[7]).toBeCloseTo(0.114 * 255);
});

test('subfolders are labels, in alphabetical order, and a limit takes equally many of each', async () => {
  const png = await halves(RED, BLUE).png().toBuffer();
  for (const name of [
    'bee/1.png',
    'bee/2.png',
    'bee/3.png',
    'ant/1.png',
    'ant/2.png',
    'ant/deep/3.PNG',
    '.hidden/x.png',
    'ant/notes.txt',
  ]) {
    await folder.write(`classes/${name}`, png);
  }
  const all = await openSamples(`${folder.path}/classes`);
  expect(Array.from({ length: all.count }, (_, i) => all.name(i))).toEqual([
    'ant/1.png',
    'ant/2.png',
    'ant/deep/3.PNG',
    'bee/1.png',
    'bee/2.png',
    'bee/3.png',
  ]);
  expect(all.labels).toEqual(Int32Array.of(0, 0, 0, 1, 1, 1));
  expect(all.classNames).toEqual(['ant', 'bee']);
  const some = await openSamples(`${folder.path}/classes`, { limit: 4 });
  expect(Array.from({ length: 4 }, (_, i) => some.name(i))).toEqual([
    'ant/1.png',
    'ant/2.png',
    'bee/1.png',
    'bee/2.png',
  ]);
  expect(some.labels).toEqual(Int32Array.of(0, 0, 1, 1));
});

test('folders named by numbers are labels by those numbers', async () => {
  const png = await halves(RED, BLUE).png().toBuffer();
  for (const name of ['7/a.png', '3/a.png', '10/a.png']) await folder.write(`digits/${name}`, png);
  const samples = await openSamples(`${folder.path}/digits`);
  expect(Array.from({ length: 3 }, (_, i) => [samples.name(i), samples.labels![i]])).toEqual([
    ['10/a.png', 10],
    ['3/a.png', 3],
    ['7/a.png', 7],
  ]);
});

test('a picture outside of the subfolders means that folders are no labels, and that is said', async () => {
  const png = await halves(RED, BLUE).png().toBuffer();
  for (const name of ['top.png', 'ant/a.png']) await folder.write(`mixed/${name}`, png);
  const samples = await openSamples(`${folder.path}/mixed`);
  expect(samples.labels).toBeNull();
  expect(samples.notes.join()).toContain('1 of 2 samples lie in no subfolder');
});

test('empty folders, folders of other files and damaged pictures are refused with the way out', async () => {
  await folder.write('empty/.keep', '');
  await expect(openSamples(`${folder.path}/empty`)).rejects.toMatchObject({
    exitCode: 3,
    hint: expect.stringContaining('The folder is empty'),
  });
  await folder.write('others/a.txt', 'x');
  await folder.write('others/b.bmp', 'x');
  await expect(openSamples(`${folder.path}/others`)).rejects.toMatchObject({
    hint: expect.stringMatching(/1 × \.txt.*1 × \.bmp/),
  });
  const png = await halves(RED, BLUE, { width: 64, height: 64 }).png({ compressionLevel: 0 }).toBuffer();
  await folder.write('torn/a.png', png);
  await folder.write('torn/b.png', png.subarray(0, 3000));
  const samples = await openSamples(`${folder.path}/torn`);
  await expect(samples.source.read(0, 2)).rejects.toMatchObject({
    message: expect.stringContaining('torn/b.png is not a readable picture'),
    exitCode: 3,
  });
  await expect(openSamples(`${folder.path}/absent`)).rejects.toThrow('absent does not exist');
});
