// Which centroid a sample's left vectors are nearest to, whole and column by column. Distances need only s:
// ‖U_i − C_c‖² = Σ_o (s_io − m_co)² ‖B_o‖², C_c = diag(m_c) B, and per column the same with B_od² (methods.md, section 1).
import type { Study } from '../study.ts';

export interface NearestCentroids {
  /** Numbers a sample that a search moves. */
  readonly perSample: number;
  /**
   * Index of the nearest centroid (the first on a tie) of every sample for every column of weights, and how near it is:
   * the squared distance less what all centroids have in common. Both count × columns.
   */
  of(s: Float32Array, count: number): Promise<{ readonly nearest: Int32Array; readonly scores: Float32Array }>;
  dispose(): void;
}

export interface CentroidSearch {
  readonly size: number;
  /** Where s lies on average: distances are taken from there, so that no digits cancel. */
  readonly centre: Float64Array;
  /** m_c: count × size. */
  readonly means: Float64Array;
  readonly count: number;
  /** size × columns. */
  readonly weights: ArrayLike<number>;
  readonly columns: number;
}

/** Prepares a search: argmin_c Σ_o w_o (m_co − s_o)² = argmin_c Σ_o w_o d_co (d_co − 2 e_o), d = m − centre, e = s − centre. */
export async function nearestCentroids(
  study: Study,
  { size, centre, means, count: classes, weights, columns }: CentroidSearch,
): Promise<NearestCentroids> {
  const offsets = Float32Array.from(means, (m, i) => m - centre[i % size]!);
  const centres = Float32Array.from(centre);
  const given = Float32Array.from({ length: size * columns }, (_, i) => weights[i]!);
  const program = await study.backend.compile([[1, size]], (k, [s]) => {
    const d = k.constant({ data: offsets, shape: [1, classes, size] });
    const e = k.binary('sub', s!, k.constant({ data: centres, shape: [1, 1, size] }));
    const minusTwo = k.constant({ data: Float32Array.of(-2), shape: [1, 1, 1] });
    const terms = k.binary('mul', d, k.binary('add', d, k.binary('mul', e, minusTwo)));
    return [k.matMul(terms, k.constant({ data: given, shape: [1, size, columns] }))];
  });
  return {
    perSample: 3 * classes * size,
    async of(s, count) {
      const [distances] = await program.run([{ data: s, shape: [count, 1, size] }]);
      const nearest = new Int32Array(count * columns);
      const scores = new Float32Array(count * columns).fill(Infinity);
      for (let i = 0; i < count; i++) {
        for (let column = 0; column < columns; column++) {
          const at = i * columns + column;
          for (let c = 0; c < classes; c++) {
            const score = distances!.data[(i * classes + c) * columns + column]!;
            if (score < scores[at]!) [nearest[at], scores[at]] = [c, score];
          }
        }
      }
      return { nearest, scores };
    },
    dispose: () => program.dispose(),
  };
}
