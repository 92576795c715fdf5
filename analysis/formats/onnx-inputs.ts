// The shapes of an ONNX file's inputs, batch 1: files leave sizes free, or fix a batch that is none of ours.
import { EXIT, UserError } from '../errors.ts';
import { sizeOf, type Shape } from '../kernels/kernels.ts';
import type { AttributeProto, GraphProto, ValueInfoProto } from '../kernels/onnx-protobuf.ts';
import type { Constant } from '../network/constant-folding.ts';
import type { FileNode } from './onnx-functions.ts';

/** An input's shape with a batch of 1: given, as the file says, or guessed from the weights that it meets. */
export function inputShape(
  info: ValueInfoProto,
  {
    file,
    given,
    guess,
    notes,
    batchAxis,
    sequence,
  }: {
    file: string;
    given: Shape | undefined;
    guess: (axis: number) => number | undefined;
    notes: string[];
    /** 1 for sequences that have their time first. */
    batchAxis: 0 | 1;
    /** It is a sequence, and the file does not say which of its axes is the time. */
    sequence: 'unclear' | 'known';
  },
): Shape {
  const declared = info.type?.tensorType?.shape?.dim;
  if (given) {
    const wrong = given.some((n) => !Number.isSafeInteger(n) || n < 1);
    if (wrong || (declared && declared.length !== given.length)) {
      throw new UserError(`The input "${info.name}" of ${file} cannot have the shape [${given.join(', ')}].`, {
        exitCode: EXIT.usage,
        hint: declared ? `It has ${declared.length} axes, the batch included.` : 'Sizes are whole numbers from 1.',
      });
    }
    return given;
  }
  if (!declared) {
    throw new UserError(`The input "${info.name}" of ${file} has no shape.`, {
      exitCode: EXIT.usage,
      hint: 'Give it, batch of 1 included, for example --input-shape 1,3,224,224.',
    });
  }
  const first = declared[0];
  if (sequence === 'unclear' && declared.length > 1 && !(first?.value === 'dimValue' && first.dimValue === 1)) {
    const shown = declared.map(({ value, dimValue, dimParam }) => (value === 'dimValue' ? dimValue : dimParam || '?'));
    throw new UserError(
      `Which axis of the input "${info.name}" of ${file} is the time cannot be told: [${shown.join(', ')}].`,
      {
        exitCode: EXIT.usage,
        hint: `Give its shape with 1 in the place of the batch, for example --input-shape ${declared.map(({ dimValue }, axis) => (axis === 1 ? 1 : dimValue || 16)).join(',')} where time stands first.`,
      },
    );
  }
  const sizes = declared.map(({ value, dimValue }, axis) => {
    const size = value === 'dimValue' && dimValue > 0 ? dimValue : undefined;
    if (axis !== batchAxis) return size ?? guess(axis);
    if (declared.length > 1 && size !== undefined && size > 1) {
      notes.push(`The file fixes the batch of "${info.name}" to ${size}; it was taken as 1.`);
    }
    return declared.length > 1 ? 1 : (size ?? 1);
  });
  if (sizes.includes(undefined)) {
    const shown = sizes.map((size, axis) => size ?? (declared[axis]!.dimParam || '?'));
    const example = sizes.map((size, axis) => size ?? (declared.length === 4 && axis > 1 ? 224 : 16));
    throw new UserError(`The input "${info.name}" of ${file} has no fixed size: [${shown.join(', ')}].`, {
      exitCode: EXIT.usage,
      hint: `Give its shape, for example --input-shape ${example.join(',')}.`,
    });
  }
  return sizes as number[];
}

const recurrent = new Set(['LSTM', 'GRU', 'RNN']);
/** Ops that leave the first two axes of their inputs where they are. */
const keeping = new Set(
  (
    'Identity Cast Dropout Relu LeakyRelu Elu Selu Celu Gelu Tanh Sigmoid HardSigmoid Softplus Softsign Clip Abs Neg Exp Log ' +
    'Sqrt Erf Add Sub Mul Div Pow MatMul LayerNormalization Concat'
  ).split(' '),
);
/** Ops whose first axis is the batch, whatever stands behind them. */
const batched = new Set(
  (
    'Conv ConvTranspose MaxPool AveragePool GlobalMaxPool GlobalAveragePool LpPool BatchNormalization ' +
    'InstanceNormalization GroupNormalization LRN DepthToSpace SpaceToDepth Resize Upsample'
  ).split(' '),
);

/**
 * Which axis of an input that leads to a recurrent op is the batch: 1 where time stands first; undefined where none is
 * reached, 'unclear' where one is reached only by ops that may move axes.
 */
export function sequenceBatchAxis(input: string, nodes: readonly FileNode[]): 0 | 1 | 'unclear' | undefined {
  /** Where axis 0 of the input lies in a value. */
  const reached = new Map<string, 0 | 1 | 'unclear'>([[input, 0]]);
  let found: 'unclear' | undefined;
  for (const { op, domain, inputs, outputs, attributes } of nodes) {
    const [first] = inputs;
    const whole = (key: string): AttributeProto | undefined => attributes.find(({ name }) => name === key);
    const from = op === 'Gather' ? inputs[1] : keeping.has(op) ? inputs.find((name) => reached.has(name)) : first;
    const at = from === undefined ? undefined : reached.get(from);
    // A size that is read off a value is no sequence.
    if (at === undefined || op === 'Shape' || op === 'Size') continue;
    const known = domain === '' && at !== 'unclear' && !(op === 'MatMul' && from !== first);
    if (known && batched.has(op) && at === 0) return 0;
    if (recurrent.has(op)) {
      if (known) return at === (whole('layout')?.i === 1 ? 0 : 1) ? 0 : 1;
      found = 'unclear';
      continue;
    }
    const [a, b] = whole('perm')?.ints ?? [];
    const swaps = op === 'Transpose' && a === 1 && b === 0;
    const stays = keeping.has(op) || op === 'Gather' || (op === 'Transpose' && a === 0 && b === 1);
    const goes = !known || !(swaps || stays) ? 'unclear' : swaps ? ((1 - at) as 0 | 1) : at;
    for (const name of outputs) reached.set(name, goes);
  }
  return found;
}

/** The size that the weights of the nodes reading an input ask for along an axis. */
export function guessedSize(
  input: string,
  axis: number,
  nodes: readonly FileNode[],
  constantAt: (name: string) => Constant | undefined,
): number | undefined {
  for (const { op, inputs, attributes } of nodes) {
    if (inputs[0] !== input || !inputs[1]) continue;
    const attribute = (key: string): number | undefined => attributes.find(({ name }) => name === key)?.i;
    if (recurrent.has(op) && axis === 2) {
      const inputSize = constantAt(inputs[1])?.shape[2];
      if (inputSize !== undefined) return inputSize;
    }
    if (op === 'Conv' && axis === 1) {
      const channels = constantAt(inputs[1])?.shape[1];
      if (channels !== undefined) return channels * (attribute('group') ?? 1);
    }
    if ((op === 'Gemm' || op === 'MatMul') && axis === 1) {
      const shape = constantAt(inputs[1])?.shape;
      if (shape?.length === 2 && !attribute('transA')) return shape[attribute('transB') ? 1 : 0];
    }
  }
  return undefined;
}

/**
 * Where the file fixes a batch above 1, what it says of its outputs must hold for a batch of 1 too; else sizes are baked
 * into it that would be silently wrong.
 */
export function checkBatch(
  graph: GraphProto,
  shapeOf: (name: string) => Shape | undefined,
  given: readonly ValueInfoProto[],
  file: string,
): void {
  const batch = given.map((info) => info.type?.tensorType?.shape?.dim).find((dim) => dim && dim.length > 1)?.[0];
  if (batch?.value !== 'dimValue' || batch.dimValue <= 1) return;
  for (const { name, type } of graph.output) {
    const declared = type?.tensorType?.shape?.dim;
    const found = shapeOf(name);
    if (!declared || !found || declared[0]?.dimValue !== batch.dimValue) continue;
    const same =
      declared.length === found.length &&
      declared.every(({ value, dimValue }, axis) => axis === 0 || value !== 'dimValue' || dimValue === found[axis]);
    if (!same || sizeOf(found) === 0) {
      throw new UserError(`${file} is made for batches of ${batch.dimValue} only.`, {
        hint: 'Export it with a batch of 1 or a free batch.',
      });
    }
  }
}
