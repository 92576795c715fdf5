// The explorer's page in the browser: a question and its variables go into the address, the answer below them. The part
// that answers (explorer-engine.ts) is loaded with the first question.
import type { Answer, Engine } from './explorer-engine.ts';

/** A ready-made question as the page carries it. */
interface Question {
  readonly name: string;
  readonly document: string;
  readonly variables: readonly string[];
}

/** What an address holds after its `#`. */
export interface Asked {
  readonly document: string;
  readonly variables: string;
}

/** Longer answers are cut on the page, and whole in the file. */
const SHOWN_CHARACTERS = 100_000;
const SHOWN_ROWS = 200;

/** The address of a question: a ready-made one by its name, any other in full. */
export function hashOf({ document, variables }: Asked, questions: readonly Question[]): string {
  const ready = questions.find((one) => one.document === document.trim());
  const parts = new URLSearchParams(ready ? { question: ready.name } : { query: document });
  if (variables.trim() !== '' && variables.trim() !== '{}') parts.set('variables', compact(variables));
  return `#${parts}`;
}

/** What an address asks, or null when it is an anchor or nothing. */
export function askedIn(hash: string, questions: readonly Question[]): Asked | null {
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  const ready = questions.find(({ name }) => name === parts.get('question'));
  const document = ready?.document ?? parts.get('query');
  return document ? { document, variables: spread(parts.get('variables') ?? '{}') } : null;
}

function compact(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json));
  } catch {
    return json;
  }
}

function spread(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

/** In the browser: brings the explorer's page to life. */
export function enhanceExplorer(root: HTMLElement): void {
  const part = (name: string) => root.querySelector<HTMLElement>(`[data-part=${name}]`)!;
  const questionField = part('question') as HTMLSelectElement;
  const reportField = part('report') as HTMLSelectElement;
  const documentField = part('document') as HTMLTextAreaElement;
  const variablesField = part('variables') as HTMLTextAreaElement;
  const status = part('status');
  const problems = part('problems');
  const answerPart = part('answer');
  const json = part('json');
  const rows = part('rows');
  const cut = part('cut');
  const fetchedList = part('fetched');
  const views = [...root.querySelectorAll<HTMLInputElement>('input[name=view]')];

  const reports = [...reportField.options].map(({ value }) => value);
  const questions: Question[] = [...questionField.options].flatMap(({ value, dataset }) =>
    value
      ? [{ name: value, document: dataset.document!, variables: dataset.variables!.split(' ').filter(Boolean) }]
      : [],
  );

  let loading: Promise<{ engine: Engine; toCsv: (table: Exclude<Answer['table'], string>) => string }> | null = null;
  const load = () => {
    loading ??= import('./explorer-engine.ts').then(({ startEngine, toCsv }) => ({
      engine: startEngine(root.dataset.reports!, reports),
      toCsv,
    }));
    loading.catch(() => (loading = null));
    return loading;
  };

  async function fill(question: Question): Promise<void> {
    const report = reportField.value;
    documentField.value = question.document;
    const known: Record<string, string | undefined> = {
      model: report,
      base: report,
      head: reports.find((one) => one !== report) ?? report,
    };
    if (question.variables.some((name) => !(name in known))) {
      const { engine } = await load();
      Object.assign(known, await engine.example(report));
    }
    const variables = question.variables.map((name) => [name, known[name]]);
    variablesField.value = JSON.stringify(Object.fromEntries(variables), null, 2);
  }

  let latest = 0;
  async function ask({ document, variables }: Asked): Promise<void> {
    const own = ++latest;
    const parsed = readVariables(variables);
    if (typeof parsed === 'string') return complain([{ message: parsed, at: null }]);
    status.textContent = loading ? 'Asking…' : 'Loading GraphQL…';
    root.setAttribute('aria-busy', 'true');
    try {
      const { engine, toCsv } = await load();
      const started = performance.now();
      const answer = await engine.ask(document, parsed);
      const took = Math.round(performance.now() - started);
      if (own === latest) show(answer, took, toCsv);
    } catch (error) {
      if (own === latest)
        complain([{ message: `No answer: ${error instanceof Error ? error.message : error}`, at: null }]);
    } finally {
      if (own === latest) root.removeAttribute('aria-busy');
    }
  }

  function complain(errors: Answer['errors']): void {
    problems.replaceChildren(
      ...errors.map(({ message, at }) => {
        const item = document.createElement('li');
        if (at === null) item.textContent = message;
        else {
          const button = item.appendChild(document.createElement('button'));
          button.type = 'button';
          button.textContent = message;
          button.addEventListener('click', () => {
            documentField.focus();
            documentField.setSelectionRange(at, at);
          });
        }
        return item;
      }),
    );
    problems.hidden = errors.length === 0;
    if (errors.length > 0) status.textContent = errors.length === 1 ? 'One error' : `${errors.length} errors`;
  }

  function show(answer: Answer, took: number, toCsv: (table: Exclude<Answer['table'], string>) => string): void {
    const { table, fetched } = answer;
    answerPart.hidden = false;
    json.textContent = answer.json.slice(0, SHOWN_CHARACTERS);
    const flat = typeof table === 'string' ? null : table;
    rows.replaceChildren(...(flat ? [drawTable(flat)] : []));
    part('no-table').textContent = typeof table === 'string' ? table : '';
    part('no-table').hidden = flat !== null;
    cut.hidden = answer.json.length <= SHOWN_CHARACTERS && (flat?.rows.length ?? 0) <= SHOWN_ROWS;
    offer(part('save-json') as HTMLAnchorElement, 'answer.json', answer.json, 'application/json');
    part('save-csv').hidden = !flat;
    if (flat) offer(part('save-csv') as HTMLAnchorElement, 'answer.csv', toCsv(flat), 'text/csv');
    const bytes = fetched.reduce((sum, file) => sum + file.bytes, 0);
    fetchedList.replaceChildren(
      ...fetched.map(({ path, bytes: size }) => {
        const item = document.createElement('li');
        item.textContent = `${path} (${kilobytes(size)})`;
        return item;
      }),
    );
    const files = fetched.length === 1 ? 'one file' : `${fetched.length} files`;
    part('fetched-count').textContent =
      fetched.length === 0 ? 'Nothing had to be fetched' : `Fetched ${files}, ${kilobytes(bytes)}`;
    const count = flat ? `${flat.rows.length} ${flat.rows.length === 1 ? 'row' : 'rows'}` : 'Answered';
    status.textContent = `${count} in ${took} ms`;
    complain(answer.errors);
    showView();
  }

  function showView(): void {
    const view = views.find(({ checked }) => checked)?.value;
    part('json-view').hidden = view !== 'json';
    part('table-view').hidden = view !== 'table';
  }

  function current(): Asked {
    return { document: documentField.value, variables: variablesField.value };
  }

  function fromAddress(): void {
    const asked = askedIn(location.hash, questions);
    if (!asked) return openAnchor();
    documentField.value = asked.document;
    variablesField.value = asked.variables;
    questionField.value = questions.find((one) => one.document === asked.document)?.name ?? '';
    const { model } = (readVariables(asked.variables) || {}) as { model?: string };
    if (model !== undefined && reports.includes(model)) reportField.value = model;
    void ask(asked);
  }

  function run(): void {
    const asked = current();
    const hash = hashOf(asked, questions);
    if (hash !== location.hash) history.pushState(null, '', hash);
    void ask(asked);
  }

  const choose = async (name: string, thenRun: boolean) => {
    const question = questions.find((one) => one.name === name);
    if (!question) return;
    questionField.value = name;
    try {
      await fill(question);
    } catch (error) {
      return complain([{ message: error instanceof Error ? error.message : String(error), at: null }]);
    }
    if (thenRun) run();
  };
  questionField.addEventListener('change', () => void choose(questionField.value, false));
  reportField.addEventListener('change', () => void choose(questionField.value, false));
  for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-question]')) {
    button.hidden = false;
    button.addEventListener('click', () => {
      root.scrollIntoView();
      void choose(button.dataset.question!, true).then(() => documentField.focus({ preventScroll: true }));
    });
  }
  root.querySelector('form')!.addEventListener('submit', (event) => {
    event.preventDefault();
    run();
  });
  root.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    run();
  });
  for (const view of views) view.addEventListener('change', showView);
  window.addEventListener('popstate', fromAddress);
  root.hidden = false;
  if (askedIn(location.hash, questions)) fromAddress();
  else void choose(questions[0]!.name, false).then(openAnchor);
}

/** A folded part that an anchor leads to opens. */
function openAnchor(): void {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!(target instanceof HTMLDetailsElement)) return;
  target.open = true;
  target.scrollIntoView();
}

/** The variables as an object, or what is wrong with them. */
function readVariables(text: string): Record<string, unknown> | string {
  try {
    const value: unknown = JSON.parse(text.trim() || '{}');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    return `The variables are not JSON: ${(error as Error).message}`;
  }
  return 'The variables are not a JSON object.';
}

function drawTable({ columns, rows }: Exclude<Answer['table'], string>): HTMLTableElement {
  const table = document.createElement('table');
  const head = table.createTHead().insertRow();
  for (const column of columns) {
    const cell = head.appendChild(document.createElement('th'));
    cell.scope = 'col';
    cell.textContent = column;
  }
  const body = table.createTBody();
  for (const row of rows.slice(0, SHOWN_ROWS)) {
    const line = body.insertRow();
    for (const value of row) line.insertCell().textContent = value === null ? '–' : String(value);
  }
  return table;
}

function offer(link: HTMLAnchorElement, name: string, text: string, type: string): void {
  if (link.href.startsWith('blob:')) URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
}

function kilobytes(bytes: number): string {
  return bytes < 1000 ? `${bytes} B` : `${Math.round(bytes / 1000).toLocaleString('en-GB')} KB`;
}
