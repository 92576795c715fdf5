// `eigenlens init`: a configuration and the workflows of a pull request, never over a file that is there.
import type { Command } from 'commander';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFolder, unwritable } from './paths.ts';
import type { Verb } from './verb.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Copied as they stand in this repository. */
const COPIED = [
  '.github/actions/eigenlens/action.yml',
  '.github/workflows/eigenlens.yml',
  '.github/workflows/eigenlens-comment.yml',
];

const CONFIG = `${JSON.stringify(
  { reports: 'reports', checks: { preset: 'recommended', rules: [{ metric: 'accuracy', min: 0.5, level: 'warn' }] } },
  null,
  2,
)}\n`;

/** What the workflows need beside their files: they run `npm ci` and then the command of the package that it installed. */
const STEPS = `What is left to do:
  1. Make eigenlens a development dependency: npm install --save-dev with the git URL of its repository, or with the file
     that npm pack writes in a checkout of it.
  2. Commit package.json, package-lock.json and, where you took it, the packed file: the workflow runs npm ci.
  3. Commit the model and its samples, or fetch them in a step of your own, and name them under "with:" in
     .github/workflows/eigenlens.yml.
  4. Analyse the model once on the base branch and commit the report, which is what a pull request is compared with.`;

export const verb: Verb = {
  define(command: Command) {
    command.option('--dry-run', 'Say what would be written, and write nothing');
  },
  async run({ flags, terminal, folder, file }) {
    const dry = flags['dryRun'] === true;
    const files: { path: string; state: 'written' | 'kept' | 'missing' }[] = [];
    const put = async (path: string, text: string): Promise<void> => {
      const state = dry ? 'missing' : (await writeNew(join(folder, path), text)) ? 'written' : 'kept';
      files.push({ path, state: dry && (await isThere(join(folder, path))) ? 'kept' : state });
    };
    // A configuration of any form counts.
    if (file === null) await put('eigenlens.config.json', CONFIG);
    else files.push({ path: file, state: 'kept' });
    for (const path of COPIED) await put(path, await readFile(join(ROOT, path), 'utf8'));
    const words = { written: 'wrote', kept: 'kept, it was there', missing: 'would write' };
    for (const { path, state } of files) terminal.print(`${words[state]}: ${path}`);
    terminal.print(`\n${STEPS}`);
    const count = files.filter(({ state }) => state === 'written').length;
    return {
      json: { files },
      last: `Wrote ${count} of ${files.length} files; the model and samples in .github/workflows/eigenlens.yml are yours to fill in.`,
    };
  },
};

async function isThere(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}

/** True when it was written, false when something is there. */
async function writeNew(path: string, text: string): Promise<boolean> {
  try {
    await makeFolder(dirname(path));
    await writeFile(path, text, { flag: 'wx' });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw unwritable(path, cause);
  }
}
