// `eigenlens diff BASE HEAD`: two reports compared, for a terminal, as Markdown or as JSON.
import { Option, type Command } from 'commander';
import { EXIT } from '../../analysis/errors.ts';
import { addKnobs } from './knobs.ts';
import { reportAt } from './report-place.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  define(command: Command) {
    command
      .argument('<base>', 'A report: its id, its folder, or git:REVISION:ID')
      .argument('<head>', 'The report that is compared with it')
      .addOption(new Option('--format <FORMAT>', 'text, json or md').choices(['text', 'json', 'md']).default('text'))
      .option('--all', 'Show what is unchanged as well')
      .option('--exit-code', 'End with 1 when anything differs');
    addKnobs(command, ['reports']);
  },
  async run({ args, flags, project, terminal, folder }) {
    const { compareReports } = await import('../../reports/compare.ts');
    const [base, head] = [
      await reportAt(args[0]!, { reports: project.reports, folder }),
      await reportAt(args[1]!, { reports: project.reports, folder }),
    ];
    const comparison = await compareReports(base, head);
    const all = flags['all'] === true;
    const told = comparison.differences.filter(({ change }) => change !== 'UNCHANGED');
    // What could not be compared because samples or settings differ is a change of `incomparable`.
    const changed = told.filter(({ change }) => change !== 'INCOMPARABLE');
    const json = {
      base: { id: base.id, digest: base.digest },
      head: { id: head.id, digest: head.digest },
      identical: comparison.identical,
      caveats: comparison.caveats,
      findings: comparison.findings,
      unchanged: comparison.differences.length - told.length,
      differences: all ? comparison.differences : told,
    };
    if (flags['format'] === 'json') terminal.print(JSON.stringify(json, null, 2));
    else if (flags['format'] === 'md') {
      const { comparisonMarkdown } = await import('../../reports/comparison-markdown.ts');
      terminal.print(comparisonMarkdown(comparison, { base: args[0]!, head: args[1]!, all }));
    } else {
      const { comparisonText } = await import('../../reports/review-text.ts');
      terminal.print(comparisonText(comparison, { ...terminal, all }));
    }
    const compared = comparison.differences.filter(({ change }) => change !== 'INCOMPARABLE').length;
    const differs = changed.length > 0 || !comparison.identical;
    return {
      exitCode: flags['exitCode'] === true && changed.length > 0 ? EXIT.findings : EXIT.done,
      json,
      last: `Nothing was written; ${differs ? `${changed.length} of ${compared} compared numbers differ` : 'the reports are equal to the byte'}.`,
    };
  },
};
