import { describe, expect, it } from 'vitest';
import { power, type PowerAttributes } from '../../analysis/ops/power.ts';
import { backends, evaluate, expectClose, nodeOf, normalTensor, opLaws, tensor } from './op-laws.ts';

const positive = normalTensor([1, 2, 3], 'x', { scale: 0.2, shift: 1.5 });

opLaws<PowerAttributes>(power, [
  { name: 'a square', attributes: { exponent: 2 }, inputs: [normalTensor([1, 2, 3], 'x')] },
  { name: 'a cube', attributes: { exponent: 3 }, inputs: [normalTensor([2, 3], 'x')] },
  { name: 'an inverse root', attributes: { exponent: -0.5 }, inputs: [positive] },
  { name: 'x itself', attributes: { exponent: 1 }, inputs: [normalTensor([2, 3], 'x')] },
  { name: 'x⁰', attributes: { exponent: 0 }, inputs: [positive] },
  {
    name: 'exponents in a parameter',
    attributes: {},
    parameters: { exponent: tensor([0.5, 2, 0], [3]) },
    inputs: [positive],
  },
  {
    name: 'exponents in a second input',
    attributes: {},
    inputs: [positive, tensor([1.5, 3], [2, 1])],
    dependent: [[true, false]],
  },
]);

describe('power', () => {
  const at = async (exponent: number, x: number[], mode: 'taylor' | 'frozen') => {
    const test = { name: '', attributes: { exponent }, inputs: [tensor(x)] };
    const ones = tensor(
      x.map(() => 1),
      [1, x.length],
    );
    return Promise.all(backends.map((backend) => evaluate(backend, power, test, mode, { dx: [ones], dy: ones })));
  };

  it('has derivative p x^(p−1) and ratio x^(p−1), for negative x too', async () => {
    for (const { output, applied, offset } of await at(3, [-2, 0, 0.5], 'taylor')) {
      expectClose(output.data, Float32Array.of(-8, 0, 0.125), 1e-6);
      expectClose(applied.data, Float32Array.of(12, 0, 0.75), 1e-6);
      expectClose(offset.data, Float32Array.of(16, 0, -0.25), 1e-6);
    }
    for (const { applied, offset } of await at(3, [-2, 0, 0.5], 'frozen')) {
      expectClose(applied.data, Float32Array.of(4, 0, 0.25), 1e-6);
      expect([...offset.data]).toEqual([0, 0, 0]);
    }
  });

  it('lets nothing pass at 0 where its slope is infinite', async () => {
    for (const mode of ['taylor', 'frozen'] as const) {
      for (const { applied, offset } of await at(0.5, [0], mode))
        expect([applied.data[0], offset.data[0]]).toEqual([0, 0]);
    }
  });

  it('refuses an exponent that depends on the input, and none', async () => {
    const test = { name: '', attributes: {}, inputs: [positive, positive] };
    const block = { ...positive, shape: [1, ...positive.shape] };
    await expect(
      (async () => evaluate(backends[0]!, power, test, 'taylor', { dx: [block, block], dy: block }))(),
    ).rejects.toThrow(/exponent depends on the input/);
    expect(() => nodeOf(power, { name: '', attributes: {}, inputs: [positive] })).toThrow(/no exponent/);
  });
});
