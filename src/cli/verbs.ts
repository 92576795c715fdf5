// The verbs: one file each, loaded when it is asked for.
import type { Verb } from './verb.ts';

export interface VerbEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ verb: Verb }>;
}

export const VERBS: readonly VerbEntry[] = [
  {
    name: 'inspect',
    summary: 'the layers of a model as a table, without running it',
    load: () => import('./inspect.ts'),
  },
  { name: 'analyze', summary: 'run every method that applies and write a report', load: () => import('./analyze.ts') },
  { name: 'query', summary: 'run a GraphQL document over the reports', load: () => import('./query.ts') },
  {
    name: 'serve',
    summary: 'GraphQL over HTTP with an explorer, and the built site',
    load: () => import('./serve.ts'),
  },
  { name: 'build', summary: 'the static site from the reports', load: () => import('./build.ts') },
  {
    name: 'pack',
    summary: 'the static site as one zip file that opens without a server',
    load: () => import('./pack.ts'),
  },
  {
    name: 'diff',
    summary: 'two reports compared, every difference with its noise floor',
    load: () => import('./diff.ts'),
  },
  { name: 'check', summary: 'hold reports against rules and a baseline', load: () => import('./check.ts') },
  {
    name: 'comment',
    summary: 'the comment on a pull request, printed or posted',
    load: () => import('./comment.ts'),
  },
  {
    name: 'init',
    summary: 'write a configuration and the workflows of a pull request',
    load: () => import('./init.ts'),
  },
  {
    name: 'doctor',
    summary: 'what this machine has: Node, backends, GPU, config, folders',
    load: () => import('./doctor.ts'),
  },
  { name: 'demo', summary: 'analyse the embedded network and build its site', load: () => import('./demo.ts') },
];
