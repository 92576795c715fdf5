// Points of an embedding laid out for a drawing: one path a class, a cross on what is wrong, pictures where there is room.
import type { StoredLayer } from '../../reports/format.ts';
import { CHART_WIDTH } from './chart.ts';

type Point = NonNullable<StoredLayer['layerFeatures']>['embedding'][number];

export interface PointGroup {
  readonly name: string;
  /** Zero-length strokes: a point is ten bytes, and a line cap makes it round or square. */
  readonly path: string;
  readonly series: number;
  readonly square: boolean;
  /** Where its name stands: the middle of its points. */
  readonly x: number;
  readonly y: number;
}

export interface PointMap {
  readonly width: number;
  readonly height: number;
  readonly groups: readonly PointGroup[];
  readonly crosses: string;
  readonly thumbnails: readonly { readonly name: string; readonly x: number; readonly y: number }[];
}

const HEIGHT = 320;
const MARGIN = 12;
/** One picture at most in a cell of this many pixels. */
const CELL = 46;
/** Classes that get a mark of their own: five colours, round and square. */
const MARKS = 10;

/** Lays out the points of an embedding; classes beyond the ten most frequent share one mark. */
export function placePoints(points: readonly Point[]): PointMap {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const place = (values: readonly number[], size: number) => {
    const low = Math.min(...values);
    const span = Math.max(...values) - low || 1;
    return (value: number): number => Math.round((MARGIN + ((value - low) / span) * (size - 2 * MARGIN)) * 10) / 10;
  };
  const [px, py] = [place(xs, CHART_WIDTH), place(ys, HEIGHT)];
  const placed = points.map((point) => ({ ...point, x: px(point.x), y: py(point.y) }));
  const byClass = Map.groupBy(placed, ({ label }) => label ?? '');
  const ordered = [...byClass].sort((a, b) => b[1].length - a[1].length);
  const marked = new Set(ordered.slice(0, MARKS).map(([name]) => name));
  const groups = [...byClass.keys()]
    .filter((name) => marked.has(name))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name, i) => groupOf(name, byClass.get(name)!, (i + 1) % 5, i >= 5));
  const apart = moveApart(groups);
  const others = placed.filter(({ label }) => !marked.has(label ?? ''));
  if (others.length > 0) apart.push({ ...groupOf('', others, 0, false), name: '' });
  const crosses = placed
    .filter(({ correct }) => correct === false)
    .map(({ x, y }) => `M${x - 4} ${y - 4}l8 8m0-8l-8 8`)
    .join('');
  const cells = new Set<string>();
  const thumbnails = placed.flatMap(({ sample, x, y }) => {
    const cell = `${Math.floor(x / CELL)} ${Math.floor(y / CELL)}`;
    if (cells.has(cell)) return [];
    cells.add(cell);
    return [{ name: sample, x, y }];
  });
  return { width: CHART_WIDTH, height: HEIGHT, groups: apart, crosses, thumbnails };
}

/** Height of a name, and how wide one of its characters is at most. */
const LINE = 14;
const CHARACTER = 8;
/** Longer names are cut where they are drawn. */
export const MOST_CHARACTERS = 12;

/** Names inside the picture and off each other: moved down until they are free, or up where there is no room below. */
function moveApart(groups: readonly PointGroup[]): PointGroup[] {
  const placed: PointGroup[] = [];
  const halfOf = ({ name }: PointGroup): number => (Math.min(name.length, MOST_CHARACTERS) * CHARACTER) / 2;
  for (const group of groups.toSorted((a, b) => a.y - b.y)) {
    const half = halfOf(group);
    const x = Math.min(Math.max(group.x, half), CHART_WIDTH - half);
    const free = (y: number): boolean =>
      y > LINE &&
      y < HEIGHT &&
      placed.every((other) => Math.abs(other.y - y) >= LINE || Math.abs(other.x - x) >= halfOf(other) + half);
    const steps = Array.from({ length: 2 * MARKS }, (_, i) => i * LINE);
    const tried = [...steps.map((step) => group.y + step), ...steps.map((step) => group.y - step)];
    placed.push({ ...group, x, y: tried.find(free) ?? group.y });
  }
  return placed;
}

function groupOf(
  name: string,
  points: readonly { x: number; y: number }[],
  series: number,
  square: boolean,
): PointGroup {
  const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
  return {
    name,
    path: points.map(({ x, y }) => `M${x} ${y}h0`).join(''),
    series,
    square,
    x: middle(points.map(({ x }) => x)),
    y: middle(points.map(({ y }) => y)) + 4,
  };
}
