// Pictures in a folder (or a single one): PNG, JPEG, WebP, GIF, TIFF, AVIF, whatever their colours: grey, palette, CMYK
// and wide gamuts become sRGB, transparency becomes white, EXIF orientation is applied, of an animation the first frame is taken.
// A picture of another size is scaled (with antialiasing, bilinear) to cover the wanted size and cropped at the centre.
import { basename, dirname } from 'node:path';
import sharp from 'sharp';
import { UserError } from '../errors.ts';
import { chooseFiles, filesDigest, folderOf, within, type Folder } from './folder.ts';
import { toGrey } from './pixels.ts';
import type { OpenOptions, SampleSource } from './source.ts';

export const IMAGE_EXTENSIONS: ReadonlySet<string> = new Set([
  '.png',
  '.jpg',
  '.jpeg',
  '.jpe',
  '.webp',
  '.gif',
  '.tif',
  '.tiff',
  '.avif',
]);
/** Pictures decoded at the same time. */
const AT_ONCE = 8;

/** A picture as [height, width, 3] bytes in sRGB. */
async function decode(
  path: string,
  size: readonly [height: number, width: number] | null,
): Promise<{ data: Uint8Array; height: number; width: number }> {
  try {
    // Shrinking while decoding is faster but not the filter that we state.
    let image = sharp(path, { failOn: 'error' }).autoOrient().flatten({ background: '#ffffff' }).toColourspace('srgb');
    if (size)
      image = image.resize(size[1], size[0], {
        fit: 'cover',
        position: 'centre',
        kernel: 'linear',
        fastShrinkOnLoad: false,
      });
    const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    if (info.channels === 3) return { data, height: info.height, width: info.width };
    const colours = new Uint8Array(info.height * info.width * 3);
    for (let p = 0; p < info.height * info.width; p++)
      for (let c = 0; c < 3; c++) colours[3 * p + c] = data[p * info.channels + (info.channels > 3 ? c : 0)]!;
    return { data: colours, height: info.height, width: info.width };
  } catch (error) {
    throw new UserError(
      `${basename(dirname(path))}/${basename(path)} is not a readable picture: ${(error as Error).message.split('\n')[0]}.`,
      {
        hint: 'Replace the file or move it out of the folder.',
        cause: error,
      },
    );
  }
}

/** Height, width and whether it has colours, after orientation. */
async function lookAt(path: string): Promise<{ height: number; width: number; channels: 1 | 3 }> {
  const { height, width } = await decode(path, null);
  const { channels } = await sharp(path).metadata();
  return { height, width, channels: channels <= 2 ? 1 : 3 };
}

/** Samples of a folder of pictures; a subfolder is a label. A picture alone is a folder of one. */
export async function openImageFolder(path: string, { limit }: OpenOptions, alone = false): Promise<SampleSource> {
  const folder: Folder = alone
    ? { files: [basename(path)], labels: null, others: new Map(), notes: [] }
    : await folderOf(path, IMAGE_EXTENSIONS);
  const root = alone ? dirname(path) : path;
  if (folder.files.length === 0) throw nothingIn(path, folder);
  const chosen = chooseFiles(folder, limit);
  const files = chosen ? chosen.map((i) => folder.files[i]!) : folder.files;
  const first = await lookAt(within(root, files[0]!));
  const source = (height: number, width: number, channels: 1 | 3): SampleSource => ({
    format: alone ? 'picture' : 'folder of images',
    kind: 'image',
    shape: channels === 1 ? [height, width] : [height, width, 3],
    total: folder.files.length,
    count: files.length,
    chosen,
    pixels: true,
    labels: folder.labels,
    featureNames: null,
    notes: folder.notes,
    name: (i) => files[i]!,
    async read(start, end) {
      const size = height * width * channels;
      const values = new Float32Array((end - start) * size);
      for (let from = start; from < end; from += AT_ONCE) {
        const stretch = files.slice(from, Math.min(end, from + AT_ONCE));
        const pictures = await Promise.all(stretch.map((file) => decodeToSize(within(root, file), height, width)));
        for (const [i, picture] of pictures.entries())
          values.set(channels === 1 ? toGrey(picture) : picture, (from - start + i) * size);
      }
      return values;
    },
    digest: () => filesDigest(root, files),
    resized: source,
  });
  return source(first.height, first.width, first.channels);
}

async function decodeToSize(path: string, height: number, width: number): Promise<Uint8Array> {
  const { data } = await decode(path, [height, width]);
  return data;
}

function nothingIn(path: string, { others }: Folder): UserError {
  const found = [...others].map(([extension, count]) => `${count} × ${extension}`).join(', ');
  return new UserError(`${path} holds no samples.`, {
    hint: found
      ? `It holds ${found}. A folder of samples holds pictures (${[...IMAGE_EXTENSIONS].join(' ')}) or point clouds (.xyz .ply .npy); give the path of an array or table itself.`
      : 'The folder is empty. Put pictures in it, one subfolder a class, or give another path.',
  });
}
