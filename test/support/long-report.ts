// A report of many layers and samples, made of the small one's: what comparing two of them costs is the point.
import type { LayerRecord, Report } from '../../reports/format.ts';
import { sampleReport } from './sample-report.ts';

/** `layers` layers and `samples` samples, everything filled in; `change` stretches every spectrum by this share. */
export function longReport({ layers = 20, samples = 500, detailed = 12, change = 0 } = {}): ReturnType<
  typeof sampleReport
> {
  const { report, files } = sampleReport({ samples, detailed });
  const names = Array.from({ length: layers }, (_, i) => `block${i}/conv`);
  const own = names.map((name, index): LayerRecord => {
    const source = report.layers[index % report.layers.length]!;
    const weights = source.weightDirections!;
    const singularValues = weights.singularValues.map((value) => value * (1 + change));
    return { ...source, name, index, weightDirections: { ...weights, singularValues } };
  });
  const traced = report.samples.map((sample) => {
    const trace = sample.decisionTrace!;
    const at = (list: readonly string[]): string[] => names.map((_, i) => list[i % list.length]!);
    const variation = names.map((_, i) => trace.variation[i % trace.variation.length]!);
    const decisionTrace = {
      ...trace,
      layers: names,
      classes: at(trace.classes),
      fullClasses: at(trace.fullClasses),
      clusterClasses: at(trace.clusterClasses!),
      variation,
      profiles: [],
    };
    const layersOf = [...Map.groupBy(sample.inputPatterns ?? [], ({ layer }) => layer).values()];
    const inputPatterns = names.flatMap((layer, i) =>
      (layersOf[i % layersOf.length] ?? []).map((answer) => ({ ...answer, layer })),
    );
    return { ...sample, decisionTrace, inputPatterns };
  });
  const whole: Report = { ...report, layers: own, samples: traced, model: { ...report.model, traceSummary: null } };
  return { report: whole, files };
}
