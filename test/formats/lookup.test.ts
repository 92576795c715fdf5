import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeNpy } from '../../analysis/figures/npy.ts';
import type { Backend } from '../../analysis/kernels/kernels.ts';
import { DataType, decodeModel, encodeModel } from '../../analysis/kernels/onnx-protobuf.ts';
import { onnxruntimeBackend } from '../../analysis/kernels/onnxruntime.ts';
import { canonical } from '../../analysis/network/canonical.ts';
import { openInputSamples } from '../../analysis/samples.ts';
import { floats, integers, networkFrom, normals, onnxBytes, onnxNode, outputOf, type WrittenGraph } from './models.ts';

let backend: Backend;
let folder: string;
beforeAll(() => {
  backend = onnxruntimeBackend();
  folder = mkdtempSync(join(tmpdir(), 'lookup-'));
});
afterAll(async () => {
  await backend.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** Two columns; row i is (i, 10 i). */
const table = floats('words', [4, 2], [0, 0, 1, 10, 2, 20, 3, 30]);
const axes = integers('axes', [1], [1]);

/** The sum of the rows that three ids name, through a dense layer. */
const bag = (nodes: WrittenGraph['nodes'] = [onnxNode('Gather', ['words', 'x'], ['rows'])]): WrittenGraph => ({
  inputs: { x: ['batch', 3] },
  initializers: [table, axes, floats('w', [2, 2], [1, 0, 0, 1])],
  nodes: [
    ...nodes,
    onnxNode('ReduceSum', ['rows', 'axes'], ['s'], { keepdims: 0 }),
    onnxNode('MatMul', ['s', 'w'], ['y']),
  ],
});

/** The file with its input declared as whole numbers, as exporters do. */
function wholeNumbers(graph: WrittenGraph): Uint8Array {
  const proto = decodeModel(onnxBytes(graph));
  proto.graph!.input[0]!.type!.tensorType!.elemType = DataType.int64;
  return encodeModel({ ...proto });
}

const cast = onnxNode('Cast', ['x'], ['ids'], { to: DataType.int32 }, 'whole');
const samplesIn = async (graph: WrittenGraph | Uint8Array, data: number[], shape: number[]) => {
  const network = canonical(networkFrom(graph));
  const path = join(folder, `${data.join('-')}.npy`);
  writeFileSync(path, encodeNpy(Float32Array.from(data), shape));
  const settings = { samples: path, labels: null, classes: null, limit: null, preprocess: null };
  const { samples } = await openInputSamples(network, settings);
  return { network, samples };
};

describe('a table that the input names rows of', () => {
  it.each([
    ['whole numbers', () => wholeNumbers(bag())],
    ['floats that are cast', () => onnxBytes(bag([cast, onnxNode('Gather', ['words', 'ids'], ['rows'])]))],
  ])('%s: the rows are the explained input, and samples are looked up', async (_, bytes) => {
    const { network, samples } = await samplesIn(bytes(), [1, 2, 3, 0, 0, 1], [2, 3]);
    expect(network.input).toBe('x/rows');
    expect(network.otherInputs).toEqual([]);
    expect(network.notes.join()).toContain('The input "x" names rows of a table of 4 × 2 numbers');
    expect(network.layout).toMatchObject({ kind: 'signal', channelAxis: 2, widthAxis: 1 });
    const data = await samples.read(0, 2);
    expect([...data]).toEqual([1, 10, 2, 20, 3, 30, 0, 0, 0, 0, 1, 10]);
    const [found] = await outputOf(network, backend, { data, shape: [2, 1, 3, 2] });
    expect([...found!.data]).toEqual([6, 60, 1, 10]);
  });
  it('samples may hold the rows themselves', async () => {
    const { samples } = await samplesIn(wholeNumbers(bag()), [9, 8, 7, 6, 5, 4], [1, 3, 2]);
    expect([...(await samples.read(0, 1))]).toEqual([9, 8, 7, 6, 5, 4]);
  });
  it.each([4, -1, 0.5])('a sample that names the row %d is refused', async (id) => {
    const { samples } = await samplesIn(wholeNumbers(bag()), [0, 1, 2, 1, id, 2], [2, 3]);
    await expect(samples.read(1, 2)).rejects.toMatchObject({
      message: `Sample 1 holds ${id}, which names no row of the table behind "x".`,
      hint: 'Rows are whole numbers from 0 to 3.',
    });
  });
  it('sequences with their time first are looked up as [1, time, columns]', () => {
    const network = networkFrom(
      wholeNumbers({
        inputs: { x: [5, 'batch'] },
        initializers: [table, normals('w', [1, 12, 2]), normals('r', [1, 12, 3])],
        nodes: [
          onnxNode('Gather', ['words', 'x'], ['rows']),
          onnxNode('LSTM', ['rows', 'w', 'r'], ['', 'y'], { hidden_size: 3 }),
        ],
      }),
    );
    expect(network.nodes.find(({ id }) => id === network.input)!.shape).toEqual([1, 5, 2]);
  });
  it('is refused where the numbers are used otherwise too, or name rows of a second table', () => {
    const added = bag([
      onnxNode('Gather', ['words', 'x'], ['r']),
      onnxNode('Unsqueeze', ['x', 'last'], ['u']),
      onnxNode('Add', ['r', 'u'], ['rows']),
    ]);
    const also = { ...added, initializers: [...added.initializers!, integers('last', [1], [2])] };
    expect(() => networkFrom(wholeNumbers(also))).toThrow('names rows of a table and is used otherwise too');
    const second = bag([
      onnxNode('Gather', ['words', 'x'], ['r']),
      onnxNode('Gather', ['other', 'x'], ['q'], {}, 'twice'),
      onnxNode('Add', ['r', 'q'], ['rows']),
    ]);
    const tables = { ...second, initializers: [...second.initializers!, normals('other', [4, 2])] };
    expect(() => networkFrom(wholeNumbers(tables))).toThrow(
      '"Gather" (its input names rows of a second table) at node "twice"',
    );
  });
  it('a cast to whole numbers that no table reads is still refused', () => {
    const graph = bag([
      cast,
      onnxNode('Cast', ['ids'], ['f'], { to: 1 }),
      onnxNode('Gather', ['words', 'ids'], ['r']),
      onnxNode('Unsqueeze', ['f', 'last'], ['u']),
      onnxNode('Add', ['r', 'u'], ['rows']),
    ]);
    const file = { ...graph, initializers: [...graph.initializers!, integers('last', [1], [2])] };
    expect(() => networkFrom(file)).toThrow('"Cast" (to whole numbers or truth values) at node "whole"');
  });
});
