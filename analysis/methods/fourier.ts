// Discrete Fourier transforms of pictures whose sides are powers of two, and the decorrelated parametrisation of natural pictures
// (Olah, Mordvintsev and Schubert 2017): a picture as the real part of a spectrum whose coefficients are scaled by 1/frequency.

/** The transform Σ z e^{−2πi f·x} of complex height × width pictures, in place; sides are powers of two. */
export function fourierTransform(height: number, width: number): (re: Float64Array, im: Float64Array) => void {
  const [alongRow, alongColumn] = [lineTransform(width), lineTransform(height)];
  return (re, im) => {
    for (let y = 0; y < height; y++) alongRow(re, im, y * width, 1);
    for (let x = 0; x < width; x++) alongColumn(re, im, x, width);
  };
}

/** The transform of `n` complex numbers from `start` in steps of `stride`, in place (Cooley and Tukey 1965, radix 2). */
function lineTransform(n: number): (re: Float64Array, im: Float64Array, start: number, stride: number) => void {
  const bits = Math.log2(n);
  if (!Number.isInteger(bits)) throw new Error(`Fourier transform: ${n} is no power of two`);
  const reversed = Int32Array.from({ length: n }, (_, i) => {
    let result = 0;
    for (let bit = 0; bit < bits; bit++) result |= ((i >> bit) & 1) << (bits - 1 - bit);
    return result;
  });
  const cosines = Float64Array.from({ length: n }, (_, i) => Math.cos((2 * Math.PI * i) / n));
  const sines = Float64Array.from({ length: n }, (_, i) => Math.sin((2 * Math.PI * i) / n));
  const [lineRe, lineIm] = [new Float64Array(n), new Float64Array(n)];
  return (re, im, start, stride) => {
    for (let i = 0; i < n; i++) {
      lineRe[i] = re[start + reversed[i]! * stride]!;
      lineIm[i] = im[start + reversed[i]! * stride]!;
    }
    for (let half = 1; half < n; half *= 2) {
      const step = n / (2 * half);
      for (let first = 0; first < n; first += 2 * half) {
        for (let k = 0; k < half; k++) {
          const [even, odd, wave] = [first + k, first + k + half, k * step];
          const x = lineRe[odd]! * cosines[wave]! + lineIm[odd]! * sines[wave]!;
          const y = lineIm[odd]! * cosines[wave]! - lineRe[odd]! * sines[wave]!;
          lineRe[odd] = lineRe[even]! - x;
          lineIm[odd] = lineIm[even]! - y;
          lineRe[even]! += x;
          lineIm[even]! += y;
        }
      }
    }
    for (let i = 0; i < n; i++) {
      re[start + i * stride] = lineRe[i]!;
      im[start + i * stride] = lineIm[i]!;
    }
  };
}

/** A linear map from parameters to a picture's pixels, and its adjoint. */
export interface Parametrisation {
  readonly parameters: number;
  toPixels(parameters: Float64Array): Float64Array;
  /** From the gradient in the pixels to that in the parameters. */
  toParameters(gradient: Float64Array): Float64Array;
}

/**
 * Height × width pixels from a spectrum a + ib: Re Σ_f s_f (a_f + i b_f) e^{−2πi f·x} / √(hw), s_f = 1/max(|f|, 1/max(h, w)),
 * scaled so that every scale of detail costs equally much to change.
 */
export function decorrelated(height: number, width: number): Parametrisation {
  const size = height * width;
  const transform = fourierTransform(height, width);
  const cycles = (i: number, n: number): number => Math.min(i, n - i) / n;
  const scale = Float64Array.from({ length: size }, (_, i) => {
    const frequency = Math.hypot(cycles(Math.floor(i / width), height), cycles(i % width, width));
    return 1 / Math.max(frequency, 1 / Math.max(height, width)) / 4 / Math.sqrt(size);
  });
  return {
    parameters: 2 * size,
    toPixels(parameters) {
      const [re, im] = [new Float64Array(size), new Float64Array(size)];
      for (let i = 0; i < size; i++) {
        re[i] = scale[i]! * parameters[i]!;
        im[i] = scale[i]! * parameters[size + i]!;
      }
      transform(re, im);
      return re;
    },
    toParameters(gradient) {
      // ∂/∂a_f = s Σ g cos, ∂/∂b_f = s Σ g sin: real part and negated imaginary part of the gradient's transform.
      const [re, im] = [gradient.slice(), new Float64Array(size)];
      transform(re, im);
      const result = new Float64Array(2 * size);
      for (let i = 0; i < size; i++) {
        result[i] = scale[i]! * re[i]!;
        result[size + i] = -scale[i]! * im[i]!;
      }
      return result;
    },
  };
}

/** Pixels as their own parameters. */
export function plain(size: number): Parametrisation {
  return { parameters: size, toPixels: (parameters) => parameters, toParameters: (gradient) => gradient };
}
