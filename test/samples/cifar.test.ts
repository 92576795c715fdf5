import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { decodeNpy } from '../../analysis/figures/npy.ts';
import { openSamples } from '../../analysis/samples.ts';
import { temporaryFolder } from './folder.ts';

const folder = await temporaryFolder();

/** A record whose red, green and blue planes count up from 0, 1 and 2. */
function record(...labels: number[]): Buffer {
  const planes = [0, 1, 2].flatMap((c) => Array.from({ length: 1024 }, (_, p) => (p + c) % 256));
  return Buffer.from([...labels, ...planes]);
}

test('planes become pixels with red, green and blue side by side, and labels come from the records', async () => {
  const path = await folder.write('batch.bin', Buffer.concat([record(6), record(9), record(0)]));
  const samples = await openSamples(path, { limit: 2 });
  expect(samples).toMatchObject({ format: 'CIFAR-10 binary', kind: 'image', count: 2, shape: [32, 32, 3] });
  expect(samples.labels).toEqual(Int32Array.of(6, 9));
  const values = await samples.source.read(1, 2);
  expect(values).toHaveLength(3072);
  expect([...values.subarray(0, 6)]).toEqual([0, 1, 2, 1, 2, 3]);
  expect([...values.subarray(3069)]).toEqual([255, 0, 1]);
});

test('CIFAR-100 takes the fine label', async () => {
  const samples = await openSamples(await folder.write('fine.bin', Buffer.concat([record(3, 77), record(19, 99)])));
  expect(samples.format).toBe('CIFAR-100 binary');
  expect(samples.labels).toEqual(Int32Array.of(77, 99));
});

test('a file that is no whole number of records is no CIFAR file', async () => {
  await expect(openSamples(await folder.write('torn.bin', record(6).subarray(0, 3000)))).rejects.toThrow(
    'no known kind of samples',
  );
});

const shared = new URL('../../../shared/data/cifar10/', import.meta.url);
test.skipIf(!existsSync(shared))(
  'the first images of the real file are those of its .npy copy (needs ../shared)',
  async () => {
    const binary = await openSamples(new URL('data_batch_1.first4000.bin', shared).pathname);
    const copy = decodeNpy(await readFile(new URL('first64_nhwc_uint8.npy', shared)), 'copy');
    expect(binary.count).toBe(4000);
    expect([...binary.labels!.subarray(0, 10)]).toEqual([6, 9, 9, 4, 1, 1, 2, 7, 8, 3]);
    expect(await binary.source.read(0, 64)).toEqual(Float32Array.from(copy.values));
  },
);
