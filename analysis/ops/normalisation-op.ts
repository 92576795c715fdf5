// Normalisation by statistics of the input itself: y = γ∘x̂ + β, x̂ = (x − μ)ρ, ρ = 1/√(variance + ε), over groups of entries.
// Taylor: dx̂ = ρ(dx − mean(dx) − x̂·mean(x̂∘dx)), which is symmetric and maps x0 to x̂(1 − mean x̂²), so the offset is
// γ∘x̂·mean(x̂²) + β. Frozen: μ and ρ are held fixed, so the offset is −γ∘μρ + β.
import { sizeOf, type Kernels, type Shape, type Value } from '../kernels/kernels.ts';
import { expandTo, number, type Broadcastable } from './affine-op.ts';
import type { Op, OpNode } from './op.ts';

/** What one normalisation op adds to the shared arithmetic. */
export interface NormalisationParts<Attributes> {
  readonly id: string;
  /** Throws UserError when the input does not fit. The output has its input's shape. */
  check?(node: Omit<OpNode<Attributes>, 'shape'>): void;
  /** The input's shape as groups are cut from it, and the axes of it that one group spans. */
  groups(node: OpNode<Attributes>): { view: Shape; axes: readonly number[] };
  epsilon(attributes: Attributes): number;
  /** Where the optional parameters `scale` (γ) and `bias` (β) lie. */
  parameter?(k: Kernels, name: 'scale' | 'bias', node: OpNode<Attributes>): Broadcastable | undefined;
}

export function normalisationOp<Attributes>({
  id,
  check,
  groups,
  epsilon,
  parameter,
}: NormalisationParts<Attributes>): Op<Attributes> {
  const statistics = (k: Kernels, x: Value, node: OpNode<Attributes>) => {
    const { view, axes } = groups(node);
    const after = axes.map((axis) => axis + 1);
    const share = number(k, 1 / sizeOf(axes.map((axis) => view[axis]!)));
    const mean = (value: Value): Value => k.binary('mul', k.reduce('sum', value, after, true), share);
    const viewed = (value: Value): Value => k.reshape(value, [-1, ...view]);
    const grouped = viewed(x);
    const centre = mean(grouped);
    const centred = k.binary('sub', grouped, centre);
    const variance = mean(k.binary('mul', centred, centred));
    const rho = k.unary('reciprocal', k.unary('sqrt', k.binary('add', variance, number(k, epsilon(node.attributes)))));
    const normalised = k.binary('mul', centred, rho);
    const collapsed = view.map((n, axis) => (axes.includes(axis) ? 1 : n));
    return { view, collapsed, mean, viewed, centre, rho, normalised };
  };
  const restored = (k: Kernels, value: Value, { shape }: OpNode<Attributes>): Value => k.reshape(value, [-1, ...shape]);
  const scaled = (k: Kernels, value: Value, node: OpNode<Attributes>): Value => {
    const scale = parameter?.(k, 'scale', node);
    return scale ? k.binary('mul', value, scale.value) : value;
  };
  const shifted = (k: Kernels, value: Value, node: OpNode<Attributes>): Value => {
    const bias = parameter?.(k, 'bias', node);
    return bias ? k.binary('add', value, bias.value) : value;
  };
  return {
    id,
    kind: 'normalisation',
    captures: 'inputs',
    shape(node) {
      check?.(node);
      return node.inputShapes[0]!;
    },
    forward(k, [x], node) {
      const { normalised } = statistics(k, x!, node);
      return shifted(k, scaled(k, restored(k, normalised, node), node), node);
    },
    linearise(k, [x0], _output, node, mode) {
      const { view, collapsed, mean, viewed, centre, rho, normalised } = statistics(k, x0!, node);
      const core = (value: Value): Value => {
        const grouped = viewed(value);
        if (mode === 'frozen') return restored(k, k.binary('mul', grouped, rho), node);
        const along = k.binary('mul', normalised, mean(k.binary('mul', normalised, grouped)));
        const rest = k.binary('sub', k.binary('sub', grouped, mean(grouped)), along);
        return restored(k, k.binary('mul', rest, rho), node);
      };
      const own =
        mode === 'frozen'
          ? expandTo(k, k.unary('neg', k.binary('mul', centre, rho)), collapsed, view)
          : k.binary('mul', normalised, mean(k.binary('mul', normalised, normalised)));
      return {
        apply: ([dx]) => scaled(k, core(dx!), node),
        transpose: (dy) => [core(scaled(k, dy, node))],
        offset: shifted(k, scaled(k, restored(k, own, node), node), node),
      };
    },
  };
}
