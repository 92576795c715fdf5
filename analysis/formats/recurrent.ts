// Recurrent layers as what they are at a fixed length: the input's projection once for all steps, then one cell a step, all
// with the same weights. In ordinary ops, so that maps, transposes and methods need to know nothing of recurrence.
// Products of gates follow methods.md, section 0: f∘c holds the forget gate fixed, where both sides are gates they share.
import { sizeOf, type Tensor } from '../kernels/kernels.ts';
import type { NodeId } from '../network/network.ts';
import type { Draft } from './graph.ts';

/** Where the nodes of a layer go; each under what it is within the layer. */
export interface StepBuilder {
  add(what: string, draft: Draft): NodeId;
  constant(what: string, value: Tensor): NodeId;
}

/** Ops in a row; none for the identity. */
export type Activation = readonly (readonly [op: string, attributes?: Readonly<Record<string, unknown>>])[];

/** One direction of a recurrent layer of H units. */
export interface Recurrence {
  /** Each gate's place in the weights. LSTM: input, forget, output, and the candidate g. GRU: update z, reset r, n. */
  readonly gates: 'iofg' | 'ifgo' | 'zrn' | 'h';
  /** [gates · H, inputs], [gates · H, H], [gates · H]. */
  readonly weight: Tensor;
  readonly recurrentWeight: Tensor;
  readonly bias?: Tensor | undefined;
  readonly recurrentBias?: Tensor | undefined;
  /** As the user knows the direction: `lstm`; its repeated part is `lstm/recurrent`. */
  readonly name: string;
  /** From the last step to the first. */
  readonly backwards: boolean;
  /** GRU: n = tanh(Wx + r∘(Rh + b)), else tanh(Wx + R(r∘h) + b). */
  readonly resetAfter?: boolean;
  /** Of gates (LSTM and GRU), of candidates and plain cells, and of what an LSTM gives out. */
  readonly activations: { readonly gate: Activation; readonly candidate: Activation; readonly output: Activation };
  /** [1, H]; zero where absent. */
  readonly initialHidden?: NodeId | undefined;
  readonly initialCell?: NodeId | undefined;
}

/** What a direction computes, each [1, H]. */
export interface Unrolled {
  /** One a step, in the order of the input. */
  readonly hidden: readonly NodeId[];
  /** Behind the step that comes last. */
  readonly lastHidden: NodeId;
  readonly lastCell: NodeId | undefined;
}

interface State {
  readonly hidden: NodeId | undefined;
  readonly cell: NodeId | undefined;
}

const product = (a: NodeId, b: NodeId): Draft => ({ op: 'multiply', inputs: [a, b], attributes: { gate: null } });

/** Unrolls a layer over x, [1, steps, inputs]. Throws UserError where the weights do not fit. */
export function unrolled(builder: StepBuilder, x: NodeId, steps: number, layer: Recurrence): Unrolled {
  const size = layer.recurrentWeight.shape[1]!;
  const width = layer.gates.length * size;
  const where = layer.backwards ? 'reverse' : 'forward';
  const projection = builder.add(`${where}/projection`, {
    op: 'dense',
    inputs: [x],
    parameters: { weight: layer.weight, bias: layer.bias },
    weightName: `${layer.name}/kernel`,
  });
  const cell = layer.gates === 'h' ? plainCell : layer.gates === 'zrn' ? gruCell : lstmCell;
  const hidden = new Array<NodeId>(steps);
  let state: State = { hidden: layer.initialHidden, cell: layer.initialCell };
  const order = Array.from({ length: steps }, (_, i) => (layer.backwards ? steps - 1 - i : i));
  for (const at of order) {
    const add = (what: string, draft: Draft): NodeId => builder.add(`${where}/${at}/${what}`, draft);
    const attributes = { axes: [1], starts: [at], ends: [at + 1] };
    const row = add('row', { op: 'slice', inputs: [projection], attributes });
    const projected = add('projected', { op: 'reshape', inputs: [row], attributes: { shape: [1, width] } });
    const recurrentBias = (): NodeId | undefined =>
      layer.recurrentBias && builder.constant(`${where}/${at}/bias`, { ...layer.recurrentBias, shape: [1, width] });
    state = cell({ add, recurrentBias, size, layer }, projected, state);
    hidden[at] = state.hidden!;
  }
  return { hidden, lastHidden: state.hidden!, lastCell: state.cell };
}

/** What one step of a cell is written with. */
interface Step {
  readonly add: StepBuilder['add'];
  /** The recurrent bias alone: what R h + b is at the zero state. */
  readonly recurrentBias: () => NodeId | undefined;
  readonly size: number;
  readonly layer: Recurrence;
}

type Cell = (step: Step, projected: NodeId, state: State) => State;

/** R h + b; undefined where it is zero. */
function recurrent({ add, recurrentBias, layer }: Step, hidden: NodeId | undefined): NodeId | undefined {
  if (hidden === undefined) return recurrentBias();
  const parameters = { weight: layer.recurrentWeight, bias: layer.recurrentBias };
  const weightName = `${layer.name}/recurrent/kernel`;
  return add('recurrent', { op: 'dense', inputs: [hidden], parameters, weightName });
}

function sum({ add }: Step, what: string, a: NodeId, b: NodeId | undefined): NodeId {
  return b === undefined ? a : add(what, { op: 'add', inputs: [a, b] });
}

/** The part of a value that belongs to a gate, or to several in a row. */
function partOf({ add, size, layer }: Step, what: string, value: NodeId, gates: string): NodeId {
  const start = layer.gates.indexOf(gates) * size;
  const attributes = { axes: [1], starts: [start], ends: [start + gates.length * size] };
  return add(what, { op: 'slice', inputs: [value], attributes });
}

function activated({ add }: Step, what: string, activation: Activation, value: NodeId): NodeId {
  return activation.reduce((x, [op, attributes], i) => {
    const last = i === activation.length - 1;
    return add(last ? what : `${what}/${op}`, { op, inputs: [x], attributes });
  }, value);
}

/** h = tanh(W x + R h + b). */
const plainCell: Cell = (step, projected, { hidden }) => {
  const total = sum(step, 'sum', projected, recurrent(step, hidden));
  return { hidden: activated(step, 'hidden', step.layer.activations.candidate, total), cell: undefined };
};

/** i, f, o = σ(W x + R h + b), g = tanh(…); c = f∘c + i∘g, h = o∘tanh(c). */
const lstmCell: Cell = (step, projected, { hidden, cell: before }) => {
  const { gate, candidate, output } = step.layer.activations;
  const total = sum(step, 'sum', projected, recurrent(step, hidden));
  const gateOf = (what: string, name: string): NodeId =>
    activated(step, what, gate, partOf(step, `${what}/part`, total, name));
  const g = activated(step, 'candidate', candidate, partOf(step, 'candidate/part', total, 'g'));
  const entered = step.add('entered', product(gateOf('input gate', 'i'), g));
  const kept = before === undefined ? undefined : step.add('kept', product(gateOf('forget gate', 'f'), before));
  const cell = sum(step, 'cell', entered, kept);
  const shown = activated(step, 'shown', output, cell);
  return { hidden: step.add('hidden', product(gateOf('output gate', 'o'), shown)), cell };
};

/** z, r = σ(…), h = n + z∘(h − n): (1 − z)∘n + z∘h as one product, whose gate is z. */
const gruCell: Cell = (step, projected, { hidden }) => {
  const { add, layer, size } = step;
  const { gate, candidate } = layer.activations;
  const own = partOf(step, 'candidate/part', projected, 'n');
  const z = (total: NodeId): NodeId =>
    activated(step, 'update gate', gate, partOf(step, 'update gate/part', total, 'z'));
  const r = (total: NodeId): NodeId => activated(step, 'reset gate', gate, partOf(step, 'reset gate/part', total, 'r'));
  let update: NodeId;
  let summed: NodeId;
  if (layer.resetAfter) {
    const back = recurrent(step, hidden);
    const total = sum(step, 'sum', projected, back);
    update = z(total);
    const reset = back && add('reset', product(r(total), partOf(step, 'recurrent/part', back, 'n')));
    summed = sum(step, 'candidate/sum', own, reset);
  } else {
    const [gates, rest] = rowsOf(layer.recurrentWeight, 2 * size);
    const dense = (what: string, value: NodeId, weight: Tensor): NodeId =>
      add(what, { op: 'dense', inputs: [value], parameters: { weight }, weightName: `${layer.name}/${what}/kernel` });
    const front = partOf(step, 'gates/part', projected, 'zr');
    const total = sum(step, 'sum', front, hidden && dense('recurrent', hidden, gates));
    update = z(total);
    const back = hidden && dense('reset', add('remembered', product(r(total), hidden)), rest);
    summed = sum(step, 'candidate/sum', own, back);
  }
  const n = activated(step, 'candidate', candidate, summed);
  const way =
    hidden === undefined ? add('way', { op: 'neg', inputs: [n] }) : add('way', { op: 'subtract', inputs: [hidden, n] });
  return { hidden: add('hidden', { op: 'add', inputs: [n, add('moved', product(update, way))] }), cell: undefined };
};

const parts = new WeakMap<Float32Array, Map<string, Tensor>>();

/** Entries of a tensor in another shape, from a position on: the same one for the same numbers, so that shared weights stay shared. */
export function entriesOf({ data }: Tensor, start: number, shape: readonly number[]): Tensor {
  const known = parts.get(data) ?? new Map<string, Tensor>();
  parts.set(data, known);
  const key = `${start}|${shape.join()}`;
  let part = known.get(key);
  if (!part) {
    const size = sizeOf(shape);
    part = { data: size === data.length ? data : data.subarray(start, start + size), shape };
    known.set(key, part);
  }
  return part;
}

/** The first rows of a matrix, and the others. */
function rowsOf(matrix: Tensor, count: number): [Tensor, Tensor] {
  const [rows, columns] = matrix.shape as [number, number];
  return [entriesOf(matrix, 0, [count, columns]), entriesOf(matrix, count * columns, [rows - count, columns])];
}
