// The hierarchy of a layer's direction groups as a drawing: the general above the specific (SVDW, figures 6, 7 and 9), placed
// with dagre. Boxes are never scaled below legibility: wide hierarchies scroll.
import { graphlib, layout } from '@dagrejs/dagre';

interface PlacedGroup {
  readonly group: number;
  /** Upper left corner. */
  readonly x: number;
  readonly y: number;
}
interface HierarchyDrawing {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly PlacedGroup[];
  /** SVG paths from the lower edge of a general group to the upper edge of a specific one. */
  readonly paths: readonly string[];
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Places boxes of one size; groups that no edge touches stand in rows of their own below the others. */
export function placeHierarchy(
  groups: number,
  edges: readonly (readonly number[])[],
  box: { readonly width: number; readonly height: number },
): HierarchyDrawing {
  const [gap, rows] = [10, 34];
  const linked = new Set(edges.flat());
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: gap, ranksep: rows, marginx: 2, marginy: 2 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (let group = 0; group < groups; group++) if (linked.has(group)) graph.setNode(String(group), { ...box });
  for (const [from, to] of edges) graph.setEdge(String(from), String(to));
  layout(graph);
  const boxes: PlacedGroup[] = (graph.nodes() as string[]).map((id) => {
    const { x, y } = graph.node(id) as Point;
    return { group: Number(id), x: round(x - box.width / 2), y: round(y - box.height / 2) };
  });
  const placed = graph.graph() as { width?: number; height?: number };
  const drawn = linked.size > 0 ? { width: placed.width ?? 0, height: placed.height ?? 0 } : { width: 4, height: 2 };
  const alone = Array.from({ length: groups }, (_, group) => group).filter((group) => !linked.has(group));
  const perRow = Math.max(1, Math.floor((Math.max(drawn.width, 4 * (box.width + gap)) - 4 + gap) / (box.width + gap)));
  const top = linked.size > 0 ? drawn.height + gap : 2;
  for (const [i, group] of alone.entries())
    boxes.push({
      group,
      x: 2 + (i % perRow) * (box.width + gap),
      y: top + Math.floor(i / perRow) * (box.height + gap),
    });
  const columns = Math.min(alone.length, perRow);
  const lastRow = Math.ceil(alone.length / perRow);
  return {
    width: Math.ceil(Math.max(drawn.width, columns > 0 ? columns * (box.width + gap) - gap + 4 : 0)),
    height: Math.ceil(alone.length > 0 ? top + lastRow * (box.height + gap) - gap + 2 : drawn.height),
    boxes: boxes.sort((a, b) => a.group - b.group),
    paths: (graph.edges() as object[]).map((edge) => smooth((graph.edge(edge) as { points: Point[] }).points)),
  };
}

/** A path through the points that leaves and arrives vertically. */
function smooth(points: readonly Point[]): string {
  return points
    .map(({ x, y }, i) => {
      if (i === 0) return `M${round(x)} ${round(y)}`;
      const before = points[i - 1]!;
      const middle = round((before.y + y) / 2);
      return `C${round(before.x)} ${middle} ${round(x)} ${middle} ${round(x)} ${round(y)}`;
    })
    .join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

interface Labelled {
  readonly classes: readonly string[];
}

/** Classes in words for a narrow box: all where they are few, else those that are missing, else a count. */
export function classLabel({ classes }: Labelled, all: readonly string[], room = 18): string {
  if (all.length > 2 && classes.length === all.length) return `all ${all.length} classes`;
  const listed = classes.join(', ');
  if (listed.length <= room) return listed;
  const missing = all.filter((name) => !classes.includes(name));
  const without = `all but ${missing.join(', ')}`;
  if (missing.length < classes.length && without.length <= room) return without;
  const counted = `${classes.length} classes`;
  return counted.length <= room ? counted : `${classes.length}`;
}

/** What tells sibling groups apart, a sentence per pair of neighbours under the same parent: classes that only one of them has. */
export function siblingDifferences(
  groups: readonly Labelled[],
  edges: readonly (readonly number[])[],
  most = 6,
): { readonly parent: number; readonly pair: readonly [number, number]; readonly text: string }[] {
  const differences = [];
  for (const parent of new Set(edges.map(([from]) => from!))) {
    const children = edges.filter(([from]) => from === parent).map(([, to]) => to!);
    for (let i = 1; i < children.length && differences.length < most; i++) {
      const pair = [children[i - 1]!, children[i]!] as const;
      const [first, second] = [groups[pair[0]]!.classes, groups[pair[1]]!.classes];
      const only = (own: readonly string[], other: readonly string[]) => own.filter((name) => !other.includes(name));
      const shared = first.filter((name) => second.includes(name));
      const text = [
        `only the first answers to ${list(only(first, second))}`,
        `only the second to ${list(only(second, first))}`,
        shared.length > 0 ? `both to ${list(shared)}` : 'no class has both',
      ].join('; ');
      differences.push({ parent, pair, text });
    }
  }
  return differences;
}

function list(names: readonly string[]): string {
  return names.length > 0 ? names.join(', ') : 'none';
}
