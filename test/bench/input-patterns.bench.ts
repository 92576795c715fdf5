// What shared probes and the smaller Gram matrix save: input patterns of all layers of a small convolutional network (25,088,
// 12,544, 256 and 10 neurons) for 20 digits, against PyTorch's batched Jacobian and LAPACK's SVD. Each runs in a process
// of its own; seconds, peak memory (above the idle process, and altogether) and the largest difference are printed. DIGITS
// takes fewer digits.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { loadNetwork } from '../../analysis/formats/index.ts';

const here = import.meta.dirname;
const shared = path.resolve(here, '../../../shared');
const model = path.join(shared, 'models/2conv-mnist/model.onnx');
const python = process.env['PYTHON'] ?? 'python3';
const hasRival = spawnSync(python, ['-c', 'import torch, numpy']).status === 0;
const digits = Number(process.env['DIGITS'] ?? 20);
const folder = mkdtempSync(path.join(tmpdir(), 'eigenlens-bench-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Measured {
  readonly seconds: number;
  /** Peak memory above that of the process when it had loaded everything, and altogether. */
  readonly bytes: number;
  readonly absolute: number;
  readonly result: readonly { readonly values: readonly number[]; readonly power: number }[];
}

test.skipIf(!existsSync(model) || !hasRival)(
  `input patterns of every layer of 2conv-mnist for ${digits} digits (skipped without the model or PyTorch)`,
  async () => {
    const pixels = gunzipSync(readFileSync(path.join(shared, 'data/mnist-idx/t10k-images-idx3-ubyte.gz'))).subarray(16);
    writeFileSync(
      `${folder}/images.f32`,
      Float32Array.from(pixels.subarray(0, digits * 784), (p) => p / 255),
    );
    const weighted = (await loadNetwork(model)).nodes.filter(({ parameters }) => parameters['weight']);
    for (const [i, at] of [0, 3, 7, 9].entries()) {
      for (const name of ['weight', 'bias'])
        writeFileSync(`${folder}/${at}.${name}.f32`, weighted[i]!.parameters[name]!.data);
    }
    const run = (command: string, args: string[]): Measured =>
      JSON.parse(
        execFileSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
          .trim()
          .split('\n')
          .at(-1)!,
      ) as Measured;
    const ours = run(process.execPath, [path.join(here, 'input-patterns-child.ts'), folder, model, String(digits)]);
    const theirs = run(python, [path.join(here, 'input-patterns.py'), folder, String(digits)]);
    expect(ours.result).toHaveLength(theirs.result.length);
    let difference = 0;
    for (const [i, { values }] of theirs.result.entries()) {
      for (const [k, value] of values.entries()) {
        difference = Math.max(
          difference,
          Math.abs(value - (ours.result[i]!.values[k] ?? 0)) / Math.max(values[0]!, 1e-30),
        );
      }
    }
    const moved = theirs.result.filter(({ power }, i) => power !== ours.result[i]!.power).length;
    const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
    const described = ({ seconds, bytes, absolute }: Measured): string =>
      `${seconds.toFixed(1)} s, ${megabytes(bytes)} MiB above the idle process, ${megabytes(absolute)} MiB altogether`;
    console.log(
      [
        `rival: ${described(theirs)}`,
        `ours:  ${described(ours)}`,
        `${(theirs.seconds / ours.seconds).toFixed(1)} times as fast, ${(theirs.bytes / ours.bytes).toFixed(1)} times less memory above the idle process, ${(theirs.absolute / ours.absolute).toFixed(1)} times less altogether`,
        `largest difference of a leading value ${difference.toExponential(1)} of the first; R_0.9 differs in ${moved} of ${theirs.result.length}`,
      ].join('\n'),
    );
    expect(difference).toBeLessThan(1e-4);
  },
);
