// Blocks of pixels laid out as channels: the inverse of depth-to-space in its DCR order.
import { UserError } from '../errors.ts';
import { affineOp } from './affine-op.ts';
import type { Op, OpNode } from './op.ts';
import { inverse, permute } from './transpose.ts';

export interface SpaceToDepthAttributes {
  readonly blockSize: number;
}

const PERMUTATION = [0, 3, 5, 1, 2, 4];

/** [N, C, H, W] -> [N, C·b², H/b, W/b]. */
export const spaceToDepth: Op<SpaceToDepthAttributes> = affineOp<SpaceToDepthAttributes>({
  id: 'space-to-depth',
  shape({ attributes: { blockSize: b }, inputShapes: [from] }) {
    const [n, channels, height, width] = from!;
    if (from!.length !== 4 || height! % b !== 0 || width! % b !== 0) {
      throw new UserError(`[${from}] does not fall into blocks of ${b} × ${b} pixels: it takes [N, C, H, W]`);
    }
    return [n!, channels! * b ** 2, height! / b, width! / b];
  },
  linear: (k, [x], node) => k.reshape(permute(k, x!, split(node), PERMUTATION), [-1, ...node.shape]),
  transpose(k, dy, node) {
    const blocks = PERMUTATION.map((axis) => split(node)[axis]!);
    return [k.reshape(permute(k, dy, blocks, inverse(PERMUTATION)), [-1, ...node.inputShapes[0]!])];
  },
});

function split({ attributes: { blockSize: b }, inputShapes: [from] }: OpNode<SpaceToDepthAttributes>): number[] {
  const [n, channels, height, width] = from as [number, number, number, number];
  return [n, channels, height / b, b, width / b, b];
}
