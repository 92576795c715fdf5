// Moving pictures a little, as one linear map with its adjoint: shift, scale and rotation by bilinear interpolation. What a
// synthesised input must survive, so that it is no adversarial pattern.
import type { Random } from '../random.ts';

/** Where each pixel of the result comes from: four places of the source with their weights; weight 0 outside of it. */
interface Resampling {
  /** One channel, source size, to one channel, target size. */
  apply(source: Float64Array): Float64Array;
  /** The adjoint: target size to source size. */
  transpose(target: Float64Array): Float64Array;
  /** Σ of the weights of each target pixel: 1 inside, 0 where the padding shows. */
  readonly coverage: Float64Array;
}

export interface Extent {
  readonly height: number;
  readonly width: number;
}

export interface Motion {
  /** In target pixels. */
  readonly shift: readonly [y: number, x: number];
  readonly scale: number;
  /** Radians. */
  readonly angle: number;
}

/** The source stretched to the target's size, then scaled and rotated about its middle and shifted. */
export function resampling(source: Extent, target: Extent, { shift, scale, angle }: Motion): Resampling {
  const count = target.height * target.width;
  const places = new Int32Array(4 * count);
  const weights = new Float64Array(4 * count);
  const coverage = new Float64Array(count);
  const [cos, sin] = [Math.cos(angle) / scale, Math.sin(angle) / scale];
  const stretch = [source.height / target.height, source.width / target.width] as const;
  for (let i = 0; i < count; i++) {
    const y = Math.floor(i / target.width) + 0.5 - target.height / 2 - shift[0];
    const x = (i % target.width) + 0.5 - target.width / 2 - shift[1];
    const sourceY = (cos * y - sin * x) * stretch[0] + source.height / 2 - 0.5;
    const sourceX = (sin * y + cos * x) * stretch[1] + source.width / 2 - 0.5;
    const [top, left] = [Math.floor(sourceY), Math.floor(sourceX)];
    for (let corner = 0; corner < 4; corner++) {
      const [row, column] = [top + (corner >> 1), left + (corner & 1)];
      if (row < 0 || column < 0 || row >= source.height || column >= source.width) continue;
      const weight = (1 - Math.abs(sourceY - row)) * (1 - Math.abs(sourceX - column));
      places[4 * i + corner] = row * source.width + column;
      weights[4 * i + corner] = weight;
      coverage[i]! += weight;
    }
  }
  return {
    coverage,
    apply(values) {
      const result = new Float64Array(count);
      for (let i = 0, j = 0; i < count; i++)
        for (let corner = 0; corner < 4; corner++, j++) result[i]! += weights[j]! * values[places[j]!]!;
      return result;
    },
    transpose(values) {
      const result = new Float64Array(source.height * source.width);
      for (let i = 0, j = 0; i < count; i++)
        for (let corner = 0; corner < 4; corner++, j++) result[places[j]!]! += weights[j]! * values[i]!;
      return result;
    },
  };
}

/**
 * A random motion: shift up to an eighth of the shorter side (the padding shows then), scale 0.9 to 1.1, angle up to 10
 * degrees, and a last jitter of up to an eighth of that shift.
 */
export function randomMotion(random: Random, { height, width }: Extent): Motion {
  const reach = Math.min(height, width) / 8;
  const within = (most: number): number => (2 * random.uniform() - 1) * most;
  return {
    shift: [within(reach / 2) + within(reach / 4), within(reach / 2) + within(reach / 4)],
    scale: 1 + within(0.1),
    angle: (within(10) * Math.PI) / 180,
  };
}

/** No motion. */
export const still: Motion = { shift: [0, 0], scale: 1, angle: 0 };
