// The ONNX file format as protocol buffer messages (onnx.proto of the ONNX specification, IR 10), read and written
// with protobufjs. Field names are those of the specification in camel case; int64 become numbers, so values beyond
// 2^53 (such as "to the end" in Slice) are rounded.
import protobuf from 'protobufjs';

/** TensorProto.DataType. */
export const DataType = {
  undefined: 0,
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
} as const;

/** AttributeProto.AttributeType. */
export const AttributeType = {
  undefined: 0,
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  sparseTensor: 11,
  sparseTensors: 12,
  typeProto: 13,
  typeProtos: 14,
} as const;

/** TensorProto.DataLocation. */
export const DataLocation = { default: 0, external: 1 } as const;

/** One entry of a string map. */
export interface StringStringEntryProto {
  key: string;
  value: string;
}

/** A tensor; its numbers are in `rawData` (little-endian), in the field of its type, or in an external file. */
export interface TensorProto {
  dims: number[];
  /** One of `DataType`. */
  dataType: number;
  floatData: number[];
  /** Also uint8, int8, uint16, int16, bool, float16 and bfloat16 (bits). */
  int32Data: number[];
  stringData: Uint8Array[];
  int64Data: number[];
  name: string;
  docString: string;
  /** A view of the file's bytes, at any alignment; empty where absent. */
  rawData: Uint8Array;
  /** Keys location, offset, length, checksum. */
  externalData: StringStringEntryProto[];
  dataLocation: number;
  doubleData: number[];
  uint64Data: number[];
}

/** Values and their indices ([n] linear or [n, rank]) in a tensor of zeros. */
export interface SparseTensorProto {
  values?: TensorProto | null;
  indices?: TensorProto | null;
  dims: number[];
}

/** One dimension: a number, a name, or (where `value` is undefined) unknown. */
export interface DimensionProto {
  dimValue: number;
  dimParam: string;
  denotation: string;
  /** Which of the two was given. */
  readonly value?: 'dimValue' | 'dimParam' | undefined;
}

export interface TensorShapeProto {
  dim: DimensionProto[];
}

/** The type of a value; `value` says which field was given. */
export interface TypeProto {
  tensorType?: { elemType: number; shape?: TensorShapeProto | null } | null;
  sequenceType?: { elemType?: TypeProto | null } | null;
  mapType?: { keyType: number; valueType?: TypeProto | null } | null;
  optionalType?: { elemType?: TypeProto | null } | null;
  sparseTensorType?: { elemType: number; shape?: TensorShapeProto | null } | null;
  denotation: string;
  readonly value?: 'tensorType' | 'sequenceType' | 'mapType' | 'optionalType' | 'sparseTensorType' | undefined;
}

export interface ValueInfoProto {
  name: string;
  type?: TypeProto | null;
  docString: string;
}

/** A named attribute of a node; `type` says which field holds it (0 in very old files: look for the field that is there). */
export interface AttributeProto {
  name: string;
  refAttrName: string;
  docString: string;
  /** One of `AttributeType`. */
  type: number;
  f: number;
  i: number;
  /** UTF-8. */
  s: Uint8Array;
  t?: TensorProto | null;
  g?: GraphProto | null;
  sparseTensor?: SparseTensorProto | null;
  tp?: TypeProto | null;
  floats: number[];
  ints: number[];
  strings: Uint8Array[];
  tensors: TensorProto[];
  graphs: GraphProto[];
  sparseTensors: SparseTensorProto[];
  typeProtos: TypeProto[];
}

export interface NodeProto {
  /** An empty name stands for an optional input that is left out. */
  input: string[];
  output: string[];
  name: string;
  opType: string;
  domain: string;
  overload: string;
  attribute: AttributeProto[];
  docString: string;
}

export interface GraphProto {
  node: NodeProto[];
  name: string;
  initializer: TensorProto[];
  sparseInitializer: SparseTensorProto[];
  docString: string;
  input: ValueInfoProto[];
  output: ValueInfoProto[];
  valueInfo: ValueInfoProto[];
}

export interface OperatorSetIdProto {
  domain: string;
  version: number;
}

/** A function that a node of the same domain and op type calls. */
export interface FunctionProto {
  name: string;
  input: string[];
  output: string[];
  attribute: string[];
  attributeProto: AttributeProto[];
  node: NodeProto[];
  docString: string;
  opsetImport: OperatorSetIdProto[];
  domain: string;
  overload: string;
}

export interface ModelProto {
  irVersion: number;
  opsetImport: OperatorSetIdProto[];
  producerName: string;
  producerVersion: string;
  domain: string;
  modelVersion: number;
  docString: string;
  graph?: GraphProto | null;
  metadataProps: StringStringEntryProto[];
  functions: FunctionProto[];
}

/** A message to be written: whatever is left out takes its default. */
export type Written<Message> = Message extends Uint8Array
  ? Message
  : Message extends readonly (infer Entry)[]
    ? readonly Written<Entry>[]
    : Message extends object
      ? { readonly [Field in keyof Message]?: Written<Message[Field]> }
      : Message;

const schema = `
syntax = "proto2";
message AttributeProto {
  optional string name = 1;
  optional string ref_attr_name = 21;
  optional string doc_string = 13;
  optional int32 type = 20;
  optional float f = 2;
  optional int64 i = 3;
  optional bytes s = 4;
  optional TensorProto t = 5;
  optional GraphProto g = 6;
  optional SparseTensorProto sparse_tensor = 22;
  optional TypeProto tp = 14;
  repeated float floats = 7;
  repeated int64 ints = 8;
  repeated bytes strings = 9;
  repeated TensorProto tensors = 10;
  repeated GraphProto graphs = 11;
  repeated SparseTensorProto sparse_tensors = 23;
  repeated TypeProto type_protos = 15;
}
message ValueInfoProto {
  optional string name = 1;
  optional TypeProto type = 2;
  optional string doc_string = 3;
}
message NodeProto {
  repeated string input = 1;
  repeated string output = 2;
  optional string name = 3;
  optional string op_type = 4;
  optional string domain = 7;
  optional string overload = 8;
  repeated AttributeProto attribute = 5;
  optional string doc_string = 6;
}
message ModelProto {
  optional int64 ir_version = 1;
  repeated OperatorSetIdProto opset_import = 8;
  optional string producer_name = 2;
  optional string producer_version = 3;
  optional string domain = 4;
  optional int64 model_version = 5;
  optional string doc_string = 6;
  optional GraphProto graph = 7;
  repeated StringStringEntryProto metadata_props = 14;
  repeated FunctionProto functions = 25;
}
message StringStringEntryProto {
  optional string key = 1;
  optional string value = 2;
}
message GraphProto {
  repeated NodeProto node = 1;
  optional string name = 2;
  repeated TensorProto initializer = 5;
  repeated SparseTensorProto sparse_initializer = 15;
  optional string doc_string = 10;
  repeated ValueInfoProto input = 11;
  repeated ValueInfoProto output = 12;
  repeated ValueInfoProto value_info = 13;
}
message TensorProto {
  repeated int64 dims = 1;
  optional int32 data_type = 2;
  repeated float float_data = 4 [packed = true];
  repeated int32 int32_data = 5 [packed = true];
  repeated bytes string_data = 6;
  repeated int64 int64_data = 7 [packed = true];
  optional string name = 8;
  optional string doc_string = 12;
  optional bytes raw_data = 9;
  repeated StringStringEntryProto external_data = 13;
  optional int32 data_location = 14;
  repeated double double_data = 10 [packed = true];
  repeated uint64 uint64_data = 11 [packed = true];
}
message SparseTensorProto {
  optional TensorProto values = 1;
  optional TensorProto indices = 2;
  repeated int64 dims = 3;
}
message TensorShapeProto {
  message Dimension {
    oneof value {
      int64 dim_value = 1;
      string dim_param = 2;
    }
    optional string denotation = 3;
  }
  repeated Dimension dim = 1;
}
message TypeProto {
  message Tensor {
    optional int32 elem_type = 1;
    optional TensorShapeProto shape = 2;
  }
  message Sequence {
    optional TypeProto elem_type = 1;
  }
  message Map {
    optional int32 key_type = 1;
    optional TypeProto value_type = 2;
  }
  oneof value {
    Tensor tensor_type = 1;
    Sequence sequence_type = 4;
    Map map_type = 5;
    Sequence optional_type = 9;
    Tensor sparse_tensor_type = 8;
  }
  optional string denotation = 6;
}
message OperatorSetIdProto {
  optional string domain = 1;
  optional int64 version = 2;
}
message FunctionProto {
  optional string name = 1;
  repeated string input = 4;
  repeated string output = 5;
  repeated string attribute = 6;
  repeated AttributeProto attribute_proto = 11;
  repeated NodeProto node = 7;
  optional string doc_string = 8;
  repeated OperatorSetIdProto opset_import = 9;
  optional string domain = 10;
  optional string overload = 13;
}
`;

let model: protobuf.Type | undefined;

function modelType(): protobuf.Type {
  if (model === undefined) {
    // Without the Long class protobufjs reads int64 as numbers, which is what shapes and indices are used as.
    protobuf.util.Long = null as never;
    protobuf.configure();
    model = protobuf.parse(schema, new protobuf.Root()).root.lookupType('ModelProto');
  }
  return model;
}

/** Reads an ONNX file; tensor bytes stay views of `bytes`. Throws protobufjs's error where the bytes are no ONNX model. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  return modelType().decode(bytes) as unknown as ModelProto;
}

/** The bytes of an ONNX file; enumerations are numbers, every attribute carries its `type`, integers stay within ±2^53. */
export function encodeModel(written: Written<ModelProto>): Uint8Array {
  return modelType().encode(written).finish();
}
