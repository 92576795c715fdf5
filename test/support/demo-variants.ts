// The embedded network, changed as training or compression would change it, so that a comparison has something to name.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decodeModel, encodeModel } from '../../analysis/kernels/onnx-protobuf.ts';
import { smallSvd } from '../../analysis/svd/small-svd.ts';

const DEMO = fileURLToPath(new URL('../../analysis/demo/model.onnx', import.meta.url));

interface Matrix {
  readonly data: Float32Array;
  /** Output units. */
  readonly rows: number;
  readonly columns: number;
}

/** The ONNX file of the demo network with the weights of some tensors (`conv2.weight`) changed in place. */
export function demoVariant(changes: Readonly<Record<string, (weights: Matrix) => void>>): Uint8Array {
  const model = decodeModel(readFileSync(DEMO));
  for (const [name, change] of Object.entries(changes)) {
    const tensor = model.graph!.initializer.find((one) => one.name === name)!;
    const bytes = Uint8Array.from(tensor.rawData);
    const data = new Float32Array(bytes.buffer);
    const rows = Number(tensor.dims[0]);
    change({ data, rows, columns: data.length / rows });
    tensor.rawData = bytes;
  }
  return encodeModel(model);
}

/** The best approximation of a rank (Eckart and Young). */
export const prunedTo =
  (rank: number) =>
  ({ data, rows, columns }: Matrix): void => {
    const { values, left, right } = smallSvd(data, rows, columns);
    data.fill(0);
    for (let k = 0; k < rank; k++) {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++)
          data[i * columns + j]! += values[k]! * left[k * rows + i]! * right[k * columns + j]!;
      }
    }
  };

/** Two output units trade places, so that a classifier takes each for the other. */
export const swapped =
  (a: number, b: number) =>
  ({ data, columns }: Matrix): void => {
    const row = data.slice(a * columns, (a + 1) * columns);
    data.copyWithin(a * columns, b * columns, (b + 1) * columns);
    data.set(row, b * columns);
  };
