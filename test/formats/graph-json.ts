// TensorFlow.js graph models written by hand: nodes, and constants that go into a manifest.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Shape, Tensor } from '../../analysis/kernels/kernels.ts';

type Attribute = number | boolean | string | readonly number[] | readonly string[];

export interface GraphJson {
  /** [op, name, inputs, attributes]. */
  readonly nodes: readonly (readonly [string, string, readonly string[], Readonly<Record<string, Attribute>>?])[];
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly constants?: Readonly<Record<string, Tensor & { readonly integer?: boolean }>>;
  readonly signature?: object;
}

const base64 = (word: string): string => Buffer.from(word, 'latin1').toString('base64');

function attributeJson(value: Attribute, codes: boolean): object {
  const word = (text: string) => (codes ? [...text].map((letter) => letter.charCodeAt(0)) : base64(text));
  if (typeof value === 'boolean') return { b: value };
  if (typeof value === 'string') return { s: word(value) };
  if (typeof value === 'number') return Number.isInteger(value) ? { i: String(value) } : { f: value };
  return {
    list: typeof value[0] === 'string' ? { s: (value as string[]).map(word) } : { i: (value as number[]).map(String) },
  };
}

/** Whole numbers as a constant. */
export const whole = (...numbers: number[]): Tensor & { integer: true } => ({
  data: Float32Array.from(numbers),
  shape: [numbers.length],
  integer: true,
});

/** Writes the folder of a graph model; words are character codes where `codes`, as old converters wrote them. */
export function writeGraph(
  folder: string,
  { nodes, inputs, constants = {}, signature }: GraphJson,
  { codes = false } = {},
): string {
  const shapeJson = (shape: Shape) => ({
    shape: { dim: shape.map((n, axis) => ({ size: String(axis === 0 ? -1 : n) })) },
  });
  const node = [
    ...Object.entries(inputs).map(([name, shape]) => ({
      name,
      op: 'Placeholder',
      attr: { dtype: { type: 'DT_FLOAT' }, shape: shapeJson(shape) },
    })),
    ...Object.keys(constants).map((name) => ({ name, op: 'Const', attr: {} })),
    ...nodes.map(([op, name, input, attributes = {}]) => ({
      name,
      op,
      input,
      attr: Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, attributeJson(value, codes)])),
    })),
  ];
  const weights = Object.entries(constants).map(([name, { shape, integer }]) => ({
    name,
    shape,
    dtype: integer ? 'int32' : 'float32',
  }));
  const parts = Object.values(constants).map(({ data, integer }) =>
    Buffer.from(integer ? Int32Array.from(data).buffer : Float32Array.from(data).buffer),
  );
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'weights.bin'), Buffer.concat(parts));
  const json = {
    format: 'graph-model',
    modelTopology: { node, versions: { producer: 1 } },
    weightsManifest: [{ paths: ['weights.bin'], weights }],
    ...(signature && { signature }),
  };
  writeFileSync(join(folder, 'model.json'), JSON.stringify(json));
  return folder;
}
