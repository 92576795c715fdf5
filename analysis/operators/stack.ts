// Operators with one domain, one above the other: [A; B; …] x = [A x; B x; …].
import { sizeOf } from '../kernels/kernels.ts';
import type { LinearOperator } from './operator.ts';

/** The vertical stack; its codomain is flat, the parts' outputs one after another. */
export function stack(operators: readonly [LinearOperator, ...LinearOperator[]]): LinearOperator {
  const domain = operators[0].domain;
  const domainSize = sizeOf(domain);
  for (const [i, operator] of operators.entries()) {
    if (sizeOf(operator.domain) !== domainSize) {
      throw new Error(
        `stack: operator ${i} takes [${operator.domain.join(', ')}], the first one [${domain.join(', ')}]`,
      );
    }
  }
  const sizes = operators.map((operator) => sizeOf(operator.codomain));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return {
    domain,
    codomain: [total],
    apply: async (block) => {
      const data = new Float32Array(block.count * total);
      let offset = 0;
      for (const [i, operator] of operators.entries()) {
        const size = sizes[i]!;
        const part = await operator.apply(block);
        for (let r = 0; r < block.count; r++)
          data.set(part.data.subarray(r * size, (r + 1) * size), r * total + offset);
        offset += size;
      }
      return { count: block.count, size: total, data };
    },
    transpose: async (block) => {
      const sum = new Float64Array(block.count * domainSize);
      let offset = 0;
      for (const [i, operator] of operators.entries()) {
        const size = sizes[i]!;
        const data = new Float32Array(block.count * size);
        for (let r = 0; r < block.count; r++) {
          data.set(block.data.subarray(r * total + offset, r * total + offset + size), r * size);
        }
        const part = await operator.transpose({ count: block.count, size, data });
        for (let k = 0; k < sum.length; k++) sum[k]! += part.data[k]!;
        offset += size;
      }
      return { count: block.count, size: domainSize, data: Float32Array.from(sum) };
    },
  };
}
