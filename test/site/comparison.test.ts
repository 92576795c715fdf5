// The comparison pages' own logic, over a folder of two reports that differ in one filter.
import { beforeAll, describe, expect, test } from 'vitest';
import { sampleReport, writeSampleReport } from '../support/sample-report.ts';
import { temporaryFolder } from '../samples/folder.ts';

const { path: folder } = await temporaryFolder();
process.env['EIGENLENS_REPORTS'] = folder;
const { comparedPairs, comparisonOf, differenceMap, picturesOf } = await import('../../src/lib/comparison.ts');

const given = sampleReport({ samples: 8, detailed: 2 });
const [first, ...rest] = given.report.layers;
const weights = first!.weightDirections!;
const directions = weights.directions!.map((one, i, all) => ({
  ...one,
  filter: i === 0 ? all.find(({ filter }) => filter!.array !== one.filter!.array)!.filter : one.filter,
  // The second and third share a value: alone they say nothing.
  group: i === 2 ? 1 : one.group,
}));

beforeAll(async () => {
  await writeSampleReport(folder, 'a-base', given);
  const layers = [{ ...first!, weightDirections: { ...weights, rank: 2, directions } }, ...rest];
  await writeSampleReport(folder, 'b-head', { ...given, report: { ...given.report, layers } });
  const renamed = given.report.layers.map((layer) => ({ ...layer, name: `other-${layer.name}` }));
  await writeSampleReport(folder, 'c-renamed', { ...given, report: { ...given.report, layers: renamed } });
  const others = given.report.layers.map((layer) => ({ ...layer, name: `third-${layer.name}`, outputShape: [1, 77] }));
  await writeSampleReport(folder, 'd-other', { ...given, report: { ...given.report, layers: others } });
});

describe('comparison pages', () => {
  test('are made for reports that share a layer, or all of them under other names', async () => {
    const ids = (await comparedPairs()).map(({ id }) => id);
    expect(ids).toEqual(['a-base..b-head', 'a-base..c-renamed', 'b-head..c-renamed']);
  });

  test('put what the input and the constants add to an output, and the leading direction, side by side', async () => {
    const pairs = await comparedPairs();
    const pictures = await picturesOf(pairs[0]!);
    const own = pictures.filter(({ id }) => /^(?:linear|bias|right|part|left)-/.test(id));
    expect(own.map(({ id }) => id.split('-')[0])).toContain('right');
    for (const { id, difference } of own) expect(difference === null).toBe(/^(?:right|part|left)-/.test(id));
  });

  test('tell what changed and what the rules say', async () => {
    const [pair] = await comparedPairs();
    const { differences, total, identical, findings } = await comparisonOf(pair!);
    expect([identical, total]).toEqual([false, 1]);
    expect(differences).toMatchObject([{ kind: 'LAYER', subject: 'features/conv1', metric: 'rank', delta: -6 }]);
    expect(findings.find(({ rule }) => rule === 'rank')).toMatchObject({ level: 'FAIL' });
  });

  test('show directions that stand alone in both, and what the pictures differ by', async () => {
    const [pair] = await comparedPairs();
    const pictures = await picturesOf(pair!);
    const own = pictures.filter(({ id }) => id.startsWith('layer-0-'));
    expect(own.map(({ id }) => id)).toEqual(['layer-0-0', 'layer-0-3', 'layer-0-4']);
    expect(own[0]!.difference!.largest).toBeGreaterThan(0.1);
    expect(own[1]!.difference!.largest).toBe(0);
    expect(pictures.some(({ id }) => id === 'sample-0')).toBe(true);
    const png = await differenceMap(own[0]!.base, own[0]!.difference!);
    expect([...png.subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
  });
});
