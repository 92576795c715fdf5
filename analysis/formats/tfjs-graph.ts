// TensorFlow.js graph models: a TensorFlow graph as JSON with its constants in shards beside it. What constants alone determine is
// folded on the way, so that shapes are plain numbers.
import { EXIT, UserError } from '../errors.ts';
import type { Shape } from '../kernels/kernels.ts';
import { constantOf, fold, foldable, Misfit, tensorOf, type Constant } from '../network/constant-folding.ts';
import type { NodeId, UnsupportedNode } from '../network/network.ts';
import { viewBuilder, type View } from './axis-order.ts';
import { chooseName, givenShape, graphBuilder, type Graph, type LoadOptions } from './graph.ts';
import { readManifest, topologyOf } from './json-model.ts';
import { isRecord, Refusal, type Config } from './keras-settings.ts';
import { modelName, sha256, type ModelFile } from './model-file.ts';
import { graphOps, stridedSlice, type GraphUse } from './tfjs-graph-ops.ts';

/** True for a model.json whose topology is a graph. */
export function recognisesTfjsGraph(model: ModelFile): boolean {
  const found = topologyOf(model);
  return found !== undefined && Array.isArray(found.topology['node']);
}

interface FileNode {
  readonly name: string;
  readonly op: string;
  /** Values read: names, with `:1` and so on for other outputs than the first. */
  readonly inputs: readonly string[];
  readonly attributes: Config;
}

/** A value: known before the network runs, computed, or (null) neither. */
type Known = Constant | View | null;

const isConstant = (value: Known | undefined): value is Constant =>
  value !== null && value !== undefined && 'data' in value;

/**
 * The graph of a TensorFlow.js graph model. Throws UserError where it is damaged or a size of the explained input unknown;
 * collects ops that are not supported.
 */
export function readTfjsGraph(model: ModelFile, options: LoadOptions = {}): Graph {
  const file = model.name;
  const { json, topology } = topologyOf(model)!;
  const all = (topology['node'] as unknown[]).map((node) => fileNode(node, file));
  const byName = new Map(all.map((node) => [node.name, node]));
  if (byName.size !== all.length) throw new UserError(`${file} has two nodes of one name.`);
  const { weights, bytes } = readManifest(model, json);
  const nodes = ordered(all, byName, file);

  const placeholders = nodes.filter(({ op }) => op === 'Placeholder');
  const inputs = placeholders.map(({ name }) => name);
  if (inputs.length === 0) throw new UserError(`${file} has no inputs.`);
  const input = chooseName('input', options.input, inputs, file);
  const outputs = outputsOf(json, nodes, byName);
  if (outputs.length === 0) throw new UserError(`${file} has no outputs.`);

  const builder = graphBuilder(file);
  const g = viewBuilder(builder, new Set([...outputs, ...(options.output === undefined ? [] : [options.output])]));
  const values = new Map<string, Known>();
  const unknown = new Set<string>();
  const unsupported: UnsupportedNode[] = [];

  for (const { name, attributes } of placeholders) {
    const shape = inputShapeOf(name, statedShape(json, name, attributes), {
      file,
      nodes,
      weights,
      options,
      explained: name === input,
    });
    values.set(name, g.input(name, shape));
  }

  const valueOf = (name: string): Known | undefined => values.get(name);
  const constantViews = new Map<Constant, View>();
  const viewOf = (value: Constant | View, name: string): View => {
    if (!isConstant(value)) return value;
    let view = constantViews.get(value);
    if (!view) constantViews.set(value, (view = g.constant(name, tensorOf(value), value.name ?? name)));
    return view;
  };

  const lost = (node: FileNode, reason?: string): void => {
    unsupported.push({ op: node.op, node: node.name, reason: reason === '' ? undefined : reason });
    values.set(node.name, null);
    unknown.add(node.name);
  };
  for (const node of nodes) {
    const { name, op } = node;
    if (values.has(name) || op === 'NoOp' || op === 'Assert') continue;
    if (op === 'Const') {
      const constant = weights.get(name);
      if (!constant)
        throw new UserError(`${file} lacks the numbers of its constant "${name}".`, {
          hint: 'Copy the whole folder again.',
        });
      values.set(name, constant);
      continue;
    }
    const read = node.inputs.map(valueOf);
    const missing = read.findIndex((value) => value === undefined);
    if (missing >= 0) {
      const from = byName.get(node.inputs[missing]!.replace(/:\d+$/, ''));
      if (!from) throw new UserError(`${file} uses the value "${node.inputs[missing]}" that nothing makes.`);
    }
    if (read.some((value) => value === null || value === undefined)) {
      values.set(name, null);
      unknown.add(name);
      if (!graphOps.has(op)) lost(node);
      continue;
    }
    const given = read as (Constant | View)[];
    try {
      const use = graphUse(node, given, { g, viewOf, outputs: outputCount(node, nodes) });
      const folded = foldedNode(node, given, use, g);
      if (folded) {
        folded.forEach((constant, i) => values.set(i === 0 ? name : `${name}:${i}`, constant));
        continue;
      }
      const conversion = graphOps.get(op);
      if (!conversion) {
        lost(node);
        continue;
      }
      const result: readonly View[] = [conversion(use)].flat<readonly (View | readonly View[])[]>();
      result.forEach((view, i) => values.set(i === 0 ? name : `${name}:${i}`, view));
    } catch (error) {
      if (error instanceof Refusal) lost(node, error.message);
      else if (error instanceof Misfit)
        throw new UserError(`Node "${name}" in ${file} contradicts its inputs: ${error.message}.`, { cause: error });
      else throw error;
    }
  }

  const finish = (name: string): NodeId => {
    const value = valueOf(name);
    if (value) return g.finish(name, viewOf(value, name));
    unknown.add(name);
    return name;
  };
  const ids = outputs.map(finish);
  if (options.output !== undefined && !outputs.includes(options.output) && values.get(options.output))
    finish(options.output);
  return {
    file,
    name: modelName(model),
    format: 'tfjs-graph',
    sha256: sha256(model.bytes, ...bytes),
    nodes: builder.nodes,
    inputs,
    input,
    outputs: ids,
    unsupported,
    unknown,
    supported: [...graphOps.keys()],
    notes: [],
  };
}

function fileNode(node: unknown, file: string): FileNode {
  if (!isRecord(node) || typeof node['name'] !== 'string' || typeof node['op'] !== 'string') {
    throw new UserError(`${file} has a node without a name or an op.`, { hint: 'Copy or convert the file again.' });
  }
  const { name, op } = node;
  const inputs: unknown = node['input'] ?? [];
  if (!Array.isArray(inputs) || !inputs.every((value): value is string => typeof value === 'string')) {
    throw new UserError(`The inputs of node "${name}" in ${file} are not a list of names.`);
  }
  return {
    name,
    op,
    inputs: inputs.filter((value) => !value.startsWith('^')).map((value) => value.replace(/:0$/, '')),
    attributes: isRecord(node['attr']) ? node['attr'] : {},
  };
}

const producer = (value: string): string => value.replace(/:\d+$/, '');

/** The nodes in an order in which each follows its inputs. */
function ordered(all: readonly FileNode[], byName: ReadonlyMap<string, FileNode>, file: string): FileNode[] {
  const result: FileNode[] = [];
  const state = new Map<FileNode, 'open' | 'done'>();
  for (const root of all) {
    const stack = [root];
    while (stack.length > 0) {
      const node = stack.at(-1)!;
      if (state.get(node) === 'done') {
        stack.pop();
        continue;
      }
      const before = node.inputs
        .flatMap((value) => byName.get(producer(value)) ?? [])
        .filter((from) => state.get(from) !== 'done');
      if (before.length === 0) {
        state.set(node, 'done');
        result.push(node);
        stack.pop();
        continue;
      }
      const circular = before.find((from) => state.get(from) === 'open' || from === node);
      if (circular) throw new UserError(`${file} is circular: node "${circular.name}" depends on itself.`);
      state.set(node, 'open');
      stack.push(before[0]!);
    }
  }
  return result;
}

/** What the signature names; else what nothing reads, and defaults that a caller may replace. */
function outputsOf(json: Config, nodes: readonly FileNode[], byName: ReadonlyMap<string, FileNode>): string[] {
  const signature =
    json['signature'] ?? (isRecord(json['userDefinedMetadata']) ? json['userDefinedMetadata']['signature'] : undefined);
  const stated = isRecord(signature) && isRecord(signature['outputs']) ? Object.values(signature['outputs']) : [];
  const named = stated.flatMap((entry) =>
    isRecord(entry) && typeof entry['name'] === 'string' ? [entry['name'].replace(/:0$/, '')] : [],
  );
  const present = named.filter((name) => byName.has(producer(name)));
  if (present.length > 0) return [...new Set(present)];
  const read = new Set(nodes.flatMap(({ inputs }) => inputs.map(producer)));
  const silent = new Set(['Const', 'NoOp', 'Placeholder', 'Assert']);
  const leaves = nodes.filter(({ name, op }) => !read.has(name) && !silent.has(op)).map(({ name }) => name);
  const defaults = nodes.filter(({ op }) => op === 'PlaceholderWithDefault').flatMap(({ inputs }) => inputs);
  return [...new Set([...leaves, ...defaults.filter((name) => byName.get(producer(name))!.op !== 'Const')])];
}

function outputCount({ name, attributes, op }: FileNode, nodes: readonly FileNode[]): number {
  const stated = numberOf(attributes['num_split']) ?? numberOf(attributes['num']);
  if (stated !== undefined || (op !== 'Split' && op !== 'Unpack')) return stated ?? 1;
  const used = nodes.flatMap(({ inputs }) => inputs).filter((value) => producer(value) === name);
  return Math.max(1, ...used.map((value) => Number(/:(\d+)$/.exec(value)?.[1] ?? 0) + 1));
}

/** A word: base64, or its character codes in files of early converters. */
function wordOf(value: unknown): string | undefined {
  if (Array.isArray(value)) return String.fromCharCode(...value.map(Number));
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString('latin1') : undefined;
}

function numberOf(attribute: unknown): number | undefined {
  if (!isRecord(attribute)) return undefined;
  const value = attribute['i'] ?? attribute['f'];
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

function graphUse(
  { name, op, inputs, attributes }: FileNode,
  given: readonly (Constant | View)[],
  {
    g,
    viewOf,
    outputs,
  }: Pick<GraphUse, 'g'> & { viewOf: (value: Constant | View, name: string) => View; outputs: number },
): GraphUse {
  const refuse = (reason: string): never => {
    throw new Refusal(reason);
  };
  const at = (i: number): Constant | View => given[i] ?? refuse(`it lacks its input ${i}`);
  const attribute = (key: string): Config => {
    const value = Object.hasOwn(attributes, key) ? attributes[key] : undefined;
    return isRecord(value) ? value : {};
  };
  const listOf = (key: string): Config => {
    const { list } = attribute(key);
    return isRecord(list) ? list : {};
  };
  const constant = (i: number): Constant | undefined => {
    const value = given[i];
    return isConstant(value) ? value : undefined;
  };
  return {
    g,
    op,
    id: name,
    inputs: inputs.length,
    outputs,
    view: (i) => viewOf(at(i), inputs[i]!),
    shape(i) {
      const value = at(i);
      return isConstant(value) ? value.shape : g.shapeOf(value);
    },
    constant,
    list: (i, what) => [...(constant(i) ?? refuse(`its ${what} ${what.endsWith('s') ? 'are' : 'is'} computed`)).data],
    weight(i) {
      at(i);
      const value = constant(i) ?? refuse('its weights are computed');
      return { tensor: tensorOf(value), name: value.name };
    },
    number: (key, fallback) => numberOf(attribute(key)) ?? fallback,
    flag(key, fallback) {
      const { b } = attribute(key);
      return typeof b === 'boolean' ? b : fallback;
    },
    word(key, fallback) {
      const { s, type } = attribute(key);
      return wordOf(s) ?? (typeof type === 'string' || typeof type === 'number' ? String(type) : fallback);
    },
    numbers(key) {
      const { i, f } = listOf(key);
      const list: unknown = Array.isArray(i) && i.length > 0 ? i : f;
      const numbers = Array.isArray(list) ? list.map(Number) : [];
      return numbers.every(Number.isFinite) ? numbers : refuse(`its ${key} is damaged`);
    },
    words(key) {
      const { s } = listOf(key);
      return Array.isArray(s) ? s.map((word: unknown) => wordOf(word) ?? '') : [];
    },
    refuse,
  };
}

/** TensorFlow's names of arithmetic that the folding vocabulary knows under ONNX' names. */
const foldingNames: Readonly<Record<string, string>> = {
  Add: 'Add',
  AddV2: 'Add',
  BiasAdd: 'Add',
  Div: 'Div',
  Equal: 'Equal',
  Exp: 'Exp',
  Greater: 'Greater',
  Identity: 'Identity',
  Less: 'Less',
  Log: 'Log',
  LogicalAnd: 'And',
  LogicalNot: 'Not',
  LogicalOr: 'Or',
  Maximum: 'Max',
  Minimum: 'Min',
  Mul: 'Mul',
  Neg: 'Neg',
  Pow: 'Pow',
  Range: 'Range',
  RealDiv: 'Div',
  Select: 'Where',
  SelectV2: 'Where',
  Sqrt: 'Sqrt',
  StopGradient: 'Identity',
  Sub: 'Sub',
};
const reductions: Readonly<Record<string, string>> = {
  Prod: 'ReduceProd',
  Sum: 'ReduceSum',
  Max: 'ReduceMax',
  Min: 'ReduceMin',
  Mean: 'ReduceMean',
};

/** A node of constants, or one that asks for a shape, which is one. */
function foldedNode(
  node: FileNode,
  given: readonly (Constant | View)[],
  c: GraphUse,
  g: GraphUse['g'],
): readonly Constant[] | undefined {
  const { op } = node;
  const whole = (numbers: readonly number[], shape: Shape = [numbers.length]): Constant[] => [
    constantOf('integer', shape, numbers),
  ];
  if (op === 'Shape' || op === 'Rank' || op === 'Size') {
    const shape = c.shape(0);
    if (op === 'Shape') return whole(shape);
    return whole([op === 'Rank' ? shape.length : shape.reduce((a, b) => a * b, 1)], []);
  }
  if (op === 'OnesLike' || op === 'ZerosLike') {
    const value = given[0]!;
    const shape = isConstant(value) ? value.shape : g.shapeOf(value);
    return fold('ConstantOfShape', [], { shape, value: constantOf('float', [1], [op === 'OnesLike' ? 1 : 0]) });
  }
  if (!given.every(isConstant)) return undefined;
  const x = given;
  const first = x[0];
  if (Object.hasOwn(foldingNames, op) && foldable(foldingNames[op]!)) return fold(foldingNames[op]!, x);
  if (Object.hasOwn(reductions, op) && foldable(reductions[op]!)) {
    const keepdims = c.flag('keep_dims', false) ? 1 : 0;
    return fold(reductions[op]!, [first!], { axes: c.list(1, 'axes'), keepdims });
  }
  const with1 = (fn: (data: number) => number): Constant[] => [
    constantOf(first!.type, first!.shape, Float64Array.from(first!.data, fn), first!.name),
  ];
  switch (op) {
    case 'Cast': {
      const type = c.word('DstT', 'DT_FLOAT');
      const integers = ['DT_INT32', '3', 'DT_INT64', '9', 'DT_INT16', 'DT_INT8', 'DT_UINT8'].includes(type);
      return [
        constantOf(
          integers ? 'integer' : type === 'DT_BOOL' || type === '10' ? 'boolean' : 'float',
          first!.shape,
          first!.data,
          first!.name,
        ),
      ];
    }
    case 'ConcatV2':
      return fold('Concat', x.slice(0, -1), { axis: c.list(x.length - 1, 'axis')[0] });
    case 'ExpandDims':
      return fold('Unsqueeze', [first!], { axes: c.list(1, 'axis') });
    case 'Fill':
      return fold('ConstantOfShape', [], { shape: c.list(0, 'shape'), value: { ...x[1]!, shape: [1] } });
    case 'Floor':
      return with1(Math.floor);
    case 'FloorDiv': {
      const [quotient] = fold('Div', [
        constantOf('float', x[0]!.shape, x[0]!.data),
        constantOf('float', x[1]!.shape, x[1]!.data),
      ]);
      return [constantOf(x[0]!.type, quotient!.shape, Float64Array.from(quotient!.data, Math.floor))];
    }
    case 'GatherV2':
      return fold('Gather', x.slice(0, 2), { axis: x[2] ? x[2].data[0] : 0 });
    case 'Pack': {
      const axis = c.number('axis', 0);
      const rows = x.map((row) => fold('Unsqueeze', [row], { axes: [axis] })[0]!);
      return fold('Concat', rows, { axis });
    }
    case 'Reshape':
      return fold('Reshape', [first!], { shape: c.list(1, 'shape'), allowzero: 1 });
    case 'Rsqrt':
      return with1((n) => 1 / Math.sqrt(n));
    case 'Slice': {
      const starts = c.list(1, 'begin');
      const sizes = c.list(2, 'size');
      return fold('Slice', [first!], {
        starts,
        ends: starts.map((start, i) => (sizes[i] === -1 ? first!.shape[i]! : start + sizes[i]!)),
      });
    }
    case 'Square':
      return with1((n) => n * n);
    case 'Squeeze': {
      const axes = [...c.numbers('squeeze_dims'), ...c.numbers('axis')];
      return fold('Squeeze', [first!], axes.length > 0 ? { axes } : {});
    }
    case 'StridedSlice': {
      const { shape, ...cut } = stridedSlice(c);
      const [part] = fold('Slice', [first!], cut);
      return fold('Reshape', [part!], { shape: shape(part!.shape), allowzero: 1 });
    }
    case 'Tile':
      return fold('Tile', [first!], { repeats: c.list(1, 'multiples') });
    case 'Transpose':
      return fold('Transpose', [first!], { perm: c.list(1, 'permutation') });
    default:
      return undefined;
  }
}

/** The shape that the signature or the node states: sizes, −1 where one is free; undefined where there is none. */
function statedShape(json: Config, name: string, attributes: Config): (number | undefined)[] | undefined {
  const dims = (shape: unknown): (number | undefined)[] | undefined => {
    if (!isRecord(shape) || !Array.isArray(shape['dim'])) return undefined;
    return shape['dim'].map((dim: unknown) => {
      const size = isRecord(dim) ? Number(dim['size']) : -1;
      return Number.isSafeInteger(size) && size > 0 ? size : undefined;
    });
  };
  const own = isRecord(attributes['shape']) ? dims(attributes['shape']['shape']) : undefined;
  if (own) return own;
  const signature = json['signature'];
  const entries = isRecord(signature) && isRecord(signature['inputs']) ? Object.values(signature['inputs']) : [];
  const entry = entries.find(
    (value) => isRecord(value) && typeof value['name'] === 'string' && producer(value['name']) === name,
  );
  return isRecord(entry) ? dims(entry['tensorShape']) : undefined;
}

function inputShapeOf(
  name: string,
  stated: readonly (number | undefined)[] | undefined,
  {
    file,
    nodes,
    weights,
    options,
    explained,
  }: {
    file: string;
    nodes: readonly FileNode[];
    weights: ReadonlyMap<string, Constant>;
    options: LoadOptions;
    explained: boolean;
  },
): Shape {
  const reader = nodes.find(
    ({ op, inputs }) => inputs[0] === name && ['Conv2D', '_FusedConv2D', 'MatMul', '_FusedMatMul'].includes(op),
  );
  const kernel = reader && weights.get(reader.inputs[1]!);
  const guess =
    kernel && (kernel.shape.length === 4 ? [1, undefined, undefined, kernel.shape[2]] : [1, kernel.shape[0]]);
  const sizes = stated ?? guess;
  const given = givenShape(options, name, explained);
  if (given) {
    if ((sizes && sizes.length !== given.length) || given.some((n) => !Number.isSafeInteger(n) || n < 1)) {
      throw new UserError(`The input "${name}" of ${file} cannot have the shape [${given.join(', ')}].`, {
        exitCode: EXIT.usage,
        hint: sizes ? `It has ${sizes.length} axes, the batch included.` : 'Sizes are whole numbers from 1.',
      });
    }
    return given;
  }
  if (!sizes) {
    throw new UserError(`The input "${name}" of ${file} has no shape.`, {
      exitCode: EXIT.usage,
      hint: 'Give it, batch of 1 included, for example --input-shape 1,224,224,3.',
    });
  }
  const shape = sizes.map((size, axis) => (axis === 0 && sizes.length > 1 ? 1 : size));
  if (shape.includes(undefined)) {
    const example = shape.map((size, axis) => size ?? (shape.length === 4 && axis > 0 ? 224 : 16));
    throw new UserError(
      `The input "${name}" of ${file} has no fixed size: [${shape.map((size) => size ?? '?').join(', ')}].`,
      {
        exitCode: EXIT.usage,
        hint: `Give its shape, for example --input-shape ${example.join(',')}.`,
      },
    );
  }
  return shape as number[];
}
