import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openSamples } from '../../analysis/samples.ts';
import { counting, idxBytes, npyBytes } from './arrays.ts';
import { temporaryFolder } from './folder.ts';

const folder = await temporaryFolder();
const images = await folder.write('images.npy', npyBytes('|u1', [3, 4, 4], counting(48)));
const labelled = async (name: string, content: string | Uint8Array, more = {}) =>
  openSamples(images, { labels: await folder.write(name, content), ...more });

test('labels come from .npy, IDX, gzipped IDX or text, with or without a heading', async () => {
  const expected = Int32Array.of(2, 0, 1);
  for (const [name, content] of [
    ['a.npy', npyBytes('<i8', [3], [2, 0, 1])],
    ['b.npy', npyBytes('<f4', [3, 1], [2, 0, 1])],
    ['c.idx', idxBytes([3], [2, 0, 1])],
    ['d.idx.gz', gzipSync(idxBytes([3], [2, 0, 1]))],
    ['e.txt', '2\n0\n1\n\n'],
    ['f.csv', 'label\r\n2\r\n0\r\n1\r\n'],
    ['g.csv', 'sample,label\n1,0\n0,2\n2,1\n'],
  ] as const) {
    expect((await labelled(name, content)).labels, name).toEqual(expected);
  }
});

test('names are numbered by the class names, whatever their case or synonyms', async () => {
  const classes = await folder.write(
    'classes.txt',
    'n01440764 tench, Tinca tinca\nn01443537 goldfish, Carassius auratus\nn01484850 great white shark\n',
  );
  const samples = await labelled('names.txt', 'Great_White_Shark\ntinca tinca\nn01443537\n', { classes });
  expect(samples.labels).toEqual(Int32Array.of(2, 0, 1));
  expect(samples.classNames).toEqual(['tench, Tinca tinca', 'goldfish, Carassius auratus', 'great white shark']);
  await expect(labelled('unknown.txt', 'tench\ngoldfisch\ntench\n', { classes })).rejects.toMatchObject({
    message: expect.stringContaining('"goldfisch"'),
    hint: expect.stringContaining('goldfish'),
  });
});

test('class names are read as text, as a list, as an object and as a printed dictionary', async () => {
  for (const [name, content] of [
    ['a.txt', 'ant\nbee\n'],
    ['a.json', '["ant", "bee"]'],
    ['b.json', '{"1": "bee", "0": "ant"}'],
    ['c.txt', '{0: \'ant\',\n 1: "bee"}\n'],
  ] as const) {
    expect(
      (await openSamples(images, { classes: await folder.write(`classes/${name}`, content) })).classNames,
      name,
    ).toEqual(['ant', 'bee']);
  }
  await expect(
    openSamples(images, { classes: await folder.write('gap.json', '{"0": "ant", "2": "bee"}') }),
  ).rejects.toThrow('leaves outputs without a name');
  await expect(openSamples(images, { classes: `${folder.path}/absent.txt` })).rejects.toThrow(
    'absent.txt does not exist',
  );
});

test('the network’s own class names are used where they fit, and said to be left where they do not', async () => {
  const fits = await labelled('fit.txt', 'bee\nant\nbee\n', { ownClassNames: ['ant', 'bee'] });
  expect(fits.labels).toEqual(Int32Array.of(1, 0, 1));
  const foreign = await labelled('foreign.txt', 'oak\nash\noak\n', { ownClassNames: ['ant', 'bee'] });
  expect(foreign.classNames).toEqual(['ash', 'oak']);
  expect(foreign.notes.join()).toContain('alphabetical order');
});

test('labels that do not fit are refused with both counts, the value, or the sample', async () => {
  await expect(labelled('two.txt', '0\n1\n')).rejects.toThrow('There are 2 labels in two.txt for 3 samples.');
  await expect(labelled('half.npy', npyBytes('<f4', [3], [0, 0.5, 1]))).rejects.toThrow('Label 1 in half.npy is 0.5');
  await expect(labelled('minus.txt', '0\n-1\n2\n')).rejects.toThrow('Label 1 in minus.txt is -1');
  await expect(labelled('wide.npy', npyBytes('<i4', [3, 2], counting(6)))).rejects.toThrow('shape 3 × 2');
  await expect(labelled('pairs.csv', '0,1\n1,1\nx,1\n')).rejects.toThrow('no label for sample "2"');
  const classes = await folder.write('two-classes.txt', 'ant\nbee\n');
  await expect(labelled('outside.txt', '0\n1\n2\n', { classes })).rejects.toThrow(
    'Label 2 of sample 2 in outside.txt has no name among 2 classes',
  );
});

test('with a limit, labels of all samples or of those in use both fit', async () => {
  expect((await labelled('all.txt', '2\n0\n1\n', { limit: 2 })).labels).toEqual(Int32Array.of(2, 0));
  expect((await labelled('some.txt', '2\n0\n', { limit: 2 })).labels).toEqual(Int32Array.of(2, 0));
});
