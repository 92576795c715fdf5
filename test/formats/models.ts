// What tests of model files share: files written in memory, tensors read back, and where the shared models are.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ModelFile } from '../../analysis/formats/model-file.ts';
import { readOnnx } from '../../analysis/formats/onnx.ts';
import { networkOf, unsupportedError, type LoadOptions } from '../../analysis/formats/graph.ts';
import { sizeOf, type Backend, type Shape, type Tensor } from '../../analysis/kernels/kernels.ts';
import {
  AttributeType,
  DataType,
  decodeModel,
  encodeModel,
  type AttributeProto,
  type TensorProto,
  type Written,
} from '../../analysis/kernels/onnx-protobuf.ts';
import { compileForward } from '../../analysis/network/forward.ts';
import type { Network } from '../../analysis/network/network.ts';
import { random } from '../../analysis/random.ts';

const shared = fileURLToPath(new URL('../../../shared/', import.meta.url));

/** True where the shared models and cases are on this machine. */
export const hasShared = existsSync(shared);
export const sharedPath = (path: string): string => `${shared}${path}`;

/** A file that exists in memory only. */
export const inMemory = (bytes: Uint8Array, name = 'test.onnx'): ModelFile => ({
  path: `/nowhere/${name}`,
  name,
  bytes,
});

type Value = number | string | readonly number[] | Tensor;

/** An attribute: whole numbers are ints, others floats, lists likewise. */
export function attribute(name: string, value: Value): Written<AttributeProto> {
  if (typeof value === 'string') return { name, type: AttributeType.string, s: new TextEncoder().encode(value) };
  if (typeof value === 'number') {
    return Number.isInteger(value)
      ? { name, type: AttributeType.int, i: value }
      : { name, type: AttributeType.float, f: value };
  }
  if ('data' in value) return { name, type: AttributeType.tensor, t: floats('', value.shape, value.data) };
  const whole = value.every(Number.isInteger);
  return whole ? { name, type: AttributeType.ints, ints: value } : { name, type: AttributeType.floats, floats: value };
}

/** `Op(inputs) -> outputs` of an ONNX file. */
export function onnxNode(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, Value>> = {},
  name = '',
) {
  return {
    opType,
    input,
    output,
    name,
    attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
  };
}

export function floats(name: string, dims: Shape, data: ArrayLike<number>): Written<TensorProto> {
  return { name, dims, dataType: DataType.float, floatData: Array.from(data) };
}

export function integers(name: string, dims: Shape, data: readonly number[]): Written<TensorProto> {
  return { name, dims, dataType: DataType.int64, int64Data: data };
}

/** A tensor of seeded normal numbers. */
export function normals(name: string, dims: Shape, seed = 1): Written<TensorProto> {
  return floats(name, dims, random(seed, name).normals(sizeOf(dims)));
}

export interface WrittenGraph {
  readonly nodes: readonly ReturnType<typeof onnxNode>[];
  readonly initializers?: readonly Written<TensorProto>[];
  /** Sizes, or names of free dimensions. */
  readonly inputs?: Readonly<Record<string, readonly (number | string)[]>>;
  readonly outputs?: readonly string[];
  readonly opset?: number;
}

/** The bytes of an ONNX file; input `x` of [1, 4] and output `y` by default. */
export function onnxBytes({
  nodes,
  initializers = [],
  inputs = { x: ['N', 4] },
  outputs = ['y'],
  opset = 17,
}: WrittenGraph): Uint8Array {
  const info = (name: string, sizes?: readonly (number | string)[]) => ({
    name,
    type: {
      tensorType: {
        elemType: DataType.float,
        ...(sizes && { shape: { dim: sizes.map((n) => (typeof n === 'number' ? { dimValue: n } : { dimParam: n })) } }),
      },
    },
  });
  const model = {
    irVersion: 8,
    opsetImport: [{ domain: '', version: opset }],
    graph: {
      name: 'test',
      node: nodes,
      initializer: initializers,
      input: Object.entries(inputs).map(([name, sizes]) => info(name, sizes)),
      output: outputs.map((name) => info(name)),
    },
  };
  return encodeModel(model);
}

/** The network of an ONNX file in memory, before its canonical form. */
export function networkFrom(graph: WrittenGraph | Uint8Array, options: LoadOptions = {}): Network {
  const read = readOnnx(inMemory(graph instanceof Uint8Array ? graph : onnxBytes(graph)), options);
  if (read.unsupported.length > 0) throw unsupportedError(read);
  return networkOf(read, options);
}

/** The explained output for samples [n, …input shape]; other inputs are `fed`. */
export async function outputOf(
  network: Network,
  backend: Backend,
  samples: Tensor,
  { ids = [network.output], fed = {} }: { ids?: readonly string[]; fed?: Readonly<Record<string, Tensor>> } = {},
): Promise<Tensor[]> {
  const forward = await compileForward(network, backend, ids);
  try {
    return await forward.run(samples, fed);
  } finally {
    forward.dispose();
  }
}

/** Seeded samples for the explained input. */
export function samplesFor(network: Network, count: number, seed = 0): Tensor {
  const shape = network.nodes.find(({ id }) => id === network.input)!.shape;
  return { data: random(seed, 'samples').normals(count * sizeOf(shape)), shape: [count, ...shape] };
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return Number.isNaN(largest) ? Infinity : largest;
}

/** A tensor file of the ONNX cases, which is one TensorProto. */
export function readTensorProto(path: string): TensorProto {
  const bytes = readFileSync(path);
  // As the only initialiser of a graph it is something that decodeModel reads.
  const graph = Buffer.concat([Buffer.from([0x2a]), varint(bytes.length), bytes]);
  return decodeModel(Buffer.concat([Buffer.from([0x3a]), varint(graph.length), graph])).graph!.initializer[0]!;
}

function varint(n: number): Buffer {
  const bytes: number[] = [];
  for (; n > 127; n = Math.floor(n / 128)) bytes.push((n % 128) + 128);
  return Buffer.from([...bytes, n]);
}
