// The sample report with names that a page must survive: markup, quotes, marks that turn text around, paths, and thousands of
// characters; with a thousand classes, and every sample in detail.
import type { Report } from '../../reports/format.ts';
import { CLASSES, sampleReport } from './sample-report.ts';

const LONG = 5000;

/** Each is a name of a class, a layer and a sample in turn. */
export const HOSTILE = [
  `<script>alert(1)</script>${'w'.repeat(LONG)}`,
  `" onload="alert(2)' onfocus='alert(3)" autofocus x="`,
  `../../${'../'.repeat(LONG / 3)}etc/passwd`,
  `safe\u202Egnp.exe\u0007 </title></textarea></svg><img src=x onerror=alert(4)>`,
] as const;

/** A report of four layers whose names are all hostile; class i of the thousand is as long as names of classes in real data. */
export function hostileReport({ samples = 24, classes = 1000 } = {}): ReturnType<typeof sampleReport> {
  const { report, files } = sampleReport({ samples, detailed: samples });
  const layers = report.layers.map(({ name }) => name);
  const names = new Map([
    ...CLASSES.map((name, i) => [name, HOSTILE[i]!] as const),
    ...layers.map((name, i) => [name, `${HOSTILE[i]!}/${i}`] as const),
    ...report.samples.map(({ name }, i) => [name, `${HOSTILE[i % 4]!}/${i}`] as const),
  ]);
  const renamed = withNames(report, names);
  const more = Array.from(
    { length: classes - CLASSES.length },
    (_, i) =>
      `n0${1440764 + i} tench, Tinca tinca, and other words by which class ${i} is known to those who labelled it`,
  );
  const every = [...HOSTILE, ...more];
  const [first] = renamed.model.classSummaries!;
  const detailed = renamed.samples.map(({ name }) => name);
  return {
    files,
    report: {
      ...renamed,
      model: {
        ...renamed.model,
        name: HOSTILE[0],
        classNames: every,
        classSummaries: every.map((name) => ({ ...first!, class: name })),
        traceSummary: {
          ...renamed.model.traceSummary!,
          flows: renamed.model.traceSummary!.layers.flatMap((_, layer) =>
            every.map((name, i) => ({
              layer,
              from: name,
              to: every[(7 * i + layer) % classes]!,
              count: 1 + (i % 9),
              wrong: i % 2,
            })),
          ),
        },
        // Two directions after each layer, every pair of samples.
        componentSimilarities: renamed.layers.flatMap(({ name }) =>
          [0, 1].map((component) => ({
            split: name,
            component,
            samples: detailed,
            values: detailed.map((_, i) => detailed.map((_, j) => (i === j ? 1 : 0.5 + 0.01 * ((i * j) % 40)))),
          })),
        ),
      },
      layers: renamed.layers.map((layer) => ({
        ...layer,
        layerFeatures: {
          ...layer.layerFeatures!,
          features: layer.layerFeatures!.features!.map((feature) => ({
            ...feature,
            byClass: every.map((name) => ({ class: name, image: feature.byClass![0]!.image })),
          })),
        },
      })),
    },
  };
}

/** Every text that is one of the names, or holds one, as the analysis writes it into sentences. */
function withNames(report: Report, names: ReadonlyMap<string, string>): Report {
  const texts = [...names].toSorted(([a], [b]) => b.length - a.length);
  const rename = (text: string): string => {
    const exact = names.get(text);
    if (exact !== undefined) return exact;
    const found = texts.find(([name]) => text.includes(name) && name.includes('/'));
    return found ? text.replaceAll(...found) : text;
  };
  return JSON.parse(JSON.stringify(report), (_, value: unknown) =>
    typeof value === 'string' ? rename(value) : value,
  ) as Report;
}
