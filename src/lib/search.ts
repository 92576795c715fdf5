// Search over models, layers, samples and terms: an index written at build time, and matching that the browser does itself.
import { pageAddress, readPublished } from './published.ts';

/** One thing that can be found; keys are short because there may be thousands. */
export interface Entry {
  /** Title. */
  readonly t: string;
  /** Kind: model, layer, sample, method, term. */
  readonly k: string;
  /** Address below the site's root. */
  readonly u: string;
  /** Where it belongs, and further words to find it by. */
  readonly x: string;
}

/** Entries that hold every word of the query, best first: title equal, title begins with it, title holds it, the rest. */
export function findEntries(entries: readonly Entry[], query: string, limit = 40): Entry[] {
  const wish = query.trim().toLowerCase();
  const words = wish.split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const scored = entries.flatMap((entry) => {
    const title = entry.t.toLowerCase();
    const text = `${title} ${entry.k} ${entry.x.toLowerCase()}`;
    if (!words.every((word) => text.includes(word))) return [];
    const score = title === wish ? 0 : title.startsWith(wish) ? 1 : words.every((word) => title.includes(word)) ? 2 : 3;
    return [{ entry, score }];
  });
  return scored
    .toSorted((a, b) => a.score - b.score)
    .slice(0, limit)
    .map(({ entry }) => entry);
}

/** In the browser: brings the search page to life. */
export function enhanceSearch(root: HTMLElement): void {
  const input = root.querySelector('input')!;
  const list = root.querySelector('ol')!;
  const status = root.querySelector('[role=status]')!;
  let entries: Promise<Entry[]> | null = null;
  const update = async () => {
    const query = input.value;
    if (query.trim() === '') {
      list.replaceChildren();
      status.textContent = '';
      return;
    }
    entries ??= readPublished<Entry[]>(root.dataset.json!);
    let all: Entry[];
    try {
      all = await entries;
    } catch {
      entries = null;
      status.textContent = 'The index could not be loaded.';
      return;
    }
    if (query !== input.value) return;
    const found = findEntries(all, query);
    list.replaceChildren(...found.map((entry) => drawEntry(entry, root.dataset.folderSite!)));
    status.textContent =
      found.length === 0 ? 'Nothing found.' : found.length === 1 ? 'One result' : `${found.length} results`;
  };
  const asked = new URLSearchParams(location.search).get('q');
  if (asked) input.value = asked;
  input.addEventListener('input', () => void update());
  root.querySelector('form')!.addEventListener('submit', (event) => {
    event.preventDefault();
    void update();
  });
  root.hidden = false;
  void update();
}

function drawEntry(entry: Entry, site: string): HTMLLIElement {
  const item = document.createElement('li');
  const link = item.appendChild(document.createElement('a'));
  link.href = pageAddress(site + entry.u);
  link.textContent = entry.t;
  const note = item.appendChild(document.createElement('span'));
  note.className = 'quiet';
  note.textContent = ` ${entry.k}${entry.x ? ` · ${entry.x}` : ''}`;
  return item;
}
