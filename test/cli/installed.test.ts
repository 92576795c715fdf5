// The command where it is a dependency of another project: Node strips no types below node_modules.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../samples/folder.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

test('the command runs below node_modules, its worker threads too', { timeout: 120_000 }, async () => {
  const { path: folder } = await temporaryFolder();
  const home = path.join(folder, 'node_modules', 'eigenlens');
  mkdirSync(home, { recursive: true });
  for (const part of ['package.json', 'src', 'analysis', 'graphql', 'reports'])
    cpSync(path.join(ROOT, part), path.join(home, part), { recursive: true });
  for (const name of readdirSync(path.join(ROOT, 'node_modules')))
    if (!name.startsWith('.'))
      symlinkSync(path.join(ROOT, 'node_modules', name), path.join(folder, 'node_modules', name), 'junction');
  const command = (...args: string[]) =>
    spawnSync(process.execPath, [path.join(home, 'src/cli/eigenlens.js'), ...args], { cwd: folder, encoding: 'utf8' });

  const inspected = command('inspect', path.join(home, 'analysis/demo/model.onnx'));
  expect([inspected.status, inspected.stderr]).toEqual([0, expect.not.stringContaining('ERR_')]);
  expect(inspected.stdout).toContain('conv1');
  const asked = command('query', '--reports', path.join(home, 'reports'), '{ models { nodes { report } } }');
  expect([asked.status, JSON.parse(asked.stdout)]).toEqual([0, { data: { models: { nodes: [{ report: 'demo' }] } } }]);
  // The signature of HDF5 and nothing behind it: what reads such files is a thread.
  writeFileSync(path.join(folder, 'cut.h5'), Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a));
  const cut = command('inspect', 'cut.h5');
  expect([cut.status, cut.stderr]).toEqual([3, expect.stringContaining('cut off or damaged')]);
});
