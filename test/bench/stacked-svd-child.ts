// Our way, in a process of its own so that its memory can be told: Σ s² sample by sample, the SVD by products, B = W̃ V Σ⁻¹.
// Arguments: folder, samples, outputs, inputs, k. Prints seconds (of the clock and of all cores), peak memory above the start in bytes, and the values, as JSON.
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { chooseBackend } from '../../analysis/kernels/choose.ts';
import { stackedSvd } from '../../analysis/methods/stacked-svd.ts';
import type { Block, LinearOperator } from '../../analysis/operators/operator.ts';
import { random } from '../../analysis/random.ts';

const [folder, ...numbers] = process.argv.slice(2) as [string, ...string[]];
const [samples, rows, cols, k] = numbers.map(Number) as [number, number, number, number];
const peak = (): number => process.resourceUsage().maxRSS * 1024;
const floats = (file: string): Float32Array =>
  new Float32Array(new Uint8Array(readFileSync(`${folder}/${file}`)).buffer);

const weights = floats('weights.f32');
const backend = await chooseBackend('auto');
// One product before the clock starts: loading a library is not part of the method, as importing numpy is none.
const warm = await backend.compile([[2]], (kernels, [x]) => [kernels.binary('add', x!, x!)]);
await warm.run([{ data: new Float32Array(2), shape: [1, 2] }]);
const before = peak();
const start = performance.now();
const busy = process.cpuUsage();

const squares = new Float64Array(rows);
const file = openSync(`${folder}/ratios.f32`, 'r');
const ratio = new Float32Array(rows);
for (let i = 0; i < samples; i++) {
  readSync(file, ratio, 0, rows * 4, i * rows * 4);
  for (let o = 0; o < rows; o++) squares[o]! += ratio[o]! * ratio[o]!;
}
closeSync(file);

const matrix = { data: weights, shape: [rows, cols] };
const forward = await backend.compile([[cols]], (kernels, [x]) => [
  kernels.matMul(x!, kernels.constant(matrix), { transposeB: true }),
]);
const backward = await backend.compile([[rows]], (kernels, [y]) => [kernels.matMul(y!, kernels.constant(matrix))]);
const through = async (program: typeof forward, block: Block, size: number): Promise<Block> => {
  const [result] = await program.run([{ data: block.data, shape: [block.count, block.size] }]);
  return { count: block.count, size, data: result!.data };
};
const operator: LinearOperator = {
  domain: [cols],
  codomain: [rows],
  apply: (block) => through(forward, block, rows),
  transpose: (block) => through(backward, block, cols),
};
const svd = await stackedSvd(operator, squares.map(Math.sqrt), {
  count: k,
  tolerance: 1e-5,
  random: random(0, 'bench'),
  blockSize: 16,
});
const left = await operator.apply(svd.inputDirections);
for (let j = 0; j < k; j++) for (let o = 0; o < rows; o++) left.data[j * rows + o]! /= svd.singularValues[j]!;
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(busy);
console.log(
  JSON.stringify({
    backend: backend.id,
    seconds,
    cpu: (user + system) / 1e6,
    bytes: peak() - before,
    values: [...svd.singularValues],
    residual: Math.max(...svd.residuals),
    applications: svd.applications,
  }),
);
await backend.dispose();
