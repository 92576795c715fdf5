// Stretches of a file, read when they are needed; compressed files are unpacked in memory, only as far as needed.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { UserError } from '../errors.ts';

export interface Bytes {
  readonly length: number;
  range(start: number, end: number): Promise<Uint8Array>;
}

/** SHA-256 of a file, as hexadecimal digits. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

export function memoryBytes(bytes: Uint8Array): Bytes {
  return { length: bytes.length, range: (start, end) => Promise.resolve(bytes.subarray(start, end)) };
}

async function fileBytes(path: string): Promise<Bytes> {
  const { size } = await stat(path);
  return {
    length: size,
    async range(start, end) {
      const length = Math.max(0, Math.min(end, size) - start);
      const buffer = new Uint8Array(length);
      const file = await open(path);
      try {
        for (let at = 0; at < length;) {
          const { bytesRead } = await file.read(buffer, at, length - at, start + at);
          if (bytesRead === 0) throw new UserError(`${path} became shorter while it was read.`);
          at += bytesRead;
        }
      } finally {
        await file.close();
      }
      return buffer;
    },
  };
}

/** Unpacks a gzip file up to `wanted(head)` bytes, or whole. */
async function gunzipped(path: string, wanted: (head: Uint8Array) => number): Promise<Bytes> {
  const file = createReadStream(path);
  const stream = file.pipe(createGunzip());
  file.on('error', (error) => stream.destroy(error));
  const chunks: Uint8Array[] = [];
  let length = 0;
  let enough: number | undefined;
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= HEAD) enough ??= wanted(Buffer.concat(chunks));
      if (enough !== undefined && length >= enough) break;
    }
  } catch (error) {
    throw new UserError(`${path} cannot be unpacked: ${(error as Error).message}.`, {
      hint: 'The file is damaged or cut short; copy it again.',
      cause: error,
    });
  } finally {
    file.destroy();
  }
  return memoryBytes(Buffer.concat(chunks));
}

const HEAD = 64;

/** The bytes of a file, unpacked where it is gzip; `wanted` may say from the first 64 bytes how many are needed. */
export async function openBytes(path: string, wanted: (head: Uint8Array) => number = () => Infinity): Promise<Bytes> {
  const plain = await fileBytes(path);
  const head = await plain.range(0, 2);
  return head[0] === 0x1f && head[1] === 0x8b ? gunzipped(path, wanted) : plain;
}

/** The first bytes of a file's (unpacked) content. */
export async function headOf(path: string, length = HEAD): Promise<Uint8Array> {
  return (await openBytes(path, () => length)).range(0, length);
}
