// Rows along an axis by indices that the model fixes. Looking rows up by an input is no linear map of that input.
import { UserError } from '../errors.ts';
import { sizeOf, type Shape } from '../kernels/kernels.ts';
import { affineOp, axisOf } from './affine-op.ts';
import { pick, putBack } from './along-axis.ts';
import type { Op, OpNode } from './op.ts';
import { remembered } from './remembered.ts';

export interface GatherAttributes {
  readonly axis: number;
  /** Row-major; negative ones count from the end. */
  readonly indices: readonly number[];
  /** The shape that takes the axis's place: [indices.length] by default, [] for one row without its axis. */
  readonly indicesShape?: Shape;
}

export const gather: Op<GatherAttributes> = affineOp<GatherAttributes>({
  id: 'gather',
  shape(node) {
    const { inputShapes, attributes } = node;
    if (inputShapes.length > 1) throw new UserError('Rows looked up by indices that are computed are not supported');
    const { axis, indices, size } = rows(node);
    const indicesShape = attributes.indicesShape ?? [indices.length];
    if (sizeOf(indicesShape) !== indices.length) {
      throw new UserError(`${indices.length} indices do not make a shape [${indicesShape}]`);
    }
    const outside = attributes.indices.find((index) => index < -size || index >= size);
    if (outside !== undefined) throw new UserError(`Index ${outside} is outside an axis of ${size}`);
    return inputShapes[0]!.toSpliced(axis, 1, ...indicesShape);
  },
  linear(k, [x], node) {
    const { axis, indices } = rows(node);
    return k.reshape(pick(k, x!, node.inputShapes[0]!, axis, indices), [-1, ...node.shape]);
  },
  transpose(k, dy, node) {
    const { axis, indices, size } = rows(node);
    const [from] = node.inputShapes;
    const picked = from!.with(axis, indices.length);
    return [putBack(k, k.reshape(dy, [-1, ...picked]), picked, axis, indices, size)];
  },
});

function rows({ attributes, inputShapes: [from] }: Omit<OpNode<GatherAttributes>, 'shape'>) {
  const axis = axisOf(attributes.axis, from!.length);
  const size = from![axis]!;
  const indices = remembered(attributes, `indices ${size}`, () =>
    Int32Array.from(attributes.indices, (index) => (index < 0 ? index + size : index)),
  );
  return { axis, size, indices };
}
