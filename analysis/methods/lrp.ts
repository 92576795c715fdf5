// Layer-wise relevance propagation (Bach et al. 2015; Montavon et al. 2017, 2019): an output's value handed back from node to
// node. Linear nodes with weights share it out by the ε, the αβ or the z⁺ rule (z⁺ is deep Taylor's); activation functions
// pass it on; pooling by maximum gives it to the winner; what only moves numbers moves it back.
import type { Kernels, Program, Tensor, Value } from '../kernels/kernels.ts';
import { pathBetween } from '../network/affine-map.ts';
import { nodeOf, type Network, type Node, type NodeId } from '../network/network.ts';
import { number } from '../ops/affine-op.ts';
import { opOf } from '../ops/index.ts';
import type { Linearisation } from '../ops/op.ts';
import type { ExplainedNetwork } from './explained-network.ts';

export type LrpRule =
  | { readonly kind: 'epsilon'; readonly epsilon: number }
  | { readonly kind: 'alpha-beta'; readonly alpha: number }
  /** α = 1, β = 0, and no part of the relevance for biases. */
  | { readonly kind: 'z-plus' };

/** Linear nodes whose weights may have either sign. */
const weighted = new Set(['conv', 'conv-transpose', 'dense', 'batch-norm', 'mat-mul']);
/** Sums with positive weights only. */
const summing = new Set(['add', 'average-pool', 'resize']);
/** Each entry of the output is one entry of the input: the transpose moves relevance back. */
const moving = new Set([
  'concat',
  'depth-to-space',
  'gather',
  'max-pool',
  'maximum',
  'pad',
  'reshape',
  'slice',
  'space-to-depth',
  'transpose',
]);
const passing = new Set(['identity', 'local-response-norm', 'neg']);

type Treatment = 'weighted' | 'summing' | 'moving' | 'passing';

function treatmentOf(network: Network, node: Node): Treatment | undefined {
  const dependent = node.inputs.filter((id) => nodeOf(network, id).op !== 'constant');
  const alone = dependent.length === 1;
  const keepsShape = alone && String(nodeOf(network, dependent[0]!).shape) === String(node.shape);
  if (node.op === 'mat-mul') return alone ? 'weighted' : undefined;
  if (weighted.has(node.op)) return 'weighted';
  if (summing.has(node.op)) return 'summing';
  if (node.op === 'reduce') {
    const { kind } = node.attributes;
    return kind === 'max' ? 'moving' : kind === 'sum' || kind === 'mean' ? 'summing' : undefined;
  }
  if (moving.has(node.op)) return 'moving';
  if (passing.has(node.op) || opOf(node.op).activation) return 'passing';
  if (keepsShape && (node.op === 'multiply' || node.op === 'divide')) return 'passing';
  // x − c: the constant is a bias.
  if (keepsShape && node.op === 'subtract' && node.inputs[0] === dependent[0]) return 'summing';
  return undefined;
}

/** Why relevance cannot be handed back through this network; undefined where it can. */
export function lrpObstacle(network: Network): string | undefined {
  const node = pathBetween(network, network.input, network.output).find(
    (one) => treatmentOf(network, one) === undefined,
  );
  return node && `relevance propagation has no rule for ${node.op} (node "${node.name}")`;
}

/** Relevance of every input entry for one output at x [1, …shape], starting from the output's value. */
export async function relevance(
  explained: ExplainedNetwork,
  x: Tensor,
  output: number,
  rule: LrpRule,
): Promise<Float32Array> {
  const { network } = explained;
  const pass = await explained.keep(`lrp ${JSON.stringify(rule)}`, () => compileRelevance(explained, rule));
  const values = await explained.valuesAt([...pass.captures, network.output], x);
  const start = new Float32Array(values.at(-1)!.data.length);
  start[output] = values.at(-1)!.data[output]!;
  const [result] = await pass.program.run([{ data: start, shape: values.at(-1)!.shape }, ...values.slice(0, -1)]);
  return result!.data;
}

interface RelevancePass {
  readonly captures: readonly NodeId[];
  readonly program: Program;
  dispose(): void;
}

async function compileRelevance({ network, backend }: ExplainedNetwork, rule: LrpRule): Promise<RelevancePass> {
  const path = pathBetween(network, network.input, network.output);
  const onPath = new Set([network.input, ...path.map(({ id }) => id)]);
  const nodes = new Map(network.nodes.map((node) => [node.id, node]));
  const captures = [...new Set(path.flatMap((node) => [...node.inputs, node.id]))].filter(
    (id) => nodes.get(id)!.op !== 'constant',
  );

  const build = (k: Kernels, [first, ...given]: Value[]): Value[] => {
    // Made when the program is, and not kept beside it: these are the weights once more, twice.
    const signed = new Map(path.map((node) => [node.id, signedParameters(node)]));
    const known = new Map(captures.map((id, i) => [id, given[i]!]));
    const valueOf = (id: NodeId): Value => {
      const node = nodes.get(id)!;
      return known.get(id) ?? k.constant({ data: node.parameters['value']!.data, shape: [1, ...node.shape] });
    };
    const relevances = new Map<NodeId, Value>([[network.output, first!]]);
    for (const node of path.toReversed()) {
      const above = relevances.get(node.id);
      if (above === undefined) continue;
      const shared = shareOut(
        k,
        node,
        network,
        above,
        node.inputs.map(valueOf),
        valueOf(node.id),
        onPath,
        signed.get(node.id)!,
        nodes,
        rule,
      );
      for (const [i, part] of shared.entries()) {
        const id = node.inputs[i]!;
        if (part === null || !onPath.has(id)) continue;
        const before = relevances.get(id);
        relevances.set(id, before === undefined ? part : k.binary('add', before, part));
      }
    }
    return [relevances.get(network.input)!];
  };
  const shapes = [network.output, ...captures].map((id) => nodes.get(id)!.shape);
  const program = await backend.compile(shapes, build);
  return { captures, program, dispose: () => program.dispose() };
}

interface SignedParameters {
  readonly positive: Node['parameters'];
  readonly negative: Node['parameters'] | null;
}

/** The node's weights above and below 0; made once, because constants are known by their tensors. */
function signedParameters(node: Node): SignedParameters {
  const name = node.op === 'batch-norm' ? 'scale' : 'weight';
  const weight = node.parameters[name];
  if (!weight || !weighted.has(node.op))
    return { positive: node.parameters, negative: node.op === 'mat-mul' ? node.parameters : null };
  const clamp = (keep: (value: number) => number): Node['parameters'] => ({
    ...node.parameters,
    [name]: { data: weight.data.map(keep), shape: weight.shape },
  });
  return { positive: clamp((w) => Math.max(w, 0)), negative: clamp((w) => Math.min(w, 0)) };
}

/** The relevance of each input of a node. */
function shareOut(
  k: Kernels,
  node: Node,
  network: Network,
  above: Value,
  inputs: readonly Value[],
  output: Value,
  onPath: ReadonlySet<NodeId>,
  signed: SignedParameters,
  nodes: ReadonlyMap<NodeId, Node>,
  rule: LrpRule,
): (Value | null)[] {
  const treatment = treatmentOf(network, node)!;
  const dependent = node.inputs.map((id) => onPath.has(id));
  if (treatment === 'passing') return dependent.map((is) => (is ? above : null));
  const inputShapes = node.inputs.map((id) => nodes.get(id)!.shape);
  const map = (parameters: Node['parameters'], values: readonly Value[]): Linearisation =>
    opOf(node.op).linearise(k, values, output, { ...node, parameters, inputShapes }, 'taylor', dependent);
  const whole = map(node.parameters, inputs);
  if (treatment === 'moving') return whole.transpose(above);

  const mul = (a: Value, b: Value): Value => k.binary('mul', a, b);
  const over = (a: Value, b: Value): Value => {
    const isZero = k.binary('equal', b, number(k, 0));
    return mul(k.binary('div', a, k.select(isZero, number(k, 1), b)), k.binary('sub', number(k, 1), isZero));
  };
  if (rule.kind === 'epsilon') {
    const axes = node.shape.map((_, axis) => axis + 1);
    const largest = k.reduce('max', k.unary('abs', output), axes, true);
    const sign = k.binary('sub', mul(k.binary('greaterEqual', output, number(k, 0)), number(k, 2)), number(k, 1));
    const steadied = k.binary('add', output, mul(sign, mul(largest, number(k, rule.epsilon))));
    return whole
      .transpose(over(above, steadied))
      .map((part, i) => (part && dependent[i] ? mul(part, inputs[i]!) : null));
  }
  const [alpha, beta] = rule.kind === 'z-plus' ? [1, 0] : [rule.alpha, rule.alpha - 1];
  const above0 = (value: Value): Value => k.binary('max', value, number(k, 0));
  const below0 = (value: Value): Value => k.binary('min', value, number(k, 0));
  const fixed = (clamp: (value: Value) => Value): Value[] =>
    inputs.map((value, i) => (dependent[i] ? value : clamp(value)));
  const isProduct = node.op === 'mat-mul';
  const positive = map(signed.positive, isProduct ? fixed(above0) : inputs);
  const negative = signed.negative && map(signed.negative, isProduct ? fixed(below0) : inputs);
  const high = inputs.map((value, i) => (dependent[i] ? above0(value) : null));
  const low = inputs.map((value, i) => (dependent[i] ? below0(value) : null));

  /** One side: contributions of one sign, and their part of the relevance. */
  const side = (sign: 'positive' | 'negative'): (Value | null)[] => {
    const [withPositive, withNegative] = sign === 'positive' ? [high, low] : [low, high];
    let total = positive.apply(withPositive);
    if (negative) total = k.binary('add', total, negative.apply(withNegative));
    if (whole.offset && rule.kind !== 'z-plus')
      total = k.binary('add', total, (sign === 'positive' ? above0 : below0)(whole.offset));
    const share = over(above, total);
    const one = positive.transpose(share);
    const other = negative?.transpose(share);
    return inputs.map((_, i) => {
      if (!dependent[i] || !one[i]) return null;
      const part = mul(one[i], withPositive[i]!);
      return other?.[i] ? k.binary('add', part, mul(other[i], withNegative[i]!)) : part;
    });
  };
  const gained = side('positive');
  if (beta === 0) return gained;
  const lost = side('negative');
  return gained.map((part, i) => part && k.binary('sub', mul(part, number(k, alpha)), mul(lost[i]!, number(k, beta))));
}
