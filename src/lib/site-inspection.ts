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
  /** Pages above their budget, the same: they work, and take longer. Long names in a report or a thousand classes do that. */
  readonly heavy: readonly string[];
  /** Lines for a person: counts and sizes. */
  readonly summary: readonly string[];
  /** Paths of the pages that search engines may find. */
  readonly open: readonly string[];
}

interface Reference {
  readonly attribute: string;
  readonly value: string;
  readonly tag: string;
}

interface PageFacts {
  readonly ids: ReadonlySet<string>;
  readonly references: readonly Reference[];
  readonly problems: readonly string[];
}

/** Inspects every page of a built site, one at a time; `base` is the path that it is served under. */
export async function inspectSite(folder: string, base = '/'): Promise<Inspection> {
  const root = base.endsWith('/') ? base : `${base}/`;
  const names = (await readdir(folder, { recursive: true })).map((name) => name.replaceAll('\\', '/'));
  const known = new Set(names);
  const pages = names.filter((name) => name.endsWith('.html')).toSorted();
  const problems: string[] = [];
  const heavy: string[] = [];
  const open: string[] = [];
  const sizes: { path: string; bytes: number }[] = [];
  const scriptSizes = new Map<string, number>();
  let mostScript = 0;
  /** What is linked to on other pages: page, anchor, and who links to it first. */
  const linked = new Map<string, Map<string, string>>();
  for (const path of pages) {
    const html = await readFile(join(folder, path), 'utf8');
    const page = readPage(html);
    const bytes = Buffer.byteLength(html);
    if (!html.includes('<meta name="robots" content="noindex"')) open.push(path);
    sizes.push({ path, bytes });
    problems.push(...page.problems.map((problem) => `${path}: ${problem}`));
    if (bytes > PAGE_BUDGET)
      heavy.push(`${path}: ${kilobytes(bytes)} of HTML, the budget is ${kilobytes(PAGE_BUDGET)}`);
    const scripts = new Set<string>();
    for (const reference of page.references) {
      const { attribute, value, tag } = reference;
      const target = targetOf(reference, root, path);
      if (target === null) continue;
      if (typeof target === 'string') problems.push(`${path}: ${target}`);
      else if (!known.has(target.path)) problems.push(`${path}: ${attribute} ${value} leads nowhere`);
      else if (tag === 'script') scripts.add(target.path);
      else if (target.anchor && target.path === path) {
        if (!page.ids.has(target.anchor)) problems.push(`${path}: ${attribute} ${value}: no such anchor`);
      } else if (target.anchor && target.path.endsWith('.html')) {
        const anchors = linked.get(target.path) ?? new Map<string, string>();
        linked.set(target.path, anchors);
        if (!anchors.has(target.anchor)) anchors.set(target.anchor, `${path}: ${attribute} ${value}`);
      }
    }
    const key = [...scripts].join(' ');
    const script = scriptSizes.get(key) ?? (await sizeOfScripts(folder, scripts));
    scriptSizes.set(key, script);
    if (WITHOUT_SCRIPT_BUDGET.test(path)) continue;
    mostScript = Math.max(mostScript, script);
    if (script > SCRIPT_BUDGET)
      problems.push(`${path}: ${kilobytes(script)} of script, the budget is ${kilobytes(SCRIPT_BUDGET)}`);
  }
  for (const [path, anchors] of linked) {
    const { ids } = readPage(await readFile(join(folder, path), 'utf8'));
    for (const [anchor, where] of anchors) if (!ids.has(anchor)) problems.push(`${where}: no such anchor`);
  }
  const largest = sizes.toSorted((a, b) => b.bytes - a.bytes).slice(0, 3);
  let bytes = 0;
  for (const name of names) bytes += (await stat(join(folder, name))).size;
  const summary = [
    `${pages.length} pages, ${names.length} files, ${kilobytes(bytes)} in all`,
    `largest pages: ${largest.map((page) => `${page.path} ${kilobytes(page.bytes)}`).join(', ')}`,
    `most script on a page: ${kilobytes(mostScript)}`,
  ];
  return { problems, heavy, summary, open };
}

/** Where a reference leads inside the site: a file and an anchor; what is wrong with it; or null when it leads elsewhere and may. */
function targetOf(
  { attribute, value, tag }: Reference,
  root: string,
  page: string,
): { path: string; anchor?: string } | string | null {
  if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(value)) {
    // A canonical address names the page itself; a plain link to elsewhere is not a request.
    return (tag === 'a' && /^(?:https?|mailto):/.test(value)) || tag === 'link-canonical'
      ? null
      : `${tag} fetches ${value} from elsewhere`;
  }
  const [route = '', anchor] = value.split('#', 2);
  const path = route.split('?')[0] ?? '';
  if (path !== '' && !path.startsWith(root)) return `${attribute} ${value} is not under the base ${root}`;
  const local = path === '' ? page : decodeURIComponent(path.slice(root.length));
  return {
    path: local === '' || local.endsWith('/') ? `${local}index.html` : local,
    ...(anchor ? { anchor: decodeURIComponent(anchor) } : {}),
  };
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

function readPage(html: string): PageFacts {
  const problems: string[] = [];
  const ids = new Set<string>();
  const references: Reference[] = [];
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
    for (const attribute of ['href', 'src', 'action', 'data-json']) {
      const value = found.get(attribute);
      if (value !== undefined) references.push({ attribute, value, tag: kind });
    }
    // Relative addresses in srcset are as easy to break; the site has none.
    if (found.has('srcset')) problems.push(`srcset on ${where} is not checked: use src`);
  }
  return { ids, references, problems };
}

function unescape(text: string): string {
  if (!text.includes('&')) return text;
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
