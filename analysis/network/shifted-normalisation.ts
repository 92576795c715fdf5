// Normalisation as TensorFlow spells it, x·m + (β − μ·m) with m = ρ·γ: one product less, but the statistics are spread over two
// terms that cancel. Written back as ((x − μ)·ρ)·γ + β, in which the rules behind recognise it.
import type { Node, NodeId } from './network.ts';
import { instead, type Before, type Rule } from './rewriting.ts';

/** The other factor, where one of the two factors of a product is this one. */
function otherFactor(before: Before, id: NodeId, factor: NodeId): NodeId | undefined {
  const { op, inputs } = before.node(id);
  if (op !== 'multiply' || inputs.length !== 2 || !inputs.includes(factor)) return undefined;
  return inputs[0] === factor ? inputs[1] : inputs[0];
}

const isMeanOf = ({ op, attributes, inputs }: Node, x: NodeId): boolean =>
  op === 'reduce' && attributes['kind'] === 'mean' && attributes['keepDims'] === true && inputs[0] === x;

const isInverseRoot = ({ op, attributes }: Node): boolean =>
  op === 'reciprocal' || op === 'divide' || (op === 'power' && attributes['exponent'] === -0.5);

/** x·m + (β − μ·m) as ((x − μ)·ρ)·γ + β, where μ is the mean of x. */
export const shiftedNormalisation: Rule = (node, before) => {
  if (node.op !== 'add' || node.inputs.length !== 2) return null;
  const [a, b] = node.inputs as [NodeId, NodeId];
  for (const [product, rest] of [
    [a, b],
    [b, a],
  ] as const) {
    const difference = before.node(rest);
    const scaled = before.node(product);
    if (difference.op !== 'subtract' || scaled.op !== 'multiply') continue;
    const [shift, subtrahend] = difference.inputs as [NodeId, NodeId];
    for (const [x, m] of [scaled.inputs, scaled.inputs.toReversed()] as [NodeId, NodeId][]) {
      const mean = otherFactor(before, subtrahend, m);
      if (mean === undefined || !isMeanOf(before.node(mean), x)) continue;
      const factor = before.node(m);
      const root = factor.op === 'multiply' ? factor.inputs.find((id) => isInverseRoot(before.node(id))) : m;
      const scale = root === undefined || root === m ? undefined : otherFactor(before, m, root);
      if (root === undefined) continue;
      const { shape } = before.node(x);
      const step = (what: string, op: string, inputs: readonly NodeId[]): Node => ({
        ...instead(node, {
          op,
          inputs,
          attributes: op === 'multiply' ? { gate: null } : {},
          name: `${node.name}/${what}`,
        }),
        id: `${node.id}/${what}`,
        shape,
      });
      const centred = step('centred', 'subtract', [x, mean]);
      const normalised = step('normalised', 'multiply', [centred.id, root]);
      const steps = [centred, normalised];
      if (scale !== undefined) steps.push(step('scaled', 'multiply', [normalised.id, scale]));
      return [...steps, instead(node, { op: 'add', inputs: [steps.at(-1)!.id, shift] })];
    }
  }
  return null;
};
