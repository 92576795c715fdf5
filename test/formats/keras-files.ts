// Small Keras networks for tests: made with TensorFlow.js, which also says what they compute, and written as TensorFlow.js folders,
// HDF5 files and Keras 3 archives.
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { zipSync } from 'fflate';
import h5wasm from 'h5wasm';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { snakeCase } from '../../analysis/formats/keras-activations.ts';
import type { Shape, Tensor } from '../../analysis/kernels/kernels.ts';
import { sizeOf } from '../../analysis/kernels/kernels.ts';
import { random } from '../../analysis/random.ts';

export { layers, tf };

type Config = Record<string, any>;

/** Fills every weight with seeded numbers; variances are positive. */
export function randomised(model: layers.LayersModel, seed = 1): layers.LayersModel {
  const source = random(seed, 'weights');
  const values = model.weights.map((weight) => {
    const shape = weight.shape as number[];
    const data = Float32Array.from(source.normals(sizeOf(shape)), (x) => 0.5 * x);
    const positive = /variance|gamma/.test(weight.originalName);
    return tf.tensor(positive ? data.map((x) => 0.5 + Math.abs(x)) : data, shape);
  });
  model.setWeights(values);
  tf.dispose(values);
  return model;
}

/** A model with a model within it, used twice. */
export function nestedModel(): layers.LayersModel {
  const inner = layers.sequential({
    name: 'inner',
    layers: [
      layers.layers.dense({ units: 4, inputShape: [5], activation: 'relu', name: 'first' }),
      layers.layers.dense({ units: 5, name: 'second' }),
    ],
  });
  const input = layers.input({ shape: [5] });
  const once = inner.apply(input) as layers.SymbolicTensor;
  const twice = inner.apply(once) as layers.SymbolicTensor;
  const outputs = layers.layers.add().apply([once, twice]) as layers.SymbolicTensor;
  return layers.model({ inputs: input, outputs });
}

/** What TensorFlow.js computes, one tensor per output. */
export function predicted(model: layers.LayersModel, inputs: readonly Tensor[]): Tensor[] {
  const given = inputs.map(({ data, shape }) => tf.tensor(data, shape as number[]));
  const made = model.predict(given.length === 1 ? given[0]! : given);
  const result = Array.isArray(made) ? made : [made];
  const found = result.map((tensor) => ({ data: tensor.dataSync() as Float32Array, shape: tensor.shape }));
  tf.dispose([...given, ...result]);
  return found;
}

/** Samples of a shape. */
export function samples(shape: Shape, seed = 7): Tensor {
  return { data: random(seed, 'samples').normals(sizeOf(shape)), shape };
}

/** The model's artifacts as TensorFlow.js hands them out. */
export async function artifactsOf(model: layers.LayersModel): Promise<tf.io.ModelArtifacts> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (given) => {
      artifacts = given;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  return artifacts!;
}

export type Quantization = 'none' | 'uint8' | 'uint16' | 'float16';

/** Writes a folder as TensorFlow.js does; returns its path. Shards are cut at `shardBytes`. */
export async function writeTfjs(
  model: layers.LayersModel,
  folder: string,
  {
    shardBytes = Infinity,
    quantization = 'none',
    shardName = (i, n) => `group1-shard${i}of${n}.bin`,
  }: { shardBytes?: number; quantization?: Quantization; shardName?: (i: number, n: number) => string } = {},
): Promise<string> {
  const { modelTopology, weightSpecs, weightData } = await artifactsOf(model);
  const raw = new Uint8Array(weightData as ArrayBuffer);
  const { bytes, specs } = quantized(raw, weightSpecs!, quantization);
  mkdirSync(folder, { recursive: true });
  const count = Math.max(1, Math.ceil(bytes.length / shardBytes));
  const paths = Array.from({ length: count }, (_, i) => shardName(i + 1, count));
  paths.forEach((path, i) =>
    writeFileSync(
      join(folder, path),
      bytes.subarray(i * Math.min(shardBytes, bytes.length), Math.min((i + 1) * shardBytes, bytes.length)),
    ),
  );
  writeFileSync(
    join(folder, 'model.json'),
    JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest: [{ paths, weights: specs }] }),
  );
  return folder;
}

function quantized(
  raw: Uint8Array,
  specs: readonly tf.io.WeightsManifestEntry[],
  kind: Quantization,
): { bytes: Uint8Array; specs: object[] } {
  if (kind === 'none') return { bytes: raw, specs: [...specs] };
  const parts: Uint8Array[] = [];
  let offset = 0;
  const written = specs.map((spec) => {
    const size = sizeOf(spec.shape);
    const values = new Float32Array(raw.slice(offset, offset + 4 * size).buffer);
    offset += 4 * size;
    if (kind === 'float16') {
      parts.push(new Uint8Array(Uint16Array.from(values, halfOf).buffer));
      return { ...spec, quantization: { dtype: 'float16', original_dtype: 'float32' } };
    }
    const levels = kind === 'uint8' ? 255 : 65535;
    const min = Math.min(...values);
    const scale = (Math.max(...values) - min) / levels || 1;
    const levelsOf = Array.from(values, (x) => Math.round((x - min) / scale));
    parts.push(kind === 'uint8' ? Uint8Array.from(levelsOf) : new Uint8Array(Uint16Array.from(levelsOf).buffer));
    return { ...spec, quantization: { dtype: kind, scale, min, original_dtype: 'float32' } };
  });
  return { bytes: Uint8Array.from(Buffer.concat(parts)), specs: written };
}

/** Bits of the half-precision number next to x, for x of ordinary size. */
function halfOf(x: number): number {
  const sign = x < 0 ? 0x8000 : 0;
  const size = Math.abs(x);
  if (size < 2 ** -14) return sign | Math.round(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  return sign | (((exponent + 15) << 10) + Math.round((size / 2 ** exponent - 1) * 1024));
}

/** Weights by layer name, in Keras' order, each with its own name. */
function weightsOf(model: layers.LayersModel): Map<string, { name: string; tensor: Tensor }[]> {
  return new Map(
    model.layers.map((layer) => [
      layer.name,
      layer.weights.map((variable) => {
        const value = variable.read();
        const name = variable.originalName;
        return { name, tensor: { data: value.dataSync() as Float32Array, shape: value.shape } };
      }),
    ]),
  );
}

let files = 0;

/** The bytes of an HDF5 file that `write` fills. */
export async function hdf5Bytes(write: (file: InstanceType<typeof h5wasm.File>) => void): Promise<Uint8Array> {
  const { FS } = await h5wasm.ready;
  const path = `written${files++}`;
  const file = new h5wasm.File(path, 'w');
  write(file);
  file.close();
  const bytes = FS.readFile(path);
  FS.unlink(path);
  return Uint8Array.from(bytes);
}

/** The Keras configuration, as Keras 2 writes it. */
export function kerasConfig(model: layers.LayersModel): Config {
  const json = JSON.parse(model.toJSON() as string) as Config;
  return json['model_config']
    ? (json['model_config'] as Config)
    : { class_name: json['class_name'], config: json['config'] };
}

/** A Keras HDF5 file. */
export async function h5Of(model: layers.LayersModel, config: Config = kerasConfig(model)): Promise<Uint8Array> {
  const weights = weightsOf(model);
  return hdf5Bytes((file) => {
    file.create_attribute('keras_version', '2.4.0');
    file.create_attribute('backend', 'tensorflow');
    file.create_attribute('model_config', JSON.stringify(config));
    const all = file.create_group('model_weights');
    for (const [layer, list] of weights) {
      const group = all.create_group(layer);
      if (list.length === 0) continue;
      for (const { name, tensor } of list) {
        const tokens = name.split('/');
        const within = tokens
          .slice(0, -1)
          .reduce((at, token) => (at.get(token) as typeof group | null) ?? at.create_group(token), group);
        within.create_dataset({ name: `${tokens.at(-1)}:0`, data: tensor.data, shape: [...tensor.shape], dtype: '<f' });
      }
    }
    const state = file.create_group('optimizer_weights');
    state.create_dataset({ name: 'iterations:0', data: new Float32Array([3]), shape: [1], dtype: '<f' });
  });
}

/** The configuration as Keras 3 writes it: connections as calls with tensors in them. */
export function kerasConfig3(config: Config): Config {
  const layersOf = (list: Config[]): Config[] =>
    list.map((layer) => {
      const { batch_input_shape: shape, ...rest } = layer['config'] as Config;
      const inner = layer['config'] as Config;
      const nested = Array.isArray(inner) || Array.isArray(inner['layers']);
      const entry: Config = {
        module: 'keras.layers',
        class_name: layer['class_name'],
        config: nested
          ? kerasConfig3(layer)['config']
          : { ...rest, ...(shape && layer['class_name'] === 'InputLayer' ? { batch_shape: shape } : {}) },
        registered_name: null,
      };
      if (!layer['inbound_nodes']) return entry;
      const nodes = (layer['inbound_nodes'] as any[][][]).map((node) => {
        const tensors = node.map(([name, use, index]) => ({
          class_name: '__keras_tensor__',
          config: { shape: [null], dtype: 'float32', keras_history: [name, use, index] },
        }));
        return { args: tensors.length === 1 ? tensors : [tensors], kwargs: {} };
      });
      return { ...entry, name: layer['name'], inbound_nodes: nodes };
    });
  const inner = config['config'] as Config;
  const list = (Array.isArray(inner) ? inner : inner['layers']) as Config[];
  const sequential = config['class_name'] === 'Sequential';
  const single = (references: any[]): any[] => (references.length === 1 ? references[0] : references);
  const given = layersOf(list);
  const shape = list[0]!['config']['batch_input_shape'];
  const first = {
    module: 'keras.layers',
    class_name: 'InputLayer',
    config: { batch_shape: shape, name: 'input_layer' },
  };
  const body = sequential && list[0]!['class_name'] !== 'InputLayer' && shape ? [first, ...given] : given;
  return {
    module: 'keras',
    class_name: sequential ? 'Sequential' : 'Functional',
    config: sequential
      ? { name: inner['name'] ?? 'sequential', layers: body }
      : {
          ...inner,
          layers: body,
          input_layers: single(inner['input_layers']),
          output_layers: single(inner['output_layers']),
        },
  };
}

/** Another weight in place of a layer's own. */
type ChangedWeight = (layer: string, index: number, tensor: Tensor) => Tensor;

/** A layer's numbered weights; those of a recurrent layer lie in its cell, those of what a wrapper wraps within the wrapper. */
function writeVars(group: any, layer: any, changed: ChangedWeight): void {
  const kind = layer.getClassName();
  if (kind === 'Bidirectional') {
    for (const way of ['forward', 'backward'])
      writeVars(group.create_group(`${way}_layer`), layer[`${way}Layer`], changed);
    return;
  }
  if (kind === 'TimeDistributed') {
    writeVars(group.create_group('layer'), layer.layer, changed);
    return;
  }
  const owner = layer.cell ? group.create_group('cell') : group;
  const vars = owner.create_group('vars');
  layer.weights.forEach((variable: any, i: number) => {
    const value = variable.read();
    const { data, shape } = changed(layer.name, i, { data: value.dataSync(), shape: value.shape });
    vars.create_dataset({ name: String(i), data, shape: [...shape], dtype: '<f' });
  });
}

/** A Keras 3 archive. */
export async function keras3Of(
  model: layers.LayersModel,
  config: Config = kerasConfig3(kerasConfig(model)),
  changed: ChangedWeight = (_layer, _index, tensor) => tensor,
): Promise<Uint8Array> {
  const bytes = await hdf5Bytes((file) => {
    const write = (at: any, of: layers.LayersModel): void => {
      const group = at.create_group('layers');
      const counts = new Map<string, number>();
      for (const layer of of.layers) {
        const base = snakeCase(layer.getClassName());
        const count = counts.get(base) ?? 0;
        counts.set(base, count + 1);
        const own = group.create_group(count === 0 ? base : `${base}_${count}`);
        if (layer instanceof layers.LayersModel) {
          write(own, layer);
          continue;
        }
        writeVars(own, layer, changed);
      }
    };
    write(file, model);
  });
  const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  return zipSync({
    'metadata.json': text({ keras_version: '3.5.0' }),
    'config.json': text(config),
    'model.weights.h5': bytes,
  });
}
