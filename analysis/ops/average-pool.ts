// Average pooling: window sums over counts, which differ at the border where padding is not counted.
import type { Kernels, Value } from '../kernels/kernels.ts';
import { affineOp, number } from './affine-op.ts';
import type { OpNode, Op } from './op.ts';
import { padsOf, poolGeometry, windowSums, windowSumsTransposed, type PoolAttributes } from './window.ts';

/** One entry per spatial axis; a kernel of full size is global pooling. Input [N, C, …s], output [N, C, …t]. */
export interface AveragePoolAttributes extends PoolAttributes {
  /** Padding counts as zeros that are averaged too; what only ceil mode reaches never counts. Default false. */
  readonly countIncludePad?: boolean;
}

type Node = OpNode<AveragePoolAttributes>;

export const averagePool: Op<AveragePoolAttributes> = affineOp<AveragePoolAttributes>({
  id: 'average-pool',
  shape({ attributes, inputShapes }) {
    const [batch, channels, ...sizes] = inputShapes[0]!;
    return [batch!, channels!, ...poolGeometry(sizes, attributes).sizes];
  },
  linear(k, [x], node) {
    const sums = windowSums(k, x!, node.inputShapes[0]!, node.shape, node.attributes);
    return k.binary('mul', sums, weights(k, node));
  },
  transpose(k, dy, node) {
    const shares = k.binary('mul', dy, weights(k, node));
    return [windowSumsTransposed(k, shares, node.inputShapes[0]!, node.shape, node.attributes)];
  },
});

/** One over the count of each window: a single number where all are equal, else [1, 1, 1, …t]. */
function weights(k: Kernels, { attributes, inputShapes, shape }: Node): Value {
  const { kernel, strides, dilations, pads, countIncludePad = false } = attributes;
  const sizes = inputShapes[0]!.slice(2);
  const counts = sizes.map((size, axis) => {
    const { before, after } = padsOf(pads, axis);
    const [from, to] = countIncludePad ? [-before, size + after] : [0, size];
    return Array.from({ length: shape[axis + 2]! }, (_, window) => {
      const start = window * strides[axis]! - before;
      return Array.from({ length: kernel[axis]! }, (_, i) => start + i * dilations[axis]!).filter(
        (p) => p >= from && p < to,
      ).length;
    });
  });
  if (counts.every((axis) => axis.every((count) => count === axis[0]))) {
    return number(k, 1 / counts.reduce((product, axis) => product * axis[0]!, 1));
  }
  const data = counts.reduce<number[]>((grid, axis) => grid.flatMap((a) => axis.map((b) => a * b)), [1]);
  return k.constant({ data: Float32Array.from(data, (count) => 1 / count), shape: [1, 1, 1, ...shape.slice(2)] });
}
