import { expect, test } from 'vitest';
import { colourOf, hexOf, NO_VALUE, type Rgb } from '../../analysis/figures/colour-map.ts';

const linear = (value: number): number =>
  value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;

/** CIE L*, a*, b* (D65) from the definition, so that the map is judged by another space than it is made in. */
function labOf(rgb: Rgb): [number, number, number] {
  const [r, g, b] = rgb.map(linear) as [number, number, number];
  const xyz = [
    (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047,
    0.2126729 * r + 0.7151522 * g + 0.072175 * b,
    (0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883,
  ];
  const [x, y, z] = xyz.map((t) => (t > (6 / 29) ** 3 ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29)) as [
    number,
    number,
    number,
  ];
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** How a dichromat sees a colour: Viénot, Brettel and Mollon (1999), on linear RGB, for protanopia and deuteranopia. */
function dichromat(rgb: Rgb, kind: 'protanopia' | 'deuteranopia'): Rgb {
  const [r, g, b] = rgb.map(linear) as [number, number, number];
  const [mix, blue] =
    kind === 'protanopia'
      ? [0.11238 * r + 0.88762 * g, 0.00401 * r - 0.00401 * g + b]
      : [0.29275 * r + 0.70725 * g, -0.02234 * r + 0.02234 * g + b];
  return [mix, mix, blue].map(
    (value) => 255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * Math.max(0, value) ** (1 / 2.4) - 0.055),
  ) as unknown as Rgb;
}

const distance = (a: Rgb, b: Rgb): number => Math.hypot(...labOf(a).map((value, i) => value - labOf(b)[i]!));
const steps = Array.from({ length: 21 }, (_, i) => i / 20);

test('zero is nearly white and neutral, NaN is grey, values beyond the ends are the ends', () => {
  const [lightness, a, b] = labOf(colourOf(0));
  expect(lightness).toBeGreaterThan(96);
  expect(Math.hypot(a, b)).toBeLessThan(2);
  expect(colourOf(NaN)).toEqual(NO_VALUE);
  expect(colourOf(-7)).toEqual(colourOf(-1));
  expect(hexOf([0, 15, 255])).toBe('#000fff');
});

test('lightness falls steadily to both ends, equally on both sides', () => {
  for (const [i, t] of steps.entries()) {
    const [negative, positive] = [labOf(colourOf(-t))[0], labOf(colourOf(t))[0]];
    expect(Math.abs(negative - positive), `at ${t}`).toBeLessThan(4);
    if (i > 0) expect(negative).toBeLessThan(labOf(colourOf(-steps[i - 1]!))[0]);
    if (i > 0) expect(positive).toBeLessThan(labOf(colourOf(steps[i - 1]!))[0]);
  }
});

test('the two signs stay apart for red-green colour-blind readers, from small values on', () => {
  for (const kind of ['protanopia', 'deuteranopia'] as const) {
    for (const t of steps.filter((step) => step >= 0.1)) {
      expect(distance(dichromat(colourOf(-t), kind), dichromat(colourOf(t), kind)), `${kind} at ${t}`).toBeGreaterThan(
        12,
      );
    }
  }
});
