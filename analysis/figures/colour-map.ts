// The diverging colour map of every heat map: blue for negative, near white for zero, orange for positive. Both arms have
// the same lightness and chroma in OKLab (Ottosson 2020) at the same distance from zero, so neither side looks larger,
// and blue against orange stays apart for every common kind of colour vision.

export type Rgb = readonly [red: number, green: number, blue: number];

/** Hues (degrees in OKLCH) of the two arms. */
const HUE = { negative: 255, positive: 52 };
/** Lightness at zero and at the ends; chroma at the ends. */
const LIGHT = 0.985;
const DARK = 0.46;
const CHROMA = 0.118;
/** Where there is no number. */
export const NO_VALUE: Rgb = [128, 128, 128];

/** OKLCH to sRGB bytes, clipped to the gamut. */
function fromOklch(lightness: number, chroma: number, hue: number): Rgb {
  const [a, b] = [chroma * Math.cos((hue * Math.PI) / 180), chroma * Math.sin((hue * Math.PI) / 180)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((value) => {
    const encoded = value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(1, Math.max(0, encoded)));
  }) as unknown as Rgb;
}

/** Steps an arm is tabulated in. */
const STEPS = 255;
const arm = (hue: number): readonly Rgb[] =>
  Array.from({ length: STEPS + 1 }, (_, i) => {
    const t = i / STEPS;
    // Chroma rises faster than lightness falls, so that small values already show which sign they have.
    return fromOklch(LIGHT + (DARK - LIGHT) * t, CHROMA * Math.sin((Math.PI / 2) * Math.min(1, 1.35 * t)), hue);
  });
const NEGATIVE = arm(HUE.negative);
const POSITIVE = arm(HUE.positive);

/** The colour of a value in [−1, 1]; values beyond are drawn as the ends, NaN as grey. */
export function colourOf(value: number): Rgb {
  if (Number.isNaN(value)) return NO_VALUE;
  const step = Math.min(STEPS, Math.round(Math.abs(value) * STEPS));
  return (value < 0 ? NEGATIVE : POSITIVE)[step]!;
}

export const hexOf = (rgb: Rgb): string => `#${rgb.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
