// Eigenvalues and eigenvectors of a symmetric tridiagonal matrix. Values alone: implicit QL (Dubrulle, Martin, Wilkinson).
// With few vectors: inverse iteration. With many: divide and conquer (Cuppen 1981; Gu and Eisenstat 1995), where almost all
// work is matrix products and the vectors are orthogonal to working precision because they belong exactly to a nearby
// rank-one update.
import { tridiagonalVectors } from './inverse-iteration.ts';
import { multiply } from './multiply.ts';

const EPS = Number.EPSILON;
/** Below this size rotations are cheaper than dividing. */
const LEAF = 32;
/** Up to this share of the vectors, each found by itself is cheaper than all of both halves. */
const FEW = 1 / 8;

/** Eigenvalues, ascending, of the tridiagonal matrix with the given diagonals (lengths n and n − 1). */
export function tridiagonalValues(diagonal: Float64Array, offDiagonal: Float64Array): Float64Array {
  const d = diagonal.slice();
  implicitQl(d, offDiagonal, undefined);
  return d.sort();
}

export interface TridiagonalEigen {
  /** Ascending. */
  readonly values: Float64Array;
  /** The eigenvectors of the `count` largest values, one a row, largest value first: count × n. */
  readonly vectors: Float64Array;
}

/** All eigenvalues, and the eigenvectors of the `count` largest. */
export function tridiagonalEigen(diagonal: Float64Array, offDiagonal: Float64Array, count: number): TridiagonalEigen {
  const n = diagonal.length;
  if (n > LEAF && count <= FEW * n) {
    const values = tridiagonalValues(diagonal, offDiagonal);
    const vectors = tridiagonalVectors(diagonal, offDiagonal, values.subarray(n - count).toReversed());
    if (vectors) return { values, vectors };
  }
  const { values, vectors } = divide(diagonal.slice(), offDiagonal, count);
  const rows = vectors.length / Math.max(1, n);
  const leading = new Float64Array(count * n);
  for (let i = 0; i < count; i++) {
    const from = (rows - 1 - i) * n;
    leading.set(vectors.subarray(from, from + n), i * n);
  }
  return { values, vectors: leading };
}

/**
 * Implicit QL: overwrites d with the eigenvalues, unordered; the rows of `vectors` (n × n), where given, are rotated
 * along, so that an identity becomes the eigenvectors, one a row.
 */
function implicitQl(d: Float64Array, offDiagonal: Float64Array, vectors: Float64Array | undefined): void {
  const n = d.length;
  const e = new Float64Array(n);
  e.set(offDiagonal);
  let scale = 0;
  for (let i = 0; i < n; i++) scale = Math.max(scale, Math.abs(d[i]!), Math.abs(e[i]!));
  // A coupling this small moves no value by more: where the diagonal is rounding noise too, nothing smaller is reached.
  const floor = 0.1 * EPS * scale;
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; ; sweep++) {
      let m = l;
      for (; m < n - 1; m++) {
        const size = Math.abs(e[m]!);
        if (size <= floor || size <= 0.5 * EPS * (Math.abs(d[m]!) + Math.abs(d[m + 1]!))) break;
      }
      if (m === l) break;
      // About 1.7 sweeps a value are usual; 60 has never been seen to be short.
      if (sweep === 60)
        throw new Error('symmetric eigenvalues: the QL iteration did not converge (is a number not finite?)');
      let g = (d[l + 1]! - d[l]!) / (2 * e[l]!);
      let r = length(g, 1);
      g = d[m]! - d[l]! + e[l]! / (g + (g >= 0 ? r : -r));
      let s = 1;
      let c = 1;
      let p = 0;
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i]!;
        const b = c * e[i]!;
        r = length(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1]! -= p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1]! - p;
        r = (d[i]! - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        if (vectors) rotate(vectors, i * n, (i + 1) * n, n, c, s);
      }
      if (r === 0 && i >= l) continue;
      d[l]! -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
}

/** (x, y) ← (c·x − s·y, s·x + c·y) for two rows of one array. */
function rotate(a: Float64Array, x: number, y: number, count: number, c: number, s: number): void {
  for (let k = 0; k < count; k++) {
    const ax = a[x + k]!;
    const ay = a[y + k]!;
    a[x + k] = c * ax - s * ay;
    a[y + k] = s * ax + c * ay;
  }
}

/** √(a² + b²); Math.hypot is an order of magnitude slower, and callers have scaled their numbers. */
function length(a: number, b: number): number {
  return Math.sqrt(a * a + b * b);
}

interface Solved {
  values: Float64Array;
  /** Rows: eigenvectors in ascending order of value; the last rows only, when fewer were asked for. */
  vectors: Float64Array;
}

/** T = diag(T₁, T₂) + ρ z zᵀ: solves the halves, then the rank-one update; the `count` largest vectors of the result. */
function divide(d: Float64Array, e: Float64Array, count: number): Solved {
  const n = d.length;
  if (n <= LEAF) return leaf(d, e, count);
  const middle = n >> 1;
  const coupling = e[middle - 1]!;
  const rho = Math.abs(coupling);
  const d1 = d.slice(0, middle);
  const d2 = d.slice(middle);
  d1[middle - 1]! -= rho;
  d2[0]! -= rho;
  const first = divide(d1, e.subarray(0, middle - 1), middle);
  const second = divide(d2, e.subarray(middle), n - middle);
  return merge(first, second, rho, coupling < 0 ? -1 : 1, count);
}

function leaf(d: Float64Array, e: Float64Array, count: number): Solved {
  const n = d.length;
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  implicitQl(d, e, vectors);
  const order = Array.from(d.keys()).sort((i, j) => d[i]! - d[j]!);
  const sorted = new Float64Array(count * n);
  for (const [row, i] of order.slice(n - count).entries()) sorted.set(vectors.subarray(i * n, (i + 1) * n), row * n);
  return { values: Float64Array.from(order, (i) => d[i]!), vectors: sorted };
}

function merge(first: Solved, second: Solved, coupling: number, sign: number, count: number): Solved {
  const n1 = first.values.length;
  const n2 = second.values.length;
  const n = n1 + n2;
  // Rows of `basis` are the eigenvectors of diag(T₁, T₂); their products with the coupling vector give z.
  const values = new Float64Array(n);
  const z = new Float64Array(n);
  for (let i = 0; i < n1; i++) {
    values[i] = first.values[i]!;
    z[i] = first.vectors[i * n1 + n1 - 1]! * Math.SQRT1_2;
  }
  for (let i = 0; i < n2; i++) {
    values[n1 + i] = second.values[i]!;
    z[n1 + i] = sign * second.vectors[i * n2]! * Math.SQRT1_2;
  }
  const rho = 2 * coupling;
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => values[i]! - values[j]!);
  let largest = 0;
  let largestZ = 0;
  for (let i = 0; i < n; i++) {
    largest = Math.max(largest, Math.abs(values[i]!));
    largestZ = Math.max(largestZ, Math.abs(z[i]!));
  }
  const tolerance = 8 * EPS * Math.max(largest, largestZ * rho);

  // Deflation: a component of z that does not matter, or two values so close that a rotation puts one out of z.
  const kept: number[] = [];
  const settled: number[] = [];
  const rotations: Rotation[] = [];
  for (const i of order) {
    if (rho * Math.abs(z[i]!) <= tolerance) {
      settled.push(i);
      continue;
    }
    const previous = kept.at(-1);
    if (previous !== undefined) {
      const norm = Math.hypot(z[previous]!, z[i]!);
      const c = z[i]! / norm;
      const s = z[previous]! / norm;
      const gap = values[i]! - values[previous]!;
      if (Math.abs(gap * c * s) <= tolerance) {
        // previous loses its component of z and settles; i carries both.
        rotations.push({ from: previous, into: i, c, s });
        z[i] = norm;
        z[previous] = 0;
        const low = values[previous]!;
        const high = values[i]!;
        values[previous] = low * c * c + high * s * s;
        values[i] = low * s * s + high * c * c;
        kept.pop();
        settled.push(previous);
      }
    }
    kept.push(i);
  }

  const k = kept.length;
  const poles = Float64Array.from(kept, (i) => values[i]!);
  const weights = Float64Array.from(kept, (i) => z[i]!);
  const roots = solveSecular(poles, weights, rho);

  // Ascending order over the new values (index ≥ 0: root) and the settled ones (index < 0).
  const all = new Float64Array(n);
  for (let i = 0; i < k; i++) all[i] = poles[roots.origin[i]!]! + roots.offset[i]!;
  for (const [i, index] of settled.entries()) all[k + i] = values[index]!;
  const ranking = Array.from({ length: n }, (_, i) => i).sort((i, j) => all[i]! - all[j]! || i - j);
  const wanted = ranking.slice(n - count);

  const basis = new Float64Array(n * n);
  for (let i = 0; i < n1; i++) basis.set(first.vectors.subarray(i * n1, (i + 1) * n1), i * n);
  for (let i = 0; i < n2; i++) basis.set(second.vectors.subarray(i * n2, (i + 1) * n2), (n1 + i) * n + n1);
  for (const { from, into, c, s } of rotations) rotate(basis, from * n, into * n, n, c, s);

  const wantedRoots = wanted.filter((i) => i < k);
  const coefficients = secularVectors(poles, weights, rho, roots, wantedRoots);
  const combined = combine(coefficients, wantedRoots.length, kept, basis, n, n1, rotations);
  const vectors = new Float64Array(count * n);
  let rootRow = 0;
  for (const [row, i] of wanted.entries()) {
    const source =
      i < k
        ? combined.subarray(rootRow * n, ++rootRow * n)
        : basis.subarray(settled[i - k]! * n, (settled[i - k]! + 1) * n);
    vectors.set(source, row * n);
  }
  return { values: Float64Array.from(ranking, (i) => all[i]!), vectors };
}

interface Rotation {
  from: number;
  into: number;
  c: number;
  s: number;
}

/** coefficients (count × kept) times the kept rows of the basis, each of which fills one half unless a rotation mixed it. */
function combine(
  coefficients: Float64Array,
  count: number,
  kept: readonly number[],
  basis: Float64Array,
  n: number,
  n1: number,
  rotations: readonly Rotation[],
): Float64Array {
  const mixed = new Set(rotations.flatMap(({ from, into }) => [from, into]));
  const result = new Float64Array(count * n);
  const halves = [
    { start: 0, end: n1, rows: [] as number[] },
    { start: n1, end: n, rows: [] as number[] },
  ] as const;
  for (const [position, index] of kept.entries()) {
    if (index < n1 || mixed.has(index)) halves[0].rows.push(position);
    if (index >= n1 || mixed.has(index)) halves[1].rows.push(position);
  }
  for (const { start, end, rows } of halves) {
    const width = end - start;
    const inner = rows.length;
    const left = new Float64Array(count * inner);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < inner; j++) left[i * inner + j] = coefficients[i * kept.length + rows[j]!]!;
    }
    const right = new Float64Array(inner * width);
    for (const [j, position] of rows.entries()) {
      const from = kept[position]! * n;
      right.set(basis.subarray(from + start, from + end), j * width);
    }
    const part = multiply(left, right, count, inner, width);
    for (let i = 0; i < count; i++) result.set(part.subarray(i * width, (i + 1) * width), i * n + start);
  }
  return result;
}

interface Roots {
  /** Root i is poles[origin[i]] + offset[i]; the distance to its nearer pole keeps all its digits. */
  origin: Int32Array;
  offset: Float64Array;
}

/** The roots of 1 + ρ Σ zⱼ²/(dⱼ − λ) = 0 for ascending distinct d and ρ > 0: one right of each pole. */
function solveSecular(d: Float64Array, z: Float64Array, rho: number): Roots {
  const k = d.length;
  const origin = new Int32Array(k);
  const offset = new Float64Array(k);
  const squares = z.map((x) => x * x);
  const total = squares.reduce((sum, x) => sum + x, 0);
  const inverseRho = 1 / rho;
  const shifted = new Float64Array(k);
  for (let i = 0; i < k; i++) {
    const last = i === k - 1;
    const gap = last ? rho * total : d[i + 1]! - d[i]!;
    let o = i;
    let low = 0;
    let high = gap;
    if (!last) {
      // The sign at the midpoint says which pole is nearer.
      let f = inverseRho;
      for (let j = 0; j < k; j++) f += squares[j]! / (d[j]! - d[i]! - 0.5 * gap);
      if (f < 0) {
        o = i + 1;
        low = -0.5 * gap;
        high = 0;
      } else high = 0.5 * gap;
    }
    const base = d[o]!;
    for (let j = 0; j < k; j++) shifted[j] = d[j]! - base;
    const left = shifted[i]!;
    const right = last ? Infinity : shifted[i + 1]!;
    let x = 0.5 * (low + high);
    for (let step = 0; step < 100; step++) {
      let below = 0;
      let belowSlope = 0;
      for (let j = 0; j <= i; j++) {
        const t = 1 / (shifted[j]! - x);
        const term = squares[j]! * t;
        below += term;
        belowSlope += term * t;
      }
      let above = 0;
      let aboveSlope = 0;
      for (let j = i + 1; j < k; j++) {
        const t = 1 / (shifted[j]! - x);
        const term = squares[j]! * t;
        above += term;
        aboveSlope += term * t;
      }
      const f = inverseRho + below + above;
      if (f < 0) low = Math.max(low, x);
      else high = Math.min(high, x);
      if (Math.abs(f) <= 2 * EPS * k * (inverseRho + above - below) || high - low <= EPS * Math.abs(x)) break;
      const next = x + secularStep(f, left - x, right - x, belowSlope, aboveSlope);
      x = next > low && next < high ? next : 0.5 * (low + high);
    }
    origin[i] = o;
    offset[i] = x;
  }
  return { origin, offset };
}

/** Step to the root of the rational function with poles at both neighbours that matches f and the slopes of both sides. */
function secularStep(f: number, left: number, right: number, belowSlope: number, aboveSlope: number): number {
  if (right === Infinity) {
    const c = f - left * belowSlope;
    return left + (left * left * belowSlope) / c;
  }
  const c = f - left * belowSlope - right * aboveSlope;
  const a = (left + right) * f - left * right * (belowSlope + aboveSlope);
  const b = left * right * f;
  const root = Math.sqrt(Math.max(0, a * a - 4 * b * c));
  return a <= 0 ? (a - root) / (2 * c) : (2 * b) / (a + root);
}

/**
 * Unit eigenvectors of diag(d) + ρ z zᵀ for the given roots, one a row, with z recomputed (Löwner) so that the roots are
 * exact for it: that is what makes them orthogonal.
 */
function secularVectors(
  d: Float64Array,
  z: Float64Array,
  rho: number,
  { origin, offset }: Roots,
  wanted: readonly number[],
): Float64Array {
  const k = d.length;
  const exact = new Float64Array(k);
  for (let j = 0; j < k; j++) {
    // zⱼ² = Π_i (λᵢ − dⱼ) / (ρ Π_{i≠j} (dᵢ − dⱼ)); the factors are paired so that each quotient stays near one.
    let product = (d[origin[j]!]! - d[j]! + offset[j]!) / rho;
    for (let i = 0; i < k; i++) {
      if (i !== j) product *= (d[origin[i]!]! - d[j]! + offset[i]!) / (d[i]! - d[j]!);
    }
    exact[j] = Math.sqrt(Math.abs(product)) * (z[j]! < 0 ? -1 : 1);
  }
  const rows = new Float64Array(wanted.length * k);
  for (const [row, i] of wanted.entries()) {
    const base = d[origin[i]!]!;
    let sum = 0;
    for (let j = 0; j < k; j++) {
      const x = exact[j]! / (d[j]! - base - offset[i]!);
      rows[row * k + j] = x;
      sum += x * x;
    }
    const inverse = 1 / Math.sqrt(sum);
    for (let j = 0; j < k; j++) rows[row * k + j]! *= inverse;
  }
  return rows;
}
