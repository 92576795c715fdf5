// Local response normalisation across channels: y = x / D^β, D = bias + (α/size)·S(x²), S the sum over `size` neighbouring
// channels. Taylor: dy = D^−β∘dx − c·x∘D^(−β−1)∘S(x∘dx), c = 2αβ/size, so the offset is c·x∘D^(−β−1)∘S(x²).
// Frozen: the denominator is held fixed, like the statistics of every other normalisation.
import { UserError } from '../errors.ts';
import { sizeOf, type Kernels, type PoolOptions, type Value } from '../kernels/kernels.ts';
import { number } from './affine-op.ts';
import type { Op, OpNode } from './op.ts';

/** Input [N, C, …s]. Channel c is divided by the channels c − ⌊(size − 1)/2⌋ … c + ⌈(size − 1)/2⌉. */
export interface LocalResponseNormAttributes {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
}

type Node = OpNode<LocalResponseNormAttributes>;

export const localResponseNorm: Op<LocalResponseNormAttributes> = {
  id: 'local-response-norm',
  kind: 'normalisation',
  captures: 'inputs',
  shape({ inputShapes }) {
    if (inputShapes[0]!.length < 2) throw new UserError('Local response normalisation needs a channel axis.');
    return inputShapes[0]!;
  },
  forward: (k, [x], node) => k.binary('mul', x!, denominator(k, x!, node, 0)),
  linearise(k, [x0], _output, node, mode) {
    const { size, alpha, beta } = node.attributes;
    const slope = denominator(k, x0!, node, 0);
    const direct = (value: Value): Value => k.binary('mul', slope, value);
    if (mode === 'frozen') return { apply: ([dx]) => direct(dx!), transpose: (dy) => [direct(dy)] };
    const weight = number(k, (2 * alpha * beta) / size);
    const coupling = k.binary('mul', k.binary('mul', x0!, denominator(k, x0!, node, 1)), weight);
    const coupled = (dx: Value): Value => k.binary('mul', coupling, neighbours(k, k.binary('mul', x0!, dx), node));
    return {
      apply: ([dx]) => k.binary('sub', direct(dx!), coupled(dx!)),
      transpose: (dy) => [
        k.binary('sub', direct(dy), k.binary('mul', x0!, neighboursTransposed(k, k.binary('mul', coupling, dy), node))),
      ],
      offset: coupled(x0!),
    };
  },
};

/** D^(−β − extra) at x. */
function denominator(k: Kernels, x: Value, node: Node, extra: number): Value {
  const { size, alpha, beta, bias } = node.attributes;
  const energy = k.binary('mul', neighbours(k, k.binary('mul', x, x), node), number(k, alpha / size));
  return k.binary('pow', k.binary('add', energy, number(k, bias)), number(k, -beta - extra));
}

/** Channels as one spatial axis of a single-channel image: [B·N, 1, C, positions]. */
function asImage(k: Kernels, x: Value, { shape }: Node): Value {
  return k.reshape(x, [-1, 1, shape[1]!, sizeOf(shape.slice(2))]);
}

function channelWindow({ size }: LocalResponseNormAttributes): PoolOptions {
  const before = Math.floor((size - 1) / 2);
  return { kernel: [size, 1], strides: [1, 1], dilations: [1, 1], pads: [before, 0, size - 1 - before, 0] };
}

function neighbours(k: Kernels, x: Value, node: Node): Value {
  return k.reshape(k.sumPool(asImage(k, x, node), channelWindow(node.attributes)), [-1, ...node.shape]);
}

function neighboursTransposed(k: Kernels, y: Value, node: Node): Value {
  const options = {
    ...channelWindow(node.attributes),
    size: [node.shape[1]!, sizeOf(node.shape.slice(2))],
    channels: 1,
  };
  return k.reshape(k.sumPoolTranspose(asImage(k, y, node), options), [-1, ...node.shape]);
}
