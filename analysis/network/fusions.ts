// Rules of the canonical form that recognise: matrix products with weights as dense layers, biases added apart, and the
// activation functions that exporters spell out in arithmetic.
import { sizeOf, type Tensor } from '../kernels/kernels.ts';
import { constantOf, fold, transposeConstant, type Constant } from './constant-folding.ts';
import type { Node, NodeId } from './network.ts';
import { normalisations } from './normalisation-fusions.ts';
import {
  asConstant,
  asTensor,
  clipBounds,
  close,
  constantAndOther,
  instead,
  sameShape,
  scalarAt,
  tensorAt,
  type Before,
  type Rule,
} from './rewriting.ts';

const transposedTensors = new WeakMap<Float32Array, Tensor>();

/** A weight matrix transposed; the same one for the same numbers, so that shared weights stay shared. */
function transposed(tensor: Tensor): Tensor {
  let result = transposedTensors.get(tensor.data);
  if (!result) {
    result = asTensor(transposeConstant(asConstant(tensor), [1, 0]));
    transposedTensors.set(tensor.data, result);
  }
  return result;
}

/** x·W with a constant matrix is a dense layer; W·x is one between transposes. */
const dense: Rule = (node, before) => {
  if (node.op !== 'mat-mul') return null;
  const [a, b] = node.inputs as [NodeId, NodeId];
  const { transposeA, transposeB } = node.attributes as { transposeA?: boolean; transposeB?: boolean };
  const matrixAt = (id: NodeId): Tensor | undefined => {
    const tensor = tensorAt(before, id);
    const inner = tensor?.shape.slice(-2);
    return tensor && inner!.length === 2 && sizeOf(inner!) === sizeOf(tensor.shape)
      ? { data: tensor.data, shape: inner! }
      : undefined;
  };
  const [left, right] = [matrixAt(a), matrixAt(b)];
  const rank = node.shape.length;
  if (right && !left && !transposeA && before.node(a).shape.length === rank) {
    const weight = transposeB ? right : transposed(right);
    return [instead(node, { op: 'dense', inputs: [a], parameters: { weight } })];
  }
  if (left && !right && before.node(b).shape.length === rank && rank >= 2) {
    const weight = transposeA ? transposed(left) : left;
    const permutation = node.shape.map((_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis));
    const turned = (shape: readonly number[]): number[] => permutation.map((axis) => shape[axis]!);
    const nodes: Node[] = [];
    let x = b;
    if (!transposeB) {
      x = `${node.id}/columns`;
      nodes.push({
        ...instead(node, {
          op: 'transpose',
          inputs: [b],
          attributes: { perm: permutation },
          name: `${node.name}/columns`,
        }),
        id: x,
        shape: turned(before.node(b).shape),
      });
    }
    const product = `${node.id}/product`;
    return [
      ...nodes,
      {
        ...instead(node, { op: 'dense', inputs: [x], parameters: { weight } }),
        id: product,
        shape: turned(node.shape),
      },
      instead(node, {
        op: 'transpose',
        inputs: [product],
        attributes: { perm: permutation },
        name: `${node.name}/rows`,
      }),
    ];
  }
  return null;
};

/** A constant added to a dense layer or a convolution, the same at every position, is its bias. */
const bias: Rule = (node, before) => {
  if (node.op !== 'add') return null;
  const pair = constantAndOther(before, node);
  if (!pair) return null;
  const summand = tensorAt(before, pair[0])!;
  const layer = before.node(pair[1]);
  const isDense = layer.op === 'dense';
  if ((!isDense && layer.op !== 'conv' && layer.op !== 'conv-transpose') || before.uses(layer.id) > 1) return null;
  if (!sameShape(layer.shape, node.shape)) return null;
  const axis = isDense ? layer.shape.length - 1 : 1;
  const outputs = layer.shape[axis]!;
  const aligned = layer.shape.map((_, i) => summand.shape[i - layer.shape.length + summand.shape.length] ?? 1);
  if (aligned.some((n, i) => i !== axis && n !== 1)) return null;
  const spread = summand.data.length === outputs ? summand.data : new Float32Array(outputs).fill(summand.data[0]!);
  const own = layer.parameters['bias'];
  const data = own ? own.data.map((x, i) => x + spread[i]!) : spread;
  return [{ ...layer, id: node.id, parameters: { ...layer.parameters, bias: { data, shape: [outputs] } } }];
};

/** The largest or smallest of a value and a number is a clip; a clip of a clip is one; a clip from 0 upwards is ReLU. */
const clip: Rule = (node, before) => {
  if (node.op === 'maximum' && node.inputs.length <= 2) {
    const { kind = 'max', constant } = node.attributes as { kind?: 'max' | 'min'; constant?: number };
    const pair = constantAndOther(before, node);
    const bound =
      node.inputs.length === 1 ? constant : pair && constant === undefined ? scalarAt(before, pair[0]) : undefined;
    const x = pair?.[1] ?? node.inputs[0]!;
    if (bound === undefined || !sameShape(before.node(x).shape, node.shape)) return null;
    const attributes = kind === 'max' ? { min: bound, max: null } : { min: null, max: bound };
    return [instead(node, { op: 'clip', inputs: [x], attributes })];
  }
  if (node.op !== 'clip') return null;
  const { min, max } = clipBounds(node);
  const inner = before.node(node.inputs[0]!);
  const below = inner.op === 'relu' ? { min: 0 } : inner.op === 'clip' ? clipBounds(inner) : undefined;
  const onlyBelow = below?.min !== undefined && !('max' in below && below.max !== undefined);
  if (min === undefined && max !== undefined && onlyBelow && below.min! < max) {
    return [instead(node, { op: 'clip', inputs: inner.inputs, attributes: { min: below.min, max } })];
  }
  return min === 0 && max === undefined ? [instead(node, { op: 'relu', inputs: node.inputs })] : null;
};

/** x^½ and x^−1 have ops of their own. */
const roots: Rule = (node) => {
  const { exponent } = node.attributes;
  if (node.op !== 'power' || node.inputs.length !== 1) return null;
  if (exponent === 0.5) return [instead(node, { op: 'sqrt', inputs: node.inputs })];
  return exponent === -1 ? [instead(node, { op: 'reciprocal', inputs: node.inputs })] : null;
};

/** log(1 + exp x), and the logarithm of softmax. */
const logarithms: Rule = (node, before) => {
  if (node.op !== 'log') return null;
  const inner = before.node(node.inputs[0]!);
  if (inner.op === 'softmax')
    return [instead(node, { op: 'log-softmax', inputs: inner.inputs, attributes: inner.attributes })];
  const pair = inner.op === 'add' ? constantAndOther(before, inner) : undefined;
  if (!pair || scalarAt(before, pair[0]) !== 1) return null;
  const power = before.node(pair[1]);
  if (power.op !== 'exp' || !sameShape(power.shape, node.shape)) return null;
  return [instead(node, { op: 'softplus', inputs: power.inputs })];
};

const deepest = 6;

/** A value as a polynomial of x (constant first, at most cubic), where it is one with scalar coefficients. */
function polynomial(before: Before, id: NodeId, x: NodeId, depth = deepest): number[] | undefined {
  if (id === x) return [0, 1];
  const node = before.node(id);
  const scalar = scalarAt(before, id);
  if (scalar !== undefined) return [scalar];
  if (depth === 0) return undefined;
  const parts = (): (number[] | undefined)[] => node.inputs.map((input) => polynomial(before, input, x, depth - 1));
  switch (node.op) {
    case 'neg':
      return parts()[0]?.map((c) => -c);
    case 'add':
      return parts().reduce((a, b) => a && b && plus(a, b, 1));
    case 'subtract':
      return parts().reduce((a, b) => a && b && plus(a, b, -1));
    case 'multiply':
      return parts().reduce((a, b) => a && b && product(a, b));
    case 'divide': {
      const [a, b] = parts();
      return b?.length === 1 ? a?.map((c) => c / b[0]!) : undefined;
    }
    case 'power': {
      const [base] = parts();
      const { exponent } = node.attributes;
      if (node.inputs.length > 1 || !base) return undefined;
      if (exponent === 2) return product(base, base);
      return exponent === 3 ? product(base, product(base, base) ?? []) : undefined;
    }
    default:
      return undefined;
  }
}

const plus = (a: readonly number[], b: readonly number[], sign: number): number[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] ?? 0) + sign * (b[i] ?? 0));

function product(a: readonly number[], b: readonly number[]): number[] | undefined {
  if (a.length === 0 || b.length === 0 || a.length + b.length > 5) return undefined;
  const result = new Array<number>(a.length + b.length - 1).fill(0);
  a.forEach((p, i) => b.forEach((q, j) => (result[i + j]! += p * q)));
  return result;
}

const isPolynomial = (found: readonly number[] | undefined, wanted: readonly number[]): boolean =>
  found !== undefined &&
  Array.from({ length: Math.max(found.length, wanted.length) }, (_, i) => i).every((i) =>
    close(found[i] ?? 0, wanted[i] ?? 0),
  );

/** s where the value is s·x·g, by multiplications and divisions with numbers. */
function scaleOf(before: Before, id: NodeId, x: NodeId, gate: NodeId): number | undefined {
  const monomial = (at: NodeId, depth: number): { scale: number; xs: number; gates: number } | undefined => {
    if (at === gate) return { scale: 1, xs: 0, gates: 1 };
    if (at === x) return { scale: 1, xs: 1, gates: 0 };
    const scalar = scalarAt(before, at);
    if (scalar !== undefined) return { scale: scalar, xs: 0, gates: 0 };
    const node = before.node(at);
    if (depth === 0) return undefined;
    const [a, b] = node.inputs.map((input) => monomial(input, depth - 1));
    if (node.op === 'neg' && a) return { ...a, scale: -a.scale };
    if (!a || !b || node.inputs.length !== 2) return undefined;
    if (node.op === 'multiply') return { scale: a.scale * b.scale, xs: a.xs + b.xs, gates: a.gates + b.gates };
    return node.op === 'divide' && b.xs + b.gates === 0 ? { ...a, scale: a.scale / b.scale } : undefined;
  };
  const found = monomial(id, deepest);
  return found?.xs === 1 && found.gates === 1 ? found.scale : undefined;
}

/** Values within a few steps above `id`, itself first, the nearest first. */
function above(before: Before, id: NodeId, steps: number): NodeId[] {
  const found = new Set([id]);
  let level = [id];
  for (let step = 0; step < steps; step++) {
    level = level.flatMap((at) => before.node(at).inputs).filter((input) => !found.has(input));
    for (const input of level) found.add(input);
  }
  return [...found];
}

const GELU = Math.sqrt(2 / Math.PI);

/** The activation function that x · scale · gate is, if it is one. */
function gatedActivation(
  before: Before,
  gate: Node,
  x: NodeId,
  scale: number,
): Pick<Node, 'op' | 'attributes'> | undefined {
  const argument = gate.inputs[0]!;
  const inner = (): number[] | undefined => polynomial(before, argument, x);
  if (gate.op === 'sigmoid' && close(scale, 1)) {
    const p = inner();
    if (p?.length === 2 && p[0] === 0 && p[1]! > 0) return { op: 'silu', attributes: { beta: p[1] } };
    const tanhLike = isPolynomial(p, [0, 2 * GELU, 0, 2 * GELU * 0.044715]);
    return tanhLike ? { op: 'gelu', attributes: { approximate: 'tanh' } } : undefined;
  }
  const hardSwish = { op: 'hard-swish', attributes: {} };
  if (gate.op === 'hard-sigmoid') {
    const { alpha = 0.2, beta = 0.5 } = gate.attributes as { alpha?: number; beta?: number };
    const ramp = inner()?.map((c, i) => alpha * c + (i === 0 ? beta : 0));
    return close(scale, 1) && isPolynomial(ramp, [0.5, 1 / 6]) ? hardSwish : undefined;
  }
  if (gate.op === 'clip') {
    const { min, max } = clipBounds(gate);
    const ramp = inner()?.map((c) => c * scale);
    return min === 0 && close((max ?? 0) * scale, 1) && isPolynomial(ramp, [0.5, 1 / 6]) ? hardSwish : undefined;
  }
  if (gate.op === 'tanh' && close(scale, 1)) {
    const softplus = before.node(argument);
    return softplus.op === 'softplus' && softplus.inputs[0] === x ? { op: 'mish', attributes: {} } : undefined;
  }
  if (gate.op === 'add' && close(scale, 0.5)) {
    const pair = constantAndOther(before, gate);
    if (!pair || scalarAt(before, pair[0]) !== 1) return undefined;
    const curve = before.node(pair[1]);
    const p = curve.op === 'erf' || curve.op === 'tanh' ? polynomial(before, curve.inputs[0]!, x) : undefined;
    if (curve.op === 'erf' && isPolynomial(p, [0, Math.SQRT1_2]))
      return { op: 'gelu', attributes: { approximate: 'none' } };
    if (curve.op === 'tanh' && isPolynomial(p, [0, GELU, 0, GELU * 0.044715]))
      return { op: 'gelu', attributes: { approximate: 'tanh' } };
  }
  return undefined;
}

const gateOps = new Set(['sigmoid', 'hard-sigmoid', 'clip', 'tanh', 'add']);

/** SiLU, hard swish, GELU and mish from their products. */
const gatedActivations: Rule = (node, before) => {
  if (node.op !== 'multiply' && node.op !== 'divide') return null;
  for (const gateId of above(before, node.id, 3)) {
    const gate = before.node(gateId);
    if (!gateOps.has(gate.op)) continue;
    for (const x of above(before, gateId, deepest).slice(1)) {
      if (tensorAt(before, x) || !sameShape(before.node(x).shape, node.shape)) continue;
      const scale = scaleOf(before, node.id, x, gateId);
      const found = scale === undefined ? undefined : gatedActivation(before, gate, x, scale);
      if (found) return [instead(node, { ...found, inputs: [x] })];
    }
  }
  return null;
};

/** Coefficients of x, max(x, 0), |x| and max(−x, 0), each a number or one for every channel. */
type Pieces = Readonly<Partial<Record<'x' | 'relu' | 'abs' | 'negative', Constant>>>;

const one = constantOf('float', [], [1]);
const minusOne = constantOf('float', [], [-1]);
const combined = (op: 'Add' | 'Sub' | 'Mul' | 'Div', a: Constant, b: Constant): Constant => fold(op, [a, b])[0]!;

function piecesOf(before: Before, id: NodeId, x: NodeId, depth = deepest): Pieces | undefined {
  if (id === x) return { x: one };
  const node = before.node(id);
  if (depth === 0 || node.op === 'constant') return undefined;
  const part = (at: NodeId): Pieces | undefined => piecesOf(before, at, x, depth - 1);
  const scaled = (pieces: Pieces | undefined, op: 'Mul' | 'Div', by: Constant): Pieces | undefined =>
    pieces && Object.fromEntries(Object.entries(pieces).map(([key, value]) => [key, combined(op, value, by)]));
  const sum = (a: Pieces | undefined, b: Pieces | undefined): Pieces | undefined => {
    if (!a || !b) return undefined;
    const result: Record<string, Constant> = { ...a };
    for (const [key, value] of Object.entries(b))
      result[key] = result[key] ? combined('Add', result[key], value) : value;
    return result;
  };
  const [first, second] = node.inputs;
  switch (node.op) {
    case 'relu':
      if (first === x) return { relu: one };
      return isPolynomial(polynomial(before, first!, x, 1), [0, -1]) ? { negative: one } : undefined;
    case 'abs':
      return first === x ? { abs: one } : undefined;
    case 'neg':
      return scaled(part(first!), 'Mul', minusOne);
    case 'add':
      return node.inputs.map(part).reduce(sum);
    case 'subtract':
      return sum(part(first!), scaled(part(second!), 'Mul', minusOne));
    case 'multiply': {
      const pair = constantAndOther(before, node);
      return pair && scaled(part(pair[1]), 'Mul', asConstant(tensorAt(before, pair[0])!));
    }
    case 'divide': {
      const divisor = tensorAt(before, second!);
      return divisor && scaled(part(first!), 'Div', asConstant(divisor));
    }
    default:
      return undefined;
  }
}

/** Sums of x, ReLUs and absolute values with slope 1 above 0 are leaky or parametric ReLUs. */
const parametricRelu: Rule = (node, before) => {
  if (node.op !== 'add' && node.op !== 'subtract' && node.op !== 'multiply' && node.op !== 'maximum') return null;
  if (node.op === 'maximum') return leakyMaximum(node, before);
  const candidates = above(before, node.id, 4).filter((id) => ['relu', 'abs'].includes(before.node(id).op));
  for (const candidate of candidates) {
    const x = before.node(candidate).inputs[0]!;
    if (!sameShape(before.node(x).shape, node.shape)) continue;
    const pieces = piecesOf(before, node.id, x);
    if (!pieces || (!pieces.relu && !pieces.abs && !pieces.negative)) continue;
    const zero = constantOf('float', [], [0]);
    const { x: linear = zero, relu = zero, abs = zero, negative = zero } = pieces;
    const upper = combined('Add', combined('Add', linear, relu), abs);
    const lower = combined('Sub', combined('Sub', linear, abs), negative);
    if (!upper.data.every((slope) => close(slope, 1)) || lower.shape.length > node.shape.length) continue;
    if (lower.data.length > 1) {
      const weight = above(before, node.id, 4).find((id) => (tensorAt(before, id)?.data.length ?? 0) > 1);
      const name = before.nameFor(weight, node.name);
      return [instead(node, { op: 'parametric-relu', inputs: [x], parameters: { slope: asTensor(lower) }, name })];
    }
    const alpha = lower.data[0]!;
    if (alpha === 0) return [instead(node, { op: 'relu', inputs: [x] })];
    if (alpha !== 1) return [instead(node, { op: 'leaky-relu', inputs: [x], attributes: { alpha } })];
  }
  return null;
};

/** max(x, αx) with α below 1. */
function leakyMaximum(node: Node, before: Before): readonly Node[] | null {
  const { kind = 'max', constant } = node.attributes as { kind?: string; constant?: number };
  if (kind !== 'max' || constant !== undefined || node.inputs.length !== 2) return null;
  for (const [x, other] of [node.inputs, node.inputs.toReversed()] as [NodeId, NodeId][]) {
    const p = polynomial(before, other, x, 1);
    if (p?.length !== 2 || p[0] !== 0 || p[1]! < 0 || p[1]! >= 1 || !sameShape(before.node(x).shape, node.shape))
      continue;
    return [instead(node, { op: 'leaky-relu', inputs: [x], attributes: { alpha: p[1] } })];
  }
  return null;
}

/** Every rule, in the order in which they are tried. */
export const fusions: readonly Rule[] = [
  dense,
  bias,
  clip,
  roots,
  logarithms,
  gatedActivations,
  parametricRelu,
  ...normalisations,
];
