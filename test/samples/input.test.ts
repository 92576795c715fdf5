import fc from 'fast-check';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import type { InputLayout, Preprocessing } from '../../analysis/network/network.ts';
import { openSamples } from '../../analysis/samples.ts';
import { toInput, type InputTarget } from '../../analysis/samples/input.ts';
import { counting, idxBytes, npyBytes } from './arrays.ts';
import { temporaryFolder } from './folder.ts';

const folder = await temporaryFolder();
const NCHW: InputLayout = { kind: 'image', channelAxis: 1, heightAxis: 2, widthAxis: 3 };
const NHWC: InputLayout = { kind: 'image', channelAxis: 3, heightAxis: 1, widthAxis: 2 };
const FLAT: InputLayout = { kind: 'vector', channelAxis: null, heightAxis: null, widthAxis: null };
const plain: Preprocessing = { scale: 1, mean: [0], std: [1], channelOrder: 'rgb', size: null, source: 'assumed' };

async function inputs(
  name: string,
  content: string | Uint8Array,
  target: Partial<InputTarget> & Pick<InputTarget, 'shape'>,
  given?: InputTarget['given'],
) {
  const samples = await openSamples(await folder.write(name, content), { inputShape: target.shape });
  return toInput(samples, { layout: NCHW, preprocessing: plain, ...target, given });
}

// Two colour pictures of 2 × 2 pixels, channels last: pixel p has channels 3p, 3p + 1, 3p + 2.
const colours = npyBytes('|u1', [2, 2, 2, 3], counting(24));
const planes = [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11];

test('channels move to where the network has them', async () => {
  expect([...(await (await inputs('a.npy', colours, { shape: [1, 3, 2, 2] })).read(0, 1))]).toEqual(planes);
  expect([...(await (await inputs('a.npy', colours, { shape: [1, 2, 2, 3], layout: NHWC })).read(0, 1))]).toEqual(
    counting(12),
  );
  const first = npyBytes('|u1', [1, 3, 2, 2], planes);
  expect([...(await (await inputs('b.npy', first, { shape: [1, 2, 2, 3], layout: NHWC })).read(0, 1))]).toEqual(
    counting(12),
  );
  expect([...(await (await inputs('b.npy', first, { shape: [1, 3, 2, 2] })).read(0, 1))]).toEqual(planes);
});

test('the order blue, green, red turns the channels round before mean and std', async () => {
  const preprocessing: Preprocessing = { ...plain, channelOrder: 'bgr', mean: [100, 0, 0], std: [1, 1, 2] };
  const read = await (await inputs('a.npy', colours, { shape: [1, 3, 2, 2], preprocessing })).read(0, 1);
  expect([...read]).toEqual(
    [2, 5, 8, 11]
      .map((b) => b - 100)
      .concat(
        [1, 4, 7, 10],
        [0, 3, 6, 9].map((r) => r / 2),
      ),
  );
});

test('scale, mean and std are applied per channel in both layouts', async () => {
  const preprocessing: Preprocessing = { ...plain, scale: 1 / 255, mean: [0.5, 0.25, 0], std: [2, 1, 0.5] };
  const expected = (c: number, raw: number): number =>
    Math.fround((raw / 255 - preprocessing.mean[c]!) / preprocessing.std[c]!);
  const first = await (await inputs('a.npy', colours, { shape: [1, 3, 2, 2], preprocessing })).read(1, 2);
  const last = await (await inputs('a.npy', colours, { shape: [1, 2, 2, 3], layout: NHWC, preprocessing })).read(1, 2);
  for (let p = 0; p < 4; p++) {
    for (let c = 0; c < 3; c++) {
      expect(first[c * 4 + p]).toBeCloseTo(expected(c, 12 + 3 * p + c), 6);
      expect(last[3 * p + c]).toBeCloseTo(expected(c, 12 + 3 * p + c), 6);
    }
  }
});

test('grey becomes three equal channels, colours become luma', async () => {
  const grey = idxBytes([1, 2, 2], [10, 20, 30, 40]);
  const three = await inputs('grey.idx', grey, { shape: [1, 3, 2, 2] });
  expect([...(await three.read(0, 1))]).toEqual([10, 20, 30, 40, 10, 20, 30, 40, 10, 20, 30, 40]);
  const one = await inputs('a.npy', colours, { shape: [1, 1, 2, 2] });
  expect((await one.read(0, 1))[1]).toBeCloseTo(0.299 * 3 + 0.587 * 4 + 0.114 * 5, 5);
  expect(one.notes.join()).toContain('luma');
});

test('bytes of another size are scaled to cover and cropped, and that is said', async () => {
  const wide = idxBytes(
    [1, 4, 8],
    counting(32).map((i) => (i % 8 < 4 ? 0 : 200)),
  );
  const square = await inputs('wide.idx', wide, { shape: [1, 1, 2, 2] });
  const read = await square.read(0, 1);
  expect(read[0]).toBeLessThan(60);
  expect(read[1]).toBeGreaterThan(140);
  expect(square.notes.join()).toContain('4 × 8 pixels are scaled to cover 2 × 2');
});

test('pixel bytes for a flat network are divided by 255 unless something else is known', async () => {
  const grey = idxBytes([1, 2, 2], [0, 51, 102, 255]);
  const flat = await inputs('grey.idx', grey, { shape: [1, 4], layout: FLAT });
  expect([...(await flat.read(0, 1))].map((value) => Math.round(value * 10) / 10)).toEqual([0, 0.2, 0.4, 1]);
  expect(flat.rawShape).toEqual([2, 2]);
  expect(flat.preprocessing.scale).toBe(1 / 255);
  const given = await inputs('grey.idx', grey, { shape: [1, 4], layout: FLAT }, { scale: 2 });
  expect([...(await given.read(0, 1))]).toEqual([0, 102, 204, 510]);
});

test('numbers that are no pixel bytes are taken as they are, unless --preprocess is given', async () => {
  const numbers = npyBytes('<f4', [1, 1, 2, 2], [-1, 0.5, 2, 1e3]);
  const preprocessing: Preprocessing = { ...plain, scale: 1 / 255, mean: [0.5] };
  const asTheyAre = await inputs('n.npy', numbers, { shape: [1, 1, 2, 2], preprocessing });
  expect([...(await asTheyAre.read(0, 1))]).toEqual([-1, 0.5, 2, 1e3]);
  expect(asTheyAre.notes.join()).toContain('taken as they are');
  const given = await inputs('n.npy', numbers, { shape: [1, 1, 2, 2], preprocessing }, { scale: 1, mean: 1 });
  expect([...(await given.read(0, 1))]).toEqual([-2, -0.5, 1, 999]);
  expect(given.preprocessing.source).toBe('given by --preprocess');
});

test('features of a table are standardised one by one', async () => {
  const table = await inputs('t.csv', '1,10\n3,30\n', { shape: [1, 2], layout: FLAT }, { mean: [2, 20], std: [1, 10] });
  expect([...(await table.read(0, 2))]).toEqual([-1, -1, 1, 1]);
});

test('shapes that do not fit are refused with both', async () => {
  await expect(inputs('t.csv', '1,2,3\n', { shape: [1, 4], layout: FLAT })).rejects.toThrow(
    'have shape 3; the network takes 4.',
  );
  await expect(inputs('n.npy', npyBytes('<f4', [1, 3, 3], counting(9)), { shape: [1, 1, 2, 2] })).rejects.toThrow(
    'have shape 3 × 3; the network takes 1 × 2 × 2.',
  );
  await expect(inputs('a.npy', colours, { shape: [1, 5, 2, 2] })).rejects.toThrow('the network takes 5 × 2 × 2');
  await expect(inputs('a.npy', colours, { shape: [1, 3, 2, 2] }, { mean: [1, 2] })).rejects.toThrow(
    'mean of the preprocessing has 2 values; the input has 3 channels',
  );
  await expect(inputs('a.npy', colours, { shape: [1, 3, 2, 2] }, { size: 32 })).rejects.toThrow(
    'asks for 32 × 32 pixels; the network takes 2 × 2',
  );
});

test('a number that is not finite is told with its sample', async () => {
  const path = await inputs('nan.npy', npyBytes('<f4', [3, 2], [0, 1, 2, NaN, 4, 5]), { shape: [1, 2], layout: FLAT });
  await expect(path.read(0, 3)).rejects.toThrow('Sample 1 holds NaN at position 1');
});

test('pictures for a flat network are read row by row, in the size that --preprocess gives', async () => {
  const png = await sharp({ create: { width: 6, height: 6, channels: 3, background: '#663300' } })
    .png()
    .toBuffer();
  await expect(inputs('p.png', png, { shape: [1, 4], layout: FLAT })).rejects.toMatchObject({
    hint: expect.stringContaining('--preprocess'),
  });
  const sized = await inputs('p.png', png, { shape: [1, 4], layout: FLAT }, { size: 2, scale: 1 });
  expect((await sized.read(0, 1))[3]).toBeCloseTo(0.299 * 0x66 + 0.587 * 0x33, 0);
  expect(sized.rawShape).toEqual([2, 2]);
});

test('a stretch of samples is the same as the samples one by one', async () => {
  const source = await inputs(
    'many.npy',
    npyBytes(
      '|u1',
      [9, 3, 4, 4],
      counting(432).map((i) => (i * 7) % 256),
    ),
    {
      shape: [1, 4, 4, 3],
      layout: NHWC,
      preprocessing: { ...plain, scale: 0.01, mean: [1, 2, 3], std: [1, 2, 4], channelOrder: 'bgr' },
    },
  );
  const all = await source.read(0, 9);
  await fc.assert(
    fc.asyncProperty(fc.nat(8), fc.integer({ min: 1, max: 9 }), async (start, length) => {
      const end = Math.min(9, start + length);
      expect(await source.read(start, end)).toEqual(all.subarray(start * 48, end * 48));
    }),
    { seed: 1, numRuns: 20 },
  );
});

test('a picture for a person is in [0, 1] whatever the range of the numbers is', async () => {
  const shown = async (name: string, content: Uint8Array, shape: number[]) =>
    [...(await (await inputs(name, content, { shape })).image(0))!.data].map((value) => Math.round(100 * value) / 100);
  expect(await shown('i.idx', idxBytes([1, 1, 4], [0, 51, 204, 255]), [1, 1, 1, 4])).toEqual([0, 0.2, 0.8, 1]);
  expect(
    await shown(
      'u.npy',
      npyBytes(
        '<f4',
        [1, 4, 5],
        counting(20).map((i) => i / 20),
      ),
      [1, 1, 4, 5],
    ),
  ).toEqual(counting(20).map((i) => i / 20));
  expect(
    (
      await shown(
        's.npy',
        npyBytes(
          '<f4',
          [1, 4, 5],
          counting(20).map((i) => (i - 10) / 10),
        ),
        [1, 1, 4, 5],
      )
    ).slice(0, 3),
  ).toEqual([0, 0.05, 0.1]);
  expect(
    (
      await shown(
        'w.npy',
        npyBytes(
          '<f4',
          [1, 4, 5],
          counting(20).map((i) => i * 100),
        ),
        [1, 1, 4, 5],
      )
    )[19],
  ).toBe(1);
  const image = await (
    await inputs('first.npy', npyBytes('|u1', [1, 3, 2, 2], planes), { shape: [1, 3, 2, 2] })
  ).image(0);
  expect(image!.shape).toEqual([2, 2, 3]);
  expect([...image!.data].map((value) => Math.round(value * 255))).toEqual(counting(12));
});

test('numbers a little above 1 are no pixel bytes: their picture has the full range, and they stay behind it as they are', async () => {
  const given = counting(20).map((i) => Math.fround(i / 10));
  const image = await (await inputs('f.npy', npyBytes('<f4', [1, 4, 5], given), { shape: [1, 1, 4, 5] })).image(0);
  expect([image!.data[0], image!.data[19]]).toEqual([0, 1]);
  expect([...image!.numbers]).toEqual(given);
  const floats = npyBytes(
    '<f4',
    [1, 4, 5],
    counting(20).map((i) => 10 * i),
  );
  const pixels = await (await inputs('p.npy', floats, { shape: [1, 1, 4, 5] })).image(0);
  expect(pixels!.data[19]).toBeCloseTo(190 / 255, 6);
});

test('the hash of inputs depends on their preprocessing', async () => {
  const hash = async (given: InputTarget['given']) =>
    (await inputs('a.npy', colours, { shape: [1, 3, 2, 2] }, given)).digest();
  expect(await hash({ scale: 1 })).not.toBe(await hash({ scale: 2 }));
  expect(await hash({ scale: 2 })).toBe(await hash({ scale: 2 }));
});
