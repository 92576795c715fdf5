// `eigenlens pack`: the site as one zip file that opens from a disk. Links become relative and name their page in full; a
// browser runs no module and fetches nothing for a file, so scripts become plain ones and JSON is laid beside itself as a script.
import type { Command } from 'commander';
import { Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import { EXIT, UserError } from '../../analysis/errors.ts';
import { addKnobs } from './knobs.ts';
import { makeWritable, shown } from './paths.ts';
import { buildSite, withoutDamaged } from './site.ts';
import type { Verb } from './verb.ts';

const DEFAULT_FILE = 'eigenlens-site.zip';
/** What a zip file can hold without the extension that not every system opens. */
const MOST_FILES = 65_535;
const MOST_BYTES = 2 ** 32 - 2 ** 20;
/** Equal sites are equal files; no zip can hold an earlier time. */
const TIME = '1980-01-02T00:00:00Z';
/** Bytes that cannot be made smaller. */
const PACKED = new Set(['.png']);

export const verb: Verb = {
  define(command: Command) {
    command.option('--out <FILE>', `The zip file to write (default ${DEFAULT_FILE})`);
    addKnobs(command, ['reports']);
  },
  async run({ flags, project, terminal, signal, folder }) {
    const file = resolve(folder, (flags['out'] as string | undefined) ?? DEFAULT_FILE);
    await makeWritable(dirname(file), '--out');
    const work = await mkdtemp(join(dirname(file), '.eigenlens-pack-'));
    try {
      const site = join(work, 'site');
      const leftOut = await buildSite({ ...project, out: site, base: '/', site: null }, terminal, signal);
      const stage = terminal.bar.stage('zip');
      const files = await filesToPack(site);
      await writeZip(join(work, 'site.zip'), basename(file, '.zip'), files, signal);
      stage.done();
      await rename(join(work, 'site.zip'), file);
      const written = shown(file, folder);
      return {
        exitCode: leftOut > 0 ? EXIT.failed : EXIT.done,
        json: { file: written, files: files.length, leftOut },
        last: `Wrote ${written}${withoutDamaged(leftOut)}; unpack it and open index.html.`,
      };
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  },
};

/** A file of the zip: its path, and its bytes when it is its turn. */
interface Packed {
  readonly path: string;
  read(): Promise<Uint8Array>;
}

/** The files of a built site, changed so that they work from a disk, in the order of their paths. */
async function filesToPack(site: string): Promise<Packed[]> {
  const entries = await readdir(site, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(site.length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((path) => path !== '404.html' && path !== '.nojekyll')
    .toSorted();
  const scripts = new Set<string>();
  const data = new Set<string>();
  for (const path of paths.filter((one) => one.endsWith('.html'))) {
    const html = await readFile(join(site, path), 'utf8');
    for (const [, target] of html.matchAll(/<script type="module" src="\/([^"]+)"/g)) scripts.add(target!);
    for (const [, target] of html.matchAll(/ data-json="\/([^"]+)"/g)) data.add(decodeURIComponent(target!));
  }
  return paths.flatMap((path): Packed[] => {
    const bytes = () => readFile(join(site, path));
    const text = () => readFile(join(site, path), 'utf8');
    const changed = (to: string, change: (text: string) => string): Packed => ({
      path: to,
      read: async () => new TextEncoder().encode(change(await text())),
    });
    if (path.endsWith('.html')) return [changed(path, (html) => relativePage(html, path))];
    if (scripts.has(path)) {
      const plain = async () => new TextEncoder().encode(await plainScript(join(site, path)));
      return [{ path, read: plain }];
    }
    // A module that only modules can load.
    if (path.endsWith('.js')) return [];
    const own = { path, read: bytes };
    return data.has(path) ? [own, changed(`${path}.js`, (json) => `globalThis.published=${json};`)] : [own];
  });
}

/** A page with every address of the site relative to it. Attributes that scripts put something behind stay folders. */
export function relativePage(html: string, path: string): string {
  const up = '../'.repeat(path.split('/').length - 1) || './';
  const relative = (address: string, page: boolean): string => {
    const [, route = '', rest = ''] = /^([^?#]*)(.*)$/.exec(address)!;
    return `${up}${route}${page && (route === '' || route.endsWith('/')) ? 'index.html' : ''}${rest}`;
  };
  return html.replace(/<[a-z][a-z0-9-]*(?:\s+[^\s=>]+(?:="[^"]*"|='[^']*'|=[^\s>]*)?)*\s*\/?>/gi, (tag) =>
    tag
      .replace(/^<script type="module"/, '<script defer')
      .replace(
        /(\s)(href|src|action|data-json|data-folder-[a-z]+)="\/([^"]*)"/g,
        (_, space: string, name: string, address: string) =>
          `${space}${name}="${relative(address, !name.startsWith('data-'))}"`,
      ),
  );
}

/** A module, and what it imports, as a script of its own scope. */
async function plainScript(path: string): Promise<string> {
  const list = (names: string, separator: string) =>
    names.replace(/([\w$]+) as ([\w$]+)/g, (_, from: string, to: string) => `${from}${separator}${to}`);
  let code = await readFile(path, 'utf8');
  for (const [statement, names, from] of code.matchAll(/import\{([^}]*)\}from["'](\.[^"']+)["'];/g)) {
    const below = await plainScript(join(dirname(path), from!));
    code = code.replace(statement, () => `const {${list(names!, ':')}}=${below}`);
  }
  code = code.replace(/export\{([^}]*)\};?\s*$/, (_, names: string) => {
    const swapped = names.replace(/([\w$]+) as ([\w$]+)/g, '$2 as $1');
    return `return {${list(swapped, ':')}};`;
  });
  code = code.replaceAll('import.meta', '({url:document.baseURI})');
  if (/(?:^|[;}\s])(?:import\s*[\w{*"'$]|export\s*[{*\w])/.test(code)) throw new Error(`${path} is no plain module`);
  return `(()=>{"use strict";${code}\n})();`;
}

/** Writes files into a zip, one after the other, all below one folder; UserError where they are too many for one. */
async function writeZip(to: string, folder: string, files: readonly Packed[], signal: AbortSignal): Promise<void> {
  const tooMuch = (what: string) =>
    new UserError(`A zip file cannot hold this site: ${what}.`, {
      exitCode: EXIT.failed,
      hint: 'Analyse with a smaller --detail, pack reports one by one, or publish the folder that eigenlens build writes.',
    });
  if (files.length > MOST_FILES) throw tooMuch(`it has ${files.length} files, and ${MOST_FILES} is the most`);
  const stream = createWriteStream(to);
  const done = finished(stream);
  let size = 0;
  const zip = new Zip((error, chunk, last) => {
    if (error) {
      stream.destroy(error);
      return;
    }
    size += chunk.length;
    stream.write(chunk);
    if (last) stream.end();
  });
  try {
    for (const { path, read } of files) {
      signal.throwIfAborted();
      const name = `${folder}/${path}`;
      const entry = PACKED.has(extname(path)) ? new ZipPassThrough(name) : new ZipDeflate(name, { level: 6 });
      entry.mtime = TIME;
      zip.add(entry);
      entry.push(await read(), true);
      if (size > MOST_BYTES) throw tooMuch('it takes more than 4 GB');
      if (stream.writableNeedDrain) await once(stream, 'drain');
    }
    zip.end();
    await done;
  } catch (error) {
    zip.terminate();
    stream.destroy();
    await done.catch(() => undefined);
    throw error;
  }
}
