// Where a Keras layer's weights lie: HDF5 files of Keras 2 and TensorFlow.js manifests name them, the files of Keras 3 number them.
import type { Tensor } from '../kernels/kernels.ts';

/** One step of the way to a layer through nested models. */
export interface LayerPlace {
  readonly name: string;
  /** As Keras 3 calls it within its model: from the class, numbered. */
  readonly container: string;
  /** True where the layer before it is a wrapper, whose name may stand for both. */
  readonly wrapped?: boolean;
}

export interface StoredWeight {
  /** Its path in the file: `conv1/kernel:0`. */
  readonly path: string;
  /** The top-level layer that it is filed under, where the file says so. */
  readonly group?: string | undefined;
  read(): Tensor;
}

export interface FoundWeight {
  readonly tensor: Tensor;
  /** For naming: `conv1/kernel`. */
  readonly name: string;
}

export interface KerasWeights {
  /**
   * The weight of the layer at `path`, by its Keras name and its number within `part` of the layer (the cell of an LSTM);
   * undefined where the file lacks it.
   */
  find(path: readonly LayerPlace[], name: string, index: number, part?: string): FoundWeight | undefined;
}

const withoutNumber = (token: string): string => token.replace(/:\d+$/, '');
/** `kernel_1` counts as `kernel` where nothing is called just so. */
const withoutCount = (token: string): string => withoutNumber(token).replace(/_\d+$/, '');

/** Weights under names: all tokens but the last lead to the layer. */
export function namedWeights(stored: readonly StoredWeight[]): KerasWeights {
  const byPath = new Map<string, StoredWeight>();
  const byGroup = new Map<string, StoredWeight[]>();
  const byToken = new Map<string, StoredWeight[]>();
  const file = (map: Map<string, StoredWeight[]>, key: string, weight: StoredWeight): void => {
    const list = map.get(key);
    if (list) list.push(weight);
    else map.set(key, [weight]);
  };
  for (const weight of stored) {
    byPath.set(withoutNumber(weight.path), weight);
    if (weight.group !== undefined) file(byGroup, weight.group, weight);
    for (const token of new Set(weight.path.split('/').slice(0, -1))) file(byToken, token, weight);
  }
  return {
    find(path, name, _index, part) {
      const layer = path.at(-1)!.name;
      const parts = part === undefined ? [] : part.split('/');
      const found = (weight: StoredWeight | undefined): FoundWeight | undefined =>
        weight && { tensor: weight.read(), name: [...path.map((place) => place.name), ...parts, name].join('/') };
      const top = path[0]!.name;
      const inGroup = byGroup.get(top);
      if (!inGroup) {
        const full = [...path.map((place) => place.name), ...parts, name].join('/');
        const short = [layer, ...parts, name].join('/');
        const exact = byPath.get(full) ?? byPath.get(short);
        if (exact) return found(exact);
      }
      // The layer, and the wrappers around it.
      const first = path.findLastIndex(({ wrapped }) => wrapped !== true);
      const owners = path.slice(first).map((place) => place.name);
      const filed = inGroup ?? owners.toReversed().flatMap((owner) => byToken.get(owner) ?? []);
      const candidates = [...new Set(filed)].filter(({ path: at }) => withoutCount(at.split('/').at(-1)!) === name);
      const within = candidates.filter(({ path: at }) => owners.some((owner) => tokenIn(at, owner)));
      const loose = first === 0 ? candidates : [];
      const ofPart = (list: readonly StoredWeight[]): StoredWeight[] =>
        list.filter(({ path: at }) => parts.every((token) => tokenIn(at, token)));
      const ofLayer = within.filter(({ path: at }) => tokenIn(at, layer));
      for (const list of [ofPart(ofLayer), ofLayer, ofPart(within), within, ofPart(loose), loose]) {
        const exact = list.filter(({ path: at }) => withoutNumber(at.split('/').at(-1)!) === name);
        const best = exact.length > 0 ? exact : list;
        if (best.length === 1) return found(best[0]);
      }
      return undefined;
    },
  };
}

const tokenIn = (path: string, token: string): boolean => path.split('/').includes(token);

/**
 * Weights numbered in groups: `layers/dense_1/vars/0`. Groups are called after classes in some versions and after layers in
 * others; where a group says its layer's name, it must be this one.
 */
export function numberedWeights(
  stored: ReadonlyMap<string, StoredWeight>,
  names: Readonly<Record<string, string>> = {},
): KerasWeights {
  return {
    find(path, name, index, part) {
      const parts = part === undefined ? [] : part.split('/');
      const layer = path.at(-1)!.name;
      // What a wrapper wraps lies in it by the name of its attribute, not in a list of layers.
      const ways = [path.map(({ container }) => container), path.map((place) => place.name)].flatMap((way) =>
        ['layers', '_layer_checkpoint_dependencies'].map((first) =>
          way.flatMap((step, i) => (path[i]!.wrapped ? [path[i]!.container] : [first, step])),
        ),
      );
      const claimed = (way: readonly string[]): string | undefined => {
        const key = [...way, 'vars'].join('/');
        return Object.hasOwn(names, key) ? names[key] : undefined;
      };
      const sure = ways.filter((way) => claimed(way) === layer);
      const way = [...sure, ...ways].find((at) => stored.has([...at, ...parts, 'vars', String(index)].join('/')));
      const weight = way && stored.get([...way, ...parts, 'vars', String(index)].join('/'));
      return weight && { tensor: weight.read(), name: [...path.map((place) => place.name), ...parts, name].join('/') };
    },
  };
}
