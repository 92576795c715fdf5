// Trained networks of the formats of TensorFlow.js and Keras: they load whole, and the same network in another format is the same.
import { describe, expect, it } from 'vitest';
import { loadNetwork } from '../../analysis/formats/index.ts';
import type { LoadOptions } from '../../analysis/formats/graph.ts';
import { onnxruntimeBackend } from '../../analysis/kernels/onnxruntime.ts';
import { compileForward } from '../../analysis/network/forward.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import { nodeOf } from '../../analysis/network/network.ts';
import { hasShared, sharedPath } from './models.ts';
import { samples } from './keras-files.ts';
import { relativeDifference } from './written.ts';

const path = (file: string): string => sharedPath(`models/${file}`);

/** Layers and parameters. */
const trained: readonly [string, number, number, LoadOptions?][] = [
  ['facemesh-tfjs', 40, 353565],
  ['mnist-cnn-tfjs-layers/mnist_classifier.json', 3, 5994],
  ['mobilenet-v1-0.25-emoji-tfjs', 29, 895177],
  ['sr-carn-x2-tfjs', 35, 964187, { inputShape: [1, 3, 16, 16] }],
  ['sr-espcn-tf/tfjs-graph/espcn_x3', 3, 22729, { inputShape: [1, 16, 16, 1] }],
  ['sr-fsrcnn-tf/tfjs-graph/fsrcnn_x2', 8, 8496, { inputShape: [1, 16, 16, 1] }],
  ['style-transfer-separable-tfjs', 55, 569406, { inputShape: [1, 32, 32, 3] }],
  ['tabular-abalone-tfjs', 3, 3051],
  ['vww-mobilenet-keras/vww_96.h5', 28, 221794],
];

/** The same weights in several files. */
const families: readonly (readonly string[])[] = [
  ['mnist-mlp/mnist_mlp.onnx', 'mnist-mlp/mnist_mlp.keras', 'mnist-mlp/tfjs-layers'],
  [
    'resnet8-cifar10-keras/pretrainedResnet.h5',
    'resnet8-cifar10-keras/resnet8_cifar10.keras',
    'resnet8-cifar10-keras/tfjs-layers',
  ],
  ['autoencoder-ad01-keras/ad01.h5', 'autoencoder-ad01-keras/tfjs-layers'],
  ['vww-mobilenet-keras/vww_96.h5', 'vww-mobilenet-keras/tfjs-layers'],
];

describe.skipIf(!hasShared)('trained networks (skipped where the shared models are absent)', () => {
  it.each(trained)('%s has %i layers and %i parameters', async (file, layers, parameters, options) => {
    const network = await loadNetwork(path(file), options);
    expect(layersOf(network)).toHaveLength(layers);
    expect(network.parameterCount).toBe(parameters);
  });
  it.each(families)('%s gives the outputs of %s', { timeout: 60_000 }, async (...files) => {
    const backend = onnxruntimeBackend();
    const outputs: Float32Array[] = [];
    for (const file of files) {
      const network = await loadNetwork(path(file));
      const forward = await compileForward(network, backend, [network.output]);
      const [block] = await forward.run(samples([2, ...nodeOf(network, network.input).shape]));
      outputs.push(block!.data);
      forward.dispose();
    }
    await backend.dispose();
    for (const other of outputs.slice(1)) expect(relativeDifference(other, outputs[0]!)).toBeLessThan(1e-5);
  });
});
