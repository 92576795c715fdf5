// The architecture diagram: layers in ranks from input to output, laid out with dagre and drawn as plain SVG.
// Boxes are sized for names at 12 px, so the drawing is never scaled below legibility: wide networks scroll instead.
import { graphlib, layout } from '@dagrejs/dagre';

export const BOX = { width: 176, height: 44 };
const END = { width: 96, height: 26 };

export interface DiagramLayer {
  readonly index: number;
  readonly name: string;
}
export interface DiagramEdge {
  /** Null stands for the network's input. */
  readonly from: string | null;
  /** Null stands for the network's output. */
  readonly to: string | null;
}
export interface PlacedBox {
  /** Index of the layer, or which end of the network this is. */
  readonly of: number | 'input' | 'output';
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
export interface Diagram {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly PlacedBox[];
  /** SVG paths from the lower edge of one box to the upper edge of the next. */
  readonly paths: readonly string[];
}

/** Places the layers of a network and its two ends; without edges the layers are drawn as a chain in their order. */
export function placeDiagram(layers: readonly DiagramLayer[], edges: readonly DiagramEdge[]): Diagram {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: 20, ranksep: 22, marginx: 2, marginy: 2 });
  graph.setDefaultEdgeLabel(() => ({}));
  graph.setNode('input', { ...END });
  for (const layer of layers) graph.setNode(`layer ${layer.index}`, { ...BOX });
  graph.setNode('output', { ...END });
  const indices = new Map(layers.map((layer) => [layer.name, layer.index]));
  const known = (name: string | null) => name === null || indices.has(name);
  const usable = edges.filter((edge) => known(edge.from) && known(edge.to) && edge.from !== edge.to);
  for (const { from, to } of usable.length > 0 ? usable : chain(layers)) {
    graph.setEdge(
      from === null ? 'input' : `layer ${indices.get(from)}`,
      to === null ? 'output' : `layer ${indices.get(to)}`,
    );
  }
  layout(graph);
  // The package's types do not resolve under Node's rules, so these are ours.
  const placed = (graph.nodes() as string[]).map((id) => ({ id, ...(graph.node(id) as Placed) }));
  const boxes: PlacedBox[] = placed.map(({ id, x, y, width, height }) => ({
    of: id === 'input' ? id : id === 'output' ? id : Number(id.slice('layer '.length)),
    x: round(x - width / 2),
    y: round(y - height / 2),
    width,
    height,
  }));
  const paths = (graph.edges() as object[]).map((edge) => smooth((graph.edge(edge) as { points: Point[] }).points));
  const { width = 0, height = 0 } = graph.graph();
  return { width: Math.ceil(width), height: Math.ceil(height), boxes, paths };
}

interface Point {
  readonly x: number;
  readonly y: number;
}
interface Placed extends Point {
  readonly width: number;
  readonly height: number;
}

function chain(layers: readonly DiagramLayer[]): DiagramEdge[] {
  const names = [null, ...layers.map((layer) => layer.name), null];
  return names.slice(1).map((to, i) => ({ from: names[i] ?? null, to }));
}

/** A path through the points that leaves and arrives vertically. */
function smooth(points: readonly Point[]): string {
  return points
    .map((point, i) => {
      if (i === 0) return `M${round(point.x)} ${round(point.y)}`;
      const before = points[i - 1]!;
      const middle = round((before.y + point.y) / 2);
      return `C${round(before.x)} ${middle} ${round(point.x)} ${middle} ${round(point.x)} ${round(point.y)}`;
    })
    .join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
