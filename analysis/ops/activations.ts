// Elementwise functions, one table. Piecewise linear ones give their slope at z (0 at a kink) and the constant of their
// piece; smooth ones give σ'(z) (taylor) or the ratio σ(z)/z (frozen): methods.md, section 0.
// Formulas are chosen to stay exact in float32 far from zero and close to it.
import type { Kernels, Value } from '../kernels/kernels.ts';
import { UserError } from '../errors.ts';
import { formula, type Formula } from './formula.ts';
import type { Mode, Op, OpNode } from './op.ts';

/** Below this |z| the ratio σ(z)/z is replaced by the rule of methods.md, section 0. */
const NEAR_ZERO = 1e-6;

interface Piecewise {
  value(f: Formula, z: Value, node: OpNode<any>, k: Kernels): Value;
  /** 0 at a kink. */
  slope(f: Formula, z: Value, node: OpNode<any>, k: Kernels): Value;
  /** σ(z) = slope · z + constant; absent where it is 0 everywhere. */
  constant?(f: Formula, z: Value, node: OpNode<any>, k: Kernels): Value;
}

interface Smooth {
  value(f: Formula, z: Value, attributes: any): Value;
  derivative(f: Formula, z: Value, attributes: any): Value;
  /** σ(z)/z where it has a form of its own; else the quotient is taken. */
  ratio?(f: Formula, z: Value, attributes: any): Value;
  /** σ(0) where it is not 0. */
  atZero?: number;
}

function piecewise(id: string, { value, slope, constant }: Piecewise, activation = true): Op {
  return {
    id,
    kind: 'piecewise linear',
    activation,
    captures: 'inputs',
    shape: sameShape,
    forward: (k, [z], node) => value(formula(k), z!, node, k),
    linearise(k, [z], _output, node) {
      const f = formula(k);
      return scaling(k, slope(f, z!, node, k), constant?.(f, z!, node, k));
    },
  };
}

function smooth(id: string, { value, derivative, ratio, atZero }: Smooth, activation = true): Op {
  return {
    id,
    kind: 'smooth',
    activation,
    captures: 'inputs',
    shape: sameShape,
    forward: (k, [z], { attributes }) => value(formula(k), z!, attributes),
    linearise(k, [z], _output, { attributes }, mode: Mode) {
      const f = formula(k);
      if (mode === 'taylor') {
        const slope = derivative(f, z!, attributes);
        return scaling(k, slope, f.sub(value(f, z!, attributes), f.mul(slope, z!)));
      }
      if (ratio) return scaling(k, ratio(f, z!, attributes));
      const near = f.greater(NEAR_ZERO, f.abs(z!));
      const quotient = f.div(value(f, z!, attributes), f.select(near, 1, z!));
      const slope = f.select(near, derivative(f, z!, attributes), quotient);
      return scaling(k, slope, atZero === undefined ? undefined : f.mul(near, atZero));
    },
  };
}

function sameShape({ inputShapes }: Omit<OpNode, 'shape'>) {
  return inputShapes[0]!;
}

/** dy = slope ∘ dx, its own transpose. */
function scaling(k: Kernels, slope: Value, offset?: Value) {
  const scale = (v: Value): Value => k.binary('mul', v, slope);
  return { apply: ([dx]: readonly (Value | null)[]) => scale(dx!), transpose: (dy: Value) => [scale(dy)], offset };
}

export const relu = piecewise('relu', {
  value: (f, z) => f.max(z, 0),
  slope: (f, z) => f.greater(z, 0),
});

/** attributes.alpha: slope below 0 (0.01). */
export const leakyRelu = piecewise('leaky-relu', {
  value: (f, z, { attributes: { alpha = 0.01 } }) => f.select(f.greater(z, 0), z, f.mul(z, alpha)),
  slope: (f, z, { attributes: { alpha = 0.01 } }) => f.add(f.greater(z, 0), f.mul(f.greater(0, z), alpha)),
});

/** parameters.slope: slope below 0, broadcast to the input from the right ([C, 1, 1] for one a channel). */
export const parametricRelu: Op = {
  ...piecewise('parametric-relu', {
    value: (f, z, node, k) => f.select(f.greater(z, 0), z, f.mul(z, slopeParameter(k, node))),
    slope: (f, z, node, k) => f.add(f.greater(z, 0), f.mul(f.greater(0, z), slopeParameter(k, node))),
  }),
  shape({ inputShapes, parameters }) {
    const [shape = []] = inputShapes;
    const slope = parameters['slope']?.shape;
    if (!slope) throw new UserError('A parametric ReLU has no slope');
    const fits = slope.length <= shape.length && slope.every((n, i) => n === 1 || n === shape.at(i - slope.length));
    if (!fits) throw new UserError(`The slope [${slope}] of a parametric ReLU does not fit its input [${shape}]`);
    return shape;
  },
};

function slopeParameter(k: Kernels, { parameters, inputShapes }: OpNode): Value {
  const { data, shape } = parameters['slope']!;
  const missing = inputShapes[0]!.length - shape.length;
  return k.constant({ data, shape: [1, ...Array.from({ length: missing }, () => 1), ...shape] });
}

/** attributes.min, attributes.max: absent or null is no bound; ReLU6 is 0 … 6, hard tanh −1 … 1. */
export const clip = piecewise('clip', {
  value: clipped,
  slope: (f, z, { attributes }) => f.between(attributes.min ?? -Infinity, z, attributes.max ?? Infinity),
  constant: (f, z, node) =>
    f.select(f.between(node.attributes.min ?? -Infinity, z, node.attributes.max ?? Infinity), 0, clipped(f, z, node)),
});

function clipped(f: Formula, z: Value, { attributes: { min, max } }: OpNode<any>): Value {
  const raised = Number.isFinite(min ?? NaN) ? f.max(z, min) : z;
  return Number.isFinite(max ?? NaN) ? f.min(raised, max) : raised;
}

export const abs = piecewise('abs', {
  value: (f, z) => f.abs(z),
  slope: (f, z) => f.sign(z),
});

/** min(max(αz + β, 0), 1); attributes.alpha (0.2), attributes.beta (0.5). */
export const hardSigmoid = piecewise('hard-sigmoid', {
  value: (f, z, { attributes }) => rampUnclipped(f, z, attributes).clipped,
  slope: (f, z, { attributes }) => f.mul(rampUnclipped(f, z, attributes).inside, attributes.alpha ?? 0.2),
  constant(f, z, { attributes }) {
    const ramp = rampUnclipped(f, z, attributes);
    return f.select(ramp.inside, attributes.beta ?? 0.5, ramp.clipped);
  },
});

function rampUnclipped(f: Formula, z: Value, { alpha = 0.2, beta = 0.5 }: { alpha?: number; beta?: number }) {
  const ramp = f.add(f.mul(z, alpha), beta);
  return { inside: f.between(0, ramp, 1), clipped: f.min(f.max(ramp, 0), 1) };
}

/** z above attributes.alpha (1), else 0. */
export const thresholdedRelu = piecewise('thresholded-relu', {
  value: (f, z, { attributes: { alpha = 1 } }) => f.select(f.greater(z, alpha), z, 0),
  slope: (f, z, { attributes: { alpha = 1 } }) => f.greater(z, alpha),
});

/** z moved towards 0 by attributes.bias (0) outside ±attributes.lambda (0.5), 0 inside: soft and hard shrinkage. */
export const shrink = piecewise('shrink', {
  value: (f, z, { attributes: { lambda = 0.5, bias = 0 } }) =>
    f.select(f.greater(f.abs(z), lambda), f.sub(z, f.mul(f.sign(z), bias)), 0),
  slope: (f, z, { attributes: { lambda = 0.5 } }) => f.greater(f.abs(z), lambda),
  constant: (f, z, { attributes: { lambda = 0.5, bias = 0 } }) =>
    f.mul(f.mul(f.greater(f.abs(z), lambda), f.sign(z)), -bias),
});

export const sigmoid = smooth('sigmoid', {
  value: (f, z) => f.sigmoid(z),
  // σ(z)σ(−z) keeps its digits where 1 − σ(z) has none left
  derivative: (f, z) => f.mul(f.sigmoid(z), f.sigmoid(f.neg(z))),
  atZero: 0.5,
});

export const tanh = smooth('tanh', {
  value: (f, z) => f.tanh(z),
  derivative: (f, z) => f.mul(f.mul(f.sigmoid(f.mul(z, 2)), f.sigmoid(f.mul(z, -2))), 4),
});

export const softplus = smooth('softplus', {
  value: softplusOf,
  derivative: (f, z) => f.sigmoid(z),
  atZero: Math.LN2,
});

export const logSigmoid = smooth('log-sigmoid', {
  value: (f, z) => f.neg(softplusOf(f, f.neg(z))),
  derivative: (f, z) => f.sigmoid(f.neg(z)),
  atZero: -Math.LN2,
});

/** max(z, 0) + log(1 + u), u = exp(−|z|); log(1 + u) as log(w) u/(w − 1), w = 1 + u rounded, which is exact for small u. */
function softplusOf(f: Formula, z: Value): Value {
  const u = f.exp(f.neg(f.abs(z)));
  const w = f.add(u, 1);
  const rounded = f.equal(w, 1);
  const quotient = f.div(f.mul(f.log(w), u), f.select(rounded, 1, f.sub(w, 1)));
  return f.add(f.max(z, 0), f.select(rounded, u, quotient));
}

export const softsign = smooth('softsign', {
  value: (f, z) => f.div(z, f.add(f.abs(z), 1)),
  derivative(f, z) {
    const ratio = f.reciprocal(f.add(f.abs(z), 1));
    return f.mul(ratio, ratio);
  },
  ratio: (f, z) => f.reciprocal(f.add(f.abs(z), 1)),
});

/** z above 0, scale · (exp(z / width) − 1) below; the three exponential units are members of it. */
function exponentialUnit(f: Formula, z: Value, { gain = 1, scale = 1, width = 1 }): Value {
  return f.select(f.greater(z, 0), f.mul(z, gain), f.mul(expMinusOne(f, f.div(f.min(z, 0), width)), gain * scale));
}

function exponentialUnitDerivative(f: Formula, z: Value, { gain = 1, scale = 1, width = 1 }): Value {
  const below = f.mul(f.exp(f.div(f.min(z, 0), width)), (gain * scale) / width);
  return f.select(f.greater(z, 0), gain, below);
}

/** exp(z) − 1 without cancellation near 0, as 2t/(1 − t) with t = tanh(z/2); z ≤ 0. */
function expMinusOne(f: Formula, z: Value): Value {
  const t = f.tanh(f.mul(z, 0.5));
  return f.div(f.mul(t, 2), f.sub(1, t));
}

/** attributes.alpha (1). */
export const elu = smooth('elu', {
  value: (f, z, { alpha = 1 }) => exponentialUnit(f, z, { scale: alpha }),
  derivative: (f, z, { alpha = 1 }) => exponentialUnitDerivative(f, z, { scale: alpha }),
});

/** attributes.alpha (1), which is not 0. */
export const celu = smooth('celu', {
  value: (f, z, { alpha = 1 }) => exponentialUnit(f, z, { scale: alpha, width: alpha }),
  derivative: (f, z, { alpha = 1 }) => exponentialUnitDerivative(f, z, { scale: alpha, width: alpha }),
});

const SELU = { alpha: 1.67326319217681884765625, gamma: 1.05070102214813232421875 };

/** attributes.alpha, attributes.gamma: those of self-normalising networks by default. */
export const selu = smooth('selu', {
  value: (f, z, { alpha = SELU.alpha, gamma = SELU.gamma }) => exponentialUnit(f, z, { scale: alpha, gain: gamma }),
  derivative: (f, z, { alpha = SELU.alpha, gamma = SELU.gamma }) =>
    exponentialUnitDerivative(f, z, { scale: alpha, gain: gamma }),
});

/** A function z · g(z) with g bounded: σ(z)/z is g(z), σ'(z) is g(z) + z g'(z). */
function gated(
  id: string,
  gate: (f: Formula, z: Value, attributes: any) => Value,
  slope: (f: Formula, z: Value, g: Value, attributes: any) => Value,
): Op {
  return smooth(id, {
    value: (f, z, attributes) => f.mul(z, gate(f, z, attributes)),
    derivative(f, z, attributes) {
      const g = gate(f, z, attributes);
      return f.add(g, f.mul(z, slope(f, z, g, attributes)));
    },
    ratio: gate,
  });
}

/** z Φ(z); attributes.approximate 'none' (erf) or 'tanh' (which is z times the sigmoid of a cubic). */
export const gelu = gated(
  'gelu',
  (f, z, { approximate = 'none' }) =>
    approximate === 'tanh' ? f.sigmoid(geluCubic(f, z)) : f.mul(f.add(f.erf(f.mul(z, Math.SQRT1_2)), 1), 0.5),
  (f, z, g, { approximate = 'none' }) => {
    const square = f.mul(z, z);
    if (approximate === 'none') return f.mul(f.exp(f.mul(square, -0.5)), 1 / Math.sqrt(2 * Math.PI));
    const inner = f.mul(f.add(f.mul(square, 3 * 0.044715), 1), 2 * Math.sqrt(2 / Math.PI));
    return f.mul(f.mul(g, f.sigmoid(f.neg(geluCubic(f, z)))), inner);
  },
);

function geluCubic(f: Formula, z: Value): Value {
  return f.mul(f.mul(z, f.add(f.mul(f.mul(z, z), 0.044715), 1)), 2 * Math.sqrt(2 / Math.PI));
}

/** z · sigmoid(βz); attributes.beta (1). */
export const silu = gated(
  'silu',
  (f, z, { beta = 1 }) => f.sigmoid(f.mul(z, beta)),
  (f, z, g, { beta = 1 }) => f.mul(f.mul(g, f.sigmoid(f.mul(z, -beta))), beta),
);

/** z · min(max(z/6 + ½, 0), 1). */
export const hardSwish = gated(
  'hard-swish',
  (f, z) => f.min(f.max(f.add(f.div(z, 6), 0.5), 0), 1),
  (f, z) => f.div(f.between(-3, z, 3), 6),
);

/** z · tanh(log(1 + exp z)), the gate as a quotient of polynomials in m = exp(−|z|), which cannot overflow. */
export const mish = gated(
  'mish',
  (f, z) => {
    const { numerator, denominator } = mishQuotient(f, z);
    return f.div(numerator, denominator);
  },
  (f, z) => {
    const { m, positive, denominator } = mishQuotient(f, z);
    const root = f.div(f.mul(f.select(positive, m, 1), f.add(m, 1)), denominator);
    return f.mul(f.mul(f.mul(root, root), 4), f.sigmoid(z));
  },
);

function mishQuotient(f: Formula, z: Value) {
  const m = f.exp(f.neg(f.abs(z)));
  const positive = f.greaterEqual(z, 0);
  const numerator = f.select(positive, f.add(f.mul(m, 2), 1), f.mul(m, f.add(m, 2)));
  const denominator = f.add(numerator, f.select(positive, f.mul(f.mul(m, m), 2), 2));
  return { m, positive, numerator, denominator };
}

export const exp = smooth('exp', { value: (f, z) => f.exp(z), derivative: (f, z) => f.exp(z), atZero: 1 });

export const sin = smooth('sin', {
  value: (f, z) => f.sin(z),
  derivative: (f, z) => f.cos(z),
  ratio: (f, z) => ratioBySeries(f, z, f.sin(z), [1, -1 / 6, 1 / 120, -1 / 5040]),
});

/** value/z, and near 0, where some backends' functions are exact to an absolute error only, a series in z². */
function ratioBySeries(f: Formula, z: Value, value: Value, coefficients: readonly number[]): Value {
  const square = f.mul(z, z);
  const series = coefficients.reduceRight<Value | number>((sum, c) => f.add(f.mul(sum, square), c), 0);
  const near = f.greater(0.3, f.abs(z));
  return f.select(near, series, f.div(value, f.select(near, 1, z)));
}

export const cos = smooth('cos', { value: (f, z) => f.cos(z), derivative: (f, z) => f.neg(f.sin(z)), atZero: 1 });

export const erf = smooth(
  'erf',
  {
    value: (f, z) => f.erf(z),
    derivative: (f, z) => f.mul(f.exp(f.neg(f.mul(z, z))), 2 / Math.sqrt(Math.PI)),
    ratio: (f, z) =>
      f.mul(
        ratioBySeries(f, z, f.mul(f.erf(z), Math.sqrt(Math.PI) / 2), [1, -1 / 3, 1 / 10, -1 / 42]),
        2 / Math.sqrt(Math.PI),
      ),
  },
  false,
);

export const log = smooth(
  'log',
  { value: (f, z) => f.log(z), derivative: (f, z) => f.reciprocal(z), ratio: (f, z) => f.div(f.log(z), z) },
  false,
);

/** Its slope at 0 is infinite; there both modes let nothing pass. */
export const sqrt = smooth(
  'sqrt',
  {
    value: (f, z) => f.sqrt(z),
    derivative: (f, z) => f.mul(inverseRoot(f, z), 0.5),
    ratio: inverseRoot,
  },
  false,
);

function inverseRoot(f: Formula, z: Value): Value {
  const positive = f.greater(z, 0);
  return f.div(positive, f.sqrt(f.select(positive, z, 1)));
}

export const reciprocal = smooth(
  'reciprocal',
  {
    value: (f, z) => f.reciprocal(z),
    derivative: (f, z) => f.neg(f.reciprocal(f.mul(z, z))),
    ratio: (f, z) => f.reciprocal(f.mul(z, z)),
  },
  false,
);

export const neg: Op = {
  id: 'neg',
  kind: 'linear',
  captures: 'nothing',
  shape: sameShape,
  forward: (k, [z]) => k.unary('neg', z!),
  linearise: (k) => ({ apply: ([dx]) => k.unary('neg', dx!), transpose: (dy) => [k.unary('neg', dy)] }),
};

/** The whole table. */
export const activations: readonly Op[] = [
  relu,
  leakyRelu,
  parametricRelu,
  clip,
  abs,
  hardSigmoid,
  thresholdedRelu,
  shrink,
  sigmoid,
  logSigmoid,
  tanh,
  softplus,
  softsign,
  elu,
  celu,
  selu,
  gelu,
  silu,
  hardSwish,
  mish,
  exp,
  log,
  sqrt,
  erf,
  sin,
  cos,
  reciprocal,
  neg,
];
