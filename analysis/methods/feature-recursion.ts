// Features of deep layers in the space of the input (methods.md, section 1): F_i(v_j) is a sum of the features of the layer
// before, weighted by the cosine between v_j and the left vectors of that layer (ALLT), or by v_j·u_d σ_d, which is exactly
// v_jᵀ T̂^{l−1} … T̂^1 of the truncated maps. All features of all samples are combinations of the first layers' own vectors, so
// that a sample keeps k × k₁ coefficients a layer and never a picture.
import type { Program, Tensor } from '../kernels/kernels.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { pathBetween } from '../network/affine-map.ts';
import { nodeOf, type Network, type NodeId } from '../network/network.ts';
import type { LinearOperator } from '../operators/operator.ts';
import type { Study } from '../study.ts';
import { isFixedLinear, type LayerBlock, type Transformation } from './layer-transformations.ts';
import type { LayerStack } from './stacked-svd.ts';

/** From one layer's values, or from the network's input, to what a later layer reads. */
export interface Hop {
  /** Position of the layer before among the covered ones; null is the network's input. */
  readonly before: number | null;
  readonly from: NodeId;
  readonly to: NodeId;
  /** Which hops of the same list lie on a path of this one: what takes them is taken off, because it is theirs. */
  readonly detours: readonly number[];
  /** The map between is the same at every sample. */
  readonly fixed: boolean;
  /** It is nothing but a change of shape. */
  readonly trivial: boolean;
}

/**
 * How every covered layer is reached from the ones before (the latest first), or in words why its features cannot be traced
 * to the input. Layers that are not covered are passed by their own frozen map, whole.
 */
export function hopsOf(network: Network, covered: readonly Transformation[]): (readonly Hop[] | string)[] {
  const values = new Map(covered.map(({ value }, i) => [value, i]));
  const nodes = new Map(network.nodes.map((node) => [node.id, node]));
  const order = new Map(network.nodes.map(({ id }, i) => [id, i]));
  const result: (readonly Hop[] | string)[] = [];
  for (const { input } of covered) {
    const found = new Set<NodeId>();
    const seen = new Set<NodeId>();
    let problem: string | null = null;
    const visit = (id: NodeId): void => {
      if (seen.has(id)) return;
      seen.add(id);
      const node = nodes.get(id)!;
      if (values.has(id) || id === network.input) found.add(id);
      else if (node.op === 'input') problem ??= `what it reads also depends on another input (${node.name})`;
      else for (const from of node.inputs) visit(from);
    };
    visit(input);
    const latestFirst = [...found].sort((a, b) => order.get(b)! - order.get(a)!);
    const hops = latestFirst.map((from, i) =>
      hopBetween(network, values.get(from) ?? null, from, input, latestFirst.slice(0, i)),
    );
    for (const { before, fixed } of hops) {
      if (before === null && !fixed)
        problem ??=
          'a path from the input to its weights passes no layer that is covered, and changes from sample to sample';
      if (before !== null && typeof result[before] === 'string')
        problem ??= `the features of ${covered[before]!.layer.name}, which it reads, cannot be traced to the input`;
    }
    result.push(problem ?? hops);
  }
  return result;
}

function hopBetween(network: Network, before: number | null, from: NodeId, to: NodeId, later: readonly NodeId[]): Hop {
  const path = from === to ? [] : pathBetween(network, from, to);
  const onPath = new Set(path.map(({ id }) => id));
  const detours = later.flatMap((id, i) => (onPath.has(id) ? [i] : []));
  return {
    before,
    from,
    to,
    detours,
    fixed: detours.length === 0 && path.every((node) => isFixedLinear(network, node)),
    trivial: path.every(({ op }) => op === 'reshape' || op === 'identity'),
  };
}

/** The features of a block of samples at one layer, as coefficients of the first layers' vectors: count × k × width. */
export interface Coefficients {
  readonly cosine: Float64Array;
  readonly pullback: Float64Array;
}

export interface FeatureRecursion {
  /** How many coefficients a feature has. */
  readonly width: number;
  /** The vectors that they are for, in the space of the network's input: width × size of the input. */
  readonly basis: Float32Array;
  /** Numbers a sample that the recursion needs beside the layers' own values. */
  readonly perSample: number;
  /** Coefficients of samples start … end−1 at every layer whose features can be traced; null for the others. */
  of(start: number, end: number, blocks: readonly LayerBlock[]): Promise<(Coefficients | null)[]>;
  dispose(): void;
}

/** One hop with what is compiled for it. */
interface Step {
  readonly hop: Hop;
  /** Fixed hops: v_j pulled back once. */
  readonly pulled: Float32Array | null;
  readonly program: Program | null;
}

/** Prepares the recursion for decomposed layers. */
export async function featureRecursion(study: Study, stacks: readonly LayerStack[]): Promise<FeatureRecursion> {
  const { network } = study;
  const hops = hopsOf(
    network,
    stacks.map(({ transformation }) => transformation),
  );
  const inputSize = sizeOf(nodeOf(network, network.input).shape);
  const starts = stacks.map(() => 0);
  const rows: Float32Array[] = [];
  const steps: (Step[] | null)[] = [];
  for (const [t, stack] of stacks.entries()) {
    const found = hops[t]!;
    if (typeof found === 'string') {
      steps.push(null);
      continue;
    }
    starts[t] = rows.length;
    const own: Step[] = [];
    for (const hop of found) {
      const vectors = withoutBias(stack);
      const pulled = hop.trivial ? vectors : hop.fixed ? await pullBack(study, hop, vectors, stack.k) : null;
      if (hop.before === null)
        for (let j = 0; j < stack.k; j++) rows.push(pulled!.slice(j * inputSize, (j + 1) * inputSize));
      own.push({
        hop,
        pulled,
        program: hop.before === null ? null : await weightsProgram(study, stack.k, stacks[hop.before]!, pulled),
      });
    }
    steps.push(own);
  }
  // The maps that change from sample to sample: of hops, and of what is taken off them.
  const changing = steps
    .flatMap((own) =>
      (own ?? []).flatMap(({ hop, pulled }) =>
        pulled
          ? []
          : [hop.to, ...hop.detours.map((detour) => own![detour]!.hop.from)].map((to) => [hop.from, to] as const),
      ),
    )
    .map(([from, to]) => ({ from, to, mode: 'frozen' as const }));
  const captured = new Set(
    changing.flatMap(({ from, to }) => [from, ...pathBetween(network, from, to).map(({ id }) => id)]),
  );
  const width = rows.length;
  const basis = new Float32Array(width * inputSize);
  for (const [i, row] of rows.entries()) basis.set(row, i * inputSize);

  /** Rows (count × k of them) met by the transposed map of their sample: one product a feature. */
  async function transposedOver(
    map: LinearOperator,
    rows: Float32Array,
    k: number,
    count: number,
  ): Promise<Float32Array> {
    const size = sizeOf(map.domain);
    const length = rows.length / (count * k);
    const data = new Float32Array(count * k * size);
    for (let j = 0; j < k; j++) {
      const block = new Float32Array(count * length);
      for (let i = 0; i < count; i++)
        block.set(rows.subarray((i * k + j) * length, (i * k + j + 1) * length), i * length);
      const back = await map.transpose({ count, size: length, data: block });
      for (let i = 0; i < count; i++) data.set(back.data.subarray(i * size, (i + 1) * size), (i * k + j) * size);
    }
    return data;
  }

  /** v_j of every sample through a hop: over all its paths, less those that pass a later hop's start. */
  async function pulledOver(
    hops: readonly Hop[],
    at: number,
    stack: LayerStack,
    done: readonly (Float32Array | null)[],
    mapOf: (from: NodeId, to: NodeId) => LinearOperator,
    count: number,
  ): Promise<Float32Array> {
    const hop = hops[at]!;
    const vectors = withoutBias(stack);
    const spread = (rows: Float32Array): Float32Array => {
      const all = new Float32Array(count * rows.length);
      for (let i = 0; i < count; i++) all.set(rows, i * rows.length);
      return all;
    };
    const data = await transposedOver(mapOf(hop.from, hop.to), spread(vectors), stack.k, count);
    for (const detour of hop.detours) {
      const theirs = done[detour]!;
      const size = sizeOf(nodeOf(network, hops[detour]!.from).shape);
      const rows = count > 1 && theirs.length === stack.k * size ? spread(theirs) : theirs;
      const passed = await transposedOver(mapOf(hop.from, hops[detour]!.from), rows, stack.k, count);
      for (let i = 0; i < data.length; i++) data[i]! -= passed[i]!;
    }
    return data;
  }

  return {
    width,
    basis,
    perSample:
      [...captured].reduce((sum, id) => sum + sizeOf(nodeOf(network, id).shape), 0) +
      Math.max(
        0,
        ...steps.flatMap((own, t) =>
          (own ?? []).map(({ hop }) =>
            hop.before === null ? 0 : 2 * stacks[t]!.k * stacks[hop.before]!.transformation.size,
          ),
        ),
      ),
    async of(start, end, blocks) {
      const count = end - start;
      const maps = await study.linearOver(start, end, changing);
      const mapOf = (from: NodeId, to: NodeId): LinearOperator =>
        maps[changing.findIndex((scope) => scope.from === from && scope.to === to)]!;
      const result: (Coefficients | null)[] = [];
      for (const [t, own] of steps.entries()) {
        if (own === null) {
          result.push(null);
          continue;
        }
        const { k } = stacks[t]!;
        const cosine = new Float64Array(count * k * width);
        const pullback = new Float64Array(count * k * width);
        let first = starts[t]!;
        const done: (Float32Array | null)[] = [];
        for (const [at, { hop, pulled, program }] of own.entries()) {
          done.push(pulled);
          if (hop.before === null) {
            for (let i = 0; i < count; i++)
              for (let j = 0; j < k; j++)
                cosine[(i * k + j) * width + first + j] = pullback[(i * k + j) * width + first + j] = 1;
            first += k;
            continue;
          }
          const before = stacks[hop.before]!;
          const size = before.transformation.size;
          const inner: Tensor[] = [{ data: blocks[hop.before]!.s, shape: [count, 1, size] }];
          let vectors = pulled;
          if (vectors === null) {
            vectors = await pulledOver(
              own.map((step) => step.hop),
              at,
              stacks[t]!,
              done,
              mapOf,
              count,
            );
            inner.push({ data: vectors, shape: [count, k, size] });
            done[at] = vectors;
          }
          const [products, norms] = await program!.run(inner);
          const lengths = rowLengths(vectors, size);
          const given = result[hop.before]!;
          for (let i = 0; i < count; i++) {
            for (let j = 0; j < k; j++) {
              const length = lengths[(pulled ? 0 : i * k) + j]!;
              const out = (i * k + j) * width;
              for (let d = 0; d < before.k; d++) {
                const product = products!.data[(i * k + j) * before.k + d]!;
                const norm = length * Math.sqrt(Math.max(0, norms!.data[i * before.k + d]!));
                const angle = norm > 0 ? product / norm : 0;
                const weight = product * before.singularValues[d]!;
                const from = (i * before.k + d) * width;
                for (let b = 0; b < width; b++) {
                  cosine[out + b]! += angle * given.cosine[from + b]!;
                  pullback[out + b]! += weight * given.pullback[from + b]!;
                }
              }
            }
          }
        }
        result.push({ cosine, pullback });
      }
      return result;
    },
    dispose() {
      for (const own of steps) for (const { program } of own ?? []) program?.dispose();
    },
  };
}

/** V of a layer without its bias entries: k × inputSize. */
export function withoutBias({ vectors, k, transformation: { inputSize } }: LayerStack): Float32Array {
  const data = new Float32Array(k * inputSize);
  for (let j = 0; j < k; j++)
    data.set(vectors.subarray(j * (inputSize + 1), j * (inputSize + 1) + inputSize), j * inputSize);
  return data;
}

async function pullBack(study: Study, hop: Hop, vectors: Float32Array, count: number): Promise<Float32Array> {
  const [map] = await study.linearOver(0, 1, [{ from: hop.from, to: hop.to, mode: 'frozen' }]);
  return (await map!.transpose({ count, size: vectors.length / count, data: vectors })).data;
}

/** v_j·u_d = Σ_o v_jo s_o B_od and ‖u_d‖² = Σ_o s_o² B_od² of every sample of a block. */
function weightsProgram(
  study: Study,
  k: number,
  { left, transformation: { size }, k: count }: LayerStack,
  pulled: Float32Array | null,
): Promise<Program> {
  const shapes = pulled
    ? [[1, size]]
    : [
        [1, size],
        [k, size],
      ];
  return study.backend.compile(shapes, (kernels, [s, v]) => {
    const vectors = pulled ? kernels.constant({ data: pulled, shape: [1, k, size] }) : v!;
    const b = kernels.constant({ data: left, shape: [1, size, count] });
    // Made when the program is, and not kept beside it.
    const b2 = kernels.constant({ data: left.map((x) => x * x), shape: [1, size, count] });
    return [kernels.matMul(kernels.binary('mul', s!, vectors), b), kernels.matMul(kernels.binary('mul', s!, s!), b2)];
  });
}

function rowLengths(data: Float32Array, size: number): Float64Array {
  const lengths = new Float64Array(data.length / size);
  for (let i = 0; i < lengths.length; i++) {
    let sum = 0;
    for (let o = i * size; o < (i + 1) * size; o++) sum += data[o]! * data[o]!;
    lengths[i] = Math.sqrt(sum);
  }
  return lengths;
}
