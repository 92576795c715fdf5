// Samples of whole numbers that name rows of a table (the ids of words): a network whose explained input is the rows gets them.
import { UserError } from '../errors.ts';
import { sizeOf } from '../kernels/kernels.ts';
import type { Lookup } from '../network/network.ts';
import type { Samples, SampleSource } from './source.ts';

/**
 * The samples with every number replaced by the row of the table that it names; samples that already hold as many numbers
 * as the rows do are taken as they are. UserError where a number names no row.
 */
export function lookedUp(samples: Samples, { input, shape, table }: Lookup): Samples {
  const [rows, columns] = table.shape as [number, number];
  if (sizeOf(samples.shape) !== sizeOf(shape)) return samples;
  const read = async (start: number, end: number): Promise<Float32Array> => {
    const numbers = await samples.source.read(start, end);
    const data = new Float32Array(numbers.length * columns);
    for (let i = 0; i < numbers.length; i++) {
      const row = numbers[i]!;
      if (!Number.isInteger(row) || row < 0 || row >= rows) {
        const name = samples.name(start + Math.floor(i / sizeOf(shape)));
        throw new UserError(`Sample ${name} holds ${row}, which names no row of the table behind "${input}".`, {
          hint: `Rows are whole numbers from 0 to ${rows - 1}.`,
        });
      }
      data.set(table.data.subarray(row * columns, (row + 1) * columns), i * columns);
    }
    return data;
  };
  const { resized: _resized, ...own } = samples.source;
  const source: SampleSource = { ...own, kind: 'signal', shape: [...shape.slice(1), columns], pixels: false, read };
  return { ...samples, kind: source.kind, shape: source.shape, source };
}
