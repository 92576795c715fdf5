// Reads a built site as a browser and a strict policy would: every link and anchor leads somewhere, nothing is fetched from
// elsewhere, nothing is inline that the policy forbids, ids are unique, and pages and scripts stay within their budgets.
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

export const PAGE_BUDGET = 150 * 1024;
export const SCRIPT_BUDGET = 30 * 1024;
/** The explorer carries GraphQL itself. */
const WITHOUT_SCRIPT_BUDGET = /^explore\//;

export interface Inspection {
  /** Each a sentence with its page; none when the site may be published. */
  readonly problems: readonly string[];
  /** Lines for a person: counts and sizes. */
  readonly summary: readonly string[];
}

interface PageFacts {
  readonly path: string;
  readonly bytes: number;
  readonly ids: ReadonlySet<string>;
  readonly references: readonly { readonly attribute: string; readonly value: string; readonly tag: string }[];
  readonly problems: readonly string[];
}

/** Inspects every page of a built site; `base` is the path that it is served under. */
export async function inspectSite(folder: string, base = '/'): Promise<Inspection> {
  const root = base.endsWith('/') ? base : `${base}/`;
  const names = (await readdir(folder, { recursive: true })).map((name) => name.replaceAll('\\', '/'));
  const pages = await Promise.all(
    names
      .filter((name) => name.endsWith('.html'))
      .toSorted()
      .map(async (path) => readPage(path, await readFile(join(folder, path), 'utf8'))),
  );
  const byPath = new Map(pages.map((page) => [page.path, page]));
  const problems: string[] = [];
  const scriptSizes = new Map<string, number>();
  for (const page of pages) {
    problems.push(...page.problems.map((problem) => `${page.path}: ${problem}`));
    if (page.bytes > PAGE_BUDGET)
      problems.push(`${page.path}: ${kilobytes(page.bytes)} of HTML, the budget is ${kilobytes(PAGE_BUDGET)}`);
    const scripts = new Set<string>();
    for (const { attribute, value, tag } of page.references) {
      const problem = followReference(folder, root, page, byPath, attribute, value, tag);
      if (problem) problems.push(`${page.path}: ${problem}`);
      else if (tag === 'script') scripts.add(value.slice(root.length));
    }
    const total = await sizeOfScripts(folder, scripts);
    scriptSizes.set(page.path, total);
    if (total > SCRIPT_BUDGET && !WITHOUT_SCRIPT_BUDGET.test(page.path)) {
      problems.push(`${page.path}: ${kilobytes(total)} of script, the budget is ${kilobytes(SCRIPT_BUDGET)}`);
    }
  }
  const largest = pages.toSorted((a, b) => b.bytes - a.bytes).slice(0, 3);
  const bytes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  const summary = [
    `${pages.length} pages, ${names.length} files, ${kilobytes(bytes.reduce((sum, size) => sum + size, 0))} in all`,
    `largest pages: ${largest.map((page) => `${page.path} ${kilobytes(page.bytes)}`).join(', ')}`,
    `most script on a page: ${kilobytes(Math.max(0, ...[...scriptSizes].filter(([path]) => !WITHOUT_SCRIPT_BUDGET.test(path)).map(([, size]) => size)))}`,
  ];
  return { problems, summary };
}

/** Says what is wrong with a reference, or null. */
function followReference(
  folder: string,
  root: string,
  page: PageFacts,
  pages: ReadonlyMap<string, PageFacts>,
  attribute: string,
  value: string,
  tag: string,
): string | null {
  if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(value)) {
    // A canonical address names the page itself; a plain link to elsewhere is not a request.
    return (tag === 'a' && /^(?:https?|mailto):/.test(value)) || tag === 'link-canonical'
      ? null
      : `${tag} fetches ${value} from elsewhere`;
  }
  const [route = '', anchor] = value.split('#', 2);
  const path = route.split('?')[0] ?? '';
  if (path !== '' && !path.startsWith(root)) return `${attribute} ${value} is not under the base ${root}`;
  let local = path === '' ? page.path : decodeURIComponent(path.slice(root.length));
  if (local === '' || local.endsWith('/')) local += 'index.html';
  if (!existsSync(join(folder, local))) return `${attribute} ${value} leads nowhere`;
  if (!anchor) return null;
  const target = pages.get(local);
  return target && !target.ids.has(decodeURIComponent(anchor)) ? `${attribute} ${value}: no such anchor` : null;
}

/** Scripts and the modules that they import at once; what they import later does not count against a page. */
async function sizeOfScripts(folder: string, scripts: Iterable<string>): Promise<number> {
  const seen = new Set<string>();
  const visit = async (path: string): Promise<number> => {
    if (seen.has(path) || !existsSync(join(folder, path))) return 0;
    seen.add(path);
    const code = await readFile(join(folder, path), 'utf8');
    const imports = [...code.matchAll(/(?:^|[;}\s])(?:import|export)\s*(?:[\w{},*$\s]*?from\s*)?["'](\.[^"']+)["']/g)];
    const below = await Promise.all(imports.map(([, to]) => visit(join(path, '..', to!).replaceAll('\\', '/'))));
    return Buffer.byteLength(code) + below.reduce((sum, size) => sum + size, 0);
  };
  let total = 0;
  for (const script of scripts) total += await visit(script);
  return total;
}

function readPage(path: string, html: string): PageFacts {
  const problems: string[] = [];
  const ids = new Set<string>();
  const references: PageFacts['references'][number][] = [];
  const policy = /<meta http-equiv="content-security-policy" content="([^"]*)"/i.exec(html)?.[1] ?? '';
  if (!policy.includes("default-src 'none'") && !policy.includes('default-src &#39;none&#39;'))
    problems.push('no content security policy');
  for (const [, tag = '', attributes = ''] of html.matchAll(
    /<([a-z][a-z0-9-]*)((?:\s+[^\s=>]+(?:="[^"]*"|='[^']*'|=[^\s>]*)?)*)\s*\/?>/gi,
  )) {
    const found = new Map(
      [...attributes.matchAll(/([^\s=]+)(?:=(?:"([^"]*)"|'([^']*)'|([^\s>]*)))?/g)].map(([, name, a, b, c]) => [
        name!.toLowerCase(),
        unescape(a ?? b ?? c ?? ''),
      ]),
    );
    const id = found.get('id');
    if (id !== undefined) {
      if (ids.has(id)) problems.push(`the id ${id} is there twice`);
      ids.add(id);
    }
    const where = tag.toLowerCase();
    if (found.has('style')) problems.push(`a style attribute on ${where}, which the policy forbids`);
    if (where === 'style' || (where === 'script' && !found.has('src')))
      problems.push(`an inline ${where}, which the policy forbids`);
    for (const name of found.keys())
      if (/^on[a-z]+$/.test(name)) problems.push(`an inline handler ${name} on ${where}`);
    const kind = where === 'link' && found.get('rel') === 'canonical' ? 'link-canonical' : where;
    for (const attribute of ['href', 'src', 'data-rows', 'data-index']) {
      const value = found.get(attribute);
      if (value !== undefined) references.push({ attribute, value, tag: kind });
    }
    // Relative addresses in srcset are as easy to break; the site has none.
    if (found.has('srcset')) problems.push(`srcset on ${where} is not checked: use src`);
  }
  return { path, bytes: Buffer.byteLength(html), ids, references, problems };
}

function unescape(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&#38;', '&')
    .replaceAll('&amp;', '&');
}

function kilobytes(bytes: number): string {
  return bytes < 10 * 1024 ** 2
    ? `${Math.round(bytes / 1024).toLocaleString('en-GB')} KB`
    : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}
