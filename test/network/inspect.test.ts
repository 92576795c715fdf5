import { describe, expect, it } from 'vitest';
import { canonical } from '../../analysis/network/canonical.ts';
import { inspectNetwork } from '../../analysis/network/inspect.ts';
import { networkFrom, normals, onnxNode, type WrittenGraph } from '../formats/models.ts';

const n = onnxNode;
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

describe('inspection', () => {
  it('lists layers and nodes with shapes, parameters and cost', () => {
    const table = inspectNetwork(canonical(networkFrom(graph)));
    expect(table.layers).toEqual([
      {
        name: 'conv1',
        op: 'conv',
        inputShape: [1, 4, 4],
        outputShape: [2, 4, 4],
        parameterCount: 20,
        multiplyAdds: 288,
        ops: ['conv', 'relu', 'reshape'],
      },
      {
        name: 'fc',
        op: 'dense',
        inputShape: [32],
        outputShape: [5],
        parameterCount: 160,
        multiplyAdds: 160,
        ops: ['dense'],
      },
    ]);
    expect([table.parameterCount, table.multiplyAdds]).toEqual([180, 448]);
    expect(table.nodes.map(({ op, interpretation, layer }) => [op, interpretation, layer])).toEqual([
      ['conv', 'linear', 'conv1'],
      ['relu', 'piecewise linear', 'conv1'],
      ['reshape', 'linear', 'conv1'],
      ['dense', 'linear', 'fc'],
    ]);
    expect(table.inputs).toEqual([{ name: 'x', shape: [1, 1, 4, 4], explained: true }]);
    expect(table.preprocessing).toMatchObject({ source: 'assumed', size: [4, 4], channelOrder: 'grey' });
    expect(JSON.parse(JSON.stringify(table))).toEqual(table);
  });
});
