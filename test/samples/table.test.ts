import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openSamples } from '../../analysis/samples.ts';
import { temporaryFolder } from './folder.ts';

const folder = await temporaryFolder();
const read = async (name: string, text: string) => openSamples(await folder.write(name, text));

test('rows of numbers are samples, with comma, semicolon or tab', async () => {
  for (const separator of [',', ';', '\t']) {
    const samples = await read(
      'a.csv',
      ['1', '2.5', '-3e2'].join(separator) + '\r\n' + ['4', '5', '6'].join(separator) + '\n',
    );
    expect(samples).toMatchObject({ kind: 'vector', count: 2, shape: [3], labels: null });
    expect([...(await samples.source.read(0, 2))]).toEqual([1, 2.5, -300, 4, 5, 6]);
  }
});

test('a header names the features, and a label column is taken out', async () => {
  const samples = await read('b.csv', '\uFEFFlength,"width, mm",class\n1,2,oak\n3,4,ash\n5,6,oak\n');
  expect(samples.featureNames).toEqual(['length', 'width, mm']);
  expect(samples.shape).toEqual([2]);
  expect(samples.classNames).toEqual(['ash', 'oak']);
  expect(samples.labels).toEqual(Int32Array.of(1, 0, 1));
  expect([...(await samples.source.read(1, 3))]).toEqual([3, 4, 5, 6]);
});

test('a target that is no class is left out and said', async () => {
  const samples = await read('c.csv', 'a,b,target\n1,2,0.5\n3,4,0.75\n');
  expect(samples.labels).toBeNull();
  expect(samples.notes.join()).toContain('"target"');
});

test('a large table keeps every row', async () => {
  const rows = Array.from({ length: 9000 }, (_, i) => `${i},${-i},7`).join('\n');
  const path = await folder.write('large.csv.gz', gzipSync(rows));
  const samples = await openSamples(path);
  expect(samples.count).toBe(9000);
  expect([...(await samples.source.read(8999, 9000))]).toEqual([8999, -8999, 7]);
});

test('what is no number is told by line and column', async () => {
  await expect(read('d.csv', 'a,b\n1,2\n3,\n')).rejects.toThrow(
    'Line 3 of d.csv, column 2 (b), is empty, not a number.',
  );
  await expect(read('e.csv', '1,2\n3,x\n')).rejects.toThrow('Line 2 of e.csv, column 2, is "x"');
  await expect(read('f.csv', '1,2\n3\n')).rejects.toThrow('Line 2 of f.csv has 1 fields; the first line has 2.');
  await expect(read('g.csv', 'a,b\n')).rejects.toThrow('g.csv holds no rows');
});
