import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectModel } from '../../analysis/formats/inspect-model.ts';
import { normals, onnxBytes, onnxNode, type WrittenGraph } from './models.ts';

const n = onnxNode;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'inspect-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const graph: WrittenGraph = {
  nodes: [
    n('Conv', ['x', 'conv1.weight', 'conv1.bias'], ['a'], { pads: [1, 1, 1, 1] }),
    n('Relu', ['a'], ['b']),
    n('Flatten', ['b'], ['c']),
    n('Gemm', ['c', 'fc.weight'], ['y']),
  ],
  initializers: [normals('conv1.weight', [2, 1, 3, 3]), normals('conv1.bias', [2]), normals('fc.weight', [32, 5])],
  inputs: { x: ['N', 1, 4, 4] },
};

describe('inspection of a model file', () => {
  it('lists what is unsupported instead of throwing, and shows what comes before', async () => {
    const path = join(folder, 'partly.onnx');
    const nodes = [
      ...graph.nodes.slice(0, 2),
      n('Unique', ['b'], ['e'], {}, 'attention'),
      n('Gemm', ['e', 'fc.weight'], ['y']),
    ];
    writeFileSync(path, onnxBytes({ ...graph, nodes }));
    const table = await inspectModel(path);
    expect(table.unsupported).toEqual([{ op: 'Unique', node: 'attention', reason: undefined }]);
    expect(table.layers.map(({ name }) => name)).toEqual(['conv1']);
    writeFileSync(path, onnxBytes({ nodes: [n('Unique', ['x'], ['y'])] }));
    const nothing = await inspectModel(path);
    expect([nothing.layers, nothing.nodes, nothing.unsupported.length]).toEqual([[], [], 1]);
  });
});
