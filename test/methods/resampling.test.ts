// Moving pictures: what stays, what moves where, and the adjoint.
import { describe, expect, it } from 'vitest';
import { randomMotion, resampling, still } from '../../analysis/methods/resampling.ts';
import { random } from '../../analysis/random.ts';

const extent = { height: 4, width: 5 };
const picture = Float64Array.from({ length: 20 }, (_, i) => i + 1);

describe('resampling', () => {
  it('without motion changes nothing', () => {
    expect([...resampling(extent, extent, still).apply(picture)]).toEqual([...picture]);
  });

  it('shifts by whole pixels, and shows the padding where nothing comes in', () => {
    const moved = resampling(extent, extent, { ...still, shift: [1, 0] });
    expect([...moved.apply(picture)]).toEqual([0, 0, 0, 0, 0, ...picture.slice(0, 15)]);
    expect([...moved.coverage.slice(0, 6)]).toEqual([0, 0, 0, 0, 0, 1]);
  });

  it('turns a square picture by a quarter, clockwise', () => {
    const square = { height: 2, width: 2 };
    const turned = resampling(square, square, { ...still, angle: Math.PI / 2 }).apply(Float64Array.of(1, 2, 3, 4));
    expect([...turned].map((x) => Math.round(x * 1e9) / 1e9)).toEqual([3, 1, 4, 2]);
  });

  it('stretches a picture to a larger one', () => {
    const larger = resampling({ height: 1, width: 2 }, { height: 1, width: 4 }, still);
    const stretched = larger.apply(Float64Array.of(0, 1));
    expect([...stretched].slice(1, 3)).toEqual([0.25, 0.75]);
  });

  it('has an adjoint, whatever the motion', () => {
    const draw = random(5, 'motion');
    const target = { height: 7, width: 6 };
    for (let trial = 0; trial < 10; trial++) {
      const { apply, transpose } = resampling(extent, target, randomMotion(draw, target));
      const [x, y] = [Float64Array.from(draw.normals(20)), Float64Array.from(draw.normals(42))];
      const forward = apply(x).reduce((sum, value, i) => sum + value * y[i]!, 0);
      const backward = transpose(y).reduce((sum, value, i) => sum + value * x[i]!, 0);
      expect(forward).toBeCloseTo(backward, 12);
    }
  });
});
