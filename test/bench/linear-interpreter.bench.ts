// Ten triplets of a super-resolution network's frozen map at 64 × 64 pixels: products against power iteration with deflation
// (LI's own way) at equal residual, aim five times fewer; seconds against scipy's svds over PyTorch's jvp and vjp, aim three
// times faster. Skipped without ../shared; the rival is skipped where PyTorch or scipy is missing.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { loadNetwork } from '../../analysis/formats/index.ts';
import { chooseBackend } from '../../analysis/kernels/choose.ts';
import { compileMap } from '../../analysis/network/affine-map.ts';
import { layersOf } from '../../analysis/network/layers.ts';
import { random } from '../../analysis/random.ts';
import { truncatedSvd } from '../../analysis/svd/truncated-svd.ts';
import { powerIteration } from './power-iteration.ts';
import { svdsOverTorch } from './rivals/svds-over-torch.ts';

const models = path.resolve(import.meta.dirname, '../../../shared/models');
const SIDE = 64;
const COUNT = 10;
const TOLERANCE = 1e-4;
const CASES = [
  ['ESPCN ×2', 'sr-espcn-tf/tfjs-graph/espcn_x2/model.json'],
  ['FSRCNN ×2', 'sr-fsrcnn-tf/tfjs-graph/fsrcnn_x2/model.json'],
] as const;

/** A disc on a slope with some noise: edges in every direction, smooth places, values from 0 to 1. */
function picture(): Float32Array {
  const noise = random(1, 'picture').normals(SIDE * SIDE);
  return noise.map((value, i) => {
    const [x, y] = [(i % SIDE) / SIDE, Math.floor(i / SIDE) / SIDE];
    const disc = Math.hypot(x - 0.4, y - 0.55) < 0.25 ? 0.4 : 0;
    return Math.min(1, Math.max(0, 0.2 + 0.3 * x + disc + 0.02 * value));
  });
}

test.skipIf(!existsSync(models)).each(CASES)('ten triplets of %s', async (name, file) => {
  const shape = [1, SIDE, SIDE, 1];
  const network = await loadNetwork(path.join(models, file), { inputShape: shape });
  const backend = await chooseBackend('onnxruntime');
  const scope = { from: network.input, to: network.output, mode: 'frozen' } as const;
  const compiled = await compileMap(network, layersOf(network), backend, scope, () => 16);
  const at = { data: picture(), shape: [1, ...shape] };
  // Compiles the programs, as any run of more than one sample has done.
  await truncatedSvd(await compiled.locate(at, {}), { count: 1, tolerance: 1, maxApplications: 8 });

  const start = performance.now();
  const map = await compiled.locate(at, {});
  const svd = await truncatedSvd(map, { count: COUNT, tolerance: TOLERANCE, random: random(0, 'bench') });
  const seconds = (performance.now() - start) / 1000;
  expect(svd.converged).toBe(COUNT);
  const power = await powerIteration(map, COUNT, { tolerance: TOLERANCE, limit: 20 * svd.applications });
  const bound = power.values.length < COUNT ? 'more than ' : '';
  console.log(
    `${name}: ${svd.applications} products in ${seconds.toFixed(2)} s, largest residual ${Math.max(...svd.residuals).toExponential(1)}; power iteration ${power.products} products for ${power.values.length} triplets: ${bound}${(power.products / svd.applications).toFixed(1)} times fewer`,
  );
  const rival = await svdsOverTorch({
    network,
    to: network.output,
    at: { data: at.data, shape: compiled.domain },
    value: { data: map.value, shape: compiled.codomain },
    count: COUNT,
    tolerance: TOLERANCE,
  });
  compiled.dispose();
  await backend.dispose();
  // Power iteration may find equal values in another order; the first one is alone.
  expect(Math.abs(power.values[0]! / svd.singularValues[0]! - 1)).toBeLessThan(1e-3);
  expect(power.products / svd.applications).toBeGreaterThan(2);
  if (rival === null) return;
  console.log(
    `${name}: svds over PyTorch ${rival.torch} ${rival.seconds.toFixed(2)} s, ${rival.products} products, largest residual ${rival.residual.toExponential(1)}; ours is ${(rival.seconds / seconds).toFixed(2)} times faster`,
  );
  expect(rival.distance).toBeLessThan(1e-4);
  for (const [k, value] of rival.values.entries())
    expect(Math.abs(value - svd.singularValues[k]!)).toBeLessThan(1e-3 * rival.values[0]!);
  expect(rival.seconds / seconds).toBeGreaterThan(1);
});
