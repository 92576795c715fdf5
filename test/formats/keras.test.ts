import { describe, expect, it } from 'vitest';
import { loadNetwork } from '../../analysis/formats/index.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import {
  h5Of,
  hdf5Bytes,
  keras3Of,
  kerasConfig,
  kerasConfig3,
  layers,
  nestedModel,
  predicted,
  randomised,
  samples,
} from './keras-files.ts';
import { kerasSetUp } from './keras-set-up.ts';
import { relativeDifference } from './written.ts';

const { write, outputsOfFile: outputsOf } = kerasSetUp('keras');
const l = layers.layers;

const dense = (): layers.LayersModel =>
  randomised(
    layers.sequential({
      name: 'net',
      layers: [l.dense({ units: 4, inputShape: [5], activation: 'hardSigmoid', name: 'fc' })],
    }),
  );

describe('Keras files', () => {
  it('models within models, in both formats, one entry per use', async () => {
    const model = randomised(nestedModel());
    const given = samples([2, 5]);
    const expected = predicted(model, [given])[0]!.data;
    for (const bytes of [await h5Of(model), await keras3Of(model)]) {
      const path = write(bytes);
      expect(relativeDifference(await outputsOf(path, given), expected)).toBeLessThan(2e-6);
      const found = layersOf(await loadNetwork(path)).map(({ name }) => name);
      expect(found).toEqual(['inner/first', 'inner/second', 'inner/first#2', 'inner/second#2']);
    }
  });
  it('Keras 3 has another hard sigmoid than Keras 2: slope 1/6 instead of 0.2', async () => {
    const model = dense();
    const linear = randomised(layers.sequential({ layers: [l.dense({ units: 4, inputShape: [5], name: 'fc' })] }));
    const given = samples([3, 5]);
    const z = predicted(linear, [given])[0]!.data;
    const clipped = (slope: number) => Array.from(z, (x) => Math.min(1, Math.max(0, slope * x + 0.5)));
    expect(relativeDifference(await outputsOf(write(await h5Of(model)), given), clipped(0.2))).toBeLessThan(1e-5);
    expect(relativeDifference(await outputsOf(write(await keras3Of(model)), given), clipped(1 / 6))).toBeLessThan(1e-5);
  });
  it('names what an HDF5 file lacks that holds weights only, also one called .keras', async () => {
    const bytes = await hdf5Bytes((file) => {
      file
        .create_group('fc')
        .create_dataset({ name: 'kernel:0', data: new Float32Array(4), shape: [2, 2], dtype: '<f' });
    });
    await expect(loadNetwork(write(bytes, 'weights.keras'))).rejects.toThrow(
      'weights.keras holds weights without the model that they belong to',
    );
  });
  it('a whole HDF5 model called .keras loads', async () => {
    expect((await loadNetwork(write(await h5Of(dense()), 'whole.keras'))).format).toBe('keras-h5');
  });
  it('reads what versions add and rename: Model for Functional, groups in depthwise layers, keepdims', async () => {
    const input = layers.input({ shape: [6, 6, 3] });
    const deep = l.depthwiseConv2d({ kernelSize: 3, name: 'deep' }).apply(input) as layers.SymbolicTensor;
    const model = randomised(
      layers.model({
        inputs: input,
        outputs: l.globalAveragePooling2d({ name: 'pooled' }).apply(deep) as layers.SymbolicTensor,
      }),
    );
    const given = samples([2, 6, 6, 3]);
    const expected = predicted(model, [given])[0]!.data;
    const config = structuredClone(kerasConfig(model)) as any;
    config.class_name = 'Functional';
    config.config.layers[1].config.groups = 1;
    config.config.layers[2].config.keepdims = true;
    const path = write(await h5Of(model, config));
    expect(relativeDifference(await outputsOf(path, given), expected)).toBeLessThan(2e-6);
    const network = await loadNetwork(path);
    expect(network.nodes.find(({ id }) => id === network.output)!.shape).toEqual([1, 1, 1, 3]);
  });
  it('a front that scales means raw numbers go in', async () => {
    const model = randomised(
      layers.sequential({
        layers: [
          l.rescaling({ scale: 1 / 127.5, offset: -1, inputShape: [8, 8, 3] }),
          l.conv2d({ filters: 2, kernelSize: 3 }),
        ],
      }),
    );
    const { preprocessing } = await loadNetwork(write(await h5Of(model)));
    expect(preprocessing).toMatchObject({ scale: 1, source: 'read from the file: its Rescaling layer scales' });
  });
  it('normalises with the mean and variance in the configuration', async () => {
    const model = dense();
    const config = structuredClone(kerasConfig3(kerasConfig(model))) as any;
    const [mean, variance] = [
      [1, 2, 3, 4, 5],
      [4, 9, 1, 4, 0.25],
    ];
    config.config.layers.splice(1, 1, {
      class_name: 'Normalization',
      config: { name: 'scaled', axis: [-1], mean, variance },
    });
    const given = samples([2, 5]);
    const expected = Array.from(given.data, (x, i) => (x - mean[i % 5]!) / Math.sqrt(variance[i % 5]!));
    expect(relativeDifference(await outputsOf(write(await keras3Of(model, config)), given), expected)).toBeLessThan(
      1e-6,
    );
  });
});
