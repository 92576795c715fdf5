// The Fourier transform against its sum, and the two ways of the decorrelated parametrisation against each other.
import { describe, expect, it } from 'vitest';
import { decorrelated, fourierTransform } from '../../analysis/methods/fourier.ts';
import { random } from '../../analysis/random.ts';

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, x, i) => sum + x * b[i]!, 0);

describe('the Fourier transform', () => {
  it.each([
    [1, 8],
    [4, 8],
    [8, 2],
  ])('of %i × %i pictures is the sum that defines it', (height, width) => {
    const draw = random(1, 'fourier');
    const [re, im] = [Float64Array.from(draw.normals(height * width)), Float64Array.from(draw.normals(height * width))];
    const [gotRe, gotIm] = [re.slice(), im.slice()];
    fourierTransform(height, width)(gotRe, gotIm);
    for (let f = 0; f < height * width; f++) {
      let [sumRe, sumIm] = [0, 0];
      for (let p = 0; p < height * width; p++) {
        const phase =
          -2 *
          Math.PI *
          ((Math.floor(f / width) * Math.floor(p / width)) / height + ((f % width) * (p % width)) / width);
        sumRe += re[p]! * Math.cos(phase) - im[p]! * Math.sin(phase);
        sumIm += re[p]! * Math.sin(phase) + im[p]! * Math.cos(phase);
      }
      expect(gotRe[f]).toBeCloseTo(sumRe, 12);
      expect(gotIm[f]).toBeCloseTo(sumIm, 12);
    }
  });

  it('refuses sides that are no powers of two', () => {
    expect(() => fourierTransform(4, 6)).toThrow('6 is no power of two');
  });
});

describe('the decorrelated parametrisation', () => {
  const { parameters, toPixels, toParameters } = decorrelated(8, 4);
  it('carries gradients back by the adjoint of what carries parameters to pixels', () => {
    const draw = random(2, 'adjoint');
    const [z, g] = [Float64Array.from(draw.normals(parameters)), Float64Array.from(draw.normals(32))];
    expect(dot(toPixels(z.slice()), g)).toBeCloseTo(dot(z, toParameters(g)), 12);
  });

  it('makes coarse waves of large amplitude and fine ones of small amplitude from equal parameters', () => {
    const amplitude = (frequency: number): number => {
      const z = new Float64Array(parameters);
      z[frequency] = 1;
      return Math.max(...toPixels(z));
    };
    // Rows of eight: frequency 4 rows down is the finest.
    expect(amplitude(4)).toBeCloseTo(4 * amplitude(4 * 4), 10);
  });
});
