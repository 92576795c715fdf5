import { describe, expect, it } from 'vitest';
import { loadNetwork } from '../../analysis/formats/index.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import {
  h5Of,
  keras3Of,
  kerasConfig,
  kerasConfig3,
  layers,
  predicted,
  randomised,
  samples,
  writeTfjs,
} from './keras-files.ts';
import { kerasSetUp } from './keras-set-up.ts';
import { relativeDifference } from './written.ts';

const { place, write, outputsOf } = kerasSetUp('keras-recurrent');
const l = layers.layers;
const model = (...list: layers.layers.Layer[]): layers.LayersModel => {
  const input = layers.input({ shape: [5, 3] });
  const outputs = list.reduce((x, layer) => layer.apply(x) as layers.SymbolicTensor, input);
  return randomised(layers.model({ inputs: input, outputs }));
};
/** The same model in every format that has layers. Both kinds of Keras files say their activations themselves. */
const files = async (made: layers.LayersModel): Promise<string[]> => [
  await writeTfjs(made, place()),
  write(await h5Of(made)),
  write(await keras3Of(made)),
];

// The usual initialiser of TensorFlow.js needs more of it than is loaded here; every weight is drawn anew anyway.
const plain = { units: 4, recurrentInitializer: 'glorotUniform' } as const;
const settings = { ...plain, recurrentActivation: 'sigmoid' } as const;
const sequences = { ...settings, returnSequences: true } as const;
const both = (layer: layers.layers.RNN, mergeMode: 'concat' | 'sum' | 'ave' | 'mul') =>
  l.bidirectional({ layer, mergeMode });
const cases: Record<string, () => layers.LayersModel> = {
  'an LSTM and a dense layer': () => model(l.lstm(settings), l.dense({ units: 2 })),
  'an LSTM without biases that gives every step': () => model(l.lstm({ ...sequences, useBias: false })),
  'an LSTM of other activation functions': () =>
    model(l.lstm({ ...settings, activation: 'relu', recurrentActivation: 'softsign' })),
  'two GRUs, the second backwards': () => model(l.gru(sequences), l.gru({ ...sequences, goBackwards: true })),
  'a simple layer backwards': () => model(l.simpleRNN({ ...plain, goBackwards: true })),
  'simple layers': () => model(l.simpleRNN({ ...plain, returnSequences: true }), l.simpleRNN({ ...plain, units: 2 })),
  'an LSTM both ways, joined': () => model(both(l.lstm(settings), 'concat')),
  'a GRU both ways, every step, joined': () => model(both(l.gru(sequences), 'concat')),
  'an LSTM both ways, every step, averaged': () => model(both(l.lstm(sequences), 'ave')),
  'a simple layer both ways, multiplied': () => model(both(l.simpleRNN(plain), 'mul')),
  'a GRU both ways, added': () => model(both(l.gru(settings), 'sum')),
  'a dense layer at every step behind an LSTM': () =>
    model(l.lstm(sequences), l.timeDistributed({ layer: l.dense({ units: 2, activation: 'relu' }) })),
};

describe('recurrent layers as TensorFlow.js computes them, in every file with layers', () => {
  it.each(Object.keys(cases))('%s', async (name) => {
    const made = cases[name]!();
    const given = samples([2, 5, 3]);
    const expected = predicted(made, [given])[0]!.data;
    for (const path of await files(made)) {
      const network = await loadNetwork(path);
      const data = await outputsOf(network, { [network.input]: given });
      expect(relativeDifference(data, expected), path).toBeLessThan(3e-6);
      expect(network.layout).toMatchObject({ kind: 'signal', channelAxis: 2, widthAxis: 1 });
    }
  });
  it('a GRU of Keras that resets behind its product', async () => {
    const made = model(l.gru({ ...settings, name: 'memory' }));
    const config = structuredClone(kerasConfig3(kerasConfig(made))) as any;
    const [kernel, recurrent, bias] = made.weights.map((weight) => weight.read().arraySync() as any);
    const second = samples([12], 5).data;
    config.config.layers.find((layer: any) => layer.class_name === 'GRU').config.reset_after = true;
    const bytes = await keras3Of(made, config, (layer, i, tensor) =>
      layer === 'memory' && i === 2 ? { data: Float32Array.from([...bias, ...second]), shape: [2, 12] } : tensor,
    );
    const network = await loadNetwork(write(bytes));
    const given = samples([1, 5, 3]);
    const found = await outputsOf(network, { [network.input]: given });
    const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
    let h = [0, 0, 0, 0];
    for (let t = 0; t < 5; t++) {
      const own = (o: number): number =>
        [0, 1, 2].reduce<number>((sum, k) => sum + given.data[3 * t + k]! * kernel[k][o], bias[o]);
      const back = (o: number): number => second[o]! + h.reduce((sum, x, k) => sum + x * recurrent[k][o], 0);
      h = h.map((x, unit) => {
        const [z, r] = [0, 4].map((gate) => sigmoid(own(gate + unit) + back(gate + unit)));
        return z! * x + (1 - z!) * Math.tanh(own(8 + unit) + r! * back(8 + unit));
      });
    }
    expect(relativeDifference(found, h)).toBeLessThan(3e-6);
  });
  it('names layers after Keras, forward and backward apart', async () => {
    const bytes = await h5Of(
      model(both(l.lstm({ ...settings, name: 'memory' }), 'concat'), l.dense({ units: 2, name: 'head' })),
    );
    const names = layersOf(await loadNetwork(write(bytes))).map(({ name }) => name);
    expect(new Set(names.map((name) => name.replace(/^bidirectional_\w+\//, '').replace(/#\d$/, '')))).toEqual(
      new Set(['forward_memory', 'forward_memory/recurrent', 'backward_memory', 'backward_memory/recurrent', 'head']),
    );
    expect(names).toHaveLength(2 * 5 + 1);
  });
  it('initial states are inputs of the layer', async () => {
    const [x, h] = [layers.input({ shape: [5, 3], name: 'x' }), layers.input({ shape: [4], name: 'h' })];
    const outputs = l.simpleRNN(plain).apply(x, { initialState: [h] }) as layers.SymbolicTensor;
    const made = randomised(layers.model({ inputs: [x, h], outputs }));
    const given = [samples([2, 5, 3]), samples([2, 4], 9)];
    const network = await loadNetwork(await writeTfjs(made, place()));
    const data = await outputsOf(network, { x: given[0]!, h: given[1]! });
    expect(relativeDifference(data, predicted(made, given)[0]!.data)).toBeLessThan(3e-6);
  });
});

describe('what recurrent layers are refused for', () => {
  const refused = async (change: (config: any) => void, made = model(l.lstm({ ...settings, name: 'memory' }))) => {
    const config = structuredClone(kerasConfig(made)) as any;
    change(config.config.layers[1]);
    return loadNetwork(write(await h5Of(made, config)));
  };
  it.each([
    [
      'stateful',
      (layer: any) => (layer.config.stateful = true),
      /"LSTM" \(stateful\) at node "memory".*Supported: .*LSTM/,
    ],
    [
      'an unknown activation',
      (layer: any) => (layer.config.recurrent_activation = 'sigmoyd'),
      /its activation "sigmoyd"; the nearest that is supported is "sigmoid"/,
    ],
    ['other sizes than the weights', (layer: any) => (layer.config.units = 5), /a bias of shape \[16\], not \[20\]/],
    [
      'masks',
      (layer: any) => (layer.class_name = 'Masking'),
      /"Masking" \(masks change the arithmetic of the layers behind\)/,
    ],
  ])('%s', async (_, change, message) => {
    await expect(refused(change)).rejects.toThrow(message);
  });
});

describe('an embedding', () => {
  const words = (maskZero: boolean) => {
    const input = layers.input({ shape: [5], name: 'ids' });
    const rows = l.embedding({ inputDim: 7, outputDim: 3, maskZero, name: 'words' }).apply(input);
    const memory = l.lstm(settings).apply(rows);
    return randomised(
      layers.model({ inputs: input, outputs: l.dense({ units: 2 }).apply(memory) as layers.SymbolicTensor }),
    );
  };
  it('its rows are the explained input, in every file with layers', async () => {
    const made = words(false);
    const ids = { data: Float32Array.of(3, 0, 6, 2, 2), shape: [1, 5] };
    const expected = predicted(made, [ids])[0]!.data;
    for (const path of await files(made)) {
      const network = await loadNetwork(path);
      expect(network.lookup).toMatchObject({ input: 'ids', shape: [1, 5] });
      const { data: table } = network.lookup!.table;
      const rows = Float32Array.from([...ids.data].flatMap((id) => [...table.subarray(3 * id, 3 * id + 3)]));
      const data = await outputsOf(network, { [network.input]: { data: rows, shape: [1, 5, 3] } });
      expect(relativeDifference(data, expected), path).toBeLessThan(3e-6);
    }
  });
  it('with masks is refused', async () => {
    const path = write(await h5Of(words(true)));
    await expect(loadNetwork(path)).rejects.toThrow(/"Embedding" \(mask_zero: masks change the arithmetic/);
  });
});
