// What two reports are compared by, and what rules can be about: one entry per metric, with what its number depends on
// besides the model. A number is compared only between reports in which all of that is the same.

export type SubjectKind = 'MODEL' | 'CLASS' | 'LAYER' | 'SAMPLE';

export interface Metric {
  readonly kind: SubjectKind;
  /** As a person says it: `stable rank`. */
  readonly label: string;
  readonly unit: 'share' | 'radians' | 'layers' | null;
  /** True for a distance between two reports: it has no value in one report alone, and 0 means the same. */
  readonly distance?: boolean;
  /** Which way is an improvement, where one is. */
  readonly better?: 'higher' | 'lower';
  /** The method that answers it: its version must be the same. */
  readonly method?: string;
  /** Settings that change it. */
  readonly settings?: readonly string[];
  /** It depends on the samples. */
  readonly samples?: boolean;
  /** A share of samples of which it is known which ones turned, so that chance can be told (sign test). */
  readonly counted?: boolean;
}

/** What every number that depends on samples depends on as well. */
export const INPUT_SETTINGS = ['preprocess', 'input', 'output'] as const;

const traces = { method: 'decision-traces', settings: ['k', 'tolerance'], samples: true } as const;
const weights = { kind: 'LAYER', unit: null, method: 'weight-directions' } as const;
const patterns = { method: 'input-patterns', settings: ['gamma', 'mode'], samples: true } as const;
const biases = { unit: 'share', method: 'bias-shares', settings: ['mode'], samples: true } as const;
const samples = { unit: 'share', samples: true } as const;

/** By name, in the order in which they are told. */
export const METRICS = {
  accuracy: { kind: 'MODEL', label: 'accuracy', better: 'higher', counted: true, ...samples },
  classAccuracy: { kind: 'CLASS', label: 'accuracy of a class', better: 'higher', counted: true, ...samples },
  predictionsChanged: { kind: 'MODEL', label: 'predictions changed', distance: true, ...samples },
  failedParts: { kind: 'MODEL', label: 'parts that failed', unit: null, better: 'lower' },
  completenessError: { kind: 'MODEL', label: 'error of completeness', unit: null, better: 'lower' },
  incomparable: { kind: 'MODEL', label: 'differences that could not be compared', unit: null, distance: true },
  layersChanged: { kind: 'MODEL', label: 'layers that came, went or changed shape', unit: null, distance: true },
  parameterCount: { kind: 'MODEL', label: 'parameters', unit: null },

  rank: { ...weights, label: 'rank' },
  stableRank: { ...weights, label: 'stable rank' },
  effectiveRank: { ...weights, label: 'effective rank' },
  alpha: { ...weights, label: 'power-law α' },
  spectrum: { ...weights, label: 'spectrum', distance: true },
  inputAngle: { ...weights, label: 'turn of the input directions', unit: 'radians', distance: true },
  outputAngle: { ...weights, label: 'turn of the output directions', unit: 'radians', distance: true },

  representationalPower: { kind: 'LAYER', label: 'representational power', unit: 'share', ...patterns },
  inactiveShare: { kind: 'LAYER', label: 'inactive neurons', unit: 'share', method: 'input-patterns', samples: true },

  featureSpectrum: {
    kind: 'LAYER',
    label: 'spectrum of the layer features',
    unit: null,
    distance: true,
    method: 'layer-features',
    settings: ['k', 'tolerance'],
    samples: true,
  },
  featureAngle: {
    kind: 'LAYER',
    label: 'turn of the layer features',
    unit: 'radians',
    distance: true,
    method: 'layer-features',
    settings: ['tolerance'],
    samples: true,
  },
  rightInTrace: { kind: 'LAYER', label: 'right preliminary classes', unit: 'share', better: 'higher', ...traces },
  tracesChanged: { kind: 'LAYER', label: 'preliminary classes changed', unit: 'share', distance: true, ...traces },
  meanDecisionLayer: { kind: 'MODEL', label: 'mean decision layer', unit: 'layers', ...traces },
  decisionLayersMoved: { kind: 'MODEL', label: 'decision layers moved', unit: 'share', distance: true, ...traces },

  residualShare: { kind: 'MODEL', label: 'share of the constants', ...biases },
  biasShare: { kind: 'LAYER', label: 'share of the layer’s constants', ...biases },

  samplePrediction: { kind: 'SAMPLE', label: 'prediction', unit: null, distance: true, samples: true },
  sampleDecisionLayer: { kind: 'SAMPLE', label: 'decision layer', unit: 'layers', ...traces },
  sampleResidualShare: { kind: 'SAMPLE', label: 'share of the constants', ...biases },
  sampleVotes: {
    kind: 'SAMPLE',
    label: 'votes of the pixels',
    unit: 'share',
    distance: true,
    method: 'pixel-votes',
    settings: ['mode'],
    samples: true,
  },
  sampleContributions: {
    kind: 'SAMPLE',
    label: 'contributions to the output',
    unit: 'share',
    distance: true,
    method: 'output-contributions',
    samples: true,
  },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;
export const METRIC_NAMES = Object.keys(METRICS) as MetricName[];

/** A metric by its name. */
export function metricOf(name: MetricName): Metric {
  return METRICS[name];
}
