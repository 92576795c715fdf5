// Every model file format: recognised by what a file holds, not by its name. A format is added by writing its file and
// naming it here.
import { UserError } from '../errors.ts';
import { canonical } from '../network/canonical.ts';
import type { Network } from '../network/network.ts';
import { networkOf, unsupportedError, type Graph, type LoadOptions } from './graph.ts';
import { readKerasH5, recognisesKerasH5 } from './keras-h5.ts';
import { readKerasV3, recognisesKerasV3 } from './keras-v3.ts';
import { openModel, type ModelFile } from './model-file.ts';
import { readOnnx, recognisesOnnx } from './onnx.ts';
import { readTfjsGraph, recognisesTfjsGraph } from './tfjs-graph.ts';
import { readTfjsLayers, recognisesTfjsLayers } from './tfjs-layers.ts';

export interface Format {
  readonly id: Network['format'];
  /** As errors name it. */
  readonly title: string;
  /** True where the file is of this format, or may be where the format has no mark. Formats are asked in order. */
  recognises(model: ModelFile): boolean;
  /** The graph of the file; throws UserError where it cannot be read, and collects what is not supported. */
  read(model: ModelFile, options: LoadOptions): Graph | Promise<Graph>;
}

export const formats: readonly Format[] = [
  { id: 'onnx', title: 'ONNX', recognises: recognisesOnnx, read: readOnnx },
  { id: 'keras-h5', title: 'Keras HDF5 (.h5)', recognises: recognisesKerasH5, read: readKerasH5 },
  { id: 'keras-v3', title: 'Keras 3 (.keras)', recognises: recognisesKerasV3, read: readKerasV3 },
  { id: 'tfjs-layers', title: 'TensorFlow.js layers model', recognises: recognisesTfjsLayers, read: readTfjsLayers },
  { id: 'tfjs-graph', title: 'TensorFlow.js graph model', recognises: recognisesTfjsGraph, read: readTfjsGraph },
];

/** Reads a model file into a graph that may hold unsupported nodes. Throws UserError where no format knows it. */
export async function readGraph(path: string, options: LoadOptions = {}): Promise<Graph> {
  const model = openModel(path);
  if (model.bytes.length === 0)
    throw new UserError(`The model ${model.name} is empty.`, { hint: 'Copy or export the file again.' });
  const format = formats.find((candidate) => candidate.recognises(model));
  if (!format) {
    const text = model.bytes.subarray(0, 512).every((byte) => byte >= 9 && byte !== 127);
    throw new UserError(`${model.name} is not a model that eigenlens can read${text ? ': it holds text' : ''}.`, {
      hint: `Formats: ${formats.map(({ title }) => title).join(', ')}.`,
    });
  }
  return format.read(model, options);
}

/**
 * A network in canonical form from a model file (or a TensorFlow.js folder). Throws UserError where the file is missing,
 * damaged or unknown, a weight is not finite, or the explained output depends on an unsupported op.
 */
export async function loadNetwork(path: string, options: LoadOptions = {}): Promise<Network> {
  const graph = await readGraph(path, options);
  if (graph.unsupported.length > 0 && graph.nodes.length === graph.inputs.length) throw unsupportedError(graph);
  return canonical(networkOf(graph, options));
}

export type { LoadOptions };
