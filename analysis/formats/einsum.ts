// An Einstein sum (numpy's rules) as nodes of ours: what only one operand has and nobody needs is summed, then operands are
// multiplied two at a time, [batch, left, inner] by [batch, inner, right], and the axes put in the order of the output.
import { sizeOf, type Shape, type Tensor } from '../kernels/kernels.ts';
import { tensorOf, transposeConstant } from '../network/constant-folding.ts';
import type { NodeId } from '../network/network.ts';
import type { View, ViewBuilder } from './axis-order.ts';
import type { Draft } from './graph.ts';

/** One operand: a node, or a constant, whose axes are arranged at once. */
export interface EinsumOperand {
  readonly id: NodeId;
  readonly shape: Shape;
  readonly constant?: Tensor | undefined;
  readonly weightName?: string | undefined;
}

/** Where the nodes go. */
export interface EinsumBuilder {
  step(what: string, draft: Draft): NodeId;
  constantStep(what: string, value: Tensor): NodeId;
  refuse(reason: string): never;
}

/** An operand with a label for each of its axes. */
interface Labelled extends EinsumOperand {
  readonly labels: readonly string[];
}

/** The axes of an equation: of each operand, and of the output. Axes under an ellipsis are labelled …0, …1 from the right. */
export function einsumAxes(
  equation: string,
  ranks: readonly number[],
): { readonly operands: readonly (readonly string[])[]; readonly output: readonly string[] } | string {
  const [left, right, ...rest] = equation.replaceAll(/\s/g, '').split('->');
  const terms = left!.split(',');
  if (rest.length > 0 || ![...terms, right ?? ''].every((term) => /^[a-z]*(?:\.{3}[a-z]*)?$/i.test(term)))
    return `the equation "${equation}" cannot be read`;
  if (terms.length !== ranks.length) return `"${equation}" is for ${terms.length} operands, not ${ranks.length}`;
  const hidden = terms.map((term, i) => (term.includes('...') ? ranks[i]! - (term.length - 3) : 0));
  const most = Math.max(0, ...hidden);
  const labelsOf = (term: string, count: number): string[] => {
    const [before, after] = term.split('...');
    if (after === undefined) return [...before!];
    return [...before!, ...Array.from({ length: count }, (_, i) => `…${count - 1 - i}`), ...after];
  };
  const wrong = terms.findIndex((term, i) => hidden[i]! < 0 || labelsOf(term, hidden[i]!).length !== ranks[i]);
  if (wrong >= 0) return `"${equation}" does not fit operand ${wrong}, which has ${ranks[wrong]} axes`;
  const operands = terms.map((term, i) => labelsOf(term, hidden[i]!));
  const all = operands.flat();
  // Without an arrow: what comes once, in the order of the alphabet, behind what stands under the ellipsis.
  const single = [...new Set(all)].filter(
    (label) => !label.startsWith('…') && all.indexOf(label) === all.lastIndexOf(label),
  );
  const output = right === undefined ? [...labelsOf('...', most), ...single.toSorted()] : labelsOf(right, most);
  const stray = output.find((label, i) => !all.includes(label) || output.indexOf(label) !== i);
  return stray === undefined
    ? { operands, output }
    : `"${equation}" has "${stray}" in its output twice, or from nowhere`;
}

/** The draft of the last node of an Einstein sum; those before it are added by the builder. */
export function einsum(builder: EinsumBuilder, equation: string, operands: readonly EinsumOperand[]): Draft {
  const axes = einsumAxes(
    equation,
    operands.map(({ shape }) => shape.length),
  );
  if (typeof axes === 'string') return builder.refuse(axes);
  const labelled = operands.map((operand, i): Labelled => ({ ...operand, labels: axes.operands[i]! }));
  for (const { labels } of labelled)
    if (new Set(labels).size < labels.length) builder.refuse(`"${equation}" takes a diagonal`);
  const [first, ...others] = labelled;
  const needed = (after: number): Set<string> =>
    new Set([...axes.output, ...others.slice(after).flatMap(({ labels }) => labels)]);
  let result = summed(builder, first!, needed(0));
  for (const [i, other] of others.entries()) {
    const rest = needed(i + 1);
    const both = new Set([...rest, ...result.labels]);
    const step = others.length === 1 ? '' : ` ${i + 1}`;
    result = product(builder, step, result, summed(builder, other, both), rest);
  }
  const perm = axes.output.map((label) => result.labels.indexOf(label));
  return { op: 'transpose', inputs: [result.id], attributes: { perm } };
}

/** The same where values are views of nodes; `operands` are views, or weights by their names. */
export function einsumOfViews(
  g: ViewBuilder,
  { id, name, refuse }: { id: NodeId; name: string; refuse: (reason: string) => never },
  equation: string,
  operands: readonly (View | { readonly tensor: Tensor; readonly name: string | undefined })[],
): View {
  const builder: EinsumBuilder = {
    step: (what, draft) => g.stored(g.add(`${id}/${what}`, `${name}/${what}`, draft)),
    constantStep: (what, value) => g.stored(g.constant(`${id}/${what}`, value)),
    refuse,
  };
  const given = operands.map((operand, i): EinsumOperand => {
    if (!('tensor' in operand)) return { id: g.stored(operand), shape: g.shapeOf(operand) };
    const { tensor, name: weightName } = operand;
    return { id: g.stored(g.constant(`${id}/weight ${i}`, tensor)), shape: tensor.shape, constant: tensor, weightName };
  });
  return g.add(id, name, einsum(builder, equation, given));
}

/** Without the axes that nobody needs. */
function summed(builder: EinsumBuilder, operand: Labelled, needed: ReadonlySet<string>): Labelled {
  const { id, labels, shape } = operand;
  const gone = [...labels.keys()].filter((axis) => !needed.has(labels[axis]!));
  if (gone.length === 0) return operand;
  const kept = [...labels.keys()].filter((axis) => needed.has(labels[axis]!));
  return {
    id: builder.step(`sum of ${id}`, {
      op: 'reduce',
      inputs: [id],
      attributes: { kind: 'sum', axes: gone, keepDims: false },
    }),
    labels: kept.map((axis) => labels[axis]!),
    shape: kept.map((axis) => shape[axis]!),
  };
}

function product(
  builder: EinsumBuilder,
  step: string,
  a: Labelled,
  b: Labelled,
  needed: ReadonlySet<string>,
): Labelled {
  const sizes = (operand: Labelled, labels: readonly string[]): number[] =>
    labels.map((label) => operand.shape[operand.labels.indexOf(label)]!);
  // What only one operand needs no longer is summed away there first; here everything is needed, or met by both.
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const [batch, inner] = [shared.filter((label) => needed.has(label)), shared.filter((label) => !needed.has(label))];
  const [before, after] = [sizes(a, inner), sizes(b, inner)];
  if (before.some((size, i) => size !== after[i]))
    builder.refuse(`axes of ${before.join(' × ')} meet axes of ${after.join(' × ')}`);
  const left = a.labels.filter((label) => !shared.includes(label));
  const right = b.labels.filter((label) => !shared.includes(label));
  const labels = [...batch, ...left, ...right];
  const [rows, columns] = [sizes(a, left), sizes(b, right)];
  const widths = batch.map((_, i) => Math.max(sizes(a, batch)[i]!, sizes(b, batch)[i]!));
  const shape = [...widths, ...rows, ...columns];
  const name = (what: string): string => `${what}${step}`;
  if (labels.length === batch.length && inner.length === 0) {
    const inputs = [
      arranged(builder, name('left'), a, batch, sizes(a, batch)),
      arranged(builder, name('right'), b, batch, sizes(b, batch)),
    ];
    return { id: builder.step(name('product'), { op: 'multiply', inputs, attributes: { gate: null } }), labels, shape };
  }
  const from = arranged(
    builder,
    name('left'),
    a,
    [...batch, ...left, ...inner],
    [...sizes(a, batch), sizeOf(rows), sizeOf(before)],
  );
  const to = arranged(
    builder,
    name('right'),
    b,
    [...batch, ...inner, ...right],
    [...sizes(b, batch), sizeOf(before), sizeOf(columns)],
  );
  const multiplied = builder.step(name('product'), {
    op: 'mat-mul',
    inputs: [from, to],
    attributes: { transposeA: false, transposeB: false, gate: null },
    weightName: b.weightName ?? a.weightName,
  });
  return {
    id: builder.step(name('axes'), { op: 'reshape', inputs: [multiplied], attributes: { shape } }),
    labels,
    shape,
  };
}

/** An operand with its axes in this order, then in this shape. */
function arranged(
  builder: EinsumBuilder,
  what: string,
  { id, constant, labels, shape: from }: Labelled,
  order: readonly string[],
  shape: Shape,
): NodeId {
  const perm = order.map((label) => labels.indexOf(label));
  if (constant) {
    const { data } = tensorOf(transposeConstant({ type: 'float', data: constant.data, shape: from }, perm));
    return builder.constantStep(what, { data, shape });
  }
  const turned = perm.every((axis, i) => axis === i)
    ? id
    : builder.step(`${what} turned`, { op: 'transpose', inputs: [id], attributes: { perm } });
  return builder.step(what, { op: 'reshape', inputs: [turned], attributes: { shape } });
}
