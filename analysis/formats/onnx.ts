// ONNX files (opsets 7 to 22, older ones where they mean the same): what constants alone determine is folded on the way, so
// that shapes are plain numbers, and every node that is left becomes nodes of ours (onnx-ops.ts).
import { UserError } from '../errors.ts';
import type { Shape, Tensor } from '../kernels/kernels.ts';
import { DataType, decodeModel, type GraphProto, type ModelProto, type TensorProto } from '../kernels/onnx-protobuf.ts';
import { fold, foldable, Misfit, tensorOf, type Constant } from '../network/constant-folding.ts';
import type { Lookup, NodeId, UnsupportedNode } from '../network/network.ts';
import {
  chooseName,
  givenShape,
  graphBuilder,
  sequenceLayout,
  type Draft,
  type Graph,
  type LoadOptions,
} from './graph.ts';
import { modelName, sha256, type ModelFile } from './model-file.ts';
import { attributesOf, constantAttribute, type Attributes } from './onnx-attributes.ts';
import { namesUsed, withoutFunctions, type FileNode } from './onnx-functions.ts';
import { checkBatch, guessedSize, sequenceBatchAxis, inputShape } from './onnx-inputs.ts';
import { classNamesOf, metadataOf, preprocessingOf } from './onnx-metadata.ts';
import type { Importer, OnnxOp } from './onnx-op.ts';
import { contributedOps, foldedSettings, onnxOps, toWhole } from './onnx-ops.ts';
import { constantTypeOf, dataTypeName, readTensor } from './onnx-tensor.ts';

const oldestOpset = 7;
const newestOpset = 22;

/** First bytes of the fields that an ONNX model may begin with, as protocol buffers tag them. */
const firstTags = new Set([0x08, 0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42]);

/** True where the bytes may be an ONNX model: they have no magic number. */
export function recognisesOnnx({ bytes }: ModelFile): boolean {
  return bytes.length > 1 && firstTags.has(bytes[0]!) && bytes.subarray(0, 512).some((byte) => byte < 9);
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

  const halfPrecision = new Set<string>();

  const resolve = (name: string): string => aliases.get(name) ?? name;
  const readOnce = (tensor: TensorProto): Constant => {
    if (tensor.dataType === DataType.float16 || tensor.dataType === DataType.bfloat16) halfPrecision.add(tensor.name);
    return readTensor(tensor, model, (bytes) => external.push(bytes));
  };
  const constantAt = (name: string): Constant | undefined => {
    const id = resolve(name);
    const known = constants.get(id);
    const tensor = tensors.get(id);
    if (known || !tensor) return known;
    const read = readOnce(tensor);
    constants.set(id, read);
    return read;
  };
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
  /** An input as the file sees it: a sample is [1, time, …] like any other, also where the file has its time first. */
  const addInput = (id: NodeId, shape: Shape, batchAxis: number | undefined): NodeId => {
    const perm = shape.map((_, axis) => (batchAxis === 1 && axis < 2 ? 1 - axis : axis));
    builder.addInput(
      id,
      perm.map((axis) => shape[axis]!),
    );
    if (perm[0] === 0) return id;
    const behind = builder.freeId(`${id}/time first`);
    return builder.add(behind, behind, { op: 'transpose', inputs: [id], attributes: { perm } });
  };
  /** Values that are the explained input as whole numbers, which can only name rows of a table; and why not otherwise. */
  const choices = new Map<string, UnsupportedNode | null>();
  const useAsNumber = (name: string): void => {
    const why = choices.get(resolve(name));
    if (why && !unsupported.includes(why)) unsupported.push(why);
  };
  let lookup: Lookup | undefined;
  /** The looked up rows: the input that they are, and as the file sees them. */
  let rows: { readonly id: NodeId; readonly behind: NodeId } | undefined;
  const batchAxes = new Map<string, 0 | 1 | undefined>();
  for (const info of given) {
    const traced = sequenceBatchAxis(info.name, nodes);
    const wanted = givenShape(options, info.name, info.name === input);
    // Where the file does not say, the axis of one entry is the batch.
    const batchAxis = traced !== 'unclear' ? traced : wanted && wanted[0] !== 1 && wanted[1] === 1 ? 1 : 0;
    const shape = inputShape(info, {
      file,
      given: wanted,
      guess: (axis) => guessedSize(info.name, axis, nodes, constantAt),
      notes,
      batchAxis: batchAxis ?? 0,
      sequence: traced === 'unclear' ? 'unclear' : 'known',
    });
    batchAxes.set(info.name, batchAxis);
    const behind = addInput(info.name, shape, batchAxis);
    if (behind !== info.name) aliases.set(info.name, behind);
    if (info.name === input) choices.set(behind, null);
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
        const why = { op: opName(node), node: nodeName(node), reason: error.message || undefined };
        const [from, to] = [resolve(node.inputs[0] ?? ''), node.outputs[0]];
        if (error.message === toWhole && choices.has(from) && to) choices.set(to, why);
        else unsupported.push(why);
        for (const output of node.outputs) if (output !== '') unknown.add(output);
      }
    }
  };

  const importNode = (node: FileNode): void => {
    const { op: kind, outputs } = node;
    const op = tableEntry(node);
    const settings = op?.settings ?? foldedSettings.get(kind);
    const standard = node.domain === '';
    const choice = node.inputs.findIndex((name) => choices.has(resolve(name)));
    const read = choice === 1 && kind === 'Gather' ? node.inputs.slice(0, 1) : namesUsed(node);
    for (const name of read) useAsNumber(name);
    if (read.some((name) => unknown.has(resolve(name)))) {
      for (const output of outputs) if (output !== '') unknown.add(output);
      if (!op && !(standard && (foldable(kind) || folded.has(kind)))) throw new Refusal();
      return;
    }
    const attributes = attributesOf(node.attributes, readOnce);
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
    if (kind === 'Cast') {
      const type = Number(attributes['to']);
      attributes['to'] = constantTypeOf(type) ?? dataTypeName(type);
    }
    if (standard && kind === 'If') {
      importBranch(node, inputs[0]!);
      return;
    }
    const result = standard ? constantResult(kind, inputs, attributes) : undefined;
    if (result) {
      result.forEach((constant, i) => outputs[i] && constants.set(outputs[i], constant));
      return;
    }
    if (!op) throw new Refusal();
    if (opset < oldestOpset && attributes['broadcast'] === 1) throw new Refusal(`broadcasting of opset ${opset}`);
    const drafts: Draft[] = [op.convert(importerOf(node, inputs, attributes))].flat();
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
    if (kind === 'Constant') {
      const value = constantAttribute(attributes);
      if (!value) throw new Refusal('its value is sparse or made of words');
      return [value];
    }
    const values = inputs.map((name) => (name === '' ? null : constantAt(name)));
    if (folded.has(kind) && values[0] === undefined) {
      const shape = builder.shapeOf(resolve(inputs[0]!));
      return fold(kind, [{ type: 'integer', shape, data: new Float64Array(0) }], attributes);
    }
    if (!foldable(kind) || values.includes(undefined)) return undefined;
    if (kind === 'Cast' && !constantTypeKnown(attributes['to'])) return undefined;
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
      // An alias always leads to what is no alias, so that names cannot go round in circles.
      const source = resolve(output.name);
      if (unknown.has(source)) unknown.add(name);
      else if (source !== name) aliases.set(name, source);
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
      name: nodeName(node),
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
      words(key) {
        const value = attributes[key];
        return Array.isArray(value) && value.every((word) => typeof word === 'string') ? value : undefined;
      },
      rows(i, j) {
        const computed = 'its indices are computed';
        const { tensor } = this.weight(i);
        if (!choices.has(resolve(nameAt(j)))) throw new Refusal(computed);
        if (Number(attributes['axis'] ?? 0) !== 0 || tensor.shape.length !== 2) throw new Refusal(computed);
        if (lookup && lookup.table.data !== tensor.data) throw new Refusal('its input names rows of a second table');
        if (!rows) {
          lookup = { input, shape: builder.shapeOf(input), table: tensor };
          const id = builder.freeId(`${input}/rows`);
          const shape = [...builder.shapeOf(resolve(input)), tensor.shape[1]!];
          rows = { id, behind: addInput(id, shape, batchAxes.get(input)) };
        }
        return rows.behind;
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
  for (const { name } of graph.output) {
    useAsNumber(name);
    outputs.push(unknown.has(resolve(name)) ? name : idOf(name));
  }
  checkBatch(graph, (name) => (builder.has(resolve(name)) ? builder.shapeOf(resolve(name)) : undefined), given, file);
  if (halfPrecision.size > 0) notes.push('Half-precision weights are computed with in float32.');

  const hints = metadataOf(proto);
  const explained = rows?.id ?? input;
  const shape = builder.shapeOf(explained);
  const isSequence = lookup !== undefined || sequenceBatchAxis(input, nodes) !== undefined;
  return {
    file,
    name: modelName(model),
    format: 'onnx',
    sha256: sha256(model.bytes, ...external),
    nodes: builder.nodes,
    inputs: names,
    input: explained,
    lookup,
    layout: isSequence ? sequenceLayout(shape) : undefined,
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

const constantTypeKnown = (to: unknown): boolean => to === 'float' || to === 'integer' || to === 'boolean';
