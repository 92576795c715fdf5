// A folder of files that is gone after the tests of a file.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';

/** Makes a temporary folder and gives a function that writes a file below it and returns its path. */
export async function temporaryFolder(): Promise<{
  path: string;
  write: (name: string, content: string | Uint8Array) => Promise<string>;
}> {
  const path = await mkdtemp(join(tmpdir(), 'eigenlens-test-'));
  afterAll(() => rm(path, { recursive: true, force: true }));
  return {
    path,
    async write(name, content) {
      const file = join(path, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
      return file;
    },
  };
}
