// Borders around an input: a constant, its edge, or itself mirrored. Negative pads cut instead.
import { UserError } from '../errors.ts';
import { sizeOf, type Kernels, type Shape, type Value } from '../kernels/kernels.ts';
import { affineOp, type Broadcastable } from './affine-op.ts';
import { pick, putBack } from './along-axis.ts';
import type { Op, OpNode } from './op.ts';
import { remembered } from './remembered.ts';

/** `reflect` mirrors about the edge's centre (the edge once), `symmetric` about its border (twice), `wrap` goes round. */
export type PadMode = 'constant' | 'edge' | 'reflect' | 'symmetric' | 'wrap';

export interface PadAttributes {
  readonly mode?: PadMode;
  /** [before…, after…] over all axes of one sample. */
  readonly pads: readonly number[];
  /** For `constant`; 0 by default. Infinite values become the largest that keep 0 · value = 0. */
  readonly value?: number;
}

const LARGEST = 3e38;

export const pad: Op<PadAttributes> = affineOp<PadAttributes>({
  id: 'pad',
  shape({ attributes: { pads, mode = 'constant' }, inputShapes: [from] }) {
    const rank = from!.length;
    if (pads.length !== 2 * rank) throw new UserError(`${pads.length} pads for the ${rank} axes of [${from}]`);
    const shape = from!.map((n, axis) => n + pads[axis]! + pads[axis + rank]!);
    if (shape.some((n) => n < 1)) throw new UserError(`Pads [${pads}] that leave nothing of [${from}]`);
    const reach = { constant: Infinity, edge: Infinity, wrap: Infinity, reflect: -1, symmetric: 0 }[mode];
    if (from!.some((n, axis) => Math.max(pads[axis]!, pads[axis + rank]!) > Math.max(n + reach, 0))) {
      throw new UserError(`Pads [${pads}] are larger than what "${mode}" can mirror of [${from}]`);
    }
    return shape;
  },
  linear(k, [x], { attributes, inputShapes: [from] }) {
    const { pads, mode = 'constant' } = attributes;
    if (mode === 'constant') return padWithZeros(k, x!, from!, pads);
    return mirrors(attributes, mode, from!).reduce(
      (value, { axis, indices, shape }) => pick(k, value, shape, axis, indices),
      x!,
    );
  },
  transpose(k, dy, { attributes, inputShapes: [from], shape }) {
    const { pads, mode = 'constant' } = attributes;
    const cuts = pads.map((n) => -n);
    if (mode === 'constant') return [padWithZeros(k, dy, shape, cuts)];
    return [
      mirrors(attributes, mode, from!).reduceRight(
        (value, { axis, indices, shape: before }) =>
          putBack(k, value, before.with(axis, indices.length), axis, indices, before[axis]!),
        dy,
      ),
    ];
  },
  constant: border,
});

/** Zeros where pads are positive; cuts where they are negative. */
function padWithZeros(k: Kernels, x: Value, shape: Shape, pads: readonly number[]): Value {
  const rank = shape.length;
  const cut = shape.flatMap((n, axis) => {
    const [before, after] = [Math.min(0, pads[axis]!), Math.min(0, pads[axis + rank]!)];
    return before === 0 && after === 0 ? [] : [{ axis: axis + 1, start: -before, end: n + after }];
  });
  const inner =
    cut.length === 0
      ? x
      : k.slice(x, {
          axes: cut.map(({ axis }) => axis),
          starts: cut.map(({ start }) => start),
          ends: cut.map(({ end }) => end),
          steps: cut.map(() => 1),
        });
  const added = pads.map((n) => Math.max(0, n));
  return added.every((n) => n === 0) ? inner : k.pad(inner, [0, ...added.slice(0, rank), 0, ...added.slice(rank)]);
}

/** Axis by axis: which rows of the input (of this shape by then) make the padded one. */
function mirrors(attributes: PadAttributes, mode: Exclude<PadMode, 'constant'>, from: Shape) {
  const { pads } = attributes;
  const rank = from.length;
  let shape = from;
  return from.flatMap((n, axis) => {
    const [before, after] = [pads[axis]!, pads[axis + rank]!];
    if (before === 0 && after === 0) return [];
    const indices = remembered(attributes, `rows ${axis} of ${n}`, () =>
      Int32Array.from({ length: before + n + after }, (_, i) => source(i - before, n, mode)),
    );
    const step = { axis, indices, shape };
    shape = shape.with(axis, indices.length);
    return [step];
  });
}

function source(position: number, size: number, mode: Exclude<PadMode, 'constant'>): number {
  if (position >= 0 && position < size) return position;
  if (mode === 'edge') return position < 0 ? 0 : size - 1;
  if (mode === 'wrap') return ((position % size) + size) % size;
  const shared = mode === 'reflect' ? 0 : 1;
  return position < 0 ? -position - shared : 2 * (size - 1) - position + shared;
}

/** The constant border, 0 inside. */
function border(k: Kernels, node: OpNode<PadAttributes>): Broadcastable | undefined {
  const { attributes, shape } = node;
  if ((attributes.mode ?? 'constant') !== 'constant' || (attributes.value ?? 0) === 0) return undefined;
  const data = remembered(attributes, `border ${shape}`, () => borderNumbers(node));
  return { value: k.constant({ data, shape: [1, ...shape] }), shape };
}

function borderNumbers({ attributes: { pads, value = 0 }, inputShapes: [from], shape }: OpNode<PadAttributes>) {
  const filling = Math.max(-LARGEST, Math.min(LARGEST, value));
  return Float32Array.from({ length: sizeOf(shape) }, (_, at) => {
    let rest = at;
    let inside = true;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const position = (rest % shape[axis]!) - pads[axis]!;
      inside &&= position >= 0 && position < from![axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return inside ? 0 : filling;
  });
}
