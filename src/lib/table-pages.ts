// A table that is cut into pages: the first is at the table's own address, the others at `pages/2/`, `pages/3/`, … below it.
import type { ModelFacts } from './data.ts';

/** Addresses of the pages of a model's table of so many rows; there is at least one. */
export function pagesOf(model: ModelFacts, rows: number, rowsPerPage: number) {
  return Array.from({ length: Math.max(1, Math.ceil(rows / rowsPerPage)) }, (_, i) => ({
    params: { model: model.report, page: i === 0 ? undefined : `pages/${i + 1}` },
    props: { model, page: i + 1 },
  }));
}
