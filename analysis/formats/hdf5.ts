// HDF5 files, read by a thread that is stopped when it takes too long (hdf5-worker.ts).
import { Worker } from 'node:worker_threads';
import { UserError } from '../errors.ts';
import type { Hdf5Answer, Hdf5Contents, Hdf5Order } from './hdf5-contents.ts';

const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** True where the bytes are an HDF5 file. */
export const isHdf5 = (bytes: Uint8Array): boolean => signature.every((byte, i) => bytes[i] === byte);

/** Milliseconds that a file may take: some, and more for each megabyte. */
const patience = (bytes: Uint8Array): number => 8000 + bytes.length / 20_000;

/** Everything numeric in the file `name`, without the top-level groups `skip`. Throws UserError where it is damaged. */
export async function readHdf5(bytes: Uint8Array, name: string, skip: readonly string[] = []): Promise<Hdf5Contents> {
  const worker = new Worker(new URL('./hdf5-worker.ts', import.meta.url), {
    workerData: { bytes, skip } satisfies Hdf5Order,
    // The library prints what it stumbles over; the user gets one sentence instead.
    stdout: true,
    stderr: true,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    const answer = await new Promise<Hdf5Answer>((resolve) => {
      timer = setTimeout(() => resolve({ problem: 'reading it does not come to an end' }), patience(bytes));
      worker.once('message', resolve);
      worker.once('error', () => resolve({ problem: 'it is cut off or damaged' }));
      worker.once('exit', () => resolve({ problem: 'it is cut off or damaged' }));
    });
    if ('contents' in answer) return answer.contents;
    throw new UserError(`${name} is not a readable HDF5 file: ${answer.problem}.`, {
      hint: 'Copy or save the file again.',
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
