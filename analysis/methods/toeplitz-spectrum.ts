// The spectrum of a convolution as a map of whole images with circular boundary (Sedghi, Gupta and Long 2019): at every
// frequency f the kernel's transform is a small matrix Ŵ(f) = Σ_t W_t e^{−2πi f·t}, and the map's singular values are those of
// all of them. Compared with the unfolded spectrum in SVDW.
import type { ConvAttributes } from '../ops/conv.ts';
import { singularValues } from '../svd/singular-values.ts';

/** Multiply-adds above which a smaller image stands for the layer's own: seconds on one core. */
const MOST_WORK = 2e9;
/** Values that are reported. */
const MOST_VALUES = 256;

interface ToeplitzSpectrum {
  /** The leading ones, descending. */
  readonly values: readonly number[];
  /** What they are of, where that is not simply the layer; or why there are none. */
  readonly reason: string | null;
}

/**
 * Leading singular values of a convolution of weight [O, C/groups, …k] on images of `size` with circular boundary. Where
 * that takes too long, those of a smaller image (they lie between the same bounds), and the reason says so. `work` bounds it.
 */
export function toeplitzSpectrum(
  weight: { readonly data: Float32Array; readonly shape: readonly number[] },
  size: readonly number[],
  { strides, groups, dilations }: Pick<ConvAttributes, 'strides' | 'groups' | 'dilations'>,
  work = MOST_WORK,
): ToeplitzSpectrum {
  if (strides.some((stride) => stride !== 1))
    return { values: [], reason: 'the stride is not 1, so the map does not commute with shifts' };
  const [outputs, inputs, ...kernel] = weight.shape as [number, number, ...number[]];
  const rows = outputs / groups;
  const [small, large] = [Math.min(rows, inputs), Math.max(rows, inputs)];
  const taps = kernel.reduce((a, b) => a * b, 1);
  // Half of the frequencies suffice; a complex matrix has twice the sides as a real one.
  const perFrequency = groups * (8 * small * small * large + taps * rows * inputs) + 1;
  const affordable = (2 * work) / perFrequency;
  const extent = kernel.map((taps, axis) => (taps - 1) * dilations[axis]! + 1);
  let grid = size.map((n) => n);
  while (taps > 1 && grid.reduce((a, b) => a * b, 1) > affordable) {
    const smaller = grid.map((n, axis) => Math.max(Math.min(size[axis]!, extent[axis]!), Math.ceil(n * 0.75)));
    if (smaller.every((n, axis) => n === grid[axis]!))
      return { values: [], reason: `${rows} × ${inputs} channels at every frequency take too long` };
    grid = smaller;
  }
  const values: number[] = [];
  if (taps === 1) {
    // Without neighbours every frequency has the same matrix: the weights.
    const positions = grid.reduce((a, b) => a * b, 1);
    const own = Array.from({ length: groups }, (_, group) =>
      singularValues(weight.data.subarray(group * rows * inputs, (group + 1) * rows * inputs), rows, inputs),
    ).flatMap((found) => [...found]);
    own.sort((a, b) => b - a);
    const total = own.length * positions;
    const repeated = Array.from({ length: Math.min(total, MOST_VALUES) }, (_, i) => own[Math.floor(i / positions)]!);
    return leading(repeated, total, grid, size);
  }
  const frequency = grid.map(() => 0);
  const block = new Float64Array(4 * rows * inputs);
  for (;;) {
    const mirrored = frequency.map((f, axis) => (grid[axis]! - f) % grid[axis]!);
    const order = compare(frequency, mirrored);
    if (order <= 0) {
      for (let group = 0; group < groups; group++) {
        transformAt(weight, kernel, { frequency, grid, dilations, rows, inputs, group }, block);
        for (const value of valuesOf(block, rows, inputs)) values.push(value, ...(order < 0 ? [value] : []));
      }
    }
    let axis = 0;
    while (axis < grid.length && ++frequency[axis]! === grid[axis]) frequency[axis++] = 0;
    if (axis === grid.length) break;
  }
  return leading(values, values.length, grid, size);
}

/** The report's share of all values, and in words what they are of. */
function leading(values: number[], total: number, grid: readonly number[], size: readonly number[]): ToeplitzSpectrum {
  values.sort((a, b) => b - a);
  const ofAll = total > MOST_VALUES ? [`the leading ${MOST_VALUES} of ${total.toLocaleString('en-US')} values`] : [];
  const ofSmaller = grid.every((n, axis) => n === size[axis])
    ? []
    : [`computed for images of ${grid.join(' × ')} in place of ${size.join(' × ')}, which would take too long`];
  const reasons = [...ofAll, ...ofSmaller];
  return { values: values.slice(0, MOST_VALUES), reason: reasons.length > 0 ? reasons.join('; ') : null };
}

/** Singular values of R + iI, given as [R −I; I R]. */
function valuesOf(block: Float64Array, rows: number, inputs: number): ArrayLike<number> & Iterable<number> {
  if (rows === 1 || inputs === 1) {
    let squares = 0;
    for (const x of block) squares += x * x;
    return [Math.sqrt(squares / 2)];
  }
  const twice = singularValues(block, 2 * rows, 2 * inputs);
  return twice.filter((_, i) => i % 2 === 0);
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, x] of a.entries()) if (x !== b[i]) return x - b[i]!;
  return 0;
}

interface Place {
  readonly frequency: readonly number[];
  readonly grid: readonly number[];
  readonly dilations: readonly number[];
  readonly rows: number;
  readonly inputs: number;
  readonly group: number;
}

/** Writes [Re −Im; Im Re] of the kernel's transform at a frequency: the same singular values, each twice. */
function transformAt(
  { data }: { readonly data: Float32Array },
  kernel: readonly number[],
  { frequency, grid, dilations, rows, inputs, group }: Place,
  block: Float64Array,
): void {
  const taps = kernel.reduce((a, b) => a * b, 1);
  const waves = Array.from({ length: taps }, (_, tap) => {
    let [phase, rest] = [0, tap];
    for (let axis = kernel.length - 1; axis >= 0; axis--) {
      phase += (frequency[axis]! * dilations[axis]! * (rest % kernel[axis]!)) / grid[axis]!;
      rest = Math.floor(rest / kernel[axis]!);
    }
    return [Math.cos(2 * Math.PI * phase), -Math.sin(2 * Math.PI * phase)] as const;
  });
  const width = 2 * inputs;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < inputs; c++) {
      let [real, imaginary] = [0, 0];
      const start = ((group * rows + r) * inputs + c) * taps;
      for (let tap = 0; tap < taps; tap++) {
        const weight = data[start + tap]!;
        real += weight * waves[tap]![0];
        imaginary += weight * waves[tap]![1];
      }
      block[r * width + c] = real;
      block[(rows + r) * width + inputs + c] = real;
      block[r * width + inputs + c] = -imaginary;
      block[(rows + r) * width + c] = imaginary;
    }
  }
}
