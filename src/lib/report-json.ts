// Where the numbers of a page lie as JSON: the part of the report that is about it, or the report itself where it has none.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { reportsFolder } from './folders.ts';
import { url } from './url.ts';

/** Link to `layers/3.json` or `samples/7.json` of a report; to report.json when nothing was answered there. */
export function jsonUrl(report: string, part: 'layers' | 'samples', index: number): string {
  const file = `${part}/${index}.json`;
  return url(`reports/${report}/${existsSync(join(reportsFolder(), report, file)) ? file : 'report.json'}`);
}
