// Keras' activation functions by name. Two of them changed over time: Keras 3 has another hard sigmoid and another leaky slope
// than Keras 2 and TensorFlow.js.
import { nearest } from '../errors.ts';
import type { View, ViewBuilder } from './axis-order.ts';
import { isRecord, Refusal } from './keras-settings.ts';

/** Whose arithmetic a file means. */
export type Dialect = 'keras 2' | 'keras 3' | 'tfjs';

type Part = readonly [op: string, attributes?: Readonly<Record<string, unknown>>];

const scaleOfSelu = { alpha: 1.6732632423543772, gamma: 1.0507009873554805 };

/** One or more ops of ours in a row; none for the identity. */
const functions: Readonly<Record<string, readonly Part[] | ((dialect: Dialect) => readonly Part[])>> = {
  linear: [],
  relu: [['relu']],
  relu6: [['clip', { min: 0, max: 6 }]],
  leaky_relu: [['leaky-relu', { alpha: 0.2 }]],
  elu: [['elu', { alpha: 1 }]],
  selu: [['selu', scaleOfSelu]],
  celu: [['celu', { alpha: 1 }]],
  gelu: [['gelu', { approximate: 'none' }]],
  gelu_new: [['gelu', { approximate: 'tanh' }]],
  silu: [['silu', { beta: 1 }]],
  swish: [['silu', { beta: 1 }]],
  mish: [['mish']],
  sigmoid: [['sigmoid']],
  log_sigmoid: [['log-sigmoid']],
  hard_sigmoid: (dialect) =>
    dialect === 'keras 3'
      ? [['hard-sigmoid', { alpha: 1 / 6, beta: 0.5 }]]
      : [['hard-sigmoid', { alpha: 0.2, beta: 0.5 }]],
  hard_silu: [['hard-swish']],
  hard_swish: [['hard-swish']],
  hard_tanh: [['clip', { min: -1, max: 1 }]],
  hard_shrink: [['shrink', { lambda: 0.5, bias: 0 }]],
  soft_shrink: [['shrink', { lambda: 0.5, bias: 0.5 }]],
  tanh: [['tanh']],
  softplus: [['softplus']],
  softsign: [['softsign']],
  exponential: [['exp']],
  softmax: [['softmax', { axis: -1 }]],
  log_softmax: [['log-softmax', { axis: -1 }]],
};

export const activationNames: readonly string[] = Object.keys(functions);

/** Snake case of a class name, as Keras makes it (`HardSigmoid` → `hard_sigmoid`). */
export const snakeCase = (name: string): string =>
  name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

/** The name of an activation setting, which newer files write as an object. */
export function activationName(setting: unknown): string {
  if (setting === undefined || setting === null) return 'linear';
  if (typeof setting === 'string') return Object.hasOwn(functions, setting) ? setting : snakeCase(setting);
  if (!isRecord(setting)) throw new Refusal('its activation is neither a name nor an object');
  const { class_name: kind, config } = setting;
  if (kind === 'function' || kind === 'builtin_function') return activationName(config);
  return typeof kind === 'string' ? snakeCase(kind) : 'unknown';
}

/** An activation as ops of ours in a row; none for the identity. */
export function activationParts(setting: unknown, dialect: Dialect): readonly Part[] {
  const name = activationName(setting);
  if (!Object.hasOwn(functions, name)) {
    const near = nearest(name, activationNames);
    throw new Refusal(`its activation "${name}"${near ? `; the nearest that is supported is "${near}"` : ''}`);
  }
  const entry = functions[name]!;
  return typeof entry === 'function' ? entry(dialect) : entry;
}

/** Applies an activation; the last node gets `id`. */
export function activated(
  g: ViewBuilder,
  id: string,
  nodeName: string,
  setting: unknown,
  x: View,
  dialect: Dialect,
): View {
  const parts = activationParts(setting, dialect);
  let value = x;
  parts.forEach(([op, attributes], i) => {
    const last = i === parts.length - 1;
    const at = attributes?.['axis'] === -1 ? { axis: value.order.at(-1)! } : attributes;
    value = g.elementwise(last ? id : `${id}/${op}`, nodeName, op, value, { attributes: at });
  });
  return value;
}
