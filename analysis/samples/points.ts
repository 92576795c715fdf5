// Point clouds: .xyz (a point a line), .ply (ASCII; vertices only) or .npy (n × 3), one file a sample; a subfolder is a label.
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import { UserError } from '../errors.ts';
import { decodeNpy } from '../figures/npy.ts';
import { chooseFiles, filesDigest, folderOf, within, type Folder } from './folder.ts';
import type { OpenOptions, SampleSource } from './source.ts';

export const POINT_EXTENSIONS: ReadonlySet<string> = new Set(['.xyz', '.ply', '.npy']);

async function pointsOf(path: string): Promise<Float32Array> {
  const name = basename(path);
  const bytes = await readFile(path);
  if (extname(path).toLowerCase() === '.npy') {
    const { shape, values } = decodeNpy(bytes, name);
    if (shape.length !== 2 || shape[1] !== 3)
      throw new UserError(`${name} has shape ${shape.join(' × ')}; a point cloud in a folder is n × 3.`);
    return Float32Array.from(values);
  }
  const text = bytes.toString('latin1');
  const points = text.startsWith('ply') ? plyPoints(text, name) : xyzPoints(text, name);
  if (points.length === 0) throw new UserError(`${name} holds no points.`);
  return Float32Array.from(points);
}

function xyzPoints(text: string, name: string): number[] {
  const points: number[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const content = line.replace(/[#].*$/, '').trim();
    if (content === '') continue;
    const fields = content.split(/[\s,;]+/).map(Number);
    if (fields.length < 3 || fields.slice(0, 3).some(Number.isNaN)) {
      throw new UserError(`Line ${i + 1} of ${name} is no point: "${content.slice(0, 40)}".`, {
        hint: 'A line of an .xyz file begins with three numbers.',
      });
    }
    points.push(fields[0]!, fields[1]!, fields[2]!);
  }
  return points;
}

function plyPoints(text: string, name: string): number[] {
  const end = /^end_header\s*?$/m.exec(text);
  if (!end) throw new UserError(`${name} has no end_header line.`, { hint: 'The file is damaged or cut short.' });
  const header = text.slice(0, end.index).split(/\r?\n/);
  if (!header.some((line) => /^format\s+ascii/.test(line))) {
    throw new UserError(`${name} is a binary .ply file.`, { hint: 'Save it as ASCII .ply, .xyz or .npy.' });
  }
  const properties: string[] = [];
  let vertices = 0;
  let before = 0;
  let inVertex = false;
  for (const line of header) {
    const [word, first, second] = line.trim().split(/\s+/);
    if (word === 'element') {
      inVertex = first === 'vertex';
      if (inVertex) vertices = Number(second);
      else if (vertices === 0) before += Number(second);
    } else if (word === 'property' && inVertex) properties.push(line.trim().split(/\s+/).at(-1)!);
  }
  const columns = ['x', 'y', 'z'].map((axis) => properties.indexOf(axis));
  if (columns.includes(-1)) throw new UserError(`${name} has vertices without x, y and z.`);
  const lines = text
    .slice(end.index + end[0].length)
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .slice(before, before + vertices);
  if (lines.length < vertices)
    throw new UserError(`${name} is cut short: ${vertices} vertices are promised, ${lines.length} are there.`);
  return lines.flatMap((line) => {
    const fields = line.trim().split(/\s+/).map(Number);
    return columns.map((column) => fields[column]!);
  });
}

/** Samples of a folder of point clouds, or one point cloud alone; all need the same number of points. */
export async function openPoints(path: string, { limit }: OpenOptions, alone = false): Promise<SampleSource> {
  const folder: Folder = alone
    ? { files: [basename(path)], labels: null, others: new Map(), notes: [] }
    : await folderOf(path, POINT_EXTENSIONS);
  const root = alone ? dirname(path) : path;
  const chosen = chooseFiles(folder, limit);
  const files = chosen ? chosen.map((i) => folder.files[i]!) : folder.files;
  const size = (await pointsOf(within(root, files[0]!))).length;
  return {
    format: alone ? 'point cloud' : 'folder of point clouds',
    kind: 'points',
    shape: [size / 3, 3],
    total: folder.files.length,
    count: files.length,
    chosen,
    pixels: false,
    labels: folder.labels,
    featureNames: null,
    notes: folder.notes,
    name: (i) => files[i]!,
    async read(start, end) {
      const values = new Float32Array((end - start) * size);
      for (let i = start; i < end; i++) {
        const points = await pointsOf(within(root, files[i]!));
        if (points.length !== size) {
          throw new UserError(`${files[i]} has ${points.length / 3} points, ${files[0]} has ${size / 3}.`, {
            hint: 'All point clouds need the same number of points; sample them anew.',
          });
        }
        values.set(points, (i - start) * size);
      }
      return values;
    },
    digest: () => filesDigest(root, files),
  };
}
