import { expect, test } from 'vitest';
import { openSamples } from '../../analysis/samples.ts';
import { counting, npyBytes } from './arrays.ts';
import { temporaryFolder } from './folder.ts';

const folder = await temporaryFolder();

test('.xyz, ASCII .ply and .npy files of a folder are samples, subfolders their labels', async () => {
  await folder.write('clouds/car/a.xyz', '# a comment\n0 1 2\n3,4,5 9 9\n');
  const header =
    'ply\nformat ascii 1.0\ncomment x\nelement vertex 2\nproperty float nx\nproperty float x\nproperty float y\nproperty float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n';
  await folder.write('clouds/car/b.ply', `${header}9 0 1 2\n9 3 4 5\n3 0 1 1\n`);
  await folder.write('clouds/van/c.npy', npyBytes('<f4', [2, 3], counting(6)));
  const samples = await openSamples(`${folder.path}/clouds`);
  expect(samples).toMatchObject({ kind: 'points', count: 3, shape: [2, 3], classNames: ['car', 'van'] });
  expect(samples.labels).toEqual(Int32Array.of(0, 0, 1));
  expect([0, 1, 2].map((i) => samples.name(i))).toEqual(['car/a.xyz', 'car/b.ply', 'van/c.npy']);
  expect([...(await samples.source.read(0, 3))]).toEqual([...counting(6), ...counting(6), ...counting(6)]);
});

test('a file alone is one sample', async () => {
  const samples = await openSamples(await folder.write('one.xyz', '0 0 0\n1 1 1\n2 2 2\n'));
  expect(samples).toMatchObject({ kind: 'points', count: 1, shape: [3, 3] });
});

test('clouds of different size, binary and damaged files are refused by name', async () => {
  await folder.write('uneven/a.xyz', '0 0 0\n1 1 1\n');
  await folder.write('uneven/b.xyz', '0 0 0\n');
  await expect((await openSamples(`${folder.path}/uneven`)).source.read(0, 2)).rejects.toThrow(
    'b.xyz has 1 points, a.xyz has 2',
  );
  await expect(
    openSamples(
      await folder.write('binary.ply', 'ply\nformat binary_little_endian 1.0\nelement vertex 1\nend_header\n...'),
    ),
  ).rejects.toThrow('binary.ply is a binary .ply file');
  await expect(
    openSamples(
      await folder.write(
        'torn.ply',
        'ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nend_header\n0 0 0\n',
      ),
    ),
  ).rejects.toThrow('3 vertices are promised, 1 are there');
  await expect(openSamples(await folder.write('words.xyz', '0 0 0\none two three\n'))).rejects.toThrow(
    'Line 2 of words.xyz is no point',
  );
});
