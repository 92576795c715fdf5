import { zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { openSamples } from '../../analysis/samples.ts';
import { counting, npyBytes } from './arrays.ts';
import { temporaryFolder } from './folder.ts';

const folder = await temporaryFolder();

test('the first axis counts the samples, and a stretch is read on its own', async () => {
  const samples = await openSamples(await folder.write('a.npy', npyBytes('<f8', [5, 2], counting(10))));
  expect(samples).toMatchObject({ format: '.npy', kind: 'vector', count: 5, shape: [2] });
  expect([...(await samples.source.read(2, 4))]).toEqual([4, 5, 6, 7]);
});

test('what a sample is follows from its shape', async () => {
  const kinds: [number[], string][] = [
    [[2, 7], 'vector'],
    [[2, 28, 28], 'image'],
    [[2, 8, 8, 3], 'image'],
    [[2, 3, 8, 8], 'image'],
    [[2, 1, 8, 8], 'image'],
    [[2, 16, 3], 'points'],
    [[2, 2, 50], 'signal'],
    [[2, 4, 4, 4, 4], 'signal'],
  ];
  for (const [shape, kind] of kinds) {
    const size = shape.reduce((product, n) => product * n, 1);
    const samples = await openSamples(
      await folder.write(`${shape.join('x')}.npy`, npyBytes('<f4', shape, new Array<number>(size).fill(0))),
    );
    expect(samples.kind, shape.join(' × ')).toBe(kind);
  }
});

test('an array as large as the network’s input is one sample', async () => {
  const path = await folder.write('cloud.npy', npyBytes('<f4', [4, 3], counting(12)));
  expect(await openSamples(path, { inputShape: [1, 4, 3] })).toMatchObject({ count: 1, shape: [4, 3], kind: 'points' });
  expect(await openSamples(path, { inputShape: [1, 3] })).toMatchObject({ count: 4, shape: [3], kind: 'vector' });
});

test('Fortran order is read as rows', async () => {
  const samples = await openSamples(
    await folder.write('f.npy', npyBytes('<f4', [2, 3], [1, 4, 2, 5, 3, 6], { fortran: true })),
  );
  expect([...(await samples.source.read(1, 2))]).toEqual([4, 5, 6]);
});

test('an archive gives samples and labels by their usual names', async () => {
  const x = npyBytes('<f4', [2, 3], counting(6));
  const archive = zipSync({ 'x.npy': x, 'y.npy': npyBytes('<i8', [2], [4, 7]) });
  const samples = await openSamples(await folder.write('a.npz', archive));
  expect(samples).toMatchObject({ format: '.npz', count: 2, shape: [3] });
  expect(samples.labels).toEqual(Int32Array.of(4, 7));
  expect([...(await samples.source.read(0, 2))]).toEqual(counting(6));
  await expect(openSamples(await folder.write('b.npz', zipSync({ 'p.npy': x, 'q.npy': x })))).rejects.toThrow(
    'b.npz holds 2 arrays (p, q)',
  );
});

test('files that are cut short or hold a single number are refused', async () => {
  await expect(
    openSamples(await folder.write('short.npy', npyBytes('<f4', [4, 3], counting(12)).subarray(0, -1))),
  ).rejects.toThrow('short.npy is cut short');
  const scalar = Buffer.from(
    Buffer.from(npyBytes('<f4', [1], [1]))
      .toString('latin1')
      .replace('(1,)', '()  '),
    'latin1',
  );
  await expect(openSamples(await folder.write('scalar.npy', scalar))).rejects.toThrow('a single number');
});
