// Channels-last files on a channels-first graph: a view is a value as the file sees it, over a node that may store its axes in
// another order. A transposition only changes the view; a transpose node stands where an op needs another order than the stored one.
import { sizeOf, type Shape, type Tensor } from '../kernels/kernels.ts';
import { transposeConstant } from '../network/constant-folding.ts';
import type { NodeId } from '../network/network.ts';
import type { Draft, GraphBuilder } from './graph.ts';

/** Axis i of the value is axis `order[i]` of the node. */
export interface View {
  readonly id: NodeId;
  readonly order: readonly number[];
}

type Settings = Omit<Draft, 'op' | 'inputs'>;

export interface ViewBuilder {
  /** The shape as the file sees it. */
  shapeOf(view: View): Shape;
  input(id: NodeId, shape: Shape): View;
  constant(id: NodeId, value: Tensor, name?: string): View;
  /** Adds a node; its axes are those of the file unless an order is given. A wanted id that is taken or promised changes. */
  add(id: NodeId, nodeName: string, draft: Draft, order?: readonly number[]): View;
  /** The node with the value's axes in this order, or as the file has them. */
  stored(view: View, axes?: readonly number[]): NodeId;
  /** The node with its channels on axis 1, where the file has them on this axis; and the order that goes with it. */
  channelsFirst(view: View, channelAxis: number): { id: NodeId; order: readonly number[] };
  /** An op that treats every entry alike, in the stored order. */
  elementwise(id: NodeId, nodeName: string, op: string, view: View, settings?: Settings): View;
  /** An op that broadcasts its inputs. */
  broadcast(id: NodeId, nodeName: string, op: string, views: readonly View[], settings?: Settings): View;
  /** The view with its axes in another order. */
  transposed(view: View, axes: readonly number[]): View;
  /** A reshape; nothing where the shape stays. */
  reshaped(id: NodeId, nodeName: string, view: View, shape: Shape): View;
  /** Gives the value the id that was promised for it, in the file's order. */
  finish(name: string, view: View): NodeId;
}

const inPlace = (order: readonly number[]): boolean => order.every((axis, i) => axis === i);
const plainOrder = (shape: Shape): number[] => shape.map((_, axis) => axis);

/** The order that undoes this one. */
export function inverse(order: readonly number[]): number[] {
  const result = new Array<number>(order.length);
  order.forEach((axis, i) => (result[axis] = i));
  return result;
}

const permuted = new WeakMap<object, Map<string, Tensor>>();

/** A tensor's axes in this order and then another shape; the same one for the same numbers, so that shared weights stay shared. */
export function rearranged(tensor: Tensor, axes: readonly number[], shape?: Shape): Tensor {
  const { data } = tensor;
  const known = permuted.get(data) ?? new Map<string, Tensor>();
  permuted.set(data, known);
  const key = `${tensor.shape.join()}|${axes.join()}|${shape?.join() ?? ''}`;
  let result = known.get(key);
  if (!result) {
    const moved = inPlace(axes) ? tensor : transposeConstant({ type: 'float', data, shape: tensor.shape }, axes);
    result = { data: moved.data as Float32Array, shape: shape ?? moved.shape };
    known.set(key, result);
  }
  return result;
}

/** Views over a builder. No node but the promised one takes the id of a promised output. */
export function viewBuilder(builder: GraphBuilder, promised: ReadonlySet<string>): ViewBuilder {
  const known = new Map<string, NodeId>();
  const storedShape = (view: View): Shape => builder.shapeOf(view.id);
  const shapeOf = (view: View): Shape => {
    const shape = storedShape(view);
    return view.order.map((axis) => shape[axis]!);
  };
  const freeId = (wanted: string): NodeId => builder.freeId(promised.has(wanted) ? `${wanted}/stored` : wanted);
  const nodeNames = new Map<NodeId, string>();
  const put = (id: NodeId, nodeName: string, draft: Draft): NodeId => {
    nodeNames.set(id, nodeName);
    return builder.add(id, nodeName, draft);
  };

  /** What rearranges a node: a reshape where only axes of one entry move, else a transpose. */
  const rearrangement = (id: NodeId, perm: readonly number[]): Draft => {
    const shape = builder.shapeOf(id);
    const long = perm.filter((axis) => shape[axis] !== 1);
    const moves = long.some((axis, i) => i > 0 && axis < long[i - 1]!);
    return moves
      ? { op: 'transpose', inputs: [id], attributes: { perm } }
      : { op: 'reshape', inputs: [id], attributes: { shape: perm.map((axis) => shape[axis]!) } };
  };
  const stored = (view: View, axes: readonly number[] = plainOrder(view.order)): NodeId => {
    const perm = axes.map((axis) => view.order[axis]!);
    if (inPlace(perm)) return view.id;
    const key = `${view.id}|${perm.join()}`;
    let id = known.get(key);
    if (id === undefined) {
      const wanted = `${view.id}/transposed`;
      id = put(freeId(wanted), `${nodeNames.get(view.id) ?? view.id}/transposed`, rearrangement(view.id, perm));
      known.set(key, id);
    }
    return id;
  };

  const build: ViewBuilder = {
    shapeOf,
    input: (id, shape) => ({ id: builder.addInput(id, shape), order: plainOrder(shape) }),
    constant: (id, value, name) => ({
      id: builder.addConstant(freeId(id), value, name ?? id),
      order: plainOrder(value.shape),
    }),
    add(id, nodeName, draft, order) {
      const wanted = order && !inPlace(order) ? freeId(id) : builder.freeId(id);
      put(wanted, nodeName, draft);
      return { id: wanted, order: order ?? plainOrder(builder.shapeOf(wanted)) };
    },
    stored,
    channelsFirst(view, channelAxis) {
      const rest = plainOrder(view.order).filter((axis) => axis !== 0 && axis !== channelAxis);
      const axes = [0, channelAxis, ...rest];
      return { id: stored(view, axes), order: inverse(axes) };
    },
    elementwise: (id, nodeName, op, view, settings) =>
      build.add(id, nodeName, { ...settings, op, inputs: [view.id] }, view.order),
    broadcast(id, nodeName, op, views, settings) {
      const rank = Math.max(...views.map(({ order }) => order.length));
      const sizes = (view: View): number => sizeOf(storedShape(view));
      const full = views.filter(({ order }) => order.length === rank);
      const largest = full.reduce((best, view) => (sizes(view) > sizes(best) ? view : best));
      const order = inPlace(largest.order) ? (full.find((v) => !inPlace(v.order)) ?? largest).order : largest.order;
      const axes = inverse(order);
      const inputs = views.map((view) => {
        if (inPlace(order)) return stored(view);
        const missing = rank - view.order.length;
        if (missing === 0) return stored(view, axes);
        // A value of fewer axes gets leading ones, as broadcasting means it.
        if (sizes(view) === 1) return stored(view);
        const lifted = [...new Array<number>(missing).fill(1), ...shapeOf(view)];
        const grown = build.reshaped(`${view.id}/axes`, nodeNames.get(view.id) ?? view.id, view, lifted);
        return stored(grown, axes);
      });
      return build.add(id, nodeName, { ...settings, op, inputs }, order);
    },
    transposed: (view, axes) => ({ id: view.id, order: axes.map((axis) => view.order[axis]!) }),
    reshaped(id, nodeName, view, shape) {
      const plain = stored(view);
      const from = builder.shapeOf(plain);
      if (from.length === shape.length && from.every((n, axis) => n === shape[axis])) {
        return { id: plain, order: plainOrder(shape) };
      }
      return build.add(id, nodeName, { op: 'reshape', inputs: [plain], attributes: { shape } });
    },
    finish(name, view) {
      if (view.id === name && inPlace(view.order)) return name;
      if (builder.has(name)) return stored(view);
      if (inPlace(view.order)) return put(name, name, { op: 'identity', inputs: [view.id] });
      const perm = view.order;
      return put(name, name, rearrangement(view.id, perm));
    },
  };
  return build;
}
