// `eigenlens analyze MODEL`: every method that applies, into reports/<id>/.
import type { Command } from 'commander';
import { basename, resolve } from 'node:path';
import { EXIT } from '../../analysis/errors.ts';
import type { Store } from '../../reports/reader.ts';
import { ALL_KNOBS, addKnobs, commandOf } from './knobs.ts';
import { makeWritable, shown } from './paths.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  define(command: Command) {
    command
      .argument('<model>', 'An .onnx, .h5 or .keras file, or a TensorFlow.js model.json')
      .option('--id <ID>', 'Name of the report (default: made from the model’s name)')
      .option('--force', 'Compute again what is already there')
      .option('--why', 'Say which part of each result’s key hit or missed');
    addKnobs(command, ['reports', ...ALL_KNOBS]);
  },
  async run({ args, flags, settings, project, terminal, signal, folder }) {
    await makeWritable(project.reports, '--reports');
    const { runAnalysis } = await import('../../analysis/run.ts');
    const id = flags['id'] as string | undefined;
    const { openStore } = await import('../../reports/store.ts');
    const store = openStore(project.reports);
    const before = await answeredMethods(store, id === undefined ? await store.list() : [id]);
    const result = await runAnalysis({
      model: resolve(folder, args[0]!),
      settings,
      reportsDir: project.reports,
      id,
      force: flags['force'] === true,
      why: flags['why'] === true,
      progress: terminal.bar,
      signal,
      command: commandOf(['analyze', basename(args[0]!), ...(id === undefined ? [] : ['--id', id])], settings),
    });
    for (const failure of result.failures) terminal.complain(failure);
    const now = (await answeredMethods(store, [result.id])).get(result.id);
    const lost = (before.get(result.id) ?? []).filter((method) => !now?.includes(method));
    if (lost.length > 0) {
      const more = `${lost.length} more ${lost.length === 1 ? 'method' : 'methods'}`;
      terminal.tell(`It replaces a report with ${more}: ${lost.join(', ')}; their results stay in the cache.`);
    }
    const place = shown(result.folder, folder);
    const partly = result.outcome === 'partial';
    return {
      exitCode: partly ? EXIT.failed : EXIT.done,
      json: { ...result, folder: place, lost },
      last: result.cached
        ? `${place} is up to date; nothing had to be computed.`
        : `Wrote ${place}${partly ? `, without ${result.failures.length} parts that failed` : ''}.`,
    };
  },
};

/** The methods that answered in reports, by the reports' ids; those that cannot be read are left out. */
async function answeredMethods(store: Store, ids: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const id of ids) {
    const report = await store.find(id).catch(() => null);
    if (!report) continue;
    const answered = report.model.methods.filter(({ outcome }) => outcome === 'ANSWERED');
    found.set(
      id,
      answered.map(({ method }) => method),
    );
  }
  return found;
}
