// Softmax along one axis, p = exp(z − max z)/Σ, and what it shares with its logarithm. Taylor: dp = p∘(dz − Σ p∘dz). Frozen:
// the ratio p/z as slope, and where |z| < 1e-6 the value itself as offset, since σ(0) ≠ 0 (ALLT's last layer).
import type { Kernels, Value } from '../kernels/kernels.ts';
import { axisOf, number } from './affine-op.ts';
import type { Linearisation, Op } from './op.ts';

export interface SoftmaxAttributes {
  /** Negative counts from the end. */
  readonly axis: number;
}

interface SoftmaxParts {
  readonly id: string;
  /** Which of the two the op gives. */
  readonly gives: 'shares' | 'logarithms';
  /** The Jacobian times dz, and its transpose times dy; `sum` goes along the axis. */
  derivative(
    k: Kernels,
    shares: Value,
    sum: (value: Value) => Value,
  ): { apply: (dz: Value) => Value; transpose: (dy: Value) => Value };
}

/** Softmax or its logarithm as an op. */
export function softmaxOp({ id, gives, derivative }: SoftmaxParts): Op<SoftmaxAttributes> {
  return {
    id,
    kind: 'smooth',
    activation: true,
    captures: 'inputs',
    shape({ attributes, inputShapes }) {
      axisOf(attributes.axis, inputShapes[0]!.length);
      return inputShapes[0]!;
    },
    forward: (k, [z], { attributes, shape }) => exponentials(k, z!, axisOf(attributes.axis, shape.length) + 1)[gives],
    linearise(k, [z], _output, { attributes, shape }, mode) {
      const axis = axisOf(attributes.axis, shape.length) + 1;
      const both = exponentials(k, z!, axis);
      const value = both[gives];
      if (mode === 'frozen') return ratio(k, z!, value);
      const { apply, transpose } = derivative(k, both.shares, (x) => k.reduce('sum', x, [axis], true));
      return {
        apply: ([dz]) => apply(dz!),
        transpose: (dy) => [transpose(dy)],
        offset: k.binary('sub', value, apply(z!)),
      };
    },
  };
}

export const softmax = softmaxOp({
  id: 'softmax',
  gives: 'shares',
  derivative(k, p, sum) {
    const jacobian = (x: Value): Value => k.binary('mul', p, k.binary('sub', x, sum(k.binary('mul', p, x))));
    return { apply: jacobian, transpose: jacobian };
  },
});

/** Softmax along an axis of the value (block included), and its logarithm, both without overflow. */
function exponentials(k: Kernels, z: Value, axis: number): { shares: Value; logarithms: Value } {
  const below = k.binary('sub', z, k.reduce('max', z, [axis], true));
  const powers = k.unary('exp', below);
  const total = k.reduce('sum', powers, [axis], true);
  return { shares: k.binary('div', powers, total), logarithms: k.binary('sub', below, k.unary('log', total)) };
}

/** The frozen map of a function whose value at 0 is not 0: slope y/z, or the value as offset where |z| < 1e-6. */
function ratio(k: Kernels, z: Value, y: Value): Linearisation {
  const near = k.binary('greater', number(k, 1e-6), k.unary('abs', z));
  const zero = number(k, 0);
  const slope = k.select(near, zero, k.binary('div', y, k.select(near, number(k, 1), z)));
  const scale = (value: Value): Value => k.binary('mul', slope, value);
  return { apply: ([dz]) => scale(dz!), transpose: (dy) => [scale(dy)], offset: k.select(near, y, zero) };
}
