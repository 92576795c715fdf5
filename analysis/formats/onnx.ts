// ONNX files (opsets 7 to 22, older ones where they mean the same): what constants alone determine is folded on the way, so that shapes are plain numbers, and
// every node that is left becomes nodes of ours (onnx-ops.ts).
import { EXIT, UserError } from '../errors.ts';
import { sizeOf, type Shape, type Tensor } from '../kernels/kernels.ts';
import {
  AttributeType,
  DataType,
  decodeModel,
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../kernels/onnx-protobuf.ts';
import { constantOf, fold, foldable, Misfit, type Constant } from '../network/constant-folding.ts';
import type { NodeId, Preprocessing } from '../network/network.ts';
import {
  assumedPreprocessing,
  chooseName,
  givenShape,
  graphBuilder,
  layoutOf,
  type Draft,
  type Graph,
  type LoadOptions,
  type UnsupportedNode,
} from './graph.ts';
import { sha256, type ModelFile } from './model-file.ts';
import { contributedOps, foldedSettings, onnxOps, tensorOf, type Importer, type OnnxOp } from './onnx-ops.ts';
import { constantTypeOf, dataTypeName, readTensor } from './onnx-tensor.ts';

const oldestOpset = 7;
const newestOpset = 22;

/** First bytes of the fields that an ONNX model may begin with, as protocol buffers tag them. */
const firstTags = new Set([0x08, 0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42]);

/** True where the bytes may be an ONNX model: they have no magic number. */
export function recognisesOnnx({ bytes }: ModelFile): boolean {
  return bytes.length > 1 && firstTags.has(bytes[0]!) && bytes.subarray(0, 512).some((byte) => byte < 9);
}

type Attributes = Record<string, unknown>;

/** A node with functions of the file replaced by their bodies. */
interface FileNode {
  readonly op: string;
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly AttributeProto[];
}

/** Why a node cannot be imported. */
class Refusal extends Error {}

/**
 * The graph of an ONNX file. Throws UserError where the file is damaged, its opset too old, or a size of the explained
 * input unknown; unsupported nodes are collected, not thrown.
 */
export function readOnnx(model: ModelFile, options: LoadOptions = {}): Graph {
  const { name: file } = model;
  const { proto, graph } = decoded(model);
  const opset = opsetOf(proto);
  const builder = graphBuilder(file);
  const notes: string[] = [];
  if (opset < oldestOpset || opset > newestOpset) {
    notes.push(`The file has opset ${opset}; opsets ${oldestOpset} to ${newestOpset} are tested.`);
  }

  const tensors = new Map<string, TensorProto>();
  for (const tensor of graph.initializer) tensors.set(tensor.name, tensor);
  const external: Uint8Array[] = [];
  const constants = new Map<string, Constant>();
  const aliases = new Map<string, string>();
  const unknown = new Set<string>();
  const unsupported: UnsupportedNode[] = [];
  const nodes = withoutFunctions(graph.node, proto.functions);
  const used = new Set([...nodes.flatMap((node) => namesUsed(node)), ...graph.output.map((output) => output.name)]);

  const resolve = (name: string): string => (aliases.has(name) ? resolve(aliases.get(name)!) : name);
  const constantAt = (name: string): Constant | undefined => {
    const id = resolve(name);
    const known = constants.get(id);
    const tensor = tensors.get(id);
    if (known || !tensor) return known;
    const read = readTensor(tensor, model, (bytes) => external.push(bytes));
    if (tensor.dataType === DataType.float16 || tensor.dataType === DataType.bfloat16) halfPrecision = true;
    constants.set(id, read);
    return read;
  };
  let halfPrecision = false;
  const idOf = (name: string): NodeId => {
    const id = resolve(name);
    const constant = constantAt(id);
    if (constant && !builder.has(id)) builder.addConstant(id, tensorOf(constant), constant.name);
    return id;
  };

  const given = graph.input.filter(({ name }) => !tensors.has(name));
  if (given.length === 0) throw new UserError(`${file} has no inputs.`);
  const names = given.map(({ name }) => name);
  const floats = given.filter((input) => constantTypeOf(input.type?.tensorType?.elemType ?? 0) === 'float');
  const input = chooseName('input', options.input ?? floats[0]?.name, names, file);
  for (const info of given) {
    const shape = inputShape(info, {
      file,
      given: givenShape(options, info.name, info.name === input),
      guess: (axis) => guessedSize(info.name, axis, nodes, constantAt),
      notes,
    });
    builder.addInput(info.name, shape);
  }

  const importNodes = (list: readonly FileNode[]): void => {
    for (const node of list) {
      try {
        importNode(node);
      } catch (error) {
        if (error instanceof Misfit) {
          throw new UserError(`Node "${nodeName(node)}" in ${file} contradicts its inputs: ${error.message}.`, {
            cause: error,
          });
        }
        if (!(error instanceof Refusal)) throw error;
        unsupported.push({ op: opName(node), node: nodeName(node), reason: error.message || undefined });
        for (const output of node.outputs) if (output !== '') unknown.add(output);
      }
    }
  };

  const importNode = (node: FileNode): void => {
    const { op: kind, outputs } = node;
    const op = tableEntry(node);
    const settings = op?.settings ?? foldedSettings.get(kind);
    const standard = node.domain === '';
    if (namesUsed(node).some((name) => unknown.has(resolve(name)))) {
      for (const output of outputs) if (output !== '') unknown.add(output);
      if (!op && !(standard && (foldable(kind) || folded.has(kind)))) throw new Refusal();
      return;
    }
    const attributes = attributesOf(node.attributes, model);
    const inputs: string[] = [];
    node.inputs.forEach((name, i) => {
      const key = settings?.[i];
      if (!key) inputs.push(name);
      else if (name !== '') {
        const constant = constantAt(name);
        if (!constant) throw new Refusal(`its ${key} ${key.endsWith('s') ? 'are' : 'is'} computed`);
        attributes[key] = [...constant.data];
      }
    });
    if (kind === 'Cast')
      attributes['to'] = constantTypeOf(Number(attributes['to'])) ?? dataTypeName(Number(attributes['to']));
    if (standard && kind === 'If') return importBranch(node, inputs[0]!);
    const result = standard ? constantResult(kind, inputs, attributes) : undefined;
    if (result) {
      result.forEach((constant, i) => outputs[i] && constants.set(outputs[i], constant));
      return;
    }
    if (!op) throw new Refusal();
    if (opset < oldestOpset && attributes['broadcast'] === 1) throw new Refusal(`broadcasting of opset ${opset}`);
    const drafts = [op.convert(importerOf(node, inputs, attributes))].flat() as Draft[];
    drafts.forEach((draft, i) => {
      const output = outputs[i];
      // Only what is read is made: the parts of a split that lead nowhere are not.
      if (output && used.has(output)) builder.add(output, i === 0 ? nodeName(node) : `${nodeName(node)}/${i}`, draft);
    });
    outputs.slice(drafts.length).forEach((output, i) => {
      if (output === '') return;
      unknown.add(output);
      const reason = `its output ${drafts.length + i + 1} is used`;
      if (used.has(output)) unsupported.push({ op: opName(node), node: nodeName(node), reason });
    });
  };

  /** A node of constants, or one that asks for a shape, which is one. */
  const constantResult = (
    kind: string,
    inputs: readonly string[],
    attributes: Attributes,
  ): readonly Constant[] | undefined => {
    if (kind === 'Constant') return [constantAttribute(attributes)];
    const values = inputs.map((name) => (name === '' ? null : constantAt(name)));
    if (folded.has(kind) && values[0] === undefined) {
      const shape = builder.shapeOf(resolve(inputs[0]!));
      return fold(kind, [{ type: 'integer', shape, data: new Float64Array(0) }], attributes);
    }
    if (!foldable(kind) || values.includes(undefined)) return undefined;
    if (kind === 'Cast' && constantTypeKnown(attributes['to']) === false) return undefined;
    return fold(kind, values as (Constant | null)[], attributes);
  };

  /** The branch of an `If` that a constant condition takes. */
  const importBranch = (node: FileNode, condition: string): void => {
    const chosen = constantAt(condition);
    if (!chosen) throw new Refusal('its condition is computed');
    const key = chosen.data[0] !== 0 ? 'then_branch' : 'else_branch';
    const branch = node.attributes.find((attribute) => attribute.name === key)?.g;
    if (!branch) throw new UserError(`Node "${nodeName(node)}" in ${file} has no ${key}.`);
    for (const tensor of branch.initializer) tensors.set(tensor.name, tensor);
    for (const output of branch.output) used.add(output.name);
    importNodes(withoutFunctions(branch.node, proto.functions));
    branch.output.forEach((output, i) => {
      const name = node.outputs[i];
      if (!name) return;
      if (unknown.has(output.name)) unknown.add(name);
      else aliases.set(name, output.name);
    });
  };

  const importerOf = (node: FileNode, inputs: readonly string[], attributes: Attributes): Importer => {
    const count = inputs.findLastIndex((name) => name !== '') + 1;
    const nameAt = (i: number): string => {
      const name = inputs[i];
      if (!name) throw new UserError(`Node "${nodeName(node)}" in ${file} lacks its input ${i}.`);
      return name;
    };
    const first = node.outputs.find((output) => output !== '') ?? nodeName(node);
    const constant = (i: number): Constant | undefined => (inputs[i] ? constantAt(inputs[i]) : undefined);
    return {
      opset,
      inputs: count,
      outputs: node.outputs.length,
      has: (i) => Boolean(inputs[i]),
      id: (i) => idOf(nameAt(i)),
      shape: (i) => constant(i)?.shape ?? builder.shapeOf(resolve(nameAt(i))),
      constant,
      weight(i) {
        const known = constant(i);
        if (known) return { tensor: tensorOf(known), name: known.name };
        nameAt(i);
        throw new Refusal('its weights are computed');
      },
      number(key, fallback) {
        const value = attributes[key];
        return typeof value === 'number' ? value : fallback;
      },
      list(key) {
        const value = attributes[key];
        return typeof value === 'number' ? [value] : Array.isArray(value) ? (value as number[]) : undefined;
      },
      word(key, fallback) {
        const value = attributes[key];
        return typeof value === 'string' ? value : fallback;
      },
      step(what, draft) {
        const id = builder.freeId(`${first}/${what}`);
        return builder.add(id, `${nodeName(node)}/${what}`, draft);
      },
      constantStep: (what, value: Tensor) => builder.addConstant(builder.freeId(`${first}/${what}`), value),
      refuse(reason) {
        throw new Refusal(reason);
      },
    };
  };

  importNodes(nodes);
  const outputs: NodeId[] = [];
  for (const { name } of graph.output) outputs.push(unknown.has(resolve(name)) ? name : idOf(name));
  checkBatch(graph, (name) => (builder.has(resolve(name)) ? builder.shapeOf(resolve(name)) : undefined), given, file);
  if (halfPrecision) notes.push('Half-precision weights are computed with in float32.');

  const hints = metadataOf(proto);
  const shape = builder.shapeOf(input);
  return {
    file,
    name: file.replace(/\.onnx$/i, ''),
    format: 'onnx',
    sha256: sha256(model.bytes, ...external),
    nodes: builder.nodes,
    inputs: names,
    input,
    outputs,
    unsupported,
    unknown,
    supported: [...onnxOps.keys()],
    preprocessing: preprocessingOf(hints, shape),
    classNames: classNamesOf(hints),
    notes,
  };
}

/** Ops that ask for a shape. */
const folded = new Set(['Shape', 'Size']);

function decoded(model: ModelFile): { proto: ModelProto; graph: GraphProto } {
  const unreadable = (why: string, cause?: unknown): UserError =>
    new UserError(`${model.name} is not a readable ONNX model: ${why}.`, {
      hint: 'Copy or export the file again.',
      cause,
    });
  let proto: ModelProto;
  try {
    proto = decodeModel(model.bytes);
  } catch (cause) {
    throw unreadable('it is cut off or damaged', cause);
  }
  const { graph } = proto;
  if (!graph || (graph.node.length === 0 && graph.output.length === 0)) throw unreadable('it holds no graph');
  return { proto, graph };
}

function opsetOf(proto: ModelProto): number {
  return proto.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 1;
}

const opName = ({ domain, op }: FileNode): string => (domain === '' ? op : `${domain}.${op}`);
const nodeName = ({ name, outputs, op }: FileNode): string => name || outputs.find((output) => output !== '') || op;

function tableEntry(node: FileNode): OnnxOp | undefined {
  return node.domain === '' ? onnxOps.get(node.op) : contributedOps.get(opName(node));
}

/** Names that a node reads, those that its branches take from outside included. */
function namesUsed(node: FileNode): string[] {
  const inner = node.attributes.flatMap(({ g }) => (g ? g.node.flatMap((n) => namesUsed(plain(n))) : []));
  return [...node.inputs.filter((name) => name !== ''), ...inner];
}

function plain(node: NodeProto): FileNode {
  return {
    op: node.opType,
    domain: node.domain === 'ai.onnx' ? '' : node.domain,
    name: node.name,
    inputs: node.input,
    outputs: node.output,
    attributes: node.attribute,
  };
}

const deepest = 64;

/** Nodes with every call of a function of the file replaced by the function's body, its values renamed after the call. */
function withoutFunctions(nodes: readonly NodeProto[], functions: readonly FunctionProto[], depth = 0): FileNode[] {
  if (functions.length === 0) return nodes.map(plain);
  if (depth > deepest) throw new UserError('A function of the model calls itself.');
  const keyOf = (domain: string, name: string): string => `${domain === 'ai.onnx' ? '' : domain}\n${name}`;
  const table = new Map(functions.map((body) => [keyOf(body.domain, body.name), body]));
  return nodes.flatMap((node) => {
    const body = table.get(keyOf(node.domain, node.opType));
    if (!body) return [plain(node)];
    const scope = node.name || node.output[0] || node.opType;
    const names = new Map<string, string>();
    body.input.forEach((name, i) => names.set(name, node.input[i] ?? ''));
    body.output.forEach((name, i) => names.set(name, node.output[i] || `${scope}/${name}`));
    const renamed = (name: string): string => (name === '' ? '' : (names.get(name) ?? `${scope}/${name}`));
    const given = new Map([...body.attributeProto, ...node.attribute].map((attribute) => [attribute.name, attribute]));
    const inner = body.node.map((part) => ({
      ...part,
      name: part.name === '' ? '' : `${scope}/${part.name}`,
      opType: part.opType,
      domain: part.domain,
      input: part.input.map(renamed),
      output: part.output.map(renamed),
      attribute: part.attribute.flatMap((attribute) => {
        if (!attribute.refAttrName) return [attribute];
        const value = given.get(attribute.refAttrName);
        return value ? [{ ...withFields(value), name: attribute.name }] : [];
      }),
    }));
    return withoutFunctions(inner as NodeProto[], functions, depth + 1);
  });
}

/** All fields of a message, those that only its prototype holds included. */
function withFields(attribute: AttributeProto): AttributeProto {
  const { name, refAttrName, docString, type, f, i, s, t, g, floats, ints, strings, tensors, graphs } = attribute;
  const { sparseTensor, tp, sparseTensors, typeProtos } = attribute;
  return {
    name,
    refAttrName,
    docString,
    type,
    f,
    i,
    s,
    t,
    g,
    floats,
    ints,
    strings,
    tensors,
    graphs,
    sparseTensor,
    tp,
    sparseTensors,
    typeProtos,
  };
}

const text = new TextDecoder();

function attributesOf(attributes: readonly AttributeProto[], model: ModelFile): Attributes {
  const result = Object.create(null) as Attributes;
  for (const attribute of attributes) {
    const { name, type } = attribute;
    const has = (field: keyof AttributeProto): boolean => Object.hasOwn(attribute, field);
    // Very old files leave the type out.
    if (type === AttributeType.float || (type === 0 && has('f'))) result[name] = attribute.f;
    else if (type === AttributeType.int || (type === 0 && has('i'))) result[name] = attribute.i;
    else if (type === AttributeType.string || (type === 0 && has('s'))) result[name] = text.decode(attribute.s);
    else if (attribute.t) result[name] = readTensor(attribute.t, model);
    else if (type === AttributeType.floats || (type === 0 && attribute.floats.length > 0))
      result[name] = [...attribute.floats];
    else if (type === AttributeType.ints || type === 0) result[name] = [...attribute.ints];
  }
  return result;
}

/** The value of a `Constant` node, in any of its spellings. */
function constantAttribute(attributes: Attributes): Constant {
  const { value, value_float: float, value_floats: floats, value_int: int, value_ints: ints } = attributes;
  if (value) return { ...(value as Constant), name: (value as Constant).name };
  if (typeof float === 'number') return constantOf('float', [], [float]);
  if (typeof int === 'number') return constantOf('integer', [], [int]);
  if (Array.isArray(floats)) return constantOf('float', [floats.length], floats as number[]);
  if (Array.isArray(ints)) return constantOf('integer', [ints.length], ints as number[]);
  throw new Refusal('its value is sparse or made of words');
}

const constantTypeKnown = (to: unknown): boolean => to === 'float' || to === 'integer' || to === 'boolean';

/** An input's shape with a batch of 1: given, as the file says, or guessed from the weights that it meets. */
function inputShape(
  info: ValueInfoProto,
  {
    file,
    given,
    guess,
    notes,
  }: { file: string; given: Shape | undefined; guess: (axis: number) => number | undefined; notes: string[] },
): Shape {
  const declared = info.type?.tensorType?.shape?.dim;
  if (given) {
    const wrong = given.some((n) => !Number.isSafeInteger(n) || n < 1);
    if (wrong || (declared && declared.length !== given.length)) {
      throw new UserError(`The input "${info.name}" of ${file} cannot have the shape [${given.join(', ')}].`, {
        exitCode: EXIT.usage,
        hint: declared ? `It has ${declared.length} axes, the batch included.` : 'Sizes are whole numbers from 1.',
      });
    }
    return given;
  }
  if (!declared) {
    throw new UserError(`The input "${info.name}" of ${file} has no shape.`, {
      exitCode: EXIT.usage,
      hint: 'Give it, batch of 1 included, for example --input-shape 1,3,224,224.',
    });
  }
  const sizes = declared.map(({ value, dimValue }, axis) => {
    const size = value === 'dimValue' && dimValue > 0 ? dimValue : undefined;
    if (axis > 0) return size ?? guess(axis);
    if (declared.length > 1 && size !== undefined && size > 1) {
      notes.push(`The file fixes the batch of "${info.name}" to ${size}; it was taken as 1.`);
    }
    return declared.length > 1 ? 1 : (size ?? 1);
  });
  if (sizes.includes(undefined)) {
    const shown = sizes.map((size, axis) => size ?? (declared[axis]!.dimParam || '?'));
    const example = sizes.map((size, axis) => size ?? (declared.length === 4 && axis > 1 ? 224 : 16));
    throw new UserError(`The input "${info.name}" of ${file} has no fixed size: [${shown.join(', ')}].`, {
      exitCode: EXIT.usage,
      hint: `Give its shape, for example --input-shape ${example.join(',')}.`,
    });
  }
  return sizes as number[];
}

/** The size that the weights of the nodes reading an input ask for along an axis. */
function guessedSize(
  input: string,
  axis: number,
  nodes: readonly FileNode[],
  constantAt: (name: string) => Constant | undefined,
): number | undefined {
  for (const { op, inputs, attributes } of nodes) {
    if (inputs[0] !== input || !inputs[1]) continue;
    const attribute = (key: string): number | undefined => attributes.find(({ name }) => name === key)?.i;
    if (op === 'Conv' && axis === 1) {
      const channels = constantAt(inputs[1])?.shape[1];
      if (channels !== undefined) return channels * (attribute('group') ?? 1);
    }
    if ((op === 'Gemm' || op === 'MatMul') && axis === 1) {
      const shape = constantAt(inputs[1])?.shape;
      if (shape?.length === 2 && !attribute('transA')) return shape[attribute('transB') ? 1 : 0];
    }
  }
  return undefined;
}

/**
 * Where the file fixes a batch above 1, what it says of its outputs must hold for a batch of 1 too; else sizes are baked
 * into it that would be silently wrong.
 */
function checkBatch(
  graph: GraphProto,
  shapeOf: (name: string) => Shape | undefined,
  given: readonly ValueInfoProto[],
  file: string,
): void {
  const batch = given.map((info) => info.type?.tensorType?.shape?.dim).find((dim) => dim && dim.length > 1)?.[0];
  if (batch?.value !== 'dimValue' || batch.dimValue <= 1) return;
  for (const { name, type } of graph.output) {
    const declared = type?.tensorType?.shape?.dim;
    const found = shapeOf(name);
    if (!declared || !found || declared[0]?.dimValue !== batch.dimValue) continue;
    const same =
      declared.length === found.length &&
      declared.every(({ value, dimValue }, axis) => axis === 0 || value !== 'dimValue' || dimValue === found[axis]);
    if (!same || sizeOf(found) === 0) {
      throw new UserError(`${file} is made for batches of ${batch.dimValue} only.`, {
        hint: 'Export it with a batch of 1 or a free batch.',
      });
    }
  }
}

function metadataOf(proto: ModelProto): ReadonlyMap<string, string> {
  return new Map(proto.metadataProps.map(({ key, value }) => [key, value]));
}

/** Class names that exporters leave in the metadata: a JSON list, or numbers and names as JSON or Python writes them. */
export function classNamesOf(metadata: ReadonlyMap<string, string>): readonly string[] | undefined {
  for (const key of ['names', 'class_names', 'classNames', 'classes', 'labels']) {
    const value = metadata.get(key)?.trim();
    if (value === undefined) continue;
    const pairs = [...value.matchAll(/(?:^\{|,)\s*["']?(\d+)["']?\s*:\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')/g)];
    const byNumber = pairs.map(([, index, double, single]) => [Number(index), double ?? single ?? ''] as const);
    if (value.startsWith('{') && byNumber.length > 0 && byNumber.every(([index], i) => index === i)) {
      return byNumber.map(([, name]) => name);
    }
    try {
      const list: unknown = JSON.parse(value);
      if (Array.isArray(list) && list.length > 0 && list.every((name) => typeof name === 'string'))
        return list as string[];
    } catch {
      continue;
    }
  }
  return undefined;
}

/** ONNX's image metadata: the order of the channels and the range of the numbers. */
function preprocessingOf(metadata: ReadonlyMap<string, string>, shape: Shape): Preprocessing | undefined {
  const format = metadata.get('Image.BitmapPixelFormat')?.toLowerCase() ?? '';
  const range = metadata.get('Image.NominalPixelRange') ?? '';
  const assumed = assumedPreprocessing(layoutOf(shape), shape);
  if ((format === '' && range === '') || layoutOf(shape).kind !== 'image') return undefined;
  const channelOrder = format.startsWith('bgr') ? 'bgr' : format.startsWith('gray') ? 'grey' : assumed.channelOrder;
  const whole = range === 'NominalRange_0_255';
  const both = range === 'Normalized_1_1';
  return {
    ...assumed,
    scale: whole ? 1 : 1 / 255,
    mean: assumed.mean.map(() => (both ? 0.5 : 0)),
    std: assumed.std.map(() => (both ? 0.5 : 1)),
    channelOrder,
    source: 'read from the file',
  };
}
