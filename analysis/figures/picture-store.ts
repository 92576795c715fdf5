// Pictures of a report: a PNG and the numbers behind it, named by content, so that equal ones are stored once.
import { createHash } from 'node:crypto';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Image, NumberArray } from '../../reports/format.ts';
import type { Shape } from '../kernels/kernels.ts';
import { heatMapPng, limitOf, photoPng, type Extent, type Png } from './heatmap.ts';
import { encodeNpy } from './npy.ts';

export interface Picture {
  /** height × width × channels, row-major. */
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** `map`: diverging about zero. `photo`: grey or colour in [0, 1]. */
  readonly kind: 'map' | 'photo';
  readonly alt: string;
  /** The value that gets the full colour of a map; the largest magnitude unless given. */
  readonly limit?: number;
  /** The numbers to keep, where `values` are those brought to the range of a photo. */
  readonly numbers?: Float32Array;
  /** False where the numbers are not worth a file of their own (thumbnails). */
  readonly keepNumbers?: boolean;
}

export interface PictureStore {
  draw(picture: Picture): Promise<Image>;
  /** Numbers without a picture. */
  keep(values: Float32Array, shape: Shape): Promise<NumberArray>;
  /** A PNG made elsewhere. */
  keepPng(png: Uint8Array, size: { width: number; height: number }, alt: string): Promise<Image>;
}

/** A store that writes into `folder`/files. */
export function pictureStore(folder: string): PictureStore {
  const files = path.join(folder, 'files');
  let ready: Promise<unknown> | undefined;

  /** Writes bytes under their hash, whole or not at all. */
  async function put(bytes: Uint8Array, extension: 'png' | 'npy'): Promise<string> {
    const name = `${createHash('sha256').update(bytes).digest('hex').slice(0, 24)}.${extension}`;
    const file = path.join(files, name);
    await (ready ??= mkdir(files, { recursive: true }));
    if ((await stat(file).catch(() => null))?.size !== bytes.length) {
      const temporary = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
      try {
        await writeFile(temporary, bytes);
        await rename(temporary, file);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    }
    return `files/${name}`;
  }

  return {
    async draw(picture) {
      const { values, height, width, channels, alt, numbers = values, keepNumbers = true } = picture;
      const shape = channels === 1 ? [height, width] : [height, width, channels];
      const array = keepNumbers ? await put(encodeNpy(numbers, shape), 'npy') : null;
      const drawn = await paint(picture);
      return { url: await put(drawn.png, 'png'), width: drawn.width, height: drawn.height, alt, array };
    },
    async keep(values, shape) {
      return { url: await put(encodeNpy(values, shape), 'npy'), shape: [...shape] };
    },
    async keepPng(png, { width, height }, alt) {
      return { url: await put(png, 'png'), width, height, alt, array: null };
    },
  };
}

/** One picture as a PNG: a map of three channels as colours about mid-grey; other counts of channels side by side. */
async function paint({ values, height, width, channels, kind, limit = limitOf(values) }: Picture): Promise<Png> {
  const draw = (numbers: Float32Array, extent: Extent): Promise<Png> =>
    kind === 'photo' ? photoPng(numbers, extent) : heatMapPng(numbers, extent, { limit });
  if (channels === 3) {
    const half = limit > 0 ? 0.5 / limit : 0;
    const colours = kind === 'photo' ? values : values.map((value) => 0.5 + half * value);
    return photoPng(colours, { height, width, channels });
  }
  if (channels === 1) return draw(values, { height, width, channels });
  const mosaic = mosaicOf(values, height, width, channels);
  return draw(mosaic.values, { ...mosaic, channels: 1 });
}

/** Channels side by side, in the most square grid, one blank pixel between them. */
function mosaicOf(
  values: Float32Array,
  height: number,
  width: number,
  channels: number,
): { values: Float32Array; height: number; width: number } {
  const columns = Math.ceil(Math.sqrt((channels * height) / width));
  const rows = Math.ceil(channels / columns);
  const [fullHeight, fullWidth] = [rows * (height + 1) - 1, columns * (width + 1) - 1];
  const mosaic = new Float32Array(fullHeight * fullWidth);
  for (let c = 0; c < channels; c++) {
    const [top, left] = [Math.floor(c / columns) * (height + 1), (c % columns) * (width + 1)];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++)
        mosaic[(top + y) * fullWidth + left + x] = values[(y * width + x) * channels + c]!;
    }
  }
  return { values: mosaic, height: fullHeight, width: fullWidth };
}
