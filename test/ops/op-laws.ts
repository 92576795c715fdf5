// The laws of every op, over every backend that loads here and in both modes: exact at the captured inputs, adjoint,
// linear, equal to finite differences where Taylor says so, and honest about what it captures.
import { describe, expect, it } from 'vitest';
import { chooseBackend, probeBackends } from '../../analysis/kernels/choose.ts';
import { sizeOf, type Backend, type Shape, type Tensor, type Value } from '../../analysis/kernels/kernels.ts';
import type { Mode, Op, OpNode } from '../../analysis/ops/op.ts';
import { random } from '../../analysis/random.ts';

/** One node and the inputs at which it is linearised. */
export interface OpCase<Attributes> {
  /** What is particular about it. */
  readonly name: string;
  readonly attributes: Attributes;
  readonly parameters?: Readonly<Record<string, Tensor>>;
  /** Of one sample, without the block. */
  readonly inputs: readonly Tensor[];
  /** Which inputs depend on the domain; every non-empty choice by default. */
  readonly dependent?: readonly (readonly boolean[])[];
  /** False where the inputs lie on a kink or a tie, where no finite difference is the derivative. */
  readonly differentiable?: boolean;
  /** Relative to the largest magnitude. Default 2e-5. */
  readonly tolerance?: number;
}

const modes: readonly Mode[] = ['taylor', 'frozen'];

/** Backends that load on this machine. */
export const backends: readonly Backend[] = await Promise.all(
  (await probeBackends()).filter(({ loads }) => loads).map(({ id }) => chooseBackend(id)),
);

/** Numbers given row by row. */
export function tensor(data: readonly number[], shape: Shape = [data.length]): Tensor {
  if (data.length !== sizeOf(shape)) throw new Error(`${data.length} numbers for a tensor of shape [${shape}].`);
  return { data: Float32Array.from(data), shape };
}

/** Normal numbers of a seeded stream, times `scale` plus `shift`. */
export function normalTensor(shape: Shape, stream: string, { scale = 1, shift = 0 } = {}): Tensor {
  return {
    data: random(7, stream)
      .normals(sizeOf(shape))
      .map((x) => scale * x + shift),
    shape,
  };
}

/** Distinct numbers, a tenth apart, in random order and around 0: no ties, and no kink near. */
export function spacedTensor(shape: Shape, stream: string): Tensor {
  const count = sizeOf(shape);
  return { data: Float32Array.from(random(7, stream).permutation(count), (i) => (i - count / 2) / 10 + 0.04), shape };
}

/** What a case gives at its inputs: rows of numbers, block by block. */
export interface Evaluation {
  readonly shape: Shape;
  readonly output: Tensor;
  /** A x0. */
  readonly atInputs: Tensor;
  /** Zeros where the op gives no offset. */
  readonly offset: Tensor;
  readonly applied: Tensor;
  /** A dx with one dependent input at a time. */
  readonly appliedAlone: readonly Tensor[];
  /** One per input, null where nothing flows. */
  readonly transposed: readonly (Tensor | null)[];
  /** Growth of the backend's live tensors over two runs, and after disposal. */
  readonly leaked: { readonly secondRun: number; readonly disposed: number };
}

export interface Directions {
  /** One per input, [B, …S]; those of inputs that do not depend are not used. */
  readonly dx: readonly Tensor[];
  /** [B, …S]. */
  readonly dy: Tensor;
}

/** The node of a case. */
export function nodeOf<A>(op: Op<A>, { attributes, parameters = {}, inputs }: OpCase<A>): OpNode<A> {
  const partial = { attributes, parameters, inputShapes: inputs.map(({ shape }) => shape) };
  return { ...partial, shape: op.shape(partial) };
}

/** Runs a case in one mode on one backend, in one program. The captured inputs may hold several samples: [n, …S] each. */
export async function evaluate<A>(
  backend: Backend,
  op: Op<A>,
  test: OpCase<A>,
  mode: Mode,
  { dx, dy }: Directions,
  dependent: readonly boolean[] = test.inputs.map(() => true),
  captured: readonly Tensor[] = test.inputs.map(({ data, shape }) => ({ data, shape: [1, ...shape] })),
): Promise<Evaluation> {
  const node = nodeOf(op, test);
  const count = test.inputs.length;
  const before = backend.liveTensors();
  let present: boolean[] = [];
  const program = await backend.compile([...node.inputShapes, ...node.inputShapes, node.shape], (k, values) => {
    const inputs = values.slice(0, count);
    const directions = values.slice(count, 2 * count).map((value, i) => (dependent[i] ? value : null));
    const output = op.forward(k, inputs, node);
    // Only what the op declares to read of the captured values is there.
    const unread = undefined as unknown as Value;
    const visible = inputs.map((value, i) => (op.captures === 'nothing' && dependent[i] ? unread : value));
    const linearisation = op.linearise(
      k,
      visible,
      op.captures === 'inputs and output' ? output : unread,
      node,
      mode,
      dependent,
    );
    const atInputs = linearisation.apply(inputs.map((value, i) => (dependent[i] ? value : null)));
    const alone = directions.flatMap((value, i) =>
      value ? [linearisation.apply(directions.map((other, j) => (i === j ? other : null)))] : [],
    );
    const transposed = linearisation.transpose(values[2 * count]!).map((part, i) => (dependent[i] ? part : null));
    present = transposed.map((part) => part !== null);
    return [
      output,
      atInputs,
      linearisation.offset ?? k.binary('sub', output, output),
      linearisation.apply(directions),
      ...alone,
      ...transposed.filter((part) => part !== null),
    ];
  });
  const feeds = [...captured, ...dx, dy];
  await program.run(feeds);
  const afterFirst = backend.liveTensors();
  const results = await program.run(feeds);
  const secondRun = backend.liveTensors() - afterFirst;
  program.dispose();
  const [output, atInputs, offset, applied, ...rest] = results as [Tensor, Tensor, Tensor, Tensor, ...Tensor[]];
  const appliedAlone = rest.splice(0, dependent.filter(Boolean).length);
  return {
    shape: node.shape,
    output,
    atInputs,
    offset,
    applied,
    appliedAlone,
    transposed: present.map((given) => (given ? rest.shift()! : null)),
    leaked: { secondRun, disposed: backend.liveTensors() - before },
  };
}

/** Checks every law for every case. */
export function opLaws<A>(op: Op<A>, cases: readonly OpCase<A>[]): void {
  describe(`${op.id} obeys the laws of ops`, () => {
    for (const test of cases) {
      describe(test.name, () => {
        for (const mode of modes) lawsAt(op, test, mode);
      });
    }
  });
}

function lawsAt<A>(op: Op<A>, test: OpCase<A>, mode: Mode): void {
  const tolerance = test.tolerance ?? 2e-5;
  const choices = test.dependent ?? choicesOf(test.inputs.length);
  const directions = directionsOf(op, test);
  let runs: Promise<{ backend: Backend; dependent: readonly boolean[]; at: Evaluation }[]> | undefined;
  const everywhere = () =>
    (runs ??= (async () => {
      const all = [];
      for (const dependent of choices) {
        for (const backend of backends) {
          all.push({ backend, dependent, at: await evaluate(backend, op, test, mode, directions, dependent) });
        }
      }
      return all;
    })());

  it(`${mode}: is exact at its inputs, and every value has its shape`, async () => {
    for (const { at } of await everywhere()) {
      const { shape } = at;
      expect(at.output.shape).toEqual([1, ...shape]);
      expect(at.offset.shape).toEqual([1, ...shape]);
      expect(at.applied.shape).toEqual([3, ...shape]);
      at.transposed.forEach((part, i) => {
        if (part) expect(part.shape).toEqual([3, ...test.inputs[i]!.shape]);
      });
      const sum = at.atInputs.data.map((value, i) => value + at.offset.data[i]!);
      expectClose(sum, at.output.data, tolerance, largest(at.atInputs.data) + largest(at.offset.data));
    }
  });

  it(`${mode}: ⟨A u, v⟩ = ⟨u, Aᵀ v⟩`, async () => {
    for (const { at } of await everywhere()) {
      for (const [r, s] of [
        [0, 0],
        [1, 2],
      ] as const) {
        const left = dot(row(at.applied, r), row(directions.dy, s));
        const parts = at.transposed.map((part, i) => (part ? dot(row(directions.dx[i]!, r), row(part, s)) : 0));
        const right = parts.reduce((sum, part) => sum + part, 0);
        const scale =
          norm(row(at.applied, r)) * norm(row(directions.dy, s)) + parts.reduce((sum, part) => sum + Math.abs(part), 0);
        expect(Math.abs(left - right)).toBeLessThanOrEqual(tolerance * scale + 1e-30);
      }
    }
  });

  it(`${mode}: is linear in the block and in each input apart`, async () => {
    for (const { at } of await everywhere()) {
      // The third row of every direction is the first plus twice the second.
      for (const value of [at.applied, ...at.transposed]) {
        if (!value) continue;
        const [a, b, c] = [0, 1, 2].map((r) => row(value, r)) as [Float32Array, Float32Array, Float32Array];
        expectClose(
          a.map((x, i) => x + 2 * b[i]!),
          c,
          tolerance,
          largest(a) + 2 * largest(b),
        );
      }
      const sum = new Float32Array(at.applied.data.length);
      for (const part of at.appliedAlone) part.data.forEach((x, i) => (sum[i]! += x));
      expectClose(sum, at.applied.data, tolerance, Math.max(...at.appliedAlone.map(({ data }) => largest(data))));
    }
  });

  it(`${mode}: one probe alone gives what it gives in a block`, async () => {
    const [backend] = backends;
    for (const { at, dependent } of (await everywhere()).filter((run) => run.backend === backend)) {
      const single = {
        dx: directions.dx.map((value) => rows(value, 1, 2)),
        dy: rows(directions.dy, 1, 2),
      };
      const alone = await evaluate(backend!, op, test, mode, single, dependent);
      expectClose(alone.applied.data, row(at.applied, 1), tolerance);
      alone.transposed.forEach((part, i) => {
        expect(part === null).toBe(at.transposed[i] === null);
        if (part) expectClose(part.data, row(at.transposed[i]!, 1), tolerance);
      });
    }
  });

  it(`${mode}: of two samples captured together, row i meets the map of sample i`, async () => {
    const [backend] = backends;
    const others = test.inputs.map(({ data, shape }) => ({ data: data.toReversed(), shape }));
    const together = test.inputs.map(({ data, shape }, i) => ({
      data: Float32Array.from([...data, ...others[i]!.data]),
      shape: [2, ...shape],
    }));
    const pair = { dx: directions.dx.map((value) => rows(value, 0, 2)), dy: rows(directions.dy, 0, 2) };
    for (const dependent of choices) {
      const both = await evaluate(backend!, op, test, mode, pair, dependent, together);
      for (const [i, inputs] of [test.inputs, others].entries()) {
        const single = { dx: directions.dx.map((value) => rows(value, i, i + 1)), dy: rows(directions.dy, i, i + 1) };
        const alone = await evaluate(backend!, op, { ...test, inputs }, mode, single, dependent);
        expectClose(row(both.output, i), alone.output.data, tolerance);
        expectClose(row(both.applied, i), alone.applied.data, tolerance);
        // An offset that is the same for all samples may come once.
        expectClose(row(both.offset, both.offset.shape[0] === 1 ? 0 : i), alone.offset.data, tolerance);
        both.transposed.forEach((part, j) => {
          if (part) expectClose(row(part, i), alone.transposed[j]!.data, tolerance);
        });
      }
    }
  });

  it(`${mode}: the backends agree, and leave no tensor behind`, async () => {
    const all = await everywhere();
    for (const { at, dependent } of all) {
      expect(at.leaked).toEqual({ secondRun: 0, disposed: 0 });
      const reference = all.find((run) => run.dependent === dependent)!.at;
      for (const key of ['output', 'offset', 'applied'] as const) {
        expectClose(at[key].data, reference[key].data, tolerance);
      }
      at.transposed.forEach((part, i) => {
        if (part) expectClose(part.data, reference.transposed[i]!.data, tolerance);
      });
    }
  });

  if (mode === 'taylor' && test.differentiable !== false) {
    it('taylor: agrees with finite differences', async () => {
      const [backend] = backends;
      for (const { at, dependent } of (await everywhere()).filter((run) => run.backend === backend)) {
        const slope = await differences(backend!, op, test, directions.dx, dependent);
        expectClose(slope, row(at.applied, 0), 2e-3);
      }
    });
  }
}

/** Central differences along the first row of the directions, extrapolated from two steps (error of order step⁴). */
async function differences<A>(
  backend: Backend,
  op: Op<A>,
  test: OpCase<A>,
  dx: readonly Tensor[],
  dependent: readonly boolean[],
): Promise<Float32Array> {
  const node = nodeOf(op, test);
  const program = await backend.compile(node.inputShapes, (k, inputs) => [op.forward(k, inputs, node)]);
  const at = async (step: number): Promise<Float32Array> => {
    const moved = test.inputs.map(({ data, shape }, i) => ({
      data: dependent[i] ? data.map((x, j) => x + step * dx[i]!.data[j]!) : data,
      shape: [1, ...shape],
    }));
    return (await program.run(moved))[0]!.data;
  };
  const step = 0.01;
  const [far, back, near, nearBack] = [await at(step), await at(-step), await at(step / 2), await at(-step / 2)];
  program.dispose();
  return far.map((_, i) => {
    const coarse = (far[i]! - back[i]!) / (2 * step);
    const fine = (near[i]! - nearBack[i]!) / step;
    return (4 * fine - coarse) / 3;
  });
}

/** Two random rows and their combination, first + 2·second. */
function directionsOf<A>(op: Op<A>, test: OpCase<A>): Directions {
  const block = (shape: Shape, stream: string): Tensor => {
    const [a, b] = [random(3, `${stream} a`), random(3, `${stream} b`)].map((r) => r.normals(sizeOf(shape)));
    return { data: Float32Array.from([...a!, ...b!, ...a!.map((x, i) => x + 2 * b![i]!)]), shape: [3, ...shape] };
  };
  return {
    dx: test.inputs.map(({ shape }, i) => block(shape, `dx${i}`)),
    dy: block(nodeOf(op, test).shape, 'dy'),
  };
}

/** Every choice of inputs that depend, but for none. */
function choicesOf(count: number): boolean[][] {
  return Array.from({ length: 2 ** count - 1 }, (_, n) =>
    Array.from({ length: count }, (_, i) => (((n + 1) >> i) & 1) === 1),
  );
}

/** Finite, and equal up to tolerance × (largest magnitude of either, or `scale` where that is larger). */
export function expectClose(actual: Float32Array, expected: Float32Array, tolerance: number, scale = 0): void {
  expect(actual.length).toBe(expected.length);
  expect([...actual, ...expected].every(Number.isFinite)).toBe(true);
  const limit = tolerance * Math.max(scale, largest(expected), largest(actual)) + 1e-30;
  expect(actual.reduce((worst, x, i) => Math.max(worst, Math.abs(x - expected[i]!)), 0)).toBeLessThanOrEqual(limit);
}

function largest(data: Float32Array): number {
  return data.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
}

function rows({ data, shape }: Tensor, from: number, to: number): Tensor {
  const size = sizeOf(shape.slice(1));
  return { data: data.slice(from * size, to * size), shape: [to - from, ...shape.slice(1)] };
}

function row(value: Tensor, i: number): Float32Array {
  return rows(value, i, i + 1).data;
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}

function norm(a: Float32Array): number {
  return Math.sqrt(dot(a, a));
}
