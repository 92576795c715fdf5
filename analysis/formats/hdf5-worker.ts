// Reads HDF5 files in a thread of its own, from memory: the library sees no other file, and a damaged one that never ends can be
// stopped from outside.
import { parentPort } from 'node:worker_threads';
import h5wasm, { type Dataset, type File, type Group } from 'h5wasm';
import type { Hdf5Answer, Hdf5Contents, Hdf5Order } from './hdf5-contents.ts';

/** More than any model has; links in a damaged file may lead round in circles. */
const deepest = 32;
const mostEntries = 200_000;
/** Numbers of a file may be packed, but not endlessly. */
const packing = 64;
const path = 'model';
const slack = 2 ** 24;

class Damage extends Error {}

async function read({ bytes, skip }: Hdf5Order): Promise<Hdf5Contents> {
  const { FS } = await h5wasm.ready;
  FS.writeFile(path, bytes);
  const file = new h5wasm.File(path, 'r');
  try {
    if (file.file_id < 0n) throw new Damage('it is cut off or damaged');
    return contentsOf(file, bytes.length, skip);
  } finally {
    file.close();
    FS.unlink(path);
  }
}

function contentsOf(file: File, size: number, skip: readonly string[]): Hdf5Contents {
  const attributes: Record<string, string> = {};
  for (const name of ['model_config', 'keras_version', 'backend']) {
    if (!Object.keys(file.attrs).includes(name)) continue;
    const { value } = file.attrs[name]!;
    if (typeof value === 'string') attributes[name] = value;
  }
  const datasets: { path: string; shape: number[]; data: Float32Array }[] = [];
  const names: Record<string, string> = {};
  let entries = 0;
  let left = size * packing + slack;

  const visit = (group: Group, folder: string, depth: number): void => {
    if (depth > deepest) throw new Damage(`its groups nest more than ${deepest} deep`);
    for (const key of group.keys()) {
      if (depth === 0 && skip.includes(key)) continue;
      if (++entries > mostEntries) throw new Damage(`it has more than ${mostEntries} entries`);
      const entity = group.get(key);
      const at = folder === '' ? key : `${folder}/${key}`;
      if (entity instanceof h5wasm.Group) {
        const name = Object.keys(entity.attrs).includes('name') ? entity.attrs['name']!.value : undefined;
        if (typeof name === 'string') names[at] = name;
        visit(entity, at, depth + 1);
      } else if (entity instanceof h5wasm.Dataset) {
        const found = numbersOf(entity, at);
        if (found) datasets.push({ path: at, ...found });
      }
    }
  };
  const numbersOf = (dataset: Dataset, at: string): { shape: number[]; data: Float32Array } | undefined => {
    const { shape, metadata } = dataset;
    if (!shape || (metadata.type !== 0 && metadata.type !== 1)) return undefined;
    const count = shape.reduce((product, n) => product * n, 1);
    left -= count * Math.max(4, metadata.size);
    if (!(left >= 0)) throw new Damage(`its tensor "${at}" claims the shape [${shape.join(', ')}]`);
    const { value } = dataset;
    if (typeof value === 'number') return { shape: [], data: Float32Array.of(value) };
    if (!ArrayBuffer.isView(value) && !Array.isArray(value)) throw new Damage(`its tensor "${at}" cannot be read`);
    const data = Float32Array.from(value as ArrayLike<number | bigint>, Number);
    if (data.length !== count) throw new Damage(`its tensor "${at}" has ${data.length} numbers of ${count}`);
    return { shape, data };
  };
  visit(file, '', 0);
  return { attributes, datasets, names };
}

const answer = (message: Hdf5Answer): void => parentPort!.postMessage(message);

parentPort!.on('message', (order: Hdf5Order) => {
  read(order).then(
    (contents) => answer({ contents }),
    (error: unknown) => answer({ problem: error instanceof Damage ? error.message : 'it is cut off or damaged' }),
  );
});
