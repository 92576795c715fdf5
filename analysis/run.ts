// One analysis: every method that applies, unit by unit, each result kept as soon as it is there; then the report, whole.
// A result is keyed by the hashes of model, samples, settings and method version, so an interrupted run resumes and an
// unchanged one returns at once. A failing unit becomes a failed answer, never a lost run.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { fieldProblems, type MethodStatus, type Report, type RunRecord } from '../reports/format.ts';
import { writeReport } from '../reports/store.ts';
import { assembleReport, fedNotes } from './assemble.ts';
import { EXIT, nearest, UserError, systemReason } from './errors.ts';
import { decodeNpy } from './figures/npy.ts';
import { pictureStore } from './figures/picture-store.ts';
import { loadNetwork } from './formats/index.ts';
import { keeperIn, type Step } from './kept.ts';
import { chooseBackend } from './kernels/choose.ts';
import { sizeOf, type Tensor } from './kernels/kernels.ts';
import { METHODS } from './methods/index.ts';
import { fitsGlob } from './methods/layer-glob.ts';
import type { Answer, Method, Unit } from './methods/method.ts';
import { layersOf } from './network/layers.ts';
import { nodeOf, type Network, type NodeId } from './network/network.ts';
import { inputDoubts } from './methods/probabilities.ts';
import type { Progress } from './progress.ts';
import { openInputSamples } from './samples.ts';
import type { InputSamples } from './samples/input.ts';
import { resultSettings, type Settings } from './settings.ts';
import { createStudy, type Study } from './study.ts';
import { VERSION } from './version.ts';

export interface AnalysisOptions {
  readonly model: string;
  readonly settings: Settings;
  readonly reportsDir: string;
  /** Report id; by default made from the model's name. */
  readonly id?: string | undefined;
  /** Recompute what is already there. */
  readonly force: boolean;
  /** Say which part of each key hit or missed. */
  readonly why: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** The command line, for provenance; without paths of this machine. */
  readonly command: string;
}

export interface AnalysisResult {
  readonly id: string;
  readonly folder: string;
  readonly outcome: 'done' | 'partial';
  /** True when nothing had to be computed. */
  readonly cached: boolean;
  readonly failures: readonly string[];
}

/** What a method's results depend on. */
interface Key {
  readonly model: string;
  readonly samples: string;
  readonly backend: string;
  readonly method: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Analyses a model and writes its report. Throws UserError for what the user can mend; AbortError when interrupted. */
export async function runAnalysis(options: AnalysisOptions): Promise<AnalysisResult> {
  const { settings, reportsDir, progress, signal, force } = options;
  const started = new Date();
  const methods = chosenMethods(settings);
  if (settings.labels && !settings.samples)
    throw new UserError('--labels belong to samples, and there are none.', {
      exitCode: EXIT.usage,
      hint: 'Give the samples with --samples.',
    });
  const network = await loadNetwork(options.model, {
    input: settings.input ?? undefined,
    output: settings.output ?? undefined,
    inputShape: settings.inputShape ?? undefined,
  });
  const fed = await readFed(network, settings.feed);
  const id = options.id ?? idFromName(network.name);
  checkId(id);
  const against = settings.against ? await loadSecond(settings.against, network) : null;
  const { samples, classNames } = await openInputSamples(network, settings);
  refuseEmptyChoices(network, samples, settings);
  const samplesSha256 = await samples.digest();
  const backend = await chooseBackend(settings.backend);
  const folder = path.join(reportsDir, id);
  const cache = path.join(reportsDir, '.cache', id);
  const steps = path.join(cache, 'steps');
  const keyOf = (method: Step): Key => ({
    model: hash({
      sha256: network.sha256,
      input: network.input,
      output: network.output,
      shape: nodeOf(network, network.input).shape,
      fed: Object.entries(fed).map(([name, { data }]) => [name, createHash('sha256').update(data).digest('hex')]),
    }),
    samples: hash({ samplesSha256, classNames }),
    backend: `${backend.id} ${backend.version}`,
    method: `${method.id} ${method.version}`,
    // Memory changes no result but of methods that say so: those decide by it how much they look at.
    settings: pick({ ...resultSettings(settings), memory: settings.memory }, [
      ...method.settings,
      ...['seed', 'layers', 'detail'],
    ]),
  });
  const wholeKey = hash({
    keys: methods.map(keyOf),
    settings: resultSettings(settings),
    tool: VERSION,
    id,
    against: against?.sha256,
  });

  try {
    if (!force && (await isCurrent(folder, wholeKey))) {
      if (options.why) await explainKeys(cache, methods.map(keyOf), [], progress);
      return { id, folder, outcome: 'done', cached: true, failures: [] };
    }

    const pictures = pictureStore(cache);
    const study = await createStudy({
      network,
      fed,
      samples,
      settings,
      against,
      backend,
      pictures,
      classNames,
      kept: keeperIn(steps, (step, part) => hash({ key: keyOf(step), part }), force),
      progress,
      signal,
    });
    try {
      if (options.why) {
        const kept = await Promise.all(methods.map((method) => keptUnits(study, method, keyOf(method), cache)));
        await explainKeys(cache, methods.map(keyOf), kept, progress);
        if (force) progress.note('--force: all of it is computed anew, whatever is kept.');
      }
      for (const note of [...fedNotes(study), ...inputDoubts(study).map(({ message }) => message)]) progress.note(note);
      const statuses: MethodStatus[] = [];
      const answers: Answer[] = [];
      for (const method of methods) {
        const result = await runMethod(study, method, keyOf(method), cache, force, progress);
        statuses.push(result.status);
        answers.push(...result.answers);
        // The working memory of one method's programs is not kept beside the next one's.
        study.release();
      }
      await remember(cache, methods.map(keyOf));
      const failures = statuses.flatMap((status) =>
        (status.failures ?? []).map((f) => `${status.method} (${f.unit}): ${f.reason}`),
      );
      const provenance = {
        tool: 'eigenlens',
        version: VERSION,
        backend: backend.id,
        precision: backend.precision,
        seed: settings.seed,
        command: options.command,
        samplesSha256,
        settingsSha256: hash(resultSettings(settings)),
        sampleCount: samples.count,
        settings: Object.entries(resultSettings(settings)).map(([name, value]) => ({
          name,
          value: JSON.stringify(value),
        })),
      };
      const report: Report = await assembleReport(study, answers, statuses, provenance);
      const run: RunRecord = {
        key: wholeKey,
        startedAt: started.toISOString(),
        finishedAt: new Date().toISOString(),
        seconds: (Date.now() - started.getTime()) / 1000,
        host: hostname(),
        platform: `${process.platform} ${process.arch}`,
        node: process.version,
        backend: `${backend.id} ${backend.version}`,
        failures,
        warnings: [...network.notes, ...samples.notes, ...fedNotes(study)],
      };
      await writeReport(reportsDir, id, report, { files: cache, run });
      await rm(steps, { recursive: true, force: true });
      return { id, folder, outcome: failures.length > 0 ? 'partial' : 'done', cached: false, failures };
    } finally {
      study.dispose();
    }
  } catch (error) {
    throw isFatal(error) ? unwritable(reportsDir, error) : error;
  } finally {
    await backend.dispose();
  }
}

/** The second model of the sanity checks: it must take and give what the first one does. */
async function loadSecond(file: string, first: Network): Promise<Network> {
  const second = await loadNetwork(file);
  for (const end of ['input', 'output'] as const) {
    const [a, b] = [nodeOf(first, first[end]).shape, nodeOf(second, second[end]).shape];
    if (sizeOf(a) !== sizeOf(b) || a.length !== b.length)
      throw new UserError(`The ${end} of --against is [${b.join(', ')}], that of the model [${a.join(', ')}].`, {
        hint: 'Give a model of the same inputs and outputs.',
      });
  }
  return second;
}

/** The numbers that --feed gives other inputs, each [1, …shape], by input. */
async function readFed(network: Network, given: readonly string[]): Promise<Record<NodeId, Tensor>> {
  const others = new Map(network.otherInputs.map((id) => [id, nodeOf(network, id)]));
  const fed: Record<NodeId, Tensor> = {};
  for (const entry of given) {
    const [name, file] = [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)];
    const node = others.get(name);
    if (!node || !file) {
      throw new UserError(`--feed ${entry} names no other input of the network.`, {
        exitCode: EXIT.usage,
        hint:
          others.size > 0
            ? `Other inputs: ${[...others.keys()].join(', ')}; write NAME=FILE.npy.`
            : 'It has one input only.',
      });
    }
    const bytes = await readFile(file).catch((cause: Error) => {
      throw new UserError(`${file}, to be fed to ${name}, cannot be read (${cause.message}).`, { cause });
    });
    const { values, shape } = decodeNpy(bytes, path.basename(file));
    if (values.length !== sizeOf(node.shape)) {
      throw new UserError(`${file} holds [${shape.join(', ')}]; the input ${name} is [${node.shape.join(', ')}].`);
    }
    fed[node.id] = { data: Float32Array.from(values), shape: [1, ...node.shape] };
  }
  return fed;
}

/** Whether the report that stands was made, completely, from the same key. */
async function isCurrent(folder: string, key: string): Promise<boolean> {
  try {
    await stat(path.join(folder, 'report.json'));
    const run = JSON.parse(await readFile(path.join(folder, 'run.json'), 'utf8')) as RunRecord;
    return run['key'] === key && (run['failures'] as unknown[]).length === 0;
  } catch {
    return false;
  }
}

const answerFile = (cache: string, key: Key, unit: Unit): string =>
  path.join(cache, 'answers', `${hash({ key, unit: unit.key })}.json`);

/** How many of a method's units an earlier run answered, in words; null where none is kept. */
async function keptUnits(study: Study, method: Method, key: Key, cache: string): Promise<string | null> {
  const units = method.units(study);
  if (typeof units === 'string') return null;
  const found = await Promise.all(units.map((unit) => recall(answerFile(cache, key, unit), cache)));
  const count = found.filter((answers) => answers !== null).length;
  return count > 0 ? `${count} of ${units.length} units ${units.length === 1 ? 'is' : 'are'} kept` : null;
}

/** Runs the units of a method, taking from the cache what is there. */
async function runMethod(
  study: Study,
  method: Method,
  key: Key,
  cache: string,
  force: boolean,
  progress: Progress,
): Promise<{ status: MethodStatus; answers: Answer[] }> {
  const base = { method: method.id, question: method.question, version: method.version };
  const units = method.units(study);
  const layersSkipped = [...(method.skipped?.(study) ?? [])];
  if (typeof units === 'string')
    return { status: { ...base, outcome: 'NOT_APPLICABLE', reason: units, layersSkipped }, answers: [] };
  const stage = progress.stage(method.id, units.length);
  const answers: Answer[] = [];
  const failures: { unit: string; reason: string }[] = [];
  for (const unit of units) {
    study.checkpoint();
    const file = answerFile(cache, key, unit);
    try {
      answers.push(...((force ? null : await recall(file, cache)) ?? (await ask(study, method, unit, file))));
    } catch (error) {
      if (study.aborted() || isFatal(error)) throw error;
      failures.push({ unit: unit.key, reason: error instanceof Error ? error.message : String(error) });
      study.note(`${method.id}, ${unit.key}: ${failures.at(-1)!.reason}`);
    }
    stage.advance();
  }
  stage.done();
  if (failures.length === 0) answers.push(...(method.summarise?.(study, answers) ?? []));
  const outcome = failures.length > 0 && answers.length === 0 ? 'FAILED' : 'ANSWERED';
  const reason =
    failures.length > 0
      ? `${failures.length} of ${units.length} parts failed: ${failures[0]!.reason}`
      : (method.remark?.(study) ?? null);
  return { status: { ...base, outcome, reason, layersSkipped, failures }, answers };
}

const FATAL = ['EACCES', 'EDQUOT', 'ENOSPC', 'EROFS'];

/** A full disk or a folder that cannot be written ends the run; what was computed stays. */
function isFatal(error: unknown): error is NodeJS.ErrnoException {
  return FATAL.includes(String((error as NodeJS.ErrnoException | null)?.code));
}

function unwritable(reportsDir: string, cause: NodeJS.ErrnoException): UserError {
  return new UserError(`Cannot write to ${reportsDir}: ${systemReason(cause)}.`, {
    exitCode: EXIT.environment,
    hint: 'Make room there, or give another folder with --reports; the same command goes on where it stopped.',
    cause,
  });
}

async function ask(study: Study, method: Method, unit: Unit, file: string): Promise<readonly Answer[]> {
  const answers = await method.answer(study, unit);
  for (const { on, fields } of answers) {
    const kind = on === 'model' ? 'model' : 'layer' in on ? 'layer' : 'sample';
    const problems = fieldProblems(kind, fields);
    if (problems.length > 0) throw new Error(`the answer does not fit the report: ${problems[0]}`);
  }
  await mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, JSON.stringify(answers));
  await rename(temporary, file);
  return answers;
}

/** Answers kept by an earlier run, or null when there are none, they are damaged, or a picture of theirs is gone. */
async function recall(file: string, cache: string): Promise<Answer[] | null> {
  try {
    const text = await readFile(file, 'utf8');
    for (const [name] of text.matchAll(/files\/[0-9a-f]{24}\.(?:png|npy)/g)) await stat(path.join(cache, name));
    return JSON.parse(text) as Answer[];
  } catch {
    return null;
  }
}

async function remember(cache: string, keys: readonly Key[]): Promise<void> {
  await mkdir(cache, { recursive: true });
  await writeFile(path.join(cache, 'keys.json'), JSON.stringify(keys));
}

/** `--why`: which part of each method's key is as it was, which changed, and what is kept of a run that did not end. */
async function explainKeys(
  cache: string,
  keys: readonly Key[],
  kept: readonly (string | null)[],
  progress: Progress,
): Promise<void> {
  const before = new Map(
    await readFile(path.join(cache, 'keys.json'), 'utf8')
      .then((text) => (JSON.parse(text) as Key[]).map((key) => [key.method.split(' ')[0]!, key] as const))
      .catch(() => []),
  );
  for (const [i, key] of keys.entries()) {
    const name = key.method.split(' ')[0]!;
    const old = before.get(name);
    if (!old) {
      progress.note(`${name}: never completed before${kept[i] ? `, but ${kept[i]}` : ''}`);
      continue;
    }
    const parts = (['model', 'samples', 'backend', 'method'] as const)
      .filter((part) => old[part] !== key[part])
      .map((part) => (part === 'backend' || part === 'method' ? `${part} (was ${old[part]})` : part));
    for (const [setting, value] of Object.entries(key.settings)) {
      const was = old.settings[setting];
      if (JSON.stringify(was) !== JSON.stringify(value))
        parts.push(`setting ${setting} (was ${JSON.stringify(was)}, is ${JSON.stringify(value)})`);
    }
    const found = parts.length === 0 ? 'hit, nothing changed' : `miss, changed: ${parts.join(', ')}`;
    progress.note(`${name}: ${found}${kept[i] ? `; ${kept[i]}` : ''}`);
  }
}

function chosenMethods({ methods, skip }: Settings): Method[] {
  const known = METHODS.map((method) => method.id);
  for (const name of [...methods, ...skip]) {
    if (known.includes(name)) continue;
    const close = nearest(name, known);
    throw new UserError(`No method is called "${name}".`, {
      exitCode: EXIT.usage,
      hint: close ? `Did you mean "${close}"?` : `Methods: ${known.join(', ')}.`,
    });
  }
  const chosen = METHODS.filter(({ id }) => (methods.length === 0 || methods.includes(id)) && !skip.includes(id));
  if (chosen.length === 0)
    throw new UserError('No method is left to run.', {
      exitCode: EXIT.usage,
      hint: '--skip leaves out all that --methods names.',
    });
  return chosen;
}

/** A report id from a model's name: lower case, only what a folder and a URL take. */
function idFromName(name: string): string {
  const id = name
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|[-.]+$/g, '')
    .slice(0, 64);
  return id || 'model';
}

function checkId(id: string): void {
  if (/^[a-z0-9][a-z0-9._-]{0,63}$/.test(id)) return;
  throw new UserError(`"${id}" cannot be a report id.`, {
    exitCode: EXIT.usage,
    hint: 'Use lower-case letters, digits, dots, dashes and underscores, beginning with a letter or digit, at most 64.',
  });
}

/** SHA-256 of a value's JSON with sorted keys. */
function hash(value: unknown): string {
  const sorted = JSON.stringify(value, (_, part: unknown) =>
    part && typeof part === 'object' && !Array.isArray(part) && !ArrayBuffer.isView(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
  return createHash('sha256').update(sorted).digest('hex');
}

function pick(record: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries([...new Set(names)].sort().map((name) => [name, record[name]]));
}

/** A choice of layers or samples by names that are not there is a mistake, told before anything is computed. */
function refuseEmptyChoices(network: Network, samples: InputSamples, { layers, detail, split, k }: Settings): void {
  const refuse = (what: string, given: string, names: readonly string[], all: string): never => {
    const near = nearest(given, names);
    throw new UserError(`${what} ${JSON.stringify(given)} names nothing that is there.`, {
      exitCode: EXIT.usage,
      hint: `${near === undefined ? '' : `Did you mean ${near}? `}${all}: ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}.`,
    });
  };
  const layerNames = layersOf(network).map(({ name }) => name);
  if (layerNames.length > 0 && !layerNames.some((name) => fitsGlob(name, layers)))
    refuse('--layers', layers, layerNames, 'Layers');
  for (const name of split) if (!layerNames.includes(name)) refuse('--split', name, layerNames, 'Layers');
  const counted = typeof k === 'object' && !Array.isArray(k) ? Object.keys(k) : [];
  for (const name of counted) if (!layerNames.includes(name)) refuse('--k', name, layerNames, 'Layers');
  if (detail === 'all' || typeof detail === 'number') return;
  const sampleNames = Array.from({ length: samples.count }, (_, i) => samples.name(i));
  const known = new Set(sampleNames);
  for (const name of detail) if (!known.has(name)) refuse('--detail', name, sampleNames, 'Samples');
}
