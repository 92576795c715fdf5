// What tests of Keras networks in files share: TensorFlow.js on its plain backend, ours, and a folder that goes afterwards.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { loadNetwork } from '../../analysis/formats/index.ts';
import type { Backend, Tensor } from '../../analysis/kernels/kernels.ts';
import { onnxruntimeBackend } from '../../analysis/kernels/onnxruntime.ts';
import type { Network } from '../../analysis/network/network.ts';
import { tf } from './keras-files.ts';
import { fileOutputs } from './written.ts';

/** Made once a test file, at its top. */
export function kerasSetUp(name: string) {
  let backend: Backend;
  let folder: string;
  let count = 0;
  beforeAll(async () => {
    await tf.setBackend('cpu');
    backend = onnxruntimeBackend();
    folder = mkdtempSync(join(tmpdir(), `${name}-`));
  });
  afterAll(async () => {
    await backend.dispose();
    rmSync(folder, { recursive: true, force: true });
  });
  /** A path in the folder; a new one by default. */
  const place = (name = `file${count++}`): string => join(folder, name);
  const outputsOf = async (network: Network, inputs: Readonly<Record<string, Tensor>>): Promise<Float32Array> =>
    (await fileOutputs(network, backend, inputs)).data;
  return {
    place,
    write(bytes: Uint8Array, name?: string): string {
      const path = place(name);
      writeFileSync(path, bytes);
      return path;
    },
    outputsOf,
    /** Outputs of the network in a file, which takes one input. */
    async outputsOfFile(path: string, given: Tensor): Promise<Float32Array> {
      const network = await loadNetwork(path);
      return outputsOf(network, { [network.input]: given });
    },
  };
}
