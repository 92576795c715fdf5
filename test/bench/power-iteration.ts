// The baseline of the SVD benches: power iteration with deflation, as LI's authors compute their eigen-inputs, on the same
// products as the tool's own iteration.
import { sizeOf } from '../../analysis/kernels/kernels.ts';
import type { LinearOperator } from '../../analysis/operators/operator.ts';
import { random } from '../../analysis/random.ts';

/**
 * One triplet after another: v ← Aᵀ A v off the vectors found, until the residual is below tolerance·σ₁. Gives the values
 * and the single products that they took; fewer values than `count` where `limit` products did not do.
 */
export async function powerIteration(
  operator: LinearOperator,
  count: number,
  { tolerance, limit = 50_000 }: { tolerance: number; limit?: number },
): Promise<{ values: number[]; products: number }> {
  const [rows, cols] = [sizeOf(operator.codomain), sizeOf(operator.domain)];
  const draw = random(1, 'power');
  const found: Float32Array[] = [];
  const values: number[] = [];
  let products = 0;
  while (found.length < count) {
    let v = unit(deflated(draw.normals(cols), found)).vector;
    for (;;) {
      const image = (await operator.apply({ count: 1, size: cols, data: v })).data;
      const { vector: u, norm: sigma } = unit(image);
      // The residual is taken after deflation: errors of the triplets before do not count against this one.
      const back = deflated((await operator.transpose({ count: 1, size: rows, data: u })).data, found);
      products += 2;
      let residual = 0;
      for (let i = 0; i < cols; i++) residual += (back[i]! - sigma * v[i]!) ** 2;
      if (Math.sqrt(residual) <= tolerance * (values[0] ?? sigma)) {
        values.push(sigma);
        break;
      }
      if (products >= limit) return { values, products };
      v = unit(back).vector;
    }
    found.push(v);
  }
  return { values, products };
}

function deflated(x: Float32Array, found: readonly Float32Array[]): Float32Array {
  for (const v of found) {
    let inner = 0;
    for (let i = 0; i < x.length; i++) inner += x[i]! * v[i]!;
    for (let i = 0; i < x.length; i++) x[i]! -= inner * v[i]!;
  }
  return x;
}

function unit(x: Float32Array): { vector: Float32Array; norm: number } {
  const norm = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
  return { vector: x.map((value) => value / norm), norm };
}
