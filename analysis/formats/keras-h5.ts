// Keras HDF5 files: the configuration in an attribute, weights in `model_weights/<layer>/…/kernel:0`.
import { EXIT, UserError } from '../errors.ts';
import type { Graph, LoadOptions } from './graph.ts';
import { isHdf5, readHdf5 } from './hdf5.ts';
import { readKeras } from './keras-model.ts';
import { namedWeights } from './keras-weights.ts';
import { modelName, type ModelFile } from './model-file.ts';

/** True for HDF5, whatever the file is called. */
export const recognisesKerasH5 = ({ bytes }: ModelFile): boolean => isHdf5(bytes);

/** The graph of a Keras HDF5 file. Throws UserError where it is damaged or holds weights only. */
export async function readKerasH5(model: ModelFile, options: LoadOptions = {}): Promise<Graph> {
  const { attributes, datasets } = await readHdf5(model.bytes, model.name, ['optimizer_weights']);
  const config = attributes['model_config'];
  if (config === undefined) {
    const weightsOnly = datasets.length > 0;
    throw new UserError(
      weightsOnly
        ? `${model.name} holds weights without the model that they belong to.`
        : `${model.name} is an HDF5 file without a Keras model.`,
      { exitCode: EXIT.input, hint: 'Save the whole model: model.save("model.keras") or model.save("model.h5").' },
    );
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(config);
  } catch (cause) {
    throw new UserError(`${model.name} is not a readable Keras model: its configuration is damaged.`, {
      hint: 'Copy or save the file again.',
      cause,
    });
  }
  const stored = datasets.flatMap(({ path, shape, data }) => {
    const [top, group, ...rest] = path.split('/');
    return top === 'model_weights' && group !== undefined && rest.length > 0
      ? [{ path: rest.join('/'), group, read: () => ({ data, shape }) }]
      : [];
  });
  const version = attributes['keras_version'] ?? '';
  return readKeras(
    {
      file: model.name,
      name: modelName(model),
      format: 'keras-h5',
      bytes: [model.bytes],
      model: parsed,
      weights: namedWeights(stored),
      dialect: version.startsWith('3') ? 'keras 3' : 'keras 2',
    },
    options,
  );
}
