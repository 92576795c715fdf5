// The weights of a layer as matrices, outputs × inputs (SVDW, section 3: d × c × k × k becomes d × ck²): dense layers as they
// are, convolutions with the taps of every channel side by side, grouped ones group by group.
import type { Tensor } from '../kernels/kernels.ts';
import { sizeOf } from '../kernels/kernels.ts';
import type { Layer } from '../network/layers.ts';
import { nodeOf, type Network } from '../network/network.ts';

/** Weights as matrices, one a group. */
export interface UnfoldedWeights {
  readonly weightShape: readonly number[];
  /** Rows (outputs) and columns (inputs) of one block. */
  readonly rows: number;
  readonly columns: number;
  /** Row-major; one a group. */
  readonly blocks: readonly Float32Array[];
  /** Shape of one row: [c, …k] of a convolution, [inputs] of a dense layer. */
  readonly filter: readonly number[];
  /** Constant that is added to each output; null where there is none. */
  readonly bias: Float32Array | null;
  /** Axis of the outputs within the shape of the layer's node. */
  readonly outputAxis: number;
}

/** The unfolding of a layer's weight; a string says why it has none. */
export function unfold({ network }: { readonly network: Network }, layer: Layer): UnfoldedWeights | string {
  const node = nodeOf(network, layer.node);
  if (node.op === 'mat-mul') return unfoldProduct(network, layer);
  const weight = node.parameters['weight'];
  if (!weight) return `a ${layer.op} layer has no weight matrix`;
  const bias = node.parameters['bias']?.data ?? null;
  if (node.op === 'dense') {
    const [rows, columns] = weight.shape as [number, number];
    const outputAxis = node.shape.length - 1;
    return { weightShape: weight.shape, rows, columns, blocks: [weight.data], filter: [columns], bias, outputAxis };
  }
  const groups = (node.attributes['groups'] as number | undefined) ?? 1;
  if (node.op === 'conv') {
    const [outputs, ...filter] = weight.shape as [number, ...number[]];
    const [rows, columns] = [outputs / groups, sizeOf(filter)];
    const blocks = Array.from({ length: groups }, (_, g) =>
      weight.data.subarray(g * rows * columns, (g + 1) * rows * columns),
    );
    return { weightShape: weight.shape, rows, columns, blocks, filter, bias, outputAxis: 1 };
  }
  if (node.op === 'conv-transpose') return { ...unfoldTransposed(weight, groups), bias, outputAxis: 1 };
  return `a ${layer.op} layer has no weight matrix`;
}

/** [C, O/g, …k] per group as O/g × (C/g · k…). */
function unfoldTransposed(weight: Tensor, groups: number): Omit<UnfoldedWeights, 'bias' | 'outputAxis'> {
  const [inputs, rows, ...kernel] = weight.shape as [number, number, ...number[]];
  const [perGroup, taps] = [inputs / groups, sizeOf(kernel)];
  const columns = perGroup * taps;
  const blocks = Array.from({ length: groups }, (_, g) => {
    const block = new Float32Array(rows * columns);
    for (let c = 0; c < perGroup; c++) {
      for (let o = 0; o < rows; o++) {
        for (let t = 0; t < taps; t++)
          block[o * columns + c * taps + t] = weight.data[((g * perGroup + c) * rows + o) * taps + t]!;
      }
    }
    return block;
  });
  return { weightShape: weight.shape, rows, columns, blocks, filter: [perGroup, ...kernel] };
}

/** x W with a constant matrix W [inputs, outputs], as outputs × inputs. */
function unfoldProduct(network: Network, layer: Layer): UnfoldedWeights | string {
  const node = nodeOf(network, layer.node);
  const weight = nodeOf(network, node.inputs[1]!);
  const leading = weight.shape.slice(0, -2);
  if (weight.op !== 'constant' || weight.shape.length < 2 || sizeOf(leading) !== 1)
    return 'a product whose constant is not one matrix on the right has no single weight matrix';
  if (node.attributes['transposeA'] === true) return 'a product with a transposed input has no weight matrix';
  const stored = weight.parameters['value']!.data;
  const [first, second] = weight.shape.slice(-2) as [number, number];
  const isTransposed = node.attributes['transposeB'] === true;
  const [rows, columns] = isTransposed ? [first, second] : [second, first];
  const block = isTransposed ? stored : new Float32Array(rows * columns);
  for (let r = 0; !isTransposed && r < rows; r++) {
    for (let c = 0; c < columns; c++) block[r * columns + c] = stored[c * rows + r]!;
  }
  const outputAxis = node.shape.length - 1;
  return { weightShape: weight.shape, rows, columns, blocks: [block], filter: [columns], bias: null, outputAxis };
}
