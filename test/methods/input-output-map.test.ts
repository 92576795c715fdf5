// The input-output map of a small transformer against its frozen map written out in float64 loops, and what is said of a
// network that ends in a sigmoid.
import { afterAll, describe, expect, it } from 'vitest';
import { inputOutputMap } from '../../analysis/methods/input-output-map.ts';
import { canonical } from '../../analysis/network/canonical.ts';
import type { InputOutputMap } from '../../reports/format.ts';
import { backends } from '../ops/op-laws.ts';
import { samplesOf, studyOf } from '../support/study.ts';
import { builder } from './small-networks.ts';

const [TOKENS, WIDTH, HIDDEN, CLASSES] = [4, 6, 8, 3];
const EPSILON = 1e-5;

type Matrix = number[][];

/** attention → + → layer norm → dense, GELU, dense → + → layer norm → mean over the tokens → dense, on 4 tokens of 6 numbers. */
function transformer() {
  const { add, weights, network, draw } = builder([1, TOKENS, WIDTH], 21);
  const dense = (id: string, from: string, rows: number, columns: number): Layer => {
    const weight = weights([rows, columns], 0.5);
    const bias = weights([rows], 0.3);
    add(id, 'dense', [from], {}, { weight, bias });
    return { weight: matrix(weight.data, columns), bias: [...bias.data] };
  };
  const norm = (id: string, from: string): Norm => {
    const scale = weights([WIDTH], 0.2, 1);
    const bias = weights([WIDTH], 0.2);
    add(id, 'layer-norm', [from], { axis: -1, epsilon: EPSILON }, { scale, bias });
    return { scale: [...scale.data], bias: [...bias.data] };
  };
  const [query, key, value] = ['query', 'key', 'value'].map((id) => dense(id, 'x', WIDTH, WIDTH)) as [
    Layer,
    Layer,
    Layer,
  ];
  add('scores', 'mat-mul', ['query', 'key'], { transposeB: true });
  add('attention', 'softmax', ['scores'], { axis: -1 });
  add('context', 'mat-mul', ['attention', 'value']);
  const output = dense('output', 'context', WIDTH, WIDTH);
  add('first', 'add', ['x', 'output']);
  const norm1 = norm('norm1', 'first');
  const widen = dense('widen', 'norm1', HIDDEN, WIDTH);
  add('gelu', 'gelu', ['widen'], { approximate: 'tanh' });
  const narrow = dense('narrow', 'gelu', WIDTH, HIDDEN);
  add('second', 'add', ['norm1', 'narrow']);
  const norm2 = norm('norm2', 'second');
  add('pooled', 'reduce', ['norm2'], { kind: 'mean', axes: [1], keepDims: false });
  const head = dense('head', 'pooled', CLASSES, WIDTH);
  const layout = { kind: 'vector', channelAxis: null, heightAxis: null, widthAxis: null } as const;
  const built = canonical({ ...network('head'), layout });
  const x = draw.normals(TOKENS * WIDTH);

  /** The network at `at`, and the affine map that it becomes when attention, statistics and σ(z)/z stay as they are there. */
  function frozenAt(at: Matrix): (input: Matrix) => number[] {
    const keys = apply(key, at);
    const attention = apply(query, at).map((q) => softmax(keys.map((k) => dot(q, k))));
    const attend = (input: Matrix): Matrix => {
      const values = apply(value, input);
      const context = attention.map((row) => values[0]!.map((_, c) => dot(row, column(values, c))));
      return sum(input, apply(output, context));
    };
    const first = normalisation(norm1, attend(at));
    const slopes = apply(widen, first(attend(at))).map((row) => row.map(geluShare));
    const feed = (input: Matrix): Matrix => {
      const widened = apply(widen, input).map((row, t) => row.map((z, i) => z * slopes[t]![i]!));
      return sum(input, apply(narrow, widened));
    };
    const second = normalisation(norm2, feed(first(attend(at))));
    return (input) => {
      const normal = second(feed(first(attend(input))));
      const mean = normal[0]!.map((_, c) => column(normal, c).reduce((a, b) => a + b, 0) / TOKENS);
      return apply(head, [mean])[0]!;
    };
  }
  return { network: built, x, frozenAt };
}

interface Layer {
  weight: Matrix;
  bias: number[];
}
interface Norm {
  scale: number[];
  bias: number[];
}

const matrix = (data: ArrayLike<number>, columns: number): Matrix =>
  Array.from({ length: data.length / columns }, (_, r) =>
    Array.from({ length: columns }, (_, c) => data[r * columns + c]!),
  );
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((total, v, i) => total + v * b[i]!, 0);
const column = (rows: Matrix, c: number): number[] => rows.map((row) => row[c]!);
const sum = (a: Matrix, b: Matrix): Matrix => a.map((row, r) => row.map((v, c) => v + b[r]![c]!));
const apply = ({ weight, bias }: Layer, rows: Matrix): Matrix =>
  rows.map((row) => weight.map((w, o) => dot(w, row) + bias[o]!));

function softmax(z: readonly number[]): number[] {
  const powers = z.map((v) => Math.exp(v - Math.max(...z)));
  return powers.map((p) => p / powers.reduce((a, b) => a + b, 0));
}

/** σ(z)/z of the GELU by its tanh. */
function geluShare(z: number): number {
  return 0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3)));
}

/** Layer normalisation with mean and deviation as they are at `at`. */
function normalisation({ scale, bias }: Norm, at: Matrix): (input: Matrix) => Matrix {
  const means = at.map((row) => row.reduce((a, b) => a + b, 0) / WIDTH);
  const deviations = at.map((row, t) =>
    Math.sqrt(row.reduce((total, v) => total + (v - means[t]!) ** 2, 0) / WIDTH + EPSILON),
  );
  return (input) => input.map((row, t) => row.map((v, c) => ((v - means[t]!) / deviations[t]!) * scale[c]! + bias[c]!));
}

afterAll(async () => {
  for (const backend of backends) await backend.dispose();
});

describe.each(backends.map((backend) => [backend.id, backend] as const))('on %s', (_, backend) => {
  it('a transformer’s frozen map is exact: every entry, constants, singular values', async () => {
    const { network, x, frozenAt } = transformer();
    const at = matrix(x, WIDTH);
    const frozen = frozenAt(at);
    const size = TOKENS * WIDTH;
    const zero = frozen(matrix(new Float64Array(size), WIDTH));
    const columns = Array.from({ length: size }, (_, j) => {
      const unit = new Float64Array(size);
      unit[j] = 1;
      return frozen(matrix(unit, WIDTH)).map((v, c) => v - zero[c]!);
    });

    const { study, close } = await studyOf(network, samplesOf(network, x), backend, { count: CLASSES, detail: 'all' });
    const map = await study.map(0, { mode: 'frozen' });
    const units = new Float32Array(CLASSES * CLASSES);
    for (let c = 0; c < CLASSES; c++) units[c * CLASSES + c] = 1;
    const rows = (await map.transpose({ count: CLASSES, size: CLASSES, data: units })).data;
    for (const [j, entries] of columns.entries())
      for (const [c, entry] of entries.entries()) expect(rows[c * size + j]).toBeCloseTo(entry, 5);
    for (const [c, constant] of zero.entries()) expect(map.offset[c]).toBeCloseTo(constant, 5);
    for (const [c, score] of frozen(at).entries()) expect(map.value[c]).toBeCloseTo(score, 5);

    const [answer] = await inputOutputMap.answer(study, { key: '0', sample: 0 });
    const { shape, singularValues, certificate } = answer!.fields['inputOutputMap'] as InputOutputMap;
    expect(shape).toEqual([CLASSES, size]);
    // Three values are all there are: Σσ² is the sum of the squared entries.
    const energy = columns.flat().reduce((total, entry) => total + entry ** 2, 0);
    expect(singularValues!.reduce((total, value) => total + value ** 2, 0) / energy).toBeCloseTo(1, 5);
    expect(certificate.completeness).toBeLessThan(1e-5);
    expect(certificate.adjointness).toBeLessThan(1e-5);
    await close();
  });

  it('a network whose picture leaves a sigmoid is mapped up to what stands before it', async () => {
    const { add, weights, network, draw } = builder([1, 1, 4, 4], 22);
    const around = { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1 };
    add('conv', 'conv', ['x'], around, { weight: weights([1, 1, 3, 3], 0.5), bias: weights([1], 0.3) });
    add('sigmoid', 'sigmoid', ['conv']);
    add('pixels', 'transpose', ['sigmoid'], { perm: [0, 2, 3, 1] });
    const built = canonical(network('pixels'));
    const { study, close } = await studyOf(built, samplesOf(built, draw.normals(16)), backend, { detail: 'all' });
    const [answer] = await inputOutputMap.answer(study, { key: '0', sample: 0 });
    const { certificate } = answer!.fields['inputOutputMap'] as InputOutputMap;
    expect(built.stripped).toBe('sigmoid');
    expect(study.task).toBe('image');
    expect(certificate.completeness).toBeLessThan(1e-6);
    expect(certificate.cancellation).toBeLessThan(10);
    await close();
  });
});
