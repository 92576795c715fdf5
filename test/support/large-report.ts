// A report as a large analysis writes it, without pictures: thousands of samples, each with its way through many layers.
import type { LayerRecord, Report, SampleRecord } from '../../reports/format.ts';
import { roundNumber } from '../../reports/json.ts';
import { CLASSES, sampleReport } from './sample-report.ts';

/** Samples without pages of their own; every number and name is drawn from the sample's index. */
export function largeReport({ samples = 10_000, layers = 20 } = {}): ReturnType<typeof sampleReport> {
  const { report, files } = sampleReport({ samples: 1, detailed: 0 });
  const names = Array.from({ length: layers }, (_, l) => `features/block${l}/conv`);
  const classOf = (index: number) => CLASSES[index % CLASSES.length]!;
  const drawn = (index: number, salt: number) => roundNumber(((index * 7919 + salt * 104_729) % 10_007) / 10_007);
  const records = Array.from({ length: samples }, (_, index): SampleRecord => {
    const label = classOf(index);
    const correct = index % 11 !== 0;
    const prediction = correct ? label : classOf(index + 1);
    const decisionLayer = 1 + (index % layers);
    const classes = names.map((_, l) => (l + 1 < decisionLayer ? classOf(index + l) : prediction));
    return {
      index,
      name: `${label}/${index}.png`,
      label,
      prediction,
      confidence: drawn(index, 1),
      correct,
      detailed: false,
      decisionLayer,
      meanVariation: drawn(index, 2),
      outputs: CLASSES.map((output, o) => ({ output, value: drawn(index, o), probability: drawn(index, o + 9) })),
      decisionTrace: {
        layers: names,
        classes,
        fullClasses: classes,
        clusterClasses: classes,
        decisionLayer,
        variation: names.map((_, l) => (index + l) % 4),
        profiles: [],
        centroidsFrom: 'labels',
      },
      layerReconstruction: names.map((layer, l) => ({ layer, value: drawn(index, l) })),
      biasShares: [
        {
          output: prediction,
          value: drawn(index, 3),
          input: drawn(index, 4),
          residual: drawn(index, 5),
          residualShare: drawn(index, 6),
          byLayer: names.map((layer, l) => ({ layer, value: drawn(index, l + 7) })),
        },
      ],
    };
  });
  const [pattern] = report.layers;
  const large: Report = {
    ...report,
    model: {
      ...report.model,
      componentSimilarities: [],
      provenance: { ...report.model.provenance, sampleCount: samples },
    },
    layers: names.map((name, index): LayerRecord => {
      const embedding = records.map((sample) => ({
        sample: sample.name,
        x: drawn(sample.index, index),
        y: drawn(sample.index, index + 1),
        label: sample.label ?? null,
        correct: sample.correct ?? null,
        cluster: sample.index % 4,
      }));
      return { ...pattern!, name, index, layerFeatures: { ...pattern!.layerFeatures!, embedding } };
    }),
    samples: records,
  };
  return { report: large, files };
}
