import { expect, test } from 'vitest';
import { decodeNpy, encodeNpy, npyHeader } from '../../analysis/figures/npy.ts';
import { npyBytes } from '../samples/arrays.ts';

test('what is written is read back, bit for bit', () => {
  const values = Float32Array.of(0, -1.5, Math.fround(0.1), 3e38, -0, 7);
  const { values: read, shape, type } = decodeNpy(encodeNpy(values, [2, 3]), 'a.npy');
  expect(shape).toEqual([2, 3]);
  expect(type).toBe('f4');
  expect(Float32Array.from(read)).toEqual(values);
});

test('numbers begin at a multiple of 64 bytes, as NumPy writes them', () => {
  for (const shape of [[6], [1, 6], [1, 2, 3], [6, 1, 1, 1, 1, 1, 1, 1]]) {
    expect(npyHeader(encodeNpy(new Float32Array(6), shape), 'a.npy').offset % 64).toBe(0);
  }
});

test('every numeric type of either byte order is read', () => {
  const numbers = [0, 1, 5, 100];
  for (const descr of [
    '|b1',
    '|u1',
    '|i1',
    '<u2',
    '>u2',
    '<i2',
    '>i2',
    '<u4',
    '<i4',
    '>i4',
    '<i8',
    '>i8',
    '<u8',
    '<f2',
    '>f2',
    '<f4',
    '>f4',
    '<f8',
    '>f8',
  ]) {
    const expected = descr === '|b1' ? [0, 1, 1, 1] : numbers;
    expect([...decodeNpy(npyBytes(descr, [4], expected), descr).values], descr).toEqual(expected);
  }
});

test('half floats keep their special values', () => {
  // 1, −2, the smallest subnormal, infinity.
  const bytes = npyBytes('<u2', [4], [0x3c00, 0xc000, 0x0001, 0x7c00]);
  const text = Buffer.from(bytes).toString('latin1').replace('<u2', '<f2');
  expect([...decodeNpy(Buffer.from(text, 'latin1'), 'h.npy').values]).toEqual([1, -2, 2 ** -24, Infinity]);
});

test('Fortran order becomes row-major', () => {
  const bytes = npyBytes('<f4', [2, 3], [1, 4, 2, 5, 3, 6], { fortran: true });
  expect([...decodeNpy(bytes, 'f.npy').values]).toEqual([1, 2, 3, 4, 5, 6]);
});

test('what cannot be read says why', () => {
  expect(() => decodeNpy(encodeNpy(new Float32Array(6), [6]).subarray(0, -4), 'short.npy')).toThrow(
    /short\.npy is cut short.*6 numbers, 5/,
  );
  expect(() => decodeNpy(new Uint8Array(40), 'zeros.npy')).toThrow(/zeros\.npy is not a readable \.npy/);
  const objects = Buffer.from(
    Buffer.from(npyBytes('<f4', [1], [1]))
      .toString('latin1')
      .replace("'<f4'", "'|O' "),
    'latin1',
  );
  expect(() => decodeNpy(objects, 'objects.npy')).toThrow(/holds values of type '\|O'/);
});
