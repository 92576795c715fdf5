import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openSamples } from '../../analysis/samples.ts';
import { counting, idxBytes } from './arrays.ts';
import { temporaryFolder } from './folder.ts';

const folder = await temporaryFolder();
const images = idxBytes([4, 2, 3], counting(24));

test('images keep their order, plain or gzipped, and a stretch is read on its own', async () => {
  for (const path of [await folder.write('a.idx', images), await folder.write('a.idx.gz', gzipSync(images))]) {
    const samples = await openSamples(path);
    expect(samples).toMatchObject({ format: 'IDX', kind: 'image', count: 4, shape: [2, 3], labels: null });
    expect([...(await samples.source.read(1, 3))]).toEqual(counting(24).slice(6, 18));
    expect(samples.name(2)).toBe('2');
  }
});

test('labels that lie beside the images under the usual names are found, and a limit takes the first ones', async () => {
  const path = await folder.write('mnist/t10k-images-idx3-ubyte', images);
  await folder.write('mnist/t10k-labels-idx1-ubyte.gz', gzipSync(idxBytes([4], [3, 1, 4, 1])));
  const samples = await openSamples(path, { limit: 3 });
  expect(samples.count).toBe(3);
  expect(samples.labels).toEqual(Int32Array.of(3, 1, 4));
  expect(samples.notes.join()).toContain('t10k-labels-idx1-ubyte.gz');
});

test('big-endian floats are read as they are, and are no pixel bytes', async () => {
  const header = idxBytes([2, 2], []);
  header[2] = 0x0d;
  const body = Buffer.alloc(16);
  [0.5, -1, 2, 1e6].forEach((value, i) => body.writeFloatBE(value, 4 * i));
  const samples = await openSamples(await folder.write('floats.idx', Buffer.concat([header, body])));
  expect(samples.source.pixels).toBe(false);
  expect([...(await samples.source.read(0, 2))]).toEqual([0.5, -1, 2, 1e6]);
});

test('a file that is cut short is refused, gzipped or not', async () => {
  await expect(openSamples(await folder.write('short.idx', images.subarray(0, 30)))).rejects.toThrow(
    /short\.idx is cut short: its header promises 4 × 2 × 3/,
  );
  await expect(openSamples(await folder.write('short.idx.gz', gzipSync(images.subarray(0, 30))))).rejects.toThrow(
    'cut short',
  );
  const packed = gzipSync(Buffer.concat([idxBytes([100, 2, 3], []), Buffer.alloc(600, 7)]), { level: 0 });
  await expect(openSamples(await folder.write('torn.idx.gz', packed.subarray(0, 400)))).rejects.toThrow(
    /torn\.idx\.gz cannot be unpacked/,
  );
});

test('labels given as samples are told apart', async () => {
  await expect(openSamples(await folder.write('labels.idx', idxBytes([4], [0, 1, 2, 3])))).rejects.toThrow(
    'it holds labels, not samples',
  );
});

test('the hash depends on the content, the labels and the limit', async () => {
  const path = await folder.write('hash.idx', images);
  const labels = await folder.write('hash.txt', '0\n1\n2\n3\n');
  const hashes = await Promise.all(
    [
      openSamples(path),
      openSamples(path, { limit: 3 }),
      openSamples(path, { labels }),
      openSamples(await folder.write('other.idx', idxBytes([4, 2, 3], counting(24).reverse()))),
    ].map(async (samples) => (await samples).digest()),
  );
  expect(new Set(hashes).size).toBe(4);
  expect(await (await openSamples(await folder.write('copy/renamed.idx', images))).digest()).toBe(hashes[0]);
});
