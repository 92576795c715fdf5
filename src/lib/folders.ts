// Where the build reads from and writes to, from the environment that `eigenlens build` sets.
import { resolve } from 'node:path';

/** The folder of the reports: EIGENLENS_REPORTS, else `reports` below the working folder. */
export function reportsFolder(): string {
  return resolve(process.env.EIGENLENS_REPORTS || 'reports');
}

/** The folder that the site is written to: EIGENLENS_OUT, else `dist` below the working folder. */
export function outputFolder(): string {
  return resolve(process.env.EIGENLENS_OUT || 'dist');
}
