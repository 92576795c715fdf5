// Reads reports wherever they are: a source says how to get a file of a report, the reader checks every file against
// the hash in report.json, brings older formats up, and keeps what it has read until the report changes.
// Nothing here needs Node, so that it runs in a browser and wherever fetch handlers run.
import { nearest } from '../analysis/errors.ts';
import { readArrayFile } from './array-file.ts';
import { ReportError } from './errors.ts';
import { headSchema, layerBody, runSchema, sampleBody, upgrade } from './format.ts';
import type { StoredLayer, StoredLayerHead, StoredModel, StoredRun, StoredSample, StoredSampleHead } from './format.ts';
import { digestOf, sha256 } from './hash.ts';
import { entriesOf } from './json.ts';

/** Where reports come from: a folder, a base URL, a git revision, … Paths are those of conventions.md, Files. */
export interface ReportSource {
  /** For messages. */
  readonly name: string;
  /** Ids of all reports, ascending. */
  list(): Promise<readonly string[]>;
  /**
   * report.json and a stamp that changes with it (cheap to ask for), or null when there is no such report.
   * `fresh`: what is known from a moment ago will not do.
   */
  head(id: string, options?: { fresh?: boolean }): Promise<{ readonly stamp: string; text(): Promise<string> } | null>;
  /** The bytes of another JSON file of a report, or null when there is none. */
  read(id: string, path: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** The bytes of a picture or array (`files/<hash>.npy`), or null when there is none; absent where they cannot be had. */
  bytes?(id: string, path: string): Promise<Uint8Array<ArrayBuffer> | null>;
}

/** A report as it stood when it was opened: everything that it hands out belongs together. */
export interface StoredReport {
  readonly id: string;
  /** SHA-256 of report.json, which holds the hashes of all other files. */
  readonly digest: string;
  readonly formatVersion: number;
  readonly model: StoredModel;
  readonly layers: readonly StoredLayerHead[];
  readonly samples: readonly StoredSampleHead[];
  layerNamed(name: string): StoredLayerHead | undefined;
  sampleNamed(name: string): StoredSampleHead | undefined;
  /** The whole layer at this position. */
  layer(index: number): Promise<StoredLayer>;
  /** The whole sample at this position. */
  sample(index: number): Promise<StoredSample>;
  /** The same, if its file was read already: a page of a hundred samples is answered in a fraction of the time then. */
  sampleAtHand(index: number): StoredSample | undefined;
  /** The numbers of an array of the report, row-major; null when its file is missing or cannot be had. */
  array(array: { readonly url: string }): Promise<Float32Array | null>;
  /** run.json, or null when it is missing. */
  run(): Promise<StoredRun | null>;
  /** Reads every file that the report names, pictures and arrays too; throws ReportError for one that is missing or changed. */
  verify(): Promise<void>;
}

export interface Store {
  readonly name: string;
  /** Ids of all reports, ascending. */
  list(): Promise<readonly string[]>;
  /** The report, or null when there is none; throws ReportError when it cannot be read. */
  find(id: string): Promise<StoredReport | null>;
  /** The report; throws ReportError NOT_FOUND, with the nearest id, when there is none. */
  report(id: string): Promise<StoredReport>;
  layer(id: string, index: number): Promise<StoredLayer>;
  sample(id: string, index: number): Promise<StoredSample>;
}

/** Samples without a page of their own share a file, this many positions each. */
export const SAMPLES_PER_FILE = 100;

/** Of a report's samples that share files, so many are kept parsed: twenty pages. */
const KEPT_SAMPLES = 2_000;

/** Files are kept up to this many bytes in all. */
const CACHE_BYTES = 64 * 2 ** 20;

/** A picture or array, named by the beginning of its SHA-256. */
const FILE = /^files\/([0-9a-f]{24,64})\.(?:png|npy)$/;

const REPORT_ID = /^[a-z0-9][a-z0-9._-]{0,127}$/;

/** Throws ReportError BAD_USER_INPUT unless the id is lower-case letters, digits, dots, dashes and underscores. */
export function checkReportId(id: string): string {
  if (REPORT_ID.test(id) && !id.includes('..')) return id;
  throw new ReportError('BAD_USER_INPUT', `Not a report id: ${JSON.stringify(id.slice(0, 140))}`, {
    hint: 'An id is the name of a report’s folder: lower-case letters, digits, ".", "-" and "_".',
  });
}

/** Path of the file that holds a layer's answers. */
export function layerPath(index: number): string {
  return `layers/${index}.json`;
}

/** Path of the file that holds a sample's answers. */
export function samplePath({ index, detailed }: { index: number; detailed: boolean }): string {
  return detailed ? `samples/${index}.json` : `samples/part-${Math.floor(index / SAMPLES_PER_FILE)}.json`;
}

/** A store over any source. */
export function readReports(source: ReportSource): Store {
  const cache = partCache();
  const open = new Map<string, { stamp: string; report: Promise<StoredReport> }>();

  async function findOnce(id: string): Promise<StoredReport | null> {
    const head = await source.head(checkReportId(id));
    if (!head) {
      open.delete(id);
      return null;
    }
    const known = open.get(id);
    if (known?.stamp === head.stamp) return known.report;
    const report = head.text().then((text) => openReport(source, cache, id, head.stamp, text));
    open.set(id, { stamp: head.stamp, report });
    // A report that could not be read is asked for again: it may be mended under the same stamp.
    report.catch(() => open.get(id)?.report === report && open.delete(id));
    return report;
  }

  const find = (id: string) => unlessReplaced(() => findOnce(id));

  async function report(id: string): Promise<StoredReport> {
    const found = await find(id);
    if (found) return found;
    const ids = await source.list();
    const near = nearest(id, ids);
    const known = `${source.name} has ${ids.slice(0, 20).join(', ')}${ids.length > 20 ? ', …' : ''}.`;
    const none = `There is no report in ${source.name} yet: make one with "eigenlens analyze".`;
    // The place is left to the hint: a message may reach askers who have no business with this machine's folders.
    throw new ReportError('NOT_FOUND', `No report "${id}"`, {
      hint: near ? `Did you mean "${near}"? ${known}` : ids.length > 0 ? known : none,
    });
  }

  return {
    name: source.name,
    list: () => source.list(),
    find,
    report,
    layer: (id, index) => unlessReplaced(async () => (await report(id)).layer(index)),
    sample: (id, index) => unlessReplaced(async () => (await report(id)).sample(index)),
  };
}

/** Does it again, three times at most, when a report was replaced while it was read. */
async function unlessReplaced<T>(read: () => Promise<T>): Promise<T> {
  for (let left = 3; ; left--) {
    try {
      return await read();
    } catch (error) {
      const replaced = error instanceof ReportError && error.extensions.code === 'REPORT_CHANGED';
      if (!replaced || left === 0) throw error;
    }
  }
}

type Parser<T> = (bytes: Uint8Array, version: number) => T;

const utf8 = new TextDecoder();

const jsonIn = (bytes: Uint8Array): unknown => JSON.parse(utf8.decode(bytes));

const parseLayer: Parser<Omit<StoredLayer, keyof StoredLayerHead>> = (bytes, version) =>
  layerBody.parse(upgrade('layer', jsonIn(bytes), version));

type SampleBody = Omit<StoredSample, keyof StoredSampleHead>;

const samplesIn = (json: unknown, version: number) =>
  (upgrade('sample', json, version) as { samples: { index: number }[] }).samples;

/** The file of one sample. */
const parseSample: Parser<SampleBody> = (bytes, version) => sampleBody.parse(samplesIn(jsonIn(bytes), version)[0]);

/**
 * A file of many samples, by index. They stay bytes and are parsed one by one when they are asked for: a page may want one
 * of each file, and as objects the samples of a large report are most of what a garbage collector has to walk through.
 */
const parseSamples: Parser<(index: number) => SampleBody | undefined> = (bytes, version) => {
  const entries = entriesOf('samples', bytes);
  return (index) => {
    // They ascend by index, and those without answers are not among them.
    for (let at = Math.min(index % SAMPLES_PER_FILE, entries.length - 1); at >= 0; at--) {
      const [sample] = samplesIn({ samples: [jsonIn(entries[at]!)] }, version);
      if (sample!.index <= index) return sample!.index === index ? sampleBody.parse(sample) : undefined;
    }
    return undefined;
  };
};

/** Of a sample that no method said anything about. */
const NO_ANSWERS: SampleBody = sampleBody.parse({});

function openReport(source: ReportSource, cache: PartCache, id: string, stamp: string, text: string): StoredReport {
  const digest = sha256(text);
  const { version, head } = parseHead(`${id}/report.json`, text);
  const layerIndex = indexByName(head.layers);
  const sampleIndex = indexByName(head.samples);

  const keyOf = (path: string) => `${id}@${digest}/${path}`;

  /** What was read of a file, unless its SHA-256 does not begin with `hash`. */
  async function unchanged(
    path: string,
    hash: string,
    content: Uint8Array<ArrayBuffer> | null,
  ): Promise<Uint8Array<ArrayBuffer>> {
    if (content !== null && (await digestOf(content)).startsWith(hash)) return content;
    const now = await source.head(id, { fresh: true });
    if (now?.stamp !== stamp) {
      throw new ReportError('REPORT_CHANGED', `Report "${id}" was replaced while it was read: ask again`);
    }
    throw corrupt(`${id}/${path}`, content === null ? 'the file is missing' : 'its content is not what was written');
  }

  async function part<T>(path: string, parse: Parser<T>): Promise<T | null> {
    const hash = head.parts[path];
    if (hash === undefined) return null;
    return cache.get(keyOf(path), async () => {
      const content = await unchanged(path, hash, await source.read(id, path));
      try {
        return { value: parse(content, version), size: content.length };
      } catch (error) {
        throw corrupt(`${id}/${path}`, messageOf(error));
      }
    });
  }

  /** Samples that share a file, as they were asked for of late. */
  const recent = new Map<number, StoredSample>();

  function parsedSample(sample: StoredSampleHead, bodyOf: ReturnType<typeof parseSamples> | null): StoredSample {
    try {
      const whole = { ...sample, ...(bodyOf?.(sample.index) ?? NO_ANSWERS) };
      recent.set(sample.index, whole);
      if (recent.size > KEPT_SAMPLES) recent.delete(recent.keys().next().value!);
      return whole;
    } catch (error) {
      throw corrupt(`${id}/${samplePath(sample)}`, messageOf(error));
    }
  }

  async function run(): Promise<StoredRun | null> {
    const content = await source.read(id, 'run.json');
    if (content === null) return null;
    try {
      return runSchema.parse(jsonIn(content));
    } catch (error) {
      throw corrupt(`${id}/run.json`, messageOf(error));
    }
  }

  return {
    id,
    digest,
    formatVersion: version,
    model: head.model,
    layers: head.layers,
    samples: head.samples,
    layerNamed: (name) => layerIndex().get(name),
    sampleNamed: (name) => sampleIndex().get(name),
    async layer(index) {
      const layer = at(head.layers, index, 'layer', id);
      return { ...layer, ...((await part(layerPath(index), parseLayer)) ?? layerBody.parse({})) };
    },
    async sample(index) {
      const sample = at(head.samples, index, 'sample', id);
      const path = samplePath(sample);
      if (sample.detailed) return { ...sample, ...((await part(path, parseSample)) ?? NO_ANSWERS) };
      return recent.get(index) ?? parsedSample(sample, await part(path, parseSamples));
    },
    sampleAtHand(index) {
      const sample = at(head.samples, index, 'sample', id);
      if (sample.detailed) return undefined;
      const known = recent.get(index);
      if (known) return known;
      const bodyOf = cache.peek(keyOf(samplePath(sample))) as ReturnType<typeof parseSamples> | undefined;
      return bodyOf && parsedSample(sample, bodyOf);
    },
    async array({ url }) {
      const bytes = await source.bytes?.(id, url);
      return bytes ? readArrayFile(bytes) : null;
    },
    run,
    async verify() {
      await run();
      const files = filesOf([head.model, head.layers, head.samples]);
      for (const [path, hash] of Object.entries(head.parts)) {
        filesOf(jsonIn(await unchanged(path, hash, await source.read(id, path))), files);
      }
      if (!source.bytes) return;
      for (const path of files) {
        // A name is the beginning of the hash.
        const hash = FILE.exec(path)?.[1];
        if (hash !== undefined) await unchanged(path, hash, await source.bytes(id, path));
      }
    },
  };
}

/** The `url` and `array` of every picture and array of the report. */
export function filesOf(value: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const entry of value) filesOf(entry, found);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, entry] of Object.entries(value)) {
      if ((key === 'url' || key === 'array') && typeof entry === 'string') found.add(entry);
      else filesOf(entry, found);
    }
  }
  return found;
}

function parseHead(file: string, text: string) {
  let json: { formatVersion?: unknown };
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw corrupt(file, messageOf(error));
  }
  const version = json?.formatVersion;
  let upgraded: unknown;
  try {
    upgraded = upgrade('report', json, version);
  } catch (error) {
    if (typeof version !== 'number') throw corrupt(file, messageOf(error));
    throw new ReportError('REPORT_TOO_NEW', `${file}: ${messageOf(error)}`, {
      hint: 'Update eigenlens and read it again.',
    });
  }
  const parsed = headSchema.safeParse(upgraded);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw corrupt(file, `${issue.path.join('.')}: ${issue.message}`);
  }
  return { version: version as number, head: parsed.data };
}

function corrupt(file: string, why: string): ReportError {
  return new ReportError('REPORT_CORRUPT', `${file} is damaged: ${why}`, {
    hint: 'Analyse the model again, with --force.',
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function at<T>(entries: readonly T[], index: number, what: string, id: string): T {
  const entry = entries[index];
  if (entry !== undefined) return entry;
  throw new ReportError('NOT_FOUND', `No ${what} ${index} in report "${id}": it has ${entries.length}`);
}

function indexByName<T extends { name: string }>(entries: readonly T[]): () => ReadonlyMap<string, T> {
  let index: Map<string, T> | undefined;
  return () => (index ??= new Map(entries.map((entry) => [entry.name, entry])));
}

interface PartCache {
  /** What is kept under the key, or else what `read` gives; two that ask at once wait for one reading. */
  get<T>(key: string, read: () => Promise<{ value: T; size: number }>): Promise<T>;
  /** What is kept under the key. */
  peek(key: string): unknown;
}

/** Files that are read at once: a page of samples may want a hundred, and each is in memory several times while it is read. */
const LOADS_AT_ONCE = 4;

/** Runs at most so many tasks at once, the others in the order in which they came. */
function inTurn(most: number): <T>(task: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}

/** Least recently used files go first. Keys hold the report's digest, so nothing in it can be out of date. */
function partCache(): PartCache {
  const entries = new Map<string, { promise: Promise<unknown>; value?: unknown; size: number }>();
  const load = inTurn(LOADS_AT_ONCE);
  let bytes = 0;

  function latest(key: string) {
    const known = entries.get(key);
    if (known) {
      entries.delete(key);
      entries.set(key, known);
    }
    return known;
  }

  return {
    peek: (key) => latest(key)?.value,
    get<T>(key: string, read: () => Promise<{ value: T; size: number }>): Promise<T> {
      const known = latest(key);
      if (known) return known.promise as Promise<T>;
      const promise = load(read).then((loaded) => {
        Object.assign(entry, loaded);
        bytes += loaded.size;
        for (const [oldest, { size: freed }] of entries) {
          if (bytes <= CACHE_BYTES || oldest === key) break;
          entries.delete(oldest);
          bytes -= freed;
        }
        return loaded.value;
      });
      const entry = { promise, size: 0 };
      entries.set(key, entry);
      promise.catch(() => entries.delete(key));
      return promise;
    },
  };
}
