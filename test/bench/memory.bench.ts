// Peak resident memory of `analyze` against --memory: a network of 25.5 million parameters at 224 × 224, one method after the
// other, each in a process of its own, at two budgets.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeNpy } from '../../analysis/figures/npy.ts';
import { METHODS } from '../../analysis/methods/index.ts';
import { random } from '../../analysis/random.ts';
import { largeNetwork } from '../support/large-network.ts';

const SAMPLES = 4;
const PEAK = 'data:text/javascript,process.on("exit",()=>console.error("peak "+process.resourceUsage().maxRSS))';
const cli = path.resolve(import.meta.dirname, '../../src/cli/eigenlens.js');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'memory-'));
  writeFileSync(path.join(folder, 'large.onnx'), largeNetwork());
  const shape = [SAMPLES, 3, 224, 224];
  const pictures = random(0, 'pictures').normals(shape.reduce((product, n) => product * n));
  writeFileSync(path.join(folder, 'samples.npy'), encodeNpy(pictures, shape));
  // Class hierarchies need samples of more than one class.
  writeFileSync(path.join(folder, 'labels.txt'), '0\n1\n0\n1\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Peak bytes and seconds of one method in a process of its own. */
function analyse(memory: string, method: string): { bytes: number; seconds: number; failed: string | null } {
  const start = performance.now();
  const { stderr, status } = spawnSync(
    process.execPath,
    [
      ...['--disable-warning=ExperimentalWarning', '--import', PEAK, cli, 'analyze', path.join(folder, 'large.onnx')],
      ...['--samples', path.join(folder, 'samples.npy'), '--labels', path.join(folder, 'labels.txt')],
      ...['--detail', '1', '--methods', method, '--memory', memory],
      ...['--reports', path.join(folder, 'reports'), '--force'],
    ],
    { encoding: 'utf8' },
  );
  const bytes = 1024 * Number(/peak (\d+)/.exec(stderr)?.[1]);
  return { bytes, seconds: (performance.now() - start) / 1000, failed: status === 0 ? null : stderr };
}

for (const [memory, limit] of [
  ['4GiB', 2 ** 32],
  ['2GiB', 2 ** 31],
] as const) {
  test(`memory stays under --memory ${memory}`, () => {
    const over: string[] = [];
    for (const { id } of METHODS) {
      const { bytes, seconds, failed } = analyse(memory, id);
      console.log(`${id}: ${(bytes / 2 ** 20).toFixed(0)} MiB of ${limit / 2 ** 20}, ${seconds.toFixed(0)} s`);
      if (failed !== null || !(bytes < limit)) over.push(`${id} ${failed ?? ''}`);
    }
    expect(over).toEqual([]);
  }, 7_200_000);
}
