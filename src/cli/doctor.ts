// `eigenlens doctor`: what this machine has, and what to do about what it lacks.
import type { Command } from 'commander';
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { EXIT } from '../../analysis/errors.ts';
import { addKnobs } from './knobs.ts';
import { shown } from './paths.ts';
import { table } from './terminal.ts';
import type { Verb } from './verb.ts';

interface Finding {
  readonly subject: string;
  /** `missing` is no fault: another one does the work. */
  readonly state: 'ok' | 'missing' | 'problem';
  readonly detail: string;
  readonly hint?: string | undefined;
}

export const verb: Verb = {
  toleratesConfig: true,
  define(command: Command) {
    addKnobs(command, ['reports', 'out', 'memory']);
  },
  async run({ settings, project, file, problem, terminal, folder }) {
    const { probeBackends } = await import('../../analysis/kernels/choose.ts');
    const backends = (await probeBackends()).map(({ id, loads, version, reason, hint }): Finding => ({
      subject: `backend ${id}`,
      state: loads ? 'ok' : 'missing',
      detail: loads ? (version ?? '') : (reason ?? ''),
      hint: loads ? undefined : hint,
    }));
    const findings: Finding[] = [
      { subject: 'Node', state: 'ok', detail: process.versions.node },
      ...backends,
      ...(backends.some(({ state }) => state === 'ok')
        ? []
        : [{ subject: 'backends', state: 'problem' as const, detail: 'none loads', hint: 'npm ci' }]),
      gpu(),
      memory(settings.memory),
      problem
        ? { subject: 'configuration', state: 'problem', detail: problem }
        : { subject: 'configuration', state: 'ok', detail: file ? shown(file, folder) : 'none; defaults' },
      writable('reports folder', project.reports, folder),
      writable('site folder', project.out, folder),
    ];
    const bad = findings.filter(({ state }) => state === 'problem');
    const rows = findings.map(({ subject, state, detail }) => [state, subject, detail]);
    const lines = table([['state', 'what', 'detail'], ...rows]).split('\n');
    // The heading and its rule come first; what to do stands below what it is about.
    const hints = ['', '', ...findings.map(({ hint }) => (hint ? `\n           → ${hint}` : ''))];
    terminal.print(lines.map((line, i) => line + hints[i]!).join('\n'));
    const exitCode = bad.length === 0 ? EXIT.done : problem ? EXIT.usage : EXIT.environment;
    return {
      exitCode,
      json: { findings: findings.map((finding) => ({ ...finding, hint: finding.hint ?? null })) },
      last:
        bad.length === 0
          ? 'Everything that is needed is there; nothing was written.'
          : `To mend: ${bad.map(({ subject }) => subject).join(', ')}.`,
    };
  },
};

function gpu(): Finding {
  const { status, stdout } = spawnSync('nvidia-smi', ['--query-gpu=name,memory.total', '--format=csv,noheader'], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  const names = status === 0 ? stdout.trim().split('\n').filter(Boolean) : [];
  return names.length > 0
    ? { subject: 'GPU', state: 'ok', detail: names.join('; ') }
    : { subject: 'GPU', state: 'missing', detail: 'no CUDA device; work is done on the processor' };
}

function memory(budget: number): Finding {
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const detail = `budget ${gib(budget)} of ${gib(totalmem())}, ${gib(freemem())} free`;
  return budget > totalmem()
    ? { subject: 'memory', state: 'problem', detail, hint: 'Lower --memory.' }
    : { subject: 'memory', state: 'ok', detail };
}

/** Whether a folder, or the nearest one above it that exists, can be written. */
function writable(subject: string, path: string, folder: string): Finding {
  if (/^https?:/.test(path)) return { subject, state: 'ok', detail: path };
  let existing = path;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  const detail = `${shown(path, folder)}${existing === path ? '' : ' (not there yet)'}`;
  try {
    accessSync(existing, constants.W_OK);
    return { subject, state: 'ok', detail };
  } catch {
    return {
      subject,
      state: 'problem',
      detail: `${detail} cannot be written`,
      hint: 'Change its permissions or name another folder.',
    };
  }
}
