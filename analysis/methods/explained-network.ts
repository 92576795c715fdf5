// A network as the comparison methods see it: the study's own, or another one in its place (weights drawn anew, a second
// model), so that one and the same code makes the pictures that are compared.
import type { Backend, Tensor } from '../kernels/kernels.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { compileMap, type CompiledMap, type LocatedMap } from '../network/affine-map.ts';
import { compileForward, type Forward } from '../network/forward.ts';
import { layersOf, type Layer } from '../network/layers.ts';
import { nodeOf, type Network, type NodeId } from '../network/network.ts';
import type { Scope, Study } from '../study.ts';

export interface ExplainedNetwork {
  readonly network: Network;
  readonly layers: readonly Layer[];
  readonly backend: Backend;
  valuesAt(nodes: readonly NodeId[], inputs: Tensor): Promise<Tensor[]>;
  mapAt(inputs: Tensor, scope: Scope): Promise<LocatedMap>;
  /** How many inputs share one pass, at most `wanted`. */
  blockSize(wanted: number): number;
  /** Keeps what was compiled for this network until it is disposed of. */
  keep<T extends { dispose(): void }>(key: string, make: () => Promise<T>): Promise<T>;
  dispose(): void;
}

function keeper(): Pick<ExplainedNetwork, 'keep' | 'dispose'> {
  const kept = new Map<string, Promise<{ dispose(): void }>>();
  return {
    keep<T extends { dispose(): void }>(key: string, make: () => Promise<T>): Promise<T> {
      let made = kept.get(key);
      if (!made) kept.set(key, (made = make()));
      return made as Promise<T>;
    },
    dispose() {
      for (const made of kept.values())
        void made.then(
          (one) => one.dispose(),
          () => {},
        );
      kept.clear();
    },
  };
}

/** The study's own network; what the study compiled is used again. */
export function explainedBy(study: Study): ExplainedNetwork {
  const { network, layers, backend, valuesAt, mapAt, blockSize } = study;
  return { network, layers, backend, valuesAt, mapAt, blockSize, ...keeper() };
}

/** Another network with the same input and output shapes; inputs of the same name are fed what the study's are, others zeros. */
export function explained(
  network: Network,
  { backend, blockSize, fed: given }: Pick<Study, 'backend' | 'blockSize' | 'fed'>,
): ExplainedNetwork {
  const layers = layersOf(network);
  const kept = keeper();
  const fed = Object.fromEntries(
    network.otherInputs.map((id) => {
      const { shape } = nodeOf(network, id);
      const same = Object.hasOwn(given, id) ? given[id] : undefined;
      if (same?.data.length === sizeOf(shape)) return [id, { data: same.data, shape: [1, ...shape] }];
      return [id, { data: new Float32Array(sizeOf(shape)), shape: [1, ...shape] }];
    }),
  );
  return {
    network,
    layers,
    backend,
    blockSize,
    ...kept,
    valuesAt: async (nodes, inputs) =>
      (await kept.keep<Forward>(`values ${nodes.join('\n')}`, () => compileForward(network, backend, nodes))).run(
        inputs,
        fed,
      ),
    async mapAt(inputs, { from = network.input, to = network.output, mode }) {
      const map = await kept.keep<CompiledMap>(`map ${from}\n${to}\n${mode}`, () =>
        compileMap(network, layers, backend, { from, to, mode }, () => blockSize(64)),
      );
      return map.locate(inputs, fed);
    },
  };
}

/** Explained outputs of many inputs given one at a time, in blocks: n × outputs. */
export async function outputsAt(
  explained: ExplainedNetwork,
  count: number,
  inputShape: readonly number[],
  write: (index: number, target: Float32Array) => void,
): Promise<Float32Array> {
  const size = sizeOf(inputShape);
  const step = explained.blockSize(64);
  const outputs = sizeOf(nodeOf(explained.network, explained.network.output).shape);
  const results = new Float32Array(count * outputs);
  for (let start = 0; start < count; start += step) {
    const rows = Math.min(step, count - start);
    const data = new Float32Array(rows * size);
    for (let i = 0; i < rows; i++) write(start + i, data.subarray(i * size, (i + 1) * size));
    const [block] = await explained.valuesAt([explained.network.output], { data, shape: [rows, ...inputShape] });
    results.set(block!.data, start * outputs);
  }
  return results;
}
