// What the native backend buys: ONNX Runtime against TensorFlow.js wasm on the three kernels that a run spends its time
// in. Each prints GFLOP/s and the ratio; ONNX Runtime is claimed to be at least three times as fast.
import { expect, test } from 'vitest';
import { chooseBackend } from '../../analysis/kernels/choose.ts';
import { sizeOf } from '../../analysis/kernels/kernels.ts';
import type { BackendId, Kernels, Shape, Tensor, Value } from '../../analysis/kernels/kernels.ts';
import { random } from '../../analysis/random.ts';

const options = { strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], groups: 1 };
const picture: Shape = [4, 128, 56, 56];
const kernel = normals([128, 128, 3, 3]);
const square: Shape = [1024, 1024];
const matrix = normals(square);

const cases: readonly { name: string; input: Shape; flops: number; build: (k: Kernels, x: Value) => Value }[] = [
  {
    name: '3×3 convolution, 4×128×56×56 → 128',
    input: picture,
    flops: 2 * sizeOf(picture) * 128 * 9,
    build: (k, x) => k.conv(x, k.constant(kernel), options),
  },
  {
    name: 'its adjoint',
    input: picture,
    flops: 2 * sizeOf(picture) * 128 * 9,
    build: (k, y) => k.convTranspose(y, k.constant(kernel), { ...options, size: [56, 56] }),
  },
  {
    name: '1024³ product',
    input: square,
    flops: 2 * 1024 ** 3,
    build: (k, x) => k.matMul(x, k.constant(matrix)),
  },
];

function normals(shape: Shape): Tensor {
  return { shape, data: random(0, shape.join()).normals(sizeOf(shape)) };
}

test.each(cases)('$name: onnxruntime is at least 3 times as fast as wasm', async ({ name, input, flops, build }) => {
  const best = async (id: BackendId): Promise<number> => {
    const backend = await chooseBackend(id);
    const program = await backend.compile([input.slice(1)], (k, [x]) => [build(k, x!)]);
    const inputs = [normals(input)];
    await program.run(inputs);
    let shortest = Infinity;
    for (let run = 0; run < 8; run++) {
      const start = performance.now();
      await program.run(inputs);
      shortest = Math.min(shortest, performance.now() - start);
    }
    program.dispose();
    return shortest;
  };
  const [native, wasm] = [await best('onnxruntime'), await best('wasm')];
  const rate = (milliseconds: number): string => (flops / milliseconds / 1e6).toFixed(1);
  const ratio = wasm / native;
  console.error(`${name}: onnxruntime ${rate(native)}, wasm ${rate(wasm)} GFLOP/s, ratio ${ratio.toFixed(1)}`);
  expect(ratio).toBeGreaterThan(3);
});
