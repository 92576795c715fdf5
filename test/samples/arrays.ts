// Small files of every sample format, written literally rather than with the code under test.

/** A .npy file (version 1.0) of numbers in any type. */
export function npyBytes(
  descr: string,
  shape: readonly number[],
  numbers: readonly number[],
  { fortran = false } = {},
): Uint8Array {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const header = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${tuple}), }\n`;
  const [order, type] = [descr[0], descr.slice(1)];
  const size = Number(type.slice(1));
  const body = Buffer.alloc(numbers.length * size);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const little = order !== '>';
  const setters: Record<string, (at: number, value: number) => void> = {
    b1: (at, value) => view.setUint8(at, value === 0 ? 0 : 1),
    u1: (at, value) => view.setUint8(at, value),
    i1: (at, value) => view.setInt8(at, value),
    u2: (at, value) => view.setUint16(at, value, little),
    i2: (at, value) => view.setInt16(at, value, little),
    u4: (at, value) => view.setUint32(at, value, little),
    i4: (at, value) => view.setInt32(at, value, little),
    u8: (at, value) => view.setBigUint64(at, BigInt(value), little),
    i8: (at, value) => view.setBigInt64(at, BigInt(value), little),
    f2: (at, value) => view.setUint16(at, smallHalf(value), little),
    f4: (at, value) => view.setFloat32(at, value, little),
    f8: (at, value) => view.setFloat64(at, value, little),
  };
  for (const [i, value] of numbers.entries()) setters[type]!(i * size, value);
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return Buffer.concat([
    Buffer.from([0x93]),
    Buffer.from('NUMPY'),
    Buffer.from([1, 0]),
    length,
    Buffer.from(header),
    body,
  ]);
}

/** Half float bits of a small whole number: exponent and fraction by hand. */
function smallHalf(value: number): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(value));
  return ((exponent + 15) << 10) | Math.round((value / 2 ** exponent - 1) * 1024);
}

/** An IDX file of bytes. */
export function idxBytes(shape: readonly number[], bytes: readonly number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header[2] = 0x08;
  header[3] = shape.length;
  for (const [axis, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * axis);
  return Buffer.concat([header, Buffer.from(bytes)]);
}

/** 0, 1, …, n−1. */
export const counting = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
