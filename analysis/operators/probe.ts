// Questions that random vectors can answer about an operator: are its two products adjoint, and is it linear?
import type { Random } from '../random.ts';
import { sizeOf } from '../kernels/kernels.ts';
import type { Block, LinearOperator } from './operator.ts';
import { inner, norm, rowOf } from './rows.ts';

/** `count` standard normal vectors. */
export function randomBlock(random: Random, count: number, size: number): Block {
  return { count, size, data: random.normals(count * size) };
}

/**
 * The largest |⟨A u, v⟩ − ⟨u, Aᵀ v⟩| / max(‖A u‖ ‖v‖, ‖u‖ ‖Aᵀ v‖) over `count` random pairs u, v: rounding for a true pair
 * of products (0 for the zero operator). The lengths stand below, because the inner products themselves may vanish.
 */
export async function adjointness(operator: LinearOperator, random: Random, { count = 4 } = {}): Promise<number> {
  const u = randomBlock(random, count, sizeOf(operator.domain));
  const v = randomBlock(random, count, sizeOf(operator.codomain));
  const forward = await operator.apply(u);
  const backward = await operator.transpose(v);
  let worst = 0;
  for (let r = 0; r < count; r++) {
    const difference = Math.abs(inner(rowOf(forward, r), rowOf(v, r)) - inner(rowOf(u, r), rowOf(backward, r)));
    const scale = Math.max(norm(rowOf(forward, r)) * norm(rowOf(v, r)), norm(rowOf(u, r)) * norm(rowOf(backward, r)));
    if (difference > 0 || Number.isNaN(difference)) worst = Math.max(worst, difference / scale);
  }
  return worst;
}

/** ‖A(a x + b y) − a A x − b A y‖ / (|a| ‖A x‖ + |b| ‖A y‖) for random a, x, b, y: rounding for a linear map. */
export async function linearity(operator: LinearOperator, random: Random): Promise<number> {
  const size = sizeOf(operator.domain);
  const [a, b] = [random.normal(), random.normal()];
  const pair = randomBlock(random, 2, size);
  const data = new Float32Array(3 * size);
  data.set(pair.data);
  for (let i = 0; i < size; i++) data[2 * size + i] = a * pair.data[i]! + b * pair.data[size + i]!;
  const images = await operator.apply({ count: 3, size, data });
  let sum = 0;
  for (let i = 0; i < images.size; i++) {
    const [x, y, z] = [images.data[i]!, images.data[images.size + i]!, images.data[2 * images.size + i]!];
    sum += (z - a * x - b * y) ** 2;
  }
  const scale = Math.abs(a) * norm(rowOf(images, 0)) + Math.abs(b) * norm(rowOf(images, 1));
  return sum === 0 ? 0 : Math.sqrt(sum) / scale;
}
