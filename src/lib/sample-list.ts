// In the browser: filters and sorts the table of samples over all pages of it. Names are set as text, never as markup.
import { pageAddress, readPublished } from './published.ts';
import { confidenceText, ROWS_PER_PAGE, type SampleRow } from './sample-rows.ts';

type Key = 'i' | 'l' | 'p' | 'r' | 'c' | 'd';

/** Rows that pass the filter, in the order asked for; missing values come last either way. */
export function selectRows(
  rows: readonly SampleRow[],
  filter: { name?: string; outcome?: string; class?: string; own?: boolean },
  sort: { key: Key; down: boolean },
): SampleRow[] {
  const name = filter.name?.trim().toLowerCase() ?? '';
  const kept = rows.filter(
    (row) =>
      row.n.toLowerCase().includes(name) &&
      (!filter.outcome || row.r === (filter.outcome === 'right')) &&
      (!filter.class || row.l === filter.class || row.p === filter.class) &&
      (!filter.own || row.o),
  );
  const sign = sort.down ? -1 : 1;
  return kept.toSorted((a, b) => {
    const [x, y] = [a[sort.key], b[sort.key]];
    if (x === null || y === null) return Number(x === null) - Number(y === null) || a.i - b.i;
    if (typeof x === 'string' && typeof y === 'string')
      return sign * x.localeCompare(y, 'en', { numeric: true }) || a.i - b.i;
    return sign * (Number(x) - Number(y)) || a.i - b.i;
  });
}

/** Brings the form of a sample list to life and makes its column heads sort. */
export function enhanceSampleList(list: HTMLElement): void {
  const form = list.querySelector('form')!;
  const body = list.querySelector('tbody')!;
  const status = list.querySelector('[role=status]')!;
  const pages = list.querySelector<HTMLElement>('.pages');
  const asWritten = [...body.rows];
  const sort: { key: Key; down: boolean } = { key: 'i', down: false };
  let rows: Promise<SampleRow[]> | null = null;
  let turn = 0;

  const update = async () => {
    const own = ++turn;
    rows ??= readPublished<SampleRow[]>(list.dataset.json!);
    const values = new FormData(form);
    const text = (name: string) => {
      const value = values.get(name);
      return typeof value === 'string' ? value : '';
    };
    const filter = { name: text('name'), outcome: text('outcome'), class: text('class'), own: values.has('own') };
    let all: SampleRow[];
    try {
      all = await rows;
    } catch {
      rows = null;
      status.textContent = 'The list of samples could not be loaded.';
      return;
    }
    // Only the latest wish counts: an earlier one may answer later.
    if (own !== turn) return;
    const untouched = !filter.name && !filter.outcome && !filter.class && !filter.own && sort.key === 'i' && !sort.down;
    if (pages) pages.hidden = !untouched;
    if (untouched) {
      body.replaceChildren(...asWritten);
      status.textContent = '';
      return;
    }
    const kept = selectRows(all, filter, sort);
    body.replaceChildren(...kept.slice(0, ROWS_PER_PAGE).map((row) => drawRow(list, body.dataset.columns!, row)));
    status.textContent =
      kept.length > ROWS_PER_PAGE
        ? `${kept.length} samples, the first ${ROWS_PER_PAGE} shown`
        : `${kept.length} of ${all.length} samples`;
  };

  for (const head of list.querySelectorAll<HTMLElement>('th[data-key]')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'sort';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const key = head.dataset.key as Key;
      sort.down = sort.key === key ? !sort.down : key === 'c' || key === 'd';
      sort.key = key;
      for (const other of list.querySelectorAll('th[aria-sort]')) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', sort.down ? 'descending' : 'ascending');
      void update();
    });
  }
  form.hidden = false;
  form.addEventListener('input', () => void update());
  form.addEventListener('submit', (event) => event.preventDefault());
  // A browser may restore what was typed before a page was left.
  if (form.querySelector<HTMLInputElement>('input[name=name]')!.value) void update();
}

function drawRow(list: HTMLElement, columns: string, row: SampleRow): HTMLTableRowElement {
  const line = document.createElement('tr');
  for (const column of columns) {
    const cell = line.appendChild(document.createElement(column === 'i' ? 'th' : 'td'));
    if (column === 't') {
      cell.className = 'samples-picture';
      if (row.t) {
        const image = cell.appendChild(document.createElement('img'));
        Object.assign(image, {
          className: 'pixels pixels-photo',
          src: list.dataset.folderSite! + row.t,
          width: 28,
          height: 28,
          alt: '',
        });
      }
    } else if (column === 'i') {
      cell.setAttribute('scope', 'row');
      cell.className = 'is-text';
      const name = row.o ? cell.appendChild(document.createElement('a')) : cell;
      if (name instanceof HTMLAnchorElement) name.href = pageAddress(`${list.dataset.folderSamples}${row.i}/`);
      name.textContent = row.n;
    } else if (column === 'c') cell.textContent = confidenceText(row.c);
    else if (column === 'd') cell.textContent = row.d === null ? '–' : String(row.d);
    else if (column === 'r') {
      cell.className = row.r === false ? 'is-text is-wrong' : 'is-text';
      cell.textContent = row.r === null ? '–' : row.r ? 'right' : 'wrong';
    } else {
      cell.className = 'is-text';
      cell.textContent = (column === 'l' ? row.l : row.p) ?? '–';
    }
  }
  return line;
}
