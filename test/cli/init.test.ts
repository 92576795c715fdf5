import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig } from '../../analysis/config.ts';
import { temporaryFolder } from '../samples/folder.ts';
import { eigenlensHere } from './command.ts';

const FILES = [
  'eigenlens.config.json',
  '.github/actions/eigenlens/action.yml',
  '.github/workflows/eigenlens.yml',
  '.github/workflows/eigenlens-comment.yml',
];

test('init writes a configuration that is valid, the action and both workflows', async () => {
  const { path: folder } = await temporaryFolder();
  const { code, out } = await eigenlensHere(['init'], { folder });
  expect(code).toBe(0);
  for (const file of FILES) {
    expect(out).toContain(`wrote: ${file}`);
    expect(readFileSync(join(folder, file), 'utf8').length).toBeGreaterThan(50);
  }
  const { project } = await readConfig({ flags: {}, environment: {}, folder });
  expect(project.checks.rules).toMatchObject([{ metric: 'accuracy' }]);
});

test('init never writes over a file that is there', async () => {
  const { path: folder, write } = await temporaryFolder();
  await write('eigenlens.config.ts', 'export default { count: 3 };\n');
  await write(FILES[2]!, 'mine\n');
  const { code, out } = await eigenlensHere(['init'], { folder });
  expect(code).toBe(0);
  expect(out).toContain(`kept, it was there: ${FILES[2]}`);
  expect(readFileSync(join(folder, FILES[2]!), 'utf8')).toBe('mine\n');
  expect(readdirSync(folder)).not.toContain('eigenlens.config.json');
});

test('init writes nothing when it only says what it would do', async () => {
  const { path: folder } = await temporaryFolder();
  const { out } = await eigenlensHere(['init', '--dry-run'], { folder });
  expect(out).toContain(`would write: ${FILES[0]}`);
  expect(readdirSync(folder)).toEqual([]);
});
