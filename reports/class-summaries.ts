// How right a network is, from its samples' labels and predictions: overall, and class by class.
import type { ClassSummary } from './format.ts';

interface Judged {
  readonly label?: string | null;
  readonly prediction?: string | null;
}

/** Share of labelled samples predicted right; null without labels. */
export function accuracyOf(samples: readonly Judged[]): number | null {
  const labelled = samples.filter(({ label }) => label != null);
  if (labelled.length === 0) return null;
  return labelled.filter(({ label, prediction }) => label === prediction).length / labelled.length;
}

/** A summary per class, in the order given, and after them classes that only labels name; empty without labels. */
export function classSummaries(classNames: readonly string[], samples: readonly Judged[]): ClassSummary[] {
  if (accuracyOf(samples) === null) return [];
  const summaries = new Map(classNames.map((name) => [name, { class: name, samples: 0, right: 0, predicted: 0 }]));
  const summaryOf = (name: string) => {
    const summary = summaries.get(name) ?? { class: name, samples: 0, right: 0, predicted: 0 };
    summaries.set(name, summary);
    return summary;
  };
  for (const { label, prediction } of samples) {
    if (label != null) summaryOf(label).samples++;
    if (label != null && label === prediction) summaryOf(label).right++;
    if (prediction != null) summaryOf(prediction).predicted++;
  }
  return [...summaries.values()];
}
