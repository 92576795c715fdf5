// Between operators and matrices: a matrix as an operator, and an operator written out as a matrix.
import { sizeOf } from '../kernels/kernels.ts';
import type { Block, LinearOperator } from './operator.ts';

/** A row-major rows × cols matrix as an operator; products are summed in float64 and rounded to float32 at the end. */
export function fromMatrix(matrix: Float32Array | Float64Array, rows: number, cols: number): LinearOperator {
  if (matrix.length !== rows * cols) throw new Error(`matrix: ${matrix.length} numbers are not ${rows} × ${cols}`);
  return {
    domain: [cols],
    codomain: [rows],
    apply: async (block) => {
      const data = new Float32Array(block.count * rows);
      for (let b = 0; b < block.count; b++) {
        const x = block.data.subarray(b * cols, (b + 1) * cols);
        for (let i = 0; i < rows; i++) {
          let sum = 0;
          for (let j = 0; j < cols; j++) sum += matrix[i * cols + j]! * x[j]!;
          data[b * rows + i] = sum;
        }
      }
      return { count: block.count, size: rows, data };
    },
    transpose: async (block) => {
      const data = new Float32Array(block.count * cols);
      for (let b = 0; b < block.count; b++) {
        const sums = new Float64Array(cols);
        for (let i = 0; i < rows; i++) {
          const y = block.data[b * rows + i]!;
          for (let j = 0; j < cols; j++) sums[j]! += matrix[i * cols + j]! * y;
        }
        data.set(sums, b * cols);
      }
      return { count: block.count, size: cols, data };
    },
  };
}

/** The operator with a factor for every output: diag(factors) A. */
export function scaledRows(operator: LinearOperator, factors: ArrayLike<number>): LinearOperator {
  if (factors.length !== sizeOf(operator.codomain)) {
    throw new Error(`scaled rows: ${factors.length} factors for an output of [${operator.codomain.join(', ')}]`);
  }
  const scale = ({ count, size, data }: Block): Block => {
    const scaled = new Float32Array(count * size);
    for (let start = 0; start < scaled.length; start += size)
      for (let i = 0; i < size; i++) scaled[start + i] = data[start + i]! * factors[i]!;
    return { count, size, data: scaled };
  };
  return {
    ...operator,
    apply: async (block) => scale(await operator.apply(block)),
    transpose: (block) => operator.transpose(scale(block)),
  };
}

/**
 * The operator as a row-major matrix, codomain × domain, by products with unit vectors of its smaller side, at most
 * `blockSize` at a time.
 */
export async function toMatrix(operator: LinearOperator, { blockSize = 16 } = {}): Promise<Float32Array> {
  const rows = sizeOf(operator.codomain);
  const cols = sizeOf(operator.domain);
  const byColumn = cols < rows;
  const side = byColumn ? cols : rows;
  const matrix = new Float32Array(rows * cols);
  for (let start = 0; start < side; start += blockSize) {
    const count = Math.min(blockSize, side - start);
    const data = new Float32Array(count * side);
    for (let i = 0; i < count; i++) data[i * side + start + i] = 1;
    const block = { count, size: side, data };
    if (!byColumn) {
      matrix.set((await operator.transpose(block)).data, start * cols);
      continue;
    }
    const images = (await operator.apply(block)).data;
    for (let i = 0; i < count; i++) for (let r = 0; r < rows; r++) matrix[r * cols + start + i] = images[i * rows + r]!;
  }
  return matrix;
}
