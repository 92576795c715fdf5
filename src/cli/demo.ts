// `eigenlens demo`: analyses the small network that comes with the package and builds its site.
import type { Command } from 'commander';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT } from '../../analysis/errors.ts';
import { addKnobs, commandOf } from './knobs.ts';
import { makeWritable, shown } from './paths.ts';
import { buildSite, withoutDamaged } from './site.ts';
import type { Verb } from './verb.ts';

const DEMO = fileURLToPath(new URL('../../analysis/demo/', import.meta.url));
/** Apart from the user's own reports, and from the one that is committed. */
const REPORTS = '.eigenlens/demo';
/** Half of what `analyze` takes, so that it is done within a minute on two cores. */
const DETAILED = 6;

export const verb: Verb = {
  define(command: Command) {
    command
      .option('--reports <DIR>', `Folder of the report (default ${REPORTS})`)
      .option('--force', 'Compute again what is already there');
    addKnobs(command, ['out', 'base', 'site', 'backend', 'memory', 'seed']);
  },
  async run({ flags, settings, project, terminal, signal, folder }) {
    const reports = flags['reports'] === undefined ? resolve(folder, REPORTS) : project.reports;
    await makeWritable(reports, '--reports');
    await makeWritable(project.out, '--out');
    const { runAnalysis } = await import('../../analysis/run.ts');
    const result = await runAnalysis({
      model: `${DEMO}model.onnx`,
      settings: {
        ...settings,
        samples: `${DEMO}images.idx`,
        labels: `${DEMO}labels.idx`,
        classes: `${DEMO}classes.txt`,
        detail: DETAILED,
      },
      reportsDir: reports,
      id: 'demo',
      force: flags['force'] === true,
      why: false,
      progress: terminal.bar,
      signal,
      command: commandOf(['demo'], settings),
    });
    for (const failure of result.failures) terminal.complain(failure);
    const leftOut = await buildSite({ ...project, reports }, terminal, signal);
    const [out, place] = [shown(project.out, folder), shown(result.folder, folder)];
    return {
      exitCode: result.outcome === 'partial' || leftOut > 0 ? EXIT.failed : EXIT.done,
      json: { ...result, folder: place, out },
      last: `Wrote the report to ${place} and its site to ${out}${withoutDamaged(leftOut)}; see it with: npx eigenlens serve --reports ${shown(reports, folder)}${out === 'dist' ? '' : ` --out ${out}`}`,
    };
  },
};
