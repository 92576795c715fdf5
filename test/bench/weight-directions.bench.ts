// What the exact reductions save. The fit of a power law to 2,048 eigenvalues and α of every layer of the widest networks in
// ../shared, where it lies there, against powerlaw 1.x and WeightWatcher, where they are installed; whole spectra of layers
// 4,096 wide; signals and hierarchy of 500 images against one im2col product per image. Ratios are printed; they are numbers
// of a quiet machine only if it is quiet.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadNetwork } from '../../analysis/formats/index.ts';
import { chooseBackend } from '../../analysis/kernels/choose.ts';
import { hierarchyAt } from '../../analysis/methods/class-hierarchy.ts';
import { channelMeans, signalsOf } from '../../analysis/methods/direction-signals.ts';
import {
  fitPowerLaw,
  sliceValues,
  weightWatcherEigenvalues,
  type NoPowerLaw,
  type PowerLaw,
} from '../../analysis/methods/power-law.ts';
import { numericalRank } from '../../analysis/methods/ranks.ts';
import { unfold } from '../../analysis/methods/unfolded-weights.ts';
import { decompose, residualOf } from '../../analysis/methods/weight-spectrum.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import { random } from '../../analysis/random.ts';
import { singularValues } from '../../analysis/svd/singular-values.ts';

const python = process.env['PYTHON'] ?? 'python3';
const hasRival = spawnSync(python, ['-c', 'import numpy']).status === 0;
const here = import.meta.dirname;
const folder = mkdtempSync(path.join(tmpdir(), 'eigenlens-weights-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** WeightWatcher fits fewer eigenvalues than this in another way (0.7.7: an estimate corrected for its bias). */
const WEIGHTWATCHER_FEW = 20;

interface Alphas {
  readonly seconds: number;
  /** One a layer; null where there is no fit. */
  readonly alphas: readonly (number | null)[];
}
interface Rivals {
  readonly powerlaw?: { readonly version: string; readonly seconds: number; readonly alpha: number };
  readonly weightwatcher?: { readonly seconds: number; readonly alpha: number };
  readonly powerlawLayers?: Alphas;
  readonly weightwatcherLayers?: Alphas;
  readonly spectra?: { readonly seconds: number; readonly values: readonly (readonly number[])[] };
  readonly im2col?: { readonly seconds: number; readonly signals: readonly number[] };
}

function rivals(input: object): Rivals {
  writeFileSync(
    `${folder}/input.json`,
    JSON.stringify({ fit: false, layers: [], spectra: false, signals: null, ...input }),
  );
  const options = {
    encoding: 'utf8' as const,
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'ignore'] as ('ignore' | 'pipe')[],
  };
  return JSON.parse(execFileSync(python, [`${here}/weight-directions.py`, folder], options)) as Rivals;
}

/** Seconds of the fastest of some runs, and the result. */
async function timed<T>(work: () => T | Promise<T>, runs = 3): Promise<{ seconds: number; result: T }> {
  let best = Infinity;
  let result: T | undefined;
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    result = await work();
    best = Math.min(best, (performance.now() - start) / 1000);
  }
  return { seconds: best, result: result! };
}

const milliseconds = (seconds: number): string => `${(1000 * seconds).toFixed(1)} ms`;

describe('weight directions', () => {
  test('the fit of 2,048 eigenvalues', async () => {
    const draw = random(1, 'bench');
    const eigenvalues = Array.from({ length: 2048 }, () => (1 - draw.uniform()) ** (-1 / 1.7) * (0.2 + draw.uniform()));
    const ours = await timed(() => fitPowerLaw(eigenvalues), 5);
    if ('reason' in ours.result) throw new Error(ours.result.reason);
    console.log(`fit of 2,048 eigenvalues: ${milliseconds(ours.seconds)}, α ${ours.result.alpha.toFixed(6)}`);
    const found = hasRival ? rivals({ fit: true, eigenvalues }) : {};
    for (const [name, { seconds, alpha }] of Object.entries({
      ...(found.powerlaw && { [`powerlaw ${found.powerlaw.version}`]: found.powerlaw }),
      ...(found.weightwatcher && { weightwatcher: found.weightwatcher }),
    })) {
      console.log(`  ${name}: ${milliseconds(seconds)}, ${(seconds / ours.seconds).toFixed(0)} times ours`);
      expect(Math.abs(alpha - ours.result.alpha)).toBeLessThan(1e-6);
      expect(seconds).toBeGreaterThan(ours.seconds);
    }
    if (!found.powerlaw && !found.weightwatcher) console.log('  neither powerlaw nor weightwatcher is installed');
  });

  for (const model of ['allt-mlp-mnist', 'squares-autoencoder', 'squeezenet-v1.0-imagenet']) {
    const file = ['model.onnx', 'squeezenet1.0.onnx']
      .map((name) => `${here}/../../../shared/models/${model}/${name}`)
      .find((name) => existsSync(name));
    test.skipIf(file === undefined)(`α of every layer of ${model} (skipped where ../shared is absent)`, async () => {
      const network = await loadNetwork(file!);
      const weights = layersOf(network).flatMap((layer) => {
        const unfolded = unfold({ network }, layer);
        return typeof unfolded === 'string'
          ? []
          : [{ name: `${layer.index}.f32`, ...unfolded, matrix: unfolded.blocks[0]! }];
      });
      const alphaOf = (fit: PowerLaw | NoPowerLaw) => ('reason' in fit ? null : fit.alpha);
      const unfolded = await timed(() =>
        weights.map(({ matrix, rows, columns }) => {
          const values = singularValues(matrix, rows, columns);
          const rank = numericalRank(values, Math.max(rows, columns), 2 ** -23);
          return alphaOf(fitPowerLaw(values.slice(0, rank).map((value) => value ** 2)));
        }),
      );
      const slices = await timed(() =>
        weights.map(({ matrix, rows, columns, filter }) => {
          const isConvolution = filter.length > 1;
          const values = isConvolution
            ? sliceValues(matrix, rows, filter[0]!, columns / filter[0]!)
            : [...singularValues(matrix, rows, columns)];
          const eigenvalues = weightWatcherEigenvalues(values, isConvolution);
          const alpha = alphaOf(fitPowerLaw(eigenvalues, { candidates: 'every' }));
          return eigenvalues.length < WEIGHTWATCHER_FEW ? null : alpha;
        }),
      );
      console.log(
        `α of ${weights.length} layers of ${model}: ${unfolded.seconds.toFixed(2)} s unfolded, ${slices.seconds.toFixed(2)} s of slices`,
      );
      if (!hasRival) return;
      for (const { name, matrix } of weights) writeFileSync(`${folder}/${name}`, matrix);
      const found = rivals({
        fit: true,
        eigenvalues: [...Array(60).keys()].map((i) => i + 1),
        layers: weights.map(({ name, rows, columns, weightShape }) => [name, rows, columns, weightShape]),
      });
      for (const [name, theirs, ours] of [
        ['numpy and powerlaw', found.powerlawLayers, unfolded],
        ['WeightWatcher', found.weightwatcherLayers, slices],
      ] as const) {
        if (!theirs) {
          console.log(`  ${name}: not installed`);
          continue;
        }
        const compared = theirs.alphas.flatMap((alpha, i) => {
          const own = ours.result[i]!;
          return alpha === null || own === null ? [] : [{ layer: weights[i]!.name, error: Math.abs(own / alpha - 1) }];
        });
        const worst = Math.max(...compared.map(({ error }) => error));
        console.log(
          `  ${name}: ${theirs.seconds.toFixed(2)} s, ${(theirs.seconds / ours.seconds).toFixed(1)} times ours; α of ${compared.length} layers agree to ${worst.toExponential(1)}`,
        );
        for (const { layer, error } of compared) expect(error, `${name}, ${layer}`).toBeLessThan(1e-3);
      }
    });
  }

  for (const [rows, columns] of [
    [4096, 4096],
    [4096, 25088],
  ] as const) {
    test(`every singular value and 256 directions of ${rows} × ${columns} weights`, async () => {
      const matrix = random(5, 'wide').normals(rows * columns);
      const before = process.memoryUsage().rss;
      const weights = {
        weightShape: [rows, columns],
        rows,
        columns,
        blocks: [matrix],
        filter: [columns],
        bias: null,
        outputAxis: 1,
      };
      const study = { random: (stream: string) => random(0, stream), checkpoint: () => {} };
      const { seconds, result } = await timed(() => decompose(weights, study), 1);
      // The most that this process has ever held: no less than it held now.
      const most = 1024 * process.resourceUsage().maxRSS;
      const residuals = [0, 255].map((i) => residualOf(result, result.triplets[i]!));
      console.log(
        `all ${result.values.length} values and 256 directions of ${rows} × ${columns}: ${seconds.toFixed(0)} s, ${((most - before) / 2 ** 20).toFixed(0)} MiB beside the weights, residuals up to ${Math.max(...residuals).toExponential(0)}`,
      );
      expect(result.isComplete).toBe(true);
      expect(most - before).toBeLessThan(2 ** 31);
      if (!hasRival || columns > rows) return;
      writeFileSync(`${folder}/wide.f32`, matrix);
      const { spectra } = rivals({ spectra: true, layers: [['wide.f32', rows, columns, [rows, columns]]] });
      const error = Math.max(...spectra!.values[0]!.map((value, i) => Math.abs(result.values[i]! - value)));
      console.log(
        `  numpy, the values alone: ${spectra!.seconds.toFixed(0)} s; they differ by ${(error / result.values[0]!).toExponential(0)} of the largest`,
      );
      expect(error / result.values[0]!).toBeLessThan(1e-9);
    });
  }

  test('signals and hierarchy of 500 images', async () => {
    const size = { n: 500, c: 32, h: 26, w: 26, d: 64, k: 3 };
    const { n, c, h, w, d, k } = size;
    const draw = random(3, 'signals bench');
    const inputs = draw.normals(n * c * h * w).map((x) => Math.max(0, x));
    const weight = draw.normals(d * c * k * k).map((x) => 0.1 * x);
    const labels = Int32Array.from({ length: n }, (_, i) => i % 10);
    const spectrum = await decompose(
      {
        weightShape: [d, c, k, k],
        rows: d,
        columns: c * k * k,
        blocks: [weight],
        filter: [c, k, k],
        bias: null,
        outputAxis: 1,
      },
      { random: () => draw, checkpoint: () => {} },
    );
    // The forward pass computes the outputs in any case; what signals add to it is counted.
    const backend = await chooseBackend('auto');
    const options = { strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], groups: 1 };
    const program = await backend.compile([[c, h, w]], (kernels, [x]) => [
      kernels.conv(x!, kernels.constant({ data: weight, shape: [d, c, k, k] }), options),
    ]);
    const forward = async () => {
      const outputs: Float32Array[] = [];
      for (let start = 0; start < n; start += 50) {
        const data = inputs.subarray(start * c * h * w, (start + 50) * c * h * w);
        const [result] = await program.run([{ data, shape: [50, c, h, w] }]);
        outputs.push(result!.data);
      }
      return outputs;
    };
    const pass = await timed(forward, 2);
    const shape = [1, d, h - k + 1, w - k + 1];
    const each = shape.reduce((a, b) => a * b);
    const signals = () => {
      const values = new Float64Array(n * d);
      for (let i = 0; i < n; i++) {
        const block = pass.result[Math.floor(i / 50)]!;
        const value = block.subarray((i % 50) * each, ((i % 50) + 1) * each);
        values.set(signalsOf(spectrum, d, channelMeans(value, shape, 1)), i * d);
      }
      return values;
    };
    const ours = await timed(signals);
    const hierarchy = await timed(() => hierarchyAt({ values: ours.result, directions: d }, labels, 0.85, 0.75));
    console.log(
      `signals of ${n} images, ${d} directions: ${milliseconds(ours.seconds)} beside the forward pass of ${milliseconds(pass.seconds)}; hierarchy ${milliseconds(hierarchy.seconds)}`,
    );
    if (hasRival) {
      writeFileSync(`${folder}/inputs.f32`, inputs);
      writeFileSync(`${folder}/weight.f32`, weight);
      const { im2col } = rivals({ signals: size });
      const total = ours.seconds + hierarchy.seconds;
      console.log(
        `  one im2col product per image: ${milliseconds(im2col!.seconds)}, ${(im2col!.seconds / total).toFixed(1)} times ours, ${(im2col!.seconds / (total + pass.seconds)).toFixed(1)} times ours with the forward pass`,
      );
      im2col!.signals.forEach((signal, i) => expect(Math.abs(signal - ours.result[i]!)).toBeLessThan(1e-4));
    }
    program.dispose();
    await backend.dispose();
  });
});
