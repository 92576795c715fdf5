// What the build does around the pages: refuses to overwrite a folder that is not a site, publishes what the pages refer to,
// and checks the result. A broken link, an unsafe page or a page above its budget fails the build.
import { createReadStream, existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AstroIntegration } from 'astro';
import { sdl } from '../../graphql/sdl.ts';
import { findFile, folderSource } from '../../reports/store.ts';
import { reportsFolder } from './folders.ts';
import { refuseForeignFolder } from './output-folder.ts';
import { inspectSite } from './site-inspection.ts';

/** The integration that frames the build. */
export function finishSite(): AstroIntegration {
  let base = '/';
  return {
    name: 'eigenlens',
    hooks: {
      'astro:config:done': ({ config }) => {
        base = config.base;
      },
      'astro:server:setup': ({ server }) => {
        // The dev server has no copies: pictures come straight from the reports.
        server.middlewares.use((request, response, next) => {
          const name = /\/files\/([0-9a-z]+\.(?:png|npy))$/.exec(request.url?.split('?')[0] ?? '')?.[1];
          if (!name) return next();
          findFile(reportsFolder(), name).then((path) => {
            if (!path) return next();
            response.setHeader('content-type', extname(path) === '.png' ? 'image/png' : 'application/octet-stream');
            createReadStream(path).pipe(response);
          }, next);
        });
      },
      'astro:config:setup': async ({ config, command }) => {
        if (command === 'build') await refuseForeignFolder(fileURLToPath(config.outDir));
      },
      'astro:build:done': async ({ dir, logger }) => {
        const out = fileURLToPath(dir);
        await publish(reportsFolder(), out);
        const { problems, summary } = await inspectSite(out, base);
        for (const line of summary) logger.info(line);
        if (problems.length === 0) return;
        const shown = problems.slice(0, 30).map((problem) => `  ${problem}`);
        throw new Error(
          `The site has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n${shown.join('\n')}${problems.length > 30 ? '\n  …' : ''}`,
        );
      },
    },
  };
}

/** Pictures and arrays of all reports side by side (their names are hashes), every report's JSON, and the schema. */
async function publish(reports: string, out: string): Promise<void> {
  const ids = await folderSource(reports).list();
  await mkdir(join(out, 'files'), { recursive: true });
  for (const id of ids) {
    const folder = join(reports, id);
    for (const path of await filesBelow(folder)) {
      const target = path.startsWith('files/') ? join(out, path) : join(out, 'reports', id, path);
      if (path.startsWith('files/') ? existsSync(target) : extname(path) !== '.json') continue;
      await mkdir(dirname(target), { recursive: true });
      await copyFile(join(folder, path), target);
    }
  }
  const index = join(reports, 'index.json');
  if (existsSync(index)) await copyFile(index, await made(join(out, 'reports', 'index.json')));
  await writeFile(join(out, 'schema.graphql'), sdl);
  // Keeps hosts that would process the site from doing so.
  await writeFile(join(out, '.nojekyll'), '');
}

async function made(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  return path;
}

/** Paths of all files below a folder, with forward slashes; hidden ones left out. */
async function filesBelow(folder: string, below = ''): Promise<string[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true });
  const nested = entries
    .filter(({ name }) => !name.startsWith('.'))
    .map((entry) => {
      const path = below ? `${below}/${entry.name}` : entry.name;
      return entry.isDirectory() ? filesBelow(folder, path) : [path];
    });
  return (await Promise.all(nested)).flat();
}
