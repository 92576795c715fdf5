// Shapes of which some dimensions are free until a program runs (null), as far as a recorder must follow them.
import { sizeOf, type Shape, type Window } from './kernels.ts';

/** null: free, known only when the program runs. */
export type Dim = number | null;
export type FreeShape = readonly Dim[];

/** Size along an axis; negative axes count from the end. */
export function dimOf(shape: FreeShape, axis: number): Dim {
  return shape.at(axis) ?? null;
}

/** The shape, if none of its dimensions is free. */
export function knownShape(shape: FreeShape): Shape | undefined {
  return shape.every((n) => n !== null) ? shape : undefined;
}

/** Whether both are known and equal. */
export function sameShape(a: FreeShape, b: FreeShape): boolean {
  return a.length === b.length && a.every((n, axis) => n !== null && n === b[axis]);
}

/** The shape that numpy broadcasting gives; throws where the known dimensions do not fit. */
export function broadcastShape(a: FreeShape, b: FreeShape): Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const p = axis < rank - a.length ? 1 : dimOf(a, axis - rank);
    const q = axis < rank - b.length ? 1 : dimOf(b, axis - rank);
    if (p === 1) return q;
    if (q === 1 || q === null) return p;
    if (p !== null && p !== q) throw new Error(`Shapes ${textOf(a)} and ${textOf(b)} do not broadcast.`);
    return q;
  });
}

/** The shape asked for, its −1 filled in where the size is known; throws where known sizes differ. */
export function reshaped(from: FreeShape, to: Shape): Dim[] {
  const known = knownShape(from);
  if (known === undefined) return to.map((n) => (n === -1 ? null : n));
  const size = sizeOf(known);
  const rest = sizeOf(to.filter((n) => n !== -1));
  const fits = to.includes(-1) ? size % rest === 0 : size === rest;
  if (!fits) throw new Error(`Shape ${textOf(from)} cannot become ${textOf(to)}.`);
  return to.map((n) => (n === -1 ? size / rest : n));
}

/** Spatial sizes after a window has moved over [N, C, …space]. */
export function windowed(shape: FreeShape, kernel: Shape, { strides, dilations, pads }: Window): Dim[] {
  return kernel.map((size, i) => {
    const n = dimOf(shape, i + 2);
    if (n === null) return null;
    const reach = dilations[i]! * (size - 1) + 1;
    return Math.floor((n + pads[i]! + pads[i + kernel.length]! - reach) / strides[i]!) + 1;
  });
}

/** How messages show a shape: [?, 3, 32, 32]. */
export function textOf(shape: FreeShape): string {
  return `[${shape.map((n) => n ?? '?').join(', ')}]`;
}
