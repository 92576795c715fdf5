// Keras models as graphs: Sequential and Functional ones, models within models, layers used several times. The same walk reads
// the configurations of Keras 1.2 to 3 and of TensorFlow.js, which differ in how they spell who follows whom.
import { EXIT, UserError } from '../errors.ts';
import type { Shape } from '../kernels/kernels.ts';
import { Misfit } from '../network/constant-folding.ts';
import type { InputLayout, Lookup, Network, Preprocessing, UnsupportedNode } from '../network/network.ts';
import { viewBuilder, type View, type ViewBuilder } from './axis-order.ts';
import {
  assumedPreprocessing,
  chooseName,
  givenShape,
  graphBuilder,
  layoutOf,
  sequenceLayout,
  type Graph,
  type LoadOptions,
} from './graph.ts';
import { snakeCase, type Dialect } from './keras-activations.ts';
import { kerasLayers, refusals } from './keras-layers.ts';
import { isKerasOperation, kerasOperation } from './keras-operations.ts';
import { recurrentLayers } from './keras-recurrent.ts';
import { isRecord, Refusal, settingsOf, shown, type Config } from './keras-settings.ts';
import type { FoundWeight, KerasWeights, LayerPlace } from './keras-weights.ts';
import { sha256 } from './model-file.ts';

export interface KerasFile {
  readonly file: string;
  /** What to call the network. */
  readonly name: string;
  readonly format: Network['format'];
  /** Of everything that was read. */
  readonly bytes: readonly Uint8Array[];
  /** The model's class and configuration. */
  readonly model: unknown;
  readonly weights: KerasWeights;
  readonly dialect: Dialect;
  readonly classNames?: readonly string[] | undefined;
  readonly notes?: readonly string[];
}

/** Which output of which use of which layer. */
interface Reference {
  readonly layer: string;
  readonly use: number;
  readonly tensor: number;
}

interface LayerEntry {
  readonly kind: string;
  readonly name: string;
  readonly container: string;
  readonly config: Config;
  /** True for a function of Keras 3 rather than a layer. */
  readonly isOperation: boolean;
  readonly uses: readonly Use[];
  readonly problem: string | undefined;
}

interface ModelEntry {
  readonly name: string;
  readonly layers: readonly LayerEntry[];
  readonly inputs: readonly Reference[];
  readonly outputs: readonly Reference[];
}

const modelKinds = new Set(['Sequential', 'Functional', 'Model']);
/** More nesting than a person would write. */
const deepest = 32;

/** The graph of a Keras model. Throws UserError where the file contradicts itself; collects layers that are not supported. */
export function readKeras(source: KerasFile, options: LoadOptions): Graph {
  const { file } = source;
  const root = modelEntry(source.model, file);
  const builder = graphBuilder(file);
  const unsupported: UnsupportedNode[] = [];
  const unknown = new Set<string>();

  const inputLayers = new Map(root.layers.map((layer) => [layer.name, layer]));
  const inputNames = [...new Set(root.inputs.map(({ layer }) => layer))];
  const outputNames = root.outputs.map((reference, i) => {
    const repeated = root.outputs.findIndex(({ layer }) => layer === reference.layer) < i;
    return repeated ? `${reference.layer}:${i}` : reference.layer;
  });
  if (inputNames.length === 0) throw new UserError(`${file} has no inputs.`);
  if (outputNames.length === 0) throw new UserError(`${file} has no outputs.`);
  const input = chooseName('input', options.input, inputNames, file);
  const promised = new Set([...outputNames, ...(options.output === undefined ? [] : [options.output])]);
  const g = viewBuilder(builder, promised);
  const values = new Map<string, View>();

  const given = inputNames.map((name) => {
    const layer = inputLayers.get(name);
    const id = inputLayers.size > 0 && outputNames.includes(name) ? `${name}/input` : name;
    return g.input(id, inputShapeOf(layer, name, { file, options, explained: name === input }));
  });
  inputNames.forEach((name, i) => values.set(name, given[i]!));

  const explained = given[inputNames.indexOf(input)]!;
  let lookup: Lookup | undefined;
  let rows: View | undefined;
  const lookUp = ([ids]: readonly View[], { tensor: table }: FoundWeight): View => {
    if (ids?.id !== explained.id) throw new Refusal('its input is not the explained input itself');
    if (lookup && lookup.table.data !== table.data) throw new Refusal('its input names rows of a second table');
    if (table.shape.length !== 2) throw new Refusal(`a table of ${table.shape.length} axes`);
    if (!rows) {
      const shape = g.shapeOf(ids);
      lookup = { input: ids.id, shape, table };
      rows = g.input(builder.freeId(`${ids.id}/rows`), [...shape, table.shape[1]!]);
    }
    return rows;
  };
  const converter = layerConverter({ ...source, g, unsupported, unknown, lookUp });
  const { outputs, byLayer } = evaluate(
    root,
    new Map(inputNames.map((name, i) => [name, given[i]!])),
    [],
    '',
    converter,
    file,
  );

  const ids = outputs.map((view, i) => {
    if (view) return g.finish(outputNames[i]!, view);
    unknown.add(outputNames[i]!);
    return outputNames[i]!;
  });
  const wanted = options.output;
  if (wanted !== undefined && !outputNames.includes(wanted)) {
    const view = byLayer.get(wanted);
    if (view) g.finish(wanted, view);
  }

  const { id: inputId } = rows ?? explained;
  const shape = builder.shapeOf(inputId);
  const layout = lookup ? sequenceLayout(shape) : layoutFrom(root, shape);
  return {
    file,
    name: source.name,
    format: source.format,
    sha256: sha256(...source.bytes),
    nodes: builder.nodes,
    inputs: given.map(({ id }) => id),
    input: inputId,
    lookup,
    outputs: ids,
    unsupported,
    unknown,
    supported: [...kerasLayers.keys()],
    layout,
    preprocessing: preprocessingFrom(root, layout, shape),
    classNames: source.classNames,
    notes: source.notes ?? [],
  };
}

interface Converter {
  convert(
    entry: LayerEntry,
    inputs: readonly View[],
    use: Use,
    path: readonly LayerPlace[],
    id: string,
    name: string,
  ): View | null;
}

/** Runs the layers of one model; null stands for what cannot be computed. `prefix` is the way here through outer models. */
function evaluate(
  model: ModelEntry,
  given: ReadonlyMap<string, View | null>,
  path: readonly LayerPlace[],
  prefix: string,
  converter: Converter,
  file: string,
): { outputs: (View | null)[]; byLayer: ReadonlyMap<string, View> } {
  if (path.length > deepest) throw new UserError(`${file} nests models more than ${deepest} deep.`);
  const layers = new Map(model.layers.map((layer) => [layer.name, layer]));
  const values = new Map<string, View | null>();
  const byLayer = new Map<string, View>();
  // Models inside a model have a use of their own from the time when they were made, which is not counted here.
  const firstUse = firstUses(model);
  const keyOf = ({ layer, use }: Reference): string => `${Math.max(0, use - (firstUse.get(layer) ?? 0))} ${layer}`;
  // In the order of the file, as far as the connections allow it.
  const listed = model.layers.flatMap(({ name, uses }) =>
    uses.map((_, use) => ({ layer: name, use: use + (firstUse.get(name) ?? 0), tensor: 0 })),
  );
  const stack = [...listed, ...model.outputs].map((reference) => ({ reference, visited: false })).toReversed();
  const open = new Set<string>();
  while (stack.length > 0) {
    const { reference, visited } = stack.pop()!;
    const key = keyOf(reference);
    if (values.has(key)) continue;
    const layer = layers.get(reference.layer);
    const ready = given.get(reference.layer);
    if (ready !== undefined) {
      values.set(key, ready);
      if (ready) byLayer.set(reference.layer, ready);
      continue;
    }
    if (!layer) throw new UserError(`${file} refers to the layer "${reference.layer}", which it does not have.`);
    const use = Math.max(0, reference.use - (firstUse.get(layer.name) ?? 0));
    const call = layer.uses[use];
    if (!call)
      throw new UserError(
        `${file} refers to use ${reference.use} of the layer "${layer.name}", which it does not have.`,
      );
    if (!visited) {
      if (open.has(key)) throw new UserError(`${file} is circular: the layer "${layer.name}" depends on itself.`);
      open.add(key);
      stack.push({ reference, visited: true });
      for (const from of call.inputs.toReversed())
        if (!values.has(keyOf(from))) stack.push({ reference: from, visited: false });
      continue;
    }
    open.delete(key);
    const inputs = call.inputs.map((from) => {
      if (from.tensor !== 0)
        throw new UserError(
          `${file}: output ${from.tensor} of the layer "${from.layer}" is used; layers with several outputs are not supported.`,
        );
      return values.get(keyOf(from))!;
    });
    const known = inputs.every((view): view is View => view !== null);
    const place = { name: layer.name, container: layer.container };
    const name = `${prefix}${layer.name}`;
    const value = known ? converter.convert(layer, inputs, call, [...path, place], name, name) : null;
    values.set(key, value);
    if (value) byLayer.set(layer.name, value);
  }
  return { outputs: model.outputs.map((reference) => values.get(keyOf(reference))!), byLayer };
}

function firstUses(model: ModelEntry): Map<string, number> {
  const lowest = new Map<string, number>();
  const nested = new Set(model.layers.filter(({ kind }) => modelKinds.has(kind)).map(({ name }) => name));
  const all = [...model.outputs, ...model.layers.flatMap(({ uses }) => uses.flatMap(({ inputs }) => inputs))];
  for (const { layer, use } of all)
    if (nested.has(layer)) lowest.set(layer, Math.min(lowest.get(layer) ?? Infinity, use));
  return lowest;
}

function layerConverter({
  file,
  dialect,
  weights,
  g,
  unsupported,
  unknown,
  lookUp,
}: KerasFile & {
  g: ViewBuilder;
  unsupported: UnsupportedNode[];
  unknown: Set<string>;
  lookUp: (inputs: readonly View[], table: FoundWeight) => View;
}): Converter {
  const lost = (op: string, node: string, reason?: string): null => {
    unsupported.push({ op, node, reason: reason === '' ? undefined : reason });
    unknown.add(node);
    return null;
  };
  const converter: Converter = {
    convert(entry, inputs, use, path, id, name) {
      const { kind, config } = entry;
      if (modelKinds.has(kind)) {
        const inner = modelEntry({ class_name: kind, config }, file);
        const names = inner.inputs.map(({ layer }) => layer);
        if (names.length !== inputs.length)
          throw new UserError(
            `${file}: the model "${name}" within it takes ${names.length} inputs and is given ${inputs.length}.`,
          );
        const given = new Map(names.map((layer, i) => [layer, inputs[i]!]));
        const { outputs } = evaluate(inner, given, path, `${name}/`, converter, file);
        return outputs.length === 1
          ? outputs[0]!
          : lost(kind, name, `a model of ${outputs.length} outputs within a model`);
      }
      const conversion = entry.isOperation ? kerasOperation : kerasLayers.get(kind);
      if (entry.problem !== undefined) return lost(kind, name, entry.problem);
      if (!conversion) return lost(kind, name, Object.hasOwn(refusals, kind) ? refusals[kind] : undefined);
      try {
        return conversion({
          g,
          dialect,
          kind,
          id,
          name,
          settings: settingsOf(config, `The layer "${name}" of ${file}`),
          inputs,
          argument(position, key) {
            const given = Object.hasOwn(use.kwargs, key) ? use.kwargs[key] : use.args[position];
            const slot = slotOf(given);
            return slot === undefined ? given : inputs[slot];
          },
          weight(names, index, part) {
            const wanted = typeof names === 'string' ? [names] : names;
            const parts = typeof part === 'object' ? part : [part];
            for (const weight of wanted) {
              for (const within of parts) {
                const found = weights.find(path, weight, index, within);
                if (found) return found;
              }
            }
            throw new UserError(`${file} lacks the weight "${wanted[0]}" of the layer "${name}".`, {
              hint: 'The file is incomplete, or its weights lie in another file: save the whole model again.',
            });
          },
          rows: (table) => lookUp(inputs, table),
          inner(layer, views, innerId, part) {
            const wrapped = layerEntry(layer, file, new Map());
            const place = { name: wrapped.name, container: part, wrapped: true };
            const call = inSequence(...views.map((_, i) => ({ layer: wrapped.name, use: i, tensor: 0 })));
            const value = converter.convert(wrapped, views, call, [...path, place], innerId, `${name}/${wrapped.name}`);
            return value ?? refuseInner(wrapped.kind);
          },
        });
      } catch (error) {
        if (error instanceof Refusal) return lost(kind, name, error.message);
        if (error instanceof Misfit)
          throw new UserError(`The layer "${name}" of ${file} contradicts its inputs: ${error.message}.`, {
            cause: error,
          });
        throw error;
      }
    },
  };
  return converter;
}

function refuseInner(kind: string): never {
  throw new Refusal(`the ${kind} within it is not supported`);
}

/** A model's layers and how they are connected. */
function modelEntry(model: unknown, file: string): ModelEntry {
  const damaged = (why: string): UserError =>
    new UserError(`${file} is not a readable Keras model: ${why}.`, { hint: 'Save the whole model again.' });
  if (!isRecord(model) || typeof model['class_name'] !== 'string') throw damaged('its configuration names no class');
  const kind = model['class_name'];
  const config = model['config'];
  if (!modelKinds.has(kind)) {
    throw new UserError(`${file} holds a model of class "${kind.slice(0, 80)}", which is program code.`, {
      hint: 'Save it as a Sequential or Functional model, or export it to ONNX.',
    });
  }
  const list = Array.isArray(config) ? config : isRecord(config) ? config['layers'] : undefined;
  if (!Array.isArray(list) || list.length === 0) throw damaged('it has no layers');
  const name = isRecord(config) && typeof config['name'] === 'string' ? config['name'] : kind;
  const counts = new Map<string, number>();
  const layers = list.map((layer: unknown) => layerEntry(layer, file, counts));
  if (new Set(layers.map((layer) => layer.name)).size !== layers.length) throw damaged('two layers share a name');
  if (kind === 'Sequential') return sequential(name, layers);
  const settings = config as Config;
  return {
    name,
    layers,
    inputs: references(settings['input_layers'], file),
    outputs: references(settings['output_layers'], file),
  };
}

/** The use of a layer that takes these values and nothing else. */
const inSequence = (...inputs: readonly Reference[]): Use => ({
  inputs,
  args: inputs.map((_, i) => ({ [SLOT]: i })),
  kwargs: {},
});

/** One after another; without an input layer, the first layer says the input's shape. */
function sequential(name: string, given: readonly LayerEntry[]): ModelEntry {
  const first = given[0]!;
  const hasInput = first.kind === 'InputLayer';
  const inputName = hasInput ? first.name : `${first.name}_input`;
  const config = firstShape(first.config);
  const inputLayer: LayerEntry = {
    kind: 'InputLayer',
    name: inputName,
    container: 'input_layer',
    config,
    isOperation: false,
    uses: [inSequence()],
    problem: undefined,
  };
  const rest = (hasInput ? given.slice(1) : given).filter(({ kind }) => kind !== 'InputLayer');
  const head = hasInput ? first : inputLayer;
  const layers = [head, ...rest].map((layer, i, all) => ({
    ...layer,
    uses: [i === 0 ? inSequence() : inSequence({ layer: all[i - 1]!.name, use: 0, tensor: 0 })],
  }));
  return {
    name,
    layers,
    inputs: [{ layer: head.name, use: 0, tensor: 0 }],
    outputs: [{ layer: layers.at(-1)!.name, use: 0, tensor: 0 }],
  };
}

/** The input shape that a layer states, also where it is a model itself. */
function firstShape(config: Config): Config {
  const list = Array.isArray(config) ? (config as unknown[]) : config['layers'];
  const own = config['batch_input_shape'] ?? config['batch_shape'];
  if (own !== undefined || !Array.isArray(list) || !isRecord(list[0]) || !isRecord(list[0]['config'])) return config;
  return firstShape(list[0]['config']);
}

function layerEntry(layer: unknown, file: string, counts: Map<string, number>): LayerEntry {
  const damaged = (why: string): UserError =>
    new UserError(`${file} is not a readable Keras model: ${why}.`, { hint: 'Save the whole model again.' });
  if (!isRecord(layer) || typeof layer['class_name'] !== 'string') throw damaged('a layer has no class');
  const config: unknown = layer['config'];
  if (!isRecord(config) && !Array.isArray(config)) throw damaged('a layer has no configuration');
  const settings = Array.isArray(config) ? { layers: config } : config;
  const kind = classNameOf(layer['class_name']);
  const name = typeof layer['name'] === 'string' ? layer['name'] : settings['name'];
  if (typeof name !== 'string' || name === '') throw damaged(`a layer of class "${kind}" has no name`);
  const base = snakeCase(kind);
  const count = counts.get(base) ?? 0;
  counts.set(base, count + 1);
  const container = count === 0 ? base : `${base}_${count}`;
  const nodes: unknown = layer['inbound_nodes'] ?? [];
  if (!Array.isArray(nodes)) throw damaged(`the connections of the layer "${name}" are not a list`);
  const module = layer['module'];
  // Keras 3 names no modules in HDF5 files, where a function and a layer may be called the same (Add). A layer says whether
  // it is trained.
  const isUntrained = nodes.some(isRecord) && !Object.hasOwn(settings, 'trainable') && isKerasOperation(kind);
  const isOperation = typeof module === 'string' ? /^keras\.(src\.)?ops\b/.test(module) : isUntrained;
  const uses = nodes.map((node: unknown) => useOf(node, file));
  const problem = isOperation ? undefined : uses.map((use) => untold(use, kind)).find((why) => why !== undefined);
  return { kind, name, container, config: settings, isOperation, uses, problem };
}

/** A registered name without its package (`Custom>Swish`), which Keras 2 writes. */
const classNameOf = (name: string): string => name.slice(name.lastIndexOf('>') + 1);

/** Stands in a call's arguments for one of its inputs. */
const SLOT = Symbol('input');
const slotOf = (value: unknown): number | undefined =>
  isRecord(value) ? (value as { [SLOT]?: number })[SLOT] : undefined;

/** How a layer is called once. */
interface Use {
  readonly inputs: readonly Reference[];
  /** As the file has them, with a slot for every input. */
  readonly args: readonly unknown[];
  readonly kwargs: Config;
}

/** One use of a layer, in any of the ways to write it. */
function useOf(node: unknown, file: string): Use {
  const inputs: Reference[] = [];
  const slot = (at: Reference): object => ({ [SLOT]: inputs.push(at) - 1 });
  if (isRecord(node)) {
    // Keras 3: a call with tensors in it.
    const placed = (value: unknown, depth: number): unknown => {
      if (depth > deepest)
        throw new UserError(`${file}: a connection between layers is nested more than ${deepest} deep.`);
      if (Array.isArray(value)) return value.map((entry) => placed(entry, depth + 1));
      if (!isRecord(value)) return value;
      const config = value['config'];
      if (value['class_name'] === '__keras_tensor__' && isRecord(config))
        return slot(reference(config['keras_history'], file));
      return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, placed(entry, depth + 1)]));
    };
    const args = placed(node['args'] ?? [], 0);
    const kwargs = placed(node['kwargs'] ?? {}, 0);
    return { inputs, args: Array.isArray(args) ? args : [args], kwargs: isRecord(kwargs) ? kwargs : {} };
  }
  if (!Array.isArray(node)) throw new UserError(`${file}: a connection between layers is ${shown(node)}.`);
  const list: unknown[] = typeof node[0] === 'string' ? [node] : node;
  const args = list.map((entry) => slot(reference(entry, file)));
  const kwargs: Record<string, unknown> = {};
  // Keras 2: what else a call is given stands behind its inputs; a value is [layer, use, tensor].
  const named = (value: unknown): unknown => {
    if (!Array.isArray(value)) return value;
    const [layer, use, tensor] = value as unknown[];
    const isValue = typeof layer === 'string' && Number.isSafeInteger(use) && Number.isSafeInteger(tensor);
    return isValue ? slot(reference(value, file)) : value.map(named);
  };
  for (const entry of list) {
    if (!Array.isArray(entry) || !isRecord(entry[3])) continue;
    for (const [key, value] of Object.entries(entry[3])) kwargs[key] = named(value);
  }
  return { inputs, args, kwargs };
}

const hasSlot = (value: unknown): boolean =>
  slotOf(value) !== undefined ||
  (Array.isArray(value) ? value.some(hasSlot) : isRecord(value) && Object.values(value).some(hasSlot));

/** Values by name that layers of ours are told of; the functions of keras-operations.ts take any. */
const namedValues: Readonly<Record<string, readonly string[]>> = {
  GRU: ['initial_state'],
  LSTM: ['initial_state'],
  MultiHeadAttention: ['query', 'value', 'key', 'attention_mask'],
  SimpleRNN: ['initial_state'],
};

/** What a layer of this kind would not be told; undefined where it is told everything. */
function untold({ args, kwargs }: Use, kind: string): string | undefined {
  if (kind === 'TFOpLambda' || kind === 'SlicingOpLambda') return undefined;
  const known = Object.hasOwn(namedValues, kind) ? namedValues[kind]! : [];
  const inArguments = args.some(hasSlot);
  const others = Object.entries(kwargs).filter(([key, value]) => hasSlot(value) && !known.includes(key));
  const harmless = !inArguments && others.length === 1 && others[0]![0] === 'inputs';
  if (args.some((value) => typeof value === 'number')) return 'a number in its call';
  return others.length > 0 && !harmless ? `the input "${others[0]![0]}" by name` : undefined;
}

function reference(entry: unknown, file: string): Reference {
  if (Array.isArray(entry)) {
    const [layer, use = 0, tensor = 0] = entry as unknown[];
    if (
      typeof layer === 'string' &&
      Number.isSafeInteger(use) &&
      Number.isSafeInteger(tensor) &&
      (use as number) >= 0
    ) {
      return { layer, use: use as number, tensor: tensor as number };
    }
  }
  throw new UserError(`${file}: a connection between layers is ${shown(entry)}.`);
}

/** A model's inputs or outputs: one, a list, or a dictionary of them. */
function references(value: unknown, file: string): Reference[] {
  if (value === undefined || value === null) return [];
  if (isRecord(value)) return Object.values(value).flatMap((entry) => references(entry, file));
  if (!Array.isArray(value)) throw new UserError(`${file}: its inputs or outputs are ${shown(value)}.`);
  if (typeof value[0] === 'string') return [reference(value, file)];
  return value.flatMap((entry: unknown) => references(entry, file));
}

function inputShapeOf(
  layer: LayerEntry | undefined,
  name: string,
  { file, options, explained }: { file: string; options: LoadOptions; explained: boolean },
): Shape {
  const stated: unknown = layer && (layer.config['batch_input_shape'] ?? layer.config['batch_shape']);
  const declared = Array.isArray(stated) ? (stated as unknown[]) : undefined;
  const chosen = givenShape(options, name, explained);
  const usage = { exitCode: EXIT.usage };
  if (chosen) {
    if ((declared && declared.length !== chosen.length) || chosen.some((n) => !Number.isSafeInteger(n) || n < 1)) {
      throw new UserError(`The input "${name}" of ${file} cannot have the shape [${chosen.join(', ')}].`, {
        ...usage,
        hint: declared ? `It has ${declared.length} axes, the batch included.` : 'Sizes are whole numbers from 1.',
      });
    }
    return chosen;
  }
  if (!declared || declared.length < 1) {
    throw new UserError(`The input "${name}" of ${file} has no shape.`, {
      ...usage,
      hint: 'Give it, batch of 1 included, for example --input-shape 1,28,28,1.',
    });
  }
  const sizes = declared.slice(1);
  if (sizes.some((n) => n === null)) {
    const example = [1, ...sizes.map((n, i) => (typeof n === 'number' ? n : sizes.length === 3 && i < 2 ? 224 : 16))];
    throw new UserError(
      `The input "${name}" of ${file} has no fixed size: [${declared.map((n) => (n === null ? '?' : shown(n))).join(', ')}].`,
      {
        ...usage,
        hint: `Give its shape, for example --input-shape ${example.join(',')}.`,
      },
    );
  }
  if (!sizes.every((n): n is number => Number.isSafeInteger(n) && (n as number) > 0)) {
    throw new UserError(`The input "${name}" of ${file} has an impossible shape: ${shown(declared)}.`);
  }
  return [1, ...sizes];
}

/** Images have their channels where the layers of the file have them. */
function layoutFrom(model: ModelEntry, shape: Shape): InputLayout | undefined {
  if (shape.length === 3) {
    const isRecurrent = allLayers(model, 0).some(({ kind }) => Object.hasOwn(recurrentLayers, kind));
    return isRecurrent || layoutOf(shape).kind === 'signal' ? sequenceLayout(shape) : undefined;
  }
  if (shape.length !== 4) return undefined;
  const first = allLayers(model, 0).some(({ config }) => config['data_format'] === 'channels_first');
  return first
    ? { kind: 'image', channelAxis: 1, heightAxis: 2, widthAxis: 3 }
    : { kind: 'image', channelAxis: 3, heightAxis: 1, widthAxis: 2 };
}

/** Layers of a model and of the models within it, as far as they can be read. */
function allLayers(model: ModelEntry, depth: number): { kind: string; config: Config }[] {
  return model.layers.flatMap(({ kind, config }) => {
    const list = config['layers'];
    if (!modelKinds.has(kind) || !Array.isArray(list) || depth > deepest) return [{ kind, config }];
    return list.flatMap((layer: unknown) =>
      isRecord(layer) && isRecord(layer['config'])
        ? [{ kind: String(layer['class_name']), config: layer['config'] }]
        : [],
    );
  });
}

/** A network that scales its own input takes raw numbers. */
function preprocessingFrom(
  model: ModelEntry,
  layout: InputLayout | undefined,
  shape: Shape,
): Preprocessing | undefined {
  if (!layout) return undefined;
  const front = allLayers(model, 0)
    .slice(0, 4)
    .find(({ kind }) => kind === 'Rescaling' || kind === 'Normalization');
  if (!front) return undefined;
  const { scale } = front.config;
  const scales =
    front.kind === 'Normalization' || [scale].flat().every((n) => typeof n === 'number' && Math.abs(n) <= 1 / 64);
  return scales
    ? { ...assumedPreprocessing(layout, shape), scale: 1, source: `read from the file: its ${front.kind} layer scales` }
    : undefined;
}
