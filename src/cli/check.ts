// `eigenlens check [ID…]`: rules over reports, and against a baseline; ends with 1 when an error rule is broken.
import type { Command } from 'commander';
import { writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { EXIT, UserError } from '../../analysis/errors.ts';
import type { Review } from '../../reports/review.ts';
import { addKnobs } from './knobs.ts';
import { makeFolder, makeWritable, shown, unwritable } from './paths.ts';
import type { Invocation, Verb } from './verb.ts';

/** A base stands before its head in the order of ids. */
const BASELINE_PREFIX = '0-baseline-';

export const verb: Verb = {
  define(command: Command) {
    command
      .argument('[ids...]', 'Reports (default: all)')
      .option('--junit <FILE>', 'Write the result as JUnit as well')
      .option(
        '--keep-baselines <DIR>',
        `Copy each baseline to DIR/${BASELINE_PREFIX}ID: a site built of both reports compares them`,
      );
    addKnobs(command, ['reports', 'baseline']);
  },
  async run(invocation) {
    const { args, flags, terminal, folder } = invocation;
    const [{ reviewText }, { countsOf }] = [
      await import('../../reports/review-text.ts'),
      await import('../../reports/review.ts'),
    ];
    const keep = flags['keepBaselines'] as string | undefined;
    const reviews = await reviewsOf(idsOf(args), invocation, keep === undefined ? null : resolve(folder, keep));
    for (const review of reviews) terminal.print(reviewText(review, terminal));
    const { failed, warned } = countsOf(reviews);
    const told = `${failed} failed, ${warned} warned`;
    const junit = flags['junit'] as string | undefined;
    if (junit !== undefined) {
      const { junitOf } = await import('../../reports/junit.ts');
      await writeText(resolve(folder, junit), junitOf(reviews), '--junit');
    }
    return {
      exitCode: failed > 0 ? EXIT.findings : EXIT.done,
      json: { reviews },
      last: `${junit === undefined ? 'Nothing was written' : `Wrote ${shown(resolve(folder, junit), folder)}`}; ${told}.`,
    };
  },
};

/** A list argument comes as an array of its own; a report that is named twice is one. */
export function idsOf(args: readonly unknown[]): string[] {
  return [...new Set(args.flat().filter((id): id is string => typeof id === 'string'))];
}

/** Reviews of the reports of these ids, or of all, by the rules of the configuration; `keep`: a folder for the baselines. */
export async function reviewsOf(
  ids: readonly string[],
  { project, folder, environment }: Pick<Invocation, 'project' | 'folder' | 'environment'>,
  keep: string | null = null,
): Promise<Review[]> {
  const { openStore } = await import('../../reports/store.ts');
  const { rulesOf } = await import('../../reports/checks.ts');
  const { reviewReport } = await import('../../reports/review.ts');
  const { baselineOf } = await import('./baseline.ts');
  const store = openStore(project.reports);
  const chosen = ids.length > 0 ? ids : await store.list();
  if (chosen.length === 0) {
    throw new UserError(`There is no report in ${project.reports}.`, {
      hint: 'Make one with eigenlens analyze MODEL.',
    });
  }
  const reviews: Review[] = [];
  for (const id of chosen) {
    const head = await store.report(id);
    const given = { given: project.baseline, reports: project.reports, folder, environment };
    const { report, found, copyTo } = await baselineOf(id, given);
    if (keep !== null && copyTo) {
      await makeWritable(keep, '--keep-baselines');
      await copyTo(join(keep, `${BASELINE_PREFIX}${id}`));
    }
    reviews.push(await reviewReport(head, report, found, rulesOf(project.checks)));
  }
  return reviews;
}

/** Writes a result beside its place's other files; UserError when that cannot be. */
export async function writeText(path: string, text: string, flag: string): Promise<void> {
  try {
    await makeFolder(dirname(path));
    await writeFile(path, text);
  } catch (cause) {
    throw unwritable(path, cause, `Name another file with ${flag}.`);
  }
}
