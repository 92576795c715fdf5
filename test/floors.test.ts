// The floors of the house: imports run downward only.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '..');

/** What the files of a place may import, beside themselves and packages. The first place that fits a file counts. */
const FLOORS: readonly (readonly [place: string, mayImport: readonly string[]])[] = [
  ['analysis/errors.ts', []],
  ['analysis/random.ts', []],
  ['analysis/progress.ts', []],
  ['analysis/kept.ts', []],
  ['analysis/version.ts', ['package.json']],
  ['analysis/kernels/', ['analysis/errors.ts']],
  ['analysis/ops/', ['analysis/kernels/', 'analysis/errors.ts']],
  ['analysis/operators/', ['analysis/kernels/kernels.ts', 'analysis/random.ts', 'analysis/errors.ts']],
  ['analysis/svd/', ['analysis/operators/', 'analysis/kernels/kernels.ts', 'analysis/random.ts', 'analysis/errors.ts']],
  ['analysis/network/', ['analysis/ops/', 'analysis/operators/', 'analysis/kernels/', 'analysis/errors.ts']],
  ['analysis/formats/', ['analysis/network/', 'analysis/ops/', 'analysis/kernels/', 'analysis/errors.ts']],
  ['analysis/settings.ts', ['analysis/errors.ts', 'reports/rules.ts']],
  ['analysis/config.ts', ['analysis/settings.ts', 'analysis/errors.ts']],
  [
    'analysis/figures/',
    ['analysis/kernels/kernels.ts', 'analysis/network/network.ts', 'analysis/errors.ts', 'reports/format.ts'],
  ],
  [
    'analysis/samples',
    [
      'analysis/samples',
      'analysis/figures/',
      'analysis/network/network.ts',
      'analysis/kernels/kernels.ts',
      'analysis/settings.ts',
      'analysis/errors.ts',
    ],
  ],
  ['analysis/demo/', ['analysis/kernels/onnx-protobuf.ts', 'analysis/random.ts', 'analysis/errors.ts']],
  [
    'analysis/methods/',
    [
      'analysis/study.ts',
      'analysis/kept.ts',
      'analysis/certificate.ts',
      'analysis/figures/',
      'analysis/formats/',
      'analysis/network/',
      'analysis/svd/',
      'analysis/ops/',
      'analysis/operators/',
      'analysis/kernels/',
      'analysis/random.ts',
      'analysis/errors.ts',
      'analysis/settings.ts',
      'reports/format.ts',
    ],
  ],
  ['analysis/', ['analysis/', 'reports/']],
  ['reports/', ['analysis/errors.ts']],
  ['graphql/', ['reports/', 'analysis/errors.ts', 'package.json']],
  ['src/cli/', ['analysis/', 'reports/', 'graphql/', 'src/lib/', 'package.json']],
  ['src/', ['graphql/', 'reports/', 'analysis/errors.ts', 'analysis/version.ts', 'analysis/figures/colour-map.ts']],
];

function filesBelow(folder: string): string[] {
  return readdirSync(path.join(root, folder)).flatMap((entry) => {
    const file = `${folder}/${entry}`;
    if (statSync(path.join(root, file)).isDirectory()) return filesBelow(file);
    return /\.(ts|astro)$/.test(entry) ? [file] : [];
  });
}

const files = ['analysis', 'reports', 'graphql', 'src'].flatMap(filesBelow);

/** Files of the project that a file imports, relative to the root. */
function importsOf(file: string): string[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  const names = [...text.matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)].map(([, name]) => name!);
  return names.map((name) => path.posix.normalize(path.posix.join(path.posix.dirname(file), name)));
}

describe('the floors of the house', () => {
  it('know every file', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(files.filter((file) => !FLOORS.some(([place]) => file.startsWith(place)))).toEqual([]);
  });

  it.each(FLOORS)('%s imports only from its own floor and below', (place, mayImport) => {
    const own = files.filter((file) => FLOORS.find(([p]) => file.startsWith(p))![0] === place);
    const offences = own.flatMap((file) =>
      importsOf(file)
        .filter((name) => !name.startsWith(place) && !mayImport.some((allowed) => name.startsWith(allowed)))
        .map((name) => `${file} imports ${name}`),
    );
    expect(offences).toEqual([]);
  });

  it('let TensorFlow.js and ONNX Runtime in by one door each', () => {
    const importers = (pattern: RegExp): string[] =>
      files.filter((file) => pattern.test(readFileSync(path.join(root, file), 'utf8')));
    expect(importers(/['"]onnxruntime-node['"]/).filter((file) => file !== 'analysis/kernels/choose.ts')).toEqual([
      'analysis/kernels/onnxruntime.ts',
    ]);
    const tensorFlow = importers(/(?:from|import)\s*\(?\s*['"]@tensorflow\//);
    expect(tensorFlow.filter((file) => !file.startsWith('analysis/kernels/'))).toEqual(['analysis/demo/train.ts']);
  });
});
