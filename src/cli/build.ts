// `eigenlens build`: the static site from the reports.
import type { Command } from 'commander';
import { addKnobs } from './knobs.ts';
import { makeWritable, shown } from './paths.ts';
import { buildSite } from './site.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  define(command: Command) {
    addKnobs(command, ['reports', 'out', 'base', 'site']);
  },
  async run({ project, terminal, signal, folder }) {
    await makeWritable(project.out, '--out');
    await buildSite(project, terminal, signal);
    const out = shown(project.out, folder);
    return {
      json: { out, base: project.base, site: project.site },
      last: `Wrote the site to ${out}; eigenlens serve shows it.`,
    };
  },
};
