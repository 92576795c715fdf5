// What exporters leave in an ONNX file beside the graph: class names, and how images were prepared.
import type { Shape } from '../kernels/kernels.ts';
import type { ModelProto } from '../kernels/onnx-protobuf.ts';
import type { Preprocessing } from '../network/network.ts';
import { assumedPreprocessing, layoutOf } from './graph.ts';

export function metadataOf(proto: ModelProto): ReadonlyMap<string, string> {
  return new Map(proto.metadataProps.map(({ key, value }) => [key, value]));
}

/** Class names that exporters leave in the metadata: a JSON list, or numbers and names as JSON or Python writes them. */
export function classNamesOf(metadata: ReadonlyMap<string, string>): readonly string[] | undefined {
  for (const key of ['names', 'class_names', 'classNames', 'classes', 'labels']) {
    const value = metadata.get(key)?.trim();
    if (value === undefined) continue;
    const pairs = [...value.matchAll(/(?:^\{|,)\s*["']?(\d+)["']?\s*:\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')/g)];
    const byNumber = pairs.map(([, index, double, single]) => [Number(index), double ?? single ?? ''] as const);
    if (value.startsWith('{') && byNumber.length > 0 && byNumber.every(([index], i) => index === i)) {
      return byNumber.map(([, name]) => name);
    }
    try {
      const list: unknown = JSON.parse(value);
      if (Array.isArray(list) && list.length > 0 && list.every((name) => typeof name === 'string')) return list;
    } catch {
      continue;
    }
  }
  return undefined;
}

/** ONNX's image metadata: the order of the channels and the range of the numbers. */
export function preprocessingOf(metadata: ReadonlyMap<string, string>, shape: Shape): Preprocessing | undefined {
  const format = metadata.get('Image.BitmapPixelFormat')?.toLowerCase() ?? '';
  const range = metadata.get('Image.NominalPixelRange') ?? '';
  const assumed = assumedPreprocessing(layoutOf(shape), shape);
  if ((format === '' && range === '') || layoutOf(shape).kind !== 'image') return undefined;
  const channelOrder = format.startsWith('bgr') ? 'bgr' : format.startsWith('gray') ? 'grey' : assumed.channelOrder;
  const whole = range === 'NominalRange_0_255';
  const both = range === 'Normalized_1_1';
  return {
    ...assumed,
    scale: whole ? 1 : 1 / 255,
    mean: assumed.mean.map(() => (both ? 0.5 : 0)),
    std: assumed.std.map(() => (both ? 0.5 : 1)),
    channelOrder,
    source: 'read from the file',
  };
}
