// An ONNX graph while it is being written: nodes in order, constants once each, names made up.
import type { Shape } from './kernels.ts';
import { AttributeType, DataLocation, DataType, encodeModel } from './onnx-protobuf.ts';
import type { AttributeProto, NodeProto, TensorProto, ValueInfoProto, Written } from './onnx-protobuf.ts';
import type { FreeShape } from './shapes.ts';

const opset = 21;
const irVersion = 10;
/** Where ONNX Runtime keeps ops of its own. */
export const microsoftDomain = 'com.microsoft';

export type Attribute = number | string | readonly number[];

export interface GraphWriter {
  /** Adds a node; returns the name of its one output. */
  emit(
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, Attribute>>,
    domain?: string,
  ): string;
  /** A vector of int64. */
  integers(values: readonly number[]): string;
  scalar(value: number): string;
  /** A new float32 constant; the caller sees to it that it comes once. */
  floats(data: Float32Array, shape: Shape): string;
  constantCount(): number;
  /**
   * The file: inputs are named input0, input1, …, outputs output0, output1, … Large constants stay where they are, beside
   * it: `weights` are what it calls external data.
   */
  model(
    inputs: readonly FreeShape[],
    outputs: readonly { readonly name: string; readonly shape: FreeShape }[],
  ): { readonly model: Uint8Array; readonly weights: readonly { readonly path: string; readonly data: Uint8Array }[] };
}

/** Constants of so many bytes are not copied into the file. */
const LARGE = 2 ** 16;

export function graphWriter(): GraphWriter {
  const weights: { path: string; data: Uint8Array }[] = [];
  const nodes: Written<NodeProto>[] = [];
  const constants: Written<TensorProto>[] = [];
  const small = new Map<string, string>();
  let names = 0;
  const fresh = (): string => `v${names++}`;

  function add(dataType: number, dims: Shape, { buffer, byteOffset, byteLength }: ArrayBufferView): string {
    const name = fresh();
    const rawData = new Uint8Array(buffer, byteOffset, byteLength);
    if (byteLength < LARGE) constants.push({ name, dataType, dims, rawData });
    else {
      weights.push({ path: name, data: rawData });
      const externalData = [{ key: 'location', value: name }];
      constants.push({ name, dataType, dims, dataLocation: DataLocation.external, externalData });
    }
    return name;
  }
  function once(key: string, make: () => string): string {
    let name = small.get(key);
    if (name === undefined) small.set(key, (name = make()));
    return name;
  }
  function emit(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = '',
  ): string {
    const name = fresh();
    const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value));
    nodes.push({ opType: op, domain, input: inputs, output: [name], attribute });
    return name;
  }
  return {
    emit,
    integers: (values) =>
      once(`i${values.join()}`, () => add(DataType.int64, [values.length], new BigInt64Array(values.map(BigInt)))),
    scalar: (value) => once(`f${value}`, () => add(DataType.float, [], Float32Array.of(value))),
    floats: (data, shape) => add(DataType.float, shape, data),
    constantCount: () => constants.length,
    model(inputs, outputs) {
      // An output has a node of its own, so that an input, a constant or the same value twice can be one.
      outputs.forEach(({ name }, i) => {
        nodes.push({ opType: 'Identity', input: [name], output: [`output${i}`] });
      });
      const model = encodeModel({
        irVersion,
        producerName: 'eigenlens',
        opsetImport: [
          { domain: '', version: opset },
          { domain: microsoftDomain, version: 1 },
        ],
        graph: {
          name: 'kernels',
          node: nodes,
          initializer: constants,
          input: inputs.map((shape, i) => valueInfo(`input${i}`, shape)),
          output: outputs.map(({ shape }, i) => valueInfo(`output${i}`, shape)),
        },
      });
      return { model, weights };
    },
  };
}

function attributeOf(name: string, value: Attribute): Written<AttributeProto> {
  if (typeof value === 'number') return { name, type: AttributeType.int, i: value };
  if (typeof value === 'string') return { name, type: AttributeType.string, s: new TextEncoder().encode(value) };
  return { name, type: AttributeType.ints, ints: value };
}

/** Free dimensions have names of their own, since two of them need not be equal: one may be a block, the other a single sample. */
function valueInfo(name: string, shape: FreeShape): Written<ValueInfoProto> {
  const dim = shape.map((n, axis) => (n === null ? { dimParam: `${name}_${axis}` } : { dimValue: n }));
  return { name, type: { tensorType: { elemType: DataType.float, shape: { dim } } } };
}
