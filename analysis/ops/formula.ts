// Formulas over values: numbers stand for constants, so that an op reads as its equation does.
import type { BinaryKernel, Kernels, UnaryKernel, Value } from '../kernels/kernels.ts';
import { number } from './affine-op.ts';

export type Term = Value | number;

type Unary = Record<UnaryKernel, (x: Term) => Value>;
type Binary = Record<BinaryKernel, (a: Term, b: Term) => Value>;

export interface Formula extends Unary, Binary {
  /** a where condition is not 0, else b. */
  select(condition: Value, a: Term, b: Term): Value;
  /** 1 where low < x < high, else 0; an infinite bound is no bound. */
  between(low: number, x: Value, high: number): Value;
}

const UNARY: readonly UnaryKernel[] = [
  'neg',
  'abs',
  'exp',
  'log',
  'sqrt',
  'tanh',
  'sigmoid',
  'erf',
  'sign',
  'floor',
  'reciprocal',
  'sin',
  'cos',
];
const BINARY: readonly BinaryKernel[] = [
  'add',
  'sub',
  'mul',
  'div',
  'max',
  'min',
  'pow',
  'greater',
  'greaterEqual',
  'equal',
];

/** The kernels as functions of terms; elementwise, broadcasting as numpy does. */
export function formula(k: Kernels): Formula {
  const value = (term: Term): Value => (typeof term === 'number' ? number(k, term) : term);
  const unary = Object.fromEntries(UNARY.map((name) => [name, (x: Term) => k.unary(name, value(x))])) as Unary;
  const binary = Object.fromEntries(
    BINARY.map((name) => [name, (a: Term, b: Term) => k.binary(name, value(a), value(b))]),
  ) as Binary;
  const { greater, mul, greaterEqual } = binary;
  return {
    ...unary,
    ...binary,
    select: (condition, a, b) => k.select(condition, value(a), value(b)),
    between(low, x, high) {
      const above = Number.isFinite(low) ? greater(x, low) : undefined;
      const below = Number.isFinite(high) ? greater(high, x) : undefined;
      if (above && below) return mul(above, below);
      return above ?? below ?? greaterEqual(mul(x, 0), 0);
    },
  };
}
