// A disk that fills up while a method draws: told in the user's words, and nothing half written stays.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { runAnalysis } from '../analysis/run.ts';
import { silent } from '../analysis/progress.ts';
import { parseSettings } from '../analysis/settings.ts';
import { normals, onnxBytes, onnxNode } from './formats/models.ts';
import { temporaryFolder } from './samples/folder.ts';

const disk = vi.hoisted(() => ({ isFull: false }));
vi.mock('node:fs/promises', async (actual) => {
  const real = await actual<typeof import('node:fs/promises')>();
  return {
    ...real,
    writeFile: async (file: string, content: Uint8Array | string) => {
      if (!disk.isFull || !file.includes('.png')) return real.writeFile(file, content);
      await real.writeFile(file, content.slice(0, 10));
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    },
  };
});

const folder = await temporaryFolder();

test('a disk that is full in the middle of a method is told as such', async () => {
  const model = await folder.write(
    'm.onnx',
    onnxBytes({ nodes: [onnxNode('MatMul', ['x', 'fc.weight'], ['y'])], initializers: [normals('fc.weight', [4, 3])] }),
  );
  const reportsDir = path.join(folder.path, 'reports');
  disk.isFull = true;
  await expect(
    runAnalysis({
      model,
      settings: parseSettings({}),
      reportsDir,
      id: 'm',
      force: false,
      why: false,
      progress: silent,
      signal: new AbortController().signal,
      command: 'test',
    }),
  ).rejects.toMatchObject({ message: `Cannot write to ${reportsDir}: the disk is full.`, exitCode: 5 });
  const left = await readdir(path.join(reportsDir, '.cache/m/files'));
  expect(left.filter((name) => !/^[0-9a-f]+\.(png|npy)$/.test(name))).toEqual([]);
});
