// What a run keeps on its way: read again where everything it depends on is the same, computed anew where a file is damaged.
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { keeperIn, type Step } from '../analysis/kept.ts';
import { temporaryFolder } from './samples/folder.ts';

const folder = await temporaryFolder();
const step: Step = { id: 'svd', version: 1, settings: [] };
const fileOf = ({ id, version }: Step, part: string) => `${id} ${version} ${part}`;

/** A keeper in a folder of this name, and how often it computed. */
function counted(name: string, force = false) {
  const keep = keeperIn(path.join(folder.path, name), fileOf, force);
  const counts = { computed: 0 };
  const result = { values: Float64Array.of(3, 2, 0.1), names: ['a'], rank: 2 };
  const ask = (version = 1, part = 'fc1') =>
    keep({ ...step, version }, part, async () => {
      counts.computed++;
      return result;
    });
  return { ask, counts, result };
}

test('a result comes back as it was, typed arrays included, without being computed again', async () => {
  const { ask, counts, result } = counted('same');
  expect(await ask()).toEqual(result);
  expect(await ask()).toEqual(result);
  expect(await counted('same').ask()).toEqual(result);
  expect(counts.computed).toBe(1);
});

test('another version and another part are other results', async () => {
  const { ask, counts } = counted('others');
  await ask();
  await ask(2);
  await ask(1, 'fc2');
  expect(counts.computed).toBe(3);
});

test('nothing is read by force', async () => {
  await counted('forced').ask();
  const { ask, counts } = counted('forced', true);
  await ask();
  expect(counts.computed).toBe(1);
});

test('what is damaged is computed anew and mended', async () => {
  const { ask, counts, result } = counted('damaged');
  await ask();
  const [file] = await readdir(path.join(folder.path, 'damaged'));
  await writeFile(path.join(folder.path, 'damaged', file!), 'no such thing');
  expect(await ask()).toEqual(result);
  expect(await ask()).toEqual(result);
  expect(counts.computed).toBe(2);
});
