// The hypergraph of classes over directions and the order of its groups (SVDW, section 4): nodes are directions, hyperedges are
// classes; nodes in the same hyperedges are one group, and a group stands above those whose classes it strictly includes.

/** Directions that the same classes share. */
interface HypergraphGroup {
  /** Ascending. */
  readonly classes: readonly number[];
  /** Ascending. */
  readonly directions: readonly number[];
}

export interface Hypergraph {
  /** From the most general to the most specific: by falling number of classes, then by the first direction. */
  readonly groups: readonly HypergraphGroup[];
  /** [general, specific] by index into groups: the transitive reduction of strict inclusion. */
  readonly edges: readonly (readonly [number, number])[];
}

/**
 * Share of each class's samples in which a direction's signal is above the threshold: classes × directions, row-major.
 * `classes` gives the class of every sample, −1 for none; classes without samples have NaN.
 */
export function significantShares(
  signals: Float64Array,
  directions: number,
  threshold: number,
  classes: Int32Array,
  classCount: number,
): Float64Array {
  const shares = new Float64Array(classCount * directions);
  const counts = new Float64Array(classCount);
  for (const [sample, c] of classes.entries()) {
    if (c < 0 || c >= classCount) continue;
    counts[c]!++;
    for (let d = 0; d < directions; d++)
      if (signals[sample * directions + d]! > threshold) shares[c * directions + d]!++;
  }
  return shares.map((hits, i) => hits / counts[Math.floor(i / directions)]!);
}

/** The hyperedge of every class: the directions that are significant in at least the share `majority` of its samples. */
export function hyperedgesOf(shares: Float64Array, directions: number, majority: number): number[][] {
  const all = Array.from({ length: directions }, (_, d) => d);
  return Array.from({ length: shares.length / Math.max(1, directions) }, (_, c) =>
    all.filter((d) => shares[c * directions + d]! >= majority - 1e-12),
  );
}

/** Groups and their order, from hyperedges (class → directions). Directions of no class belong to no group. */
export function hypergraphOf(hyperedges: readonly (readonly number[])[]): Hypergraph {
  const classesOf = new Map<number, number[]>();
  for (const [c, edge] of hyperedges.entries()) {
    for (const direction of edge) classesOf.set(direction, [...(classesOf.get(direction) ?? []), c]);
  }
  const groups = [...Map.groupBy(classesOf.keys(), (direction) => classesOf.get(direction)!.join()).values()]
    .map((directions) => ({ classes: classesOf.get(directions[0]!)!, directions: directions.sort((a, b) => a - b) }))
    .sort((a, b) => b.classes.length - a.classes.length || a.directions[0]! - b.directions[0]!);
  const sets = groups.map(({ classes }) => new Set(classes));
  const includes = (general: number, specific: number): boolean =>
    sets[general]!.size > sets[specific]!.size && [...sets[specific]!].every((c) => sets[general]!.has(c));
  const edges: [number, number][] = [];
  for (let i = 0; i < groups.length; i++) {
    for (let j = 0; j < groups.length; j++) {
      if (includes(i, j) && !groups.some((_, k) => includes(i, k) && includes(k, j))) edges.push([i, j]);
    }
  }
  return { groups, edges };
}
