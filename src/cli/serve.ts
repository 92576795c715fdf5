// `eigenlens serve`: GraphQL over HTTP with an explorer, and the built site where there is one.
import type { Command } from 'commander';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { addKnobs } from './knobs.ts';
import { shown } from './paths.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  define(command: Command) {
    addKnobs(command, ['reports', 'out', 'host', 'port']);
    const gathered = (value: string, before: string[] = []): string[] => [...before, value];
    command.option(
      '--origin <URL>',
      'An origin that may ask from a browser; may be repeated (default: none)',
      gathered,
    );
  },
  async run({ flags, project, terminal, signal, folder }) {
    const { serve } = await import('../../graphql/server.ts');
    const site = existsSync(join(project.out, 'index.html')) ? project.out : undefined;
    const { reports, host, port } = project;
    const server = await serve({
      reports,
      host,
      port,
      origins: (flags['origin'] as string[] | undefined) ?? [],
      ...(site === undefined ? {} : { site }),
      log: (entry) => terminal.tell(JSON.stringify(entry)),
    });
    terminal.print(`${server.url}${site ? '' : '/graphql'}`);
    if (!site)
      terminal.tell(
        `There is no site in ${shown(project.out, folder)} (eigenlens build makes it); GraphQL and its explorer are at /graphql.`,
      );
    terminal.tell('Ctrl-C stops the server.');
    if (!signal.aborted) await once(signal, 'abort');
    await server.stop();
    return { json: { url: server.url }, last: 'Stopped; nothing was written.' };
  },
};
