import { describe, expect, it } from 'vitest';
import { fieldProblems, FORMAT_VERSION, parseReport, upgrade } from '../../reports/format.ts';
import type { Report } from '../../reports/format.ts';
import { sampleReport } from '../support/sample-report.ts';

const { report } = sampleReport({ samples: 3, detailed: 1 });

describe('the fields that a method answers', () => {
  it('are welcome when they fit, whatever else is missing', () => {
    expect(fieldProblems('layer', { inactiveShare: 0.5, representationalPower: [] })).toEqual([]);
    expect(fieldProblems('model', { capacity: [{ convention: 'PAPER', value: 2 }] })).toEqual([]);
  });

  it('are refused with their path when a number is not finite, a field is missing, or a name is unknown', () => {
    expect(fieldProblems('layer', { inactiveShare: NaN })).toEqual(['inactiveShare: expected number, received NaN']);
    expect(fieldProblems('layer', { inactiveShare: Infinity })[0]).toContain('inactiveShare: ');
    expect(fieldProblems('sample', { pixelVotes: { shares: [] } })).toEqual([
      'pixelVotes.winner: expected string, received undefined',
    ]);
    expect(fieldProblems('sample', { pixelVotes: { shares: [], winner: 'a', looser: 'b' } })).toEqual([
      'pixelVotes.looser: no such field in the report format',
    ]);
    expect(fieldProblems('layer', { inActiveShare: 0.5 })).toEqual([
      'inActiveShare: no such field in the report format',
    ]);
  });

  it('name pictures by content, relative to the site', () => {
    const image = (url: string) => ({ image: { url, width: 1, height: 1, alt: '' } });
    expect(fieldProblems('sample', image('files/0123456789abcdef.png'))).toEqual([]);
    for (const url of [
      '/files/0123456789abcdef.png',
      '../0123456789abcdef.png',
      'files/x.svg',
      'data:image/png;base64,',
    ]) {
      expect(fieldProblems('sample', image(url))).toEqual(['image.url: expected files/<hash>.png']);
    }
  });
});

describe('a report', () => {
  it('may leave out what no method answered, and is stored with null and [] in its place', () => {
    const { name, op, index, inputShape, outputShape, parameterCount } = report.layers[0]!;
    const layer = { name, op, index, inputShape, outputShape, parameterCount };
    const parsed = parseReport({ ...report, layers: [layer], samples: [{ index: 0, name: 'x' }] });
    expect(parsed.layers[0]).toMatchObject({ weightDirections: null, representationalPower: [], inactiveShare: null });
    expect(parsed.samples[0]).toMatchObject({ label: null, detailed: false, biasShares: [], decisionTrace: null });
  });

  it('takes the decision layer in lists from the decision trace', () => {
    const [sample] = report.samples;
    const parsed = parseReport({
      ...report,
      samples: [{ ...sample!, decisionLayer: null }, ...report.samples.slice(1)],
    });
    expect(parsed.samples[0]!.decisionLayer).toBe(sample!.decisionTrace!.decisionLayer);
  });

  it('is refused when two layers or samples share a name, or stand at the wrong place', () => {
    const twice: Report = { ...report, samples: [report.samples[0]!, { ...report.samples[0]!, index: 1 }] };
    expect(() => parseReport(twice)).toThrow('is also the name of samples[0]');
    const shifted: Report = { ...report, layers: [{ ...report.layers[0]!, index: 4 }] };
    expect(() => parseReport(shifted)).toThrow('layers[0].index: expected 0, received 4');
  });

  it('is refused when it mentions a sample that is not there, or is another one', () => {
    expect(() => parseReport({ ...report, samples: report.samples.slice(0, 2) })).toThrow(
      /^The report breaks its format:\nlayers\[0\]\.weightDirections\.directions\[0\]\.exemplars\[1\]\.sample: sample 2 is not "/,
    );
    const renamed = report.samples.map((sample, i) => (i === 1 ? { ...sample, name: 'other' } : sample));
    expect(() => parseReport({ ...report, samples: renamed })).toThrow(
      'similarityOverlays[0].other: sample 1 is not "dog/1.png"',
    );
  });

  it('is refused with every problem by its path, deep down too', () => {
    const broken = structuredClone(report) as any;
    broken.model.provenance.seed = 'zero';
    broken.layers[1].weightDirections.singularValues[2] = NaN;
    expect(() => parseReport(broken)).toThrow(/model\.provenance\.seed: expected .*\n.*singularValues\[2\]: /);
  });
});

describe('older format versions', () => {
  const upgrades = {
    1: {
      report: (json: any) => ({ ...json, steps: [...json.steps, 'one'] }),
      layer: (json: any) => ({ ...json, b: json.a }),
    },
    2: { report: (json: any) => ({ ...json, steps: [...json.steps, 'two'] }) },
  };

  it('go up one step at a time, each file by its kind', () => {
    const steps = { formatVersion: 1, steps: [] };
    expect(upgrade('report', steps, 1, { upgrades, to: 3 })).toEqual({ formatVersion: 3, steps: ['one', 'two'] });
    expect(upgrade('layer', { a: 1 }, 1, { upgrades, to: 3 })).toEqual({ a: 1, b: 1 });
    expect(upgrade('sample', { a: 1 }, 1, { upgrades, to: 3 })).toEqual({ a: 1 });
  });

  it('are refused when there is no way up, and newer ones by name', () => {
    expect(() => upgrade('report', {}, 3, { upgrades, to: 4 })).toThrow('formatVersion 3: no way up to 4');
    expect(() => upgrade('report', {}, FORMAT_VERSION + 1)).toThrow(
      `formatVersion ${FORMAT_VERSION + 1} is newer than ${FORMAT_VERSION}`,
    );
    for (const version of [undefined, '1', 0, 1.5]) {
      expect(() => upgrade('report', {}, version)).toThrow('formatVersion: expected a whole number from 1');
    }
  });

  it('have a way up from every version that ever was', () => {
    for (let version = 1; version <= FORMAT_VERSION; version++) {
      expect(upgrade('report', { formatVersion: version }, version)).toMatchObject({ formatVersion: FORMAT_VERSION });
    }
  });
});
