// NumPy's .npy format: a magic string, a header that is a Python dictionary, then the numbers.
// Arrays behind pictures are written as little-endian float32; samples and labels of any numeric type are read.
import { UserError } from '../errors.ts';

export interface NpyHeader {
  /** Without byte order: f4, u1, i8, … */
  readonly type: string;
  readonly littleEndian: boolean;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Where the numbers begin. */
  readonly offset: number;
  readonly itemBytes: number;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const READERS: Record<string, (view: DataView, at: number, little: boolean) => number> = {
  b1: (view, at) => view.getUint8(at),
  u1: (view, at) => view.getUint8(at),
  i1: (view, at) => view.getInt8(at),
  u2: (view, at, little) => view.getUint16(at, little),
  i2: (view, at, little) => view.getInt16(at, little),
  u4: (view, at, little) => view.getUint32(at, little),
  i4: (view, at, little) => view.getInt32(at, little),
  u8: (view, at, little) => Number(view.getBigUint64(at, little)),
  i8: (view, at, little) => Number(view.getBigInt64(at, little)),
  f2: (view, at, little) => halfFloat(view.getUint16(at, little)),
  f4: (view, at, little) => view.getFloat32(at, little),
  f8: (view, at, little) => view.getFloat64(at, little),
};

/** IEEE 754 binary16. */
function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 0x1f, bits & 0x3ff];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/** Reads the header from the beginning of a file; `name` stands in errors. */
export function npyHeader(bytes: Uint8Array, name: string): NpyHeader {
  const broken = (what: string): UserError =>
    new UserError(`${name} is not a readable .npy file: ${what}.`, { hint: 'Write it again with numpy.save.' });
  if (!isNpy(bytes) || bytes.length < 12) throw broken('its magic string is missing');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = bytes[6]! >= 2 ? 12 : 10;
  const length = bytes[6]! >= 2 ? view.getUint32(8, true) : view.getUint16(8, true);
  if (start + length > bytes.length) throw broken('its header is cut short');
  const text = new TextDecoder('utf-8').decode(bytes.subarray(start, start + length));
  const descr = /'descr':\s*'([<>|=]?)([a-zA-Z])(\d+)'/.exec(text);
  const fortran = /'fortran_order':\s*(True|False)/.exec(text);
  const shape = /'shape':\s*\(([^)]*)\)/.exec(text);
  if (!fortran || !shape) throw broken('its header has no shape');
  const type = descr ? `${descr[2]}${descr[3]}` : '';
  if (!READERS[type]) {
    throw new UserError(`${name} holds values of type ${/'descr':\s*([^,]+)/.exec(text)?.[1] ?? 'unknown'}.`, {
      hint: 'Convert it to a numeric type first: array.astype("float32").',
    });
  }
  return {
    type,
    littleEndian: descr![1] !== '>',
    fortranOrder: fortran[1] === 'True',
    shape: shape[1]!
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean)
      .map(Number),
    offset: start + length,
    itemBytes: Number(descr![3]),
  };
}

/** Numbers of a stretch of an array's bytes, in the order of the file. */
export function npyNumbers(
  bytes: Uint8Array,
  header: Pick<NpyHeader, 'type' | 'littleEndian' | 'itemBytes'>,
): Float64Array {
  const read = READERS[header.type]!;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = new Float64Array(Math.floor(bytes.length / header.itemBytes));
  for (let i = 0; i < numbers.length; i++) numbers[i] = read(view, i * header.itemBytes, header.littleEndian);
  return numbers;
}

/** A whole array, row-major whatever the file's order is. */
export function decodeNpy(
  bytes: Uint8Array,
  name: string,
): { shape: readonly number[]; values: Float64Array; type: string } {
  const header = npyHeader(bytes, name);
  const count = header.shape.reduce((product, n) => product * n, 1);
  const body = bytes.subarray(header.offset);
  if (body.length < count * header.itemBytes) {
    throw new UserError(
      `${name} is cut short: its header promises ${count} numbers, ${Math.floor(body.length / header.itemBytes)} are there.`,
      {
        hint: 'Copy or write the file again.',
      },
    );
  }
  const values = npyNumbers(body.subarray(0, count * header.itemBytes), header);
  return {
    shape: header.shape,
    values: header.fortranOrder ? fromFortranOrder(values, header.shape) : values,
    type: header.type,
  };
}

function fromFortranOrder(values: Float64Array, shape: readonly number[]): Float64Array {
  const result = new Float64Array(values.length);
  const index = shape.map(() => 0);
  for (let i = 0; i < values.length; i++) {
    let at = 0;
    for (let axis = 0; axis < shape.length; axis++) at = at * shape[axis]! + index[axis]!;
    result[at] = values[i]!;
    for (let axis = 0; axis < shape.length; axis++) {
      index[axis] = index[axis]! + 1;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
  return result;
}

/** A little-endian float32 .npy file (version 1.0). */
export function encodeNpy(values: Float32Array, shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  const padding = 64 - ((10 + dictionary.length + 1) % 64);
  const header = `${dictionary}${' '.repeat(padding % 64)}\n`;
  const bytes = new Uint8Array(10 + header.length + values.length * 4);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  bytes[6] = 1;
  view.setUint16(8, header.length, true);
  bytes.set(new TextEncoder().encode(header), 10);
  for (let i = 0; i < values.length; i++) view.setFloat32(10 + header.length + i * 4, values[i]!, true);
  return bytes;
}
