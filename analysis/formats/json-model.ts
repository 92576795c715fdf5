// A model.json of TensorFlow.js: which of its two kinds it is, and its weights, in shards beside it and perhaps quantised.
import { UserError } from '../errors.ts';
import { sizeOf } from '../kernels/kernels.ts';
import { constantOf, type Constant } from '../network/constant-folding.ts';
import { isRecord, shown, type Config } from './keras-settings.ts';
import { readBeside, type ModelFile } from './model-file.ts';

const parsed = new WeakMap<Uint8Array, { json: unknown }>();

/** The JSON that a model file holds, or undefined where it holds none. */
export function jsonOf({ bytes }: ModelFile): unknown {
  let known = parsed.get(bytes);
  if (!known) {
    known = { json: undefined };
    const first = bytes.subarray(0, 64).find((byte) => byte > 0x20 && byte < 0x80);
    if (first === 0x7b) {
      try {
        known.json = JSON.parse(new TextDecoder().decode(bytes));
      } catch {
        known.json = undefined;
      }
    }
    parsed.set(bytes, known);
  }
  return known.json;
}

/** The model's topology, where this is a model of TensorFlow.js. */
export function topologyOf(model: ModelFile): { json: Config; topology: Config } | undefined {
  const json = jsonOf(model);
  if (!isRecord(json) || !isRecord(json['modelTopology'])) return undefined;
  return { json, topology: json['modelTopology'] };
}

/** Bytes of one number as stored. */
const widths: Readonly<Record<string, number>> = { float32: 4, int32: 4, bool: 1, uint8: 1, uint16: 2, float16: 2 };

/** The named weights of a manifest, and the bytes that were read. */
export function readManifest(model: ModelFile, json: Config): { weights: Map<string, Constant>; bytes: Uint8Array[] } {
  const damaged = (why: string): UserError =>
    new UserError(`The weights of ${model.name} cannot be read: ${why}.`, { hint: 'Copy the whole folder again.' });
  const manifest = json['weightsManifest'];
  const weights = new Map<string, Constant>();
  const bytes: Uint8Array[] = [];
  if (manifest === undefined) return { weights, bytes };
  if (!Array.isArray(manifest)) throw damaged('its manifest is not a list');
  for (const group of manifest as unknown[]) {
    if (!isRecord(group) || !Array.isArray(group['paths']) || !Array.isArray(group['weights']))
      throw damaged('a group lacks paths or weights');
    const shards = group['paths'].map((path: unknown) => {
      if (typeof path !== 'string') throw damaged('a path is not a word');
      return readBeside(model, path);
    });
    bytes.push(...shards);
    const data = joined(shards);
    let offset = 0;
    for (const entry of group['weights'] as unknown[]) {
      if (!isRecord(entry) || typeof entry['name'] !== 'string') throw damaged('an entry has no name');
      const { name } = entry;
      const shape: unknown = entry['shape'];
      if (!Array.isArray(shape) || !shape.every((n): n is number => Number.isSafeInteger(n) && (n as number) >= 0)) {
        throw damaged(`"${name}" has the shape ${shown(shape)}`);
      }
      const quantization = isRecord(entry['quantization']) ? entry['quantization'] : undefined;
      const given = quantization?.['dtype'] ?? entry['dtype'];
      const stored = typeof given === 'string' ? given : shown(given);
      if (stored === 'string') {
        // Words are never arithmetic; each is stored after its length.
        for (let i = 0; i < sizeOf(shape); i++) {
          if (offset + 4 > data.length) throw damaged(`"${name}" is cut off`);
          offset += 4 + new DataView(data.buffer, data.byteOffset + offset, 4).getUint32(0, true);
        }
        continue;
      }
      const width = Object.hasOwn(widths, stored) ? widths[stored]! : undefined;
      if (width === undefined) throw damaged(`"${name}" is of type ${stored.slice(0, 40)}`);
      const end = offset + sizeOf(shape) * width;
      if (end > data.length) throw damaged(`"${name}" needs bytes ${offset} to ${end} of ${data.length}`);
      const type = entry['dtype'] === 'int32' ? 'integer' : entry['dtype'] === 'bool' ? 'boolean' : 'float';
      const numbers = numbersOf(data.slice(offset, end), stored, quantization, () =>
        damaged(`"${name}" has no usable scale`),
      );
      weights.set(name, constantOf(type, shape, numbers, name));
      offset = end;
    }
  }
  return { weights, bytes };
}

function joined(shards: readonly Uint8Array[]): Uint8Array {
  if (shards.length === 1) return shards[0]!;
  const data = new Uint8Array(shards.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const shard of shards) {
    data.set(shard, offset);
    offset += shard.length;
  }
  return data;
}

/** Numbers as stored; quantised ones are q · scale + min. */
function numbersOf(
  bytes: Uint8Array,
  stored: string,
  quantization: Config | undefined,
  wrong: () => UserError,
): ArrayLike<number> {
  const { buffer } = bytes;
  if (stored === 'float32') return new Float32Array(buffer);
  if (stored === 'int32') return new Int32Array(buffer);
  if (stored === 'float16') return halves(new Uint16Array(buffer));
  const raw = stored === 'uint16' ? new Uint16Array(buffer) : bytes;
  if (!quantization) return raw;
  const { scale, min } = quantization;
  if (typeof scale !== 'number' || typeof min !== 'number') throw wrong();
  return Float32Array.from(raw, (q) => q * scale + min);
}

/** Half-precision numbers (IEEE 754 binary16). */
function halves(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}
