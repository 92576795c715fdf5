// Discrete Fourier transforms of pictures whose sides are powers of two, and the decorrelated parametrisation of natural pictures
// (Olah, Mordvintsev and Schubert 2017): a picture as the real part of a spectrum whose coefficients are scaled by 1/frequency.

/** The transform Σ z e^{−2πi f·x} of complex height × width pictures, in place; sides are powers of two. */
export function fourierTransform(height: number, width: number): (re: Float64Array, im: Float64Array) => void {
  const [down, across] = [alongColumns(height, width), alongColumns(width, height)];
  const [turnedRe, turnedIm] = [new Float64Array(height * width), new Float64Array(height * width)];
  return (re, im) => {
    down(re, im);
    turn(re, turnedRe, height, width);
    turn(im, turnedIm, height, width);
    across(turnedRe, turnedIm);
    turn(turnedRe, re, width, height);
    turn(turnedIm, im, width, height);
  };
}

/** The matrix height × width as width × height. */
function turn(from: Float64Array, to: Float64Array, height: number, width: number): void {
  for (let y = 0, i = 0; y < height; y++) for (let x = 0, j = y; x < width; x++, i++, j += height) to[j] = from[i]!;
}

/**
 * The transforms of all columns of n × width complex numbers, in place (Cooley and Tukey 1965, radix 4 after a first radix 2
 * where n is no power of 4): whole rows are added, so that memory is read in order.
 */
function alongColumns(n: number, width: number): (re: Float64Array, im: Float64Array) => void {
  const bits = Math.log2(n);
  if (!Number.isInteger(bits)) throw new Error(`Fourier transform: ${n} is no power of two`);
  const swaps: [number, number][] = [];
  for (let i = 0; i < n; i++) {
    let reversed = 0;
    for (let bit = 0; bit < bits; bit++) reversed |= ((i >> bit) & 1) << (bits - 1 - bit);
    if (i < reversed) swaps.push([i * width, reversed * width]);
  }
  const cosines = Float64Array.from({ length: n }, (_, i) => Math.cos((2 * Math.PI * i) / n));
  const sines = Float64Array.from({ length: n }, (_, i) => -Math.sin((2 * Math.PI * i) / n));
  return (re, im) => {
    for (const [a, b] of swaps) {
      for (let x = 0; x < width; x++) {
        const [keptRe, keptIm] = [re[a + x]!, im[a + x]!];
        re[a + x] = re[b + x]!;
        im[a + x] = im[b + x]!;
        re[b + x] = keptRe;
        im[b + x] = keptIm;
      }
    }
    if (bits % 2 === 1) {
      for (let first = 0; first < n; first += 2) twoRows(re, im, first * width, width);
    }
    for (let quarter = bits % 2 === 1 ? 2 : 1; quarter < n; quarter *= 4) {
      const step = n / (4 * quarter);
      for (let k = 0; k < quarter; k++) {
        const [c1, s1] = [cosines[k * step]!, sines[k * step]!];
        const [c2, s2] = [cosines[2 * k * step]!, sines[2 * k * step]!];
        const [c3, s3] = [cosines[3 * k * step]!, sines[3 * k * step]!];
        for (let first = k; first < n; first += 4 * quarter) {
          let a = first * width;
          let [b, c, d] = [a + quarter * width, a + 2 * quarter * width, a + 3 * quarter * width];
          for (const end = a + width; a < end; a++, b++, c++, d++) {
            const bRe = re[b]! * c2 - im[b]! * s2;
            const bIm = re[b]! * s2 + im[b]! * c2;
            const cRe = re[c]! * c1 - im[c]! * s1;
            const cIm = re[c]! * s1 + im[c]! * c1;
            const dRe = re[d]! * c3 - im[d]! * s3;
            const dIm = re[d]! * s3 + im[d]! * c3;
            const sumRe = re[a]! + bRe;
            const sumIm = im[a]! + bIm;
            const gapRe = re[a]! - bRe;
            const gapIm = im[a]! - bIm;
            const evenRe = cRe + dRe;
            const evenIm = cIm + dIm;
            const oddRe = cRe - dRe;
            const oddIm = cIm - dIm;
            re[a] = sumRe + evenRe;
            im[a] = sumIm + evenIm;
            re[b] = gapRe + oddIm;
            im[b] = gapIm - oddRe;
            re[c] = sumRe - evenRe;
            im[c] = sumIm - evenIm;
            re[d] = gapRe - oddIm;
            im[d] = gapIm + oddRe;
          }
        }
      }
    }
  };
}

/** Sum and difference of two rows, in their places. */
function twoRows(re: Float64Array, im: Float64Array, start: number, width: number): void {
  for (let a = start, b = start + width; a < start + width; a++, b++) {
    const [bRe, bIm] = [re[b]!, im[b]!];
    re[b] = re[a]! - bRe;
    im[b] = im[a]! - bIm;
    re[a]! += bRe;
    im[a]! += bIm;
  }
}

/** A linear map from parameters of pictures to their pixels, and its adjoint; several pictures at once. */
export interface Parametrisation {
  /** Of one picture. */
  readonly parameters: number;
  toPixels(parameters: readonly Float64Array[]): Float64Array[];
  /** From gradients in the pixels to those in the parameters. */
  toParameters(gradients: readonly Float64Array[]): Float64Array[];
}

/**
 * Height × width pixels from a spectrum a + ib: Re Σ_f s_f (a_f + i b_f) e^{−2πi f·x} / √(hw), s_f = 1/max(|f|, 1/max(h, w)),
 * scaled so that every scale of detail costs equally much to change. Two pictures share a transform, one as its real and one
 * as its imaginary part.
 */
export function decorrelated(height: number, width: number): Parametrisation {
  const size = height * width;
  const transform = fourierTransform(height, width);
  const cycles = (i: number, n: number): number => Math.min(i, n - i) / n;
  const scale = Float64Array.from({ length: size }, (_, i) => {
    const frequency = Math.hypot(cycles(Math.floor(i / width), height), cycles(i % width, width));
    return 1 / Math.max(frequency, 1 / Math.max(height, width)) / 4 / Math.sqrt(size);
  });
  /** Where −f is. */
  const opposite = Int32Array.from({ length: size }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    return ((height - y) % height) * width + ((width - x) % width);
  });
  return {
    parameters: 2 * size,
    toPixels: (pictures) =>
      inPairs(pictures, (first, second) => {
        // The real part of a spectrum's transform is the transform of the spectrum's Hermitian part.
        const [re, im] = [new Float64Array(size), new Float64Array(size)];
        for (let i = 0; i < size; i++) {
          const [j, half] = [opposite[i]!, scale[i]! / 2];
          re[i] = half * (first[i]! + first[j]!);
          im[i] = half * (first[size + i]! - first[size + j]!);
          if (second === undefined) continue;
          re[i]! -= half * (second[size + i]! - second[size + j]!);
          im[i]! += half * (second[i]! + second[j]!);
        }
        transform(re, im);
        return [re, im];
      }),
    toParameters: (gradients) =>
      inPairs(gradients, (first, second) => {
        // ∂/∂a_f = s Σ g cos, ∂/∂b_f = s Σ g sin: real part and negated imaginary part of the gradient's transform.
        const [re, im] = [first.slice(), second?.slice() ?? new Float64Array(size)];
        transform(re, im);
        const results = [new Float64Array(2 * size), new Float64Array(2 * size)] as const;
        for (let i = 0; i < size; i++) {
          const [j, half] = [opposite[i]!, scale[i]! / 2];
          results[0][i] = half * (re[i]! + re[j]!);
          results[0][size + i] = half * (im[j]! - im[i]!);
          results[1][i] = half * (im[i]! + im[j]!);
          results[1][size + i] = half * (re[i]! - re[j]!);
        }
        return results;
      }),
  };
}

/** Two at a time; the last one of an odd number alone. */
function inPairs(
  all: readonly Float64Array[],
  compute: (first: Float64Array, second: Float64Array | undefined) => readonly [Float64Array, Float64Array],
): Float64Array[] {
  const results: Float64Array[] = [];
  for (let i = 0; i < all.length; i += 2) results.push(...compute(all[i]!, all[i + 1]).slice(0, all.length - i));
  return results;
}

/** Pixels as their own parameters. */
export function plain(size: number): Parametrisation {
  return { parameters: size, toPixels: (parameters) => [...parameters], toParameters: (gradients) => [...gradients] };
}
