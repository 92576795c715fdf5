// What a method is given: the network, the samples, the settings, and the work that several methods share, done once.
import type { Image } from '../reports/format.ts';
import { UserError } from './errors.ts';
import type { Picture, PictureStore } from './figures/picture-store.ts';
import { pointCloudPng } from './figures/point-cloud.ts';
import { inputView, outputView, type View } from './figures/view.ts';
import type { Backend, Tensor } from './kernels/kernels.ts';
import { sizeOf } from './kernels/kernels.ts';
import {
  compileMap,
  compilePullback,
  type CompiledMap,
  type LocatedMap,
  type Pullback,
  type PullbackScope,
} from './network/affine-map.ts';
import { compileForward, type Forward } from './network/forward.ts';
import { layersOf, type Layer } from './network/layers.ts';
import { nodeOf, type Network, type NodeId } from './network/network.ts';
import type { Mode } from './ops/op.ts';
import { keepNothing, type Keep } from './kept.ts';
import type { Progress, Stage } from './progress.ts';
import { random, type Random } from './random.ts';
import { firstNotFinite, type InputSamples } from './samples/input.ts';
import type { Settings } from './settings.ts';

/** A part of the network. */
export interface Scope {
  /** Defaults to the explained input. */
  readonly from?: NodeId;
  /** Defaults to the explained output. */
  readonly to?: NodeId;
  readonly mode: Mode;
}

export type DrawOptions = Partial<Pick<Picture, 'kind' | 'limit' | 'keepNumbers'>>;

export type Task = 'classification' | 'regression' | 'image';

export interface Study {
  readonly network: Network;
  /** Every layer of the network. */
  readonly layers: readonly Layer[];
  /** The samples as the network takes them. */
  readonly samples: InputSamples;
  readonly settings: Settings;
  /** The second model of the sanity checks (--against). */
  readonly against: Network | null;
  readonly backend: Backend;
  readonly task: Task;
  /** Indices of the samples that get their own pictures and pages: wrong ones first, then spread over the classes. */
  readonly detailed: readonly number[];
  /** Explained output (logits) of every sample, samples × outputs; null when they are too many to keep. */
  readonly outputs: Float32Array | null;
  /** Class of every sample as an index of the outputs, −1 where unknown; null without labels. */
  readonly labels: Int32Array | null;
  /** Predicted class per sample; null for networks that are no classifiers. */
  readonly predictions: Int32Array | null;
  /** Whether a sample is predicted right; null where that is no question. */
  correct(sample: number): boolean | null;
  /** What output i is called: its class name, or its index. */
  outputName(output: number): string;
  /** How vectors of the input and output space are laid out for a person. */
  readonly inputView: View;
  readonly outputView: View;
  /** Whether another input is fed given numbers, rather than zeros. */
  isFed(input: NodeId): boolean;
  /** What the other inputs are fed, each [1, …shape]. */
  readonly fed: Readonly<Record<NodeId, Tensor>>;
  /** A generator of its own for every stream name. */
  random(stream: string): Random;
  /** The network's input for samples start … end−1, preprocessed: [end − start, …input shape]. */
  inputs(start: number, end: number): Promise<Tensor>;
  /** Values of nodes for samples start … end−1, each [end − start, …shape]. */
  values(nodes: readonly NodeId[], start: number, end: number): Promise<Tensor[]>;
  /** Values of nodes at inputs that are no samples (perturbed ones, say), each [n, …shape]. */
  valuesAt(nodes: readonly NodeId[], inputs: Tensor): Promise<Tensor[]>;
  /** The map at one sample. */
  map(sample: number, scope: Scope): Promise<LocatedMap>;
  /** The maps at samples start … end−1 side by side: blocks have one row a sample, row i meets the map of sample start + i. */
  mapOver(start: number, end: number, scope: Scope): Promise<LocatedMap>;
  /** Rows of a value brought back to several starts at once. */
  pullback(scope: PullbackScope): Promise<Pullback>;
  /** The maps at given inputs [n, …input shape], side by side. */
  mapAt(inputs: Tensor, scope: Scope): Promise<LocatedMap>;
  /** A vector of the input space as a diverging picture (or photo), with its numbers; named by content. */
  drawInput(vector: Float32Array, alt: string, options?: DrawOptions): Promise<Image>;
  drawOutput(vector: Float32Array, alt: string, options?: DrawOptions): Promise<Image>;
  /** A sample as a person sees it, as the network meets it; null where it is no picture. */
  drawSample(sample: number, keepNumbers: boolean): Promise<Image | null>;
  readonly pictures: PictureStore;
  /** Bytes of --memory that are left for work: without the program itself and the weights. */
  readonly memory: number;
  /** How many probes or samples fit one pass through the network within the memory budget, at most `wanted`. */
  blockSize(wanted: number): number;
  /** Keeps dear results on the way to an answer, for a run that is stopped. */
  readonly kept: Keep;
  /** A line for a person; shown above the progress bar. */
  note(line: string): void;
  /** A stage of long work within a method, for the progress bar. */
  stage(name: string, total: number): Stage;
  /** Throws when the run was interrupted; long loops call it between blocks. */
  checkpoint(): void;
  aborted(): boolean;
  /** Frees what was compiled; what is asked for again is compiled again. Maps that were located before are no longer of use. */
  release(): void;
  dispose(): void;
}

export interface StudyOptions {
  readonly network: Network;
  readonly samples: InputSamples;
  readonly settings: Settings;
  readonly against?: Network | null | undefined;
  readonly backend: Backend;
  readonly pictures: PictureStore;
  readonly classNames: readonly string[] | null;
  /** What other inputs are fed, each [1, …shape]; zeros where nothing is given. */
  readonly fed?: Readonly<Record<NodeId, Tensor>>;
  /** Nothing is kept without it. */
  readonly kept?: Keep;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** What the program takes before it has read anything, and how often weights are held while one program is compiled. */
const [PROGRAM_BYTES, WEIGHT_COPIES] = [256 * 2 ** 20, 4];
/** Bytes of programs at rest above which it matters little to build one again. */
const MOST_AT_REST = 2 ** 30;
/** Below this there is no point in dividing. */
const LEAST_MEMORY = 64 * 2 ** 20;
/** Above this many numbers the outputs of all samples are not kept in memory. */
const MOST_OUTPUTS = 2 ** 26;
/** Widest block of probes or samples: beyond it a pass is no faster. */
const WIDEST_BLOCK = 64;

/**
 * Runs the network over all samples once and gives methods what they share. Memory: the outputs, not the activations.
 * UserError when the network gives a number that is not finite.
 */
export async function createStudy(options: StudyOptions): Promise<Study> {
  const { network, samples, settings, backend, pictures, classNames, progress, signal } = options;
  const layers = layersOf(network);
  const atRest = memoryAtRest(network);
  const memory = Math.max(LEAST_MEMORY, settings.memory - atRest);
  const perInput = 4 * network.nodes.reduce((sum, { op, shape }) => sum + (op === 'constant' ? 0 : sizeOf(shape)), 0);
  if (settings.memory < atRest + 4 * Math.max(LEAST_MEMORY / 4, perInput))
    progress.note(
      `--memory ${mebibytes(settings.memory)} is exceeded: the program and the weights take about ${mebibytes(atRest)}, one input on its way ${mebibytes(perInput)}, of which room is kept for four. Inputs go one at a time.`,
    );
  // A third for programs at rest, and no more than helps; a quarter for one that runs; a quarter for what methods keep; the
  // rest for what was freed and is not handed back to the system.
  backend.keepWithin?.(Math.min(memory / 3, MOST_AT_REST));
  const inputShape = nodeOf(network, network.input).shape;
  const outputShape = nodeOf(network, network.output).shape;
  const views = {
    input: inputView(inputShape, network.layout, samples.rawShape),
    output: undefined as View | undefined,
  };
  views.output = outputView(outputShape, views.input);
  const outputCount = sizeOf(outputShape);
  // A decoder's numbers between 0 and 1 are no classes: there are as many as the input has, or more.
  const isOneSigmoidAClass = network.stripped === 'sigmoid' && outputCount < sizeOf(inputShape);
  const isClassifier =
    views.output.kind === 'vector' &&
    outputCount >= 2 &&
    outputCount !== sizeOf(inputShape) &&
    (samples.labels !== null || classNames !== null || network.stripped === 'softmax' || isOneSigmoidAClass);
  const task: Task = isClassifier ? 'classification' : views.output.kind === 'vector' ? 'regression' : 'image';

  const checkpoint = (): void => signal.throwIfAborted();
  const forwards = new Map<string, Promise<Forward>>();
  const forwardTo = (nodes: readonly NodeId[]): Promise<Forward> => {
    const key = nodes.join('\n');
    let forward = forwards.get(key);
    if (!forward) forwards.set(key, (forward = compileForward(network, backend, nodes)));
    return forward;
  };
  const maps = new Map<string, Promise<CompiledMap>>();
  const probesWithin = (valuesPerProbe: number): number =>
    Math.max(1, Math.min(WIDEST_BLOCK, Math.floor(memory / 4 / (4 * valuesPerProbe))));
  const compiledMap = ({ from = network.input, to = network.output, mode }: Scope): Promise<CompiledMap> => {
    const key = [from, to, mode].join('\n');
    let map = maps.get(key);
    if (!map) maps.set(key, (map = compileMap(network, layers, backend, { from, to, mode }, probesWithin)));
    return map;
  };
  const fed = Object.fromEntries(
    network.otherInputs.map((id) => {
      const { shape } = nodeOf(network, id);
      return [id, options.fed?.[id] ?? { data: new Float32Array(sizeOf(shape)), shape: [1, ...shape] }];
    }),
  );

  const inputs = async (start: number, end: number): Promise<Tensor> => ({
    data: await samples.read(start, end),
    shape: [end - start, ...inputShape],
  });
  const mapAt = async (at: Tensor, scope: Scope): Promise<LocatedMap> => (await compiledMap(scope)).locate(at, fed);
  const pullbacks = new Map<string, Promise<Pullback>>();
  const pullback = (scope: PullbackScope): Promise<Pullback> => {
    const key = [scope.mode, scope.to, ...scope.starts].join('\n');
    let compiled = pullbacks.get(key);
    if (!compiled) pullbacks.set(key, (compiled = compilePullback(network, backend, scope, probesWithin)));
    return compiled;
  };
  const blockSize = (wanted: number): number => Math.min(wanted, probesWithin(perInput / 4));

  const release = (): void => {
    for (const compiled of [...forwards.values(), ...maps.values(), ...pullbacks.values()])
      void compiled.then(
        (c) => c.dispose(),
        () => {},
      );
    forwards.clear();
    maps.clear();
    pullbacks.clear();
  };

  /** Why a sample's output is not finite: the first layer where that is so. */
  const overflow = async (sample: number): Promise<UserError> => {
    const layerOf = new Map(layers.flatMap((layer) => layer.nodes.map((id) => [id, layer] as const)));
    const ids = network.nodes.map(({ id }) => id).filter((id) => layerOf.has(id));
    const values = await (await forwardTo(ids)).run(await inputs(sample, sample + 1), fed);
    const at = values.findIndex(({ data }) => firstNotFinite(data) >= 0);
    const { data } = values[at]!;
    release();
    return new UserError(
      `The network’s output for sample ${samples.name(sample)} is not finite: the layer ${layerOf.get(ids[at]!)!.name} is the first to give ${data[firstNotFinite(data)]}.`,
      {
        hint: 'float32 ends at 3.4·10³⁸. Remove the sample, scale it with --preprocess, or analyse the weights alone, without --samples.',
      },
    );
  };

  const outputs = samples.count * outputCount <= MOST_OUTPUTS ? new Float32Array(samples.count * outputCount) : null;
  const predictions = isClassifier ? new Int32Array(samples.count) : null;
  const labels = samples.labels;
  const stage = progress.stage('forward pass', samples.count);
  const step = blockSize(WIDEST_BLOCK);
  const forward = await forwardTo([network.output]);
  for (let start = 0; start < samples.count; start += step) {
    checkpoint();
    const end = Math.min(start + step, samples.count);
    const [block] = await forward.run(await inputs(start, end), fed);
    const bad = firstNotFinite(block!.data);
    if (bad >= 0) throw await overflow(start + Math.floor(bad / outputCount));
    outputs?.set(block!.data, start * outputCount);
    for (let i = 0; predictions && i < end - start; i++) {
      predictions[start + i] = largest(block!.data.subarray(i * outputCount, (i + 1) * outputCount));
    }
    stage.advance(end - start);
  }
  stage.done();

  const correct = (sample: number): boolean | null =>
    predictions && labels && labels[sample]! >= 0 ? predictions[sample] === labels[sample] : null;
  const draw =
    (view: View) =>
    (vector: Float32Array, alt: string, options: DrawOptions = {}) =>
      pictures.draw({
        kind: 'map',
        ...options,
        values: view.arrange(vector),
        height: view.height,
        width: view.width,
        channels: view.channels,
        alt,
      });

  return {
    network,
    layers,
    samples,
    settings,
    against: options.against ?? null,
    backend,
    task,
    detailed: chooseDetailed(samples, settings.detail, labels ?? predictions, correct),
    outputs,
    labels,
    predictions,
    correct,
    outputName: (output) => classNames?.[output] ?? String(output),
    inputView: views.input,
    outputView: views.output,
    isFed: (input) => options.fed?.[input] !== undefined,
    fed,
    random: (stream) => random(settings.seed, stream),
    inputs,
    values: async (nodes, start, end) => (await forwardTo(nodes)).run(await inputs(start, end), fed),
    valuesAt: async (nodes, at) => (await forwardTo(nodes)).run(at, fed),
    map: async (sample, scope) => mapAt(await inputs(sample, sample + 1), scope),
    mapOver: async (start, end, scope) => mapAt(await inputs(start, end), scope),
    pullback,
    mapAt,
    drawInput: draw(views.input),
    drawOutput: draw(views.output),
    async drawSample(sample, keepNumbers) {
      if (views.input.kind === 'points') {
        const { png, ...size } = await pointCloudPng(await samples.read(sample, sample + 1));
        return pictures.keepPng(png, size, `Sample ${samples.name(sample)} from three sides`);
      }
      const image = await samples.image(sample);
      if (!image) return null;
      const [height, width, channels = 1] = image.shape as [number, number, number?];
      return pictures.draw({
        values: image.data,
        numbers: image.numbers,
        height,
        width,
        channels,
        kind: 'photo',
        keepNumbers,
        alt: `Sample ${samples.name(sample)}`,
      });
    },
    pictures,
    memory,
    blockSize,
    kept: options.kept ?? keepNothing,
    note: (line) => progress.note(line),
    stage: (name, total) => progress.stage(name, total),
    checkpoint,
    aborted: () => signal.aborted,
    release,
    dispose: release,
  };
}

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;

/** What --memory must hold before there is any work: the program itself, and the weights. */
function memoryAtRest(network: Network): number {
  const weights = new Set(network.nodes.flatMap(({ parameters }) => Object.values(parameters).map(({ data }) => data)));
  return PROGRAM_BYTES + WEIGHT_COPIES * [...weights].reduce((sum, data) => sum + data.byteLength, 0);
}

function largest(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/**
 * The samples to look at in detail, in input order: those named; or all; or N, wrong ones first (up to half of N, one
 * class after the other), then one of each class in turn.
 */
function chooseDetailed(
  samples: InputSamples,
  detail: Settings['detail'],
  classes: Int32Array | null,
  correct: (sample: number) => boolean | null,
): number[] {
  const all = Array.from({ length: samples.count }, (_, i) => i);
  if (detail === 'all') return all;
  if (typeof detail !== 'number') {
    const byName = new Map(all.map((i) => [samples.name(i), i]));
    return detail.map((name) => byName.get(name)).filter((i) => i !== undefined);
  }
  const inTurn = (candidates: readonly number[]): number[] => {
    const byClass = Map.groupBy(candidates, (i) => classes?.[i] ?? 0);
    const queues = [...byClass.entries()].sort(([a], [b]) => a - b).map(([, queue]) => queue);
    const longest = Math.max(0, ...queues.map((queue) => queue.length));
    return Array.from({ length: longest }, (_, turn) => queues.flatMap((queue) => queue.slice(turn, turn + 1))).flat();
  };
  const wrong = inTurn(all.filter((i) => correct(i) === false)).slice(0, Math.ceil(detail / 2));
  const rest = inTurn(all.filter((i) => !wrong.includes(i)));
  return [...wrong, ...rest].slice(0, detail).sort((a, b) => a - b);
}
