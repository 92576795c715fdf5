// Samples: what the network is run on. A format (samples/*.ts) gives numbers on demand; here they get labels, names and
// a hash, and samples/input.ts makes them the network's input. Formats are recognised by their content where that is possible.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { UserError } from './errors.ts';
import { isNpy } from './figures/npy.ts';
import { sizeOf, type Shape } from './kernels/kernels.ts';
import { nodeOf, type Network } from './network/network.ts';
import { headOf } from './samples/bytes.ts';
import { isCifar, openCifar } from './samples/cifar.ts';
import { folderOf } from './samples/folder.ts';
import { idxHeader, openIdx } from './samples/idx.ts';
import { IMAGE_EXTENSIONS, openImageFolder } from './samples/image-folder.ts';
import { toInput, type InputSamples } from './samples/input.ts';
import { readClassNames, readLabels, unreadable } from './samples/label-file.ts';
import { classNamesFrom, resolveLabels } from './samples/labels.ts';
import { lookedUp } from './samples/lookup.ts';
import { openNpy, openNpz } from './samples/npy.ts';
import { openPoints, POINT_EXTENSIONS } from './samples/points.ts';
import type { OpenOptions, Samples, SampleSource } from './samples/source.ts';
import { openTable } from './samples/table.ts';
import type { Settings } from './settings.ts';

/** No samples: only what the weights alone answer. */
function noSamples(classNames: readonly string[] | null): Samples {
  const source: SampleSource = {
    format: 'none',
    kind: 'vector',
    shape: [0],
    count: 0,
    total: 0,
    chosen: null,
    pixels: false,
    labels: null,
    featureNames: null,
    notes: [],
    name: String,
    read: () => Promise.resolve(new Float32Array(0)),
    digest: () => Promise.resolve('none'),
  };
  return { ...source, labels: null, classNames, source };
}

export interface SamplesOptions extends Partial<OpenOptions> {
  /** Path of a labels file; else the format's own labels count. */
  readonly labels?: string | null;
  /** Path of a class names file. */
  readonly classes?: string | null;
  /** Class names that the network itself knows, used where no file is given and they fit. */
  readonly ownClassNames?: readonly string[] | null;
}

/** Opens samples with their labels; UserError when the format is unknown, nothing is there, or labels do not fit. */
export async function openSamples(path: string, options: SamplesOptions = {}): Promise<Samples> {
  const { limit = null, inputShape = null } = options;
  const source = await openSource(path, { limit, inputShape });
  if (source.total === 0) throw new UserError(`${basename(path)} holds no samples.`);
  const given = options.classes ? await readClassNames(options.classes) : null;
  const own = options.ownClassNames ? classNamesFrom(options.ownClassNames) : null;
  const allNames = (): string[] => Array.from({ length: source.count }, (_, i) => source.name(i));
  const written = options.labels ? await readLabels(options.labels, allNames()) : source.labels;
  const all = resolveLabels(written, given, own);
  const labels = all.labels && inUse(all.labels, source, written!.where);
  return {
    kind: source.kind,
    format: source.format,
    count: source.count,
    shape: source.shape,
    labels,
    classNames: all.classNames,
    featureNames: source.featureNames,
    notes: [...source.notes, ...all.notes],
    name: source.name,
    async digest() {
      const hash = createHash('sha256').update(
        JSON.stringify([await source.digest(), source.count, source.shape, all.classNames]),
      );
      return (labels ? hash.update(labels) : hash).digest('hex');
    },
    source,
  };
}

/** Labels of the samples in use, from labels of all samples or of just these. */
function inUse(labels: Int32Array, { total, count, chosen }: SampleSource, where: string): Int32Array {
  if (labels.length === total) return chosen ? Int32Array.from(chosen, (i) => labels[i]!) : labels.slice(0, count);
  if (labels.length === count) return labels;
  throw new UserError(`There are ${labels.length} labels in ${where} for ${total} samples.`, {
    hint: 'Give one label a sample, in the same order.',
  });
}

async function openSource(path: string, options: OpenOptions): Promise<SampleSource> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable('Samples', path, error);
  });
  try {
    return found.isDirectory() ? await openFolder(path, options) : await openFile(path, options);
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string' && /^E[A-Z]+$/.test(error.code))
      throw unreadable('Samples', path, error);
    throw error;
  }
}

async function openFolder(path: string, options: OpenOptions): Promise<SampleSource> {
  const { files } = await folderOf(path, new Set([...IMAGE_EXTENSIONS, ...POINT_EXTENSIONS]));
  const clouds = files.filter((file) => POINT_EXTENSIONS.has(extname(file).toLowerCase())).length;
  return clouds > files.length / 2 ? openPoints(path, options) : openImageFolder(path, options);
}

const startsWith = (head: Uint8Array, text: string): boolean =>
  [...text].every((character, i) => head[i] === character.charCodeAt(0));

async function openFile(path: string, options: OpenOptions): Promise<SampleSource> {
  const head = await headOf(path);
  const extension = extname(path).toLowerCase();
  if (head.length === 0) throw new UserError(`${basename(path)} is empty.`);
  if (isNpy(head)) return openNpy(path, options);
  if (startsWith(head, 'PK\u0003\u0004')) return openNpz(path, options);
  if (startsWith(head, 'ply') || extension === '.xyz') return openPoints(path, options, true);
  if (idxHeader(head)) return openIdx(path, options);
  if (IMAGE_EXTENSIONS.has(extension)) return openImageFolder(path, options, true);
  if (await isCifar(path)) return openCifar(path, options);
  if (head.every((byte) => byte >= 9 && byte !== 127 && (byte > 13 || byte < 14) && (byte >= 32 || byte <= 13)))
    return openTable(path, options);
  throw new UserError(`${basename(path)} is no known kind of samples.`, {
    hint: 'Known are: a folder of images or point clouds, .npy, .npz, IDX (.gz), CIFAR binary (records of 3073 bytes), .csv, .xyz, .ply.',
  });
}

/**
 * The samples of the settings as inputs of a network, and the class names (--classes, the labels' own, or the network's).
 * UserError when they do not fit the network.
 */
export async function openInputSamples(
  network: Network,
  settings: Pick<Settings, 'samples' | 'labels' | 'classes' | 'limit' | 'preprocess'>,
): Promise<{ samples: InputSamples; classNames: readonly string[] | null }> {
  const { shape } = nodeOf(network, network.input);
  const { labels, classes, limit } = settings;
  const { lookup } = network;
  const opened = settings.samples
    ? await openSamples(settings.samples, {
        labels,
        classes,
        limit,
        inputShape: lookup?.shape ?? shape,
        ownClassNames: network.classNames,
      })
    : noSamples(classes ? (await readClassNames(classes)).names : network.classNames);
  const samples = lookup && opened.count > 0 ? lookedUp(opened, lookup) : opened;
  checkLabels(samples, nodeOf(network, network.output).shape);
  const inputs = toInput(samples, {
    shape,
    layout: network.layout,
    preprocessing: network.preprocessing,
    given: settings.preprocess,
  });
  return { samples: inputs, classNames: samples.classNames };
}

/** Labels must be outputs of a network whose outputs are a list. */
function checkLabels({ labels, name }: Samples, outputShape: Shape): void {
  const outputs = sizeOf(outputShape);
  const isList = outputs >= 2 && outputs === Math.max(...outputShape);
  const outside = isList && labels ? labels.findIndex((label) => label >= outputs) : -1;
  if (outside < 0) return;
  throw new UserError(
    `Sample ${name(outside)} has label ${labels![outside]}; the network has ${outputs} outputs, 0 to ${outputs - 1}.`,
    { hint: 'Labels count from 0, in the order of the outputs.' },
  );
}
