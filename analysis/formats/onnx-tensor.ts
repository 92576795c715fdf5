// Tensors of ONNX files as constants: every number type, in raw bytes, in typed fields, or in a file beside the model.
import { UserError } from '../errors.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { DataLocation, DataType, type TensorProto } from '../kernels/onnx-protobuf.ts';
import { constantOf, type Constant, type ConstantType } from '../network/constant-folding.ts';
import { readBeside, type ModelFile } from './model-file.ts';

interface NumberType {
  readonly type: ConstantType;
  readonly bytes: number;
  read(view: DataView, at: number): number;
  /** Numbers of a tensor that has no raw bytes. */
  typed(tensor: TensorProto): ArrayLike<number>;
}

const int32Field = (tensor: TensorProto): ArrayLike<number> => tensor.int32Data;

const numberTypes = new Map<number, NumberType>([
  [DataType.float, { type: 'float', bytes: 4, read: (v, at) => v.getFloat32(at, true), typed: (t) => t.floatData }],
  [DataType.double, { type: 'float', bytes: 8, read: (v, at) => v.getFloat64(at, true), typed: (t) => t.doubleData }],
  [
    DataType.float16,
    {
      type: 'float',
      bytes: 2,
      read: (v, at) => fromFloat16(v.getUint16(at, true)),
      typed: (t) => t.int32Data.map((bits) => fromFloat16(bits & 0xffff)),
    },
  ],
  [
    DataType.bfloat16,
    {
      type: 'float',
      bytes: 2,
      read: (v, at) => fromBfloat16(v.getUint16(at, true)),
      typed: (t) => t.int32Data.map((bits) => fromBfloat16(bits & 0xffff)),
    },
  ],
  [DataType.uint8, { type: 'integer', bytes: 1, read: (v, at) => v.getUint8(at), typed: int32Field }],
  [DataType.int8, { type: 'integer', bytes: 1, read: (v, at) => v.getInt8(at), typed: int32Field }],
  [DataType.uint16, { type: 'integer', bytes: 2, read: (v, at) => v.getUint16(at, true), typed: int32Field }],
  [DataType.int16, { type: 'integer', bytes: 2, read: (v, at) => v.getInt16(at, true), typed: int32Field }],
  [DataType.int32, { type: 'integer', bytes: 4, read: (v, at) => v.getInt32(at, true), typed: int32Field }],
  [DataType.uint32, { type: 'integer', bytes: 4, read: (v, at) => v.getUint32(at, true), typed: (t) => t.uint64Data }],
  [
    DataType.int64,
    { type: 'integer', bytes: 8, read: (v, at) => Number(v.getBigInt64(at, true)), typed: (t) => t.int64Data },
  ],
  [
    DataType.uint64,
    { type: 'integer', bytes: 8, read: (v, at) => Number(v.getBigUint64(at, true)), typed: (t) => t.uint64Data },
  ],
  [DataType.bool, { type: 'boolean', bytes: 1, read: (v, at) => v.getUint8(at), typed: int32Field }],
]);

/** What numbers of this ONNX data type are here; undefined for words and complex numbers. */
export function constantTypeOf(dataType: number): ConstantType | undefined {
  return numberTypes.get(dataType)?.type;
}

/** The name of an ONNX data type, for errors. */
export function dataTypeName(dataType: number): string {
  return Object.entries(DataType).find(([, value]) => value === dataType)?.[0] ?? `number ${dataType}`;
}

/**
 * A tensor of a model; `keep` is given the bytes that came from another file. Throws UserError where its numbers are
 * missing, too few, of a type without numbers, or outside the model's folder.
 */
export function readTensor(
  tensor: TensorProto,
  model: ModelFile,
  keep: (bytes: Uint8Array) => void = () => {},
): Constant {
  const name = tensor.name || undefined;
  const called = `Tensor "${name ?? ''}" in ${model.name}`;
  const kind = numberTypes.get(tensor.dataType);
  if (!kind) {
    throw new UserError(`${called} has the data type ${dataTypeName(tensor.dataType)}, which is not supported.`, {
      hint: 'Export the model with float32 weights.',
    });
  }
  const shape = [...tensor.dims];
  const size = sizeOf(shape);
  if (shape.some((n) => !Number.isSafeInteger(n) || n < 0) || !Number.isSafeInteger(size)) {
    throw new UserError(`${called} has the impossible shape [${shape.join(', ')}].`);
  }
  const count = (found: number): void => {
    if (found === size) return;
    throw new UserError(`${called} holds ${found} numbers; its shape [${shape.join(', ')}] wants ${size}.`, {
      hint: 'The file is damaged: export the model again.',
    });
  };
  let raw = tensor.rawData;
  if (tensor.dataLocation === DataLocation.external) {
    raw = externalBytes(tensor, model, size * kind.bytes);
    keep(raw);
  }
  if (raw.length === 0) {
    const numbers = kind.typed(tensor);
    count(numbers.length);
    return constantOf(kind.type, shape, numbers, name);
  }
  count(raw.length / kind.bytes);
  if (tensor.dataType === DataType.float) {
    // A copy, because the bytes of the file lie at any alignment.
    return constantOf('float', shape, new Float32Array(Uint8Array.from(raw).buffer), name);
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const data = kind.type === 'float' ? new Float32Array(size) : new Float64Array(size);
  for (let i = 0; i < size; i++) data[i] = kind.read(view, i * kind.bytes);
  return constantOf(kind.type, shape, data, name);
}

function externalBytes(tensor: TensorProto, model: ModelFile, size: number): Uint8Array {
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const offset = Number(entries.get('offset') ?? 0);
  const length = Number(entries.get('length') ?? size);
  return readBeside(model, entries.get('location') ?? '', { offset, length });
}

/** IEEE 754 half precision. */
function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new DataView(new ArrayBuffer(4));

/** The upper half of a float32. */
function fromBfloat16(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}
