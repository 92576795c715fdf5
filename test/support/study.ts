// A study of a network held in memory or on disk, as methods are given one, for tests: nobody listens, pictures go to a folder of their own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pictureStore } from '../../analysis/figures/picture-store.ts';
import { loadNetwork } from '../../analysis/formats/index.ts';
import type { Backend } from '../../analysis/kernels/kernels.ts';
import { sizeOf } from '../../analysis/kernels/kernels.ts';
import { nodeOf, type Network } from '../../analysis/network/network.ts';
import { silent } from '../../analysis/progress.ts';
import { openInputSamples } from '../../analysis/samples.ts';
import type { InputSamples } from '../../analysis/samples/input.ts';
import { parseSettings } from '../../analysis/settings.ts';
import { createStudy, type Study } from '../../analysis/study.ts';

/** Samples held in memory: rows of the network's input. */
export function samplesOf(network: Network, rows: Float32Array, labels: readonly number[] | null = null): InputSamples {
  const shape = nodeOf(network, network.input).shape;
  const size = sizeOf(shape);
  return {
    kind: 'vector',
    format: 'in memory',
    count: rows.length / size,
    rawShape: shape.slice(1),
    labels: labels && Int32Array.from(labels),
    featureNames: null,
    preprocessing: network.preprocessing,
    notes: [],
    name: String,
    digest: async () => 'test',
    read: async (start, end) => rows.slice(start * size, end * size),
    image: async () => null,
  };
}

/** A study and how to end it. */
export interface TestStudy {
  readonly study: Study;
  close(): Promise<void>;
}

/** The study of a network with samples; `given` are settings. The backend stays the caller's. */
export async function studyOf(
  network: Network,
  samples: InputSamples,
  backend: Backend,
  given: Record<string, unknown> = {},
  classNames: readonly string[] | null = null,
): Promise<TestStudy> {
  const folder = await mkdtemp(path.join(tmpdir(), 'eigenlens-study-'));
  const study = await createStudy({
    network,
    samples,
    settings: parseSettings(given),
    backend,
    pictures: pictureStore(folder),
    classNames,
    progress: silent,
    signal: new AbortController().signal,
  });
  return {
    study,
    async close() {
      study.dispose();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The study of a model file. */
export async function studyOfFile(
  model: string,
  backend: Backend,
  given: Record<string, unknown> = {},
): Promise<TestStudy> {
  const network = await loadNetwork(model, {});
  const { samples, classNames } = await openInputSamples(network, parseSettings(given));
  return studyOf(network, samples, backend, given, classNames);
}
