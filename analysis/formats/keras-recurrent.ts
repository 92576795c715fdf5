// LSTM, GRU and SimpleRNN of Keras and TensorFlow.js, unrolled over their time axis (recurrent.ts), and what runs them both ways.
import { sizeOf, type Shape, type Tensor } from '../kernels/kernels.ts';
import type { NodeId } from '../network/network.ts';
import { rearranged, type View } from './axis-order.ts';
import { activationParts } from './keras-activations.ts';
import type { LayerConversion, LayerUse } from './keras-layer-use.ts';
import { isRecord, refuse } from './keras-settings.ts';
import { entriesOf, unrolled, type Recurrence } from './recurrent.ts';

/** The shape of a sequence of a batch of one, [1, steps, inputs]. */
function sequenceShape(c: LayerUse, x: View): readonly [number, number, number] {
  const shape = c.g.shapeOf(x);
  if (shape.length !== 3 || shape[0] !== 1) refuse(`an input of shape [${shape.join(', ')}]`);
  return [1, shape[1]!, shape[2]!];
}

const gateOrders = { LSTM: 'ifgo', GRU: 'zrn', SimpleRNN: 'h' } as const;

/** Refused are masks, states that outlive a batch, and time on the first axis. */
const recurrent =
  (kind: keyof typeof gateOrders): LayerConversion =>
  (c) => {
    const { settings, g } = c;
    const gates = gateOrders[kind];
    const [x, ...states] = c.inputs;
    if (!x || states.length > (kind === 'LSTM' ? 2 : 1)) refuse(`${c.inputs.length} inputs`);
    for (const key of ['stateful', 'time_major']) if (settings.flag(key, false)) refuse(key);
    const [, steps, inputs] = sequenceShape(c, x);
    const [size] = settings.sizes('units', 1, 1) as [number];
    const width = gates.length * size;
    const own = (name: string, index: number, shape: Shape): Tensor => {
      const { tensor } = c.weight(name, index, 'cell');
      const found = tensor.shape.join(', ');
      return found === shape.join(', ') ? tensor : refuse(`a ${name} of shape [${found}], not [${shape.join(', ')}]`);
    };
    const resetAfter = kind === 'GRU' && settings.flag('reset_after', false);
    const biases = settings.flag('use_bias', true) ? own('bias', 2, resetAfter ? [2, width] : [width]) : undefined;
    const candidate = activationParts(settings.config['activation'] ?? 'tanh', c.dialect);
    const usual = c.dialect === 'tfjs' ? 'hard_sigmoid' : 'sigmoid';
    const gate = activationParts(settings.config['recurrent_activation'] ?? usual, c.dialect);
    const state = (view: View | undefined): NodeId | undefined => {
      if (!view) return undefined;
      const shape = g.shapeOf(view);
      return sizeOf(shape) === size ? g.stored(view) : refuse(`a state of shape [${shape.join(', ')}]`);
    };
    const layer: Recurrence = {
      gates,
      weight: rearranged(own('kernel', 0, [inputs, width]), [1, 0]),
      recurrentWeight: rearranged(own('recurrent_kernel', 1, [size, width]), [1, 0]),
      bias: biases && entriesOf(biases, 0, [width]),
      recurrentBias: biases && resetAfter ? entriesOf(biases, width, [width]) : undefined,
      name: c.name,
      backwards: settings.flag('go_backwards', false),
      resetAfter,
      activations: { gate, candidate, output: candidate },
      initialHidden: state(states[0]),
      initialCell: state(states[1]),
    };
    const steppers = {
      add: (what: string, draft: Parameters<typeof g.add>[2]) =>
        g.add(`${c.id}/${what}`, `${c.name}/${what}`, draft).id,
      constant: (what: string, value: Tensor) => g.constant(`${c.id}/${what}`, value, `${c.name}/${what}`).id,
    };
    const { hidden, lastHidden } = unrolled(steppers, g.stored(x), steps, layer);
    if (!settings.flag('return_sequences', false)) return { id: lastHidden, order: [0, 1] };
    // A layer that runs backwards gives its steps in the order in which it takes them.
    const taken = layer.backwards ? hidden.toReversed() : hidden;
    const joined =
      taken.length === 1 ? taken[0]! : steppers.add('steps', { op: 'concat', inputs: taken, attributes: { axis: 1 } });
    const attributes = { shape: [1, steps, size] };
    return g.add(c.id, c.name, { op: 'reshape', inputs: [joined], attributes });
  };

const merges = {
  concat: ['concat', { axis: -1 }],
  sum: ['add', {}],
  ave: ['add', {}],
  mul: ['multiply', { gate: null }],
} as const;

/** A recurrent layer and its mirror image over the same sequence, whose steps are put back in order and merged. */
const bidirectional: LayerConversion = (c) => {
  const { config } = c.settings;
  const inner = config['layer'];
  const mirror = config['backward_layer'] ?? inner;
  if (!isRecord(inner) || !isRecord(inner['config']) || !isRecord(mirror) || !isRecord(mirror['config']))
    refuse('its layer');
  if (c.inputs.length !== 1) refuse('with initial states');
  const mode = config['merge_mode'] === null ? 'null' : c.settings.word('merge_mode', 'concat');
  if (!Object.hasOwn(merges, mode)) refuse(`merge_mode ${mode}`);
  const { config: first } = inner;
  const { config: second } = mirror;
  const named = (of: Readonly<Record<string, unknown>>, way: 'forward' | 'backward'): string => {
    const own = typeof of['name'] === 'string' ? of['name'] : 'layer';
    const name = own.replace(/^(forward|backward)_/, '');
    return `${way}_${name}`;
  };
  const backwards = first['go_backwards'] !== true;
  const forth = { ...inner, config: { ...first, name: named(first, 'forward') } };
  const back = { ...mirror, config: { ...second, name: named(second, 'backward'), go_backwards: backwards } };
  const inOrder = (view: View, way: string): View =>
    first['return_sequences'] === true && (way === 'forward') !== backwards
      ? c.g.add(`${c.id}/${way}/in order`, `${c.name}/${way}/in order`, {
          op: 'slice',
          inputs: [view.id],
          attributes: { axes: [1], starts: [-1], ends: [-(2 ** 31)], steps: [-1] },
        })
      : view;
  const views = [
    inOrder(c.inner(forth, c.inputs, `${c.id}/forward`, 'forward_layer'), 'forward'),
    inOrder(c.inner(back, c.inputs, `${c.id}/backward`, 'backward_layer'), 'backward'),
  ];
  const [op, attributes] = merges[mode as keyof typeof merges];
  const inputs = views.map((view) => c.g.stored(view));
  if (mode !== 'ave') return c.g.add(c.id, c.name, { op, inputs, attributes });
  const sum = c.g.add(`${c.id}/sum`, `${c.name}/sum`, { op, inputs, attributes });
  const half = c.g.constant(`${c.id}/half`, { data: Float32Array.of(0.5), shape: [] });
  return c.g.add(c.id, c.name, { op: 'multiply', inputs: [sum.id, half.id], attributes: { gate: null } });
};

/** Whole numbers as rows of a table: these are what is explained (Lookup). */
const embedding: LayerConversion = (c) => {
  if (c.settings.flag('mask_zero', false)) refuse('mask_zero: masks change the arithmetic of the layers behind');
  return c.rows(c.weight('embeddings', 0));
};

export const recurrentLayers = {
  Bidirectional: bidirectional,
  Embedding: embedding,
  GRU: recurrent('GRU'),
  LSTM: recurrent('LSTM'),
  SimpleRNN: recurrent('SimpleRNN'),
} satisfies Record<string, LayerConversion>;
