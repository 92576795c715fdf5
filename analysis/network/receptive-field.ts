// What a value of the network can depend on, as boxes of the input: for every axis of a node that follows an axis of the
// input (through convolutions, pooling and whatever acts at each position alone), the first and last input position behind
// each of its own. Rows of a Jacobian whose boxes do not meet may share a probe (Curtis, Powell and Reid 1974).
import { activations } from '../ops/activations.ts';
import { poolGeometry, type PoolAttributes } from '../ops/window.ts';
import type { ConvAttributes } from '../ops/conv.ts';
import type { Network, Node, NodeId } from './network.ts';

/** Along one axis of a node: which axis of the input it follows, and the first and last position there behind each of its own. */
export interface FieldAxis {
  readonly axis: number;
  readonly inputAxis: number;
  readonly first: Int32Array;
  readonly last: Int32Array;
}

const atEachPosition = new Set([...activations.map(({ id }) => id), 'identity', 'batch-norm']);
const joining = new Set(['add', 'subtract', 'multiply', 'divide', 'maximum']);

/**
 * The axes of node `to` that follow an axis of node `from`; an axis that is not listed may depend on everything. Empty where
 * nothing is known.
 */
export function receptiveField(network: Network, from: NodeId, to: NodeId): readonly FieldAxis[] {
  const known = new Map<NodeId, readonly FieldAxis[]>();
  const nodes = new Map(network.nodes.map((node) => [node.id, node]));
  for (const node of network.nodes) {
    if (node.id === from)
      known.set(
        from,
        node.shape.flatMap((size, axis) => (size > 1 ? [identityAxis(axis, size)] : [])),
      );
    else if (node.inputs.some((id) => known.has(id))) known.set(node.id, fieldOf(node, known, nodes));
    if (node.id === to) break;
  }
  return known.get(to) ?? [];
}

function identityAxis(axis: number, size: number): FieldAxis {
  const positions = Int32Array.from({ length: size }, (_, i) => i);
  return { axis, inputAxis: axis, first: positions, last: positions };
}

function fieldOf(
  node: Node,
  known: ReadonlyMap<NodeId, readonly FieldAxis[]>,
  nodes: ReadonlyMap<NodeId, Node>,
): readonly FieldAxis[] {
  const dependent = node.inputs.filter((id) => known.has(id));
  const [field] = dependent.map((id) => known.get(id)!);
  const inputShape = nodes.get(dependent[0]!)!.shape;
  if (atEachPosition.has(node.op)) return field!;
  if (node.op === 'local-response-norm') return field!.filter(({ axis }) => axis >= 2);
  if (node.op === 'dense') return field!.filter(({ axis }) => axis < node.shape.length - 1);
  if (node.op === 'transpose') {
    const permutation = node.attributes['perm'] as readonly number[] | undefined;
    if (!permutation) return [];
    return field!.map((one) => ({ ...one, axis: permutation.indexOf(one.axis) })).filter(({ axis }) => axis >= 0);
  }
  if (joining.has(node.op)) {
    const alike = dependent.every((id) => String(nodes.get(id)!.shape) === String(node.shape));
    return alike ? dependent.map((id) => known.get(id)!).reduce(union) : [];
  }
  if (node.op === 'concat') {
    const axis = node.attributes['axis'] as number;
    const along = axis < 0 ? axis + node.shape.length : axis;
    const fields = dependent.map((id): readonly FieldAxis[] => known.get(id)!.filter((one) => one.axis !== along));
    return fields.reduce(union);
  }
  const windows = windowsOf(node, inputShape);
  return windows ? field!.flatMap((one) => (one.axis >= 2 ? [throughWindow(one, node, windows)] : [])) : [];
}

interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

function windowsOf(node: Node, inputShape: readonly number[]): Windows | null {
  if (node.op === 'conv') {
    return { ...(node.attributes as unknown as ConvAttributes), kernel: node.parameters['weight']!.shape.slice(2) };
  }
  if (node.op !== 'max-pool' && node.op !== 'average-pool') return null;
  return poolGeometry(inputShape.slice(2), node.attributes as unknown as PoolAttributes).options;
}

function throughWindow(field: FieldAxis, node: Node, { kernel, strides, dilations, pads }: Windows): FieldAxis {
  const i = field.axis - 2;
  const count = node.shape[field.axis]!;
  const [first, last] = [new Int32Array(count), new Int32Array(count)];
  for (let p = 0; p < count; p++) {
    const start = p * strides[i]! - pads[i]!;
    const end = Math.min(start + (kernel[i]! - 1) * dilations[i]!, field.first.length - 1);
    // A window that lies in the padding sees nothing: last < first.
    let [low, high] = [0, -1];
    for (let q = Math.max(0, start); q <= end; q++) {
      if (field.last[q]! < field.first[q]!) continue;
      low = high < low ? field.first[q]! : Math.min(low, field.first[q]!);
      high = Math.max(high, field.last[q]!);
    }
    [first[p], last[p]] = [low, high];
  }
  return { ...field, first, last };
}

/** What both know: the smallest boxes that hold the boxes of both. */
function union(a: readonly FieldAxis[], b: readonly FieldAxis[]): readonly FieldAxis[] {
  return a.flatMap((one) => {
    const other = b.find(({ axis, inputAxis }) => axis === one.axis && inputAxis === one.inputAxis);
    if (!other) return [];
    const isEmpty = (field: FieldAxis, p: number): boolean => field.last[p]! < field.first[p]!;
    const pick = (side: 'first' | 'last', choose: (a: number, b: number) => number): Int32Array =>
      one[side].map((v, p) => (isEmpty(one, p) ? other[side][p]! : isEmpty(other, p) ? v : choose(v, other[side][p]!)));
    return [{ ...one, first: pick('first', Math.min), last: pick('last', Math.max) }];
  });
}
