// In the browser: hides the rows of the table of decisions that a filter leaves out. All rows are in the page.

export interface RowFacts {
  readonly outcome: string;
  readonly label: string;
  readonly prediction: string;
  readonly decided: number;
}

/** Whether a row passes a filter; an empty wish asks for nothing. */
export function passes(row: RowFacts, wish: { outcome: string; class: string; decided: string }): boolean {
  return (
    (wish.outcome === '' || row.outcome === wish.outcome) &&
    (wish.class === '' || row.label === wish.class || row.prediction === wish.class) &&
    (wish.decided === '' || row.decided >= Number(wish.decided))
  );
}

/** Brings the form of a table of decisions to life. */
export function enhanceDecisionTable(table: HTMLElement): void {
  const form = table.querySelector('form')!;
  const status = table.querySelector('[role=status]')!;
  const rows = [...table.querySelectorAll<HTMLTableRowElement>('tbody tr')];
  const update = (): void => {
    const values = new FormData(form);
    const text = (name: string): string => {
      const value = values.get(name);
      return typeof value === 'string' ? value : '';
    };
    const wish = { outcome: text('outcome'), class: text('class'), decided: text('decided') };
    let shown = 0;
    for (const row of rows) {
      const { outcome = '', label = '', prediction = '', decided = '0' } = row.dataset;
      row.hidden = !passes({ outcome, label, prediction, decided: Number(decided) }, wish);
      if (!row.hidden) shown++;
    }
    status.textContent = shown === rows.length ? '' : `${shown} of ${rows.length} rows`;
  };
  form.hidden = false;
  form.addEventListener('input', update);
  form.addEventListener('submit', (event) => event.preventDefault());
  update();
}
