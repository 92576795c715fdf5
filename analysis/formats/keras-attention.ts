// Multi-head attention of Keras: queries, keys and values by dense layers, softmax(q kᵀ/√d) v for every head, and a dense layer
// over the heads together. In ordinary ops: frozen maps hold the shares of the softmax fixed, as everywhere.
import { sizeOf, type Shape, type Tensor } from '../kernels/kernels.ts';
import type { NodeId } from '../network/network.ts';
import { rearranged, type View } from './axis-order.ts';
import { einsumOfViews } from './einsum.ts';
import type { Draft } from './graph.ts';
import type { LayerConversion, LayerUse } from './keras-layer-use.ts';
import { refuse } from './keras-settings.ts';

/** Refused are masks, attention over other axes than the second, and scores as an output. */
export const multiHeadAttention: LayerConversion = (c) => {
  const { g, settings } = c;
  const query = viewAt(c, 0, 'query') ?? refuse('no query');
  const value = viewAt(c, 1, 'value') ?? refuse('no value');
  const key = viewAt(c, 2, 'key') ?? value;
  refuseGiven(c, [
    'attention_mask',
    'query_mask',
    'value_mask',
    'key_mask',
    'use_causal_mask',
    'return_attention_scores',
  ]);
  const axes = settings.whole('attention_axes') ?? [1];
  if (String(axes) !== '1' && String(axes) !== '-2') refuse(`attention over the axes ${axes.join(', ')}`);
  for (const view of [query, value, key]) {
    const shape = g.shapeOf(view);
    if (shape.length !== 3) refuse(`an input of shape [${shape.join(', ')}]`);
  }
  const [heads] = settings.sizes('num_heads', 1, 1) as [number];
  const [size] = settings.sizes('key_dim', 1, 1) as [number];
  const [valueSize] = settings.sizes('value_dim', 1, size) as [number];
  const hasBias = settings.flag('use_bias', true);

  const add = (what: string, draft: Draft): NodeId => g.add(`${c.id}/${what}`, `${c.name}/${what}`, draft).id;
  const weights = (part: string, parts: readonly string[], inputs: Shape, outputs: Shape): Draft['parameters'] => {
    const kernel = c.weight('kernel', 0, parts);
    const wanted = [...inputs, ...outputs];
    const { shape } = kernel.tensor;
    if (shape.join() !== wanted.join())
      refuse(`its ${part} kernel is [${shape.join(', ')}], not [${wanted.join(', ')}]`);
    const flat = { data: kernel.tensor.data, shape: [sizeOf(inputs), sizeOf(outputs)] };
    const bias = hasBias ? c.weight('bias', 1, parts).tensor : undefined;
    return { weight: rearranged(flat, [1, 0]), bias: bias && { data: bias.data, shape: [sizeOf(outputs)] } };
  };
  const partsOf = (part: string): string[] => [part, `_${part}_dense`, `${part}_dense`];

  /** [1, heads, steps, width]. */
  const headsOf = (part: string, view: View, width: number): NodeId => {
    const [, steps, inputs] = g.shapeOf(view) as [number, number, number];
    const all = add(part, {
      op: 'dense',
      inputs: [g.stored(view)],
      parameters: weights(part, partsOf(part), [inputs], [heads, width]),
      weightName: `${c.name}/${part}/kernel`,
    });
    const apart = add(`${part}/heads`, {
      op: 'reshape',
      inputs: [all],
      attributes: { shape: [1, steps, heads, width] },
    });
    return add(`${part}/by head`, { op: 'transpose', inputs: [apart], attributes: { perm: [0, 2, 1, 3] } });
  };
  const product = (a: NodeId, b: NodeId, transposeB: boolean): Draft => ({
    op: 'mat-mul',
    inputs: [a, b],
    attributes: { transposeA: false, transposeB, gate: null },
  });
  const [q, k, v] = [headsOf('query', query, size), headsOf('key', key, size), headsOf('value', value, valueSize)];
  const scale: Tensor = { data: Float32Array.of(1 / Math.sqrt(size)), shape: [] };
  const factor = g.constant(`${c.id}/scale`, scale, `${c.name}/scale`).id;
  const scaled = add('scaled query', { op: 'multiply', inputs: [q, factor], attributes: { gate: null } });
  const shares = add('shares', {
    op: 'softmax',
    inputs: [add('scores', product(scaled, k, true))],
    attributes: { axis: -1 },
  });
  const [, steps] = g.shapeOf(query) as [number, number];
  const mixed = add('mixed', product(shares, v, false));
  const together = add('by step', { op: 'transpose', inputs: [mixed], attributes: { perm: [0, 2, 1, 3] } });
  const flat = add('joined', {
    op: 'reshape',
    inputs: [together],
    attributes: { shape: [1, steps, heads * valueSize] },
  });
  const outputParts = ['attention_output', '_output_dense', 'output_dense'];
  const outputs = c.weight('kernel', 0, outputParts).tensor.shape.slice(2);
  return g.add(c.id, c.name, {
    op: 'dense',
    inputs: [flat],
    parameters: weights('output', outputParts, [heads, valueSize], outputs),
    weightName: `${c.name}/attention_output/kernel`,
  });
};

/** Attention without weights of its own but a scale: softmax(q kᵀ) v over [query, value, key]. */
export const dotAttention: LayerConversion = (c) => {
  const { g, settings } = c;
  const [query, value, key = value] = c.inputs;
  if (!query || !value || !key || c.inputs.length > 3) refuse(`${c.inputs.length} inputs`);
  const mode = settings.word('score_mode', 'dot');
  if (mode !== 'dot') refuse(`score_mode "${mode}"`);
  refuseGiven(c, ['mask', 'use_causal_mask', 'return_attention_scores']);
  const sum = (what: string, equation: string, operands: readonly View[]): View =>
    einsumOfViews(g, { id: what ? `${c.id}/${what}` : c.id, name: c.name, refuse }, equation, operands);
  let scores = sum('scores', '...td,...sd->...ts', [query, key]);
  if (settings.flag('use_scale', false)) {
    const { tensor, name } = c.weight('scale', 0);
    const factor = g.constant(`${c.id}/scale`, tensor, name);
    const attributes = { gate: null };
    scores = g.broadcast(`${c.id}/scaled`, c.name, 'multiply', [scores, factor], { attributes });
  }
  const shares = g.elementwise(`${c.id}/shares`, c.name, 'softmax', scores, {
    attributes: { axis: scores.order.at(-1)! },
  });
  return sum('', '...ts,...sd->...td', [shares, value]);
};

/** Refuses a call with one of these arguments. */
function refuseGiven(c: LayerUse, names: readonly string[]): void {
  for (const name of names) {
    const given = c.argument(Infinity, name);
    if (given !== undefined && given !== null && given !== false) refuse(`with ${name}`);
  }
}

/** An argument that must be a value where it is there. */
function viewAt(c: LayerUse, position: number, name: string): View | undefined {
  const given = c.argument(position, name);
  return c.inputs.find((view) => view === given);
}
