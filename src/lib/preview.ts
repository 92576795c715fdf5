// The picture that a link to a report shows elsewhere: what the network is, how good, what was found, and what its first
// layers listen to. Names come from files and may hold anything: they are cut to a line, and escaped.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { ModelFacts } from './data.ts';
import { countLevels, describeModel } from './facts.ts';
import { reportsFolder } from './folders.ts';
import { formatPlural, formatShare } from './numbers.ts';

export const PREVIEW = { width: 1200, height: 630 };
/** Characters on a line of text, at most. */
const LINE = 60;
/** Side of a picture; six of them fill the width. */
const PICTURE = 150;

/** A text as SVG shows it: on one line, without what XML forbids, cut to so many characters. */
export function plainLine(text: string, most: number): string {
  const line = [
    ...text
      .toWellFormed()
      .replace(/[\p{Cc}\p{Cf}\uFFFE\uFFFF\s]+/gu, ' ')
      .trim(),
  ];
  const cut = line.length > most ? `${line.slice(0, most - 1).join('')}…` : line.join('');
  return cut.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Words in lines of at most so many characters, three lines at most. */
function wrap(text: string, most: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.slice(0, 3);
}

/** Draws the preview of a model, 1200 × 630 pixels, as a PNG. */
export async function drawPreview(model: ModelFacts): Promise<Uint8Array> {
  const { fail, warn, pass } = countLevels(model);
  const found =
    fail + warn === 0
      ? pass > 0
        ? 'every check passed'
        : 'no checks were run'
      : [fail && formatPlural(fail, 'failure'), warn && formatPlural(warn, 'warning')].filter(Boolean).join(', ');
  const facts = [model.accuracy === null ? null : `${formatShare(model.accuracy)} right`, found].filter(Boolean);
  const text = (line: string, y: number, size: number, colour: string, weight = 400) =>
    `<text x="72" y="${y}" font-size="${size}" fill="${colour}" font-weight="${weight}">${plainLine(line, LINE)}</text>`;
  const name = [...model.report];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${PREVIEW.width}" height="${PREVIEW.height}"
  font-family="Inter, system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif">
  <rect width="100%" height="100%" fill="#fbfbfa"/>
  <g transform="translate(72 64) scale(1.5)" fill="none" stroke="#2c48c4" stroke-width="2.5" stroke-linecap="round"><ellipse cx="16" cy="16" rx="13" ry="7" transform="rotate(-32 16 16)"/><path d="M16 16 26.2 9.6M16 16l3.6 5.8"/></g>
  <text x="132" y="100" font-size="32" fill="#16181d" font-weight="600">Eigenlens</text>
  <text x="72" y="220" font-size="${name.length > 24 ? 44 : 72}" fill="#16181d" font-weight="700">${plainLine(model.report, 42)}</text>
  ${wrap(describeModel(model), LINE)
    .map((line, i) => text(line, 276 + 42 * i, 30, '#474c57'))
    .join('')}
  ${text(facts.join(' · '), 406, 30, fail > 0 ? '#b0251d' : warn > 0 ? '#855300' : '#17703d', 600)}
</svg>`;
  const pictures = model.layers
    .map(({ weightDirections }) => (weightDirections?.directions ?? []).flatMap(({ filter }) => filter ?? []))
    .find((filters) => filters.length >= 3);
  const drawn = await Promise.all(
    (pictures ?? []).slice(0, 6).map(async ({ url }, i) => {
      const bytes = await readFile(join(reportsFolder(), model.report, url));
      const size = { width: PICTURE, height: PICTURE, kernel: 'nearest', fit: 'fill' } as const;
      return { input: await sharp(bytes).resize(size).png().toBuffer(), left: 72 + i * (PICTURE + 31), top: 440 };
    }),
  );
  return sharp(Buffer.from(svg)).composite(drawn).png({ compressionLevel: 9 }).toBuffer();
}
