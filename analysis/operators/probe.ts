// Questions that random vectors can answer about an operator: are its two products adjoint, and is it linear?
import type { Random } from '../random.ts';
import { sizeOf } from '../kernels/kernels.ts';
import type { Block, LinearOperator } from './operator.ts';

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
    const difference = Math.abs(inner(forward, v, r) - inner(u, backward, r));
    const scale = Math.max(norm(forward, r) * norm(v, r), norm(u, r) * norm(backward, r));
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
  const scale = Math.abs(a) * norm(images, 0) + Math.abs(b) * norm(images, 1);
  return sum === 0 ? 0 : Math.sqrt(sum) / scale;
}

function inner(x: Block, y: Block, row: number): number {
  let sum = 0;
  for (let i = row * x.size; i < (row + 1) * x.size; i++) sum += x.data[i]! * y.data[i]!;
  return sum;
}

function norm(x: Block, row: number): number {
  return Math.sqrt(inner(x, x, row));
}
