// The nodes of an ONNX file with its functions put in place: a function is a graph that nodes call by its name.
import { UserError } from '../errors.ts';
import type { AttributeProto, FunctionProto, NodeProto } from '../kernels/onnx-protobuf.ts';

/** A node with functions of the file replaced by their bodies. */
export interface FileNode {
  readonly op: string;
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly AttributeProto[];
}

/** Names that a node reads, those that its branches take from outside included. */
export function namesUsed(node: FileNode): string[] {
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
export function withoutFunctions(
  nodes: readonly NodeProto[],
  functions: readonly FunctionProto[],
  depth = 0,
): FileNode[] {
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
    return withoutFunctions(inner, functions, depth + 1);
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
