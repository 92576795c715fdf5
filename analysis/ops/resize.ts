// Images and signals in another size: nearest, linear and cubic interpolation with the coordinate rules of ONNX's Resize, which
// include those of TensorFlow and Keras. Separable: along each axis rows picked, rows repeated, or a small matrix.
import { UserError } from '../errors.ts';
import type { Kernels, Shape, Tensor, Value } from '../kernels/kernels.ts';
import { affineOp } from './affine-op.ts';
import { multiplyAlong, pick, putBack, repeat, sumRepeats } from './along-axis.ts';
import type { Op, OpNode } from './op.ts';
import { remembered } from './remembered.ts';

/** How output position i is found in the input; names are ONNX's. */
export type Coordinates =
  | 'half_pixel'
  | 'half_pixel_symmetric'
  | 'pytorch_half_pixel'
  | 'align_corners'
  | 'asymmetric'
  | 'tf_half_pixel_for_nn';

export interface ResizeAttributes {
  readonly mode: 'nearest' | 'linear' | 'cubic';
  /** The whole target shape of one sample. */
  readonly sizes: Shape;
  /** Per axis of one sample, where the model states them: they place the positions; else target size over size. */
  readonly scales?: readonly number[];
  /** half_pixel by default. */
  readonly coordinates?: Coordinates;
  /** For nearest; round_prefer_floor by default. */
  readonly nearestMode?: 'round_prefer_floor' | 'round_prefer_ceil' | 'floor' | 'ceil';
  /** For cubic; −0.75 by default. */
  readonly cubicCoefficient?: number;
  /** Weights outside the input become 0 and the rest is scaled to add to 1; else the edge goes on. */
  readonly excludeOutside?: boolean;
}

/** What resizing does along one axis. */
type AxisMap =
  | { readonly kind: 'repeat'; readonly times: number }
  | { readonly kind: 'pick'; readonly indices: Int32Array }
  | { readonly kind: 'multiply'; readonly matrix: Tensor };

export const resize: Op<ResizeAttributes> = affineOp<ResizeAttributes>({
  id: 'resize',
  shape({ attributes: { sizes, mode, scales }, inputShapes: [from] }) {
    if (sizes.length !== from!.length || (scales && scales.length !== from!.length)) {
      throw new UserError(`A resize of [${from}] to [${sizes}]: the number of axes differs`);
    }
    if (!['nearest', 'linear', 'cubic'].includes(mode)) {
      throw new UserError(`Interpolation "${mode}" is not supported. Supported: nearest, linear, cubic`);
    }
    return sizes;
  },
  linear: (k, [x], node) =>
    steps(node).reduce((value, { axis, before, map }) => {
      if (map.kind === 'repeat') return repeat(k, value, before, axis, map.times);
      if (map.kind === 'pick') return pick(k, value, before, axis, map.indices);
      return multiplyAlong(k, map.matrix, value, before, axis);
    }, x!),
  transpose: (k, dy, node) => [steps(node).reduceRight((value, step) => back(k, value, step), dy)],
});

interface Step {
  readonly axis: number;
  /** Shape of one sample before this axis is resized. */
  readonly before: Shape;
  readonly after: Shape;
  readonly map: AxisMap;
}

function back(k: Kernels, value: Value, { axis, before, after, map }: Step): Value {
  if (map.kind === 'repeat') return sumRepeats(k, value, after, axis, map.times);
  if (map.kind === 'pick') return putBack(k, value, after, axis, map.indices, before[axis]!);
  return multiplyAlong(k, map.matrix, value, after, axis, { transposed: true });
}

/** One step per axis that changes. */
function steps({ attributes, inputShapes: [from] }: OpNode<ResizeAttributes>): Step[] {
  return remembered(attributes, `steps from ${from}`, () => {
    let before = from!;
    return attributes.sizes.flatMap((target, axis) => {
      const size = before[axis]!;
      const scale = attributes.scales?.[axis];
      if (target === size && (scale ?? 1) === 1) return [];
      const after = before.with(axis, target);
      const step = { axis, before, after, map: axisMap(size, target, scale, attributes) };
      before = after;
      return [step];
    });
  });
}

function axisMap(size: number, target: number, scale: number | undefined, attributes: ResizeAttributes): AxisMap {
  const positions = Array.from({ length: target }, (_, i) => source(i, size, target, scale, attributes.coordinates));
  const clamped = (index: number): number => Math.min(Math.max(index, 0), size - 1);
  if (attributes.mode === 'nearest') {
    const indices = Int32Array.from(positions, (position) => clamped(nearestTo(position, attributes.nearestMode)));
    const times = target / size;
    const repeats = Number.isInteger(times) && indices.every((index, i) => index === Math.floor(i / times));
    return repeats ? { kind: 'repeat', times } : { kind: 'pick', indices };
  }
  const data = new Float32Array(target * size);
  positions.forEach((position, row) => {
    const floor = Math.floor(position);
    const taps = weights(position - floor, attributes).map(([at, weight]) => ({ index: floor + at, weight }));
    const used = attributes.excludeOutside ? taps.filter(({ index }) => index >= 0 && index < size) : taps;
    const total = used.reduce((sum, { weight }) => sum + weight, 0);
    for (const { index, weight } of used) data[row * size + clamped(index)]! += weight / total;
  });
  return { kind: 'multiply', matrix: { data, shape: [target, size] } };
}

/** The position in the input that output position i stands for. */
function source(
  i: number,
  size: number,
  target: number,
  given: number | undefined,
  coordinates: Coordinates = 'half_pixel',
): number {
  // a quotient of integers is exact where it is whole; a rounded scale is not
  const unscaled = (position: number): number => (given === undefined ? (position * size) / target : position / given);
  switch (coordinates) {
    case 'half_pixel':
      return unscaled(i + 0.5) - 0.5;
    case 'half_pixel_symmetric': {
      const adjustment = given === undefined ? 1 : target / (given * size);
      return (size / 2) * (1 - adjustment) + unscaled(i + 0.5) - 0.5;
    }
    case 'pytorch_half_pixel':
      return target > 1 ? unscaled(i + 0.5) - 0.5 : 0;
    case 'align_corners': {
      // ONNX means the length before rounding down
      const length = given === undefined ? target : given * size;
      return length === 1 ? 0 : (i * (size - 1)) / (length - 1);
    }
    case 'asymmetric':
      return unscaled(i);
    case 'tf_half_pixel_for_nn':
      return unscaled(i + 0.5);
    default:
      throw new UserError(`Coordinates "${String(coordinates)}" of a resize are not supported`);
  }
}

function nearestTo(position: number, mode: ResizeAttributes['nearestMode'] = 'round_prefer_floor'): number {
  if (mode === 'floor') return Math.floor(position);
  if (mode === 'ceil') return Math.ceil(position);
  return mode === 'round_prefer_ceil' ? Math.floor(position + 0.5) : Math.ceil(position - 0.5);
}

/** Neighbours of a position t beyond a grid point, and their weights; cubic: Keys 1981. */
function weights(t: number, { mode, cubicCoefficient: a = -0.75 }: ResizeAttributes): [at: number, weight: number][] {
  if (mode === 'linear') {
    return [
      [0, 1 - t],
      [1, t],
    ];
  }
  const inner = (d: number): number => ((a + 2) * d - (a + 3)) * d ** 2 + 1;
  const outer = (d: number): number => a * (((d - 5) * d + 8) * d - 4);
  return [
    [-1, outer(1 + t)],
    [0, inner(t)],
    [1, inner(1 - t)],
    [2, outer(2 - t)],
  ];
}
