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
  const [order, type, size] = [descr[0], descr[1], Number(descr.slice(2))];
  const body = Buffer.alloc(numbers.length * size);
  const little = order !== '>';
  for (const [i, value] of numbers.entries()) {
    const at = i * size;
    if (type === 'f' && size === 2) {
      // Small whole numbers only: exponent and fraction by hand.
      const exponent = value === 0 ? -15 : Math.floor(Math.log2(value));
      const bits = value === 0 ? 0 : ((exponent + 15) << 10) | Math.round((value / 2 ** exponent - 1) * 1024);
      if (little) body.writeUInt16LE(bits, at);
      else body.writeUInt16BE(bits, at);
    } else if (type === 'f') {
      if (size === 4) little ? body.writeFloatLE(value, at) : body.writeFloatBE(value, at);
      else little ? body.writeDoubleLE(value, at) : body.writeDoubleBE(value, at);
    } else if (size === 8) {
      little ? body.writeBigInt64LE(BigInt(value), at) : body.writeBigInt64BE(BigInt(value), at);
    } else if (type === 'i') {
      little ? body.writeIntLE(value, at, size) : body.writeIntBE(value, at, size);
    } else {
      little ? body.writeUIntLE(value, at, size) : body.writeUIntBE(value, at, size);
    }
  }
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
