// The images of the embedded example: ten kinds of shape, drawn by signed distance with a random place, size, turn,
// stroke and noise, so that a small network errs now and then. Everything follows from the seed.
import { random, type Random } from '../random.ts';

export const GLYPH_SIZE = 28;
export const GLYPH_NAMES = [
  'disc',
  'ring',
  'square',
  'frame',
  'triangle',
  'plus',
  'bar',
  'crescent',
  'star',
  'chevron',
];

/** Signed distance to a shape of unit size about the origin: negative inside. */
type Distance = (x: number, y: number) => number;

const box = (x: number, y: number, halfWidth: number, halfHeight: number): number =>
  Math.max(Math.abs(x) - halfWidth, Math.abs(y) - halfHeight);

/** Half planes at equal angles: a regular polygon of inradius r. */
const polygon = (x: number, y: number, corners: number, r: number): number => {
  let distance = -Infinity;
  for (let i = 0; i < corners; i++) {
    const angle = (2 * Math.PI * i) / corners + Math.PI / 2;
    distance = Math.max(distance, x * Math.cos(angle) + y * Math.sin(angle) - r);
  }
  return distance;
};

/** Distance to a segment from a to b, less half a stroke. */
const stroke = (x: number, y: number, [ax, ay]: [number, number], [bx, by]: [number, number], half: number): number => {
  const [dx, dy] = [bx - ax, by - ay];
  const t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy) - half;
};

const star: Distance = (x, y) => {
  const radius = Math.hypot(x, y);
  const fifth = (2 * Math.PI) / 5;
  const angle = Math.abs(((((Math.atan2(x, -y) % fifth) + fifth * 1.5) % fifth) - fifth / 2) / (fifth / 2));
  return radius - (0.95 - 0.55 * angle);
};

const SHAPES: readonly Distance[] = [
  (x, y) => Math.hypot(x, y) - 0.75,
  (x, y) => Math.abs(Math.hypot(x, y) - 0.68) - 0.16,
  (x, y) => box(x, y, 0.66, 0.66),
  (x, y) => Math.abs(box(x, y, 0.62, 0.62)) - 0.15,
  (x, y) => polygon(x, y, 3, 0.46),
  (x, y) => Math.min(box(x, y, 0.82, 0.22), box(x, y, 0.22, 0.82)),
  (x, y) => box(x, y, 0.9, 0.24),
  (x, y) => Math.max(Math.hypot(x, y) - 0.8, 0.62 - Math.hypot(x - 0.42, y)),
  star,
  (x, y) => Math.min(stroke(x, y, [-0.5, -0.7], [0.35, 0], 0.19), stroke(x, y, [0.35, 0], [-0.5, 0.7], 0.19)),
];

/** One glyph of a class: 28 × 28 bytes. */
function drawGlyph(kind: number, source: Random): Uint8Array {
  const shape = SHAPES[kind]!;
  const between = (low: number, high: number): number => low + (high - low) * source.uniform();
  const [centreX, centreY] = [13.5 + between(-3, 3), 13.5 + between(-3, 3)];
  const radius = between(6.5, 10.5);
  const turn = between(-0.45, 0.45);
  const squeeze = between(0.8, 1.2);
  const ink = between(0.55, 1);
  const noise = between(0.03, 0.22);
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  return Uint8Array.from({ length: GLYPH_SIZE * GLYPH_SIZE }, (_, i) => {
    const [dx, dy] = [((i % GLYPH_SIZE) - centreX) / radius, (Math.floor(i / GLYPH_SIZE) - centreY) / radius];
    const distance = shape((cos * dx + sin * dy) * squeeze, (-sin * dx + cos * dy) / squeeze) * radius;
    const covered = Math.min(1, Math.max(0, 0.5 - distance));
    return Math.round(255 * Math.min(1, Math.max(0, ink * covered + noise * source.normal())));
  });
}

/** `count` glyphs, classes in turn. Images are count × 28 × 28 bytes. */
export function drawGlyphs(count: number, seed: number): { images: Uint8Array; labels: Uint8Array } {
  const source = random(seed, 'glyphs');
  const images = new Uint8Array(count * GLYPH_SIZE * GLYPH_SIZE);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % SHAPES.length);
  for (const [i, kind] of labels.entries()) images.set(drawGlyph(kind, source), i * GLYPH_SIZE * GLYPH_SIZE);
  return { images, labels };
}
