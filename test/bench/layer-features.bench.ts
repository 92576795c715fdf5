// What the exact reduction saves: a 784-1024 layer at n samples, decomposed the literal way (the n·1024 × 785 stack and a
// randomised SVD, as the paper did it; scikit-learn where it is installed, else numpy) and ours (Σ s², products only).
// Each runs in a process of its own; seconds, peak memory above the start and the error of the values are printed.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { random } from '../../analysis/random.ts';
import { multiply } from '../../analysis/svd/multiply.ts';
import { symmetricEigen } from '../../analysis/svd/symmetric-eigen.ts';

const [ROWS, COLS, K, MOST] = [1024, 785, 20, 1000];
const python = process.env['PYTHON'] ?? 'python3';
const hasRival = spawnSync(python, ['-c', 'import numpy']).status === 0;

interface Measured {
  readonly rival?: string;
  readonly backend?: string;
  readonly seconds: number;
  readonly cpu: number;
  readonly bytes: number;
  readonly values: readonly number[];
  readonly applications?: number;
}

const here = import.meta.dirname;
const folder = mkdtempSync(path.join(tmpdir(), 'eigenlens-stack-'));
let weights: Float32Array;
let ratios: Float32Array;

/** A layer like a trained one: a few strong directions over noise; ReLU switches that follow the input. */
beforeAll(() => {
  const draw = random(7, 'layer-features bench');
  weights = draw.normals(ROWS * COLS).map((x) => x * 0.03);
  for (let d = 0; d < 30; d++) {
    const [u, v] = [draw.normals(ROWS), draw.normals(COLS)];
    const strength = 0.03 * 0.9 ** d;
    for (let o = 0; o < ROWS; o++) for (let i = 0; i < COLS; i++) weights[o * COLS + i]! += strength * u[o]! * v[i]!;
  }
  ratios = new Float32Array(MOST * ROWS);
  for (let n = 0; n < MOST; n++) {
    const x = draw.normals(COLS);
    for (let o = 0; o < ROWS; o++) {
      let z = 0;
      for (let i = 0; i < COLS; i++) z += weights[o * COLS + i]! * x[i]!;
      ratios[n * ROWS + o] = z > 0 ? 1 : 0;
    }
  }
  writeFileSync(`${folder}/weights.f32`, weights);
  writeFileSync(`${folder}/ratios.f32`, ratios);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The stack's singular values in float64, from the eigenvalues of W̃ᵀ diag(Σ s²) W̃. */
function exactValues(samples: number): number[] {
  const scaled = Float64Array.from(weights);
  for (let o = 0; o < ROWS; o++) {
    let sum = 0;
    for (let n = 0; n < samples; n++) sum += ratios[n * ROWS + o]! ** 2;
    for (let i = 0; i < COLS; i++) scaled[o * COLS + i]! *= Math.sqrt(sum);
  }
  const flipped = new Float64Array(COLS * ROWS);
  for (let o = 0; o < ROWS; o++) for (let i = 0; i < COLS; i++) flipped[i * ROWS + o] = scaled[o * COLS + i]!;
  const { values } = symmetricEigen(multiply(flipped, scaled, COLS, ROWS, COLS), COLS, { vectors: 0 });
  return [...values.slice(0, K)].map(Math.sqrt);
}

const worst = (values: readonly number[], exact: readonly number[]): number =>
  Math.max(...values.map((value, i) => Math.abs(value - exact[i]!) / exact[0]!));

describe.skipIf(!hasRival)('the stack of a 784-1024 layer (skipped without python and numpy)', () => {
  test.each([50, 200, MOST])('over %d samples', (samples) => {
    const given = [folder, String(samples), String(ROWS), String(COLS), String(K)];
    // The files hold all samples; the rival reads as many as it is told to.
    writeFileSync(`${folder}/ratios.f32`, ratios.subarray(0, samples * ROWS));
    const literal = JSON.parse(
      execFileSync(python, [path.join(here, 'stacked-svd.py'), ...given], { encoding: 'utf8' }),
    ) as Measured;
    const ours = JSON.parse(
      execFileSync(process.execPath, [path.join(here, 'stacked-svd-child.ts'), ...given], { encoding: 'utf8' }),
    ) as Measured;
    const exact = exactValues(samples);
    const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
    console.log(
      [
        `n = ${samples}`,
        `literal (${literal.rival}): ${literal.seconds.toFixed(2)} s (${literal.cpu.toFixed(2)} s of all cores), ${megabytes(literal.bytes)}, error ${worst(literal.values, exact).toExponential(1)}`,
        `ours (${ours.backend}, ${ours.applications} products): ${ours.seconds.toFixed(3)} s (${ours.cpu.toFixed(3)}), ${megabytes(ours.bytes)}, error ${worst(ours.values, exact).toExponential(1)}`,
        `${(literal.seconds / ours.seconds).toFixed(0)} times faster (${(literal.cpu / ours.cpu).toFixed(0)} by all cores), ${(literal.bytes / Math.max(1, ours.bytes)).toFixed(0)} times less memory`,
      ].join('\n  '),
    );
    expect(worst(ours.values, exact)).toBeLessThan(1e-5);
  });
});
