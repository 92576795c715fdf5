// What the build does around the pages: writes beside the output folder and replaces it when the site is whole and sound,
// so that a build that fails leaves the old site as it was and two builds at once do not meet; publishes what the pages
// refer to; checks the result. A broken link, an unsafe page or too much script fails the build; a page above its budget, which
// may be what names in a report make it, is told.
import { createReadStream, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { AstroIntegration } from 'astro';
import { sdl } from '../../graphql/sdl.ts';
import { findFile, folderSource, writeIndex } from '../../reports/store.ts';
import { outputFolder, reportsFolder } from './folders.ts';
import { refuseForeignFolder } from './output-folder.ts';
import { inspectSite } from './site-inspection.ts';

/** The integration that frames the build. */
export function finishSite(): AstroIntegration {
  let base = '/';
  let address: string | undefined;
  return {
    name: 'eigenlens',
    hooks: {
      'astro:config:setup': async ({ config, command, updateConfig }) => {
        base = config.base;
        address = config.site;
        if (command !== 'build') return;
        await refuseForeignFolder(outputFolder());
        updateConfig({ outDir: pathToFileURL(`${workFolder(fileURLToPath(config.root))}/`) });
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
      'astro:build:done': async ({ dir, logger }) => {
        const built = fileURLToPath(dir);
        await publish(reportsFolder(), built);
        const { problems, heavy, summary, open } = await inspectSite(built, base);
        for (const line of summary) logger.info(line);
        for (const line of atMost(heavy)) logger.warn(line);
        if (problems.length > 0) throw new Error(listProblems(problems));
        if (address !== undefined) await writeSitemap(built, new URL(base, address), open);
        await replaceFolder(built, outputFolder());
        logger.info(`written to ${outputFolder()}`);
      },
    },
  };
}

/** A fresh folder below the package's own, where Node finds the packages that the pages import; gone when the process ends. */
function workFolder(root: string): string {
  mkdirSync(join(root, '.eigenlens'), { recursive: true });
  const folder = mkdtempSync(join(root, '.eigenlens', 'site-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** More than these a sitemap may not hold; the deepest pages are found by their links. */
const MOST_IN_SITEMAP = 50_000;

async function writeSitemap(built: string, root: URL, pages: readonly string[]): Promise<void> {
  const below = root.href.endsWith('/') ? root.href : `${root.href}/`;
  const depth = (path: string) => path.split('/').length;
  const addresses = pages
    .toSorted((a, b) => depth(a) - depth(b))
    .slice(0, MOST_IN_SITEMAP)
    .map((path) =>
      path
        .replace(/(?:^|(?<=\/))index\.html$/, '')
        .split('/')
        .map(encodeURIComponent)
        .join('/'),
    );
  // An encoded address holds nothing that XML reads as markup but an apostrophe, which is text there.
  const lines = addresses.map((path) => `<url><loc>${below}${path}</loc></url>\n`);
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n`;
  await writeFile(join(built, 'sitemap.xml'), `${xml}${lines.join('')}</urlset>\n`);
  // Only at the root of a host is it read.
  if (root.pathname === '/') await writeFile(join(built, 'robots.txt'), `Sitemap: ${below}sitemap.xml\n`);
}

async function replaceFolder(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await mkdir(dirname(to), { recursive: true });
  // A folder cannot be renamed onto another disk.
  await rename(from, to).catch(() => cp(from, to, { recursive: true }));
}

/** Pictures and arrays of all reports side by side (their names are hashes), every report's JSON, and the schema. */
async function publish(reports: string, out: string): Promise<void> {
  await mkdir(join(out, 'files'), { recursive: true });
  for (const id of await folderSource(reports).list()) {
    const folder = join(reports, id);
    for (const path of await filesBelow(folder)) {
      const shared = path.startsWith('files/');
      const target = shared ? join(out, path) : join(out, 'reports', id, path);
      if (shared ? existsSync(target) : extname(path) !== '.json') continue;
      await mkdir(dirname(target), { recursive: true });
      await copyFile(join(folder, path), target);
    }
  }
  await writeIndex(reports, join(out, 'reports'));
  await writeFile(join(out, 'schema.graphql'), sdl);
  // Keeps a host from processing the site.
  await writeFile(join(out, '.nojekyll'), '');
}

/** Paths of all files below a folder, with forward slashes; hidden ones left out. */
async function filesBelow(folder: string, below = ''): Promise<string[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true });
  const nested = entries
    .filter(({ name }) => !name.startsWith('.'))
    .map(async (entry) => {
      const path = below ? `${below}/${entry.name}` : entry.name;
      return entry.isDirectory() ? filesBelow(folder, path) : [path];
    });
  return (await Promise.all(nested)).flat();
}

const LISTED = 30;

function atMost(lines: readonly string[]): string[] {
  return lines.length > LISTED ? [...lines.slice(0, LISTED), `and ${lines.length - LISTED} more`] : [...lines];
}

function listProblems(problems: readonly string[]): string {
  const lines = atMost(problems).map((line) => `  ${line}`);
  return `The site has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${lines.join('\n')}`;
}
