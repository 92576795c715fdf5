import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findConfig, flagOf, readConfig, variableOf } from '../analysis/config.ts';
import { temporaryFolder } from './samples/folder.ts';

const folder = await temporaryFolder();
const given = (more: Partial<Parameters<typeof readConfig>[0]>) =>
  readConfig({ flags: {}, environment: {}, folder: folder.path, ...more });

test('a flag wins over the environment, that over the file, that over the default', async () => {
  const file = await folder.write('layers/eigenlens.config.json', JSON.stringify({ count: 1, seed: 1, quantile: 0.5 }));
  const { settings } = await given({
    file,
    environment: { EIGENLENS_COUNT: '2', EIGENLENS_SEED: '2' },
    flags: { count: '3' },
  });
  expect(settings).toMatchObject({ count: 3, seed: 2, quantile: 0.5, majority: 0.75 });
});

test('names are spelled for flags and variables', () => {
  expect(flagOf('lrpEpsilon')).toBe('--lrp-epsilon');
  expect(variableOf('lrpEpsilon')).toBe('EIGENLENS_LRP_EPSILON');
  expect(variableOf('k')).toBe('EIGENLENS_K');
});

test('the file is found upwards, but not beyond the git root', async () => {
  await folder.write('outer/eigenlens.config.json', '{}');
  await mkdir(join(folder.path, 'outer/inner/deep'), { recursive: true });
  expect(findConfig(join(folder.path, 'outer/inner/deep'))).toBe(join(folder.path, 'outer/eigenlens.config.json'));
  await mkdir(join(folder.path, 'outer/inner/.git'));
  expect(findConfig(join(folder.path, 'outer/inner/deep'))).toBeNull();
});

test('TypeScript, JavaScript and JSON files say the same', async () => {
  for (const [name, text] of [
    ['ts/eigenlens.config.ts', 'const count: number = 4;\nexport default { count };\n'],
    ['js/eigenlens.config.js', 'export default { count: 4 };\n'],
    ['json/eigenlens.config.json', '{ "$schema": "x", "count": 4 }'],
  ] as const) {
    const file = await folder.write(name, text);
    const config = await given({ folder: join(file, '..') });
    expect(config.file).toBe(file);
    expect(config.settings.count, name).toBe(4);
  }
});

test('paths are relative to the file that gives them, flags and defaults to the working folder', async () => {
  const file = await folder.write(
    'project/eigenlens.config.json',
    '{ "samples": "data/x.npy", "reports": "out/reports" }',
  );
  const inside = join(folder.path, 'project/sub');
  await mkdir(inside, { recursive: true });
  const { settings, project } = await given({ folder: inside, flags: { labels: 'y.txt' } });
  expect(settings.samples).toBe(join(folder.path, 'project/data/x.npy'));
  expect(settings.labels).toBe(join(inside, 'y.txt'));
  expect(project.reports).toBe(join(folder.path, 'project/out/reports'));
  expect(project.out).toBe(join(inside, 'dist'));
  expect((await given({ file, flags: { reports: 'https://example.org/r' } })).project.reports).toBe(
    'https://example.org/r',
  );
});

test('a preprocessing file is read, and what is wrong in it is told by key', async () => {
  const preprocess = await folder.write(
    'p.json',
    '{ "scale": 1, "mean": [104, 117, 123], "channelOrder": "bgr", "size": 227 }',
  );
  expect((await given({ flags: { preprocess } })).settings.preprocess).toEqual({
    scale: 1,
    mean: [104, 117, 123],
    channelOrder: 'bgr',
    size: 227,
  });
  const wrong = await folder.write('q.json', '{ "meen": 1 }');
  await expect(given({ flags: { preprocess: wrong } })).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining('"meen" in '),
    hint: 'Did you mean "mean"?',
  });
  const list = await folder.write('list.json', '[1]');
  await expect(given({ flags: { preprocess: list } })).rejects.toMatchObject({ exitCode: 2 });
  await expect(given({ flags: { preprocess: 'absent.json' } })).rejects.toThrow('--preprocess: ');
});

test('whoever gave a wrong value is named', async () => {
  const misspelt = await folder.write('a.json', '{ "magority": 0.5 }');
  await expect(given({ file: misspelt })).rejects.toMatchObject({
    exitCode: 2,
    message: `Unknown key: "magority" in ${misspelt}.`,
    hint: 'Did you mean "majority"?',
  });
  const wrong = await folder.write('b.json', '{ "majority": 5 }');
  await expect(given({ file: wrong })).rejects.toThrow(`"majority" in ${wrong} is 5; expected a number, 0.01 to 1.`);
  await expect(given({ environment: { EIGENLENS_MAJORITY: 'x' } })).rejects.toThrow('EIGENLENS_MAJORITY is "x"');
  await expect(given({ flags: { lrpEpsilon: '7' } })).rejects.toThrow('--lrp-epsilon is "7"');
  await expect(given({ environment: { EIGENLENS_BASE: 'audit' } })).rejects.toThrow(
    'EIGENLENS_BASE is "audit"; expected a path that begins with /.',
  );
});

test('files that are absent, broken or no object are refused', async () => {
  await expect(given({ file: 'absent.json' })).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining('does not exist'),
  });
  await expect(given({ file: await folder.write('broken.json', '{ "count": ') })).rejects.toMatchObject({
    exitCode: 2,
  });
  await expect(given({ file: await folder.write('broken.ts', 'export default {') })).rejects.toMatchObject({
    exitCode: 2,
  });
  await expect(given({ file: await folder.write('none.js', 'export const count = 3;') })).rejects.toThrow(
    'gives no settings',
  );
});
