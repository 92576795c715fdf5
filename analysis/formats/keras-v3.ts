// Keras 3 files (`.keras`): a zip archive with config.json and model.weights.h5, whose weights are numbered by layer.
import { unzipSync, type UnzipFileInfo } from 'fflate';
import { UserError } from '../errors.ts';
import type { Graph, LoadOptions } from './graph.ts';
import { readHdf5 } from './hdf5.ts';
import { readKeras } from './keras-model.ts';
import { isRecord } from './keras-settings.ts';
import { numberedWeights, type StoredWeight } from './keras-weights.ts';
import { modelName, type ModelFile } from './model-file.ts';

const configName = 'config.json';
const weightsName = 'model.weights.h5';
const metadataName = 'metadata.json';
/** What each part may grow to: a configuration is text, and weights hardly shrink. */
const mostConfig = 2 ** 26;
const mostWeights = 2 ** 31 - 1;
const mostGrowth = 100;

/** True for a zip archive. */
export const recognisesKerasV3 = ({ bytes }: ModelFile): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 0x03 && bytes[3] === 0x04;

/** The graph of a Keras 3 file. Throws UserError where it is damaged, lacks a part, or would unpack to far more than it is. */
export async function readKerasV3(model: ModelFile, options: LoadOptions = {}): Promise<Graph> {
  const parts = unpacked(model);
  const missing = [configName, weightsName].filter((name) => !Object.hasOwn(parts, name));
  if (missing.length > 0) {
    throw new UserError(`${model.name} is a zip archive without ${missing.join(' and ')}: it is not a Keras model.`, {
      hint: 'Save it with model.save("model.keras").',
    });
  }
  const text = (name: string): unknown => {
    try {
      return JSON.parse(new TextDecoder().decode(parts[name]));
    } catch (cause) {
      throw new UserError(`${model.name} is not a readable Keras model: its ${name} is damaged.`, {
        hint: 'Copy or save the file again.',
        cause,
      });
    }
  };
  const config = text(configName);
  const metadata = Object.hasOwn(parts, metadataName) ? text(metadataName) : {};
  const { datasets, names } = await readHdf5(parts[weightsName]!, `${weightsName} in ${model.name}`, ['optimizer']);
  const stored = new Map<string, StoredWeight>(
    datasets.map(({ path, shape, data }) => [path, { path, read: () => ({ data, shape }) }]),
  );
  const version = isRecord(metadata) ? metadata['keras_version'] : undefined;
  return readKeras(
    {
      file: model.name,
      name: modelName(model),
      format: 'keras-v3',
      bytes: [model.bytes],
      model: config,
      weights: numberedWeights(stored, names),
      dialect: typeof version === 'string' && version.startsWith('2') ? 'keras 2' : 'keras 3',
    },
    options,
  );
}

/** The parts of the archive that are read; the sizes it claims are checked before anything is unpacked. */
function unpacked({ bytes, name }: ModelFile): Record<string, Uint8Array> {
  const wanted = new Set([configName, weightsName, metadataName]);
  const seen = new Set<string>();
  const filter = ({ name: part, originalSize, size }: UnzipFileInfo): boolean => {
    if (!wanted.has(part)) return false;
    const most = part === weightsName ? mostWeights : mostConfig;
    if (originalSize > most || originalSize > Math.max(2 ** 20, bytes.length * mostGrowth) || size > bytes.length) {
      throw new UserError(`${name} was not unpacked: its ${part} claims ${originalSize} bytes.`, {
        hint: 'It is damaged, or made to fill the memory.',
      });
    }
    if (seen.has(part)) throw new UserError(`${name} holds ${part} twice.`);
    seen.add(part);
    return true;
  };
  try {
    return unzipSync(bytes, { filter });
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`${name} is not a readable zip archive: it is cut off or damaged.`, {
      hint: 'Copy or save the file again.',
      cause,
    });
  }
}
