// The settings of an ONNX node as plain values.
import { AttributeType, type AttributeProto, type TensorProto } from '../kernels/onnx-protobuf.ts';
import { constantOf, type Constant } from '../network/constant-folding.ts';

/** Values by name, without a prototype, so that no name means anything else. */
export type Attributes = Record<string, unknown>;

const text = new TextDecoder();

/** The attributes of a node as plain numbers, words, lists and constants, by name. */
export function attributesOf(
  attributes: readonly AttributeProto[],
  read: (tensor: TensorProto) => Constant,
): Attributes {
  const result = Object.create(null) as Attributes;
  for (const attribute of attributes) {
    const { name, type } = attribute;
    const has = (field: keyof AttributeProto): boolean => Object.hasOwn(attribute, field);
    // Very old files leave the type out.
    if (type === AttributeType.float || (type === 0 && has('f'))) result[name] = attribute.f;
    else if (type === AttributeType.int || (type === 0 && has('i'))) result[name] = attribute.i;
    else if (type === AttributeType.string || (type === 0 && has('s')))
      result[name] = text.decode(Uint8Array.from(attribute.s));
    else if (attribute.t) result[name] = read(attribute.t);
    else if (type === AttributeType.strings)
      result[name] = attribute.strings.map((word) => text.decode(Uint8Array.from(word)));
    else if (type === AttributeType.floats || (type === 0 && attribute.floats.length > 0))
      result[name] = [...attribute.floats];
    else if (type === AttributeType.ints || type === 0) result[name] = [...attribute.ints];
  }
  return result;
}

/** The value of a `Constant` node, in any of its spellings; undefined where it is sparse or made of words. */
export function constantAttribute(attributes: Attributes): Constant | undefined {
  const { value, value_float: float, value_floats: floats, value_int: int, value_ints: ints } = attributes;
  if (value) return value as Constant;
  if (typeof float === 'number') return constantOf('float', [], [float]);
  if (typeof int === 'number') return constantOf('integer', [], [int]);
  if (Array.isArray(floats)) return constantOf('float', [floats.length], floats as number[]);
  if (Array.isArray(ints)) return constantOf('integer', [ints.length], ints as number[]);
  return undefined;
}
