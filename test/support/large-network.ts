// A residual network of 25.5 million parameters as an ONNX file: the shape of ResNet-50 (He et al. 2016) with weights drawn from
// He's normal distribution. Normalisation stands in the convolutions' biases, as exporters leave it.
import { DataType, encodeModel, type TensorProto, type Written } from '../../analysis/kernels/onnx-protobuf.ts';
import { random } from '../../analysis/random.ts';
import { onnxNode } from '../formats/models.ts';

/** Bottlenecks, their inner channels, and the stride of the first one. */
const STAGES = [
  [3, 64, 1],
  [4, 128, 2],
  [6, 256, 2],
  [3, 512, 2],
] as const;
const EXPANSION = 4;

/** The bytes of the file: input `x` of [1, 3, side, side], 1,000 logits `y`. */
export function largeNetwork({ side = 224, seed = 0 } = {}): Uint8Array {
  const nodes: ReturnType<typeof onnxNode>[] = [];
  const initializers: Written<TensorProto>[] = [];
  const tensor = (name: string, dims: readonly number[], data: Float32Array): string => {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    initializers.push({ name, dims, dataType: DataType.float, rawData });
    return name;
  };
  const weights = (name: string, dims: readonly number[], gain: number): string => {
    const fanIn = dims.slice(1).reduce((product, n) => product * n, 1);
    const deviation = Math.sqrt(gain / fanIn);
    return tensor(
      name,
      dims,
      random(seed, name)
        .normals(dims[0]! * fanIn)
        .map((x) => deviation * x),
    );
  };
  let channels = 3;
  function conv(x: string, name: string, outputs: number, inputs: number, kernel: number, stride: number, gain = 2) {
    const parameters = [
      weights(`${name}.weight`, [outputs, inputs, kernel, kernel], gain),
      tensor(`${name}.bias`, [outputs], new Float32Array(outputs)),
    ];
    const pad = (kernel - 1) / 2;
    const window = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] };
    nodes.push(onnxNode('Conv', [x, ...parameters], [name], window, name));
    return name;
  }
  function relu(x: string): string {
    nodes.push(onnxNode('Relu', [x], [`${x}.relu`], {}, `${x}.relu`));
    return `${x}.relu`;
  }
  let x = relu(conv('x', 'stem', 64, channels, 7, 2));
  nodes.push(onnxNode('MaxPool', [x], ['pool'], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }, 'pool'));
  [x, channels] = ['pool', 64];
  for (const [stage, [blocks, inner, stride]] of STAGES.entries()) {
    for (let block = 0; block < blocks; block++) {
      const name = `stage${stage + 1}.${block}`;
      const step = block === 0 ? stride : 1;
      const outputs = EXPANSION * inner;
      const reduced = relu(conv(x, `${name}.reduce`, inner, channels, 1, 1));
      const seen = relu(conv(reduced, `${name}.see`, inner, inner, 3, step));
      // A small last step keeps the sum of sixteen blocks from growing.
      const expanded = conv(seen, `${name}.expand`, outputs, inner, 1, 1, 0.2);
      const shortcut = block === 0 ? conv(x, `${name}.shortcut`, outputs, channels, 1, step, 1) : x;
      nodes.push(onnxNode('Add', [expanded, shortcut], [`${name}.sum`], {}, `${name}.sum`));
      [x, channels] = [relu(`${name}.sum`), outputs];
    }
  }
  nodes.push(onnxNode('GlobalAveragePool', [x], ['mean'], {}, 'mean'));
  nodes.push(onnxNode('Flatten', ['mean'], ['flat'], { axis: 1 }, 'flat'));
  const head = [weights('head.weight', [1000, channels], 1), tensor('head.bias', [1000], new Float32Array(1000))];
  nodes.push(onnxNode('Gemm', ['flat', ...head], ['y'], { transB: 1 }, 'head'));
  const info = (name: string, dims: readonly number[]) => ({
    name,
    type: { tensorType: { elemType: DataType.float, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
  });
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'large',
      node: nodes,
      initializer: initializers,
      input: [info('x', [1, 3, side, side])],
      output: [info('y', [1, 1000])],
    },
  });
}
