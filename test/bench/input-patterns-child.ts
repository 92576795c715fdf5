// Our way, in a process of its own so that its memory can be told: rows in blocks by shared probes, the smaller Gram matrix,
// its eigenvalues and leading eigenvectors, layer by layer. Arguments: folder, model, digits. Prints what input-patterns.py
// prints.
import { readFileSync } from 'node:fs';
import { chooseBackend } from '../../analysis/kernels/choose.ts';
import { sizeOf } from '../../analysis/kernels/kernels.ts';
import { loadNetwork } from '../../analysis/formats/index.ts';
import { blockFor, planAllRows } from '../../analysis/methods/jacobian-rows.ts';
import { componentGram, gramRooms, PARTS, singularPatterns } from '../../analysis/methods/singular-patterns.ts';
import { compileMap } from '../../analysis/network/affine-map.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import { nodeOf } from '../../analysis/network/network.ts';
import { receptiveField } from '../../analysis/network/receptive-field.ts';

const [folder, model, digits] = process.argv.slice(2) as [string, string, string];
const images = new Float32Array(new Uint8Array(readFileSync(`${folder}/images.f32`)).buffer);
const network = await loadNetwork(model);
const layers = layersOf(network);
const backend = await chooseBackend('auto');
const peak = (): number => process.resourceUsage().maxRSS * 1024;
const warm = await backend.compile([[2]], (kernels, [x]) => [kernels.binary('add', x!, x!)]);
await warm.run([{ data: new Float32Array(2), shape: [1, 2] }]);
const before = peak();
const start = performance.now();

const domain = nodeOf(network, network.input).shape;
const result: { values: number[]; power: number }[][] = Array.from({ length: Number(digits) }, () => []);
const rooms = gramRooms();
for (const { activity } of layers) {
  const codomain = nodeOf(network, activity).shape;
  const plan = planAllRows(domain, codomain, receptiveField(network, network.input, activity));
  const neurons = Array.from({ length: sizeOf(codomain) }, (_, i) => i);
  const scope = { from: network.input, to: activity, mode: 'taylor' } as const;
  const map = await compileMap(network, layers, backend, scope, () => 64);
  for (const [digit, found] of result.entries()) {
    const x = { data: images.subarray(digit * 784, (digit + 1) * 784), shape: [1, ...domain] };
    const located = await map.locate(x, {});
    const sum = componentGram(784, neurons, located.value, rooms);
    await plan.visit(located, blockFor(map.valuesPerProbe), (rows) => sum.add(rows));
    for (const part of PARTS) {
      const { singularValues, representationalPower } = singularPatterns(sum, part, 10, 0.9);
      found.push({ values: [...singularValues.subarray(0, 10)], power: representationalPower });
    }
  }
  map.dispose();
}
const seconds = (performance.now() - start) / 1000;
console.log(JSON.stringify({ seconds, bytes: peak() - before, absolute: peak(), result: result.flat() }));
await backend.dispose();
