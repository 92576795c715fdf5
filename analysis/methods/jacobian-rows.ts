// Rows of a map in blocks: unit vectors through the transposed product, never more than a block of them at a time. Where
// receptive fields are known, one probe holds several neurons of one channel whose fields do not meet, and its image
// falls apart into their rows (Curtis, Powell and Reid 1974): exact, with a fraction of the products.
import { sizeOf, type Shape } from '../kernels/kernels.ts';
import type { FieldAxis } from '../network/receptive-field.ts';
import type { LinearOperator } from '../operators/operator.ts';

/** Some rows of a Jacobian, outside of whose columns they are zero. Its arrays are overwritten by the next rows. */
export interface Rows {
  readonly neurons: readonly number[];
  /** Which inputs the values stand for, ascending; null for all of them. */
  readonly columns: Int32Array | null;
  /** neurons × columns, row-major. */
  readonly values: Float32Array;
}

export interface RowPlan {
  /** How many probes it takes. */
  readonly probes: number;
  /** Every row once, in blocks of at most `blockSize` probes. */
  visit(map: LinearOperator, blockSize: number, each: (rows: Rows) => void, checkpoint?: () => void): Promise<void>;
}

/** Most probes at once, and how many numbers (4 MiB) they may move together: more is hardly faster and takes more memory. */
const WIDEST = 64;
const VALUES = 2 ** 20;
const NARROWEST = 8;

/** How many probes to send at once along a path through which each moves so many numbers. */
export function blockFor(valuesPerProbe: number): number {
  return Math.max(NARROWEST, Math.min(WIDEST, Math.floor(VALUES / valuesPerProbe)));
}

/** Rows of chosen neurons, each with a probe of its own. */
export function planRows(domain: Shape, codomain: Shape, neurons: readonly number[]): RowPlan {
  const [inputs, outputs] = [sizeOf(domain), sizeOf(codomain)];
  return {
    probes: neurons.length,
    async visit(map, blockSize, each, checkpoint = () => {}) {
      const units = new Float32Array(Math.min(blockSize, neurons.length) * outputs);
      const kept = new Int32Array(inputs);
      for (let start = 0; start < neurons.length; start += blockSize) {
        checkpoint();
        const part = neurons.slice(start, start + blockSize);
        const data = units.subarray(0, part.length * outputs).fill(0);
        for (const [i, neuron] of part.entries()) data[i * outputs + neuron] = 1;
        const { data: values } = await map.transpose({ count: part.length, size: outputs, data });
        each(compacted({ neurons: part, columns: null, values }, inputs, kept));
      }
    },
  };
}

/** The rows of every neuron, with as few probes as the receptive field (of the codomain's axes) allows. */
export function planAllRows(domain: Shape, codomain: Shape, field: readonly FieldAxis[]): RowPlan {
  const strides = field.map(({ first, last }) => apart(first, last));
  const sharing = strides.reduce((product, stride, i) => product * Math.ceil(codomain[field[i]!.axis]! / stride), 1);
  const [inputs, outputs] = [sizeOf(domain), sizeOf(codomain)];
  if (
    sharing === 1 &&
    !field.some((one) => one.last.some((last, p) => last - one.first[p]! + 1 < domain[one.inputAxis]!))
  )
    return planRows(
      domain,
      codomain,
      Array.from({ length: outputs }, (_, i) => i),
    );

  const steps = codomain.map((_, axis) => sizeOf(codomain.slice(axis + 1)));
  const channels = offsets(
    codomain.map((size, axis) => (field.some((one) => one.axis === axis) ? [0] : range(0, size))),
    steps,
  );
  /** For each residue by the strides: its positions, each with where it starts in the output and what it can see. */
  const classes = product(strides.map((stride) => range(0, stride))).flatMap((residues) => {
    const along = residues.map((residue, i) => everyNth(residue, codomain[field[i]!.axis]!, strides[i]!));
    const positions = product(along);
    return positions.length > 0 ? [positions] : [];
  });
  const offsetOf = (position: readonly number[]): number =>
    position.reduce((sum, p, i) => sum + p * steps[field[i]!.axis]!, 0);
  const inputSteps = domain.map((_, axis) => sizeOf(domain.slice(axis + 1)));
  /** Writes the inputs that a position can see, ascending, and says how many. */
  const writeColumns = (position: readonly number[], target: Int32Array): number => {
    const starts = domain.map(() => 0);
    const ends = [...domain];
    for (const [i, { inputAxis, first, last }] of field.entries()) {
      starts[inputAxis] = first[position[i]!]!;
      ends[inputAxis] = last[position[i]!]! + 1;
    }
    let count = 0;
    const write = (axis: number, base: number): void => {
      if (axis === domain.length) target[count++] = base;
      else for (let p = starts[axis]!; p < ends[axis]!; p++) write(axis + 1, base + p * inputSteps[axis]!);
    };
    write(0, 0);
    return count;
  };

  return {
    probes: classes.length * channels.length,
    async visit(map, blockSize, each, checkpoint = () => {}) {
      const total = classes.length * channels.length;
      // One array each for all blocks: fresh ones are garbage faster than it is collected.
      const rows = new Float32Array(Math.min(blockSize, channels.length) * inputs);
      const seen = new Int32Array(inputs);
      const kept = new Int32Array(inputs);
      const units = new Float32Array(Math.min(blockSize, total) * outputs);
      for (let start = 0; start < total; start += blockSize) {
        checkpoint();
        const count = Math.min(blockSize, total - start);
        const data = units.subarray(0, count * outputs).fill(0);
        for (let i = 0; i < count; i++) {
          const channel = channels[(start + i) % channels.length]!;
          for (const position of classes[Math.floor((start + i) / channels.length)]!) {
            data[i * outputs + channel + offsetOf(position)] = 1;
          }
        }
        const image = (await map.transpose({ count, size: outputs, data })).data;
        for (let i = 0; i < count;) {
          // Probes of one class stand together: each of its positions gives one row a probe.
          const at = Math.floor((start + i) / channels.length);
          const end = Math.min(count, (at + 1) * channels.length - start);
          for (const position of classes[at]!) {
            const columns = seen.subarray(0, writeColumns(position, seen));
            const offset = offsetOf(position);
            const values = rows.subarray(0, (end - i) * columns.length);
            const neurons: number[] = [];
            for (let probe = i; probe < end; probe++) {
              neurons.push(channels[(start + probe) % channels.length]! + offset);
              const row = (probe - i) * columns.length;
              for (let c = 0; c < columns.length; c++) values[row + c] = image[probe * inputs + columns[c]!]!;
            }
            each(compacted({ neurons, columns, values }, columns.length, kept));
          }
          i = end;
        }
      }
    },
  };
}

/** The least stride at which no two intervals of a residue class meet. */
function apart(first: Int32Array, last: Int32Array): number {
  const count = first.length;
  for (let stride = 1; stride < count; stride++) {
    let free = true;
    for (let start = 0; free && start < stride; start++) {
      let reach = -1;
      for (let p = start; free && p < count; p += stride) {
        if (last[p]! < first[p]!) continue;
        free = first[p]! > reach;
        reach = last[p]!;
      }
    }
    if (free) return stride;
  }
  return count;
}

/** The rows without the columns in which all of them are zero, in the same array; the columns that stay are written into `room`. */
function compacted({ neurons, columns, values }: Rows, width: number, room: Int32Array): Rows {
  let count = 0;
  for (let c = 0; c < width; c++) {
    for (let i = c; i < values.length; i += width) {
      if (values[i] !== 0) {
        room[count++] = c;
        break;
      }
    }
  }
  if (count > 0.9 * width) return { neurons, columns, values };
  const kept = room.subarray(0, count);
  for (let r = 0; r < neurons.length; r++) {
    for (let c = 0; c < count; c++) values[r * count + c] = values[r * width + kept[c]!]!;
  }
  if (columns) for (let c = 0; c < count; c++) kept[c] = columns[kept[c]!]!;
  return { neurons, columns: kept, values: values.subarray(0, neurons.length * count) };
}

function range(start: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i);
}

function everyNth(start: number, end: number, step: number): number[] {
  return Array.from({ length: Math.max(0, Math.ceil((end - start) / step)) }, (_, i) => start + i * step);
}

/** Every choice of one of each. */
function product(lists: readonly (readonly number[])[]): number[][] {
  return lists.reduce<number[][]>((all, list) => all.flatMap((head) => list.map((entry) => [...head, entry])), [[]]);
}

/** The flat index of every choice of one position an axis, in row-major order. */
function offsets(positions: readonly (readonly number[])[], steps: readonly number[]): number[] {
  return positions.reduce<number[]>(
    (all, list, axis) => all.flatMap((head) => list.map((p) => head + p * steps[axis]!)),
    [0],
  );
}
