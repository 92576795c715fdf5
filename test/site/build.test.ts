// The build as a whole: what it writes, what it refuses, and that a failure leaves the old site alone.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HtmlValidate } from 'html-validate';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eigenlensHere } from '../cli/command.ts';
import { sampleReport, writeSampleReport } from '../support/sample-report.ts';
import { build } from './build.ts';

/** The HTML standard; left out is what only says how markup is to be written, and rules about links and names that scripts fill in. */
const standard = new HtmlValidate({
  extends: ['html-validate:standard'],
  rules: {
    'attribute-boolean-style': 'off',
    'attribute-empty-style': 'off',
    'attribute-misuse': 'off',
    'doctype-style': 'off',
    'long-title': 'off',
    'no-trailing-whitespace': 'off',
    'prefer-native-element': 'off',
    'valid-autocomplete': 'off',
    'valid-id': 'off',
    'void-style': 'off',
  },
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'site-build-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('building the site', () => {
  test('without reports there is a front page that says how to make one', async () => {
    const out = join(folder, 'empty-site');
    const { code, output } = await build({ reports: join(folder, 'none'), out });
    expect(code, output).toBe(0);
    expect(await readFile(join(out, 'index.html'), 'utf8')).toContain('No reports yet');
    // Without an address of its own it has none to give away.
    expect(await readdir(out)).not.toContain('sitemap.xml');
  });

  test('every layer and every detailed sample has a page, and report, schema and pictures are published', async () => {
    const [reports, out] = [join(folder, 'reports'), join(folder, 'site')];
    await writeSampleReport(reports, 'sample', sampleReport({ samples: 20, detailed: 3 }));
    const { code, output } = await build({ reports, out, site: 'https://example.org' });
    expect(code, output).toBe(0);
    expect(output).not.toContain('the budget is');
    expect(await readFile(join(out, 'index.html'), 'utf8')).toContain('1 part of the analysis failed.');
    expect((await readdir(join(out, 'models/sample/layers'))).filter((name) => /^\d+$/.test(name)).toSorted()).toEqual([
      '0',
      '1',
      '2',
      '3',
    ]);
    const samples = await readdir(join(out, 'models/sample/samples'));
    expect(samples.filter((name) => /^\d+$/.test(name))).toHaveLength(3);
    expect(await readFile(join(out, 'models/sample/samples/0/index.html'), 'utf8')).toMatch(/<dt>length<\/dt>/);
    expect(JSON.parse(await readFile(join(out, 'reports/sample/report.json'), 'utf8'))).toHaveProperty('formatVersion');
    expect(await readFile(join(out, 'schema.graphql'), 'utf8')).toContain('type Query');
    expect((await readdir(join(out, 'files'))).length).toBeGreaterThan(24);
    const overview = await readFile(join(out, 'models/sample/index.html'), 'utf8');
    expect(overview).toContain('href="https://example.org/models/sample/"');
    expect(overview).toContain('property="og:image" content="https://example.org/models/sample/preview.png"');
    // What failed is said with the findings, and what other inputs were fed with how the report was made.
    expect(overview).toMatch(/<p>\d+ parts of the analysis failed and are missing here:<\/p>/);
    expect(overview).toContain('did not converge');
    expect(overview).not.toContain('Nothing to report');
    expect(overview).toContain('style, 4, fed with zeros');
    // The command is that of the report, to the letter.
    const { provenance } = JSON.parse(await readFile(join(reports, 'sample/report.json'), 'utf8')).model;
    expect(overview).toContain(`<code>${provenance.command}</code>`);
    const { width, height } = await sharp(join(out, 'models/sample/preview.png')).metadata();
    expect([width, height]).toEqual([1200, 630]);
    const sitemap = await readFile(join(out, 'sitemap.xml'), 'utf8');
    expect(sitemap).toContain('<loc>https://example.org/models/sample/layers/3/</loc>');
    expect(sitemap).not.toContain('404');

    const complaints = [];
    for (const path of (await readdir(out, { recursive: true })).filter((name) => name.endsWith('.html'))) {
      const { results } = await standard.validateString(await readFile(join(out, path), 'utf8'));
      complaints.push(
        ...results.flatMap(({ messages }) => messages.map((one) => `${path}:${one.line} ${one.message}`)),
      );
    }
    expect(complaints).toEqual([]);

    // The same folder again, from a report that cannot be read: the site above must survive it.
    await writeFile(join(reports, 'sample', 'report.json'), '{');
    const broken = await build({ reports, out });
    expect(broken.code).not.toBe(0);
    expect(broken.output).toContain('sample/report.json');
    expect(await readFile(join(out, 'models/sample/index.html'), 'utf8')).toBe(overview);
  }, 240_000);

  test('of a damaged report eigenlens names the file, and builds the others', async () => {
    const [reports, out] = [join(folder, 'mixed'), join(folder, 'mixed-site')];
    for (const id of ['damaged', 'sound']) {
      await writeSampleReport(reports, id, sampleReport({ samples: 2, detailed: 1 }));
    }
    const layer = join(reports, 'damaged/layers/1.json');
    await writeFile(layer, (await readFile(layer, 'utf8')).replace(/1/, '2'));
    const args = ['build', '--reports', reports, '--out', out];
    const mixed = await eigenlensHere(args, { folder });
    expect(mixed.code, mixed.err).toBe(4);
    expect(mixed.err).toContain('damaged/layers/1.json is damaged: its content is not what was written. The site');
    expect(mixed.err).toContain('without 1 damaged report;');
    expect(mixed.err).not.toMatch(/^ +at /m);
    expect(await readdir(join(out, 'models'))).toEqual(['sound']);
    expect(await readdir(join(out, 'models/sound'))).toContain('index.html');
    // Alone it is an error before the build, and the site stays.
    await rm(join(reports, 'sound'), { recursive: true });
    const alone = await eigenlensHere(args, { folder });
    expect([alone.code, alone.out]).toEqual([3, '']);
    expect(alone.err).toContain('eigenlens: damaged/layers/1.json is damaged');
    expect(await readdir(join(out, 'models'))).toEqual(['sound']);
  }, 240_000);

  test('a folder that holds anything but a site is left alone', async () => {
    const out = join(folder, 'precious');
    await mkdir(out);
    await writeFile(join(out, 'thesis.tex'), 'years of work');
    const { code, output } = await build({ reports: join(folder, 'none'), out });
    expect(code).not.toBe(0);
    expect(output).toContain('thesis.tex');
    expect(await readFile(join(out, 'thesis.tex'), 'utf8')).toBe('years of work');
  });
});
