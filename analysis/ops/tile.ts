// An input repeated along its axes; its transpose sums the copies.
import { UserError } from '../errors.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { affineOp } from './affine-op.ts';
import type { Op } from './op.ts';

/** `repeats`: one entry per axis of one sample. */
export interface TileAttributes {
  readonly repeats: readonly number[];
}

export const tile: Op<TileAttributes> = affineOp<TileAttributes>({
  id: 'tile',
  shape({ attributes: { repeats }, inputShapes: [from] }) {
    if (repeats.length !== from!.length) {
      throw new UserError(`${repeats.length} repeats for the ${from!.length} axes of [${from}]`);
    }
    return from!.map((n, axis) => n * repeats[axis]!);
  },
  linear: (k, [x], { attributes: { repeats } }) => k.tile(x!, [1, ...repeats]),
  transpose(k, dy, { attributes: { repeats }, inputShapes: [from], shape }) {
    let rest = shape;
    // one axis at a time, so that the rank stays at three
    const summed = repeats.reduce((value, times, axis) => {
      if (times === 1) return value;
      const copies = k.reshape(value, [-1, times, from![axis]! * sizeOf(rest.slice(axis + 1))]);
      rest = rest.with(axis, from![axis]!);
      return k.reduce('sum', copies, [1], false);
    }, dy);
    return [k.reshape(summed, [-1, ...from!])];
  },
});
