// Features of deep layers in the space of the input (methods.md, section 1): F_i(v_j) is a sum of the features of the layer
// before, weighted by the cosine between v_j and the left vectors of that layer (ALLT), or by v_j·u_d σ_d, which is exactly
// v_jᵀ T̂^{l−1} … T̂^1 of the truncated maps. All features of all samples are combinations of the first layers' own vectors, so
// that a sample keeps k × k₁ coefficients a layer and never a picture.
import type { Program, Tensor } from '../kernels/kernels.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { nodesBetween, type Pullback } from '../network/affine-map.ts';
import { nodeOf, type Network, type Node, type NodeId } from '../network/network.ts';
import type { Study } from '../study.ts';
import { isFixedLinear, type LayerBlock, type Transformation } from './layer-transformations.ts';
import type { LayerStack } from './stacked-svd.ts';

/** From one layer's values, or from the network's input, to what a later layer reads: over the paths that pass no other one. */
export interface Hop {
  /** Position of the layer before among the covered ones; null is the network's input. */
  readonly before: number | null;
  readonly from: NodeId;
  readonly to: NodeId;
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
    const between = nodesBetween(network, latestFirst, input);
    const hops = latestFirst.map((from) => hopOver(network, between, values.get(from) ?? null, from, input));
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

function hopOver(network: Network, between: readonly Node[], before: number | null, from: NodeId, to: NodeId): Hop {
  const reached = new Set([from]);
  const path = between.filter(({ id, inputs }) => inputs.some((input) => reached.has(input)) && reached.add(id));
  return {
    before,
    from,
    to,
    fixed: path.every((node) => isFixedLinear(network, node)),
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

/** A layer's hops, and the pullback over all of them where one changes from sample to sample. */
interface LayerSteps {
  readonly steps: readonly Step[];
  readonly pullback: Pullback | null;
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
  const layers: (LayerSteps | null)[] = [];
  for (const [t, stack] of stacks.entries()) {
    const found = hops[t]!;
    if (typeof found === 'string') {
      layers.push(null);
      continue;
    }
    starts[t] = rows.length;
    const vectors = withoutBias(stack);
    const scope = { starts: found.map(({ from }) => from), to: stack.transformation.input, mode: 'frozen' as const };
    const pullback = found.every(({ trivial }) => trivial) ? null : await study.pullback(scope);
    const once = pullback && found.some(({ fixed, trivial }) => fixed && !trivial);
    const first = once ? await pullback.run(await study.values(pullback.captures, 0, 1), 1, vectors) : [];
    const steps: Step[] = [];
    for (const [h, hop] of found.entries()) {
      const pulled = hop.trivial ? vectors : hop.fixed ? first[h]! : null;
      if (hop.before === null)
        for (let j = 0; j < stack.k; j++) rows.push(pulled!.slice(j * inputSize, (j + 1) * inputSize));
      const program = hop.before === null ? null : await weightsProgram(study, stack.k, stacks[hop.before]!, pulled);
      steps.push({ hop, pulled, program });
    }
    layers.push({ steps, pullback: found.every(({ fixed }) => fixed) ? null : pullback });
  }
  const captured = [...new Set(layers.flatMap((layer) => layer?.pullback?.captures ?? []))];
  const width = rows.length;
  const basis = new Float32Array(width * inputSize);
  for (const [i, row] of rows.entries()) basis.set(row, i * inputSize);

  return {
    width,
    basis,
    perSample:
      captured.reduce((sum, id) => sum + sizeOf(nodeOf(network, id).shape), 0) +
      Math.max(
        0,
        ...layers.map((layer, t) =>
          (layer?.steps ?? []).reduce(
            (sum, { hop: { before } }) =>
              sum + (before === null ? 0 : 2 * stacks[t]!.k * stacks[before]!.transformation.size),
            0,
          ),
        ),
      ),
    async of(start, end, blocks) {
      const count = end - start;
      const values = await study.values(captured, start, end);
      const result: (Coefficients | null)[] = [];
      for (const [t, layer] of layers.entries()) {
        if (layer === null) {
          result.push(null);
          continue;
        }
        const { k } = stacks[t]!;
        const { steps, pullback } = layer;
        const cosine = new Float64Array(count * k * width);
        const pulledBack = new Float64Array(count * k * width);
        const changing = pullback
          ? await pullback.run(
              pullback.captures.map((id) => values[captured.indexOf(id)]!),
              count,
              withoutBias(stacks[t]!),
            )
          : [];
        let first = starts[t]!;
        for (const [h, { hop, pulled, program }] of steps.entries()) {
          if (hop.before === null) {
            for (let i = 0; i < count; i++)
              for (let j = 0; j < k; j++)
                cosine[(i * k + j) * width + first + j] = pulledBack[(i * k + j) * width + first + j] = 1;
            first += k;
            continue;
          }
          const before = stacks[hop.before]!;
          const size = before.transformation.size;
          const vectors = pulled ?? changing[h]!;
          const inner: Tensor[] = [{ data: blocks[hop.before]!.s, shape: [count, 1, size] }];
          if (!pulled) inner.push({ data: vectors, shape: [count, k, size] });
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
                  pulledBack[out + b]! += weight * given.pullback[from + b]!;
                }
              }
            }
          }
        }
        result.push({ cosine, pullback: pulledBack });
      }
      return result;
    },
    dispose() {
      for (const layer of layers) for (const { program } of layer?.steps ?? []) program?.dispose();
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
