// TensorFlow.js layers models: a model.json with a Keras configuration, written by TensorFlow.js itself or by its converter from
// Keras, and weights beside it.
import { UserError } from '../errors.ts';
import type { Tensor } from '../kernels/kernels.ts';
import { tensorOf } from '../network/constant-folding.ts';
import type { Graph, LoadOptions } from './graph.ts';
import { readManifest, topologyOf } from './json-model.ts';
import { readKeras } from './keras-model.ts';
import { isRecord } from './keras-settings.ts';
import { namedWeights } from './keras-weights.ts';
import { modelName, type ModelFile } from './model-file.ts';

/** True for a model.json whose topology has layers. */
export function recognisesTfjsLayers(model: ModelFile): boolean {
  const found = topologyOf(model);
  return found !== undefined && !Array.isArray(found.topology['node']);
}

/** The graph of a layers model. Throws UserError where it or its weights are damaged. */
export function readTfjsLayers(model: ModelFile, options: LoadOptions = {}): Graph {
  const { json, topology } = topologyOf(model)!;
  const config = isRecord(topology['model_config']) ? topology['model_config'] : topology;
  if (typeof config['class_name'] !== 'string') {
    throw new UserError(`${model.name} holds neither layers nor a graph.`, { hint: 'Save the whole model again.' });
  }
  const { weights, bytes } = readManifest(model, json);
  const stored = [...weights].map(([path, constant]) => {
    let tensor: Tensor | undefined;
    return { path, read: () => (tensor ??= tensorOf(constant)) };
  });
  return readKeras(
    {
      file: model.name,
      name: modelName(model),
      format: 'tfjs-layers',
      bytes: [model.bytes, ...bytes],
      model: config,
      weights: namedWeights(stored),
      dialect: 'tfjs',
      classNames: classNamesOf(json['classes']),
    },
    options,
  );
}

/** Class names that some tools write beside the topology: words, or objects with a name. */
function classNamesOf(classes: unknown): string[] | undefined {
  if (!Array.isArray(classes)) return undefined;
  const names = classes.map((entry: unknown) => (isRecord(entry) ? entry['name'] : entry));
  return names.every((name): name is string => typeof name === 'string') ? names : undefined;
}
