// A part of a network as the affine map that it is at an input (methods.md, section 0): b(x) = A x + r, exact at x0.
// The four programs (captures, apply, transpose, offset) are compiled once per scope and used at every sample.
import type { Backend, Kernels, Program, Shape, Tensor, Value } from '../kernels/kernels.ts';
import { sizeOf } from '../kernels/kernels.ts';
import type { AffineMap, Block, LinearOperator } from '../operators/operator.ts';
import { opOf } from '../ops/index.ts';
import type { Linearisation, Mode } from '../ops/op.ts';
import { ancestorsOf, compileForward, type Forward } from './forward.ts';
import type { Layer } from './layers.ts';
import { nodeOf, type Network, type Node, type NodeId } from './network.ts';

export interface MapScope {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly mode: Mode;
}

/**
 * The map of a scope at captured inputs. At one sample it takes blocks of any size; over n samples (captured together)
 * it takes blocks of exactly n rows, and row i meets the map of sample i.
 */
export interface LocatedMap extends AffineMap {
  readonly count: number;
  /** x0 and b(x0): one row a sample. */
  readonly at: Float32Array;
  readonly value: Float32Array;
  /**
   * ⟨y, Q_l b̂_l⟩ for every row y and layer l: count × layers, row-major. A row sums to ⟨y, r⟩. With `biases`, only the
   * constants that are parameters (biases, shifts), without what nonlinear nodes add at this input.
   */
  offsetByLayer(block: Block, only?: 'biases'): Promise<Float64Array>;
  /**
   * The discussion of every row y: (Aᵀy)∘x0 + Σ_l F_lᵀ((Q_lᵀy)∘b̂_l), with F_l the map from the domain to layer l's
   * activity, Q_l the map from there on and b̂_l the layer's constants at its activity. Not conserved: what b̂_l says is
   * spread over the input by F_lᵀ (LI, eq. of the pixel discussion). Two passes back.
   */
  discuss(block: Block): Promise<Block>;
}

export interface CompiledMap {
  readonly domain: Shape;
  readonly codomain: Shape;
  /** Numbers that one probe moves through the scope, for the memory budget. */
  readonly valuesPerProbe: number;
  /** Captures the inputs [n, …input shape] and gives the map there; r is computed from the nodes' own constants. */
  locate(inputs: Tensor, fed: Readonly<Record<NodeId, Tensor>>): Promise<LocatedMap>;
  dispose(): void;
}

/** Nodes that depend on `from` and that `to` depends on, in order, without `from` itself. */
export const pathBetween = (network: Network, from: NodeId, to: NodeId): Node[] => nodesBetween(network, [from], to);

/** The nodes on the paths to `to` from the nearest of these starts, in order, without the starts. */
export function nodesBetween(network: Network, starts: readonly NodeId[], to: NodeId): Node[] {
  const ends = new Set(starts);
  const wanted = new Set([to]);
  for (const node of network.nodes.toReversed())
    if (wanted.has(node.id) && !ends.has(node.id)) for (const id of node.inputs) wanted.add(id);
  const reached = new Set(starts);
  return network.nodes.filter((node) => {
    const between = wanted.has(node.id) && !ends.has(node.id) && node.inputs.some((id) => reached.has(id));
    if (between) reached.add(node.id);
    return between;
  });
}

/** How the nodes of a path linearise, and how cotangents run back through them. */
interface PathLinearisation {
  /** The nodes whose values at an input say what the linear part is there. */
  readonly captures: readonly NodeId[];
  readonly captureShapes: readonly Shape[];
  /** Every node of the path as its linearisation, given the values of the captures. */
  linearise(k: Kernels, values: readonly Value[]): Map<NodeId, Linearisation>;
  /** Runs cotangents back from where they begin, showing each node's to `visit`; gives all of them. */
  pullBack(
    k: Kernels,
    from: Iterable<readonly [NodeId, Value]>,
    linearised: Map<NodeId, Linearisation>,
    visit?: (id: NodeId, cotangent: Value, linearisation: Linearisation) => void,
  ): Map<NodeId, Value>;
}

function pathLinearisation(
  network: Network,
  path: readonly Node[],
  starts: readonly NodeId[],
  mode: Mode,
): PathLinearisation {
  const onPath = new Set([...starts, ...path.map((node) => node.id)]);
  const nodes = new Map(network.nodes.map((node) => [node.id, node]));
  const isConstant = (id: NodeId): boolean => nodes.get(id)!.op === 'constant';
  const captured = new Set<NodeId>();
  for (const node of path) {
    const { captures } = opOf(node.op);
    for (const id of node.inputs) {
      if (!isConstant(id) && (captures !== 'nothing' || !onPath.has(id))) captured.add(id);
    }
    if (captures === 'inputs and output') captured.add(node.id);
  }
  const captures = [...captured];
  return {
    captures,
    captureShapes: captures.map((id) => nodes.get(id)!.shape),
    linearise(k, values) {
      const known = new Map(captures.map((id, i) => [id, values[i]!]));
      const valueOf = (id: NodeId): Value => {
        if (!known.has(id) && isConstant(id)) known.set(id, constantValue(k, nodes.get(id)!));
        return known.get(id)!;
      };
      return new Map(
        path.map((node) => [
          node.id,
          opOf(node.op).linearise(
            k,
            node.inputs.map(valueOf),
            valueOf(node.id),
            { ...node, inputShapes: node.inputs.map((id) => nodes.get(id)!.shape) },
            mode,
            node.inputs.map((id) => onPath.has(id)),
          ),
        ]),
      );
    },
    pullBack(k, from, linearised, visit = () => {}) {
      const cotangents = new Map<NodeId, Value>(from);
      for (const node of path.toReversed()) {
        const cotangent = cotangents.get(node.id);
        if (cotangent === undefined) continue;
        const linearisation = linearised.get(node.id)!;
        visit(node.id, cotangent, linearisation);
        for (const [i, part] of linearisation.transpose(cotangent).entries()) {
          const id = node.inputs[i]!;
          if (part === null || !onPath.has(id)) continue;
          const before = cotangents.get(id);
          cotangents.set(id, before === undefined ? part : k.binary('add', before, part));
        }
      }
      return cotangents;
    },
  };
}

export interface PullbackScope {
  /** Where paths end: at the first of these that they meet. */
  readonly starts: readonly NodeId[];
  readonly to: NodeId;
  readonly mode: Mode;
}

/** Rows of a value brought back to several starts at once, each by the transposed map of its own paths. */
export interface Pullback {
  readonly captures: readonly NodeId[];
  /**
   * k rows, met by the map of every sample: for each start count × k × its size. `values` are those of the captures, one
   * row a sample. Cost: one pass back a row and sample, for all starts together.
   */
  run(values: readonly Tensor[], count: number, rows: Float32Array): Promise<Float32Array[]>;
  dispose(): void;
}

/** Compiles a pullback; `maxBlock` bounds how many rows share one pass. */
export async function compilePullback(
  network: Network,
  backend: Backend,
  { starts, to, mode }: PullbackScope,
  maxBlock: (valuesPerProbe: number) => number,
): Promise<Pullback> {
  const path = nodesBetween(network, starts, to);
  const { captures, captureShapes, linearise, pullBack } = pathLinearisation(network, path, starts, mode);
  const codomain = nodeOf(network, to).shape;
  const domains = starts.map((id) => nodeOf(network, id).shape);
  const program = await backend.compile([codomain, ...captureShapes], (k, [dy, ...values]) => {
    const cotangents = pullBack(k, [[to, dy!]], linearise(k, values));
    return starts.map((id, i) => cotangents.get(id) ?? zerosLike(k, dy!, codomain, domains[i]!));
  });
  const most = maxBlock(path.reduce((sum, { shape }) => sum + sizeOf(shape), sizeOf(codomain)));
  return {
    captures,
    async run(values, count, rows) {
      const size = sizeOf(codomain);
      const k = rows.length / size;
      const results = domains.map((shape) => new Float32Array(count * k * sizeOf(shape)));
      // One sample's map takes many rows; of several samples each row meets its own.
      const step = count === 1 ? Math.max(1, Math.min(most, k)) : 1;
      for (let j = 0; j < k; j += step) {
        const part = rows.subarray(j * size, Math.min(k, j + step) * size);
        const block = new Float32Array(count * part.length);
        for (let i = 0; i < count; i++) block.set(part, i * part.length);
        const shape = [block.length / size, ...codomain];
        for (const [s, { data }] of (await program.run([{ data: block, shape }, ...values])).entries()) {
          const width = data.length / count;
          for (let i = 0; i < count; i++)
            results[s]!.set(data.subarray(i * width, (i + 1) * width), (i * k + j) * sizeOf(domains[s]!));
        }
      }
      return results;
    },
    dispose: () => program.dispose(),
  };
}

/**
 * Compiles a scope. `layers` give the order of `offsetByLayer`; `maxBlock` bounds how many probes share one pass.
 * Cost of a product: one pass through the path per block, whatever the block's size.
 */
export async function compileMap(
  network: Network,
  layers: readonly Layer[],
  backend: Backend,
  { from, to, mode }: MapScope,
  maxBlock: (valuesPerProbe: number) => number,
): Promise<CompiledMap> {
  const path = pathBetween(network, from, to);
  const nodes = new Map(network.nodes.map((node) => [node.id, node]));
  const { captures, captureShapes, linearise, pullBack } = pathLinearisation(network, path, [from], mode);
  const domain = nodeOf(network, from).shape;
  const codomain = nodeOf(network, to).shape;
  let forward: Promise<Forward> | undefined;

  const buildApply = (k: Kernels, [dx, ...values]: Value[]): Value[] => {
    const tangents = new Map<NodeId, Value>([[from, dx!]]);
    const linearised = linearise(k, values);
    for (const node of path) {
      tangents.set(node.id, linearised.get(node.id)!.apply(node.inputs.map((id) => tangents.get(id) ?? null)));
    }
    return [tangents.get(to)!];
  };

  const buildTranspose = (k: Kernels, [dy, ...values]: Value[]): Value[] => {
    const result = pullBack(k, [[to, dy!]], linearise(k, values)).get(from);
    return [result ?? zerosLike(k, dy!, codomain, domain)];
  };

  /** b̂_l at each layer's activity, and the constants of the nodes behind it where they stand. */
  const constantsAtActivities = (k: Kernels, linearised: Map<NodeId, Linearisation>): Map<NodeId, Value> => {
    const placed = new Map<NodeId, Value>();
    for (const layer of layers) {
      const own = path.filter((node) => layer.nodes.includes(node.id));
      const before = new Set(ancestorsOf(own, [layer.activity]).map((node) => node.id));
      const running = new Map<NodeId, Value>();
      for (const node of own) {
        const { apply, offset } = linearised.get(node.id)!;
        if (!before.has(node.id)) {
          if (offset !== undefined) placed.set(node.id, offset);
          continue;
        }
        const inputs = node.inputs.map((id) => running.get(id) ?? null);
        const passed = inputs.some((value) => value !== null) ? apply(inputs) : undefined;
        const total = passed && offset ? k.binary('add', passed, offset) : (passed ?? offset);
        if (total !== undefined) running.set(node.id, total);
      }
      const total = running.get(layer.activity);
      if (total !== undefined) placed.set(layer.activity, total);
    }
    return placed;
  };

  /** Aᵀy beside Σ_l F_lᵀ((Q_lᵀy)∘b̂_l): [n, 2, size of the domain]. */
  const buildDiscussion = (k: Kernels, [dy, ...values]: Value[]): Value[] => {
    const linearised = linearise(k, values);
    const constants = constantsAtActivities(k, linearised);
    const spread: [NodeId, Value][] = [];
    const flat = (value: Value | undefined): Value =>
      k.reshape(value ?? zerosLike(k, dy!, codomain, domain), [-1, 1, sizeOf(domain)]);
    const gradient = pullBack(k, [[to, dy!]], linearised, (id, cotangent) => {
      const constant = constants.get(id);
      if (constant !== undefined) spread.push([id, k.binary('mul', cotangent, constant)]);
    }).get(from);
    return [k.concat([flat(gradient), flat(pullBack(k, spread, linearised).get(from))], 1)];
  };

  /** The map run at zero: only the nodes' own constants flow. `seed` [n, 1] of zeros gives the block its size. */
  const buildOffset = (k: Kernels, [seed, ...values]: Value[]): Value[] => {
    const constants = new Map<NodeId, Value>();
    const linearised = linearise(k, values);
    for (const node of path) {
      const { apply, offset: own } = linearised.get(node.id)!;
      // Every constant comes once a sample, because concat and its like want equal blocks.
      const offset = own && k.binary('add', own, k.reshape(seed!, [-1, ...node.shape.map(() => 1)]));
      const inputs = node.inputs.map((id) => constants.get(id) ?? null);
      const passed = inputs.some((value) => value !== null) ? apply(inputs) : undefined;
      const total = passed && offset ? k.binary('add', passed, offset) : (passed ?? offset);
      if (total !== undefined) constants.set(node.id, total);
    }
    const zeros = k.tile(k.reshape(seed!, [-1, ...codomain.map(() => 1)]), [1, ...codomain]);
    const result = constants.get(to);
    return [result === undefined ? zeros : k.binary('add', zeros, result)];
  };

  const layerOf = new Map(layers.flatMap((layer) => layer.nodes.map((id) => [id, layer.index] as const)));
  const buildOffsetByLayer =
    (only?: 'biases') =>
    (k: Kernels, [dy, ...values]: Value[]): Value[] => {
      const shares: (Value | undefined)[] = layers.map(() => undefined);
      pullBack(k, [[to, dy!]], linearise(k, values), (id, cotangent, { offset }) => {
        const { shape, op } = nodes.get(id)!;
        if (offset === undefined || (only === 'biases' && opOf(op).kind !== 'linear')) return;
        const share = k.reduce('sum', k.binary('mul', cotangent, offset), axesAfterBlock(shape));
        const layer = layerOf.get(id);
        if (layer === undefined) throw new Error(`Node "${id}" has a constant but no layer`);
        const before = shares[layer];
        shares[layer] = before === undefined ? share : k.binary('add', before, share);
      });
      const zero = k.reduce(
        'sum',
        k.binary('mul', dy!, k.constant(scalar(0, codomain.length + 1))),
        axesAfterBlock(codomain),
      );
      return [
        k.concat(
          shares.map((share) => k.reshape(share ?? zero, [-1, 1])),
          1,
        ),
      ];
    };

  const programs = new Map<string, Promise<Program>>();
  const program = (name: string, first: Shape, build: (k: Kernels, inputs: Value[]) => Value[]): Promise<Program> => {
    let compiled = programs.get(name);
    if (!compiled) programs.set(name, (compiled = backend.compile([first, ...captureShapes], build)));
    return compiled;
  };

  const valuesPerProbe = sizeOf(domain) + path.reduce((sum, node) => sum + sizeOf(node.shape), 0);

  /** Runs programs over blocks where the captures have these values, as many rows at a time as memory allows. */
  const runner = (values: readonly Tensor[], count: number) => {
    const limit = count === 1 ? Math.max(1, maxBlock(valuesPerProbe)) : count;
    return async (
      name: string,
      [first, last]: [Shape, Shape],
      build: (k: Kernels, inputs: Value[]) => Value[],
      block: Block,
    ): Promise<Float32Array> => {
      if (count > 1 && block.count !== count)
        throw new Error(`A map over ${count} samples met a block of ${block.count} rows`);
      if (block.size !== sizeOf(first))
        throw new Error(`A block of vectors of size ${block.size} met a map of ${sizeOf(first)}`);
      const compiled = await program(name, first, build);
      const size = sizeOf(last);
      if (block.count <= limit) {
        const [result] = await compiled.run([{ data: block.data, shape: [block.count, ...first] }, ...values]);
        return result!.data;
      }
      const data = new Float32Array(block.count * size);
      for (let start = 0; start < block.count; start += limit) {
        const rows = Math.min(limit, block.count - start);
        const part = block.data.subarray(start * block.size, (start + rows) * block.size);
        const [result] = await compiled.run([{ data: part, shape: [rows, ...first] }, ...values]);
        data.set(result!.data, start * size);
      }
      return data;
    };
  };

  const linearAt = (values: readonly Tensor[], count: number): LinearOperator => {
    const over = runner(values, count);
    return {
      domain,
      codomain,
      backend,
      apply: async (block) => ({
        count: block.count,
        size: sizeOf(codomain),
        data: from === to ? block.data.slice() : await over('apply', [domain, codomain], buildApply, block),
      }),
      transpose: async (block) => ({
        count: block.count,
        size: sizeOf(domain),
        data: from === to ? block.data.slice() : await over('transpose', [codomain, domain], buildTranspose, block),
      }),
    };
  };

  return {
    domain,
    codomain,
    valuesPerProbe,
    async locate(inputs, fed) {
      const count = inputs.shape[0]!;
      const all = await (
        await (forward ??= compileForward(network, backend, [...captures, from, to]))
      ).run(inputs, fed);
      const values = all.slice(0, captures.length);
      const [at, value] = [all[captures.length]!.data, all[captures.length + 1]!.data];
      const over = runner(values, count);
      const offsets = await program('offset', [1], buildOffset);
      const [offset] = await offsets.run([{ data: new Float32Array(count), shape: [count, 1] }, ...values]);
      return {
        ...linearAt(values, count),
        count,
        at,
        value,
        offset: offset!.data,
        async discuss(block) {
          const size = sizeOf(domain);
          const both = await over('discuss', [codomain, [2, size]], buildDiscussion, block);
          const data = new Float32Array(block.count * size);
          for (let row = 0; row < block.count; row++) {
            const from = count === 1 ? 0 : row * size;
            for (let i = 0; i < size; i++) {
              data[row * size + i] = both[2 * row * size + i]! * at[from + i]! + both[(2 * row + 1) * size + i]!;
            }
          }
          return { count: block.count, size, data };
        },
        offsetByLayer: async (block, only) =>
          Float64Array.from(
            await over(`offset by layer ${only ?? ''}`, [codomain, [layers.length]], buildOffsetByLayer(only), block),
          ),
      };
    },
    dispose() {
      // Who asked for what did not compile was told then.
      const ignored = (): void => {};
      void forward?.then((compiled) => compiled.dispose(), ignored);
      for (const compiled of programs.values()) void compiled.then((p) => p.dispose(), ignored);
    },
  };
}

function constantValue(k: Kernels, node: Node): Value {
  const value = node.parameters['value']!;
  return k.constant({ data: value.data, shape: [1, ...node.shape] });
}

function axesAfterBlock(shape: Shape): number[] {
  return shape.map((_, axis) => axis + 1);
}

function scalar(value: number, rank: number): Tensor {
  return { data: Float32Array.of(value), shape: Array.from({ length: rank }, () => 1) };
}

/** Zeros of another shape with the block size of `block`. */
function zerosLike(k: Kernels, block: Value, shape: Shape, target: Shape): Value {
  const zero = k.reduce('sum', k.binary('mul', block, k.constant(scalar(0, shape.length + 1))), axesAfterBlock(shape));
  return k.tile(k.reshape(zero, [-1, ...target.map(() => 1)]), [1, ...target]);
}
