// HDF5 files, read by a thread that is stopped when it takes too long (hdf5-worker.ts). One that read a small file well waits for the next;
// after a damaged one the thread would keep the process alive.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { UserError } from '../errors.ts';
import type { Hdf5Answer, Hdf5Contents, Hdf5Order } from './hdf5-contents.ts';

const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** True where the bytes are an HDF5 file. */
export const isHdf5 = (bytes: Uint8Array): boolean => signature.every((byte, i) => bytes[i] === byte);

/** Milliseconds of processor time that a file may take: some, and more for each megabyte. A busy machine takes nothing off. */
const patience = (bytes: Uint8Array): number => 8000 + Math.ceil(bytes.length / 20_000);
/** A thread never gives memory back, so one that held more than this is not kept. */
const small = 2 ** 23;

let waiting: Worker | undefined;

function started(): Worker {
  // The library prints what it stumbles over; it stays unread, and the user gets one sentence instead.
  return new Worker(new URL('./hdf5-worker.ts', import.meta.url), { stdout: true, stderr: true });
}

/** Everything numeric in the file `name`, without the top-level groups `skip`. Throws UserError where it is damaged. */
export async function readHdf5(bytes: Uint8Array, name: string, skip: readonly string[] = []): Promise<Hdf5Contents> {
  const worker = waiting ?? started();
  waiting = undefined;
  worker.ref();
  const over = new AbortController();
  const before = process.cpuUsage();
  const clock = setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1000 > patience(bytes)) over.abort();
  }, 200);
  let problem = 'it is cut off or damaged';
  let keep = false;
  try {
    worker.postMessage({ bytes, skip } satisfies Hdf5Order);
    const [answer] = (await Promise.race([
      once(worker, 'message', { signal: over.signal }),
      once(worker, 'exit', { signal: over.signal }).then(() => [undefined]),
    ])) as [Hdf5Answer | undefined];
    if (answer && 'contents' in answer) {
      keep = bytes.length < small;
      return answer.contents;
    }
    if (answer) problem = answer.problem;
  } catch (cause) {
    if ((cause as Error).name === 'AbortError') problem = 'reading it does not come to an end';
  } finally {
    clearInterval(clock);
    over.abort();
    if (keep && !waiting) {
      waiting = worker;
      worker.unref();
    } else await worker.terminate();
  }
  throw new UserError(`${name} is not a readable HDF5 file: ${problem}.`, { hint: 'Copy or save the file again.' });
}
