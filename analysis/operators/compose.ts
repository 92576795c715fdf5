// One operator after another.
import { sizeOf } from '../kernels/kernels.ts';
import type { LinearOperator } from './operator.ts';

/** The product A_k … A_2 A_1 of operators in the order in which they act; their shapes must hold equally many numbers. */
export function compose(...operators: readonly [LinearOperator, ...LinearOperator[]]): LinearOperator {
  for (let i = 1; i < operators.length; i++) {
    const before = operators[i - 1]!.codomain;
    const after = operators[i]!.domain;
    if (sizeOf(before) !== sizeOf(after)) {
      throw new Error(
        `compose: operator ${i} takes [${after.join(', ')}], the one before it gives [${before.join(', ')}]`,
      );
    }
  }
  return {
    domain: operators[0].domain,
    codomain: operators.at(-1)!.codomain,
    apply: async (block) => {
      let result = block;
      for (const operator of operators) result = await operator.apply(result);
      return result;
    },
    transpose: async (block) => {
      let result = block;
      for (const operator of operators.toReversed()) result = await operator.transpose(result);
      return result;
    },
  };
}
