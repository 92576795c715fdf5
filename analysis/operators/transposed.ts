// Aᵀ as an operator: the two products change places.
import type { LinearOperator } from './operator.ts';

/** The transpose of an operator. */
export function transposed(operator: LinearOperator): LinearOperator {
  return {
    ...(operator.backend && { backend: operator.backend }),
    domain: operator.codomain,
    codomain: operator.domain,
    apply: (block) => operator.transpose(block),
    transpose: (block) => operator.apply(block),
  };
}
