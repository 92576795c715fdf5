import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTensor } from '../../analysis/formats/onnx-tensor.ts';
import { readOnnx } from '../../analysis/formats/onnx.ts';
import { networkOf } from '../../analysis/formats/graph.ts';
import type { Backend, Tensor } from '../../analysis/kernels/kernels.ts';
import { DataType, decodeModel, encodeModel, type TensorProto } from '../../analysis/kernels/onnx-protobuf.ts';
import { onnxruntimeBackend } from '../../analysis/kernels/onnxruntime.ts';
import { canonical } from '../../analysis/network/canonical.ts';
import type { Constant } from '../../analysis/network/constant-folding.ts';
import { hasShared, inMemory, outputOf, readTensorProto, sharedPath } from './models.ts';

/** Cases that a network of ours cannot be, and why. */
const notNetworks: Readonly<Record<string, string>> = {
  test_constant: 'no input',
  test_split_zero_size_splits: 'an empty value',
  test_resize_tf_crop_and_resize: 'crops',
};

const folder = sharedPath('onnx-cases/');
const cases = hasShared ? readdirSync(folder).filter((name) => existsSync(`${folder}${name}/model.onnx`)) : [];

interface Case {
  readonly inputs: readonly TensorProto[];
  readonly outputs: readonly TensorProto[];
}

function filesOf(name: string): Case {
  const read = (kind: string): TensorProto[] =>
    readdirSync(`${folder}${name}/test_data_set_0`)
      .filter((file) => file.startsWith(kind))
      .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
      .map((file) => readTensorProto(`${folder}${name}/test_data_set_0/${file}`));
  return { inputs: read('input'), outputs: read('output') };
}

const model = inMemory(new Uint8Array(), 'case.onnx');
const numbers = (tensor: TensorProto): Constant => readTensor(tensor, model);
const withBlock = ({ data, shape }: Constant): Tensor => ({ data: Float32Array.from(data), shape: [1, ...shape] });

describe.skipIf(!hasShared)('the operator cases of the ONNX project', () => {
  let backend: Backend;
  beforeAll(() => {
    backend = onnxruntimeBackend();
  });
  afterAll(() => backend.dispose());

  const covered = new Set<string>();
  const refused = new Map<string, string>();
  const both = [
    ['with the other inputs as weights', true],
    ['with the other inputs fed', false],
  ] as const;

  for (const name of cases.filter((candidate) => !Object.hasOwn(notNetworks, candidate))) {
    const { inputs, outputs } = filesOf(name);
    const canFeed = inputs.slice(1).every((tensor) => !tensor.dims.includes(0));
    for (const [title, asWeights] of inputs.length === 1 ? both.slice(1) : canFeed ? both : both.slice(0, 1)) {
      it(`${name} gives its expected output ${title}`, async (context) => {
        const proto = decodeModel(readFileSync(`${folder}${name}/model.onnx`));
        const graph = proto.graph!;
        const [first, ...others] = graph.input.map((input, i) => ({ input, tensor: inputs[i]! }));
        if (asWeights) {
          graph.initializer.push(...others.map(({ input, tensor }) => ({ ...tensor, name: input.name })));
        }
        const named = new Map([first!, ...others].map(({ input, tensor }) => [input.name, tensor]));
        const inputShape = Object.fromEntries([...named].map(([key, tensor]) => [key, [...tensor.dims]]));
        const bytes = encodeModel({ ...proto, graph: { ...graph } });
        const read = readOnnx(inMemory(bytes, `${name}.onnx`), { inputShape });
        const wanted = read.outputs.filter((id) => !read.unknown.has(id));
        if (wanted.length === 0) {
          const why = read.unsupported.map(({ op, reason }) => `${op}: ${reason ?? 'unsupported'}`).join();
          refused.set(name, why);
          context.skip(why);
        }
        const raw = networkOf(read, {});
        const fed = Object.fromEntries(raw.otherInputs.map((id) => [id, withBlock(numbers(named.get(id)!))]));
        const samples = withBlock(numbers(named.get(raw.input)!));
        for (const network of [raw, canonical(raw)]) {
          if (network.stripped !== null) continue;
          const ids = network === raw ? wanted : [network.output];
          const results = await outputOf(network, backend, samples, { ids, fed });
          results.forEach((result, i) => {
            const at = read.outputs.indexOf(wanted[i]!);
            // The files of bfloat16 cases call their bits uint16.
            const dataType = graph.output[at]!.type!.tensorType!.elemType;
            const isBfloat16 = dataType === DataType.bfloat16;
            const expected = numbers(isBfloat16 ? { ...outputs[at]!, dataType } : outputs[at]!);
            expect(result.shape).toEqual([1, ...expected.shape]);
            const finite = [...expected.data].filter(Number.isFinite);
            const largest = finite.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
            const tolerance = (2e-6 + (isBfloat16 ? 2 ** -8 : 0)) * largest;
            expected.data.forEach((x, entry) => {
              const found = result.data[entry]!;
              if (!Object.is(found, x) && !(Math.abs(found - x) <= tolerance)) {
                expect.fail(`${wanted[i]}[${entry}] is ${found}, expected ${x}, tolerance ${tolerance}`);
              }
            });
          });
        }
        covered.add(name);
      });
    }
  }

  it('are all covered but those that are refused for a reason', () => {
    const missed = [...refused].filter(([name]) => !covered.has(name));
    expect(missed).toEqual([]);
    expect(covered.size).toBe(cases.length - Object.keys(notNetworks).length);
  });
});
