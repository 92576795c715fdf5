import { describe, expect, it } from 'vitest';
import * as table from '../../analysis/ops/activations.ts';
import { activations } from '../../analysis/ops/activations.ts';
import type { Mode, Op } from '../../analysis/ops/op.ts';
import { backends, evaluate, expectClose, nodeOf, normalTensor, opLaws, spacedTensor, tensor } from './op-laws.ts';

/** erf by Simpson's rule in float64. */
function erf(x: number): number {
  const steps = 2000;
  const h = clamp(x, -6, 6) / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    sum += (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2) * Math.exp(-((i * h) ** 2));
  }
  return (2 / Math.sqrt(Math.PI)) * (h / 3) * sum;
}

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
const clamp = (z: number, low: number, high: number): number => Math.min(Math.max(z, low), high);

interface Row {
  readonly op: Op;
  readonly attributes?: Record<string, unknown>;
  /** The definition, written out in float64. */
  readonly literal: (z: number) => number;
  readonly kinks?: readonly number[];
  /** Only positive z. */
  readonly positive?: boolean;
}

const rows: readonly Row[] = [
  { op: table.relu, literal: (z) => Math.max(z, 0), kinks: [0] },
  { op: table.leakyRelu, attributes: { alpha: 0.3 }, literal: (z) => (z > 0 ? z : 0.3 * z), kinks: [0] },
  { op: table.leakyRelu, literal: (z) => (z > 0 ? z : 0.01 * z), kinks: [0] },
  { op: table.clip, attributes: { min: 0, max: 6 }, literal: (z) => clamp(z, 0, 6), kinks: [0, 6] },
  { op: table.clip, attributes: { min: -1, max: null }, literal: (z) => Math.max(z, -1), kinks: [-1] },
  { op: table.clip, attributes: { max: 1.5 }, literal: (z) => Math.min(z, 1.5), kinks: [1.5] },
  { op: table.clip, literal: (z) => z },
  { op: table.abs, literal: Math.abs, kinks: [0] },
  { op: table.hardSigmoid, literal: (z) => clamp(0.2 * z + 0.5, 0, 1), kinks: [-2.5, 2.5] },
  {
    op: table.hardSigmoid,
    attributes: { alpha: 0.25, beta: 0.25 },
    literal: (z) => clamp(z / 4 + 0.25, 0, 1),
    kinks: [-1, 3],
  },
  { op: table.thresholdedRelu, attributes: { alpha: 0.5 }, literal: (z) => (z > 0.5 ? z : 0), kinks: [0.5] },
  {
    op: table.shrink,
    attributes: { lambda: 0.75, bias: 0.25 },
    literal: (z) => (z > 0.75 ? z - 0.25 : z < -0.75 ? z + 0.25 : 0),
    kinks: [-0.75, 0.75],
  },
  { op: table.sigmoid, literal: sigmoid },
  { op: table.logSigmoid, literal: (z) => -Math.log1p(Math.exp(-z)) },
  { op: table.tanh, literal: Math.tanh },
  { op: table.softplus, literal: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) },
  { op: table.softsign, literal: (z) => z / (1 + Math.abs(z)) },
  { op: table.elu, literal: (z) => (z > 0 ? z : Math.expm1(z)) },
  { op: table.elu, attributes: { alpha: 0.4 }, literal: (z) => (z > 0 ? z : 0.4 * Math.expm1(z)) },
  { op: table.celu, attributes: { alpha: 2 }, literal: (z) => (z > 0 ? z : 2 * Math.expm1(z / 2)) },
  {
    op: table.selu,
    literal: (z) => 1.0507009873554805 * (z > 0 ? z : 1.6732632423543772 * Math.expm1(z)),
  },
  { op: table.gelu, literal: (z) => (z / 2) * (1 + erf(z / Math.SQRT2)) },
  {
    op: table.gelu,
    attributes: { approximate: 'tanh' },
    literal: (z) => (z / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3))),
  },
  { op: table.silu, literal: (z) => z * sigmoid(z) },
  { op: table.silu, attributes: { beta: 1.702 }, literal: (z) => z * sigmoid(1.702 * z) },
  { op: table.hardSwish, literal: (z) => (z * clamp(z + 3, 0, 6)) / 6, kinks: [-3, 3] },
  { op: table.mish, literal: (z) => z * Math.tanh(Math.log1p(Math.exp(z))) },
  { op: table.exp, literal: Math.exp },
  { op: table.log, literal: Math.log, positive: true },
  { op: table.sqrt, literal: Math.sqrt, positive: true },
  { op: table.erf, literal: erf },
  { op: table.sin, literal: Math.sin },
  { op: table.cos, literal: Math.cos },
  { op: table.reciprocal, literal: (z) => 1 / z, positive: true },
  { op: table.neg, literal: (z) => -z },
];

const title = ({ op, attributes }: Row): string => `${op.id}${attributes ? ` ${JSON.stringify(attributes)}` : ''}`;

/** Slope, offset and value at every z, one backend after another. */
async function lines(row: Row, zs: readonly number[], mode: Mode) {
  const inputs = [tensor(zs)];
  const ones = { data: new Float32Array(zs.length).fill(1), shape: [1, zs.length] };
  return Promise.all(
    backends.map(async (backend) => {
      const test = { name: '', attributes: row.attributes ?? {}, inputs };
      const { output, applied, offset } = await evaluate(backend, row.op, test, mode, { dx: [ones], dy: ones });
      return { value: output.data, slope: applied.data, offset: offset.data };
    }),
  );
}

function expectNear(actual: Float32Array, expected: readonly number[], tolerance: number): void {
  expected.forEach((wanted, i) => {
    expect(Math.abs(actual[i]! - wanted), `${actual[i]} instead of ${wanted} at ${i}`).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(wanted)),
    );
  });
}

for (const row of rows) {
  const away = [-7.3, -3.4, -2.1, -1.2, -0.6, -0.13, -0.004, 0.0023, 0.11, 0.43, 0.9, 1.7, 2.8, 4.9, 7.7];
  const zs = row.positive ? away.filter((z) => z > 0.1) : away;

  opLaws(row.op, [
    {
      name: title(row),
      attributes: row.attributes ?? {},
      // kinks lie between these numbers, further away than the steps of a difference; 1.7 keeps 1/z and log z tame
      inputs: [
        row.positive
          ? { data: spacedTensor([2, 3, 2], 'x').data.map((x) => 1.7 + x), shape: [2, 3, 2] }
          : { data: spacedTensor([1, 2, 3, 4], 'x').data.map((x) => 3 * x), shape: [1, 2, 3, 4] },
      ],
    },
  ]);

  describe(title(row), () => {
    it('has the values, slopes and ratios of its definition', async () => {
      const h = 1e-5;
      const slopes = zs.map((z) => (row.literal(z + h) - row.literal(z - h)) / (2 * h));
      const values = zs.map(row.literal);
      for (const { value, slope, offset } of await lines(row, zs, 'taylor')) {
        expectNear(value, values, 3e-6);
        expectNear(slope, slopes, 3e-6);
        expectNear(
          offset,
          zs.map((z, i) => values[i]! - slopes[i]! * z),
          1e-5,
        );
      }
      for (const { slope, offset } of await lines(row, zs, 'frozen')) {
        if (row.op.kind === 'smooth') {
          expectNear(
            slope,
            zs.map((z, i) => values[i]! / z),
            3e-6,
          );
          expect([...offset].every((x) => x === 0)).toBe(true);
        } else {
          expectNear(slope, slopes, 3e-6);
        }
      }
    });

    if (!row.positive) {
      it('follows the rule for ratios at zero and next to it', async () => {
        if (row.op.kind !== 'smooth') return;
        const h = 1e-4;
        const derivative = (row.literal(h) - row.literal(-h)) / (2 * h);
        // a one-sided slope where the two sides differ
        const left = (row.literal(0) - row.literal(-h)) / h;
        for (const { slope, offset } of await lines(row, [0, 5e-7, -5e-7], 'frozen')) {
          const atZero = row.literal(0);
          expectNear(offset, [atZero, atZero, atZero], 1e-6);
          for (const s of slope) {
            expect(
              Math.min(Math.abs(s - derivative), Math.abs(s - left), Math.abs(s - 2 * derivative + left)),
            ).toBeLessThan(1e-3);
          }
        }
        // further out, functions that vanish at 0 keep a ratio close to their derivative
        if (row.literal(0) !== 0) return;
        for (const { slope } of await lines(row, [2e-6, -2e-6, 1e-4, -1e-4], 'frozen')) {
          const ratios = [2e-6, -2e-6, 1e-4, -1e-4].map((z) => row.literal(z) / z);
          expectNear(slope, ratios, 1e-5);
        }
      });

      it('stays finite and right far from zero', async () => {
        // exp overflows, and float32 holds no phase of large angles
        if ([table.exp, table.sin, table.cos].includes(row.op)) return;
        const far = [-1000, -89, -30, -18, 18, 30, 89, 1000];
        for (const mode of ['taylor', 'frozen'] as const) {
          for (const { value, slope, offset } of await lines(row, far, mode)) {
            expectNear(value, far.map(row.literal), 3e-6);
            expect([...slope, ...offset].every(Number.isFinite)).toBe(true);
            expectNear(
              value,
              far.map((z, i) => slope[i]! * z + offset[i]!),
              1e-5,
            );
          }
        }
      });
    }

    for (const kink of row.kinks ?? []) {
      it(`has slope 0 and its whole value as constant at its kink ${kink}`, async () => {
        for (const { value, slope, offset } of await lines(row, [kink], 'frozen')) {
          if (row.op.kind === 'smooth') continue;
          expect([...slope].map(Math.abs)).toEqual([0]);
          // a threshold jumps there, its value is the lower one
          const expected = row.op === table.leakyRelu ? 0 : row.literal(kink);
          expectNear(offset, [expected], 1e-6);
          expectNear(value, [expected], 1e-6);
        }
      });
    }
  });
}

describe('parametric-relu', () => {
  const slope = tensor([0.5, -2, 0], [3, 1, 1]);
  opLaws(table.parametricRelu, [
    {
      name: 'a slope per channel',
      attributes: {},
      parameters: { slope },
      inputs: [spacedTensor([1, 3, 2, 2], 'x')],
    },
    {
      name: 'a slope per entry, in fewer axes than the input',
      attributes: {},
      parameters: { slope: normalTensor([4], 's') },
      inputs: [spacedTensor([2, 3, 4], 'x')],
    },
  ]);

  it('scales what is below 0 by the slope of its channel', async () => {
    const test = {
      name: '',
      attributes: {},
      parameters: { slope },
      inputs: [tensor([-1, 2, -3, 4, -5, 0], [1, 3, 2, 1])],
    };
    const dx = tensor([1, 1, 1, 1, 1, 1], [1, 1, 3, 2, 1]);
    for (const backend of backends) {
      const { output, applied } = await evaluate(backend, table.parametricRelu, test, 'taylor', { dx: [dx], dy: dx });
      expectClose(output.data, Float32Array.of(-0.5, 2, 6, 4, 0, 0), 1e-7);
      expectClose(applied.data, Float32Array.of(0.5, 1, -2, 1, 0, 0), 1e-7);
    }
  });

  it('refuses a slope that does not fit', () => {
    const test = { name: '', attributes: {}, parameters: { slope }, inputs: [spacedTensor([1, 4, 2, 2], 'x')] };
    expect(() => nodeOf(table.parametricRelu, test)).toThrow(/slope \[3,1,1\] .* \[1,4,2,2\]/);
    expect(() => nodeOf(table.parametricRelu, { ...test, parameters: {} })).toThrow(/no slope/);
  });
});

describe('sqrt', () => {
  it('lets nothing pass at 0, where its slope is infinite', async () => {
    const row = rows.find(({ op }) => op === table.sqrt)!;
    for (const mode of ['taylor', 'frozen'] as const) {
      for (const { value, slope, offset } of await lines(row, [0, 4], mode)) {
        expectNear(value, [0, 2], 1e-7);
        expectNear(slope, [0, mode === 'taylor' ? 0.25 : 0.5], 1e-6);
        expectNear(offset, [0, mode === 'taylor' ? 1 : 0], 1e-6);
      }
    }
  });
});

describe('the table of activations', () => {
  it('is checked whole by this file', () => {
    const checked = new Set([...rows.map(({ op }) => op.id), 'parametric-relu']);
    expect(activations.map(({ id }) => id).filter((id) => !checked.has(id))).toEqual([]);
  });
});
