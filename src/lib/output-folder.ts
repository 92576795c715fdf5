// A build empties the folder that it writes to, so that folder must be empty or hold a site and nothing else.
import { readdir } from 'node:fs/promises';
import { EXIT, UserError } from '../../analysis/errors.ts';

/** What a built site holds at its root. */
const OWN = new Set([
  '.nojekyll',
  '.prerender',
  '404.html',
  'assets',
  'compare',
  'explore',
  'files',
  'glossary',
  'index.html',
  'models',
  'reports',
  'robots.txt',
  'schema.graphql',
  'search',
  'sitemap.xml',
]);

/** Throws UserError when a folder holds anything that no site has. */
export async function refuseForeignFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const foreign = names.filter((name) => !OWN.has(name));
  // A site has a front page: folders that merely share a name with its parts are somebody else's.
  if (foreign.length === 0 && (names.length === 0 || names.includes('index.html') || names.includes('assets'))) return;
  const shown = (foreign.length > 0 ? foreign : names).slice(0, 3).join(', ');
  throw new UserError(`${folder} is not a site: it holds ${shown}, and building there would delete it`, {
    exitCode: EXIT.usage,
    hint: 'Choose another output folder, or empty this one.',
  });
}
