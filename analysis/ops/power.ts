// x to a constant exponent: squares, roots and their inverses. An exponent that depends on the input is no map of ours.
import { UserError } from '../errors.ts';
import type { Kernels, Value } from '../kernels/kernels.ts';
import { alignRank, alignShape, broadcastShape, number, sumToShape } from './affine-op.ts';
import { formula, type Formula } from './formula.ts';
import type { Op, OpNode } from './op.ts';

/**
 * The exponent is `exponent`, or parameters.exponent (broadcast from the right), or a second input that does not depend on
 * the map's domain.
 */
export interface PowerAttributes {
  readonly exponent?: number;
}

/** Where x is 0 and the slope would be infinite, both modes let nothing pass, as sqrt does. */
export const power: Op<PowerAttributes> = {
  id: 'power',
  kind: 'smooth',
  captures: 'inputs',
  shape({ attributes: { exponent }, parameters, inputShapes }) {
    if (exponent === undefined && !parameters['exponent'] && inputShapes.length < 2) {
      throw new UserError('A power has no exponent');
    }
    return broadcastShape(...inputShapes, parameters['exponent']?.shape ?? []);
  },
  forward: (k, inputs, node) => k.binary('pow', base(k, inputs[0]!, node), exponentOf(k, inputs, node)),
  linearise(k, inputs, _output, node, mode, dependent) {
    if (dependent[1]) throw new UserError('A power whose exponent depends on the input is not supported');
    const f = formula(k);
    const x = base(k, inputs[0]!, node);
    const p = exponentOf(k, inputs, node);
    const lowered = loweredPower(f, x, p);
    // x⁰ is 1 whatever x is: a constant that no ratio carries
    const isConstant = f.equal(p, 0);
    const slope = mode === 'taylor' ? f.mul(lowered, p) : f.select(isConstant, 0, lowered);
    const offset = mode === 'taylor' ? f.sub(f.pow(x, p), f.mul(slope, x)) : f.mul(isConstant, f.equal(x, x));
    return {
      apply: ([dx]) => f.mul(base(k, dx!, node), slope),
      transpose: (dy) =>
        inputs.map((_, i) => (i === 0 ? sumToShape(k, f.mul(dy, slope), node.shape, node.inputShapes[0]!) : null)),
      offset,
    };
  },
};

function base(k: Kernels, x: Value, { inputShapes, shape }: OpNode<PowerAttributes>): Value {
  return alignRank(k, x, inputShapes[0]!, shape.length);
}

function exponentOf(k: Kernels, inputs: readonly Value[], node: OpNode<PowerAttributes>): Value {
  const { attributes, parameters, inputShapes, shape } = node;
  if (attributes.exponent !== undefined) return number(k, attributes.exponent);
  const parameter = parameters['exponent'];
  if (!parameter) return alignRank(k, inputs[1]!, inputShapes[1]!, shape.length);
  return k.constant({ data: parameter.data, shape: [1, ...alignShape(parameter.shape, shape.length)] });
}

/** x^(p − 1), and 0 where x is 0 and p below 1. */
function loweredPower(f: Formula, x: Value, p: Value): Value {
  const singular = f.mul(f.equal(x, 0), f.greater(1, p));
  return f.select(singular, 0, f.pow(f.select(singular, 1, x), f.sub(p, 1)));
}
