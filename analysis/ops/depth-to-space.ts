// Channels laid out as pixels (sub-pixel convolution, pixel shuffle).
import { UserError } from '../errors.ts';
import type { Shape } from '../kernels/kernels.ts';
import { affineOp } from './affine-op.ts';
import type { Op, OpNode } from './op.ts';
import { inverse, permute } from './transpose.ts';

/** Channel (i·b + j)·C' + c becomes pixel (i, j) of channel c in `DCR`, channel c·b² + i·b + j in `CRD`. */
export interface DepthToSpaceAttributes {
  readonly blockSize: number;
  readonly mode?: 'DCR' | 'CRD';
}

/** [N, C, H, W] -> [N, C/b², H·b, W·b]. */
export const depthToSpace: Op<DepthToSpaceAttributes> = affineOp<DepthToSpaceAttributes>({
  id: 'depth-to-space',
  shape({ attributes: { blockSize: b }, inputShapes: [from] }) {
    const [n, channels, height, width] = from!;
    if (from!.length !== 4 || channels! % b ** 2 !== 0) {
      throw new UserError(
        `[${from}] does not make blocks of ${b} × ${b} pixels: it takes [N, C, H, W] with C a multiple of ${b ** 2}`,
      );
    }
    return [n!, channels! / b ** 2, height! * b, width! * b];
  },
  linear(k, [x], node) {
    const { split, permutation } = blocks(node);
    return k.reshape(permute(k, x!, split, permutation), [-1, ...node.shape]);
  },
  transpose(k, dy, node) {
    const { split, permutation } = blocks(node);
    const spread = permutation.map((axis) => split[axis]!);
    return [k.reshape(permute(k, dy, spread, inverse(permutation)), [-1, ...node.inputShapes[0]!])];
  },
});

function blocks({ attributes: { blockSize: b, mode = 'DCR' }, inputShapes: [from] }: OpNode<DepthToSpaceAttributes>): {
  split: Shape;
  permutation: number[];
} {
  const [n, channels, height, width] = from as [number, number, number, number];
  const depth = channels / b ** 2;
  return mode === 'DCR'
    ? { split: [n, b, b, depth, height, width], permutation: [0, 3, 4, 1, 5, 2] }
    : { split: [n, depth, b, b, height, width], permutation: [0, 1, 4, 2, 5, 3] };
}
