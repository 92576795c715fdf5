// An alluvial picture: classes stacked in one column a layer, ribbons for the samples that go from one to the next.
import type { StoredModel } from '../../reports/format.ts';

export type Flow = NonNullable<StoredModel['traceSummary']>['flows'][number];

export interface Node {
  readonly column: number;
  readonly name: string;
  readonly count: number;
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

export interface Ribbon {
  readonly flow: Flow;
  /** A closed path. */
  readonly path: string;
}

export interface FlowPicture {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly Node[];
  readonly ribbons: readonly Ribbon[];
}

export const COLUMN = 120;
const NODE = 7;
export const SIDE = 76;
const TOP = 26;
const INNER = 250;
const GAP = 5;
/** More classes than these are drawn together, under this name. */
const MOST = 12;
export const REST = 'others';

/** Lays out flows between `columns` columns; classes keep their order from column to column. */
export function flowPicture(flows: readonly Flow[], columns: number, order: readonly string[]): FlowPicture {
  const merged = mergeRare(flows);
  const names = [...new Set(merged.flatMap(({ from, to }) => [from, to]))].sort(
    (a, b) => rank(a, order) - rank(b, order) || a.localeCompare(b),
  );
  const total = merged.filter(({ layer }) => layer === 0).reduce((sum, { count }) => sum + count, 0);
  const height = TOP + INNER + GAP * names.length;
  const scale = total > 0 ? INNER / total : 0;
  const nodes: Node[] = [];
  const at = new Map<string, Node>();
  for (let column = 0; column < columns; column++) {
    let y = TOP;
    for (const name of names) {
      const entering = merged.filter((flow) =>
        column === 0 ? flow.layer === 0 && flow.from === name : flow.layer === column - 1 && flow.to === name,
      );
      const count = entering.reduce((sum, flow) => sum + flow.count, 0);
      const node = { column, name, count, x: SIDE + column * COLUMN, y, height: count * scale };
      if (count > 0) {
        nodes.push(node);
        at.set(`${column} ${name}`, node);
      }
      y += count > 0 ? node.height + GAP : 0;
    }
  }
  const left = new Map<Node, number>();
  const right = new Map<Node, number>();
  const byPlace = merged.toSorted(
    (a, b) =>
      a.layer - b.layer || names.indexOf(a.from) - names.indexOf(b.from) || names.indexOf(a.to) - names.indexOf(b.to),
  );
  const ribbons = byPlace.flatMap((flow): Ribbon[] => {
    const from = at.get(`${flow.layer} ${flow.from}`);
    const to = at.get(`${flow.layer + 1} ${flow.to}`);
    if (!from || !to) return [];
    const thick = flow.count * scale;
    const y0 = from.y + (right.get(from) ?? 0);
    const y1 = to.y + (left.get(to) ?? 0);
    right.set(from, (right.get(from) ?? 0) + thick);
    left.set(to, (left.get(to) ?? 0) + thick);
    const [x0, x1] = [from.x + NODE, to.x];
    const middle = (x0 + x1) / 2;
    const n = (value: number): string => String(Math.round(value * 10) / 10);
    const path = `M${n(x0)} ${n(y0)}C${n(middle)} ${n(y0)} ${n(middle)} ${n(y1)} ${n(x1)} ${n(y1)}V${n(y1 + thick)}C${n(middle)} ${n(y1 + thick)} ${n(middle)} ${n(y0 + thick)} ${n(x0)} ${n(y0 + thick)}Z`;
    return [{ flow, path }];
  });
  return { width: 2 * SIDE + (columns - 1) * COLUMN + NODE, height, nodes, ribbons };
}

function rank(name: string, order: readonly string[]): number {
  const at = order.indexOf(name);
  return name === REST ? Infinity : at < 0 ? order.length : at;
}

/** Keeps the classes that most samples pass; what is left of a thousand classes is one band. */
function mergeRare(flows: readonly Flow[]): Flow[] {
  const weights = new Map<string, number>();
  for (const { from, to, count } of flows) {
    weights.set(from, (weights.get(from) ?? 0) + count);
    weights.set(to, (weights.get(to) ?? 0) + count);
  }
  if (weights.size <= MOST) return [...flows];
  const kept = new Set(
    [...weights]
      .sort((a, b) => b[1] - a[1])
      .slice(0, MOST - 1)
      .map(([name]) => name),
  );
  const merged = new Map<string, Flow>();
  for (const { layer, from, to, count, wrong } of flows) {
    const [f, t] = [from, to].map((name) => (kept.has(name) ? name : REST)) as [string, string];
    const key = JSON.stringify([layer, f, t]);
    const before = merged.get(key);
    merged.set(key, {
      layer,
      from: f,
      to: t,
      count: count + (before?.count ?? 0),
      wrong: wrong + (before?.wrong ?? 0),
    });
  }
  return [...merged.values()];
}
