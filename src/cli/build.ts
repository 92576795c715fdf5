// `eigenlens build`: the static site from the reports.
import type { Command } from 'commander';
import { EXIT } from '../../analysis/errors.ts';
import { addKnobs } from './knobs.ts';
import { makeWritable, shown } from './paths.ts';
import { buildSite, withoutDamaged } from './site.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  define(command: Command) {
    addKnobs(command, ['reports', 'out', 'base', 'site']);
  },
  async run({ project, terminal, signal, folder }) {
    await makeWritable(project.out, '--out');
    const leftOut = await buildSite(project, terminal, signal);
    const out = shown(project.out, folder);
    return {
      exitCode: leftOut > 0 ? EXIT.failed : EXIT.done,
      json: { out, base: project.base, site: project.site, leftOut },
      last: `Wrote the site to ${out}${withoutDamaged(leftOut)}; eigenlens serve shows it.`,
    };
  },
};
