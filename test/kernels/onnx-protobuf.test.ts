// The ONNX schema: written and read back, and read from bytes put together by hand.
import { expect, test } from 'vitest';
import { AttributeType, DataType, decodeModel, encodeModel } from '../../analysis/kernels/onnx-protobuf.ts';

test('a model is read back as it was written', () => {
  const text = (s: string): Uint8Array => new TextEncoder().encode(s);
  const tensor = { name: 'w', dims: [2, 1], dataType: DataType.float, floatData: [0.5, -3] };
  const bytes = encodeModel({
    irVersion: 10,
    producerName: 'test',
    opsetImport: [{ domain: '', version: 21 }],
    metadataProps: [{ key: 'a', value: 'b' }],
    functions: [{ name: 'Twice', domain: 'own', input: ['x'], output: ['y'], attribute: ['alpha'] }],
    graph: {
      name: 'g',
      node: [
        {
          opType: 'If',
          input: ['x', '', 'w'],
          output: ['y'],
          attribute: [
            { name: 'f', type: AttributeType.float, f: 0.25 },
            { name: 'i', type: AttributeType.int, i: -7 },
            { name: 's', type: AttributeType.string, s: text('naïve') },
            { name: 't', type: AttributeType.tensor, t: tensor },
            { name: 'g', type: AttributeType.graph, g: { name: 'inner', node: [{ opType: 'Relu' }] } },
            { name: 'fs', type: AttributeType.floats, floats: [1, 2.5] },
            { name: 'is', type: AttributeType.ints, ints: [0, -1, 2 ** 40] },
            { name: 'ss', type: AttributeType.strings, strings: [text('a'), text('b')] },
            { name: 'ts', type: AttributeType.tensors, tensors: [tensor] },
            { name: 'gs', type: AttributeType.graphs, graphs: [{ name: 'other' }] },
          ],
        },
      ],
      initializer: [
        tensor,
        { name: 'raw', dims: [3], dataType: DataType.int8, rawData: Uint8Array.of(1, 2, 255) },
        { name: 'integers', dims: [2], dataType: DataType.int64, int64Data: [-5, 6] },
        { name: 'doubles', dims: [1], dataType: DataType.double, doubleData: [Math.PI] },
        {
          name: 'far',
          dims: [9],
          dataType: DataType.float,
          dataLocation: 1,
          externalData: [{ key: 'location', value: 'w.bin' }],
        },
      ],
      input: [
        {
          name: 'x',
          type: { tensorType: { elemType: DataType.float, shape: { dim: [{ dimParam: 'N' }, { dimValue: 3 }, {}] } } },
        },
      ],
    },
  });
  const model = decodeModel(bytes);
  expect([model.irVersion, model.producerName, model.opsetImport[0]!.version, model.opsetImport[0]!.domain]).toEqual([
    10,
    'test',
    21,
    '',
  ]);
  expect(model.metadataProps[0]).toMatchObject({ key: 'a', value: 'b' });
  expect(model.functions[0]).toMatchObject({ name: 'Twice', domain: 'own', input: ['x'], attribute: ['alpha'] });
  const { node, initializer, input } = model.graph!;
  expect(node[0]!.input).toEqual(['x', '', 'w']);
  const attributes = Object.fromEntries(node[0]!.attribute.map((attribute) => [attribute.name, attribute]));
  expect(attributes.f!.f).toBe(0.25);
  expect(attributes.i!.i).toBe(-7);
  expect(new TextDecoder().decode(attributes.s!.s)).toBe('naïve');
  expect(attributes.t!.t).toMatchObject({ dims: [2, 1], floatData: [0.5, -3] });
  expect(attributes.g!.g!.node[0]!.opType).toBe('Relu');
  expect(attributes.fs!.floats).toEqual([1, 2.5]);
  expect(attributes.is!.ints).toEqual([0, -1, 2 ** 40]);
  expect(attributes.ss!.strings.map((s) => new TextDecoder().decode(s))).toEqual(['a', 'b']);
  expect(attributes.ts!.tensors[0]!.name).toBe('w');
  expect(attributes.gs!.graphs[0]!.name).toBe('other');
  expect(attributes.f!.ints).toEqual([]);
  expect(attributes.f!.t).toBeNull();
  expect(Array.from(initializer[1]!.rawData)).toEqual([1, 2, 255]);
  expect(initializer[2]!.int64Data).toEqual([-5, 6]);
  expect(initializer[3]!.doubleData).toEqual([Math.PI]);
  expect(initializer[4]).toMatchObject({ dataLocation: 1, externalData: [{ key: 'location', value: 'w.bin' }] });
  expect(initializer[4]!.rawData.length).toBe(0);
  const dims = input[0]!.type!.tensorType!.shape!.dim;
  expect(dims.map(({ value, dimValue, dimParam }) => [value, dimValue, dimParam])).toEqual([
    ['dimParam', 0, 'N'],
    ['dimValue', 3, ''],
    [undefined, 0, ''],
  ]);
});

test('packed and unpacked lists of integers are read alike, and unknown fields are skipped', () => {
  // ModelProto.graph (7) { initializer (5) { dims (1) } }, dims once as two varints and once packed; field 200 is nobody's.
  const unpacked = [0x08, 0x02, 0x08, 0x03];
  const packed = [0x0a, 0x02, 0x02, 0x03];
  const unknown = [0xc0, 0x0c, 0x01];
  for (const dims of [unpacked, packed]) {
    const tensor = [...dims, ...unknown];
    const graph = [0x2a, tensor.length, ...tensor];
    const model = decodeModel(Uint8Array.from([0x3a, graph.length, ...graph]));
    expect(model.graph!.initializer[0]!.dims).toEqual([2, 3]);
  }
});

test('bytes that are no model are refused', () => {
  expect(() => decodeModel(Uint8Array.of(0x3a, 0xff, 0x01))).toThrow();
});
