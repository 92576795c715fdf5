// The whole way of a pull request on the embedded network: it is changed as retraining, compression or a mix-up of labels
// would change it, and the comparison names what was changed, and nothing else.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Review } from '../../reports/review.ts';
import { DEMO, eigenlensHere } from '../cli/command.ts';
import { temporaryFolder } from '../samples/folder.ts';
import { demoVariant, prunedTo, shaken, swapped } from '../support/demo-variants.ts';

const { path: folder } = await temporaryFolder();
const MODELS = {
  base: {},
  shaken: Object.fromEntries(
    ['conv1', 'conv2', 'hidden', 'classes'].map((name, i) => [`${name}.weight`, shaken(0.01, i)]),
  ),
  pruned: { 'hidden.weight': prunedTo(4) },
  // The third and the fourth class: square and frame.
  swapped: { 'classes.weight': swapped(2, 3), 'classes.bias': swapped(2, 3) },
} as const;

async function analyse(model: keyof typeof MODELS, reports: string, backend = 'auto'): Promise<void> {
  const data = ['--samples', `${DEMO}images.idx`, '--labels', `${DEMO}labels.idx`, '--classes', `${DEMO}classes.txt`];
  const scope = ['--methods', 'weight-directions,decision-traces,bias-shares', '--limit', '80', '--detail', '0'];
  const light = ['--synthesised', '0', '--exemplars', '0', '--k', '6', '--backend', backend, '--quiet'];
  const args = ['analyze', `${model}.onnx`, '--id', 'demo', '--reports', reports, ...data, ...scope, ...light];
  const { code, err } = await eigenlensHere(args, { folder });
  expect([code, err]).toEqual([0, '']);
}

beforeAll(async () => {
  for (const [name, changes] of Object.entries(MODELS)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.onnx`), demoVariant(changes));
  }
  await analyse('base', 'baseline');
}, 120_000);

async function review(reports: string): Promise<{ code: number | null; review: Review; diff: string }> {
  const { code, out } = await eigenlensHere(
    ['check', 'demo', '--reports', reports, '--baseline', 'baseline', '--json'],
    { folder },
  );
  const diff = await eigenlensHere(['diff', 'baseline/demo', `${reports}/demo`], { folder });
  return { code, review: (JSON.parse(out) as { reviews: [Review] }).reviews[0], diff: diff.out };
}

const failing = ({ findings }: Review, level = 'FAIL'): string[] =>
  findings.filter((one) => one.level === level).map(({ rule, subject }) => `${rule} ${subject}`);

describe('a pull request that', () => {
  test('changes nothing is unchanged to the byte', async () => {
    await analyse('base', 'again');
    const { code, review: found, diff } = await review('again');
    expect([code, found.identical, found.differences, diff]).toEqual([
      0,
      true,
      [],
      'unchanged: the two reports are equal to the byte\n',
    ]);
  }, 120_000);

  test('runs on another backend changes no number beyond its noise floor', async () => {
    await analyse('base', 'wasm', 'wasm');
    const { code, review: found } = await review('wasm');
    expect(found.identical).toBe(false);
    expect([code, failing(found), failing(found, 'WARN')]).toEqual([0, [], []]);
    expect(found.differences.filter(({ change }) => change !== 'INCOMPARABLE')).toEqual([]);
  }, 120_000);

  test('moves every weight a little changes numbers and keeps the rules', async () => {
    await analyse('shaken', 'shaken');
    const { code, review: found } = await review('shaken');
    expect([code, failing(found)]).toEqual([0, []]);
    const changed = new Set(
      found.differences.filter(({ metric }) => metric === 'spectrum').map(({ subject }) => subject),
    );
    expect([...changed].sort()).toEqual(['classes', 'conv1', 'conv2', 'hidden']);
  }, 120_000);

  test('prunes a layer to rank 4 is told which layer, and no other', async () => {
    await analyse('pruned', 'pruned');
    const { code, review: found, diff } = await review('pruned');
    expect(code).toBe(1);
    expect(failing(found).filter((one) => one.startsWith('rank '))).toEqual(['rank hidden']);
    expect(found.findings.find(({ rule, level }) => rule === 'rank' && level === 'FAIL')!.message).toBe(
      'Rank fell from 48 to 4 (91.7 %); allowed is 25 %.',
    );
    const spectra = found.differences.filter(({ metric }) => metric === 'spectrum').map(({ subject }) => subject);
    expect(spectra).toEqual(['hidden']);
    expect(diff).toContain('layer hidden');
  }, 120_000);

  test('takes two classes for each other is told which classes, and the layer', async () => {
    await analyse('swapped', 'swapped');
    const { code, review: found } = await review('swapped');
    expect(code).toBe(1);
    expect(failing(found).sort()).toEqual(['accuracy model', 'classAccuracy frame', 'classAccuracy square']);
    const layers = found.differences.filter(({ kind, metric }) => kind === 'LAYER' && metric === 'outputAngle');
    expect(layers.map(({ subject }) => subject)).toEqual(['classes']);
    const { out } = await eigenlensHere(
      ['comment', 'demo', '--reports', 'swapped', '--baseline', 'baseline', '--dry-run'],
      { folder },
    );
    expect(out).toContain('rules are broken');
    expect(out).toMatch(/❌ fails \| <code>square<\/code>/);
    expect(out).toMatch(/❌ fails \| <code>frame<\/code>/);
  }, 120_000);
});
