// How exact a result is, computed and stored beside it (methods.md, section 0).
import type { Certificate } from '../reports/format.ts';
import { sizeOf } from './kernels/kernels.ts';
import type { LocatedMap } from './network/affine-map.ts';
import { inner, norm } from './operators/rows.ts';
import type { Random } from './random.ts';
import type { TruncatedSvd } from './svd/truncated-svd.ts';

/** |A x0 + r − b(x0)| / max(|b(x0)|, tiny), the worst over the samples of the map. One product. */
export async function completenessOf(map: LocatedMap): Promise<number> {
  const size = sizeOf(map.codomain);
  const { data } = await map.apply({ count: map.count, size: sizeOf(map.domain), data: map.at });
  let worst = 0;
  for (let sample = 0; sample < map.count; sample++) {
    let [difference, norm] = [0, 0];
    for (let i = sample * size; i < (sample + 1) * size; i++) {
      difference += (data[i]! + map.offset[i]! - map.value[i]!) ** 2;
      norm += map.value[i]! ** 2;
    }
    worst = Math.max(worst, Math.sqrt(difference) / Math.max(Math.sqrt(norm), 1e-30));
  }
  return worst;
}

/**
 * (|A x0| + |r|) / |b(x0)|, the largest over the samples: how much larger the two parts of a map are than their sum, and so
 * how much more rounding counts in its completeness. A frozen sigmoid makes it large: σ(z)/z grows like 1/(2z) where z
 * nears 0. One product.
 */
export async function cancellationOf(map: LocatedMap): Promise<number> {
  const size = sizeOf(map.codomain);
  const { data } = await map.apply({ count: map.count, size: sizeOf(map.domain), data: map.at });
  let worst = 0;
  for (let sample = 0; sample < map.count; sample++) {
    const [through, own, value] = [data, map.offset, map.value].map((rows) =>
      norm(rows.subarray(sample * size, (sample + 1) * size)),
    ) as [number, number, number];
    worst = Math.max(worst, (through + own) / Math.max(value, 1e-30));
  }
  return worst;
}

/** |⟨A u, v⟩ − ⟨u, Aᵀ v⟩| / (|A u| |v| + |u| |Aᵀ v|) for random u, v, the worst over the samples. Two products. */
export async function adjointnessOf(map: LocatedMap, random: Random): Promise<number> {
  const [n, m] = [sizeOf(map.domain), sizeOf(map.codomain)];
  const u = random.normals(map.count * n);
  const v = random.normals(map.count * m);
  const au = (await map.apply({ count: map.count, size: n, data: u })).data;
  const atv = (await map.transpose({ count: map.count, size: m, data: v })).data;
  let worst = 0;
  for (let sample = 0; sample < map.count; sample++) {
    const rows = (x: Float32Array, size: number): Float32Array => x.subarray(sample * size, (sample + 1) * size);
    const [us, vs, aus, atvs] = [rows(u, n), rows(v, m), rows(au, m), rows(atv, n)];
    const scale = norm(aus) * norm(vs) + norm(us) * norm(atvs);
    worst = Math.max(worst, scale === 0 ? 0 : Math.abs(inner(aus, vs) - inner(us, atvs)) / scale);
  }
  return worst;
}

/** The whole certificate of a map, with that of its singular triplets where there are any. */
export async function certificateOf(map: LocatedMap, random: Random, svd?: TruncatedSvd): Promise<Certificate> {
  return {
    completeness: await completenessOf(map),
    adjointness: await adjointnessOf(map, random),
    ...(svd && {
      residuals: [...svd.residuals],
      converged: svd.converged,
      applications: svd.applications,
      remainder: remainderOf(svd),
    }),
  };
}

/** Share of Σσ² in the values that were not computed; an estimate where the map was not written out. */
function remainderOf({ singularValues, remainder }: TruncatedSvd): number {
  const kept = singularValues.reduce((sum, value) => sum + value * value, 0);
  return remainder.energy === 0 ? 0 : remainder.energy / (kept + remainder.energy);
}
