// The numbers behind a picture, read from its .npy file while the site is built: a colour bar needs the largest of them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { reportsFolder } from './folders.ts';

const extents = new Map<string, number | null>();

/** Largest absolute value of a float32 .npy file of a report (path relative to the site's root); null where it cannot be read. */
export function extentOf(report: string, array: string | null): number | null {
  if (array === null) return null;
  const known = extents.get(array);
  if (known !== undefined) return known;
  const extent = readExtent(join(reportsFolder(), report, array));
  extents.set(array, extent);
  return extent;
}

function readExtent(path: string): number | null {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return null;
  }
  // Magic "\x93NUMPY", version, header length (2 bytes in version 1, 4 after it), header, data.
  if (bytes.length < 12 || bytes.toString('latin1', 1, 6) !== 'NUMPY') return null;
  const wide = bytes[6]! >= 2;
  const start = (wide ? 12 : 10) + (wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8));
  if (!bytes.toString('latin1', 8, start).includes("'<f4'")) return null;
  let extent = 0;
  for (let at = start; at + 4 <= bytes.length; at += 4) {
    const size = Math.abs(bytes.readFloatLE(at));
    if (size > extent) extent = size;
  }
  return Number.isFinite(extent) ? extent : null;
}
