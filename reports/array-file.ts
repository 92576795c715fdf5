// The arrays of a report: NumPy's .npy format, version 1, little-endian float32, row-major, and nothing else.

/** The numbers of a .npy file; null when it is not of the one kind that reports hold, or is cut short. */
export function readArrayFile(bytes: Uint8Array): Float32Array | null {
  const latin = new TextDecoder('latin1');
  if (bytes.length < 10 || latin.decode(bytes.subarray(1, 6)) !== 'NUMPY' || bytes[6] !== 1) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = 10 + view.getUint16(8, true);
  const header = latin.decode(bytes.subarray(10, start));
  if (!header.includes("'<f4'") || !/'fortran_order':\s*False/.test(header)) return null;
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? '';
  const count = shape
    .split(',')
    .filter((part) => part.trim() !== '')
    .reduce((product, part) => product * Number(part), 1);
  if (bytes.length < start + 4 * count) return null;
  return Float32Array.from({ length: count }, (_, i) => view.getFloat32(start + 4 * i, true));
}
