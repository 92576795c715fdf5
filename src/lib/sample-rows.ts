// A sample as a row of the table: written into the page at build time, and into rows.json for the script that filters all of them.
import type { SampleHead } from './data.ts';
import { formatShare } from './numbers.ts';

/** Rows on one page of the table: keeps the page below its budget. */
export const ROWS_PER_PAGE = 200;

/** Short keys, because there may be ten thousand: index, name, label, prediction, confidence, right, decision layer, thumbnail, own page. */
export interface SampleRow {
  readonly i: number;
  readonly n: string;
  readonly l: string | null;
  readonly p: string | null;
  readonly c: number | null;
  readonly r: boolean | null;
  readonly d: number | null;
  readonly t: string | null;
  readonly o: boolean;
}

/** A sample as a row; thumbnails are addressed relative to the site's root. */
export function rowOf({
  index,
  name,
  label,
  prediction,
  confidence,
  correct,
  decisionLayer,
  image,
  detailed,
}: SampleHead): SampleRow {
  return {
    i: index,
    n: name,
    l: label,
    p: prediction,
    c: confidence,
    r: correct,
    d: decisionLayer,
    t: image?.url ?? null,
    o: detailed,
  };
}

/** How a confidence is written in the table, by page and script alike. */
export function confidenceText(confidence: number | null): string {
  return formatShare(confidence);
}
