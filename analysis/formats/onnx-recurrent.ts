// LSTM, GRU and RNN of ONNX, unrolled over their time axis (recurrent.ts): forwards, backwards and both, with initial states.
import { sizeOf, type Shape, type Tensor } from '../kernels/kernels.ts';
import { layerName } from '../network/names.ts';
import type { NodeId } from '../network/network.ts';
import type { Draft } from './graph.ts';
import type { Importer, OnnxOp } from './onnx-op.ts';
import { entriesOf, unrolled, type Activation, type Recurrence } from './recurrent.ts';

/** Activation functions by their names in lower case, as ONNX Runtime takes them, with their default settings. */
const functions: Readonly<Record<string, Activation>> = {
  relu: [['relu']],
  tanh: [['tanh']],
  sigmoid: [['sigmoid']],
  hardsigmoid: [['hard-sigmoid', { alpha: 0.2, beta: 0.5 }]],
  leakyrelu: [['leaky-relu', { alpha: 0.01 }]],
  elu: [['elu', { alpha: 1 }]],
  thresholdedrelu: [['thresholded-relu', { alpha: 1 }]],
  softsign: [['softsign']],
  softplus: [['softplus']],
};

interface Kind {
  readonly gates: Recurrence['gates'];
  /** Of one direction, in ONNX' order. */
  readonly activations: readonly string[];
}

const [sequenceLengths, initialHidden, initialCell, peepholes] = ['sequence_lens', 4, 5, 6] as const;

/**
 * A recurrent op. Refused are lengths that differ from the sequence's, clipping, peepholes, coupled gates and activation
 * functions with settings of their own.
 */
const recurrence = ({ gates, activations }: Kind): OnnxOp => ({
  settings: [null, null, null, null, sequenceLengths],
  convert(c) {
    const batchFirst = c.number('layout', 0) !== 0;
    const shape = c.shape(0);
    if (shape.length !== 3) c.refuse(`an input of ${shape.length} axes`);
    const [steps, batch] = (batchFirst ? [shape[1], shape[0]] : shape) as [number, number];
    if (batch !== 1)
      c.refuse(`a batch of ${batch} sequences; its axes are ${batchFirst ? 'batch, time' : 'time, batch'}`);
    for (const key of ['clip', 'activation_alpha', 'activation_beta', 'input_forget']) {
      if (c.list(key)?.some((x) => x !== 0)) c.refuse(`with ${key}`);
    }
    if (c.list(sequenceLengths)?.some((length) => length !== steps)) {
      c.refuse(`its sequence_lens are not the ${steps} steps of its input`);
    }
    if (c.has(peepholes) && c.constant(peepholes)?.data.some((x) => x !== 0) !== false) c.refuse('with peepholes');

    const word = c.word('direction', 'forward');
    const directions = word === 'bidirectional' ? ['forward', 'reverse'] : [word];
    if (directions.some((name) => name !== 'forward' && name !== 'reverse')) c.refuse(`direction "${word}"`);
    const weight = c.weight(1);
    const size = c.number('hidden_size', c.weight(2).tensor.shape[2] ?? 0);
    const width = gates.length * size;
    const inputs = shape[2]!;
    const own = (i: number, wanted: Shape): ((direction: number) => Tensor) => {
      const { tensor } = c.weight(i);
      const whole = [directions.length, ...wanted];
      if (String(tensor.shape) !== String(whole)) c.refuse(`its input ${i} is [${tensor.shape}] and not [${whole}]`);
      return (direction) => entriesOf(tensor, direction * sizeOf(wanted), wanted);
    };
    const [kernel, recurrentKernel] = [own(1, [width, inputs]), own(2, [width, size])];
    const biases = c.has(3) ? own(3, [2 * width]) : undefined;
    const named = c.words('activations') ?? directions.flatMap(() => activations);
    if (named.length !== directions.length * activations.length) c.refuse(`${named.length} activations`);

    const x = batchFirst
      ? c.id(0)
      : c.step('batch first', { op: 'transpose', inputs: [c.id(0)], attributes: { perm: [1, 0, 2] } });
    const base = layerName(weight.name ?? '') ?? c.name;
    const results = directions.map((direction, at) => {
      const [first, second, third] = activations.map((_, i) =>
        activationOf(c, named[at * activations.length + i]!),
      ) as [Activation, Activation, Activation];
      const both = biases?.(at);
      const halves = both && [entriesOf(both, 0, [width]), entriesOf(both, width, [width])];
      const resetAfter = c.number('linear_before_reset', 0) !== 0;
      const apart = gates !== 'zrn' || resetAfter;
      return unrolled({ add: c.step, constant: c.constantStep }, x, steps, {
        gates,
        weight: kernel(at),
        recurrentWeight: recurrentKernel(at),
        bias: halves && (apart ? halves[0] : added(halves[0]!, halves[1]!)),
        recurrentBias: apart ? halves?.[1] : undefined,
        name: at === 0 ? base : `${base}/reverse`,
        backwards: direction === 'reverse',
        resetAfter,
        activations: gates === 'h' ? plain(first) : { gate: first, candidate: second, output: third },
        initialHidden: stateOf(c, initialHidden, at, size),
        initialCell: gates === 'iofg' ? stateOf(c, initialCell, at, size) : undefined,
      });
    });

    const joined = (what: string, ids: readonly NodeId[], axis: number): NodeId =>
      ids.length === 1 ? ids[0]! : c.step(what, { op: 'concat', inputs: ids, attributes: { axis } });
    const every = joined(
      'steps',
      Array.from({ length: steps }, (_, t) => results.map(({ hidden }) => hidden[t]!)).flat(),
      1,
    );
    const reshaped = (id: NodeId, to: Shape): Draft => ({ op: 'reshape', inputs: [id], attributes: { shape: to } });
    const count = directions.length;
    const states = batchFirst ? [1, count, size] : [count, 1, size];
    const drafts = [
      reshaped(every, batchFirst ? [1, steps, count, size] : [steps, count, 1, size]),
      reshaped(
        joined(
          'last',
          results.map(({ lastHidden }) => lastHidden),
          1,
        ),
        states,
      ),
    ];
    if (gates === 'iofg') {
      drafts.push(
        reshaped(
          joined(
            'last cell',
            results.map(({ lastCell }) => lastCell!),
            1,
          ),
          states,
        ),
      );
    }
    return drafts;
  },
});

/** A plain cell has one function. */
const plain = (activation: Activation): Recurrence['activations'] => ({
  gate: activation,
  candidate: activation,
  output: activation,
});

function activationOf(c: Importer, name: string): Activation {
  const key = name.toLowerCase();
  return Object.hasOwn(functions, key) ? functions[key]! : c.refuse(`its activation "${name}"`);
}

const added = (a: Tensor, b: Tensor): Tensor => ({ data: a.data.map((x, i) => x + b.data[i]!), shape: a.shape });

/** The initial state of a direction as [1, size]; undefined where it is absent or zero. */
function stateOf(c: Importer, input: number, direction: number, size: number): NodeId | undefined {
  if (!c.has(input) || c.constant(input)?.data.every((x) => x === 0)) return undefined;
  const count = sizeOf(c.shape(input)) / size;
  const flat = c.step('state', { op: 'reshape', inputs: [c.id(input)], attributes: { shape: [count, size] } });
  if (count === 1) return flat;
  const attributes = { axes: [0], starts: [direction], ends: [direction + 1] };
  return c.step('state of a direction', { op: 'slice', inputs: [flat], attributes });
}

export const recurrentOps: Readonly<Record<'LSTM' | 'GRU' | 'RNN', OnnxOp>> = {
  LSTM: recurrence({ gates: 'iofg', activations: ['Sigmoid', 'Tanh', 'Tanh'] }),
  GRU: recurrence({ gates: 'zrn', activations: ['Sigmoid', 'Tanh'] }),
  RNN: recurrence({ gates: 'h', activations: ['Tanh'] }),
};
