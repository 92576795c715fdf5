// The laws of a kernel backend: every kernel agrees with float64 loops, adjoints are adjoint, blocks of any size run
// through one program, and nothing is left behind. Run over every backend that this machine has.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseBackend, probeBackends } from '../../analysis/kernels/choose.ts';
import { sizeOf } from '../../analysis/kernels/kernels.ts';
import type {
  Backend,
  BinaryKernel,
  ConvOptions,
  Kernels,
  PoolOptions,
  Shape,
  Tensor,
  UnaryKernel,
  Value,
} from '../../analysis/kernels/kernels.ts';
import { random } from '../../analysis/random.ts';
import type { Random } from '../../analysis/random.ts';
import { naiveKernels } from './naive-kernels.ts';
import type { Naive } from './naive-kernels.ts';

const available = (await probeBackends()).filter(({ loads }) => loads).map(({ id }) => id);
const backends = await Promise.all(available.map((id) => chooseBackend(id)));

type Build = (k: Kernels, inputs: Value[]) => Value[];
type Fill = (source: Random) => number;

function tensorOf(shape: Shape, seed: number, fill: Fill = (source) => source.normal()): Tensor {
  const source = random(seed, shape.join());
  return { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => fill(source)) };
}

async function runOn(backend: Backend, inputs: readonly Tensor[], build: Build): Promise<Tensor[]> {
  const program = await backend.compile(
    inputs.map(({ shape }) => shape.slice(1)),
    build,
  );
  try {
    return await program.run(inputs);
  } finally {
    program.dispose();
  }
}

function runNaively(inputs: readonly Tensor[], build: Build): Naive[] {
  return build(
    naiveKernels,
    inputs.map((input) => naiveKernels.constant(input)),
  ) as Naive[];
}

/** float32 sums of a few hundred terms, against the largest entry. */
const tolerance = 2e-6;

function expectClose(actual: Tensor, expected: Naive, relative = tolerance): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.data).toBeInstanceOf(Float32Array);
  expect(actual.data.length).toBe(expected.data.length);
  const finite = expected.data.filter((x) => Number.isFinite(x));
  const scale = Math.max(
    1,
    finite.reduce((most, x) => Math.max(most, Math.abs(x)), 0),
  );
  let worst = 0;
  expected.data.forEach((x, i) => {
    const difference = Number.isFinite(x) ? Math.abs(actual.data[i]! - x) : Object.is(actual.data[i], x) ? 0 : Infinity;
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
  });
  expect(worst / scale).toBeLessThanOrEqual(relative);
}

async function expectAgreement(
  backend: Backend,
  inputs: readonly Tensor[],
  build: Build,
  relative?: number,
): Promise<void> {
  const actual = await runOn(backend, inputs, build);
  const expected = runNaively(inputs, build);
  expect(actual.length).toBe(expected.length);
  actual.forEach((output, i) => expectClose(output, expected[i]!, relative));
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}

const fixed = { seed: 20261121, numRuns: 25 };

/** Geometry of a window over 1 to 3 axes: uneven pads, strides that do not divide, dilations. */
const windows = fc.integer({ min: 1, max: 3 }).chain((axes) => {
  const perAxis = (min: number, max: number): fc.Arbitrary<number[]> =>
    fc.array(fc.integer({ min, max }), { minLength: axes, maxLength: axes });
  return fc
    .record({
      space: perAxis(3, axes === 3 ? 4 : 8),
      kernel: perAxis(1, axes === 3 ? 2 : 3),
      strides: perAxis(1, 3),
      dilations: perAxis(1, 2),
      before: perAxis(0, 3),
      after: perAxis(0, 3),
    })
    .map(({ before, after, ...rest }) => ({ ...rest, pads: [...before, ...after] }))
    .filter(({ space, kernel, dilations, pads }) =>
      space.every((n, i) => n + pads[i]! + pads[i + axes]! > dilations[i]! * (kernel[i]! - 1)),
    );
});

const convolutions = fc.record({
  window: windows,
  count: fc.integer({ min: 1, max: 3 }),
  groups: fc.integer({ min: 1, max: 3 }),
  inputs: fc.integer({ min: 1, max: 3 }),
  outputs: fc.integer({ min: 1, max: 3 }),
  seed: fc.nat(1000),
});

const pools = fc.record({
  window: windows,
  count: fc.integer({ min: 1, max: 2 }),
  channels: fc.integer({ min: 1, max: 3 }),
  seed: fc.nat(1000),
});

function meetsInput({ window: { kernel, dilations, pads } }: { window: PoolOptions }): boolean {
  return pads.every((n, i) => n <= dilations[i % kernel.length]! * (kernel[i % kernel.length]! - 1));
}

test('onnxruntime, wasm and cpu load here', () => {
  expect(available).toEqual(expect.arrayContaining(['onnxruntime', 'wasm', 'cpu']));
});

describe.each(backends.map((backend) => [backend.id, backend] as const))('%s', (_, backend) => {
  const x = tensorOf([2, 3, 5], 1);

  test.each<[UnaryKernel, Fill | undefined]>([
    ['neg', undefined],
    ['abs', undefined],
    ['exp', undefined],
    ['log', (source) => 0.01 + 3 * source.uniform()],
    ['sqrt', (source) => 3 * source.uniform()],
    ['tanh', undefined],
    ['sigmoid', undefined],
    ['erf', (source) => Math.max(-3.9, Math.min(3.9, 1.5 * source.normal()))],
    ['sign', (source) => source.integer(3) - 1],
    ['floor', (source) => 3 * source.normal()],
    ['reciprocal', (source) => 0.2 + source.uniform()],
    ['sin', undefined],
    ['cos', undefined],
  ])('%s agrees with float64', async (kernel, fill) => {
    await expectAgreement(backend, [tensorOf([2, 3, 50], 2, fill)], (k, [a]) => [k.unary(kernel, a!)]);
  });

  const binaries: BinaryKernel[] = ['add', 'sub', 'mul', 'div', 'max', 'min', 'greater', 'greaterEqual', 'equal'];
  const pairs: [Shape, Shape][] = [
    [
      [2, 3, 5],
      [2, 3, 5],
    ],
    [
      [2, 3, 5],
      [1, 3, 5],
    ],
    [
      [1, 3, 1],
      [2, 1, 5],
    ],
    [[2, 1, 5], [5]],
    [
      [3, 1],
      [2, 3, 5],
    ],
  ];
  test.each(binaries)('%s broadcasts as numpy does', async (kernel) => {
    for (const [a, b] of pairs) {
      const integers: Fill = (source) => source.integer(4) + 1;
      const constants = [tensorOf(a, 3, integers), tensorOf(b, 4, integers)];
      // One side as an input of the program, the other as a constant, and the other way round.
      await expectAgreement(backend, [constants[0]!], (k, [p]) => [k.binary(kernel, p!, k.constant(constants[1]!))]);
      await expectAgreement(backend, [constants[1]!], (k, [q]) => [k.binary(kernel, k.constant(constants[0]!), q!)]);
    }
  });

  test('pow takes integer and fractional exponents, and negative bases to integer powers', async () => {
    const positive = tensorOf([2, 3, 5], 5, (source) => 0.1 + source.uniform());
    await expectAgreement(backend, [positive], (k, [a]) => [
      k.binary('pow', a!, k.constant(tensorOf([1, 1, 5], 6))),
      k.binary('pow', a!, k.constant({ data: Float32Array.of(0.5), shape: [1] })),
      k.binary('pow', k.constant(tensorOf([3, 1], 7, (source) => 1 + source.uniform())), a!),
    ]);
    await expectAgreement(backend, [x], (k, [a]) => [
      k.binary('pow', a!, k.constant({ data: Float32Array.of(2), shape: [1] })),
      k.binary('pow', a!, k.constant({ data: Float32Array.of(3), shape: [1, 1, 1] })),
    ]);
  });

  test('select takes a where the condition is not 0, from comparisons and numbers, broadcasting', async () => {
    const condition = tensorOf([1, 3, 1], 8, (source) => source.integer(3) - 1);
    await expectAgreement(backend, [x, condition], (k, [a, c]) => {
      const zero = k.constant({ data: Float32Array.of(0), shape: [1] });
      return [
        k.select(c!, a!, zero),
        k.select(k.binary('greater', a!, zero), zero, k.unary('neg', a!)),
        k.select(k.binary('greater', a!, zero), k.constant(tensorOf([5], 9)), c!),
        k.binary('add', k.binary('greater', a!, zero), k.binary('equal', c!, zero)),
      ];
    });
  });

  test('matMul meets two constants, of which the second is long and narrow', async () => {
    const [a, b] = [
      tensorOf([3, 40_000], 20, (source) => (source.integer(100) === 0 ? 1 : 0)),
      tensorOf([40_000, 3], 21),
    ];
    await expectAgreement(backend, [tensorOf([2, 3, 3], 22)], (k, [x]) => [
      k.binary('add', x!, k.reshape(k.matMul(k.constant(a), k.constant(b)), [1, 3, 3])),
    ]);
  });

  // So long and with so few columns that ONNX Runtime would pad them: a backend may turn the product round.
  test.each([1, 3])('matMul meets a constant of 40,000 rows and %d columns', async (columns) => {
    // A few hundred terms a sum: of 40,000, float32 keeps fewer digits.
    const sparse = (shape: Shape): Tensor =>
      tensorOf(shape, 12, (source) => (source.integer(100) === 0 ? source.normal() : 0));
    const left = [sparse([2, 40_000]), sparse([2, 3, 40_000]), sparse([1, 1, 40_000])];
    const right = tensorOf([40_000, columns], 15);
    const turned = tensorOf([columns, 40_000], 15);
    for (const a of left) {
      const lifted = { data: right.data, shape: [...a.shape.slice(2).map(() => 1), ...right.shape] };
      await expectAgreement(backend, [a], (k, [p]) => [
        k.matMul(p!, k.constant(right)),
        k.matMul(p!, k.constant(lifted)),
        k.matMul(p!, k.constant(turned), { transposeB: true }),
      ]);
    }
  });

  test('matMul multiplies over leading axes, transposes, and broadcasts', async () => {
    const cases: [Shape, Shape][] = [
      [
        [4, 3],
        [3, 5],
      ],
      [
        [2, 4, 3],
        [3, 5],
      ],
      [
        [2, 4, 3],
        [1, 3, 5],
      ],
      [
        [1, 4, 3],
        [2, 3, 5],
      ],
      [
        [2, 6, 4, 3],
        [1, 1, 3, 5],
      ],
      [
        [2, 1, 4, 3],
        [1, 6, 3, 5],
      ],
      [
        [2, 6, 4, 3],
        [2, 6, 3, 5],
      ],
      [
        [2, 1, 3],
        [1, 3, 5],
      ],
      [
        [4, 3],
        [2, 3, 5],
      ],
    ];
    const swapped = (shape: Shape): Shape => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
    for (const [a, b] of cases) {
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          const left = tensorOf(transposeA ? swapped(a) : a, 10);
          const right = tensorOf(transposeB ? swapped(b) : b, 11);
          const options = { transposeA, transposeB };
          await expectAgreement(backend, [left], (k, [p]) => [k.matMul(p!, k.constant(right), options)]);
          await expectAgreement(backend, [right], (k, [q]) => [k.matMul(k.constant(left), q!, options)]);
          await expectAgreement(backend, [left, right], (k, [p, q]) => [k.matMul(p!, q!, options)]);
        }
      }
    }
  });

  test('conv and its adjoint agree with float64 for every geometry, grouped and not', async () => {
    await fc.assert(
      fc.asyncProperty(convolutions, async ({ window, count, groups, inputs, outputs, seed }) => {
        const { space, kernel, ...rest } = window;
        const options: ConvOptions = { ...rest, groups };
        const signal = tensorOf([count, inputs * groups, ...space], seed);
        const w = tensorOf([outputs * groups, inputs, ...kernel], seed + 1);
        const [y] = await runOn(backend, [signal], (k, [a]) => [k.conv(a!, k.constant(w), options)]);
        expectClose(y!, runNaively([signal], (k, [a]) => [k.conv(a!, k.constant(w), options)])[0]!);
        const cotangent = tensorOf(y!.shape, seed + 2);
        const adjoint: Build = (k, [b]) => [k.convTranspose(b!, k.constant(w), { ...options, size: space })];
        const [back] = await runOn(backend, [cotangent], adjoint);
        expectClose(back!, runNaively([cotangent], adjoint)[0]!);
        const scale = Math.sqrt(dot(y!.data, y!.data) * dot(cotangent.data, cotangent.data)) || 1;
        expect(Math.abs(dot(y!.data, cotangent.data) - dot(signal.data, back!.data)) / scale).toBeLessThan(1e-5);
      }),
      { ...fixed, numRuns: 60 },
    );
  });

  test('depthwise convolution agrees with float64, with strides that differ by axis', async () => {
    for (const [strides, dilations, multiplier] of [
      [[1, 1], [1, 1], 1],
      [[2, 2], [1, 1], 2],
      [[1, 1], [2, 2], 1],
      [[2, 1], [1, 3], 2],
    ] as const) {
      const options: ConvOptions = { strides, dilations, pads: [1, 0, 2, 1], groups: 6 };
      const w = tensorOf([6 * multiplier, 1, 3, 2], 20);
      await expectAgreement(backend, [tensorOf([2, 6, 9, 8], 21)], (k, [a]) => {
        const y = k.conv(a!, k.constant(w), options);
        return [y, k.convTranspose(y, k.constant(w), { ...options, size: [9, 8] })];
      });
    }
  });

  test('a kernel that is computed in the program convolves like a constant one', async () => {
    const w = tensorOf([4, 2, 3, 3], 22);
    const options: ConvOptions = { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 0, 2], groups: 2 };
    await expectAgreement(backend, [tensorOf([2, 4, 6, 5], 23)], (k, [a]) => {
      const doubled = k.binary('mul', k.constant(w), k.constant({ data: Float32Array.of(2), shape: [1] }));
      const y = k.conv(a!, doubled, options);
      return [y, k.convTranspose(y, doubled, { ...options, size: [6, 5] })];
    });
  });

  test('the adjoint of a convolution crops where the pads go beyond the kernel', async () => {
    const options: ConvOptions = { strides: [1, 2], dilations: [1, 1], pads: [3, 4, 2, 3], groups: 1 };
    const w = tensorOf([2, 3, 2, 1], 24);
    await expectAgreement(backend, [tensorOf([2, 3, 4, 5], 25)], (k, [a]) => {
      const y = k.conv(a!, k.constant(w), options);
      return [y, k.convTranspose(y, k.constant(w), { ...options, size: [4, 5] })];
    });
  });

  test('maxPool counts padding as −∞', async () => {
    await fc.assert(
      // A window with nothing but padding has no maximum that a backend could agree on.
      fc.asyncProperty(pools.filter(meetsInput), async ({ window: { space, ...options }, count, channels, seed }) => {
        const signal = tensorOf([count, channels, ...space], seed, (source) => source.normal() - 3);
        await expectAgreement(backend, [signal], (k, [a]) => [k.maxPool(a!, options)]);
      }),
      { ...fixed, numRuns: 40 },
    );
  });

  test('sumPool counts padding as 0, and its adjoint is its adjoint', async () => {
    await fc.assert(
      fc.asyncProperty(pools, async ({ window: { space, ...options }, count, channels, seed }) => {
        const signal = tensorOf([count, channels, ...space], seed);
        const forward: Build = (k, [a]) => [k.sumPool(a!, options)];
        const [y] = await runOn(backend, [signal], forward);
        expectClose(y!, runNaively([signal], forward)[0]!);
        const cotangent = tensorOf(y!.shape, seed + 2);
        const adjoint: Build = (k, [b]) => [k.sumPoolTranspose(b!, { ...options, size: space, channels })];
        const [back] = await runOn(backend, [cotangent], adjoint);
        expectClose(back!, runNaively([cotangent], adjoint)[0]!);
        const scale = Math.sqrt(dot(y!.data, y!.data) * dot(cotangent.data, cotangent.data)) || 1;
        expect(Math.abs(dot(y!.data, cotangent.data) - dot(signal.data, back!.data)) / scale).toBeLessThan(1e-5);
      }),
      { ...fixed, numRuns: 40 },
    );
  });

  test('pooling over the whole plane and over disjoint windows is exact', async () => {
    const still = { dilations: [1, 1], pads: [0, 0, 0, 0] };
    await expectAgreement(backend, [tensorOf([2, 3, 6, 8], 30)], (k, [a]) => {
      const whole = { ...still, kernel: [6, 8], strides: [1, 1] };
      const disjoint = { ...still, kernel: [2, 4], strides: [2, 4] };
      const ragged = { ...still, kernel: [4, 3], strides: [4, 3] };
      const shape = { size: [6, 8], channels: 3 };
      const sums = [whole, disjoint, ragged].map((options) => k.sumPool(a!, options));
      return [
        ...sums,
        k.sumPoolTranspose(sums[0]!, { ...whole, ...shape }),
        k.sumPoolTranspose(sums[1]!, { ...disjoint, ...shape }),
        k.sumPoolTranspose(sums[2]!, { ...ragged, ...shape }),
        k.maxPool(a!, whole),
        k.maxPool(a!, disjoint),
      ];
    });
  });

  test('padding before a window is not confused with the padding of the window', async () => {
    const still = { strides: [1, 1], dilations: [1, 1] };
    const signal = tensorOf([2, 3, 4, 5], 36, (source) => source.normal() - 3);
    const pooled = { ...still, kernel: [2, 3], pads: [1, 0, 0, 2] };
    const w = tensorOf([2, 3, 2, 2], 37);
    for (const fill of [0, 1.5, -4]) {
      const padded = (k: Kernels, a: Value): Value => k.pad(a, [0, 0, 3, 1, 0, 0, 2, 3], fill);
      const options = { ...still, groups: 1, pads: [0, 1, 1, 0] };
      await expectAgreement(backend, [signal], (k, [a]) => [k.maxPool(padded(k, a!), pooled)]);
      await expectAgreement(backend, [signal], (k, [a]) => [k.sumPool(padded(k, a!), pooled)]);
      await expectAgreement(backend, [signal], (k, [a]) => [k.conv(padded(k, a!), k.constant(w), options)]);
    }
  });

  test.each(['sum', 'max'] as const)('reduce %s over any axes, the block included', async (kind) => {
    const signal = tensorOf([3, 4, 5, 2], 31);
    for (const axes of [[0], [1], [3], [0, 2], [1, 2, 3], [2, 3], [0, 1, 2, 3]]) {
      await expectAgreement(backend, [signal], (k, [a]) => [k.reduce(kind, a!, axes, true), k.reduce(kind, a!, axes)]);
    }
  });

  test('reshape, transpose, concat, slice, pad and tile move numbers where numpy does', async () => {
    await expectAgreement(backend, [tensorOf([2, 3, 4, 5], 32), tensorOf([2, 3, 1, 5], 33)], (k, [a, b]) => [
      k.reshape(a!, [-1, 12, 5]),
      k.reshape(a!, [-1]),
      k.transpose(a!, [0, 2, 3, 1]),
      k.transpose(a!, [3, 1, 0, 2]),
      k.concat([a!, b!, a!], 2),
      k.concat([a!], 1),
      k.slice(a!, { axes: [1, 3], starts: [1, 0], ends: [3, 5], steps: [1, 2] }),
      k.slice(a!, { axes: [2], starts: [0], ends: [4], steps: [3] }),
      k.slice(a!, { axes: [2, 3], starts: [1, 2], ends: [2, 4], steps: [1, 1] }),
      k.slice(a!, { axes: [2, 3], starts: [0, 0], ends: [4, 5], steps: [1, 1] }),
      k.pad(a!, [0, 1, 0, 2, 0, 0, 3, 1]),
      k.pad(a!, [0, 0, 0, 0, 0, 0, 1, 0], -2.5),
      k.tile(a!, [1, 2, 1, 3]),
      k.tile(a!, [1, 1, 1, 1]),
    ]);
  });

  test('gather repeats and reorders rows, and scatterAdd is its adjoint', async () => {
    const cases: [number, number[]][] = [
      [1, [2, 0, 0, 3, 1, 2]],
      [2, [4, 4, 4, 4, 4, 4, 0]],
      [3, [1, 0]],
      [1, [3]],
    ];
    for (const [axis, list] of cases) {
      const indices = Int32Array.from(list);
      const signal = tensorOf([2, 4, 5, 2], 34);
      const size = signal.shape[axis]!;
      const forward: Build = (k, [a]) => [k.gather(a!, indices, axis)];
      await expectAgreement(backend, [signal], forward);
      const [rows] = await runOn(backend, [signal], forward);
      const cotangent = tensorOf(rows!.shape, 35);
      const adjoint: Build = (k, [b]) => [k.scatterAdd(b!, indices, axis, size)];
      await expectAgreement(backend, [cotangent], adjoint);
      const [back] = await runOn(backend, [cotangent], adjoint);
      expect(dot(rows!.data, cotangent.data)).toBeCloseTo(dot(signal.data, back!.data), 4);
    }
  });

  test('one program runs blocks of every size, captured values spreading over them', async () => {
    const w = tensorOf([4, 3, 3, 3], 40);
    const still = { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1 };
    const build: Build = (k, [block, mask]) => {
      const merged = k.reshape(block!, [-1, 3, 4, 4]);
      const y = k.reshape(k.conv(merged, k.constant(w), still), [-1, 1, 4, 4, 4]);
      const masked = k.binary('mul', y, mask!);
      return [masked, k.reduce('sum', masked, [1, 2, 3, 4]), k.reduce('sum', masked, [0])];
    };
    const program = await backend.compile(
      [
        [1, 3, 4, 4],
        [1, 4, 4, 4],
      ],
      build,
    );
    for (const count of [1, 5, 2, 1]) {
      const inputs = [tensorOf([count, 1, 3, 4, 4], 41 + count), tensorOf([1, 1, 4, 4, 4], 42)];
      const expected = runNaively(inputs, build);
      (await program.run(inputs)).forEach((output, i) => expectClose(output, expected[i]!));
    }
    program.dispose();
  });

  test('elementwise kernels around merged batches compute what they say', async () => {
    const build: Build = (k, [block, mask]) => {
      const lifted = (x: Value, w: Tensor): Value => {
        const merged = k.reshape(x, [-1, 3, 4, 4]);
        const still = { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1 };
        return k.reshape(k.conv(merged, k.constant(w), still), [-1, 1, 3, 4, 4]);
      };
      const scale = k.constant(tensorOf([1, 1, 3, 1, 1], 45));
      const zero = k.constant({ data: Float32Array.of(0), shape: [1] });
      const first = lifted(block!, tensorOf([3, 3, 3, 3], 43));
      const scaled = k.binary('add', k.binary('mul', first, scale), k.constant(tensorOf([1, 1, 3, 1, 1], 46)));
      const second = k.binary('add', lifted(k.binary('max', scaled, zero), tensorOf([3, 3, 3, 3], 44)), block!);
      const positive = k.binary('greater', second, zero);
      return [
        k.binary('mul', second, mask!),
        k.select(positive, k.unary('neg', scaled), k.constant(tensorOf([3, 1, 1], 47))),
        k.select(positive, mask!, second),
        k.concat([scaled, block!, k.tile(second, [1, 1, 1, 1, 2])].slice(0, 2), 2),
        k.concat([second, second], 4),
        k.concat([second, second], 1),
        k.binary('mul', second, k.constant(tensorOf([2, 3, 4, 1], 48))),
        k.binary('sub', k.reshape(scaled, [-1, 1, 1, 3, 4, 4]), second),
        k.reshape(k.reduce('sum', second, [3, 4]), [-1, 3]),
      ];
    };
    for (const count of [1, 3]) {
      await expectAgreement(backend, [tensorOf([count, 1, 3, 4, 4], 49), tensorOf([1, 1, 3, 4, 4], 50)], build);
    }
  });

  test('an output may be an input, a constant, or the same value twice, and is the caller’s own', async () => {
    const constant = tensorOf([1, 5], 50);
    const input = tensorOf([2, 5], 51);
    const [inputBefore, constantBefore] = [input.data.slice(), constant.data.slice()];
    const program = await backend.compile([[5]], (k, [a]) => {
      const sum = k.binary('add', a!, k.constant(constant));
      return [a!, k.constant(constant), sum, sum, k.reshape(a!, [-1, 1, 5])];
    });
    const first = await program.run([input]);
    expect(first[0]!.data).toEqual(inputBefore);
    expect(first[1]!.data).toEqual(constantBefore);
    expect(first[2]!.data).toEqual(first[3]!.data);
    for (const output of first) output.data.fill(7);
    expect(input.data).toEqual(inputBefore);
    expect(constant.data).toEqual(constantBefore);
    const second = await program.run([input]);
    expect(second[1]!.data).toEqual(constantBefore);
    expect(second[4]!.data).toEqual(inputBefore);
    program.dispose();
  });

  test('a large constant is what it was when the program was built, wherever it stood', async () => {
    const held = random(31, 'constants').normals(200 * 200 + 3);
    const product: Build = (k, [x]) => [k.matMul(x!, k.constant({ data: held.subarray(3), shape: [1, 200, 200] }))];
    const x = tensorOf([2, 3, 200], 32);
    const [expected] = runNaively([x], product);
    const program = await backend.compile([[3, 200]], product);
    try {
      const first = await program.run([x]);
      expectClose(first[0]!, expected!);
      // Immediate backends build at every run, so only a compiled one is asked whether it looks again.
      if (backend.id === 'onnxruntime') held.fill(0);
      const second = await program.run([x]);
      expectClose(second[0]!, expected!);
    } finally {
      program.dispose();
    }
  });

  test('programs give way to others where memory is bounded, and run as before', async () => {
    if (!backend.keepWithin) return;
    const before = backend.liveTensors();
    const build: Build = (k, [a]) => [k.matMul(a!, k.constant(tensorOf([300, 300], 55)))];
    const inputs = [tensorOf([2, 4, 300], 56)];
    const programs = await Promise.all([1, 2, 3].map(() => backend.compile([[4, 300]], build)));
    const all = backend.liveTensors();
    const [free] = await programs[0]!.run(inputs);
    backend.keepWithin(1);
    expect(backend.liveTensors()).toBe(before + (all - before) / 3);
    const outputs = await Promise.all([...programs, ...programs].map((program) => program.run(inputs)));
    for (const [output] of outputs) expect(output!.data).toEqual(free!.data);
    expect(backend.liveTensors()).toBe(before + (all - before) / 3);
    backend.keepWithin(Infinity);
    programs.forEach((program) => program.dispose());
    expect(backend.liveTensors()).toBe(before);
  });

  test('a program that is disposed of lets the run in progress end', async () => {
    const input = tensorOf([2, 5], 55);
    const program = await backend.compile([[5]], (k, [a]) => [k.binary('add', a!, a!)]);
    const run = program.run([input]);
    program.dispose();
    program.dispose();
    expect((await run)[0]!.data).toEqual(input.data.map((x) => 2 * x));
  });

  test('an input of another shape than declared is refused', async () => {
    const program = await backend.compile([[5]], (_, [a]) => [a!]);
    await expect(program.run([tensorOf([2, 4], 52)])).rejects.toThrow('Input 0');
    program.dispose();
  });

  test('programs run beside each other, and no tensor is left behind', async () => {
    const before = backend.liveTensors();
    const w = k3(53);
    const build: Build = (k, [a]) => [
      k.scatterAdd(k.gather(k.matMul(a!, k.constant(w)), Int32Array.of(0, 1, 1), 1), Int32Array.of(2, 2, 0), 1, 3),
    ];
    const programs = await Promise.all([1, 2].map(() => backend.compile([[2, 3]], build)));
    const inputs = [tensorOf([4, 2, 3], 54)];
    await Promise.all(programs.map((program) => program.run(inputs)));
    const warm = backend.liveTensors();
    const outputs = await Promise.all([...programs, ...programs].map((program) => program.run(inputs)));
    for (const [output] of outputs) expect(output!.data).toEqual(outputs[0]![0]!.data);
    expect(backend.liveTensors()).toBe(warm);
    programs.forEach((program) => program.dispose());
    expect(backend.liveTensors()).toBe(before);
  });
});

function k3(seed: number): Tensor {
  return tensorOf([1, 3, 3], seed);
}

test('the backends agree with each other on a small network and its adjoint', async () => {
  const [first, second] = [tensorOf([8, 3, 3, 3], 60), tensorOf([8, 1, 3, 3], 61)];
  const options = { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1] };
  const build: Build = (k, [a]) => {
    const zero = k.constant({ data: Float32Array.of(0), shape: [1] });
    const z = k.conv(a!, k.constant(first), { ...options, groups: 1 });
    const h = k.binary('max', z, zero);
    const y = k.conv(h, k.constant(second), { ...options, strides: [2, 2], groups: 8 });
    const back = k.convTranspose(y, k.constant(second), { ...options, strides: [2, 2], groups: 8, size: [9, 9] });
    const gated = k.binary('mul', back, k.binary('greater', z, zero));
    return [y, k.convTranspose(gated, k.constant(first), { ...options, groups: 1, size: [9, 9] })];
  };
  const inputs = [tensorOf([3, 3, 9, 9], 62)];
  const results = await Promise.all(backends.map((backend) => runOn(backend, inputs, build)));
  for (const result of results) {
    result.forEach((output, i) => {
      const reference = results[0]![i]!;
      expectClose(output, { shape: reference.shape, data: Float64Array.from(reference.data) });
    });
  }
});
