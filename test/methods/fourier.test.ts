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
    [16, 4],
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
  const [height, width] = [8, 4];
  const size = height * width;
  const { parameters, toPixels, toParameters } = decorrelated(height, width);
  const draw = random(2, 'pictures');
  const pictures = Array.from({ length: 3 }, () => Float64Array.from(draw.normals(parameters)));

  it('is the real part of the scaled spectrum’s transform, for every picture of an odd number', () => {
    const pixels = toPixels(pictures);
    expect(pixels).toHaveLength(3);
    const cycles = (i: number, n: number): number => Math.min(i, n - i) / n;
    for (const [picture, spectrum] of pictures.entries()) {
      for (let p = 0; p < size; p++) {
        let sum = 0;
        for (let f = 0; f < size; f++) {
          const [fy, fx] = [Math.floor(f / width), f % width];
          const scale = 1 / Math.max(Math.hypot(cycles(fy, height), cycles(fx, width)), 1 / height) / 4;
          const phase = -2 * Math.PI * ((fy * Math.floor(p / width)) / height + (fx * (p % width)) / width);
          sum += (scale * (spectrum[f]! * Math.cos(phase) - spectrum[size + f]! * Math.sin(phase))) / Math.sqrt(size);
        }
        expect(pixels[picture]![p]).toBeCloseTo(sum, 12);
      }
    }
  });

  it('carries gradients back by the adjoint of what carries parameters to pixels', () => {
    const gradients = pictures.map(() => Float64Array.from(draw.normals(size)));
    const [pixels, back] = [toPixels(pictures), toParameters(gradients)];
    expect(back).toHaveLength(3);
    for (let i = 0; i < 3; i++) expect(dot(pixels[i]!, gradients[i]!)).toBeCloseTo(dot(pictures[i]!, back[i]!), 12);
  });

  it('makes coarse waves of large amplitude and fine ones of small amplitude from equal parameters', () => {
    const amplitude = (frequency: number): number => {
      const z = new Float64Array(parameters);
      z[frequency] = 1;
      return Math.max(...toPixels([z])[0]!);
    };
    // Rows of eight: frequency 4 rows down is the finest.
    expect(amplitude(4)).toBeCloseTo(4 * amplitude(4 * 4), 10);
  });
});
